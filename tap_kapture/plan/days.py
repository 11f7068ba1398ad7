"""Which days to pull, in which order, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from tap_kapture.errors import KaptureStateError
from tap_kapture.plan.bookmarks import NOTHING, ONE_DAY, UNREAD, Bookmark, LedgerDay
from tap_kapture.plan.planned import PlannedDay, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime, tzinfo

SETTLING_TIME = timedelta(minutes=15)
"""How long after its end a day may still get records."""
_CENTURY = 36525
"""Days; a longer lookback or refresh looks no further, and no date is out of range."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """The days of a run, all local to the account.

    Attributes:
        start: First day wanted.
        last: Last day wanted: today, or an earlier ``end_date``.
        today: The day of the run's one reading of the clock.
        first_unclosed: The first day that may still get records.
        lookback_days: Days before the bookmark that are read again in every run.
        refresh_days: Age in days until which a day with open tickets is read again; 0 = never.
        newest_first: A first load begins at the newest day.
    """

    start: date
    last: date
    today: date
    first_unclosed: date
    lookback_days: int = 0
    refresh_days: int = 0
    newest_first: bool = False

    @classmethod
    def at(  # noqa: PLR0913 - one argument for each setting that matters here
        cls,
        now: datetime,
        zone: tzinfo,
        *,
        start: date,
        end: date | None,
        lookback_days: int,
        refresh_days: int,
        newest_first: bool,
    ) -> Horizon:
        """Return the days of a run that begins at an instant.

        Args:
            now: The run's one reading of the clock.
            zone: The account's zone.
            start: First day wanted.
            end: Last day wanted, or None for today.
            lookback_days: As the attribute.
            refresh_days: As the attribute; 0 for a stream whose records do not close.
            newest_first: As the attribute.
        """
        today = now.astimezone(zone).date()
        return cls(
            start=start,
            last=min(today, end or today),
            today=today,
            first_unclosed=(now - SETTLING_TIME).astimezone(zone).date(),
            lookback_days=min(lookback_days, _CENTURY),
            refresh_days=min(refresh_days, _CENTURY),
            newest_first=newest_first,
        )

    def closed(self, day: date) -> bool:
        """Whether a day can get no more records."""
        return day < self.first_unclosed

    def remembers(self, day: date) -> bool:
        """Whether a day, once read, may be read again in a later run."""
        return self._in_lookback(day) or (self.refresh_days > 0 and self._young(day))

    def ledger_day(
        self, day: date, *, open_count: int, digest: str, trouble: str = ""
    ) -> LedgerDay | None:
        """Return what to remember of a day that was read, or None when it needs no further reading.

        Args:
            day: The day.
            open_count: Its tickets that are not closed.
            digest: The digest of its raw records.
            trouble: Why it is not whole in the target, or empty.
        """
        follows = self.refresh_days > 0 and open_count > 0 and self._young(day)
        if follows or trouble or self._in_lookback(day):
            return LedgerDay(open_count, digest, trouble)
        return None

    def following(self, bookmark: Bookmark, closed_statuses: frozenset[str]) -> Bookmark:
        """Return the bookmark as it is once all re-reads of a plan are done.

        Days that were to be read for the first time since they are followed, but lie behind the
        last day wanted, are left for a run that wants them.

        Args:
            bookmark: The bookmark.
            closed_statuses: Statuses that count as closed, in lower case.
        """
        left = any(day > self.last for day in self._unknown(bookmark))
        followed_from = bookmark.followed_from if left else self._young_from
        return replace(bookmark, followed_from=followed_from, closed_statuses=closed_statuses)

    def forgetting(self, bookmark: Bookmark) -> Bookmark:
        """Return the bookmark once days that are too old may leave the ledger, one by one."""
        first = self._young_from
        return replace(bookmark, followed_from=max(bookmark.followed_from or first, first))

    def given_up(self, bookmark: Bookmark) -> dict[date, LedgerDay]:
        """Return the days whose open tickets are no longer followed: they grew too old."""
        if self.refresh_days == 0 or bookmark.value is None:
            return {}
        recent = bookmark.value - self._lookback
        return {
            day: entry
            for day, entry in bookmark.days.items()
            if entry.open > 0 and not entry.trouble and day < recent and not self._young(day)
        }

    def dropped(self, bookmark: Bookmark) -> set[date]:
        """Return the days that are given up without another reading.

        They were read when they were as old as a day may be; others, that grew old while nothing
        ran, are read a last time.
        """
        value = bookmark.value
        if value is None:
            return set()
        return {day for day in self.given_up(bookmark) if (value - day).days >= self.refresh_days}

    def plan(self, bookmark: Bookmark) -> list[PlannedDay]:
        """Return the days to pull: re-reads, then new days, then days before a moved start.

        Args:
            bookmark: Where the last run ended.

        Returns:
            Re-reads and new days ascending, the days before the pulled range descending, so that
            the range grows at its edges only and an interrupted run simply goes on.

        Raises:
            KaptureStateError: The bookmark lies in the future.
        """
        if bookmark.value is None or bookmark.pulled_from is None:
            return self._first_load()
        # One day ahead is a run in a zone further west than the last one's.
        if bookmark.value > self.today + ONE_DAY:
            msg = (
                f"state: the bookmark {bookmark.value} lies after today ({self.today} in the "
                "account's time zone). Correct it, or drop the stream's bookmark to start from "
                "'start_date'"
            )
            raise KaptureStateError(msg)
        bookmark = bookmark.up_to(self.first_unclosed)
        value = min(bookmark.value or self.first_unclosed, self.first_unclosed)
        pulled_from = bookmark.pulled_from or value
        frontier = _days(value, self.last)
        backfill = reversed(list(_days(self.start, pulled_from - ONE_DAY)))
        return [
            *self._rereads(bookmark),
            *(PlannedDay(day, Reason.FRONTIER) for day in frontier),
            *(PlannedDay(day, Reason.BACKFILL) for day in backfill if day <= self.last),
        ]

    def all_days(self) -> list[PlannedDay]:
        """Return every wanted day, ascending, whatever was pulled before."""
        return [PlannedDay(day, Reason.FRONTIER) for day in _days(self.start, self.last)]

    def _first_load(self) -> list[PlannedDay]:
        if not self.newest_first:
            return self.all_days()
        newest = max(min(self.first_unclosed, self.last), self.start)
        older = reversed(list(_days(self.start, newest - ONE_DAY)))
        return [
            *(PlannedDay(day, Reason.FRONTIER) for day in _days(newest, self.last)),
            *(PlannedDay(day, Reason.BACKFILL) for day in older),
        ]

    def _rereads(self, bookmark: Bookmark) -> Iterator[PlannedDay]:
        """Yield the days that may have changed since they were read, ascending.

        A day of the ledger that left the lookback is read once more: it may have changed after its
        last reading. Of days whose open tickets were not followed so far, and now are, nothing is
        known, so every one is read.
        """
        value, pulled_from = bookmark.value, bookmark.pulled_from
        if value is None or pulled_from is None:
            return
        again = set(_days(value - self._lookback, value - ONE_DAY)) | set(bookmark.days)
        again |= set(self._unknown(bookmark))
        for day in sorted(again - self.dropped(bookmark)):
            if pulled_from <= day < value and day <= self.last:
                old = bookmark.days.get(day, LedgerDay(0, "", UNREAD))
                # Records that an earlier release loaded hold neither day nor emitted_at.
                digest = old.digest if old.emitted_at else ""
                yield PlannedDay(
                    day, Reason.REREAD, digest, old.emitted_at, was_whole=not old.trouble
                )

    def _unknown(self, bookmark: Bookmark) -> Iterator[date]:
        """Yield the days whose open tickets were not followed so far, and now are."""
        value, followed_from = bookmark.value, bookmark.followed_from
        if self.refresh_days and value and followed_from and bookmark.pulled_from:
            first = max(self._young_from, bookmark.pulled_from)
            yield from _days(first, min(followed_from, value) - ONE_DAY)

    @property
    def _lookback(self) -> timedelta:
        return timedelta(days=self.lookback_days)

    @property
    def _young_from(self) -> date:
        return self.today - timedelta(days=self.refresh_days) if self.refresh_days else NOTHING

    def _in_lookback(self, day: date) -> bool:
        return day >= min(self.first_unclosed, self.last + ONE_DAY) - self._lookback

    def _young(self, day: date) -> bool:
        return day >= self._young_from


def _days(first: date, last: date) -> Iterator[date]:
    """Yield the days from first to last, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)
