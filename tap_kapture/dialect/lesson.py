"""Learning a dialect from one day: ask what tells most, until one dialect is left."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from tap_kapture.dialect.dialect import BY_PAGES, Dialect, Turn
from tap_kapture.dialect.evidence import CERTAIN, judge, next_probe, proof
from tap_kapture.dialect.layout import MANY, orders_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_kapture.dialect.evidence import Verdict
    from tap_kapture.dialect.layout import Seen
    from tap_kapture.dialect.learned import Learned

MORE_ROWS = 50
"""Rows that are asked for once where answers hold few of them."""
FURTHER = (1, 2, 3)
"""Pages or rows behind the first one that are asked for where answers hold few."""
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
    for number in range(2 * requests):
        probe = next_probe(seen, learned.page_size, learned.dialect)
        probe = probe or _confirming(seen, verdict, learned)
        # Answers of a row or two show little, so it takes more of them.
        if probe is None or (number >= requests and not verdict.is_tiny):
            break
        seen.append(peek(*probe))
        verdict = judge(seen, learned.dialect)
    found = verdict.dialect
    if found is None or (moves and not (found.ordered and found.regular)):
        return Lesson.NONE
    certain = verdict.certainty >= CERTAIN or not found.ordered
    if verdict.sure and (certain or not (moves or learned.dialect.confirmed)):
        learned.adopt(verdict, seen)
        return Lesson.LEARNED
    came = {key for one in seen for key in one.keys or ()}
    if verdict.complete and came <= set(seen[0].keys or ()) and found.regular:
        return Lesson.WHOLE
    learned.guess(found)
    return Lesson.GUESSED


def teaches(dialect: Dialect, rows: int, limit: int) -> bool:
    """Whether a day with so many rows can confirm a dialect that is not confirmed yet."""
    enough = min(ENOUGH, limit) if dialect.turn is Turn.ROWS else 1
    return not dialect.confirmed and rows >= enough


def _confirming(seen: list[Seen], verdict: Verdict, learned: Learned) -> tuple[int, int] | None:
    """Return what to ask where one way of turning pages is left, None if it is shown."""
    likely = verdict.dialect
    if likely is None:
        return None
    if not likely.ordered:
        return None if orders_of(seen) else _once_more(seen)
    further = proof(seen, learned.dialect)
    if further is None and verdict.certainty < CERTAIN:
        return _more(seen, likely, verdict, learned.page_size)
    return further


def _more(
    seen: list[Seen], dialect: Dialect, verdict: Verdict, page_size: int
) -> tuple[int, int] | None:
    """Return what to ask to see whether rows keep their places, None if nothing shows it."""
    if verdict.is_tiny:
        asked = {(one.limit, one.offset) for one in seen}
        ask = dialect.ask_page if dialect.turn in BY_PAGES else dialect.ask_rows
        further = (dialect.first(MORE_ROWS), *(ask(index, page_size) for index in FURTHER))
        for probe in further:
            if probe not in asked and dialect.turn is not Turn.NONE:
                return probe
    longest, _ = _longest(seen)
    distinct = {key for one in seen for key in one.keys or ()}
    return longest if len(distinct) > 1 else None


def _once_more(seen: list[Seen]) -> tuple[int, int] | None:
    """Return the request to repeat to see whether rows keep their order; None if one was."""
    longest, rows = _longest(seen)
    asked = [(one.limit, one.offset) for one in seen]
    return longest if asked.count(longest) == 1 and rows >= MANY else None


def _longest(seen: list[Seen]) -> tuple[tuple[int, int], int]:
    """Return the request with the most rows, and how many these were."""
    longest = max(seen, key=lambda one: len(one.keys or ()))
    return (longest.limit, longest.offset), len(longest.keys or ())
