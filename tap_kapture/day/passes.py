"""One way through a day, page by page, in each of the ways in which pages are turned.

A pass ends only on evidence. Where rows are addressed, each page is asked for from the last row of
the one before: it must begin with that row, and where that row comes alone, the day is whole. So a
row that moved, and an account that counts something else than it seemed to, show at once. Where
pages are counted, the page behind the last one must be empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING

from tap_kapture.dialect.dialect import BY_PAGES, MAX_LIMIT, Total, Turn
from tap_kapture.dialect.layout import MANY
from tap_kapture.dialect.learned import REGULAR
from tap_kapture.dialect.lesson import teaches
from tap_kapture.errors import KapturePagingError

if TYPE_CHECKING:
    from collections.abc import Generator

    from tap_kapture.day.listing import Listing
    from tap_kapture.day.tally import Page
    from tap_kapture.dialect.learned import Learned

MAX_STALE = 3
"""Pages in a row without a new key after which a day is not read on."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one way through a day came to.

    Attributes:
        fits: Whether every answer was as the dialect has it, and the end was seen.
        keys: The keys in the order of their places.
        moved: Keys that came again on a later page.
        teaches: The dialect is not confirmed, and this day can tell: nothing more was asked.
    """

    fits: bool
    keys: tuple[str, ...] = ()
    moved: int = 0
    teaches: bool = False


class _Trail:
    """The keys met on the way."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.distinct: set[str] = set()
        self.moved = 0
        self._stale = 0

    def goes_on(self, keys: tuple[str, ...], *, confirmed: bool) -> bool:
        """Take in the keys of a page; False if no new ones come any more."""
        known = sum(key in self.distinct for key in keys)
        self.moved += known
        self.keys += keys
        self.distinct.update(keys)
        self._stale = self._stale + 1 if known == len(keys) else 0
        return self._stale < (MAX_STALE if confirmed else 1)

    def ended(self, *, fits: bool) -> Pass:
        """Return what the way came to."""
        return Pass(fits, tuple(self.keys), self.moved)


class _Sizes:
    """The sizes of the pages on the way: all but the last one should be alike."""

    def __init__(self) -> None:
        self.last = 0
        self.bits = 0.0
        self._full = 0
        self._pages = 0

    def regular(self, rows: int) -> bool:
        """Take in a page with something new; False if the one before it came short."""
        before, self.last = self.last, rows
        self._full = self._full or rows
        self._pages += 1
        self.bits += log2(rows)  # were pages short at random, one would seldom be just so long
        return self._pages == 1 or (before == self._full and rows <= self._full)

    def one_full(self, limit: int) -> bool:
        """Whether there was one page so far, which held all that was asked for."""
        return self._pages == 1 and self.last == limit

    def is_full(self, rows: int) -> bool:
        """Whether a page of so many rows is just as large as the first of several."""
        return self._pages > 1 and rows == self._full

    def short(self, limit: int) -> bool:
        """Whether the last page looks like the end of the day."""
        return 0 < self.last < limit and (self._pages == 1 or self.last < self._full)


def through(listing: Listing, limit: int, *, verify: bool) -> Generator[Page, None, Pass]:
    """Go through a day in the dialect that is known now.

    Args:
        listing: Asks for its rows.
        limit: Rows to ask for.
        verify: Whether a page that is short must be shown to be the last.

    Yields:
        Pages of new rows.

    Returns:
        What it came to.
    """
    turn = listing.learned.dialect.turn
    if turn is Turn.NONE:
        return (yield from _in_one(listing, limit))
    if turn in BY_PAGES:
        return (yield from _by_pages(listing, limit, verify=verify))
    return (yield from _by_rows(listing, limit, verify=verify))


def _by_rows(listing: Listing, limit: int, *, verify: bool) -> Generator[Page, None, Pass]:
    learned = listing.learned
    trail = _Trail()
    sizes = _Sizes()
    alone = False
    while True:
        dialect = learned.dialect
        at_end = alone or (learned.adopted and learned.must_see_the_end and sizes.short(limit))
        overlap = dialect.ordered and sizes.last > 1 and not at_end
        start = len(trail.keys) - overlap
        # Behind one full page, a first and a last row would bring no more than the row asked for.
        rows = limit + (start if sizes.one_full(limit) and not overlap else 0)
        seen = yield from listing.take(*dialect.ask_rows(start, rows))
        if seen.keys is None or (overlap and seen.keys[:1] != tuple(trail.keys[-1:])):
            return trail.ended(fits=False)
        rest = seen.keys[overlap:]
        if teaches(dialect, len(trail.keys) + len(rest), limit):
            return Pass(fits=False, teaches=True)
        alone = overlap and not rest and (learned.must_see_the_end or sizes.one_full(limit))
        alone = alone and not _is_told(listing, trail)
        if not rest and not alone:
            if trail.keys:
                _note_the_end(listing, len(trail.keys), sizes.bits, seen=not overlap)
            return trail.ended(fits=True)
        if not rest:
            continue
        _note_page(learned, sizes, len(seen.keys), limit)
        if not trail.goes_on(rest, confirmed=dialect.confirmed):
            return trail.ended(fits=False)
        if _is_enough(listing, trail, sizes, rows, verify=verify):
            return trail.ended(fits=True)


def _note_page(learned: Learned, sizes: _Sizes, rows: int, limit: int) -> None:
    """Note a page with something new: what that shows of the one before it."""
    if 0 < sizes.last < limit:
        learned.capped(sizes.last)
    if not sizes.regular(min(rows, limit)):
        learned.irregular()


def _note_the_end(listing: Listing, rows: int, bits: float, *, seen: bool) -> None:
    """Note how the end of a day showed: nothing came behind it, or its last row came alone."""
    listing.learned.shown(rows)
    if seen:
        listing.learned.saw_the_end(bits)
    else:
        listing.learned.believed(listing.day)


def _by_pages(listing: Listing, limit: int, *, verify: bool) -> Generator[Page, None, Pass]:
    trail = _Trail()
    sizes = _Sizes()
    index = 0
    while True:
        learned = listing.learned
        dialect = learned.dialect
        seen = yield from listing.take(*dialect.ask_page(index, limit))
        if seen.keys is None:
            return trail.ended(fits=False)
        if teaches(dialect, len(seen.keys), limit):
            return Pass(fits=False, teaches=True)
        if not seen.keys:
            learned.shown(len(trail.keys))
            return trail.ended(fits=True)
        if not sizes.regular(len(seen.keys)):
            listing.learned.irregular()
        # A page of one row or two may hold just the second ones of rows that are listed twice.
        if not trail.goes_on(seen.keys, confirmed=dialect.confirmed and len(seen.keys) < MANY):
            return trail.ended(fits=False)
        if _is_enough(listing, trail, sizes, limit, verify=verify):
            return trail.ended(fits=True)
        index += 1


def _in_one(listing: Listing, limit: int) -> Generator[Page, None, Pass]:
    """Ask for larger and larger pages until one has room to spare."""
    while True:
        dialect = listing.learned.dialect
        seen = yield from listing.take(limit, 0)
        if seen.keys is None:
            return Pass(fits=False)
        if teaches(dialect, len(seen.keys), limit):
            return Pass(fits=False, teaches=True)
        came = len(seen.keys)
        if came != limit or not dialect.obeys_limit:
            return Pass(fits=True, keys=seen.keys)
        if limit >= MAX_LIMIT:
            msg = (
                f"nothing turns the page and the day fills the largest one ({MAX_LIMIT} records), "
                "so the rest of it cannot be reached. Ask Kapture support to switch pagination on "
                "for the account, then run again"
            )
            raise KapturePagingError(msg)
        limit = min(limit * 2, MAX_LIMIT)


def _is_enough(listing: Listing, trail: _Trail, sizes: _Sizes, asked: int, *, verify: bool) -> bool:
    """Whether a page ends the day by what is known already, without asking for another."""
    rows, learned = len(listing.seen[-1].keys or ()), listing.learned
    if not learned.dialect.confirmed:
        return False
    if learned.is_whole(rows, learned.page_size):
        return not verify or _is_counted(listing, trail)
    is_full = rows >= min(asked, learned.dialect.size or asked) or sizes.is_full(rows)
    # Where pages may come short at random, one that is not full says nothing of the end.
    dialect = learned.dialect
    is_regular = dialect.regular and (dialect.steady >= REGULAR or dialect.turn in BY_PAGES)
    return is_regular and not is_full and _is_told(listing, trail)


def _is_counted(listing: Listing, trail: _Trail) -> bool:
    """Whether just as many records came as the account counts."""
    counts = listing.learned.dialect.total is Total.DAY
    return counts and listing.seen[-1].total == len(trail.distinct)


def _is_told(listing: Listing, trail: _Trail) -> bool:
    """Whether just as many records came as an answer told well before they were reached.

    A total that never was told so may count the rows that came. And one that is reached by a full
    page, as callers must see to, may be the most that the account counts.
    """
    return _is_counted(listing, trail) and (listing.learned.counts_days or listing.announced)
