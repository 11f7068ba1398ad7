"""The account in which something goes wrong, for tests of what the tap then does."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import pytest
from effort import soak
from tap_process import KEYS, Output, leaked, not_singer, run_tap

from sandbox import Account, Fault, Quirks, Sandbox

if TYPE_CHECKING:
    from pathlib import Path

UTC = dt.timezone.utc
FIRST = dt.date(2024, 3, 26)
BAD_DAY = dt.date(2024, 3, 29)
LAST = dt.date(2024, 3, 30)
"""The newest closed day: a first run asks for it first."""
TODAY = dt.date(2024, 3, 31)
NOW = dt.datetime(2024, 3, 31, 6, 30, tzinfo=UTC)
TOKEN = "dXNlcjpwYXNz-t0ken"  # noqa: S105 - opens the sandbox of these tests only
API_KEY = "k3y-of-the-account"
ACCOUNT = Account(
    seed=9,
    first_day=FIRST,
    now=NOW,
    tickets_per_day=8,
    customers_per_day=5,
    auth_token=TOKEN,
)
FOR_EVER = math.inf
DEBUG = {"LOGLEVEL": "DEBUG"}
BODIES = ("We will be back soon", "<html>", "Not Found</", '"message":')
"""What stands in the bodies of bad answers."""

OF_A_DAY: list[tuple[Fault, list[str]]] = [
    (Fault("400"), ["HTTP 400"]),
    (Fault("bad_message"), ["is a number", "Kapture support"]),
    (Fault("no_key"), ["has no usable '", "Kapture support"]),
    (Fault("echo_token"), ["[secret]", "Kapture support"]),
    *[
        (Fault("failed", text=text), [text.rstrip("."), advice])
        for text, advice in {
            "No valid customer found": "'no_data_messages'",
            "No permitted records": "'no_data_messages'",
            "Invalid Json.": "'tickets_body'",
            "ticket_ids are missing.": "'tickets_body'",
            "ReqFieldMissing": "'customers_body'",
            "either start_date is null or blank": "cm_id",
            "The moon is in the wrong phase": "'no_data_messages'",
        }.items()
    ],
]
"""Answers that make one day unreadable, and words of the line that then names it."""


def in_turn(cases: list[tuple[Fault, list[str]]]) -> list[Any]:
    """Each case in one of the streams, and in the other one as well where tests repeat."""
    return [
        pytest.param(
            *case,
            stream,
            id=f"{case[0].text or case[0].action}-{stream}",
            marks=soak if (number + place) % len(KEYS) else (),
        )
        for number, case in enumerate(cases)
        for place, stream in enumerate(KEYS)
    ]


def config_of(sandbox: Sandbox, **settings: object) -> dict[str, object]:
    """Return settings with which the tap pulls the account, an API key included."""
    return sandbox.config(http_headers={"x-api-key": API_KEY}, **settings)


def run_into(fault: Fault, stream: str, sandbox: Sandbox, folder: Path) -> Output:
    """Run as a process into a fault that stays, on the bad day of a stream, and log everything."""
    sandbox.quirks = Quirks(failure_keys="capital" if stream == "customers" else "lower")
    lasting = Fault(fault.action, stream=stream, day=BAD_DAY, times=FOR_EVER, text=fault.text)
    sandbox.faults = [lasting]
    return run_tap(folder, config_of(sandbox), at=NOW, environment=DEBUG)


def assert_told_once(output: Output, sandbox: Sandbox, secrets: set[str]) -> None:
    """The fault was met by one request, and shows no secret."""
    assert leaked(output.chatter(), secrets) == []
    assert len([seen for seen in sandbox.requests if seen.fault]) == 1


KNOWN = {"tickets_paging": "rows", "customers_paging": "rows"}
"""Settings with which a first run asks for nothing but its days."""
REST = "All other days are loaded; these are read again in the next run"


def assert_stopped(output: Output, stream: str, day: dt.date, offset: int, *words: str) -> None:
    """One line of ours, with the place and what to do; no traceback; exit code 1."""
    assert REST not in output.log
    _assert_ended_by_one_line(output, stream, day, offset, *words)


def assert_incomplete(output: Output, stream: str, day: dt.date, offset: int, *words: str) -> None:
    """The same, but everything else was loaded, and the line says so."""
    _assert_ended_by_one_line(output, stream, day, offset, *words, REST)
    assert "Everything before this day" not in output.log
    assert unread(output, stream) == [day]


def unread(output: Output, stream: str) -> list[dt.date]:
    """The days that the ledger of a run says could not be read."""
    ledger = output.bookmark(stream)["days"]
    return [dt.date.fromisoformat(d) for d in ledger if ledger[d].get("trouble") == "unread"]


def _assert_ended_by_one_line(
    output: Output, stream: str, day: dt.date, offset: int, *words: str
) -> None:
    assert output.code == 1
    assert len(output.errors()) == 1, output.errors()
    (line,) = output.errors()
    assert line.startswith(f"{stream}, day {day}, offset {offset}: ")
    assert [word for word in words if word not in line] == []
    assert "Traceback" not in output.log
    assert not_singer(output) == []
