"""Days that were read by a guess of how the account pages: they may have to be read again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from tap_kapture.dialect.dialect import Dialect
    from tap_kapture.wire.request import Request


class Guessed:
    """Days that were read while the dialect was a guess."""

    def __init__(self, page_size: int) -> None:
        """Begin with none.

        Args:
            page_size: Rows that are asked for usually.
        """
        self._page_size = page_size
        self._lock = threading.Lock()
        self._asked: dict[date, Request] = {}
        self._empty: set[date] = set()
        self._puzzling: set[date] = set()

    def read(self, asked: Request, *, empty: bool) -> None:
        """Note a day that was read to its end.

        Args:
            asked: What was asked for it first.
            empty: Whether nothing came.
        """
        with self._lock:
            self._asked[asked.day] = asked
            if empty:
                self._empty.add(asked.day)

    def was_puzzling(self, day: date) -> None:
        """Note a day whose answers fitted no known dialect."""
        with self._lock:
            self._puzzling.add(day)

    def to_read_again(self, dialect: Dialect) -> list[date]:
        """Return, once, the days that were not read in the way that is known now.

        Args:
            dialect: What is known now.
        """
        with self._lock:
            days = set(self._asked_otherwise(dialect))
            for day in days:
                del self._asked[day]
            self._empty -= days
            if dialect.confirmed:
                days |= self._puzzling
                self._puzzling = set()
            return sorted(days)

    def misses_days(self, dialect: Dialect) -> bool:
        """Whether some days came empty that may not be: by a guess, or in another way.

        Args:
            dialect: What is known now.
        """
        with self._lock:
            if dialect.confirmed:
                return not self._empty.isdisjoint(self._asked_otherwise(dialect))
            return bool(self._empty)

    def days(self) -> list[date]:
        """Return the days that still count as read."""
        with self._lock:
            return sorted(self._asked)

    def _asked_otherwise(self, dialect: Dialect) -> Iterator[date]:
        first = dialect.first(self._page_size)
        for day, asked in self._asked.items():
            if asked != dialect.request(day, *first):
                yield day
