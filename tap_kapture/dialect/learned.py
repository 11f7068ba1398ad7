"""What a run knows of the account so far; one instance is shared by all workers of a stream."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tap_kapture.dialect.dialect import Dialect, Total
from tap_kapture.dialect.guessed import Guessed
from tap_kapture.dialect.witness import Witness
from tap_kapture.errors import KaptureDialectError
from tap_kapture.settings.groups import paging_setting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tap_kapture.dialect.evidence import Verdict
    from tap_kapture.dialect.layout import Seen

LEARNING_REQUESTS = 6
"""Requests that may be spent on learning a dialect, beside those that read days."""
PASSES = 8
"""How often a day is read in pages until nothing new comes."""
STEADY = 20
"""Bits of evidence after which a page that is short is believed to be the last."""
REGULAR = 10
"""Bits of evidence after which that is believed where the settings say so."""
SHOWN = 3
"""Days of the same size that must be shown whole before another one of that size is believed."""
FAILURES = 3
"""Days that fit no dialect after which an account is refused whose dialect is not known."""

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
        self.guessed = Guessed(page_size)
        self.refused_spans: set[int] = set()
        self.adopted = False
        self.counts_days = False
        self.witnesses: dict[date, Witness] = {}
        self.nothing_came = False
        self._stream = stream
        self._dialect = dialect
        self.believed_days: list[date] = []
        self.turned_irregular = False
        self._failures = 0
        self._shown: Counter[int] = Counter()
        self._guessed = False
        self._largest_now = 0

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
        if rows > self._largest_now:
            with self.lock:
                self._largest_now = max(rows, self._largest_now)
                self.note(largest=max(rows, self._dialect.largest))

    def is_below_a_cap(self, rows: int) -> bool:
        """Whether an answer of this run held more rows, so that no cap cut this one."""
        return rows < self._largest_now

    def forget(self) -> None:
        """Take what is known for a guess, because the account does not answer as it did."""
        if not self.stated:
            self.note(confirmed=False)

    def witness(self, day: date, seen: Seen) -> None:
        """Note what came for the first request about a day that came out whole."""
        found = Witness.of(day, seen)
        if found is not None:
            with self.lock:
                self.witnesses[day] = found

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
            self.adopted = True
            self.counts_days = self.counts_days or found.total is Total.DAY
            if known.way != found.way:
                self._largest_now = longest
            changed = known.way != found.way or not found.ordered or not found.regular
            self._dialect = replace(
                found,
                size=found.size or (known.size if known.way == found.way else None),
                total=total,
                sends_offset=known.sends_offset,
                end_exclusive=known.end_exclusive,
                steady=known.steady,
                # What a page held when pages turned in another way says nothing of a cap now.
                largest=known.largest if known.way == found.way else longest,
            )
            if changed or self._dialect.end_exclusive or not self._dialect.sends_offset:
                logger.info(
                    "%s: learned from %d answers how the account pages: %s",
                    self._stream,
                    len(seen),
                    self._dialect.in_words(),
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
            size=dialect.size,
        )

    def failed(self, day: date, why: str) -> None:
        """Count a day that taught nothing.

        Args:
            day: The day.
            why: What was seen.

        Raises:
            KaptureDialectError: Too many days taught nothing, and the dialect is still a guess.
        """
        with self.lock:
            self._failures += 1
            if self._dialect.confirmed:
                return
            self.guessed.was_puzzling(day)
            if self._failures >= FAILURES:
                raise self.refusal(why)

    def refusal(self, why: str) -> KaptureDialectError:
        """Return the error that refuses the account.

        Args:
            why: What was seen.
        """
        return KaptureDialectError(
            f"{self._stream}: {why}. Ask Kapture support what 'limit' and 'offset' mean for this "
            f"API of your account; if they count rows or pages, say so in "
            f"'{paging_setting(self._stream)}'"
        )

    # Whether a page that is short is the last one

    @property
    def must_see_the_end(self) -> bool:
        """Whether a row that comes alone is not yet a sign that nothing lies behind it."""
        enough = STEADY if self.adopted else REGULAR
        return not self._dialect.regular or self._dialect.steady < enough

    def saw_the_end(self, bits: float) -> None:
        """Note a day that came as a regular account sends it, and whose end was seen.

        Args:
            bits: How unlikely that was, were pages short at random.
        """
        with self.lock:
            self.note(steady=min(self._dialect.steady + int(bits), STEADY))

    def is_whole(self, rows: int, limit: int) -> bool:
        """Whether a page with fewer rows than asked for is the last one, by what was seen before.

        No cap lies below the largest answer of this run; and were so many rows one, some of the
        days that held exactly as many would have shown more.

        Args:
            rows: In the page.
            limit: Rows that were asked for.
        """
        dialect = self._dialect
        limit = min(limit, dialect.size or limit)
        known = self.is_below_a_cap(rows) or self._shown[rows] >= SHOWN
        regular = dialect.regular and dialect.steady >= REGULAR
        return dialect.confirmed and regular and rows < limit and known

    def capped(self, rows: int) -> None:
        """Note that more followed behind a page with fewer rows than asked for."""
        with self.lock:
            if self._dialect.size is None:
                self.note(size=rows)

    def shown(self, rows: int) -> None:
        """Note a day of so many rows that was shown to be whole."""
        with self.lock:
            self._shown[rows] += 1

    def believed(self, day: date) -> None:
        """Note a day whose end was shown in one way."""
        with self.lock:
            self.believed_days.append(day)

    def irregular(self) -> None:
        """Note that a page came short although others followed."""
        with self.lock:
            if self._dialect.regular:
                self.turned_irregular = True
                self.note(regular=False)

    # Days that were asked for before the dialect was known

    def to_read_again(self) -> list[date]:
        """Return, once, the days that were not read in the way that is known now."""
        return self.guessed.to_read_again(self._dialect)

    @property
    def misses_days(self) -> bool:
        """Whether some days came empty that may not be: by a guess, or in another way."""
        return self.guessed.misses_days(self._dialect)

    def doubtful_days(self) -> list[date]:
        """Return the days that were read by a guess while others fitted no known way."""
        at_a_loss = (self._guessed or self._failures) and not self._dialect.confirmed
        return self.guessed.days() if at_a_loss or self.nothing_came else []
