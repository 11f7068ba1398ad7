"""What a run knows of the account so far; one instance is shared by all workers of a stream."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tap_kapture.errors import KaptureDialectError
from tap_kapture.paging.dialect import Dialect, Total, Turn
from tap_kapture.paging.tally import Doubt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from tap_kapture.paging.dialect import Request
    from tap_kapture.paging.evidence import Seen, Verdict

LEARNING_REQUESTS = 6
"""Requests that may be spent on learning a dialect, beside those that read days."""
PASSES = 8
"""How often a day is read in pages until nothing new comes."""
STEADY = 20
"""Bits of evidence after which a page that is short is believed to be the last."""
NEVER_RIGHT = 3
"""Days after which a total that was never right is not looked at any more."""
FAILURES = 3
"""Days that fit no dialect after which an account is refused whose dialect is not known."""
MANY_DAYS = 10
"""Smaller days beside which one largest day is no sign of a cap."""

logger = logging.getLogger("tap-kapture")


class Learned:
    """The dialect, and what speaks for it."""

    def __init__(
        self, stream: str, dialect: Dialect, *, page_size: int, stated: bool = False
    ) -> None:
        """Begin with what is known.

        Args:
            stream: Name of the stream, for messages.
            dialect: As the state or the settings have it, or a first guess.
            page_size: Rows that are asked for usually.
            stated: Whether the settings state how the account pages: then it is not learned.
        """
        self.lock = threading.RLock()
        self.page_size = page_size
        self.stated = stated
        self.passes = PASSES
        self.refused_spans: set[int] = set()
        self._stream = stream
        self._dialect = dialect
        self._empty: dict[date, Request] = {}
        self._believed: list[date] = []
        self._irregular = False
        self._failures = 0
        self._guessed = False
        self._right = 0
        self._wrong = 0
        self._sizes: Counter[int] = Counter()

    @property
    def dialect(self) -> Dialect:
        """What is known now."""
        return self._dialect

    def note(self, **changes: Any) -> None:  # noqa: ANN401 - fields of the dialect
        """Change what is known of the account."""
        with self.lock:
            self._dialect = replace(self._dialect, **changes)

    def saw(self, rows: int) -> None:
        """Note how many rows an answer held: no cap lies below."""
        if rows > self._dialect.largest:
            with self.lock:
                self.note(largest=max(rows, self._dialect.largest))

    def adopt(self, verdict: Verdict, seen: Sequence[Seen]) -> None:
        """Take over what the answers of a day show.

        Args:
            verdict: What they show; its dialect is sure.
            seen: The answers, for the log.
        """
        found = verdict.dialect
        if found is None:
            return
        with self.lock:
            known = self._dialect
            longest = max(len(one.keys or ()) for one in seen)
            total = known.total if found.total is Total.UNKNOWN else found.total
            changed = known.way != found.way or not found.ordered or not found.regular
            self._dialect = replace(
                found,
                total=total,
                sends_offset=known.sends_offset,
                end_exclusive=known.end_exclusive,
                steady=known.steady,
                # What a page held when pages turned in another way says nothing of a cap now.
                largest=known.largest if known.way == found.way else longest,
            )
            if changed:
                logger.info(
                    "%s: learned from %d answers how the account pages: %s",
                    self._stream,
                    len(seen),
                    in_words(self._dialect),
                )

    def guess(self, dialect: Dialect) -> None:
        """Go on with a dialect that is likely, but not the only one that is left."""
        self._guessed = True
        self.note(
            turn=dialect.turn,
            base=dialect.base,
            strict=dialect.strict,
            with_last=dialect.with_last,
            obeys_limit=dialect.obeys_limit,
        )

    def failed(self, why: str) -> None:
        """Count a day that taught nothing.

        Args:
            why: What was seen.

        Raises:
            KaptureDialectError: Too many days taught nothing, and the dialect is still a guess.
        """
        with self.lock:
            self._failures += 1
            if self._failures >= FAILURES and not self._dialect.confirmed:
                raise self.refusal(why)

    def refusal(self, why: str) -> KaptureDialectError:
        """Return the error that refuses the account.

        Args:
            why: What was seen.
        """
        return KaptureDialectError(
            f"{self._stream}: {why}. Ask Kapture support what 'limit' and 'offset' mean for this "
            f"API of your account; if they count rows or pages, say so in '{self._stream}_paging'"
        )

    # Whether a page that is short is the last one

    @property
    def must_see_the_end(self) -> bool:
        """Whether a row that comes alone is not yet a sign that nothing lies behind it."""
        return not self._dialect.regular or self._dialect.steady < STEADY

    def saw_the_end(self, rows: int) -> None:
        """Note a day that came as a regular account sends it, and whose end was seen.

        Were pages short at random, a day of so many rows would seldom come in one piece.
        """
        with self.lock:
            self.note(steady=min(self._dialect.steady + rows.bit_length() - 1, STEADY))

    def believed(self, day: date) -> None:
        """Note a day whose end was shown in one way."""
        with self.lock:
            self._believed.append(day)

    def irregular(self) -> None:
        """Note that a page came short although others followed."""
        with self.lock:
            if self._dialect.regular:
                self._irregular = True
                self.note(regular=False)

    # Days that were empty before the dialect was known

    def read_as_empty(self, asked: Request) -> None:
        """Note a day that was empty under a dialect that is a guess, by what was asked for it."""
        with self.lock:
            self._empty[asked.day] = asked

    def to_read_again(self) -> list[date]:
        """Return, once, the days that were asked for in another way than is known now."""
        with self.lock:
            days = list(self._asked_otherwise())
            for day in days:
                del self._empty[day]
            return sorted(days)

    @property
    def misses_days(self) -> bool:
        """Whether some days came empty that may not be: by a guess, or in another way."""
        with self.lock:
            if self._dialect.confirmed:
                return any(True for _ in self._asked_otherwise())
            return bool(self._empty)

    def _asked_otherwise(self) -> Iterator[date]:
        dialect = self._dialect
        first = dialect.first(self.page_size)
        for day, asked in self._empty.items():
            if asked != dialect.request(day, *first):
                yield day

    # What totalCount is worth

    def counted(self, total: int, counts: set[int], fewest: int) -> bool:
        """Compare a total with what came of a whole day.

        Args:
            total: As the account gave it.
            counts: What it may mean: the rows, or the distinct records.
            fewest: Rows of the smallest answer that told it.

        Returns:
            Whether it agrees, or is no reason to doubt.
        """
        with self.lock:
            if total in counts:
                self._right += 1
                if fewest < total and self._dialect.total is Total.UNKNOWN:
                    self.note(total=Total.DAY)
                return True
            return self._dialect.total is Total.USELESS

    def miscounted(self) -> None:
        """Note that a total was wrong in each reading of a day."""
        with self.lock:
            self._wrong += 1
            if self._wrong >= NEVER_RIGHT and self._total_never_right():
                self.note(total=Total.USELESS)

    def _total_never_right(self) -> bool:
        known = self._dialect
        return known.confirmed and not self._right and known.total is not Total.DAY

    # Whether the largest day is whole, where no page can be turned

    def sized(self, records: int) -> None:
        """Note how many rows a day had that came in one answer."""
        with self.lock:
            self._sizes[records] += 1

    def at_the_end(self) -> tuple[set[str], list[date], Doubt | None]:
        """Return what the whole run shows of its doubts.

        Returns:
            The kinds of doubts that are cleared, the days that are doubtful after all, and why.
        """
        cleared = set()
        if self._wrong and self._total_never_right():
            logger.warning(
                "%s: totalCount never agrees with what comes, so it is not looked at", self._stream
            )
            self.note(total=Total.USELESS)
            cleared.add("count")
        largest = self._dialect.largest
        smaller = sum(count for size, count in self._sizes.items() if 0 < size < largest)
        smaller = min(smaller + self._dialect.smaller_days, 99)
        if self._sizes:
            self.note(smaller_days=smaller)
        if self.refused_spans and self._sizes[largest] == 1 and smaller >= MANY_DAYS:
            logger.warning(
                "%s: the account turns no pages; its largest day, of %d records, is taken for "
                "whole because all others are smaller",
                self._stream,
                largest,
            )
            cleared.add("cap")
        if self._irregular and self._believed:
            return cleared, self._believed, Doubt("short", "pages came short before the last one")
        at_a_loss = self._guessed or self._failures
        if at_a_loss and not self._dialect.confirmed and self._empty:
            text = "it came empty, and how the account pages could not be learned"
            return cleared, sorted(self._empty), Doubt("dialect", text)
        return cleared, [], None


def in_words(dialect: Dialect) -> str:
    """Return a dialect in words."""
    first = {0: "from 0", 1: "from 1"}[dialect.base]
    words = {
        Turn.ROWS: "'offset' counts rows",
        Turn.RANGE: f"'offset' and 'limit' are the first and the last row, {first}",
        Turn.PAGES: f"'offset' counts pages {first}",
        Turn.LIMIT: f"'limit' is the number of the page, {first}",
        Turn.NONE: "nothing turns the page",
    }[dialect.turn]
    if not dialect.obeys_limit:
        words += ", 'limit' is ignored"
    if dialect.size is not None:
        words += f", a page holds at most {dialect.size} rows"
    if dialect.end_exclusive:
        words += ", the end date does not belong to the window"
    if not dialect.ordered:
        words += ", rows come in another order each time"
    if not dialect.regular:
        words += ", pages come short before the last one"
    return words
