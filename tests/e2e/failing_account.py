"""The account in which something goes wrong, for tests of what the tap then does."""

from __future__ import annotations

import datetime as dt
import math

from tap_process import Output, not_singer

from sandbox import Account, Sandbox

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


def config_of(sandbox: Sandbox, **settings: object) -> dict[str, object]:
    """Return settings with which the tap pulls the account, an API key included."""
    return sandbox.config(http_headers={"x-api-key": API_KEY}, **settings)


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
