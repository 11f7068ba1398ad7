"""A day that shows in a later run whether the account is still to be asked as it was.

What an account answers under another dialect than the known one may look like a small day, or like
an empty one. Not so for a day whose answer is known: that is asked for before any other, and as it
is read again anyway, it costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from tap_kapture.dialect.dialect import Dialect
    from tap_kapture.dialect.layout import Seen


@dataclass(frozen=True, slots=True)
class Witness:
    """What came for the first request about a day.

    Attributes:
        day: The day.
        rows: How many rows.
        first: A digest of the first row's key.
    """

    day: date
    rows: int
    first: str

    @classmethod
    def of(cls, day: date, seen: Seen) -> Witness | None:
        """Return the witness that an answer makes, or None if it held no row.

        Args:
            day: The day.
            seen: The answer to its first request.
        """
        if not seen.keys:
            return None
        return cls(day, len(seen.keys), _digest(seen.keys[0]))

    def stands(self, seen: Seen, dialect: Dialect) -> bool:
        """Whether an answer to the same request is what the same dialect would have given.

        Args:
            seen: The answer.
            dialect: What the account did.
        """
        now = Witness.of(self.day, seen)
        if now is None:
            return False
        same_row = now.first == self.first or not dialect.ordered
        return same_row and (now.rows == self.rows or not dialect.regular)

    def to_state(self) -> dict[str, Any]:
        """Return what the state keeps."""
        return {"day": self.day.isoformat(), "rows": self.rows, "first": self.first}


def from_state(raw: object) -> Witness | None:
    """Return the witness that a state holds, or None if it holds none that can be used.

    Args:
        raw: The state's part.
    """
    if not isinstance(raw, dict):
        return None
    day, rows, first = raw.get("day"), raw.get("rows"), raw.get("first")
    if not (isinstance(day, str) and type(rows) is int and isinstance(first, str)):
        return None
    try:
        return Witness(date.fromisoformat(day), rows, first)
    except ValueError:
        return None


def best(witnesses: Mapping[date, Witness], read_again: Container[date]) -> Witness | None:
    """Return the witness that shows most for least: read again anyway, and with many rows.

    Args:
        witnesses: By day.
        read_again: The days that the next run reads again anyway.
    """
    return max(
        witnesses.values(), key=lambda one: (one.day in read_again, one.rows, one.day), default=None
    )


def _digest(key: str) -> str:
    return blake2b(key.encode(), digest_size=4).hexdigest()
