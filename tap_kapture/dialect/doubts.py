"""Doubts about days that were read, and what a whole run shows of them."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_kapture.dialect.dialect import Total, Turn

if TYPE_CHECKING:
    from datetime import date

    from tap_kapture.dialect.learned import Learned

NEVER_RIGHT = 3
"""Days after which a total that was never right is not looked at any more."""
ROUND = 1000
"""Whose multiples are where accounts stop telling, if they do."""
NAMED = 5
"""Days that a message names."""
MANY_DAYS = 10
"""Smaller days beside which one largest day is no sign of a cap."""

logger = logging.getLogger("tap-kapture")


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a day may not be whole although it was read.

    Attributes:
        kind: ``moved``, ``count``, ``cap`` or ``short``; what may clear it later depends on it.
        text: The reason, for the person who must act.
    """

    kind: str
    text: str


class Doubts:
    """What is counted over all days of a stream; shared by its workers.

    Attributes:
        learned: What is known of the account.
    """

    def __init__(self, stream: str, learned: Learned) -> None:
        """Begin without doubts.

        Args:
            stream: Name of the stream, for messages.
            learned: What is known of the account.
        """
        self._stream = stream
        self.learned = learned
        self._right = 0
        self._wrong = 0
        self._sizes: Counter[int] = Counter()
        self._largest_days: list[date] = []
        self._most = 0
        self._sharing = 0

    # What totalCount is worth

    def counted(self, total: int, counts: set[int], *, announced: bool) -> bool:
        """Compare a total with what came of a whole day.

        Args:
            total: As the account gave it.
            counts: What it may mean: the rows, or the distinct records.
            announced: Whether an answer told it that ended well before.

        Returns:
            Whether it agrees, or is no reason to doubt.
        """
        with self.learned.lock:
            if total in counts:
                self._right += 1
                if announced and self.learned.dialect.total is not Total.USELESS:
                    self.learned.counts_days = True
                    self.learned.note(total=Total.DAY)
                return True
            return self.learned.dialect.total is Total.USELESS

    def miscounted(self) -> None:
        """Note that a total was wrong in each reading of a day."""
        with self.learned.lock:
            self._wrong += 1
            if self._wrong >= NEVER_RIGHT and self._total_never_right():
                self.learned.note(total=Total.USELESS)

    def _total_never_right(self) -> bool:
        known = self.learned.dialect
        return known.confirmed and not self._right and known.total is not Total.DAY

    # Whether the largest days end where the account stops telling

    def whole(self, day: date, records: int) -> None:
        """Note how many records a day had that can get no more.

        Args:
            day: The day.
            records: What came of it.
        """
        with self.learned.lock:
            if records > self._most:
                self._most, self._largest_days = records, []
            if records == self._most:
                self._largest_days.append(day)

    def shared(self, rows: int) -> None:
        """Note rows of a day whose key another row of the same answer had.

        Args:
            rows: How many.
        """
        with self.learned.lock:
            self._sharing += rows

    def _warn_of_shared_keys(self) -> None:
        if self._sharing:
            logger.warning(
                "%s: %d records share their key with another one of the same answer, so a table "
                "can hold only the last of them. Ask Kapture support which of them is right",
                self._stream,
                self._sharing,
            )

    def _warn_of_a_bound(self) -> None:
        known = self.learned.dialect
        pages = known.turn is not Turn.NONE and known.total is not Total.DAY
        if self._most and self._most % ROUND == 0 and pages:
            logger.warning(
                "%s: no day has more than just %d records (%s). Should Kapture show more of them, "
                "the account lets nobody read further: ask Kapture support to lift that bound",
                self._stream,
                self._most,
                ", ".join(map(str, sorted(self._largest_days)[:NAMED])),
            )

    # Whether the largest day is whole, where no page can be turned

    def sized(self, records: int) -> None:
        """Note how many rows a day had that came in one answer."""
        with self.learned.lock:
            self._sizes[records] += 1

    def at_the_end(self) -> tuple[set[str], list[date], Doubt | None]:
        """Return what the whole run shows of its doubts.

        Returns:
            The kinds of doubts that are cleared, the days that are doubtful after all, and why.
        """
        cleared = set()
        self._warn_of_a_bound()
        self._warn_of_shared_keys()
        if self._wrong and self._total_never_right():
            logger.warning(
                "%s: totalCount never agrees with what comes, so it is not looked at", self._stream
            )
            self.learned.note(total=Total.USELESS)
            cleared.add("count")
        largest = self.learned.dialect.largest
        smaller = sum(count for size, count in self._sizes.items() if 0 < size < largest)
        smaller = min(smaller + self.learned.dialect.smaller_days, 99)
        if self._sizes:
            self.learned.note(smaller_days=smaller)
        if self.learned.refused_spans and self._sizes[largest] == 1 and smaller >= MANY_DAYS:
            logger.warning(
                "%s: the account turns no pages; its largest day, of %d records, is taken for "
                "whole because all others are smaller",
                self._stream,
                largest,
            )
            cleared.add("cap")
        learned = self.learned
        if learned.turned_irregular and learned.believed_days:
            return (
                cleared,
                learned.believed_days,
                Doubt("short", "pages came short before the last one"),
            )
        if guessed := learned.doubtful_days():
            text = "it was read by a guess, because how the account pages could not be learned"
            if learned.nothing_came:
                text = (
                    "it came empty like all others, although there were records. Check the "
                    "account's id and the token; if the records are gone for good, start afresh"
                )
            return cleared, guessed, Doubt("dialect", text)
        return cleared, [], None
