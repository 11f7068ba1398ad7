"""The answers about one day: asked for, handed on, and remembered as far as they teach."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tap_kapture.day.tally import Page, Tally
from tap_kapture.dialect.dialect import MAX_LIMIT
from tap_kapture.dialect.layout import Seen, announces
from tap_kapture.errors import REFUSALS, KaptureError, KaptureRefusedError
from tap_kapture.plan.bookmarks import ONE_DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from datetime import date

    from tap_kapture.dialect.learned import Learned
    from tap_kapture.wire.answers import Answer
    from tap_kapture.wire.request import Request

_REMEMBERED = 8
"""Answers of a pass that are laid out when it did not fit."""


class Listing:
    """Asks for rows of one day.

    Attributes:
        day: The day.
        learned: What is known of the account.
        tally: What came so far.
        seen: The answers of the pass that goes on.
        total: The last ``totalCount`` that was positive.
        announced: Whether an answer told it that ended well before.
        asked: The first request of the pass, unless its answer was known.
    """

    def __init__(
        self,
        stream: str,
        day: date,
        ask: Callable[[Request], Answer],
        tally: Tally,
        learned: Learned,
    ) -> None:
        """Begin with nothing.

        Args:
            stream: Name of the stream, for errors.
            day: The day.
            ask: Returns the answer to a request.
            tally: Takes the rows.
            learned: What is known of the account.
        """
        self.day = day
        self.learned = learned
        self.tally = tally
        self.seen: list[Seen] = []
        self.total: int | None = None
        self.announced = False
        self._stream = stream
        self._ask = ask
        self.asked: Request | None = None
        self._again: Seen | None = None
        self._peeked: set[str] = set()
        self._totals: set[int] = set()

    def begin(self, *, again: Seen | None = None) -> None:
        """Begin a pass.

        Args:
            again: The first answer, if it came already.
        """
        self.seen.clear()
        self._totals.clear()
        if self._is_empty:
            self.total = None  # what was announced beside nothing may not be so again
        self.asked = None
        self._again = again

    def take(self, limit: int, offset: int) -> Generator[Page, None, Seen]:
        """Ask, and hand on what is new.

        Args:
            limit: As the dialect has it.
            offset: As the dialect has it.

        Yields:
            At most one page.

        Returns:
            What was seen; a request that the account refuses is an answer too as long as the
            dialect is not confirmed.

        Raises:
            KaptureError: The answer cannot be had or read.
        """
        known, self._again = self._again, None
        if known and (known.limit, known.offset) == (limit, offset):
            self.seen.append(known)
            return known
        request = self.learned.dialect.request(self.day, limit, offset)
        self.asked = self.asked or request
        try:
            answer = self._ask(request)
        except KaptureRefusedError:
            if self.learned.dialect.confirmed or not offset:
                raise
            return self._remember(Seen(limit, offset, None))
        try:
            keys, fresh = self.tally.take(answer.rows)
        except KaptureError as error:
            raise error.at(self._stream, self.day, offset) from None
        if fresh:
            yield Page(fresh, sum(map(len, fresh)))
        self.learned.saw(len(keys))
        return self._remember(Seen(limit, offset, keys, answer.total))

    def peek(self, limit: int, offset: int) -> Seen:
        """Ask in order to learn; the rows are not handed on."""
        try:
            answer = self._ask(self.learned.dialect.request(self.day, limit, offset))
        except KaptureRefusedError:
            return Seen(limit, offset, None)
        try:
            keys = self.tally.keys_of(answer.rows)
        except KaptureError as error:
            raise error.at(self._stream, self.day, offset) from None
        seen = Seen(limit, offset, keys, answer.total)
        self._peeked.update(keys)
        self._note_total(seen)
        return seen

    @property
    def totals_differ(self) -> bool:
        """Whether answers of the pass had totals of their own, which do not count the day then."""
        return len(self._totals) > 1

    def missing_in(self, keys: tuple[str, ...]) -> bool:
        """Whether a record of the day came that is not among the keys of a whole pass."""
        found = set(keys)
        return len(self.tally) > len(found) or not self._peeked <= found

    def widest(self, before: int, behind: int) -> int | None:
        """Return how many rows come for several days at once, or None if none do.

        Args:
            before: Days before this one.
            behind: Days behind it.
        """
        dialect = self.learned.dialect
        widest = dialect.request(self.day, MAX_LIMIT, 0)
        begin = widest.day - before * ONE_DAY
        try:
            answer = self._ask(replace(widest, day=begin, end=widest.end + behind * ONE_DAY))
        except REFUSALS:
            return None
        self.learned.saw(len(answer.rows))
        return len(answer.rows)

    def _remember(self, seen: Seen) -> Seen:
        if len(self.seen) == _REMEMBERED:
            del self.seen[1]
        self.seen.append(seen)
        self._note_total(seen)
        return seen

    @property
    def _is_empty(self) -> bool:
        """Whether nothing came of the day; else an empty answer may lie behind its end."""
        return not (len(self.tally) or self._peeked)

    def _note_total(self, seen: Seen) -> None:
        if not seen.total or not (seen.keys or self._is_empty):
            return
        if seen.total != self.total:
            self.total, self.announced = seen.total, False
        self.announced = self.announced or announces(seen, self.learned.dialect)
        self._totals.add(seen.total)
