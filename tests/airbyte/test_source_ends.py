"""However a read ends, every stream gets its status, states are good, and nothing is lost."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from source_kit import (
    KEYS,
    PATIENCE,
    Json,
    Messages,
    Process,
    Table,
    asked,
    configured,
    leaked,
    not_airbyte,
    not_the_truth,
    read,
    run_source,
    untruths,
    usual,
)

from sandbox import Account, Fault, Quirks, Sandbox, Storm
from sandbox.answers.faults import RETRYABLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

UTC = dt.timezone.utc
NOW = dt.datetime(2024, 3, 31, 6, 30, tzinfo=UTC)
ACCOUNT = Account(seed=21, first_day=dt.date(2024, 3, 20), now=NOW)
MIDDLE = dt.date(2024, 3, 26)
KILLS = 12
posix_only = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no signals that a process could answer"
)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens elsewhere."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


# Signals and kills


@posix_only
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault("hang", "customers", MIDDLE), id="hang"),
        pytest.param(Fault("429", "customers", MIDDLE, retry_after=60), id="pause"),
    ],
)
def test_a_signal_ends_the_run_with_incomplete_streams_and_good_states(
    number: signal.Signals, code: int, fault: Fault, tmp_path: Path
) -> None:
    with Sandbox(ACCOUNT, faults=[fault]) as sandbox:
        config = sandbox.config(concurrency=1)
        catalog = configured(usual(tmp_path, config))
        with Process(tmp_path, config, catalog, NOW) as process:
            wait_until(lambda: any(seen.fault for seen in sandbox.requests))
            wait_until(lambda: len(process.messages.states("customers")) >= 6)
            process.popen.send_signal(number)
            assert process.ended() < 5
            run = process.messages
            assert process.raw.endswith(b"\n")
        assert (run.code, run.stderr, not_airbyte(run)) == (code, "", [])
        assert run.statuses("customers") == ["STARTED", "RUNNING", "INCOMPLETE"]
        assert run.statuses("tickets") == ["INCOMPLETE"], "it was configured as well"
        assert f"stopped by {number.name}" in run.log
        sandbox.faults = []
        sandbox.clear()
        later = read(tmp_path, config, NOW, catalog=catalog, state=run.state)
        assert not_the_truth(run.then(later), sandbox) == []
        lookback = dt.timedelta(days=2)
        assert min(asked(sandbox, "customers")) == MIDDLE - lookback, "from the last state on"


@posix_only
def test_a_run_whose_messages_nobody_takes_ends_all_the_same(tmp_path: Path) -> None:
    account = Account(first_day=dt.date(2024, 3, 20), now=NOW, tickets_per_day=400)
    with Sandbox(account) as sandbox:
        config = sandbox.config()
        catalog = configured(usual(tmp_path, config))
        with Process(tmp_path, config, catalog, NOW, reading=False) as process:
            wait_until(lambda: len(sandbox.requests) > 20)
            process.popen.send_signal(signal.SIGTERM)
            assert process.ended() < 6
            assert process.popen.returncode == 143


def test_a_closed_pipe_ends_the_run_with_one_line(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        config = sandbox.config()
        catalog = configured(usual(tmp_path, config))
        with Process(tmp_path, config, catalog, NOW, reading=False) as process:
            assert process.popen.stdout
            os.read(process.popen.stdout.fileno(), 1)
            process.popen.stdout.close()
            process.ended()
            run = process.messages
    assert run.code == 1
    assert run.stderr.startswith("stdout cannot be written any more")
    assert run.stderr.count("\n") == 1


def test_kills_at_any_moment_of_a_storm_lose_nothing(tmp_path: Path) -> None:
    rng = Random(8)  # noqa: S311 - when to kill is no secret
    tables: dict[str, Table] = {stream: {} for stream in KEYS}
    states: dict[str, Json] = {}
    places: set[str] = set()
    storm = Storm(0.2, seed=6, actions=RETRYABLE)

    def load(run: Messages) -> None:
        for stream in KEYS:
            tables[stream].update(run.table(stream))
        states.update({s["stream"]["stream_descriptor"]["name"]: s for s in run.state})

    with Sandbox(ACCOUNT, latency=0.03, storm=storm) as sandbox:
        config = sandbox.config(concurrency=2, max_retries=20)
        catalog = configured(usual(tmp_path, config))
        for _ in range(KILLS):
            state = list(states.values())
            with Process(tmp_path, config, catalog, NOW, state=state) as process:
                lines = rng.randrange(1, 60)
                wait_until(partial(over_or_wrote, process, lines))
                process.popen.kill()
                process.ended()
                load(process.messages)
            places.add(str(states))
        assert len(places) > KILLS / 2
        load(read(tmp_path, config, NOW, catalog=catalog, state=list(states.values())))
        for stream in KEYS:
            assert untruths(tables[stream], sandbox.truth(stream)) == []


def over_or_wrote(process: Process, lines: int) -> bool:
    """Whether the process has ended, or written so many lines."""
    return process.popen.poll() is not None or process.raw.count(b"\n") >= lines


def test_a_storm_of_faults_ends_in_the_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_kapture.wire.transport.LONGEST_WAIT", 0.2)
    storm = Storm(0.25, seed=4, actions=(*RETRYABLE, "hang", "slow"), seconds=1.5)
    with Sandbox(ACCOUNT, storm=storm, latency=0.01) as sandbox:
        config = sandbox.config(request_timeout=1, max_retries=20)
        run = read(tmp_path, config, NOW)
        assert (run.code, not_airbyte(run)) == (0, [])
        assert not_the_truth(run, sandbox) == []
        assert sum(bool(seen.fault) for seen in sandbox.requests) > 10


# Failures


FAILURES = [
    pytest.param({"auth_token": "wrong"}, [], "config_error", "Auth Key", id="credential"),
    pytest.param({}, [Fault("403", times=999)], "config_error", "403", id="permission"),
    pytest.param({}, [Fault("400", times=999)], "config_error", "400", id="refused"),
    pytest.param({}, [Fault("429", times=999)], "transient_error", "429", id="throttled"),
    pytest.param({}, [Fault("reset", times=999)], "transient_error", "connection", id="connection"),
    pytest.param({}, [Fault("500", times=999)], "system_error", "500", id="server"),
]


@pytest.mark.parametrize(("more", "faults", "kind", "words"), FAILURES)
def test_a_failure_says_whose_it_is(  # noqa: PLR0913, PLR0917 - a table
    more: dict[str, Any],
    faults: list[Fault],
    kind: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tap_kapture.wire.transport.LONGEST_WAIT", 0.05)
    with Sandbox(ACCOUNT, faults=faults) as sandbox:
        run = read(tmp_path, sandbox.config(max_retries=1, **more), NOW)
    assert (run.code, not_airbyte(run)) == (1, [])
    assert [error["failure_type"] for error in run.errors] == [kind, kind]
    assert [error["stream_descriptor"]["name"] for error in run.errors] == sorted(KEYS)
    assert all(words in error["message"] for error in run.errors)
    for stream in KEYS:
        assert run.statuses(stream)[-1] == "INCOMPLETE"


def test_one_failing_stream_does_not_stop_the_other(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT, faults=[Fault("403", stream="customers", times=999)]) as sandbox:
        run = read(tmp_path, sandbox.config(), NOW)
        assert not_the_truth(run, sandbox, streams=["tickets"]) == []
    assert run.code == 1
    assert run.statuses("customers") == ["STARTED", "INCOMPLETE"]
    assert run.statuses("tickets") == ["STARTED", "RUNNING", "COMPLETE"]
    (error,) = run.errors
    assert error["stream_descriptor"] == {"name": "customers"}


@pytest.mark.parametrize("mode", ["full_refresh", "incremental"])
def test_a_day_that_cannot_be_read_is_told_and_read_again(mode: str, tmp_path: Path) -> None:
    fault = Fault("400", stream="tickets", day=MIDDLE, times=999)
    with Sandbox(ACCOUNT, faults=[fault]) as sandbox:
        run = read(tmp_path, sandbox.config(), NOW, mode=mode)
        assert (run.code, not_airbyte(run)) == (1, [])
        (error,) = run.errors
        assert error["message"].startswith(f"tickets, day {MIDDLE}, offset 0: ")
        assert "All other days are loaded" in error["message"]
        assert run.statuses("tickets") == ["STARTED", "RUNNING", "INCOMPLETE"]
        assert run.statuses("customers")[-1] == "COMPLETE"
        sandbox.faults = []
        later = read(tmp_path, sandbox.config(), NOW, mode=mode, state=run.state)
        assert later.code == 0
        assert not_the_truth(run.then(later), sandbox) == []


def test_an_account_that_does_not_settle_is_told_on_too(tmp_path: Path) -> None:
    quirks = Quirks(order="unstable", page_cap=3)
    with Sandbox(ACCOUNT, quirks=quirks) as sandbox:
        run = read(tmp_path, sandbox.config(), NOW)
    assert (run.code, not_airbyte(run)) == (1, [])
    assert {error["failure_type"] for error in run.errors} == {"system_error"}


def test_what_nobody_expects_is_told_without_its_text(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        config = sandbox.config(tickets_paging="rows", customers_paging="rows")
        files = {"config": config, "catalog": configured(usual(tmp_path, config))}
        broken = {"SOURCE_BROKEN_DAY": MIDDLE.isoformat()}
        run = run_source(tmp_path, "read", files, at=NOW, environment=broken)
    assert (run.code, run.stderr, not_airbyte(run)) == (1, "", [])
    assert [error["failure_type"] for error in run.errors] == ["system_error"] * 2
    assert {error["internal_message"] for error in run.errors} == {"ZeroDivisionError"}
    assert all("broken_ask" in error["stack_trace"] for error in run.errors)
    assert leaked("\n".join(run.lines), ["Asha Rao in it"]) == []


# What is wrong before any request


BOOKMARK = {"replication_key": "date", "replication_key_value": "no date"}


def a_state(stream_state: object, kind: str = "STREAM") -> Json:
    """A state of tickets."""
    descriptor = {"name": "tickets"}
    return {"type": kind, "stream": {"stream_descriptor": descriptor, "stream_state": stream_state}}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        pytest.param(
            {"config": {"start_date": "soon"}}, "start_date: 'soon' is no date", id="value"
        ),
        pytest.param({"config": {"colour": 1}}, "colour: there is no such setting", id="unknown"),
        pytest.param({"config": {"stream_maps": {}}}, "stream_maps: there is no", id="singer"),
        pytest.param({"config": {"tickets_body": "[1]"}}, "tickets_body: must be the", id="body"),
        pytest.param({"config": {"tickets_body": '{"a": NaN}'}}, "body: must be the", id="nan"),
        pytest.param({"catalog": "{}"}, "no configured catalog", id="catalog"),
        pytest.param({"catalog": "[]"}, "must hold a JSON object", id="catalog_list"),
        pytest.param({"state": [a_state({}, "GLOBAL")]}, "states of type STREAM", id="global"),
        pytest.param({"state": {"bookmarks": {}}}, "states of type STREAM", id="singer_state"),
        pytest.param({"state": "nonsense"}, "is not JSON", id="no_state"),
    ],
)
def test_wrong_files_are_named_and_nothing_is_asked(
    files: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        catalog = configured(usual(tmp_path, sandbox.config()))
        config = sandbox.config(**files.get("config", {}))
        given = {"catalog": catalog, **files, "config": config}
        sandbox.clear()
        run = run_source(tmp_path, "read", given, at=NOW)
        assert sandbox.requests == []
    assert (run.code, run.stderr, not_airbyte(run)) == (1, "", [])
    (error,) = run.errors
    assert words in error["message"]
    assert error["failure_type"] == "config_error"
    expected = [] if "catalog" in files else ["INCOMPLETE"]
    assert [run.statuses(stream) for stream in KEYS] == [expected, expected]


def test_a_bookmark_that_is_no_date_stops_only_its_stream(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        run = read(tmp_path, sandbox.config(), NOW, state=[a_state(BOOKMARK)])
        assert not_the_truth(run, sandbox, streams=["customers"]) == []
    (error,) = run.errors
    assert error["failure_type"] == "config_error"
    assert "'no date', which is no date" in error["message"]
    assert run.statuses("tickets") == ["STARTED", "INCOMPLETE"]


def test_a_stream_that_is_not_there_stops_no_other(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        streams = usual(tmp_path, sandbox.config())
        config = sandbox.config(cm_id=None)
        unknown = {**streams[0], "name": "orders"}
        run = read(tmp_path, config, NOW, catalog=configured([unknown, *streams]))
        assert not_the_truth(run, sandbox, streams=["tickets"]) == []
    messages = [error["message"] for error in run.errors]
    assert messages[0].startswith("--catalog: there is no stream 'orders'; there are customer_co")
    assert messages[1].startswith("cm_id: customers is selected")
    assert run.code == 1


def test_whole_messages_of_a_run_are_a_state_too(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        first = read(tmp_path, sandbox.config(), NOW)
        messages = [message for message in first.all if message["type"] == "STATE"]
        sandbox.clear()
        again = read(tmp_path, sandbox.config(), NOW, state=messages)
        kept = read(tmp_path, sandbox.config(), NOW, state=first.state)
    assert again.records("tickets") == kept.records("tickets")
    assert len(again.records("tickets")) < len(first.records("tickets"))


def test_the_command_is_installed() -> None:
    command = [sys.executable, "-m", "tap_kapture.airbyte.main", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert all(name in shown for name in ("source-kapture", "spec", "check", "discover", "read"))
