"""Reading one day to its end: pages, doubles, a digest, and a second reading where rows moved."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from tap_kapture.errors import KaptureError, KapturePagingError
from tap_kapture.heads import Heads
from tap_kapture.pages import PageFacts, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    import msgspec

    from tap_kapture.responses import Answer

MAX_READINGS = 3
"""How often a day is read when its count does not come out."""
DOUBTFUL_DAYS = 3
"""Days whose count never came out, after which counts are not trusted for the rest of the run."""

logger = logging.getLogger("tap-kapture")


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a day that were not handed on before.

    Attributes:
        rows: Each record's JSON.
        size: Their bytes.
    """

    rows: list[msgspec.Raw]
    size: int

    @property
    def weight(self) -> int:
        """What the page counts for where waiting pages are bounded: one for each MiB begun."""
        return 1 + self.size // 2**20


@dataclass(frozen=True, slots=True)
class DayFacts:
    """What a finished day came to.

    Attributes:
        records: Distinct keys.
        open_count: Of these, tickets that are not closed.
        digest: Order-insensitive digest of the records; empty when none was asked for.
    """

    records: int
    open_count: int
    digest: str


class Doubts:
    """Counts the days whose numbers never came out; shared by the workers."""

    def __init__(self) -> None:
        """Trust the server's counts, until shown otherwise."""
        self._days = 0
        self._lock = threading.Lock()

    @property
    def trusted(self) -> bool:
        """Whether a count that does not come out is still a reason to read a day again."""
        return self._days < DOUBTFUL_DAYS

    def add(self, stream: str, day: date, reading: Reading, records: int) -> None:
        """Warn of a day, and once of the rest of the run."""
        with self._lock:
            self._days += 1
            if reading.total:
                what = f"Kapture announces {reading.total} records, but sends {records}"
            else:
                what = f"rows moved between pages ({reading.repeats} came twice)"
            logger.warning(
                "%s, day %s: %s, in %d readings; what came is loaded",
                stream,
                day,
                what,
                MAX_READINGS,
            )
            if self._days == DOUBTFUL_DAYS:
                logger.warning(
                    "%s: counts did not come out on %d days; for the rest of the run they are no "
                    "reason to read a day again",
                    stream,
                    DOUBTFUL_DAYS,
                )


class DayReader:
    """Reads days of one stream; one instance serves all its workers."""

    def __init__(  # noqa: PLR0913 - each is one rule
        self,
        stream: str,
        *,
        key: str,
        convert_key: Callable[[object], object],
        status: str | None,
        closed_statuses: frozenset[str],
        page_size: int,
        verify_last_page: bool,
    ) -> None:
        """Compile what is needed of each row.

        Args:
            stream: Name of the stream, for messages.
            key: Name of the primary key.
            convert_key: Turns the key on the wire into that of the table; null or ValueError if it
                is none.
            status: Name of the column that tells open from closed, or None.
            closed_statuses: Statuses that count as closed, in lower case.
            page_size: Rows to ask for.
            verify_last_page: Whether a short page must be followed by an empty one.
        """
        self._stream = stream
        self._heads = Heads(key, convert_key, status, closed_statuses)
        self._page_size = page_size
        self._verify = verify_last_page
        self._doubts = Doubts()

    def read(
        self, day: date, ask: Callable[[int, int], Answer], *, digest: bool = True
    ) -> Iterator[Page | DayFacts]:
        """Read a day: yield its pages as they come, each record once, and last what it came to.

        Args:
            day: The day.
            ask: Returns the page for a limit and an offset.
            digest: Whether the day will ever be compared with another reading of it.

        Yields:
            Pages of new rows, then the :class:`DayFacts`.

        Raises:
            KaptureError: The day cannot be read to its end.
        """
        fingerprint = _lasting if digest else _passing
        contents: dict[str, int] = {}
        open_keys: set[str] = set()
        for attempt in range(1, MAX_READINGS + 1):
            reading = Reading(limit=self._page_size)
            # In the first reading, what it has seen is what there is.
            again: set[str] | None = None if attempt == 1 else set()
            while not reading.done:
                answer = ask(reading.limit, reading.offset)
                trusted = self._doubts.trusted
                keys = self._keys(answer.rows, day, reading.offset)
                page_keys = {key for key, _ in keys}
                repeats = len(page_keys & (contents.keys() if again is None else again))
                if again is not None:
                    again |= page_keys
                prints = map(fingerprint, answer.rows)
                fresh = _fresh(answer.rows, keys, prints, contents, open_keys)
                if fresh:
                    yield Page(fresh, sum(map(len, fresh)))
                facts = PageFacts(
                    rows=len(answer.rows),
                    new_keys=len(page_keys) - repeats,
                    repeats=repeats,
                    total=answer.total if trusted else None,
                )
                try:
                    reading = reading.after(facts, verify_last_page=self._verify)
                except KapturePagingError as error:
                    raise error.at(self._stream, day, reading.offset) from None
            if reading.settled or len(contents) == reading.total or not self._doubts.trusted:
                break
            if attempt == MAX_READINGS:
                self._doubts.add(self._stream, day, reading, len(contents))
        total = f"{sum(contents.values()) % 2**64:016x}" if digest else ""
        yield DayFacts(len(contents), len(open_keys), total)

    def _keys(self, rows: list[msgspec.Raw], day: date, offset: int) -> list[tuple[str, bool]]:
        try:
            return [self._heads.of(row) for row in rows]
        except KaptureError as error:
            raise error.at(self._stream, day, offset) from None


def _fresh(
    rows: list[msgspec.Raw],
    heads: list[tuple[str, bool]],
    prints: Iterable[int],
    contents: dict[str, int],
    open_keys: set[str],
) -> list[msgspec.Raw]:
    """Return the rows whose key is new to the day, or whose content differs from before.

    Each row keeps the whole answer in memory. Where only some of them are wanted, they are copies.
    """
    fresh = []
    for row, (key, is_open), content in zip(rows, heads, prints, strict=True):
        if contents.get(key) == content:
            continue
        contents[key] = content
        fresh.append(row)
        if is_open:
            open_keys.add(key)
        else:
            open_keys.discard(key)
    return fresh if len(fresh) == len(rows) else [row.copy() for row in fresh]


def _lasting(row: msgspec.Raw) -> int:
    """Return a fingerprint of a record that another run finds again."""
    return int.from_bytes(blake2b(row, digest_size=8).digest(), "big")


def _passing(row: msgspec.Raw) -> int:
    """Return a fingerprint that tells contents apart within this run, at a third of the cost."""
    return hash(bytes(row))
