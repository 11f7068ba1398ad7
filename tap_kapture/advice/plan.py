"""`tap-kapture plan`: which days a run would read, and why; nothing is asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tap_kapture.plan import bookmarks
from tap_kapture.plan.planned import PlannedDay, Reason
from tap_kapture.pull.run import Pull
from tap_kapture.wire.endpoints import CONTACTS_ENDPOINT, CUSTOMERS_ENDPOINT, TICKETS_ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from tap_kapture.plan.bookmarks import Bookmark, LedgerDay
    from tap_kapture.settings.groups import Settings
    from tap_kapture.wire.endpoints import Endpoint


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """What a run would read of one stream.

    Attributes:
        stream: Name of the stream.
        days: The days, in the order in which they would be read.
        why: Why each is read, in the same order.
    """

    stream: str
    days: list[PlannedDay]
    why: list[str]

    @property
    def backfill(self) -> int:
        """Days before those that are loaded."""
        return sum(day.reason is Reason.BACKFILL for day in self.days)

    def to_json(self) -> dict[str, Any]:
        """Return the plan for machines."""
        return {
            "stream": self.stream,
            "requests_at_least": len(self.days),
            "backfill_days": self.backfill,
            "days": [
                {"day": day.day.isoformat(), "reason": day.reason.value, "why": why}
                for day, why in zip(self.days, self.why, strict=True)
            ],
        }

    def lines(self) -> Iterator[str]:
        """Yield the plan for people, runs of days with one reason on one line."""
        reasons = Counter(day.reason for day in self.days)
        counts = ", ".join(f"{reasons[reason]} {reason.value}" for reason in Reason)
        yield (
            f"{self.stream}: {len(self.days)} days ({counts}), at least {len(self.days)} requests, "
            f"{self.backfill} of them for the backfill"
        )
        for why, days in _runs(self.days, self.why):
            span = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]} ({len(days)})"
            yield f"  {span}: {why}"


def plans(settings: Settings, state: Mapping[str, Any], now: datetime) -> list[StreamPlan]:
    """Return what a run with these settings and this state would read.

    Args:
        settings: The configuration.
        state: The Singer state; empty for a first load.
        now: The run's one reading of the clock.

    Raises:
        KaptureStateError: The state cannot be gone on from.
    """
    endpoints = [TICKETS_ENDPOINT]
    if settings.account.cm_id is not None:
        endpoints.append(CUSTOMERS_ENDPOINT)
    kept = state.get("bookmarks", {})
    if CONTACTS_ENDPOINT.stream in kept:  # it is selected by hand only
        endpoints.append(CONTACTS_ENDPOINT)
    return [_plan(endpoint, settings, kept.get(endpoint.stream, {}), now) for endpoint in endpoints]


def _plan(
    endpoint: Endpoint, settings: Settings, state: Mapping[str, Any], now: datetime
) -> StreamPlan:
    bookmark = bookmarks.from_state(
        state, start_day=settings.window.start_day, zone=settings.account.zone
    )
    days = Pull(endpoint, settings, now=now, bookmark=bookmark).plan()
    is_first = bookmark.value is None or bookmark.empty
    return StreamPlan(
        endpoint.stream, days, [_why(day, bookmark, is_first=is_first) for day in days]
    )


def _why(day: PlannedDay, bookmark: Bookmark, *, is_first: bool) -> str:
    if is_first:
        return "the first load"
    if day.reason is Reason.FRONTIER:
        return "new: not over when it was last read, or not read yet"
    if day.reason is Reason.BACKFILL:
        return "backfill: start_date lies before the days that are loaded"
    return f"again: {_why_again(bookmark.days.get(day.day))}"


def _why_again(known: LedgerDay | None) -> str:
    if known is None:
        return "within lookback_days, or whether it holds open tickets is not known"
    if known.trouble:
        return f"the last run left it {known.trouble}"
    if known.open:
        return f"{known.open} open tickets"
    return "within lookback_days, or for the last time behind it"


def _runs(days: Sequence[PlannedDay], why: Sequence[str]) -> Iterator[tuple[str, list[Any]]]:
    """Yield neighbouring days that are read for the same reason."""
    for reason, group in groupby(zip(days, why, strict=True), key=lambda pair: pair[1]):
        run: list[Any] = []
        for planned, _ in group:
            if run and abs(planned.day - run[-1]) != bookmarks.ONE_DAY:
                yield reason, run
                run = []
            run.append(planned.day)
        yield reason, run
