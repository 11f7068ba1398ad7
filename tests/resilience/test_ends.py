"""However a run ends, it ends soon, says so in its exit code, and what is out is a whole."""

from __future__ import annotations

import datetime as dt
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from effort import soak
from resilience_kit import (
    KEYS,
    PATIENCE,
    Output,
    Process,
    Table,
    claimed,
    fold,
    only_whole_lines,
    pull,
    retries,
    untruths,
    untruths_of_days,
    wait_until,
)

from sandbox import Account, Fault, Quirks, Sandbox, Storm
from tap_kapture.errors import KaptureError

if TYPE_CHECKING:
    from collections.abc import Iterator

UTC = dt.timezone.utc
ACCOUNT = Account(
    seed=21,
    first_day=dt.date(2024, 3, 1),
    now=dt.datetime(2024, 3, 31, 6, 30, tzinfo=UTC),
)
BUSY = Account(
    seed=22, first_day=dt.date(2024, 3, 1), now=ACCOUNT.now, tickets_per_day=60, static=True
)
QUIET = Account(
    seed=23, first_day=dt.date(2024, 3, 1), now=ACCOUNT.now, tickets_per_day=1, customers_per_day=1
)
MIDDLE = dt.date(2024, 3, 15)
FOR_EVER = 10 * PATIENCE
"""Seconds that no run can wait for and still end in time."""
CODES = {signal.SIGTERM: 143, signal.SIGINT: 130}
BUFFERED, UNBUFFERED = {"PYTHONUNBUFFERED": ""}, {"PYTHONUNBUFFERED": "1"}
FAULTS = {
    "slow": Fault("slow", "tickets", MIDDLE, seconds=FOR_EVER),
    "hang": Fault("hang", "tickets", MIDDLE),
    "pause": Fault("429", "tickets", MIDDLE, retry_after=FOR_EVER),
    "all_slow": Fault("slow", "tickets", seconds=FOR_EVER, after=35, times=99),
}
posix_only = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no signals that a process could answer"
)
both_kinds_of_stdout = pytest.mark.parametrize(
    "environment", [BUFFERED, UNBUFFERED], ids=["buffered", "unbuffered"]
)


# Signals


ENDS = [
    pytest.param(
        number,
        environment,
        id=f"{number.name}-{'buffered' if environment is BUFFERED else 'unbuffered'}",
        # Each signal, and each kind of stdout, in one of the two that remain.
        marks=soak if (number is signal.SIGTERM) is (environment is BUFFERED) else (),
    )
    for number in CODES
    for environment in (BUFFERED, UNBUFFERED)
]


@posix_only
@pytest.mark.parametrize(("number", "environment"), ENDS)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_signal_ends_the_run_with_all_finished_days_out(
    number: signal.Signals, fault: Fault, environment: dict[str, str], tmp_path: Path
) -> None:
    with Sandbox(ACCOUNT, faults=[fault]) as sandbox:
        # A pause holds back every worker, those on the days before as well: one of them is exact.
        config = sandbox.config(concurrency=1 if fault.action == "429" else 4)
        with Process(tmp_path, config, sandbox.now, environment=environment) as process:
            wait_until(lambda: any(one.fault for one in sandbox.requests))
            wait_until(lambda: quiet(process))
            process.popen.send_signal(number)
            process.ended()
            output = process.output
            assert only_whole_lines(process)
        assert output.code == CODES[number]
        assert len(re.findall(f"stopped by {number.name}", output.log)) == 1
        assert_nothing_alarming(output)
        out = claimed(output.state, "tickets")
        assert len(out) > 10
        if fault.day:
            assert out[-1] == MIDDLE - dt.timedelta(days=1)
        table = output.table("tickets")
        assert untruths_of_days(table, sandbox, "tickets", out) == []
        sandbox.faults = []
        assert_goes_on(output, sandbox)


@posix_only
@both_kinds_of_stdout
def test_a_signal_leaves_all_finished_days_in_files(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with Sandbox(ACCOUNT, faults=[Fault("hang", "tickets", MIDDLE)]) as sandbox:
        config = sandbox.config(
            batch_config={
                "encoding": {"format": "jsonl", "compression": "none"},
                "storage": {"root": (tmp_path / "batches").as_uri()},
            }
        )
        with Process(tmp_path, config, sandbox.now, environment=environment) as process:
            wait_until(lambda: any(one.fault for one in sandbox.requests))
            process.popen.send_signal(signal.SIGTERM)
            process.ended()
            output = process.output
        assert output.code == 143
        assert_nothing_alarming(output)
        out = claimed(output.state, "tickets")
        assert len(out) > 5
        lines = [
            json.loads(line)
            for file in (tmp_path / "batches").glob("*tickets*")
            for line in file.read_text(encoding="utf-8").splitlines()
        ]
        table = {record["ticketId"]: record for record in lines}
        assert untruths_of_days(table, sandbox, "tickets", out) == []


@posix_only
@pytest.mark.parametrize(("number", "environment"), ENDS)
def test_a_signal_ends_the_run_even_while_the_target_does_not_read(
    number: signal.Signals, environment: dict[str, str], tmp_path: Path
) -> None:
    with Sandbox(BUSY) as sandbox, unread(tmp_path, sandbox, environment) as process:
        process.popen.send_signal(number)
        process.ended()
        process.read_the_rest()
        if sys.platform == "linux":  # elsewhere, nothing tells how much a pipe has room for
            assert only_whole_lines(process)
        assert_days_out_and_going_on(process, CODES[number], sandbox)


@posix_only
@pytest.mark.parametrize(("number", "environment"), ENDS)
def test_a_signal_leaves_whole_lines_to_a_target_that_reads_slowly(
    number: signal.Signals, environment: dict[str, str], tmp_path: Path
) -> None:
    with Sandbox(BUSY) as sandbox, unread(tmp_path, sandbox, environment) as process:
        process.popen.send_signal(number)
        reader = threading.Thread(target=process.read_the_rest, args=(4096, 0.02), daemon=True)
        reader.start()
        process.ended()
        reader.join(PATIENCE)
        assert only_whole_lines(process)
        assert_days_out_and_going_on(process, CODES[number], sandbox)


@posix_only
@both_kinds_of_stdout
def test_a_second_signal_changes_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    with (
        Sandbox(ACCOUNT, faults=[Fault("hang", "tickets", MIDDLE)]) as sandbox,
        Process(tmp_path, sandbox.config(), sandbox.now, environment=environment) as process,
    ):
        wait_until(lambda: any(one.fault for one in sandbox.requests))
        process.popen.send_signal(signal.SIGTERM)
        process.popen.send_signal(signal.SIGTERM)
        process.ended()
        assert process.output.code == 143
        assert only_whole_lines(process)
        assert_nothing_alarming(process.output)


@contextmanager
def unread(folder: Path, sandbox: Sandbox, environment: dict[str, str]) -> Iterator[Process]:
    """The tap in the middle of a large write, because nobody reads the days it has written."""
    config = sandbox.config()
    del config["cm_id"]  # a day of customers is small
    with Process(folder, config, sandbox.now, reading=False, environment=environment) as process:
        asked_until_it_stops(sandbox)
        assert process.popen.poll() is None
        yield process


def assert_days_out_and_going_on(process: Process, code: int, sandbox: Sandbox) -> None:
    """All days that are out are claimed, but for one under way, and the claim is true."""
    output = process.output
    assert output.code == code
    assert_nothing_alarming(output)
    out = claimed(output.state, "tickets")
    table = output.table("tickets")
    assert untruths_of_days(table, sandbox, "tickets", out) == []
    under_way = out[-1] + dt.timedelta(days=1) if out else BUSY.first_day
    known = {key for day in [*out, under_way] for key in sandbox.truth_of_day("tickets", day)}
    assert table.keys() <= known
    assert_goes_on(output, sandbox)


# Nobody to write to


@posix_only
@pytest.mark.parametrize("account", [QUIET, BUSY], ids=["small_writes", "large_writes"])
def test_a_pipe_that_its_reader_closes_ends_the_run_on_one_line(
    account: Account, tmp_path: Path
) -> None:
    with (
        Sandbox(account, latency=0.05) as sandbox,
        Process(tmp_path, sandbox.config(), sandbox.now, reading=False) as process,
    ):
        pipe = process.popen.stdout
        assert pipe
        assert json.loads(pipe.readline())["type"] == "SCHEMA"
        pipe.close()
        process.ended()
        assert process.popen.returncode == 1
        assert_one_line(process.output, "stdout cannot be written any more: Broken pipe")


@posix_only
def test_a_target_that_dies_ends_the_run_on_one_line(tmp_path: Path) -> None:
    target = "import sys; [sys.stdin.readline() for _ in range(100)]; sys.exit(3)"
    with Sandbox(BUSY, latency=0.05) as sandbox:
        reader = subprocess.Popen([sys.executable, "-c", target], stdin=subprocess.PIPE)
        pipe = reader.stdin
        assert pipe
        with Process(tmp_path, sandbox.config(), sandbox.now, stdout=pipe) as process:
            pipe.close()
            assert reader.wait(PATIENCE) == 3
            process.ended()
            assert process.popen.returncode == 1
            assert_one_line(process.output, "stdout cannot be written any more: Broken pipe")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is full")
def test_a_full_disk_ends_the_run_on_one_line(tmp_path: Path) -> None:
    with (
        Sandbox(ACCOUNT) as sandbox,
        Path("/dev/full").open("wb") as disk,
        Process(tmp_path, sandbox.config(), sandbox.now, stdout=disk) as process,
    ):
        process.ended()
        assert process.popen.returncode == 1
        assert_one_line(process.output, "stdout cannot be written any more: No space left")


# Servers that do not answer, and faults of the tap's own


def test_a_server_that_hangs_is_given_up_after_request_timeout_and_asked_again(
    tmp_path: Path,
) -> None:
    with Sandbox(ACCOUNT, faults=[Fault("hang", "tickets", MIDDLE, times=2)]) as sandbox:
        config = sandbox.config(request_timeout=1)
        with Process(tmp_path, config, sandbox.now) as process:
            process.ended()
            output = process.output
        assert output.code == 0
        for stream in KEYS:
            assert untruths(output.table(stream), sandbox.truth(stream)) == []
        waits = [
            one.finished - one.started for one in sandbox.requests if one.fault and one.finished
        ]
    assert len(waits) == 2
    assert min(waits) > 0.9
    reasons = [(retry.day, retry.reason) for retry in retries(output.log)]
    assert reasons == [(MIDDLE.isoformat(), "no answer within request_timeout")] * 2


def test_a_server_that_hangs_for_ever_fails_the_run_at_that_day(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT, faults=[Fault("hang", "tickets", MIDDLE, times=99)]) as sandbox:
        config = sandbox.config(request_timeout=1, max_retries=1)
        with Process(tmp_path, config, sandbox.now) as process:
            process.ended()
            output = process.output
            assert only_whole_lines(process)
        assert_one_line(output, f"tickets, day {MIDDLE}, offset 0: no answer within")
        assert output.code == 1
        assert_everything_before_the_middle(output, sandbox)


@pytest.mark.parametrize("concurrency", [1, 8])
def test_what_nobody_expects_fails_the_run_at_its_day_with_all_earlier_days_out(
    concurrency: int, tmp_path: Path
) -> None:
    environment = {"TAP_BROKEN_DAY": MIDDLE.isoformat()}
    with Sandbox(ACCOUNT, latency=0.01) as sandbox:
        # Without customers, whose day would break first.
        config = sandbox.config(concurrency=concurrency)
        del config["cm_id"]
        with Process(tmp_path, config, sandbox.now, environment=environment) as process:
            process.ended()
            output = process.output
            assert only_whole_lines(process)
        assert output.code not in {0, 143, 130}
        assert "nobody expects this" in output.log
        assert_everything_before_the_middle(output, sandbox)


# No thread outlives the run


def test_no_worker_is_left_after_a_good_run() -> None:
    with Sandbox(ACCOUNT) as sandbox:
        pull(sandbox.config(concurrency=8), sandbox.now)
        assert workers() == []


@pytest.mark.parametrize(
    "action",
    ["403", "no_key", *(pytest.param(one, marks=soak) for one in ("404", "failed", "bad_message"))],
)
def test_no_worker_is_left_after_a_run_that_failed_while_others_awaited_answers(
    action: str,
) -> None:
    faults = [
        Fault(action, "tickets", MIDDLE),  # type: ignore[arg-type]  # one of the actions
        Fault("slow", "tickets", times=99, after=24, seconds=1),
    ]
    with Sandbox(ACCOUNT, faults=faults) as sandbox:
        with pytest.raises(KaptureError, match=f"tickets, day {MIDDLE}"):
            pull(sandbox.config(concurrency=8), sandbox.now)
        begun = len(sandbox.requests)
        wait_until(lambda: workers() == [])
        assert len(sandbox.requests) - begun < 8, "each ends behind the answer it awaits"


def test_no_worker_is_left_when_the_others_wait_to_try_again_or_for_room() -> None:
    later = [MIDDLE + dt.timedelta(days=number) for number in range(1, 4)]
    faults = [
        Fault("403", "tickets", MIDDLE),
        *(Fault("500", "tickets", day, times=99) for day in later),
    ]
    with Sandbox(BUSY, faults=faults) as sandbox:
        with pytest.raises(KaptureError, match=f"tickets, day {MIDDLE}"):
            pull(sandbox.config(concurrency=8, page_size=20, max_retries=99), sandbox.now)
        wait_until(lambda: workers() == [])
        tried = Counter(one.day for one in sandbox.requests if one.day in later)
        assert max(tried.values()) < 20, "nobody waits for the other days"


def workers() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("kapture-")]


# One at a time or eight


def test_one_at_a_time_and_eight_write_the_same_whatever_the_answers_take() -> None:
    written = set()
    account = replace(ACCOUNT, first_day=dt.date(2024, 3, 20))
    for concurrency, seed in ((1, 0), (8, 1), (3, 3)):
        jitter = Storm(0.3, seed=seed, actions=("slow",), seconds=0.1 if concurrency > 1 else 0.01)
        quirks = Quirks(order="shuffled", duplicates=True, unknown_keys=True)
        with Sandbox(account, storm=jitter, quirks=quirks) as sandbox:
            output = pull(sandbox.config(concurrency=concurrency, page_size=3), sandbox.now)
        written.add(without_times(output))
    assert len(written) == 1


def without_times(output: Output) -> str:
    """The output without times, and without how far the workers were ahead of it."""
    text, count = re.subn(r'"time_extracted":"[^"]+"', "", "\n".join(output.lines))
    text = re.sub(r'"dialect":{[^}]*}', "", text)
    assert count == sum(len(output.records(stream)) for stream in KEYS)
    return text


# What the ends have in common


def quiet(process: Process) -> bool:
    """Whether days are out, and nothing more comes: the tap waits for an answer."""
    size = len(process.raw)
    time.sleep(0.3)
    return b'"STATE"' in process.raw and len(process.raw) == size


def asked_until_it_stops(sandbox: Sandbox) -> None:
    """Wait until no more requests come: everything that may wait in the tap waits."""

    def stopped() -> bool:
        count = len(sandbox.requests)
        time.sleep(0.5)
        return 0 < count == len(sandbox.requests)

    wait_until(stopped)


def assert_nothing_alarming(output: Output) -> None:
    for word in ("Traceback", "Exception", "| ERROR", "| CRITICAL"):
        assert word not in output.log


def assert_one_line(output: Output, beginning: str) -> None:
    (error,) = output.errors()
    assert error.startswith(beginning)
    for word in ("Traceback", "Exception", "Error:"):
        assert word not in output.log
    assert output.log.endswith(f"{error}\n")


def assert_everything_before_the_middle(output: Output, sandbox: Sandbox) -> None:
    out = claimed(output.state, "tickets")
    assert (out[0], out[-1]) == (ACCOUNT.first_day, MIDDLE - dt.timedelta(days=1))
    assert untruths_of_days(output.table("tickets"), sandbox, "tickets", out) == []


def assert_goes_on(output: Output, sandbox: Sandbox) -> None:
    """The next run, from the last STATE, ends in the truth."""
    tables: dict[str, Table] = {}
    fold(tables, output)
    fold(tables, pull(sandbox.config(), sandbox.now, state=output.state))
    for stream in KEYS:
        assert untruths(tables[stream], sandbox.truth(stream)) == []
