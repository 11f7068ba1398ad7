"""Few answers of one day -> the dialects that could have given them, and what to ask next.

A dialect that lays the answers out without contradiction (:mod:`tap_kapture.dialect.layout`) may be
the account's; the next request is the one on which the dialects that are left disagree most.
Nothing here asks anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from math import log2
from typing import TYPE_CHECKING

from tap_kapture.dialect.dialect import MAX_LIMIT, Dialect, Total, Turn
from tap_kapture.dialect.layout import (
    MANY,
    Layout,
    Seen,
    announces,
    layouts_of,
    orders_of,
    ways_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROBES = (
    *((3, 2), (2, 1), (2, 2), (1, 1), (1, 2), (2, 0), (4, 3)),
    *((50, 0), (50, 1), (50, 2), (1, 0), (0, 0)),
)
CERTAIN = 8
"""Bits of evidence that rows keep their places, without which an answer is asked for again."""
_SAMPLE = 60
"""Rows of an answer that are compared when the next request is chosen."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the answers show.

    Attributes:
        dialect: The likeliest dialect, or None if none fits.
        sure: Whether only one way of turning pages is left.
        complete: Whether all that is left agrees that every row of the day came.
        certainty: How sure it is that rows keep their places, in bits.
        is_tiny: Whether no answer held more than a few rows, of a day that holds more.
    """

    dialect: Dialect | None
    sure: bool
    complete: bool
    certainty: float
    is_tiny: bool = False


def judge(seen: Sequence[Seen], known: Dialect) -> Verdict:
    """Return what the answers of a day show.

    Args:
        seen: The answers; the day must not have changed between them.
        known: What is known of the account: as long as its way of turning pages can be it, it is.
    """
    layouts = layouts_of(seen, known)
    if not layouts:
        return Verdict(None, sure=False, complete=False, certainty=0)
    rows = {layout.rows for layout in layouts}
    dialect = layouts[0].dialect
    if len(ways_of(layouts)) == 1:
        sizes = {layout.dialect.size for layout in layouts}
        dialect = replace(dialect, size=sizes.pop() if len(sizes) == 1 else None)
    total = _total(seen, layouts[0])
    distinct = len({key for one in seen for key in one.keys or ()})
    # Of so many rows in any order, just these would have come by chance.
    certainty = sum(
        log2(max(distinct - index, 1)) for again in layouts[0].again for index in range(again)
    )
    is_odd = not (dialect.regular and dialect.ordered)
    by_chance = is_odd and distinct < MANY
    longest = max(len(one.keys or ()) for one in seen)
    # Where nothing turns the page, each day must be shown to lie below a cap anyway.
    same = distinct == 1 and dialect.turn is Turn.NONE
    is_tiny = longest < MANY and rows != {longest} and not same
    by_chance = by_chance or (certainty < CERTAIN and (is_tiny or not dialect.regular))
    by_chance = by_chance or not (dialect.ordered or False in orders_of(seen))
    sure = len(ways_of(layouts)) == 1 and not by_chance
    return Verdict(
        replace(dialect, total=total, confirmed=sure),
        sure=sure,
        complete=all(_is_complete(layout, distinct) for layout in layouts),
        certainty=certainty,
        is_tiny=is_tiny,
    )


def _is_complete(layout: Layout, distinct: int) -> bool:
    """Whether every row of the day came."""
    known = len(layout.at) if layout.dialect.ordered else distinct
    return layout.rows is not None and known >= layout.rows


def next_probe(seen: Sequence[Seen], page_size: int, known: Dialect) -> tuple[int, int] | None:
    """Return the ``limit`` and ``offset`` whose answer tells most, or None if none tells more.

    Args:
        seen: The answers so far.
        page_size: Rows that are asked for usually.
        known: As :func:`judge` has it.
    """
    layouts = layouts_of(seen, known)
    if len(ways_of(layouts)) < 2:  # noqa: PLR2004 - one way is left, or none
        return None
    asked = {(one.limit, one.offset) for one in seen}
    last = max(layout.least for layout in layouts if layout.dialect.turn is layouts[0].dialect.turn)
    pool = [*_PROBES, (page_size, 1), (page_size, 2)]
    pool += [(page_size, last - 1)] if last > 1 else []
    pool += [(MAX_LIMIT, 1)] if (MAX_LIMIT, 0) in asked else []

    def tells(probe: tuple[int, int]) -> int:
        answers = [(layout.dialect.way, _sign(layout, *probe)) for layout in layouts]
        return sum(
            one[0] != other[0] and one[1] != other[1] for one, other in combinations(answers, 2)
        )

    refused = not known.sends_offset or any(one.keys is None for one in seen)
    pool = [probe for probe in pool if probe not in asked and not (refused and probe[1])]
    best = max(pool, key=tells, default=None)
    if best and tells(best):
        return best
    # In no order, only the end of the day can tell, so that must be in sight.
    whole = MAX_LIMIT, 0
    is_open = not layouts[0].dialect.ordered and all(layout.rows is None for layout in layouts)
    return whole if is_open and whole not in asked else None


def proof(seen: Sequence[Seen], known: Dialect) -> tuple[int, int] | None:
    """Return a further ``limit`` and ``offset`` whose answer is foreseen, None if none is needed.

    A way of turning pages must have brought rows that were foreseen from two places behind the
    first one: an account that leaves rows out of its pages may bring them from one by chance.

    Args:
        seen: The answers so far; one way of turning pages fits them.
        known: As :func:`judge` has it.
    """
    layout = layouts_of(seen, known)[0]
    asked = {(one.limit, one.offset) for one in seen}
    answered = [one for one in seen if one.keys is not None]
    shown = {0} | {
        _range(layout, one.limit, one.offset).start
        for one, again in zip(answered, layout.again, strict=True)
        if again
    }
    if layout.dialect.turn is Turn.NONE or len(shown) > 2:  # noqa: PLR2004 - two behind the first
        return None
    for probe in _PROBES:
        places = _range(layout, *probe)
        is_new = probe not in asked and places.start not in shown
        if is_new and places and all(place in layout.at for place in places):
            return probe
    return None


def _sign(layout: Layout, limit: int, offset: int) -> object:
    """Return what of an answer would tell: how much it is, how it begins, or all of it."""
    if not layout.dialect.ordered:
        return len(_range(layout, limit, offset))
    keys = _expected(layout, limit, offset)
    return keys if layout.dialect.regular else keys[:1]


def ends_at_midnight(alone: Seen, both: Seen, behind: Seen) -> bool:
    """Whether an account takes the end date for the first instant of that day.

    It then sends no more than the records of that instant for a day alone: what comes for it and
    the next day together, but for neither of them alone, lies behind.

    Args:
        alone: The answer for a day, whose records all are of its first instant.
        both: The answer for this day and the next one together.
        behind: The answer for the next day.
    """
    ends = [one for one in (alone, behind) if one.keys is not None and len(one.keys) < one.limit]
    known = {key for one in ends for key in one.keys or ()}
    return len(ends) > 1 and not known.issuperset(both.keys or ())


def told(seen: Sequence[Seen]) -> str:
    """Return answers that fit no dialect, in words."""
    words = ", ".join(
        f"limit {one.limit} and offset {one.offset} gave "
        f"{'a refusal' if one.keys is None else f'{len(one.keys)} rows'}"
        for one in seen
    )
    return f"the account's answers fit no known way of paging: {words}"


def _range(layout: Layout, limit: int, offset: int) -> range:
    """Return the places of the rows that a request would bring."""
    start, count = layout.dialect.slice_of(limit, offset)
    stop = start + count if layout.rows is None else min(start + count, layout.rows)
    return range(start, max(start, stop))


def _expected(layout: Layout, limit: int, offset: int) -> tuple[str, ...]:
    """Return the first keys that a request would bring, those not met yet as ``?``."""
    places = _range(layout, limit, offset)[:_SAMPLE]
    return tuple(layout.at.get(index, "?") for index in places)


def _total(seen: Sequence[Seen], layout: Layout) -> Total:
    """Return what ``totalCount`` counts, as far as the answers show it."""
    given = {one.total for one in seen if one.keys and one.total}
    if len(given) > 1:
        return Total.USELESS
    if given == {layout.rows} and any(announces(one, layout.dialect) for one in seen):
        return Total.DAY
    return Total.UNKNOWN
