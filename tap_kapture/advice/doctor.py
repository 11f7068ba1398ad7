"""`tap-kapture doctor`: what an account is like, and what a load would stumble over."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tap_kapture.advice.probe import Probe
from tap_kapture.advice.report import report
from tap_kapture.advice.seen import requests_of_a_day, statuses
from tap_kapture.shape.heads import is_closed
from tap_kapture.shape.odd_records import OddShaper
from tap_kapture.wire.endpoints import CUSTOMERS_ENDPOINT, TICKETS_ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from tap_kapture.advice.seen import Seen
    from tap_kapture.settings.groups import Settings
    from tap_kapture.wire.endpoints import Endpoint

MOST_REQUESTS = {"tickets": 15, "customers": 14}
"""Requests for each stream; 30 for both would be too many for a person who is throttled."""
OFF = timedelta(minutes=2)
"""A clock that is further off may put a day's last records on the wrong side of midnight."""
OK, NOTE, WARNING, ERROR = "ok", "note", "warning", "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        level: ``ok``, ``note``, ``warning``, or ``error`` where a load would fail.
        about: The stream, or ``account``.
        text: What was found.
        advice: What to set or do; empty where there is nothing to do.
    """

    level: str
    about: str
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that was found.

    Attributes:
        findings: In the order in which they are told.
        report: The report without values.
        requests: How many requests it took.
    """

    findings: list[Finding]
    report: dict[str, Any]
    requests: int

    @property
    def fails(self) -> bool:
        """Whether a load would fail."""
        return any(finding.level == ERROR for finding in self.findings)


def diagnose(settings: Settings, now: datetime) -> Diagnosis:
    """Ask an account a few requests, and say what they show.

    Args:
        settings: The configuration.
        now: The run's one reading of the clock.
    """
    findings, told, requests = [], {}, 0
    for endpoint in (TICKETS_ENDPOINT, CUSTOMERS_ENDPOINT):
        stream = endpoint.stream
        missing = _unreadable(endpoint, settings)
        if missing is not None:
            findings.append(missing)
            continue
        seen = Probe(endpoint, settings, now, most_requests=MOST_REQUESTS[stream]).examine()
        requests += len(seen.asked)
        findings += _findings(seen, endpoint, settings, now)
        told[stream] = report(seen, endpoint.columns)
    return Diagnosis(findings, told, requests)


def _unreadable(endpoint: Endpoint, settings: Settings) -> Finding | None:
    stream = endpoint.stream
    if stream == "customers" and settings.account.cm_id is None:
        advice = "set 'cm_id' to load customers; without it only tickets are loaded"
        return Finding(NOTE, stream, "not looked at: 'cm_id' is not set", advice)
    if not settings.account.token_of(stream):
        advice = f"set '{stream}_auth_token' or 'auth_token', or deselect the stream"
        return Finding(ERROR, stream, "it has no token", advice)
    return None


def _findings(seen: Seen, endpoint: Endpoint, settings: Settings, now: datetime) -> list[Finding]:
    """Return what the requests to one endpoint show, the gravest first where they failed."""
    stream = seen.stream
    if seen.error is not None:
        return [Finding(ERROR, stream, seen.error.message), *_clock(seen)]
    days = ", ".join(f"{day} ({len(rows)})" for day, rows in sorted(seen.rows.items()))
    reached = f"reached, the token is accepted; records by day: {days or 'none'}"
    found = [Finding(OK, stream, reached), *_clock(seen)]
    if seen.newest is None:
        advice = (
            f"if the account has {stream} there, check 'cm_id', 'start_date', and whether "
            f"'{settings.account.token_setting(stream)}' holds the token of this API"
        )
        return [*found, Finding(WARNING, stream, "nothing came for the newest days", advice)]
    found += [_dialect(seen), *_cap(seen, settings), *_doubt(seen, settings)]
    if endpoint.status is not None:
        found.append(_statuses(seen, endpoint.status, settings))
    found += _misfits(seen, endpoint, settings)
    found.append(_cost(seen, settings, now))
    return found


def _clock(seen: Seen) -> list[Finding]:
    if seen.skew is None:
        return []
    seconds = round(seen.skew.total_seconds())
    text = f"the server's clock is {seconds:+d} s from ours"
    if abs(seen.skew) < OFF:
        return [Finding(OK, seen.stream, text)]
    advice = "set this machine's clock: days close by it"
    return [Finding(WARNING, seen.stream, text, advice)]


def _dialect(seen: Seen) -> Finding:
    answers = ", ".join(map(str, seen.asked[-5:]))
    words = seen.dialect.in_words()
    if seen.dialect.confirmed:
        return Finding(OK, seen.stream, f"how it pages: {words}; seen in: {answers}")
    text = f"how it pages is not known yet ({answers}); a first guess: {words}"
    advice = (
        f"a load learns it from larger days; if you know it, state it in '{seen.stream}_paging'"
    )
    return Finding(NOTE, seen.stream, text, advice)


def _cap(seen: Seen, settings: Settings) -> list[Finding]:
    if seen.cap is None:
        return [Finding(OK, seen.stream, "no cap on pages was met")]
    if seen.cap >= settings.paging.page_size:
        return []
    text = f"a page holds at most {seen.cap} rows, of {settings.paging.page_size} asked for"
    return [Finding(NOTE, seen.stream, text, "nothing: it costs more requests, no records")]


def _doubt(seen: Seen, settings: Settings) -> list[Finding]:
    if seen.doubt is None:
        return []
    fails = seen.doubt.kind != "count" and settings.freshness.unsettled_days == "fail"
    advice = "ask Kapture support; 'unsettled_days: warn' loads what comes, with a warning"
    return [Finding(ERROR if fails else WARNING, seen.stream, seen.doubt.text, advice)]


def _statuses(seen: Seen, column: str, settings: Settings) -> Finding:
    met = statuses(seen, column, clean=settings.account.clean_text).most_common()
    closed = settings.freshness.closed_statuses
    is_open = {status: not is_closed(status, closed) for status, _ in met}
    opened, done = (
        ", ".join(f"{status} ({count})" for status, count in met if is_open[status] is wanted)
        for wanted in (True, False)
    )
    text = f"statuses that count as open: {opened or 'none'}; as closed: {done or 'none'}"
    advice = "add to 'closed_statuses' what your account calls closed" if opened else ""
    return Finding(NOTE if advice else OK, seen.stream, text, advice)


def _misfits(seen: Seen, endpoint: Endpoint, settings: Settings) -> list[Finding]:
    shaper = OddShaper(
        endpoint.columns, settings.account.zone, clean_text=settings.account.clean_text
    )
    for record in seen.records():
        shaper.shape(record)
    unknown, unfit = shaper.misfits()
    found = []
    if unknown:
        text = f"fields without a column: {_named(unknown)}"
        found.append(Finding(NOTE, seen.stream, text, "nothing: they are kept in extra_fields"))
    if unfit:
        text = f"dates and other values that do not fit their column: {_named(unfit)}"
        advice = "attach the report below to an issue; they are kept in extra_fields"
        found.append(Finding(WARNING, seen.stream, text, advice))
    return found


def _named(counts: dict[str, int]) -> str:
    return ", ".join(f"{name[:64]} ({count})" for name, count in sorted(counts.items()))


def _cost(seen: Seen, settings: Settings, now: datetime) -> Finding:
    today = now.astimezone(settings.account.zone).date()
    last = settings.window.last_day(today)
    days = max((last - settings.window.start_day).days + 1, 0)
    sizes = _sizes(seen, last)
    each = sum(requests_of_a_day(size, seen.dialect, settings) for size in sizes) / len(sizes)
    requests = math.ceil(days * each)
    pace = sum(one.seconds for one in seen.asked) / len(seen.asked)
    minutes = requests * pace / settings.pace.concurrency / 60
    text = (
        f"a first load from {settings.window.start_day} to {last} reads {days} days in about "
        f"{requests} requests, {max(minutes, 0.1):.1f} minutes at this pace"
    )
    return Finding(OK, seen.stream, text)


def _sizes(seen: Seen, last: date) -> Sequence[int]:
    """Return how many records the days held that were looked at, today only if no other was."""
    sizes = {day: seen.fully_read.get(day, len(rows)) for day, rows in seen.rows.items()}
    return [size for day, size in sizes.items() if day < last] or list(sizes.values())
