"""Through storms, limits and kills: what arrives is the truth, and the server is never pressed."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from effort import soak
from resilience_kit import (
    KEYS,
    Process,
    Retry,
    Table,
    fold,
    pull,
    retries,
    show,
    untruths,
    wait_until,
)

from sandbox import Account, Fault, RateLimit, Sandbox, Storm
from sandbox.answers.faults import RETRYABLE

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Seen

UTC = dt.timezone.utc
SIXTY_DAYS = Account(
    seed=11,
    first_day=dt.date(2024, 2, 1),
    now=dt.datetime(2024, 3, 31, 6, 30, tzinfo=UTC),
)
THREE_WEEKS = replace(SIXTY_DAYS, first_day=dt.date(2024, 3, 10))
CONCURRENCY = 4
AT_ONCE = tuple(one for one in RETRYABLE if one not in {"429", "429_date", "503"})
"""Faults after which the next try need not wait long."""
TIMEOUT = "no answer within request_timeout"
REASONS = {
    "rate_limit": "HTTP 429",
    "max_concurrency": "HTTP 503",
    "429": "HTTP 429",
    "429_date": "HTTP 429",
    "503": "HTTP 503",
    "500": "HTTP 500",
    "502": "HTTP 502",
    "504": "HTTP 504",
    "408": "HTTP 408",
    "reset": "the connection failed",
    "cut": "the answer broke off",
    "html": "the body is not JSON",
    "server_failure": "Kapture answered 'ServerFailure'",
    "hang": TIMEOUT,
    "slow": TIMEOUT,
}


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("tap_kapture.wire.transport.LONGEST_WAIT", 0.3)
    caplog.set_level(logging.INFO)


def storm(account: Account, **limits: Any) -> Sandbox:  # noqa: ANN401 - as the sandbox takes them
    """Every fault that another try cures, at a third of all requests, and some longer pauses."""
    return Sandbox(
        account,
        storm=Storm(0.3, seed=4, actions=AT_ONCE),
        faults=[
            Fault("hang", after=10, times=2, seconds=1.5),
            Fault("slow", after=50, times=2, seconds=1.5),
            Fault("429", retry_after=1, after=20),
            Fault("503", retry_after=0.5, after=40),
            Fault("429_date", retry_after=1, after=60),
            Fault("503", retry_after=1.5, after=80),
        ],
        latency=0.01,
        **limits,
    )


@pytest.mark.parametrize(
    "account", [THREE_WEEKS, pytest.param(SIXTY_DAYS, marks=soak)], ids=["weeks", "months"]
)
@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(
            {"rate_limit": RateLimit(20, burst=60), "max_concurrency": 2}, id="both_limits"
        ),
        pytest.param({}, id="faults_alone", marks=soak),
        pytest.param({"rate_limit": RateLimit(5, burst=150)}, id="five_a_second", marks=soak),
        pytest.param({"max_concurrency": 2}, id="two_at_once", marks=soak),
    ],
)
def test_a_storm_ends_in_the_truth_and_no_request_is_sent_through_a_closed_gate(
    limits: dict[str, Any], account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    with storm(account, **limits) as sandbox:
        config = sandbox.config(concurrency=CONCURRENCY, request_timeout=1, max_retries=20)
        output = pull(config, sandbox.now)
        for stream in KEYS:
            assert untruths(output.table(stream), sandbox.truth(stream)) == []
        seen, peak = sandbox.requests, sandbox.peak_in_flight
    harmed = Counter(one.fault for one in seen if one.fault)
    show(f"{len(seen)} requests, {sum(harmed.values())} failed, peak {peak}")
    show(", ".join(f"{count} x {fault}" for fault, count in sorted(harmed.items())))
    assert harmed.keys() >= {*RETRYABLE, "hang", "slow", "429_date"}
    assert_gate_is_kept(seen)
    assert 1 < peak <= CONCURRENCY
    assert_each_retry_is_logged_once(harmed, retries(caplog.text))


def assert_gate_is_kept(seen: list[Seen]) -> None:
    """While a pause lasts, nothing arrives but what was on its way when it was asked for."""
    pauses = [(one.finished, one.retry_after) for one in seen if one.finished and one.retry_after]
    assert pauses
    for since, pause in pauses:
        late = [one for one in seen if since < one.started < since + pause - 0.05]
        assert len(late) < CONCURRENCY


def assert_each_retry_is_logged_once(harmed: Counter[str], logged: list[Retry]) -> None:
    expected: Counter[str] = Counter()
    for fault, count in harmed.items():
        expected[REASONS[fault]] += count
    found = Counter(retry.reason for retry in logged)
    # On a busy machine, more answers than those of the storm are late.
    assert found.pop(TIMEOUT) >= expected.pop(TIMEOUT)
    assert found == expected
    assert {retry.most for retry in logged} == {21}
    assert all(1 < retry.tries <= retry.most for retry in logged)
    # Waits of the tap's own are random up to its bound; longer ones are what the server asked for.
    own = [retry.wait for retry in logged if retry.reason not in {"HTTP 429", "HTTP 503"}]
    assert max(own) <= 0.3
    assert len(set(own)) > 1


def test_a_pause_that_one_worker_is_asked_for_holds_all_of_them() -> None:
    day = dt.date(2024, 2, 10)
    with Sandbox(SIXTY_DAYS, latency=0.02) as sandbox:
        sandbox.faults = [Fault("429", stream="tickets", day=day, retry_after=2)]
        pull(sandbox.config(concurrency=8), sandbox.now)
        (refused,) = [one for one in sandbox.requests if one.fault]
        assert refused.finished
        under_way = [
            one
            for one in sandbox.requests
            if refused.finished < one.started < refused.finished + 1.95
        ]
        assert len(under_way) < 8, "only what was on its way"
        after = [one for one in sandbox.requests if one.started > refused.finished + 1.95]
        assert len(after) > 50
        assert max(one.in_flight for one in after[:10]) <= 4, "half of 8, at first"
        assert max(one.in_flight for one in after) > 4, "and back again"


def test_a_request_is_given_up_after_max_retries_and_all_other_days_are_out(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    day = dt.date(2024, 2, 20)
    with Sandbox(SIXTY_DAYS) as sandbox:
        sandbox.faults = [Fault("502", stream="tickets", day=day, times=99)]
        config = sandbox.config(max_retries=3, concurrency=8)
        with Process(tmp_path, config, sandbox.now) as process:
            process.ended()
            output = process.output
        assert output.code == 1
        (error,) = output.errors()
        assert error.startswith("tickets, day 2024-02-20, offset 0: HTTP 502")
        assert [retry.tries for retry in retries(output.log)] == [2, 3, 4]
        assert output.bookmark("tickets")["days"][day.isoformat()]["trouble"] == "unread"
        bad = sandbox.truth_of_day("tickets", day)
        rest = {key: row for key, row in sandbox.truth("tickets").items() if key not in bad}
        assert untruths(output.table("tickets"), rest) == []
        sandbox.faults = []
        later = pull(config, sandbox.now, state=output.state)
        table = output.then(later).table("tickets")
        assert untruths(table, sandbox.truth("tickets")) == []
    assert "Traceback" not in output.log
    assert retries(caplog.text) == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("kills", "account"),
    [
        pytest.param(3, THREE_WEEKS, id="3_kills"),
        pytest.param(20, SIXTY_DAYS, id="20_kills", marks=soak),
    ],
)
def test_a_storm_and_kills_end_in_the_truth(kills: int, account: Account, tmp_path: Path) -> None:
    rng = Random(8)  # noqa: S311 - when to kill is no secret
    tables: dict[str, Table] = {}
    state: dict[str, Any] = {}
    places: set[str] = set()
    killed = 0
    with Sandbox(account, latency=0.06, storm=Storm(0.2, seed=6, actions=AT_ONCE)) as sandbox:
        while killed < kills:
            config = sandbox.config(concurrency=2, max_retries=20)
            environment = {"TAP_LONGEST_WAIT": "0.05"}
            with Process(
                tmp_path, config, sandbox.now, state=state, environment=environment
            ) as process:
                lines = rng.randrange(1, 60)
                wait_until(partial(over_or_wrote, process, lines))
                time.sleep(rng.random() * 0.2)
                process.popen.kill()
                process.ended()
                killed += process.popen.returncode != 0
            output = process.output
            fold(tables, output)
            state = output.state or state
            places.add(json.dumps(state))
        show(f"{killed} kills at {len(places)} places of the load; the last state: {state}")
        assert len(places) > kills / 2
        fold(tables, pull(sandbox.config(max_retries=20), sandbox.now, state=state))
        for stream in KEYS:
            assert untruths(tables[stream], sandbox.truth(stream)) == []


def over_or_wrote(process: Process, lines: int) -> bool:
    """Whether the process has ended, or written so many lines."""
    return process.popen.poll() is not None or process.raw.count(b"\n") >= lines


def test_a_retry_says_where_why_and_how_long_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    account = Account(first_day=dt.date(2024, 3, 30))
    with Sandbox(account, faults=[Fault("503", stream="tickets", retry_after=0.4)]) as sandbox:
        pull(sandbox.config(concurrency=1), sandbox.now)
    (line,) = [record.getMessage() for record in caplog.records if "try 2" in record.getMessage()]
    assert re.fullmatch(r"tickets, day 2024-03-30, offset 0: HTTP 503; try 2 of 9 in 0\.4 s", line)
