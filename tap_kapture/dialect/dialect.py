"""An account's dialect: what it takes ``limit``, ``offset``, the end date and ``totalCount`` for.

Kapture documents none of this, and its own lists have different habits. So a dialect is never
assumed: it is learned from the account's answers (:mod:`tap_kapture.dialect.evidence`) and kept in
the state, and every day that is read must fit it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from tap_kapture.plan.bookmarks import ONE_DAY
from tap_kapture.wire.request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

MAX_LIMIT = 5000
"""The largest ``limit`` that is ever asked for, in rows."""
ENDLESS = 10**9
"""More rows than any page holds."""


class Turn(str, Enum):
    """How the next page of a day is asked for."""

    ROWS = "rows"
    """``offset`` counts the rows to skip."""
    RANGE = "range"
    """``offset`` and ``limit`` are the first and the last row."""
    PAGES = "pages"
    """``offset`` counts the pages to skip."""
    LIMIT = "limit"
    """``limit`` is the number of the page."""
    NONE = "none"
    """Nothing turns the page: every request begins at the first row."""


BY_PAGES = (Turn.PAGES, Turn.LIMIT)
"""Those in which a page cannot come short without the rest of it being lost."""
BY_ROWS = (Turn.ROWS, Turn.RANGE)
"""Those in which a page that comes short can be read on behind its last row."""
WITHOUT_OFFSET = (Turn.NONE, Turn.LIMIT)
"""Those that do without ``offset``."""


class Total(str, Enum):
    """What ``totalCount`` is worth."""

    UNKNOWN = "unknown"
    DAY = "day"
    """It counts the records of the day."""
    USELESS = "useless"
    """It counts something else, such as the rows of the page."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What an account takes the keys of a request for.

    Attributes:
        turn: How the next page is asked for.
        base: Number of the first page or row, 0 or 1.
        strict: A page before the first one is empty, instead of being the first one.
        with_last: The last row of a range belongs to it.
        obeys_limit: Whether ``limit`` makes a page smaller.
        size: The most rows in a page, whatever is asked; None if no such cap was met.
        sends_offset: Whether the account takes a request with ``offset`` at all.
        end_exclusive: Whether the end date does not belong to the window.
        total: What ``totalCount`` is worth.
        regular: Whether a page that is short is the last one.
        steady: How sure that is, in bits: what days would not have shown by chance.
        ordered: Whether the same request gives the rows in the same order.
        largest: The most rows that came in one answer: no cap lies below it.
        smaller_days: Days with fewer records than that, as far as counted.
        confirmed: Whether answers have shown all this; otherwise it is a first guess.
    """

    turn: Turn = Turn.ROWS
    base: int = 0
    strict: bool = False
    with_last: bool = False
    obeys_limit: bool = True
    size: int | None = None
    sends_offset: bool = True
    end_exclusive: bool = False
    total: Total = Total.UNKNOWN
    regular: bool = True
    steady: int = 0
    ordered: bool = True
    largest: int = 0
    smaller_days: int = 0
    confirmed: bool = False

    @property
    def way(self) -> tuple[Turn, int, bool, bool]:
        """What decides how a page is asked for."""
        return self.turn, self.base, self.strict, self.with_last

    def ask_rows(self, start: int, rows: int) -> tuple[int, int]:
        """Return ``limit`` and ``offset`` that ask for rows, for a dialect that addresses rows.

        Args:
            start: Rows before the first one wanted.
            rows: How many are wanted.
        """
        if self.turn is Turn.RANGE:
            last = start + rows + self.base - (1 if self.with_last else 0)
            return last, start + self.base
        return rows, start

    def ask_page(self, index: int, rows: int) -> tuple[int, int]:
        """Return ``limit`` and ``offset`` that ask for a page, for a dialect that counts pages.

        Args:
            index: Pages before the one wanted.
            rows: How many rows a page shall hold.
        """
        if self.turn is Turn.LIMIT:
            return index + self.base, 0
        return rows, index + self.base

    def first(self, rows: int) -> tuple[int, int]:
        """Return ``limit`` and ``offset`` that ask for the first rows of a day."""
        if self.turn in BY_PAGES:
            return self.ask_page(0, rows)
        return self.ask_rows(0, rows)

    def request(self, day: date, limit: int, offset: int) -> Request:
        """Return the request for rows of a day.

        Args:
            day: The day.
            limit: Value of ``limit``.
            offset: Value of ``offset``.
        """
        end = day + ONE_DAY if self.end_exclusive else day
        return Request(day, end, limit, offset if self.sends_offset else None)

    def slice_of(self, limit: int, offset: int) -> tuple[int, int]:
        """Return which rows of a day's listing this dialect answers with.

        Args:
            limit: As asked.
            offset: As asked.

        Returns:
            Rows before the first one, and how many at most.
        """
        size = ENDLESS if self.size is None else self.size
        count = min(limit, size) if self.obeys_limit else size
        if self.turn is Turn.ROWS:
            return offset, count
        if self.turn is Turn.RANGE:
            first = max(offset - self.base, 0)
            stop = limit - self.base + (1 if self.with_last else 0)
            return first, min(max(stop - first, 0), size)
        if self.turn is Turn.NONE:
            return 0, count
        number = limit if self.turn is Turn.LIMIT else offset
        if self.turn is Turn.LIMIT:
            count = size
        if number < self.base:
            return 0, 0 if self.strict else count
        return (number - self.base) * count, count

    def in_words(self) -> str:
        """Return the dialect in words."""
        first = {0: "from 0", 1: "from 1"}[self.base]
        words = {
            Turn.ROWS: "'offset' counts rows",
            Turn.RANGE: f"'offset' and 'limit' are the first and the last row, {first}",
            Turn.PAGES: f"'offset' counts pages {first}",
            Turn.LIMIT: f"'limit' is the number of the page, {first}",
            Turn.NONE: "nothing turns the page",
        }[self.turn]
        if not self.obeys_limit:
            words += ", 'limit' is ignored"
        if self.size is not None:
            words += f", a page holds at most {self.size} rows"
        if self.end_exclusive:
            words += ", the end date does not belong to the window"
        if not self.ordered:
            words += ", rows come in another order each time"
        if not self.regular:
            words += ", pages come short before the last one"
        return words

    def to_state(self) -> dict[str, Any]:
        """Return what the state keeps; what is as usual is left out."""
        usual = Dialect()
        kept: dict[str, Any] = {
            name: getattr(self, name)
            for name in _KEPT
            if getattr(self, name) != getattr(usual, name)
        }
        return {"turn": self.turn.value, "total": self.total.value, **kept}


_KEPT = (
    "base",
    "strict",
    "with_last",
    "obeys_limit",
    "size",
    "sends_offset",
    "end_exclusive",
    "regular",
    "steady",
    "ordered",
    "largest",
    "smaller_days",
)
_TYPES = {name: type(getattr(Dialect(), name)) for name in _KEPT if name != "size"}


def from_state(raw: object) -> Dialect | None:
    """Return the dialect that a state holds, or None if it holds none that can be used.

    Args:
        raw: The state's part.
    """
    if not isinstance(raw, dict):
        return None
    try:
        dialect = Dialect(Turn(raw.get("turn")), total=Total(raw.get("total")), confirmed=True)
    except ValueError:
        return None
    return replace(dialect, **_kept(raw))


def _kept(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that have the type of their field."""
    kept = {name: raw[name] for name, kind in _TYPES.items() if type(raw.get(name)) is kind}
    if type(raw.get("size")) is int and raw["size"] > 0:
        kept["size"] = raw["size"]
    return kept
