"""Few answers of one day -> the dialects that could have given them, and what to ask next.

Every known dialect says which rows of the day's listing an answer holds (:meth:`Dialect.slice_of`).
Laid out along the listing, the answers must not contradict each other: no place holds two records,
no record stands in two places, and no row lies behind an answer that came short. A dialect that
lays them out without contradiction may be the account's; the next request is the one on which the
dialects that are left disagree most. Nothing here asks anything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

from tap_kapture.paging.dialect import ENDLESS, MAX_LIMIT, Dialect, Total, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WAYS = (
    Dialect(Turn.ROWS),
    Dialect(Turn.PAGES),
    Dialect(Turn.PAGES, base=1),
    Dialect(Turn.PAGES, base=1, strict=True),
    Dialect(Turn.RANGE),
    Dialect(Turn.RANGE, with_last=True),
    Dialect(Turn.RANGE, base=1, with_last=True),
    Dialect(Turn.NONE),
    Dialect(Turn.LIMIT, base=1),
    Dialect(Turn.LIMIT),
)
"""Every way of turning pages that can be read, the likelier ones first."""
BY_ROWS = (Turn.ROWS, Turn.RANGE)
"""Those in which a page that comes short can be read on behind its last row."""
WITHOUT_OFFSET = (Turn.NONE, Turn.LIMIT)
"""Those that do without ``offset``."""

_PROBES = (
    *((3, 2), (2, 1), (2, 2), (1, 1), (1, 2), (2, 0), (4, 3)),
    *((50, 0), (50, 1), (50, 2), (1, 0), (0, 0)),
)
CERTAIN = 8
"""Bits of evidence that rows keep their places, without which an answer is asked for again."""
MANY = 4
"""Records without which nothing is concluded from how long answers are alone."""
_SAMPLE = 60
"""Rows of an answer that are compared when the next request is chosen."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer about a day.

    Attributes:
        limit: As asked.
        offset: As asked; 0 if it was left out.
        keys: The keys of its rows, in order; None if the account refused the request.
        total: ``totalCount`` if it was positive.
    """

    limit: int
    offset: int
    keys: tuple[str, ...] | None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A dialect, and the answers laid out along the day's listing by it.

    Attributes:
        dialect: The dialect.
        at: The key at each place that is known.
        rows: How many rows the day has, or None if that is open.
        least: How many it has at least.
        again: Keys that came again in the same place.
    """

    dialect: Dialect
    at: dict[int, str]
    rows: int | None
    least: int
    again: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the answers show.

    Attributes:
        dialect: The likeliest dialect, or None if none fits.
        sure: Whether only one way of turning pages is left.
        rows: How many rows the day has, if all that is left agrees on it.
        certainty: How sure it is that rows keep their places, in bits.
    """

    dialect: Dialect | None
    sure: bool
    rows: int | None
    certainty: int


def judge(seen: Sequence[Seen], known: Dialect) -> Verdict:
    """Return what the answers of a day show.

    Args:
        seen: The answers; the day must not have changed between them.
        known: What is known of the account: as long as its way of turning pages can be it, it is.
    """
    layouts = _layouts(seen, known)
    if not layouts:
        return Verdict(None, sure=False, rows=None, certainty=0)
    rows = {layout.rows for layout in layouts}
    dialect = layouts[0].dialect
    if len(_ways(layouts)) == 1:
        sizes = {layout.dialect.size for layout in layouts}
        dialect = replace(dialect, size=sizes.pop() if len(sizes) == 1 else None)
    total = _total(seen, layouts[0])
    distinct = len({key for one in seen for key in one.keys or ()})
    certainty = layouts[0].again * max(distinct.bit_length() - 1, 0)
    by_chance = not dialect.regular and certainty < CERTAIN
    by_chance = by_chance or (not dialect.ordered and distinct < MANY)
    sure = len(_ways(layouts)) == 1 and not by_chance
    return Verdict(
        replace(dialect, total=total, confirmed=sure),
        sure=sure,
        rows=rows.pop() if len(rows) == 1 else None,
        certainty=certainty,
    )


def next_probe(seen: Sequence[Seen], page_size: int, known: Dialect) -> tuple[int, int] | None:
    """Return the ``limit`` and ``offset`` whose answer tells most, or None if none tells more.

    Args:
        seen: The answers so far.
        page_size: Rows that are asked for usually.
        known: As :func:`judge` has it.
    """
    layouts = _layouts(seen, known)
    if len(_ways(layouts)) < 2:  # noqa: PLR2004 - one way is left, or none
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


def _sign(layout: Layout, limit: int, offset: int) -> object:
    """Return what of an answer would tell: how much it is, how it begins, or all of it."""
    if not layout.dialect.ordered:
        return len(_range(layout, limit, offset))
    keys = _expected(layout, limit, offset)
    return keys if layout.dialect.regular else keys[:1]


def told(seen: Sequence[Seen]) -> str:
    """Return answers that fit no dialect, in words."""
    words = ", ".join(
        f"limit {one.limit} and offset {one.offset} gave "
        f"{'a refusal' if one.keys is None else f'{len(one.keys)} rows'}"
        for one in seen
    )
    return f"the account's answers fit no known way of paging: {words}"


def _layouts(seen: Sequence[Seen], known: Dialect) -> list[Layout]:
    """Return what fits: with rows in order; else with pages short at random; else by lengths."""
    longest = max((len(one.keys) for one in seen if one.keys), default=0)
    every = [
        candidate
        for candidate in _candidates(longest)
        if known.sends_offset or candidate.turn in WITHOUT_OFFSET
    ]
    for candidates in (
        every,
        [replace(way, regular=False) for way in WAYS if way.turn in BY_ROWS and known.sends_offset],
        [replace(candidate, ordered=False) for candidate in every],
    ):
        laid = [_lay_out(candidate, seen) for candidate in candidates]
        if fit := [layout for layout in laid if layout is not None]:
            same = [layout for layout in fit if layout.dialect.way == known.way]
            fit = same if known.confirmed and same else fit
            obedient = [layout for layout in fit if layout.dialect.obeys_limit]
            return _likelier(obedient or fit, fit)
    return []


def _likelier(obedient: list[Layout], fit: list[Layout]) -> list[Layout]:
    """Keep those that disobey ``limit`` only for ways that need it."""
    ways = _ways(obedient)
    return obedient + [
        layout
        for layout in fit
        if not layout.dialect.obeys_limit and layout.dialect.way not in ways
    ]


def _candidates(longest: int) -> Iterator[Dialect]:
    sizes = [None, longest] if longest else [None]
    for way in WAYS:
        for size in sizes:
            if size == 1 and way.way == Dialect(Turn.PAGES).way:
                continue  # pages of one row, counted from 0, are rows
            yield replace(way, size=size)
            if way.turn not in {Turn.RANGE, Turn.LIMIT}:
                yield replace(way, size=size, obeys_limit=False)


def _ways(layouts: Sequence[Layout]) -> set[tuple[Turn, int, bool, bool]]:
    return {layout.dialect.way for layout in layouts}


def _lay_out(dialect: Dialect, seen: Sequence[Seen]) -> Layout | None:
    """Return the answers along the listing, or None if they contradict each other."""
    answered = [one for one in seen if one.keys is not None]
    if len(answered) < len(seen) and dialect.turn not in WITHOUT_OFFSET:
        return None
    bounds = _bounds(dialect, answered)
    places = _Places(answered)
    if bounds is None or (dialect.ordered and not places.fill(dialect, answered)):
        return None
    least, rows = bounds
    if not dialect.ordered and places.same_rows < least and places.same_rows >= MANY:
        return None  # of more rows in any order, other ones would have come
    if rows is not None and places.distinct > rows:
        return None
    return Layout(dialect, places.at, rows, least, places.again)


def _bounds(dialect: Dialect, seen: Sequence[Seen]) -> tuple[int, int | None] | None:
    """Return the least rows that the day has, and how many it has; None for a contradiction."""
    least, most, exact = 0, ENDLESS * ENDLESS, set()
    for one in seen:
        start, count = dialect.slice_of(one.limit, one.offset)
        came = len(one.keys or ())
        if came > count:
            return None
        if came:
            least = max(least, start + came)
        if came < count and came and dialect.regular:
            exact.add(start + came)
        elif came < count and not came:
            most = min(most, start)
    if len(exact) > 1 or least > min([most, *exact]):
        return None
    return least, exact.pop() if exact else least if least == most else None


class _Places:
    """The places of a listing, and the keys in them."""

    def __init__(self, seen: Sequence[Seen]) -> None:
        counts = [Counter(one.keys) for one in seen if one.keys]
        self._twice = {key for count in counts for key, times in count.items() if times > 1}
        self._place: dict[str, int] = {}
        self.distinct = len({key for count in counts for key in count})
        longest = max(map(len, counts), default=0)
        sets = [frozenset(count) for count in counts if len(count) == longest]
        self.same_rows = longest if len(sets) > len(set(sets)) else 0
        self.at: dict[int, str] = {}
        self.again = 0

    def fill(self, dialect: Dialect, seen: Sequence[Seen]) -> bool:
        """Put all keys in their places; False if they do not belong there."""
        return all(
            self._put(one.keys or (), dialect.slice_of(one.limit, one.offset)[0]) for one in seen
        )

    def _put(self, keys: tuple[str, ...], start: int) -> bool:
        misplaced = 0
        for index, key in enumerate(keys, start):
            self.again += index in self.at
            if self.at.setdefault(index, key) != key:
                return False
            # A record that is listed twice may stand in two places, most records may not.
            misplaced += key not in self._twice and self._place.setdefault(key, index) != index
        return misplaced * 2 <= len(keys)


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
    given = [(one.total, len(one.keys)) for one in seen if one.keys and one.total]
    if len({total for total, _ in given}) > 1:
        return Total.USELESS
    if given and given[0][0] == layout.rows and any(rows < (total or 0) for total, rows in given):
        return Total.DAY
    return Total.UNKNOWN
