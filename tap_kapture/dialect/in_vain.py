"""Days that were asked for in vain while it was not known how: they may have to be read again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from tap_kapture.dialect.dialect import Dialect
    from tap_kapture.wire.request import Request


class InVain:
    """Days that came empty, or fitted nothing, under a dialect that is a guess."""

    def __init__(self, page_size: int) -> None:
        """Begin with none.

        Args:
            page_size: Rows that are asked for usually.
        """
        self._page_size = page_size
        self._lock = threading.Lock()
        self._empty: dict[date, Request] = {}
        self._puzzling: set[date] = set()

    def came_empty(self, asked: Request) -> None:
        """Note a day that came empty, by what was asked for it."""
        with self._lock:
            self._empty[asked.day] = asked

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
                del self._empty[day]
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
                return any(True for _ in self._asked_otherwise(dialect))
            return bool(self._empty)

    def empty_days(self) -> list[date]:
        """Return the days that came empty and still count as read."""
        with self._lock:
            return sorted(self._empty)

    def _asked_otherwise(self, dialect: Dialect) -> Iterator[date]:
        first = dialect.first(self._page_size)
        for day, asked in self._empty.items():
            if asked != dialect.request(day, *first):
                yield day
