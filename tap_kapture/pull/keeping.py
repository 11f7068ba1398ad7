"""What a run may claim: the bookmark behind every day, and the troubles that qualify it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_kapture.day.tally import DayFacts, UnreadDay
from tap_kapture.dialect.dialect import Turn
from tap_kapture.dialect.witness import best
from tap_kapture.plan.bookmarks import UNREAD, UNSETTLED, Bookmark, LedgerDay
from tap_kapture.plan.planned import PlannedDay, Reason
from tap_kapture.pull.troubles import Troubles

if TYPE_CHECKING:
    from datetime import date

    from tap_kapture.dialect.doubts import Doubts
    from tap_kapture.dialect.witness import Witness
    from tap_kapture.errors import KaptureError
    from tap_kapture.plan.days import Horizon
    from tap_kapture.pull.memory import Memory

logger = logging.getLogger("tap-kapture")


class Keeper:
    """Keeps the bookmark of one stream while its days are read.

    Attributes:
        troubles: The days that are not whole.
        given_up: Days of the ledger that are followed no longer, as they were.
        found: Whether any record came.
        judged: Whether days are settled, as far as only the whole run could tell.
        begins: Whether nothing was loaded before.
        held_records: Whether records came for a day that is read again, or may have been missed.
    """

    def __init__(  # noqa: PLR0913 - each is a fact of its own
        self,
        stream: str,
        bookmark: Bookmark | None,
        horizon: Horizon,
        *,
        closed_statuses: frozenset[str] | None,
        memory: Memory,
        doubts: Doubts,
        unsettled_fails: bool,
    ) -> None:
        """Begin where the last run ended.

        Args:
            stream: Name of the stream.
            bookmark: Where the last run ended, or None to keep no bookmark.
            horizon: The days of the run.
            closed_statuses: Statuses that count as closed; None for records that do not close.
            memory: What the state remembers of the dialect.
            unsettled_fails: Whether days that did not settle are a failure, or a warning only.
            doubts: What is counted over all days, and what is known of the account.
        """
        self.troubles = Troubles(stream, unsettled_fails=unsettled_fails)
        self.given_up: dict[date, LedgerDay] = {}
        self.found = False
        self.judged: dict[date, bool] = {}
        self._stream = stream
        self._keeps = bookmark is not None
        self.begins = bookmark is None or bookmark.value is None or bookmark.empty
        self._bookmark = Bookmark() if bookmark is None or self.begins else bookmark
        self._horizon = horizon
        self._closed = closed_statuses
        self._memory = memory
        self._doubts = doubts
        self._learned = doubts.learned
        self._alike: dict[str, date] = {}
        self._warned_of_likeness = False
        self._rereads: set[date] = set()
        self._missed: set[date] = set()
        self._old_dialect = self._bookmark.dialect is not None or self.begins
        ledger = self._bookmark.days.values()
        self.held_records = any(day.digest.strip("0") or day.trouble for day in ledger)

    @property
    def open_days(self) -> list[LedgerDay]:
        """The ledger."""
        return list(self._bookmark.days.values())

    def plan(self) -> list[PlannedDay]:
        """Return the days to pull.

        Raises:
            KaptureStateError: The bookmark lies in the future.
        """
        if not self._keeps:
            return self._horizon.all_days()
        if self._memory.is_of_another_account:
            logger.warning(
                "%s: the state is of another account: 'subdomain', 'api_url' or 'cm_id' was "
                "another one. What was loaded from that one is not loaded from this one: drop the "
                "stream's bookmark to load all of it",
                self._stream,
            )
        if self._closed is not None and (self._bookmark.closed_statuses or set()) - self._closed:
            # What closed a ticket so far leaves it open now, and nobody noted which.
            followed_from = self._bookmark.value
            self._bookmark = replace(self._bookmark, followed_from=followed_from)
        days = self._horizon.plan(self._bookmark)
        self._bookmark = self._bookmark.up_to(self._horizon.first_unclosed)
        self.given_up = self._horizon.given_up(self._bookmark)
        self._bookmark = self._bookmark.without(self._horizon.dropped(self._bookmark))
        if self._closed is not None:
            self._bookmark = self._horizon.forgetting(self._bookmark)
        self._rereads = {day.day for day in days if day.reason is Reason.REREAD}
        self._after_rereads()
        return days

    def ended(self, day: date, end: DayFacts | UnreadDay, emitted_at: str = "") -> Bookmark | None:
        """Take in a day whose records are all out.

        Args:
            day: The day.
            end: What it came to.
            emitted_at: When its records left.

        Returns:
            The bookmark to write, or None if there is none to write yet.

        Raises:
            KaptureError: The day is unread, and it is no longer one day that is to blame.
        """
        if isinstance(end, UnreadDay):
            return self._unread(day, end.error, emitted_at)
        return self._finished(day, end, emitted_at)

    def _finished(self, day: date, facts: DayFacts, emitted_at: str) -> Bookmark | None:
        self.found = self.found or facts.records > 0
        if facts.doubt is None:
            self.troubles.fine(day)
        else:
            self.troubles.unsettled(day, facts.doubt)
        trouble = UNSETTLED if facts.doubt else ""
        kept = self._horizon.ledger_day(
            day, open_count=facts.open_count, digest=facts.digest, trouble=trouble
        )
        kept = self._vanished(day, facts) or kept
        kept = kept and replace(kept, emitted_at=emitted_at)
        self._warn_of_likeness(day, facts)
        if day in self.given_up:
            self.given_up[day] = LedgerDay(facts.open_count, facts.digest)
        return self._moved(day, kept)

    def _vanished(self, day: date, facts: DayFacts) -> LedgerDay | None:
        """Return what to keep of a day with open tickets that came empty for the first time."""
        known = self._bookmark.days.get(day)
        if facts.records or not known or not known.open or known.digest == facts.digest:
            return None
        logger.warning(
            "%s, day %s: nothing came, although %d tickets were open there; it is read once more "
            "in the next run",
            self._stream,
            day,
            known.open,
        )
        return LedgerDay(known.open, facts.digest, UNSETTLED if facts.doubt else "")

    def _warn_of_likeness(self, day: date, facts: DayFacts) -> None:
        """Warn, once, of days that hold the same records."""
        other = self._alike.setdefault(facts.digest, day) if facts.digest.strip("0") else day
        if other != day and not self._warned_of_likeness:
            self._warned_of_likeness = True
            logger.warning(
                "%s: %s and %s hold the same records, as they would if the account ignored the "
                "dates of a request. Then each day loads them all, and 'day' says nothing: ask "
                "Kapture support",
                self._stream,
                other,
                day,
            )

    def _unread(self, day: date, error: KaptureError, emitted_at: str) -> Bookmark | None:
        """Keep a day that could not be read in the ledger until it can.

        If some of its records left, the target holds it neither as it was nor as it is: then its
        digest is forgotten, so that it leaves whole when it is read.
        """
        self.troubles.unread(day, error)
        known = self._bookmark.days.get(day, LedgerDay(0, ""))
        if emitted_at != known.emitted_at:
            known = replace(known, digest="", emitted_at=emitted_at)
        return self._moved(day, replace(known, trouble=UNREAD))

    def to_read_again(self) -> list[PlannedDay]:
        """Return the days that came empty when the dialect was taken for another one."""
        days = self._learned.to_read_again()
        self._missed.update(days)
        return [PlannedDay(day, Reason.REREAD) for day in days]

    def concluded(self) -> Bookmark | None:
        """Return the bookmark at the end of a run, when all that it shows is known."""
        cleared, doubtful, doubt = self._doubts.at_the_end()
        settled = self.troubles.clear(cleared)
        self._bookmark = self._bookmark.settled(settled)
        doubtful = [day for day in doubtful if self._horizon.closed(day)]
        if doubt is not None:
            for day in doubtful:
                self.troubles.unsettled(day, doubt, at_the_end=True)
        self._bookmark = self._bookmark.troubled(doubtful)
        self.judged = dict.fromkeys(settled, True) | dict.fromkeys(doubtful, False)
        self._warn_of_old_dialect()
        return self._to_write() if self._keeps else None

    def _moved(self, day: date, kept: LedgerDay | None) -> Bookmark | None:
        """Move the bookmark behind a day."""
        if not self._keeps:
            return None
        closed = self._horizon.closed(day)
        self._bookmark = self._bookmark.finished(day, closed=closed, kept=kept)
        self._rereads.discard(day)
        self._after_rereads()
        self._missed.discard(day)
        # While how the account pages is a guess, or was, an empty day may not be empty.
        is_guess = self.begins and not self._learned.dialect.confirmed
        is_open = is_guess or self._missed or self._learned.misses_days
        return None if is_open else self._to_write()

    def _after_rereads(self) -> None:
        if not self._rereads and self._closed is not None:
            self._bookmark = self._horizon.following(self._bookmark, self._closed)

    def _to_write(self) -> Bookmark:
        learned = self._learned
        return replace(
            self._bookmark,
            dialect=self._memory.to_state(learned.dialect, self._witness(), anew=learned.adopted),
            empty=self.begins and not self.found,
        )

    def _witness(self) -> Witness | None:
        read = dict(self._learned.witnesses)  # workers go on adding to it
        kept = self._memory.witness
        known = {kept.day: kept, **read} if kept and not self._learned.adopted else read
        return best(known, self._bookmark.days)

    def _warn_of_old_dialect(self) -> None:
        dialect = self._learned.dialect
        odd = dialect.turn is not Turn.ROWS or dialect.end_exclusive
        if not self._old_dialect and dialect.confirmed and odd:
            logger.warning(
                "%s: %s. The state did not know that, so days that an earlier release loaded may "
                "lack records: load the stream afresh",
                self._stream,
                dialect.in_words(),
            )
