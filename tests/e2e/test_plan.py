"""`tap-kapture plan` names the days that a run then asks for, and asks nothing itself."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import forked
import pytest
from still_account import ACCOUNT, DAY, FIRST
from tap_process import TIMEOUT, Json, asked, command_line, pull

from sandbox import Sandbox
from tap_kapture.advice.command import parse, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from subprocess import CompletedProcess


@pytest.fixture
def account() -> Iterator[Sandbox]:
    with Sandbox(ACCOUNT) as sandbox:
        yield sandbox


def command(
    folder: Path, sandbox: Sandbox, state: Json, *options: str, **settings: object
) -> CompletedProcess[str]:
    files = {"config": sandbox.config(**settings), "state": state}
    (_, script, *given), variables = command_line(folder, files, at=sandbox.now)
    return forked.run([script, "plan", *given, *options], folder, variables, TIMEOUT)


def planned(folder: Path, sandbox: Sandbox, state: Json, **settings: object) -> dict[str, Json]:
    ended = command(folder, sandbox, state, "--json", **settings)
    assert ended.returncode == 0, ended.stderr
    return {plan["stream"]: plan for plan in json.loads(ended.stdout)}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_state_may_come_from_a_pipe(account: Sandbox, tmp_path: Path) -> None:
    """As in `--state <(meltano state get ...)`, which can be read only once."""
    state = pull(account.config(), account.now).state
    source, sink = os.pipe()
    os.write(sink, json.dumps(state).encode())
    os.close(sink)
    options = parse(["plan", "--config", str(tmp_path), "--state", f"/dev/fd/{source}"])
    assert state_of(options) == state
    os.close(source)


def test_its_days_are_those_that_a_run_asks_for(account: Sandbox, tmp_path: Path) -> None:
    state: Json = {}
    for start in (FIRST + 4 * DAY, FIRST + 4 * DAY, FIRST):
        settings = {"start_date": start.isoformat(), "lookback_days": 1}
        account.clear()
        plans = planned(tmp_path, account, state, **settings)
        assert account.requests == []
        state = pull(account.config(**settings), account.now, state=state).state
        for stream, plan in plans.items():
            days = sorted(day["day"] for day in plan["days"])
            assert days == [day.isoformat() for day in asked(account, stream)]
            sent = sum(seen.stream == stream for seen in account.requests)
            assert len(days) == plan["requests_at_least"] <= sent
            assert plan["backfill_days"] == (4 if start == FIRST else 0)
        account.advance(days=2)


def test_it_says_why_a_day_is_read(account: Sandbox, tmp_path: Path) -> None:
    bad_day, settings = account.today - 6 * DAY, {"closed_statuses": ["never"]}
    state = pull(account.config(**settings), account.now).state
    state["bookmarks"]["tickets"]["days"][bad_day.isoformat()]["trouble"] = "unread"
    plans = planned(tmp_path, account, state, **settings)
    why = {day["day"]: day["why"] for day in plans["tickets"]["days"]}
    assert why[bad_day.isoformat()] == "again: the last run left it unread"
    busy = (account.today - 5 * DAY).isoformat()
    assert why[busy].endswith(" open tickets")
    assert why[account.today.isoformat()].startswith("new: ")
    assert {day["reason"] for day in plans["customers"]["days"]} == {"re-read", "new"}


def test_people_read_runs_of_days(account: Sandbox, tmp_path: Path) -> None:
    ended = command(tmp_path, account, {})
    counts = "14 days (0 re-read, 14 new, 0 backfill), at least 14 requests, 0 of them"
    assert ended.stdout.splitlines()[:2] == [
        f"tickets: {counts} for the backfill",
        "  2024-03-18 to 2024-03-31 (14): the first load",
    ]


def test_a_whole_line_of_output_is_a_state_too(account: Sandbox, tmp_path: Path) -> None:
    state = pull(account.config(), account.now).state
    line = {"type": "STATE", "value": state}
    assert planned(tmp_path, account, line) == planned(tmp_path, account, state)
    assert planned(tmp_path, account, line) != planned(tmp_path, account, {})


def test_what_meltano_prints_is_a_state_too(account: Sandbox, tmp_path: Path) -> None:
    state = pull(account.config(), account.now).state
    printed = {"singer_state": state}
    assert planned(tmp_path, account, printed) == planned(tmp_path, account, state)


def test_a_state_of_something_else_is_named(account: Sandbox, tmp_path: Path) -> None:
    ended = command(tmp_path, account, {"tickets": "2024-01-01"})
    assert ended.returncode == 1
    assert "state: it has no 'bookmarks'" in ended.stderr


def test_a_state_that_cannot_be_read_is_named(account: Sandbox, tmp_path: Path) -> None:
    ended = command(tmp_path, account, {"bookmarks": {"tickets": {"replication_key_value": "x"}}})
    assert ended.returncode == 1
    assert "replication_key_value" in ended.stderr
    ended = command(tmp_path, account, {}, "--state", str(tmp_path / "none.json"))
    assert ended.returncode == 1
    assert "none.json: the file cannot be read" in ended.stderr
