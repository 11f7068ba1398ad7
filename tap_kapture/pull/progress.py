"""What a run tells its operator: progress while it goes, and a summary at its end."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_kapture.plan.bookmarks import UNREAD, UNSETTLED
from tap_kapture.plan.planned import PlannedDay, Reason
from tap_kapture.pull.events import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from tap_kapture.plan.bookmarks import LedgerDay
    from tap_kapture.pull.events import DayRead
    from tap_kapture.pull.troubles import Trouble
    from tap_kapture.wire.transport import Traffic

INTERVAL = 10.0
"""Seconds between two lines of progress."""

logger = logging.getLogger("tap-kapture")


@dataclass(slots=True)
class Progress:
    """Counts what a run of one stream does, and logs it.

    Attributes:
        stream: Name of the stream.
        planned: Days to pull.
        records: Records handed on so far.
        unchanged: Days that were read again and had not changed.
        rows: What each day came to.
    """

    stream: str
    planned: int = 0
    records: int = 0
    unchanged: int = 0
    rows: dict[date, DayRead] = field(default_factory=dict)
    _day: PlannedDay | None = None
    _done: Counter[Reason] = field(default_factory=Counter)
    _began: float = field(default_factory=time.monotonic)
    _logged: float = field(default_factory=time.monotonic)

    def plan(self, days: int) -> None:
        """Note how many days there are to pull."""
        self.planned = days

    def begin(self, day: PlannedDay) -> None:
        """Note the day that is being pulled."""
        self._day = day

    def finish(self, day: PlannedDay) -> None:
        """Count a finished day."""
        self._done[day.reason] += 1

    def tick(self) -> None:
        """Log a line when the last one is 10 seconds old."""
        now = time.monotonic()
        if now - self._logged < INTERVAL:
            return
        self._logged = now
        elapsed = now - self._began
        done = self._done.total()
        left = (
            f"{elapsed / done * (self.planned - done):.0f} s left" if done else "time left unknown"
        )
        logger.info(
            "%s: at day %s, %d of %d days done, %d records, %.0f records/s, %s",
            self.stream,
            self._day.day if self._day else "-",
            done,
            self.planned,
            self.records,
            self.records / elapsed,
            left,
        )

    def told(self, row: DayRead) -> None:
        """Note the row of a day."""
        self.rows[row.day] = row

    def summarise(
        self,
        traffic: Traffic,
        kept: Iterable[LedgerDay],
        given_up: Iterable[LedgerDay],
        misfits: tuple[Counter[str], Counter[str]],
        troubles: Mapping[date, Trouble],
    ) -> None:
        """Log what the run came to: in words, and as JSON for machines.

        A run that ended before any day did has nothing to tell but its error.

        Args:
            traffic: What was sent and waited for.
            kept: Days that will be read again for what is open there.
            given_up: Days that grew too old to be followed.
            misfits: Counts of keys without a column, and of columns with unfitting values.
            troubles: Days that are not whole.
        """
        if self.planned and not self._done:
            return
        moving = [row.open for row in self.rows.values() if row.open and not row.closed]
        followed = [*(day.open for day in kept if day.open), *moving]
        seconds = time.monotonic() - self._began
        logger.info(
            "%s: %d records from %d new, %d re-read (%d unchanged) and %d backfilled days "
            "in %.1f s; %d requests, %d retries, %.1f s waited; following %d open tickets "
            "on %d days",
            self.stream,
            self.records,
            self._done[Reason.FRONTIER],
            self._done[Reason.REREAD],
            self.unchanged,
            self._done[Reason.BACKFILL],
            seconds,
            traffic.requests,
            traffic.retries,
            traffic.waited,
            sum(followed),
            len(followed),
        )
        newest = max(self.rows.values(), key=lambda row: row.day, default=None)
        whole = [row.day for row in self.rows.values() if row.closed and row.settled]
        summary = {
            "stream": self.stream,
            "days": {reason.value: self._done[reason] for reason in Reason},
            "unchanged_days": self.unchanged,
            "records": self.records,
            "requests": traffic.requests,
            "retries": traffic.retries,
            "seconds": round(seconds, 3),
            "waited_seconds": round(traffic.waited, 3),
            "open_tickets": sum(followed),
            "unread_days": _days(troubles.values(), UNREAD),
            "unsettled_days": _days(troubles.values(), UNSETTLED),
            "as_of": instant(newest.read_at) if newest else None,
            "whole_until": max(whole).isoformat() if whole else None,
        }
        logger.info("SUMMARY: %s", json.dumps(summary))
        if dropped := [day for day in given_up if day.open]:
            logger.warning(
                "%s: %d open tickets on %d days are older than open_ticket_refresh_days and no "
                "longer followed",
                self.stream,
                sum(day.open for day in dropped),
                len(dropped),
            )
        unknown, unconvertible = misfits
        if unknown or unconvertible:
            logger.warning(
                "%s: kept in extra_fields: keys without a column: %s; values that do not fit their "
                "column: %s",
                self.stream,
                _counts(unknown),
                _counts(unconvertible),
            )
        if traffic.replaced:
            logger.warning(
                "%s: %d characters were not valid in the charset of their answer and became U+FFFD",
                self.stream,
                traffic.replaced,
            )


def _days(troubles: Iterable[Trouble], kind: str) -> list[str]:
    return sorted(trouble.day.isoformat() for trouble in troubles if trouble.kind == kind)


def _counts(counter: Counter[str]) -> str:
    """Return names and counts, never values."""
    names = sorted(counter.items())
    return ", ".join(f"{name[:64]!r} ({count})" for name, count in names) or "none"
