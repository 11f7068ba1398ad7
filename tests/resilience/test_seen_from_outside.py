"""What a run tells its operator, and the SDK's metrics, are what the server saw."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from resilience_kit import KEYS, Output, Process, metrics, retries

from sandbox import Account, Fault, Quirks, Sandbox, Storm

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

UTC = dt.timezone.utc
ACCOUNT = Account(
    seed=31,
    first_day=dt.date(2024, 3, 1),
    now=dt.datetime(2024, 3, 20, 20, 30, tzinfo=UTC),
)
NEW = 21
OPEN = {"Pending", "Open"}
JSON_LOGS = """
version: 1
disable_existing_loggers: false
formatters:
  structured:
    (): singer_sdk.logging.StructuredFormatter
handlers:
  stderr:
    class: logging.StreamHandler
    formatter: structured
    stream: ext://sys.stderr
root:
  level: INFO
  handlers: [stderr]
"""
SUMMARY = re.compile(
    r"(?P<stream>\w+): (?P<records>\d+) records from (?P<new>\d+) new, (?P<reread>\d+) re-read "
    r"\((?P<unchanged>\d+) unchanged\) and (?P<backfilled>\d+) backfilled days in \d+\.\d s; "
    r"(?P<requests>\d+) requests, (?P<retries>\d+) retries, (?P<waited>\d+\.\d) s waited; "
    r"following (?P<open>\d+) open tickets on (?P<open_days>\d+) days$",
    re.MULTILINE,
)
# What the sandbox sends no answer to, or no whole one.
UNANSWERED = {"reset", "cut", "hang"}


def run(
    folder: Path,
    sandbox: Sandbox,
    *,
    state: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    **config: object,
) -> Output:
    settings = sandbox.config(**config)
    with Process(folder, settings, sandbox.now, state=state, environment=environment) as process:
        process.ended()
        return process.output


def summary(output: Output, stream: str) -> dict[str, float]:
    """The numbers of a stream's only summary."""
    (found,) = [found for found in SUMMARY.finditer(output.log) if found["stream"] == stream]
    return {name: float(text) for name, text in found.groupdict().items() if name != "stream"}


def counted(output: Output, metric: str, stream: str) -> int:
    """The sum of a counter, or the number of times that a timer was stopped."""
    values = [
        point["value"] if point["type"] == "counter" else 1
        for point in metrics(output.log)
        if point["metric"] == metric and point["tags"]["stream"] == stream
    ]
    return int(sum(values))


@pytest.mark.parametrize("concurrency", [1, 4])
def test_the_sdk_metrics_count_what_the_server_saw(concurrency: int, tmp_path: Path) -> None:
    with Sandbox(ACCOUNT, storm=Storm(0.2, seed=2)) as sandbox:
        output = run(tmp_path, sandbox, concurrency=concurrency, max_retries=20)
        seen = sandbox.requests
    assert output.code == 0
    for stream in KEYS:
        mine = [one for one in seen if one.stream == stream]
        answered = [one for one in mine if one.fault not in UNANSWERED]
        assert len(answered) < len(mine)
        assert counted(output, "http_request_count", stream) == len(mine)
        assert counted(output, "record_count", stream) == len(output.records(stream))
        assert counted(output, "sync_duration", stream) == 1
    kinds = {point["metric"] for point in metrics(output.log)}
    assert "http_request_duration" not in kinds, "a line for each request hides all others"


def test_the_summary_of_a_first_load_is_right(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT, storm=Storm(0.2, seed=3)) as sandbox:
        output = run(tmp_path, sandbox, max_retries=20)
        ledger = output.bookmark("tickets")["days"]
        rows = sandbox.truth("tickets").values()
        today = sandbox.truth_of_day("tickets", sandbox.today).values()
        seen = sandbox.requests
    for stream in KEYS:
        numbers = summary(output, stream)
        mine = [one for one in seen if one.stream == stream]
        tries = [retry for retry in retries(output.log) if retry.stream == stream]
        assert numbers["records"] == len(output.records(stream))
        assert (numbers["new"], numbers["reread"], numbers["backfilled"]) == (NEW, 0, 0)
        assert numbers["unchanged"] == 0
        assert numbers["requests"] == len(mine)
        assert numbers["retries"] == len(tries) == sum(bool(one.fault) for one in mine)
        assert numbers["waited"] == pytest.approx(sum(t.wait for t in tries), abs=len(tries) / 20)
    tickets = summary(output, "tickets")
    # Today is read in every run anyway, so it is not in the ledger.
    of_today = [row["status"] in OPEN for row in today].count(True)
    assert tickets["open"] == [row["status"] in OPEN for row in rows].count(True)
    assert tickets["open"] - of_today == sum(entry["open"] for entry in ledger.values()) > 0
    followed = sum(entry["open"] > 0 for entry in ledger.values())
    assert tickets["open_days"] == followed + (of_today > 0)
    assert summary(output, "customers")["open"] == 0


def test_the_summary_of_a_later_run_tells_re_read_unchanged_and_backfilled_days(
    tmp_path: Path,
) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        first = run(tmp_path, sandbox, start_date="2024-03-05")
        sandbox.advance(hours=26)
        sandbox.clear()
        output = run(tmp_path, sandbox, state=first.state)
        read = {one.day for one in sandbox.requests if one.stream == "tickets" and one.day}
        again = {dt.date.fromisoformat(day) for day in first.bookmark("tickets")["days"]}
        emitted = {
            dt.datetime.fromisoformat(record["date"]).astimezone(ACCOUNT.zone).date()
            for record in output.records("tickets")
        }
    numbers = summary(output, "tickets")
    assert numbers["reread"] == len(again)
    assert numbers["unchanged"] == len(again - emitted) > 0
    assert len(again & emitted) > 0
    assert numbers["backfilled"] == 4
    assert numbers["new"] == len(read) - len(again) - 4 == 2
    assert numbers["records"] == len(output.records("tickets"))
    assert "no longer followed" not in output.log


def test_days_given_up_and_values_that_fit_no_column_are_summed_up(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT, quirks=Quirks(unknown_keys=True, bad_numbers=True)) as sandbox:
        config: dict[str, Any] = {"closed_statuses": ["x"], "open_ticket_refresh_days": 6}
        first = run(tmp_path, sandbox, **config)
        sandbox.advance(days=3)
        output = run(tmp_path, sandbox, state=first.state, **config)
    gone = first.bookmark("tickets")["days"].keys() - output.bookmark("tickets")["days"].keys()
    count = sum(first.bookmark("tickets")["days"][day]["open"] for day in gone)
    assert (
        f"tickets: {count} open tickets on {len(gone)} days are older than "
        "open_ticket_refresh_days and no longer followed"
    ) in output.log
    (today,) = [
        row["open"]
        for row in output.records("pulled_days")
        if row["stream"] == "tickets" and not row["closed"]
    ]
    kept = output.bookmark("tickets")["days"].values()
    assert today > 0
    assert summary(output, "tickets")["open"] == sum(entry["open"] for entry in kept) + today
    (line,) = [line for line in output.log.splitlines() if "tickets: kept in extra_fields" in line]
    extras = Counter(
        key for record in output.records("tickets") for key in record["extra_fields"] or {}
    )
    assert extras
    for key, times in extras.items():
        assert f"'{key}' ({times})" in line


def test_machines_read_a_summary_of_each_stream(tmp_path: Path) -> None:
    bad_day = ACCOUNT.first_day + dt.timedelta(days=3)
    faults = [Fault("400", "tickets", day=bad_day, times=99)]
    with Sandbox(ACCOUNT, faults=faults) as sandbox:
        output = run(tmp_path, sandbox)
        today = sandbox.today
    marker = "SUMMARY: "
    told = [json.loads(line.split(marker)[1]) for line in output.log.splitlines() if marker in line]
    assert [one["stream"] for one in told] == ["customers", "tickets"]
    for one in told:
        words = summary(output, one["stream"])
        assert one["records"] == words["records"] == len(output.records(one["stream"]))
        assert one["requests"] == words["requests"]
        assert one["days"] == {"re-read": 0, "new": words["new"], "backfill": 0}
        assert one["open_tickets"] == words["open"]
        assert one["whole_until"] == (today - dt.timedelta(days=1)).isoformat()
        assert dt.datetime.fromisoformat(one["as_of"]) < dt.datetime.now(dt.timezone.utc)
    assert [one["unread_days"] for one in told] == [[], [bad_day.isoformat()]]


def test_a_run_that_fails_at_once_tells_nothing_but_its_error(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        output = run(tmp_path, sandbox, auth_token="wr0ng")  # noqa: S106 - made up
    assert output.code == 1
    assert "0 records" not in output.log
    assert "SUMMARY" not in output.log


def test_progress_is_told_while_a_load_goes_on(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT, latency=0.05) as sandbox:
        output = run(tmp_path, sandbox, environment={"TAP_PROGRESS_EVERY": "0.25"}, concurrency=2)
    lines = re.findall(
        r"tickets: at day (\S+), (\d+) of (\d+) days done, (\d+) records, "
        r"(\d+) records/s, (?:time left unknown|(\d+) s left)$",
        output.log,
        re.MULTILINE,
    )
    assert len(lines) >= 2
    done = [int(line[1]) for line in lines]
    assert done == sorted(done)
    assert 0 < done[-1] < NEW
    assert {line[2] for line in lines} == {str(NEW)}
    day = (ACCOUNT.first_day + dt.timedelta(days=done[-1])).isoformat()
    assert lines[-1][0] == day
    assert 0 < int(lines[-1][3]) <= len(output.records("tickets"))
    assert int(lines[-1][4]) > 0


def test_a_short_run_tells_no_progress(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        assert "days done" not in run(tmp_path, sandbox).log


@pytest.mark.parametrize(
    ("faults", "code", "level", "said"),
    [
        ([], 0, "info", "tickets: "),
        ([Fault("503", "tickets", retry_after=0.1)], 0, "warning", "HTTP 503; try 2 of 9"),
        ([Fault("403", "tickets")], 1, "error", "tickets, day 2024-03-20, offset 0: Kapture"),
    ],
    ids=["good", "retry", "failure"],
)
def test_with_structured_logging_every_line_is_json(
    faults: list[Fault], code: int, level: str, said: str, tmp_path: Path
) -> None:
    config = tmp_path / "logging.yaml"
    config.write_text(JSON_LOGS, encoding="utf-8")
    environment = {"SINGER_SDK_LOG_CONFIG": str(config)}
    with Sandbox(ACCOUNT, faults=faults) as sandbox:
        output = run(tmp_path, sandbox, environment=environment, concurrency=1)
    assert output.code == code
    lines = [json.loads(line) for line in output.log.splitlines()]
    assert all(isinstance(line["message"], str) for line in lines)
    own = [line for line in lines if line["logger_name"] == "tap-kapture"]
    assert any(line["level"] == level and said in line["message"] for line in own)
    assert all("exception" not in line for line in lines)
    points = [line["metric_info"]["metric"] for line in lines if line["message"] == "METRIC"]
    assert {"http_request_count", "record_count"} <= set(points)
    # A stream that fails before any of its days is read has no summary.
    told = [line for line in own if SUMMARY.match(line["message"])]
    assert len(told) == (1 if code else 2)
