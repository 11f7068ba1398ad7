"""A day of an account in plain Python: every way of paging, counting and ordering in one place."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import msgspec

from tap_kapture.responses import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def row(key: object, **fields: object) -> bytes:
    """Return a record's JSON."""
    return json.dumps({"ticketId": key, "status": "Open", **fields}).encode()


def rows(count: int) -> list[bytes]:
    """Return records with different keys."""
    return [row(f"{number}") for number in range(count)]


@dataclass
class PagedAccount:
    """Answers for one day.

    Attributes:
        rows: Each record's JSON.
        paging: ``honoured``, ``offset_ignored``, or ``none``: the whole day whatever is asked.
        cap: Rows of a page at most, whatever is asked.
        ragged: Pages come short at random, though never empty before the end.
        total: ``null``, ``filled``, ``wrong`` always, ``wrong_once``, or ``page``: its rows.
        order: ``stable``, or ``unstable``: another one for each request.
        seed: What chance depends on.
        asked: The limit and the offset of each request so far.
    """

    rows: Sequence[bytes]
    paging: str = "honoured"
    cap: int | None = None
    ragged: bool = False
    total: str = "null"
    order: str = "stable"
    seed: int = 0
    asked: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Seed the chance."""
        self._random = Random(self.seed)  # noqa: S311 - repeatable chance is the point

    def ask(self, limit: int, offset: int) -> Answer:
        """Answer one request."""
        self.asked.append((limit, offset))
        listed = list(self.rows)
        if self.order == "unstable":
            self._random.shuffle(listed)
        if self.paging == "none":
            page = listed
        else:
            size = min(limit, self.cap or limit)
            if self.ragged:
                size = self._random.randint(1, size)
            start = offset if self.paging == "honoured" else 0
            page = listed[start : start + size]
        return Answer([msgspec.Raw(each) for each in page], self._total(len(page)))

    def _total(self, page: int) -> int | None:
        count = len(self.rows)
        first = len(self.asked) == 1
        totals = {
            "null": None,
            "filled": count,
            "wrong": count + 3,
            "wrong_once": count + 3 if first else count,
            "page": page,
        }
        return totals[self.total] or None


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def warnings_logged() -> Iterator[list[str]]:
    """Collect what the tap logs; unlike a fixture it starts anew for each example."""
    collector = _Collector()
    logger = logging.getLogger("tap-kapture")
    logger.addHandler(collector)
    try:
        yield collector.lines
    finally:
        logger.removeHandler(collector)
