"""A day whose rows moved while it was read, read again until its rows come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_kapture.day.passes import Pass, through
from tap_kapture.dialect.dialect import MAX_LIMIT, Turn
from tap_kapture.errors import KaptureRefusedError

if TYPE_CHECKING:
    from collections.abc import Generator

    from tap_kapture.day.listing import Listing
    from tap_kapture.day.tally import Page

FEW_PASSES = 2
"""How often a day is read in pages until nothing new comes, once a day has not come out."""
LARGE = 100
"""Rows that are asked for at least when a day is to come at once."""


def settle(
    listing: Listing, done: Pass | None, *, verify: bool
) -> Generator[Page, None, Pass | None]:
    """Read a day again until its rows come out: at once if possible, else in pages.

    Args:
        listing: Asks for its rows.
        done: The pass that did not come out, or None if it did not fit at all.
        verify: Whether a page that is short must be shown to be the last.

    Yields:
        Pages of new rows.

    Returns:
        The pass that came out, or None.
    """
    learned = listing.learned
    way = learned.dialect.way
    try:
        at_once = yield from _at_once(listing)
    except KaptureRefusedError:
        at_once = None
    if at_once:
        return at_once
    previous = done
    for _ in range(learned.passes):
        listing.begin()
        again = yield from through(listing, learned.page_size, verify=verify)
        if learned.dialect.way != way:
            return None
        # The same rows in the same places: nothing moved, some are simply listed twice.
        kept = learned.dialect.ordered and previous is not None
        same = kept and previous is not None and previous.keys == again.keys
        if again.fits and again.keys and (same or is_whole(listing, again)):
            return again
        previous = again if again.fits else None
    learned.passes = FEW_PASSES
    return None


def is_whole(listing: Listing, done: Pass) -> bool:
    """Whether each row of the day stands in one place, and no record of it is missing.

    Args:
        listing: What came of the day in all.
        done: A pass that fits.
    """
    if len(listing.tally) == len(done.keys):
        return True
    return not (done.moved or listing.missing_in(done.keys))


def _at_once(listing: Listing) -> Generator[Page, None, Pass | None]:
    """Read a day in one page as large as it takes."""
    learned = listing.learned
    dialect = learned.dialect
    if dialect.turn in {Turn.NONE, Turn.LIMIT} or not dialect.obeys_limit:
        return None
    limit = min(max(2 * len(listing.tally), 2 * learned.page_size, LARGE), MAX_LIMIT)
    listing.begin()
    ask = dialect.ask_page if dialect.turn is Turn.PAGES else dialect.ask_rows
    page = yield from listing.take(*ask(0, limit))
    rows = len(page.keys or ())
    if not rows or rows >= limit:
        return None
    if dialect.turn is Turn.PAGES:
        behind = yield from listing.take(*dialect.ask_page(1, limit))
        whole = not behind.keys
    else:
        # What was learned in another run may hold no longer: then a row that is known must come.
        overlap = rows > 1 and not (learned.must_see_the_end and learned.adopted)
        behind = yield from listing.take(*dialect.ask_rows(rows - overlap, limit))
        whole = len(behind.keys or ()) == overlap
        if whole and overlap and learned.must_see_the_end:
            behind = yield from listing.take(*dialect.ask_rows(rows, limit))
            whole = not behind.keys
    return Pass(fits=True, keys=page.keys or ()) if whole else None
