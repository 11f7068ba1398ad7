"""The first contact with an account: find a reading under which a recent day holds records.

Most accounts answer the usual request for one of the newest days, and nothing is spent: the answers
are kept for the days' own reading. Where all are empty, or refused, other readings are tried.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tap_kapture.dialect.dialect import ENDLESS, Turn
from tap_kapture.dialect.evidence import ends_at_midnight, told
from tap_kapture.dialect.layout import Seen
from tap_kapture.dialect.learned import LEARNING_REQUESTS
from tap_kapture.dialect.lesson import Lesson, learn, teaches
from tap_kapture.errors import REFUSALS, KaptureError, KaptureRefusedError
from tap_kapture.plan.bookmarks import ONE_DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date

    from msgspec import Raw

    from tap_kapture.dialect.learned import Learned
    from tap_kapture.shape.heads import Heads
    from tap_kapture.wire.answers import Answer
    from tap_kapture.wire.request import Request

LEAST_TO_LEARN = 2
"""Requests that may always be spent on learning from a day that holds records."""
SEARCHED = 6
"""Days that are asked for in other ways when nothing came at all."""


@dataclass
class Contact:
    """Asks the first requests of a stream.

    Attributes:
        ask: Returns the answer to a request.
        heads: Reads keys.
        learned: What is known of the account.
        moving: Days that can still get records.
        answers: What came for usual requests, to be used once more.
        found: Whether an answer held records of a day that is to be read.
    """

    ask: Callable[[Request], Answer]
    heads: Heads
    learned: Learned
    moving: frozenset[date] = frozenset()
    answers: dict[Request, Answer] = field(default_factory=dict)
    found: bool = False
    _failure: KaptureError | None = None
    _planned: frozenset[date] = frozenset()
    _in_vain: int = 0
    _spent: int = 0
    _most: int = LEARNING_REQUESTS
    _longer_is_refused: bool = False
    _offset_is_refused: bool = False

    def begin(self, days: Sequence[date]) -> Contact:
        """Look at the newest days, and learn how they are to be asked for.

        Args:
            days: Some days, the likeliest to hold records first.

        Raises:
            KaptureDialectError: There are records, but what brings them fits no known dialect.
            KaptureError: The account cannot be asked at all.
        """
        self._planned = frozenset(days)
        newest, before = first = days[0], days[0] - ONE_DAY
        other = [day for day in days[1:] if day != before][:1]
        usual = self.learned.dialect.first(self.learned.page_size)
        # Days that came empty alone, and not together, show that the end is not asked for.
        likely = [(before, *usual, 1), (newest, 1, 1, 0)]
        rest = [(newest, 0, 0, 0), (before, 1, 1, 1), (newest, 1, 0, 0), (before, 0, 0, 1)]
        if newest in self.moving or newest + ONE_DAY in other:
            rest.insert(2, (newest, *usual, 1))
        _ = self._look(first) or self._try(likely) or self._look(other) or self._try(rest)
        if self._failure and not self.answers:
            raise self._failure  # no day at all can be asked for
        return self

    def _look(self, days: Sequence[date]) -> bool:
        """Ask for days in the usual way; learn from the first answer that holds records."""
        for day in days:
            request = self.usual(day)
            try:
                self.answers[request] = answer = self.first_answer(request)
                if answer.rows:
                    self._found_usually(day, answer)
                    return True
                self._in_vain += 1
            except KaptureError as error:
                if not error.stops_only_its_day:
                    raise
                self._failure = self._failure or error
        return False

    def search(self, days: Sequence[date]) -> Contact:
        """Look once more, behind a load in which nothing came at all.

        One window over all days shows whether there is anything; only then, or where so long a
        window is refused, single days are tried.

        Args:
            days: All days that were read, the newest first.

        Raises:
            KaptureDialectError: There are records, but what brings them fits no known dialect.
        """
        self._planned = frozenset(days)
        self._spent, self._in_vain, self._most = 0, 0, LEARNING_REQUESTS
        for limit, offset in (self.learned.dialect.first(self.learned.page_size), (1, 1), (0, 0)):
            seen = self._asked(days[-1], limit, offset, (days[0] - days[-1]).days + 1)
            if seen.keys:
                self._spent, self._most = 0, ENDLESS
                self._try(self._other_ways(days))
                break
            if seen.keys is None and not offset:
                self._spent = 0
                self._try(self._other_ways(days[:SEARCHED]))
                break
        return self

    def _try(self, ways: Iterable[tuple[date, int, int, int]]) -> bool:
        """Ask in other ways; learn from the first answer that holds records.

        Args:
            ways: A day, values of ``limit`` and ``offset``, and days to add to the end date.
        """
        usual = self.learned.dialect.first(self.learned.page_size)
        for day, limit, offset, shift in ways:
            odd = (limit, offset) != usual
            refused = self._longer_is_refused if shift else self._offset_is_refused and offset
            if self._failure or refused or (odd and self.learned.stated):
                continue
            seen = self._seen(day, limit, offset, shift)
            if seen is not None and seen.keys:
                self._found_otherwise(day, seen, shift)
                return True
            if seen is not None and seen.keys is None:
                self._offset_is_refused = self._offset_is_refused or bool(offset)
                self._longer_is_refused = self._longer_is_refused or not offset
        return False

    def _other_ways(self, days: Sequence[date]) -> Iterator[tuple[date, int, int, int]]:
        """Yield ways to ask for days that came empty one by one.

        A window of two days that is empty holds no empty day either, so one day alone is asked
        for only if two are refused.
        """
        usual = self.learned.dialect.first(self.learned.page_size)
        for limit, offset in dict.fromkeys((usual, (1, 1), (1, 0), (0, 0))):
            if (limit, offset) == (1, 0) != usual and not self._offset_is_refused:
                continue
            for day in days:
                if not self._longer_is_refused:
                    yield day, limit, offset, 1
                if self._longer_is_refused and (limit, offset) != usual:
                    yield day, limit, offset, 0

    def usual(self, day: date) -> Request:
        """Return the request with which a day's reading begins, by what is known."""
        dialect = self.learned.dialect
        return dialect.request(day, *dialect.first(self.learned.page_size))

    def first_answer(self, request: Request) -> Answer:
        """Return the answer to a usual request, without ``offset`` where that is refused.

        Raises:
            KaptureError: The account cannot be asked for this day.
        """
        if request in self.answers:
            return self.answers[request]
        try:
            return self.ask(request)
        except KaptureRefusedError as refusal:
            known = self.learned.dialect.confirmed and not self.learned.stated
            if request.offset is None or known:
                raise
            try:
                answer = self.ask(replace(request, offset=None))
            except KaptureRefusedError:
                raise refusal from None
            turn = self.learned.dialect.turn if self.learned.stated else Turn.NONE
            self.learned.note(sends_offset=False, turn=turn)
            return answer

    def _found_usually(self, day: date, answer: Answer) -> None:
        """Learn from a usual answer if it holds enough rows."""
        self.found = day in self._planned
        self._in_vain = 0  # the answers of those days are used once more
        limit, offset = self.learned.dialect.first(self.learned.page_size)
        first = Seen(limit, offset, self.heads.keys_of(answer.rows), answer.total)
        if behind := self._behind_midnight(day, first, answer.rows):
            self._found_otherwise(day, behind, 1)
        elif teaches(self.learned.dialect, len(answer.rows), limit):
            self._learn(day, [first], 0)

    def _behind_midnight(self, day: date, first: Seen, rows: Sequence[Raw]) -> Seen | None:
        """Return what comes for two days, if what comes for the first one ends at its midnight."""
        if not self.heads.at_midnight(rows):
            return None
        usual = first.limit, first.offset
        both, behind = self._seen(day, *usual, 1), self._seen(day + ONE_DAY, *usual, 0)
        return both if both and behind and ends_at_midnight(first, both, behind) else None

    def _found_otherwise(self, day: date, odd: Seen, shift: int) -> None:
        """Learn from an odd request that brought records although the usual one did not."""
        self.found = day in self._planned
        usual = self.learned.dialect.first(self.learned.page_size)
        if shift and (odd.limit, odd.offset) != usual:
            alone = self._seen(day, odd.limit, odd.offset, 0)
            if alone is not None and alone.keys:
                odd, shift = alone, 0
        # Else the request was the usual one but for its end, and that made the difference.
        self.learned.note(end_exclusive=bool(shift))
        if self.learned.stated:
            return
        seen = [odd] if shift else [Seen(*usual, ()), odd]
        if self._learn(day, seen, shift) is Lesson.NONE:
            raise self.learned.refusal(told(seen))

    def _learn(self, day: date, seen: list[Seen], shift: int) -> Lesson:
        return learn(
            seen,
            lambda limit, offset: self._asked(day, limit, offset, shift),
            self.learned,
            requests=max(LEARNING_REQUESTS - self._spent - self._in_vain, LEAST_TO_LEARN),
            moves=day in self.moving,
        )

    def _seen(self, day: date, limit: int, offset: int, shift: int) -> Seen | None:
        """Return what a request shows; None if nothing may be spent any more."""
        return self._asked(day, limit, offset, shift) if self._spent < self._most else None

    def _asked(self, day: date, limit: int, offset: int, shift: int) -> Seen:
        self._spent += 1
        usual, end = self.learned.dialect.request(day, limit, offset), day + shift * ONE_DAY
        try:
            answer = self.ask(request := replace(usual, end=end))
        except REFUSALS as error:
            if not (shift or isinstance(error, KaptureRefusedError)):
                raise
            return Seen(limit, offset, None)
        if (limit, offset) == self.learned.dialect.first(self.learned.page_size):
            # The usual request, if the end day turns out not to be asked for.
            self.answers.setdefault(request, answer)
        self.learned.saw(len(answer.rows))
        return Seen(limit, offset, self.heads.keys_of(answer.rows), answer.total)
