"""The answers of a day laid out along its listing, as each dialect has it.

Laid out by the account's own dialect they do not contradict each other: no place holds two records,
no record stands in two places, and no row lies behind an answer that came short.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

from tap_kapture.dialect.dialect import BY_ROWS, ENDLESS, WITHOUT_OFFSET, Dialect, Turn

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
MANY = 4
"""Records without which nothing is concluded from how long answers are alone."""
ORDERED = 6
"""Records that come in the same order twice only if they keep it, or once in 720 times."""


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


def announces(seen: Seen, dialect: Dialect) -> bool:
    """Whether an answer tells of more rows than it could have counted on its way.

    Totals that count the rows up to the end of the answer, or up to where that was asked to end,
    or one more if there is more, never do.

    Args:
        seen: The answer.
        dialect: What it was asked in.
    """
    start, count = dialect.slice_of(seen.limit, seen.offset)
    asked = count if dialect.turn is Turn.LIMIT else max(count, seen.limit)
    end = max(start + asked, seen.limit + seen.offset)
    return bool(seen.keys) and (seen.total or 0) > end + 1


@dataclass(frozen=True, slots=True)
class Layout:
    """A dialect, and the answers laid out along the day's listing by it.

    Attributes:
        dialect: The dialect.
        at: The key at each place that is known.
        rows: How many rows the day has, or None if that is open.
        least: How many it has at least.
        again: Keys of each answer that came again in the same place.
    """

    dialect: Dialect
    at: dict[int, str]
    rows: int | None
    least: int
    again: tuple[int, ...]


def layouts_of(seen: Sequence[Seen], known: Dialect) -> list[Layout]:
    """Return what fits: with rows in order; else with pages short at random; else by lengths.

    Args:
        seen: Answers of a day.
        known: What is known of the account: its way of turning pages stays as long as it fits.
    """
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
        laid = [lay_out(candidate, seen) for candidate in candidates]
        if fit := [layout for layout in laid if layout is not None]:
            same = [layout for layout in fit if layout.dialect.way == known.way]
            fit = same if known.confirmed and same else fit
            obedient = [layout for layout in fit if layout.dialect.obeys_limit]
            return _likelier(obedient or fit, fit)
    return []


def _likelier(obedient: list[Layout], fit: list[Layout]) -> list[Layout]:
    """Keep those that disobey ``limit`` only for ways that need it."""
    ways = ways_of(obedient)
    return obedient + [
        layout
        for layout in fit
        if not layout.dialect.obeys_limit and layout.dialect.way not in ways
    ]


def _candidates(longest: int) -> Iterator[Dialect]:
    sizes = [None, longest] if longest else [None]
    for way in WAYS:
        for size in sizes:
            if size == 1 and way.turn is Turn.PAGES and not way.strict:
                continue  # pages of one row are rows; if counted from 1, the first is there twice
            yield replace(way, size=size)
            if way.turn not in {Turn.RANGE, Turn.LIMIT}:
                yield replace(way, size=size, obeys_limit=False)


def ways_of(layouts: Sequence[Layout]) -> set[tuple[Turn, int, bool, bool]]:
    """Return the ways of turning pages among layouts."""
    return {layout.dialect.way for layout in layouts}


def lay_out(dialect: Dialect, seen: Sequence[Seen]) -> Layout | None:
    """Return the answers along the listing, or None if they contradict each other.

    Args:
        dialect: Says where they belong.
        seen: Answers of a day.
    """
    answered = [one for one in seen if one.keys is not None]
    if len(answered) < len(seen) and dialect.turn not in WITHOUT_OFFSET:
        return None
    bounds = _bounds(dialect, answered)
    places = _Places(answered)
    if bounds is None or (dialect.ordered and not places.fill(dialect, answered)):
        return None
    least, rows = bounds
    if not dialect.ordered and (orders_of(answered) == {True} or MANY <= places.same_rows < least):
        return None  # in any order, other rows would have come, or these in another one
    if rows is not None and places.distinct > rows:
        return None
    return Layout(dialect, places.at, rows, least, tuple(places.again))


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


def orders_of(seen: Sequence[Seen]) -> set[bool]:
    """Return whether answers with many rows in common have them in the same order, in another.

    Args:
        seen: Answers of a day.
    """
    orders = set()
    for one, other in combinations([one.keys for one in seen if one.keys], 2):
        common = set(one) & set(other)
        same = _only(common, one) == _only(common, other)
        if len(common) >= (ORDERED if same else MANY):
            orders.add(same)
    return orders


def _only(wanted: set[str], keys: tuple[str, ...]) -> list[str]:
    """Return the keys that are wanted, each once, in their order."""
    return [key for key in dict.fromkeys(keys) if key in wanted]


class _Places:
    """The places of a listing, and the keys in them."""

    def __init__(self, seen: Sequence[Seen]) -> None:
        counts = [Counter(one.keys) for one in seen if one.keys]
        self._twice = {key for count in counts for key, times in count.items() if times > 1}
        self._place: dict[str, int] = {}
        self._second: dict[str, int] = {}
        self.distinct = len({key for count in counts for key in count})
        longest = max(map(len, counts), default=0)
        sets = [frozenset(count) for count in counts if len(count) == longest]
        most = max((sum(count.values()) for count in counts if len(count) == longest), default=0)
        self._tiny = longest < MANY
        self.same_rows = most if len(sets) > len(set(sets)) else 0
        self.at: dict[int, str] = {}
        self.again: list[int] = []

    def fill(self, dialect: Dialect, seen: Sequence[Seen]) -> bool:
        """Put all keys in their places; False if they do not belong there."""
        return all(
            self._put(one.keys or (), dialect.slice_of(one.limit, one.offset)[0]) for one in seen
        )

    def _put(self, keys: tuple[str, ...], start: int) -> bool:
        misplaced = 0
        self.again.append(sum(index in self.at for index in range(start, start + len(keys))))
        for index, key in enumerate(keys, start):
            if self.at.setdefault(index, key) != key:
                return False
            # A record that is listed twice may stand in two places, most records may not.
            misplaced += key not in self._twice and self._is_misplaced(key, index)
        return misplaced * 2 <= len(keys)

    def _is_misplaced(self, key: str, index: int) -> bool:
        """Whether a key already has its place; where answers are tiny, it may have two."""
        if self._place.setdefault(key, index) == index:
            return False
        return not self._tiny or self._second.setdefault(key, index) != index
