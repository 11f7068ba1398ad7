"""A day of an account in plain Python, with the sandbox's own switches for paging and counting."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import msgspec

from sandbox import Quirks
from sandbox.answers.asking import Asked
from sandbox.answers.paging import addresses_rows, page_of
from tap_kapture.errors import KaptureRefusedError
from tap_kapture.wire.answers import Answer

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from tap_kapture.wire.request import Request


def row(key: object, **fields: object) -> bytes:
    """Return a record's JSON."""
    return json.dumps({"ticketId": key, "status": "Open", **fields}).encode()


def rows(count: int, day: str = "") -> list[bytes]:
    """Return records with different keys."""
    return [row(f"{day}{number}") for number in range(count)]


@dataclass
class PagedAccount:
    """Answers for some days.

    Attributes:
        days: Each record's JSON, by day.
        quirks: How the account pages, counts and orders.
        seed: What chance depends on.
        asked: Each request so far.
        met: Rows that were sent so far.
        total: What `totalCount` is whatever the quirks say, or None.
    """

    days: Mapping[dt.date, Sequence[bytes]]
    quirks: Quirks = field(default_factory=Quirks)
    seed: int = 0
    asked: list[Request] = field(default_factory=list)
    met: int = 0
    total: int | None = None

    def __post_init__(self) -> None:
        """Seed the chance."""
        self._random = Random(self.seed)  # noqa: S311 - repeatable chance is the point

    @property
    def pairs(self) -> list[tuple[int, int | None]]:
        """The limit and the offset of each request so far."""
        return [(one.limit, one.offset) for one in self.asked]

    def ask(self, request: Request) -> Answer:
        """Answer one request."""
        self.asked.append(request)
        self._refuse(request)
        last = request.end.toordinal() - (self.quirks.window == "end_exclusive")
        listed = [
            record
            for day, records in self.days.items()
            if request.day.toordinal() <= day.toordinal() <= last
            for record in records
        ]
        count = len(set(listed))
        if self.quirks.order == "unstable":
            self._random.shuffle(listed)
        asked = Asked("tickets", None, {}, request.day, request.end, request.offset, request.limit)
        wanted = page_of(asked, len(listed), self.quirks)
        page = listed[wanted]
        if self.quirks.short_pages and addresses_rows(self.quirks) and page:
            page = page[: self._random.randint(1, len(page))]
        self.met += len(page)
        return Answer([msgspec.Raw(each) for each in page], self._total(count, page, wanted.stop))

    def _refuse(self, request: Request) -> None:
        refused = self.quirks.offset
        if (refused == "refused" and request.offset is not None) or (
            refused == "refused_beyond_0" and request.offset
        ):
            msg = "offset is not allowed"
            raise KaptureRefusedError(msg)
        days = (request.end - request.day).days - (self.quirks.window == "end_exclusive")
        if self.quirks.host_window and days > 0:
            msg = "one day only"
            raise KaptureRefusedError(msg)

    def _total(self, count: int, page: Sequence[bytes], stop: int) -> int | None:
        if self.total is not None:
            return self.total
        first = len(self.asked) == 1
        totals = {
            "null": None,
            "filled": count,
            "wrong": count + 3,
            "wrong_once": count + 3 if first else count,
            "page": len(page),
            "reached": min(count, stop),
            "bounded": min(count, 10),
        }
        return totals[self.quirks.total_count] or None


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
