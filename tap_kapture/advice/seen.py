"""What a few requests to one endpoint showed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_kapture.dialect.dialect import Dialect, Turn
from tap_kapture.shape import cleaning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, timedelta

    from tap_kapture.dialect.doubts import Doubt
    from tap_kapture.errors import KaptureError
    from tap_kapture.settings.groups import Settings
    from tap_kapture.wire.request import Request


@dataclass(frozen=True, slots=True)
class Asked:
    """One request and what came.

    Attributes:
        request: The request.
        rows: How many rows came; None for an answer that was an error.
        seconds: How long it took.
    """

    request: Request
    rows: int | None
    seconds: float

    def __str__(self) -> str:
        """Return it in words."""
        offset = "" if self.request.offset is None else f" offset {self.request.offset}"
        came = "refused" if self.rows is None else f"{self.rows} rows"
        return f"limit {self.request.limit}{offset}: {came}"


@dataclass
class Seen:
    """What the requests to one endpoint showed.

    Attributes:
        stream: Name of the stream.
        asked: Every request, in order.
        rows: The records that came, each once, by the day that was asked for.
        dialect: How the account is to be asked, as far as it is known.
        fully_read: Records of the days that were read to their end.
        error: Why a load would fail, or None.
        doubt: Why a day that was read may not be whole, or None.
        skew: The server's clock minus ours, or None.
    """

    stream: str
    asked: list[Asked] = field(default_factory=list)
    rows: dict[date, list[dict[str, Any]]] = field(default_factory=dict)
    dialect: Dialect = field(default_factory=Dialect)
    fully_read: dict[date, int] = field(default_factory=dict)
    error: KaptureError | None = None
    doubt: Doubt | None = None
    skew: timedelta | None = None

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield every record that came, as it was sent."""
        for rows in self.rows.values():
            yield from rows

    @property
    def cap(self) -> int | None:
        """The most rows in an answer, if answers stopped there although more were asked for."""
        short = Counter(
            one.rows
            for one in self.asked
            if one.rows and self.dialect.turn is not Turn.LIMIT and one.rows < one.request.limit
        )
        most = max(short, default=0)
        capped = most > 1 and short[most] > 1 and most == self.dialect.largest
        return self.dialect.size or (most if capped else None)

    @property
    def newest(self) -> date | None:
        """The newest day of which records came."""
        return max((day for day, rows in self.rows.items() if rows), default=None)


def requests_of_a_day(records: int, dialect: Dialect, settings: Settings) -> int:
    """Return the requests that a day of so many records takes.

    Args:
        records: Records of the day.
        dialect: How the account pages.
        settings: The configuration.
    """
    if dialect.turn is Turn.NONE or not records:
        return 1
    size = min(settings.paging.page_size, dialect.size or settings.paging.page_size)
    full, rest = divmod(records, size)
    sees_the_end = settings.paging.verify_last_page or not rest
    return full + bool(rest) + sees_the_end


def statuses(seen: Seen, column: str, *, clean: bool) -> Counter[str]:
    """Return how often each status came, as the table shows it.

    Args:
        seen: What came.
        column: Name of the column.
        clean: Whether texts are cleaned.
    """
    sent = (record.get(column) for record in seen.records())
    return Counter(str(cleaning.clean(status) if clean else status) for status in sent)
