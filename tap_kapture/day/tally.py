"""What came of a day: each record once, how many are open, and a digest of them all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import msgspec

    from tap_kapture.dialect.doubts import Doubt
    from tap_kapture.errors import KaptureError
    from tap_kapture.shape.heads import Heads


NEVER = datetime.min.replace(tzinfo=timezone.utc)


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
        doubt: Why the day is not settled, or None.
        announced: The last ``totalCount`` that was positive, or None.
        requests: Requests that it took, without retries.
        read_at: When the reading began.
    """

    records: int
    open_count: int
    digest: str
    doubt: Doubt | None = None
    announced: int | None = None
    requests: int = 0
    read_at: datetime = NEVER


@dataclass(frozen=True, slots=True)
class UnreadDay:
    """A day that could not be read, while others can be.

    Attributes:
        error: Why.
    """

    error: KaptureError


class Tally:
    """Takes the rows of one day, from as many answers as it takes.

    Attributes:
        sharing: Rows whose key another row of the same answer had, with other contents.
    """

    def __init__(self, heads: Heads, *, digest: bool, known: str = "") -> None:
        """Begin with nothing.

        Args:
            heads: Reads keys and statuses.
            digest: Whether the day will ever be compared with another reading of it.
            known: The day's digest when it last came out whole, or empty.
        """
        self._heads = heads
        self._digest = digest
        self._known = known
        self._fingerprint = _lasting if digest else _passing
        self._contents: dict[str, int] = {}
        self._open: set[str] = set()
        self.sharing = 0

    def __len__(self) -> int:
        """Distinct keys so far."""
        return len(self._contents)

    def take(self, rows: Sequence[msgspec.Raw]) -> tuple[tuple[str, ...], list[msgspec.Raw]]:
        """Return the keys of rows, and those rows that are new or differ from before.

        Args:
            rows: The rows of an answer.

        Raises:
            KaptureRecordError: A record has no key.
            KaptureResponseError: A row is no record.
        """
        heads = [self._heads.of(row) for row in rows]
        prints = list(map(self._fingerprint, rows))
        contents, fresh, is_again = self._contents, [], False
        for row, (key, is_open), content in zip(rows, heads, prints, strict=True):
            known = contents.get(key)
            if known == content:
                continue
            is_again = is_again or known is not None
            contents[key] = content
            fresh.append(row)
            if is_open:
                self._open.add(key)
            else:
                self._open.discard(key)
        if is_again:
            keys = [key for key, _ in heads]
            self.sharing += len(set(zip(keys, prints, strict=True))) - len(set(keys))
        # Each row keeps its whole answer in memory; where few are wanted, they are copies.
        whole = len(fresh) == len(rows)
        return tuple(key for key, _ in heads), fresh if whole else [row.copy() for row in fresh]

    def keys_of(self, rows: Sequence[msgspec.Raw]) -> tuple[str, ...]:
        """Return the keys of rows without taking them; fails as :meth:`take` does."""
        return self._heads.keys_of(rows)

    def facts(self, doubt: Doubt | None, announced: int | None = None) -> DayFacts:
        """Return what the day came to.

        Args:
            doubt: Why it is not settled, or None.
            announced: As the attribute of :class:`DayFacts`.
        """
        return DayFacts(len(self._contents), len(self._open), self.digest, doubt, announced)

    @property
    def is_as_before(self) -> bool:
        """Whether just those records came that came when the day last came out whole."""
        return bool(self._known) and self.digest == self._known

    @property
    def digest(self) -> str:
        """Order-insensitive digest of the records; empty when none was asked for."""
        return f"{sum(self._contents.values()) % 2**64:016x}" if self._digest else ""


def _lasting(row: msgspec.Raw) -> int:
    """Return a fingerprint of a record that another run finds again."""
    return int.from_bytes(blake2b(row, digest_size=8).digest(), "big")


def _passing(row: msgspec.Raw) -> int:
    """Return a fingerprint that tells contents apart within this run, at a third of the cost."""
    return hash(bytes(row))
