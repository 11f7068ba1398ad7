"""Learning a dialect from one day: ask what tells most, until one dialect is left."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from tap_kapture.dialect.dialect import Dialect, Turn
from tap_kapture.dialect.evidence import CERTAIN, judge, next_probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_kapture.dialect.layout import Seen
    from tap_kapture.dialect.learned import Learned

ENOUGH = 2
"""Rows of a day that can tell dialects apart."""


class Lesson(Enum):
    """What a day taught of the dialect."""

    LEARNED = "learned"
    GUESSED = "guessed"
    """More than one dialect is left, and they do not agree on the rows of the day."""
    WHOLE = "whole"
    """More than one dialect is left, but in each of them the day is whole as it came."""
    NONE = "none"
    """No known dialect could have given the answers."""


def learn(
    seen: list[Seen],
    peek: Callable[[int, int], Seen],
    learned: Learned,
    *,
    requests: int,
    moves: bool,
) -> Lesson:
    """Ask for rows of a day until its answers show the dialect, and take that over.

    Args:
        seen: What was seen of the day already; what is asked for is added.
        peek: Asks for rows of the day by ``limit`` and ``offset``.
        learned: What is known of the account.
        requests: Requests at most.
        moves: Whether the day may change between two answers, which then show less.

    Returns:
        What came of it.
    """
    verdict = judge(seen, learned.dialect)
    for _ in range(requests):
        probe = next_probe(seen, learned.page_size, learned.dialect)
        in_order = verdict.dialect is not None and verdict.dialect.ordered
        if probe is None and in_order and verdict.certainty < CERTAIN and not moves:
            probe = _once_more(seen)
        if probe is None:
            break
        seen.append(peek(*probe))
        verdict = judge(seen, learned.dialect)
    found = verdict.dialect
    if found is None or (moves and not (found.ordered and found.regular)):
        return Lesson.NONE
    if verdict.sure:
        learned.adopt(verdict, seen)
        return Lesson.LEARNED
    came = {key for one in seen for key in one.keys or ()}
    whole = verdict.rows == len(seen[0].keys or ()) == len(came)
    if whole and found.regular:
        return Lesson.WHOLE
    learned.guess(found)
    return Lesson.GUESSED


def teaches(dialect: Dialect, rows: int, limit: int) -> bool:
    """Whether a day with so many rows can confirm a dialect that is not confirmed yet."""
    enough = min(ENOUGH, limit) if dialect.turn is Turn.ROWS else 1
    return not dialect.confirmed and rows >= enough


def _once_more(seen: list[Seen]) -> tuple[int, int] | None:
    """Return what to ask again to see whether rows keep their places, None if nothing shows it."""
    longest = max(seen, key=lambda one: len(one.keys or ()))
    distinct = {key for one in seen for key in one.keys or ()}
    return (longest.limit, longest.offset) if len(distinct) > 1 else None
