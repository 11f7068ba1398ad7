"""From a few answers of one day the dialect shows, or the day is whole whatever it is."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tap_kapture.dialect.dialect import WITHOUT_OFFSET, Dialect, Total, Turn
from tap_kapture.dialect.evidence import CERTAIN, judge, next_probe, told
from tap_kapture.dialect.layout import MANY, WAYS, Seen
from tap_kapture.dialect.learned import LEARNING_REQUESTS, Learned
from tap_kapture.dialect.lesson import Lesson, learn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FIRST_GUESS = Dialect()
NUMBERED = 20
"""Rows of a page where `limit` is its number."""


def listing(count: int) -> list[str]:
    """Return the keys of a day."""
    return [f"k{number}" for number in range(count)]


def answers_of(
    dialect: Dialect,
    keys: Sequence[str],
    *,
    total: int | None = None,
    shuffled: Random | None = None,
    short: Random | None = None,
) -> Callable[[int, int], Seen]:
    """Return what answers as a dialect has it."""

    def answer(limit: int, offset: int) -> Seen:
        if offset and not dialect.sends_offset:
            return Seen(limit, offset, None)
        start, count = dialect.slice_of(limit, offset)
        listed = list(keys)
        if shuffled:
            shuffled.shuffle(listed)
        page = listed[start : start + count]
        if short and page:
            page = page[: short.randint(1, len(page))]
        return Seen(limit, offset, tuple(page), total)

    return answer


def learned_of(page_size: int = 10) -> Learned:
    """Return what is known of a stranger."""
    return Learned("tickets", FIRST_GUESS, page_size=page_size)


def true_dialects(*, least_page: int = MANY) -> st.SearchStrategy[Dialect]:
    """Return each way of paging, with a cap or not, and obeying ``limit`` or not."""

    def made(way: Dialect, size: int | None, *, obeys: bool) -> Dialect:
        if way.turn is Turn.LIMIT:
            return replace(way, size=size or NUMBERED)
        return replace(way, size=size, obeys_limit=obeys or way.turn is Turn.RANGE)

    return st.builds(
        made,
        st.sampled_from(WAYS),
        st.none() | st.integers(least_page, 60),
        obeys=st.booleans(),
    )


COUNTS = st.integers(2, 12) | st.integers(2, 200)
PAGE_SIZES = st.integers(2, 60) | st.just(500)


def known_after(
    ask: Callable[[int, int], Seen],
    seen: list[Seen],
    page_size: int,
    known: Dialect = FIRST_GUESS,
) -> int:
    """Ask until no request tells more; return how many were asked for."""
    spent = 0
    while probe := next_probe(seen, page_size, known):
        seen.append(ask(*probe))
        spent += 1
    return spent


# What answers show


@settings(derandomize=True)
@given(dialect=true_dialects(), count=COUNTS, page_size=PAGE_SIZES)
def test_six_requests_show_the_dialect_or_that_the_day_is_whole(
    dialect: Dialect, count: int, page_size: int
) -> None:
    ask = answers_of(dialect, listing(count))
    # A first page as some dialect asks for it: of one that it is not, a day may show nothing.
    seen = [ask(*FIRST_GUESS.first(page_size))]
    if not seen[0].keys or (dialect.turn is Turn.LIMIT and page_size > dialect.base):
        seen = [ask(*dialect.first(page_size))]
    spent = known_after(ask, seen, page_size)
    verdict = judge(seen, FIRST_GUESS)
    assert spent <= LEARNING_REQUESTS
    assert verdict.dialect is not None
    if verdict.sure:
        event("sure")
        assert verdict.dialect.way == dialect.way
        assert verdict.dialect.confirmed
    else:
        event("whole")
        came = {key for one in seen for key in one.keys or ()}
        # Of tiny answers more are asked for, see below.
        assert verdict.is_tiny or (verdict.complete and came == set(listing(count)))


@settings(derandomize=True)
@given(dialect=true_dialects(least_page=1), count=COUNTS, page_size=PAGE_SIZES)
def test_no_answers_in_order_convict_an_innocent_dialect(
    dialect: Dialect, count: int, page_size: int
) -> None:
    ask = answers_of(dialect, listing(count))
    seen = [ask(*FIRST_GUESS.first(page_size))]
    known_after(ask, seen, page_size)
    verdict = judge(seen, FIRST_GUESS)
    assert verdict.dialect is not None
    assert not verdict.sure or verdict.dialect.way == dialect.way


def test_an_offset_that_is_refused_leaves_the_ways_that_do_without() -> None:
    keys = listing(30)
    seen = [Seen(10, 0, tuple(keys[:10])), Seen(3, 2, None)]
    ask = answers_of(Dialect(Turn.NONE, sends_offset=False), keys)
    known_after(ask, seen, 10)
    assert not any(one.offset for one in seen[2:])
    verdict = judge(seen, FIRST_GUESS)
    assert verdict.dialect is not None
    assert verdict.dialect.turn is Turn.NONE


@pytest.mark.parametrize("way", [way for way in WAYS if way.turn in WITHOUT_OFFSET])
def test_an_account_that_takes_no_offset_is_never_asked_with_one(way: Dialect) -> None:
    known = Dialect(sends_offset=False, turn=Turn.NONE)
    ask = answers_of(replace(way, size=20, sends_offset=False), listing(90))
    seen = [ask(1, 0)]
    known_after(ask, seen, 10, known)
    assert not any(one.offset for one in seen)
    verdict = judge(seen, known)
    assert verdict.dialect is not None
    assert verdict.dialect.way == way.way


def test_what_is_known_is_kept_as_long_as_it_can_be_true() -> None:
    known = Dialect(Turn.RANGE, confirmed=True)
    seen = [Seen(10, 0, tuple(listing(10)))]
    verdict = judge(seen, known)
    assert verdict.sure
    assert verdict.dialect is not None
    assert verdict.dialect.way == known.way
    contradiction = [*seen, Seen(20, 10, tuple(f"k{number}" for number in range(10, 30)))]
    changed = judge(contradiction, known)
    assert changed.dialect is not None
    assert changed.dialect.turn is Turn.ROWS


def test_answers_that_contradict_each_other_fit_no_dialect() -> None:
    seen = [
        Seen(10, 0, ("a", "b")),
        Seen(10, 0, ("a", "b", "c")),
        Seen(10, 0, ("d", "e", "f", "g", "h")),
    ]
    verdict = judge(seen, FIRST_GUESS)
    assert not verdict.sure
    assert next_probe([*seen, Seen(2, 0, ("a",) * 9)], 10, FIRST_GUESS) is None
    assert judge([*seen, Seen(2, 0, ("a",) * 9)], FIRST_GUESS).dialect != FIRST_GUESS


def test_rows_that_are_listed_twice_do_not_contradict() -> None:
    keys = ["a", "b", "a", "c", "d", "e", "b", "f"]
    ask = answers_of(Dialect(), keys)
    seen = [ask(5, 0), ask(5, 4), ask(5, 5)]
    known_after(ask, seen, 5)
    verdict = judge(seen, FIRST_GUESS)
    assert verdict.sure
    assert verdict.dialect is not None
    assert verdict.dialect.turn is Turn.ROWS


@settings(derandomize=True)
@given(count=st.integers(30, 200), page_size=st.integers(4, 60), seed=st.integers(0, 999))
def test_an_order_that_does_not_hold_is_not_taken_for_one_that_does(
    count: int, page_size: int, seed: int
) -> None:
    ask = answers_of(Dialect(), listing(count), shuffled=Random(seed))  # noqa: S311 - repeatable
    learned = learned_of(page_size)
    seen = [ask(page_size, 0)]
    learn(seen, ask, learned, requests=LEARNING_REQUESTS, moves=False)
    assert not (learned.dialect.confirmed and learned.dialect.ordered)


@settings(derandomize=True)
@given(count=st.integers(1, 200), page_size=st.integers(2, 60), seed=st.integers(0, 999))
def test_a_day_of_pages_short_at_random_is_never_taken_for_whole_when_rows_are_missing(
    count: int, page_size: int, seed: int
) -> None:
    ask = answers_of(Dialect(), listing(count), short=Random(seed))  # noqa: S311 - repeatable
    seen = [ask(page_size, 0)]
    lesson = learn(seen, ask, learned_of(page_size), requests=LEARNING_REQUESTS, moves=False)
    assert lesson is not Lesson.WHOLE or len(seen[0].keys or ()) == count


@pytest.mark.parametrize("again", range(CERTAIN))
def test_two_rows_that_change_places_convict_no_dialect_by_coming_back(again: int) -> None:
    """By a coin each time, so a few times alike is nothing rare."""
    swapped = Seen(50, 1, ("b",))  # of the listing (a, b), while the others saw (b, a)
    listed = Seen(2, 0, ("b", "a"))
    verdict = judge([listed, swapped, *[listed] * again], FIRST_GUESS)
    assert verdict.dialect is not None
    assert verdict.certainty == again
    assert not verdict.sure


# What is asked for next


@settings(derandomize=True)
@given(dialect=true_dialects(least_page=1), count=st.integers(0, 60), page_size=PAGE_SIZES)
def test_nothing_is_asked_for_twice_in_order_to_tell_ways_apart(
    dialect: Dialect, count: int, page_size: int
) -> None:
    ask = answers_of(dialect, listing(count))
    seen = [ask(*FIRST_GUESS.first(page_size))]
    known_after(ask, seen, page_size)
    asked = [(one.limit, one.offset) for one in seen]
    assert len(set(asked)) == len(asked)
    assert all(limit >= 0 and offset >= 0 for limit, offset in asked)


def test_nothing_is_asked_for_where_one_way_is_left() -> None:
    keys = listing(30)
    ask = answers_of(Dialect(), keys)
    seen = [ask(10, 0)]
    known_after(ask, seen, 10)
    assert judge(seen, FIRST_GUESS).sure
    assert next_probe(seen, 10, FIRST_GUESS) is None


# totalCount


@pytest.mark.parametrize(
    ("totals", "expected"),
    [
        ((12, 12, 12), Total.DAY),
        ((12, None, None), Total.DAY),
        ((None, None, None), Total.UNKNOWN),
        ((13, 13, 13), Total.UNKNOWN),
        ((10, 3, 2), Total.USELESS),
        ((12, 12, 13), Total.USELESS),
    ],
)
def test_a_total_is_worth_what_the_answers_show(
    totals: tuple[int | None, ...], expected: Total
) -> None:
    keys = listing(12)
    asked = [(10, 0), (3, 9), (2, 10)]
    seen = [
        replace(answers_of(Dialect(), keys)(*pair), total=total)
        for pair, total in zip(asked, totals, strict=True)
    ]
    seen.append(Seen(5, 12, ()))
    verdict = judge(seen, FIRST_GUESS)
    assert verdict.dialect is not None
    assert (verdict.dialect.turn, verdict.complete) == (Turn.ROWS, True)
    assert verdict.dialect.total is expected


def test_a_total_that_every_answer_could_have_counted_itself_is_worth_nothing_yet() -> None:
    seen = [Seen(20, 0, tuple(listing(12)), 12), Seen(20, 11, ("k11",), None)]
    verdict = judge(seen, FIRST_GUESS)
    assert verdict.dialect is not None
    assert verdict.dialect.total is Total.UNKNOWN


# Lessons


def test_a_dialect_is_not_adopted_before_rows_have_kept_their_places() -> None:
    asked: list[tuple[int, int]] = []
    ask = answers_of(Dialect(), listing(12))

    def peek(limit: int, offset: int) -> Seen:
        asked.append((limit, offset))
        return ask(limit, offset)

    learned = learned_of()
    seen = [ask(10, 0)]
    assert learn(seen, peek, learned, requests=LEARNING_REQUESTS, moves=False) is Lesson.LEARNED
    assert judge(seen, FIRST_GUESS).certainty >= CERTAIN
    assert learned.dialect.confirmed
    assert len(asked) <= LEARNING_REQUESTS


def test_whether_rows_keep_their_places_is_asked_of_an_answer_that_has_rows() -> None:
    asked: list[tuple[int, int]] = []
    ask = answers_of(replace(Dialect(Turn.LIMIT), size=20), listing(50))

    def peek(limit: int, offset: int) -> Seen:
        asked.append((limit, offset))
        return ask(limit, offset)

    seen = [ask(500, 0), ask(1, 1)]
    learned = learned_of(500)
    assert learn(seen, peek, learned, requests=LEARNING_REQUESTS, moves=False) is Lesson.LEARNED
    assert learned.dialect.way == Dialect(Turn.LIMIT).way
    assert (500, 0) not in asked
    assert judge(seen, FIRST_GUESS).certainty >= CERTAIN


def test_a_day_that_moves_teaches_nothing_of_rows_that_do_not_keep_their_places() -> None:
    for moves, lesson in ((True, Lesson.NONE), (False, Lesson.LEARNED)):
        chance = Random(3)  # noqa: S311 - repeatable
        ask = answers_of(Dialect(), listing(140), shuffled=chance)
        learned = learned_of()
        seen = [ask(10, 0)]
        assert learn(seen, ask, learned, requests=LEARNING_REQUESTS, moves=moves) is lesson
        assert learned.dialect.confirmed is not moves
        assert moves or not learned.dialect.ordered


def test_a_day_of_one_row_is_whole_although_it_shows_no_dialect() -> None:
    learned = learned_of()
    ask = answers_of(Dialect(Turn.PAGES), listing(1))
    lesson = learn([ask(10, 0)], ask, learned, requests=LEARNING_REQUESTS, moves=False)
    assert lesson is Lesson.WHOLE
    assert not learned.dialect.confirmed


@pytest.mark.parametrize(("size", "most"), [(MANY, 2), (1, 4)])
def test_no_more_requests_are_spent_than_may_be_or_twice_as_many_where_answers_are_tiny(
    size: int, most: int
) -> None:
    spent = 0
    ask = answers_of(Dialect(size=size), listing(9))

    def peek(limit: int, offset: int) -> Seen:
        nonlocal spent
        spent += 1
        return ask(limit, offset)

    learn([ask(10, 0)], peek, learned_of(), requests=2, moves=False)
    assert spent == most


@settings(derandomize=True)
@given(
    dialect=true_dialects(),
    count=st.integers(2, 40),
    page_size=PAGE_SIZES,
    few=st.integers(1, MANY - 1),
)
def test_tiny_answers_teach_only_if_many_of_them_agree(
    dialect: Dialect, count: int, page_size: int, few: int
) -> None:
    size = few if count >= MANY else dialect.size
    dialect = replace(dialect, size=size)
    ask = answers_of(dialect, listing(count))
    seen = [ask(*dialect.first(page_size))]
    learned = learned_of(page_size)
    lesson = learn(seen, ask, learned, requests=LEARNING_REQUESTS, moves=False)
    event(lesson.value)
    came = {key for one in seen for key in one.keys or ()}
    assert lesson is not Lesson.WHOLE or came == set(listing(count))
    assert len(seen) <= 1 + 2 * LEARNING_REQUESTS
    assert learned.dialect.confirmed is (lesson is Lesson.LEARNED)
    if learned.dialect.confirmed:
        whole = any(len(one.keys or ()) == count for one in seen)
        one_day_alone = learned.dialect.turn is Turn.NONE  # each must be shown to be below a cap
        assert whole or one_day_alone or judge(seen, FIRST_GUESS).certainty >= CERTAIN
        as_rows = {Dialect().way} if size == 1 and dialect.turn is Turn.PAGES else set()
        assert learned.dialect.way in {dialect.way, *as_rows}  # pages of one row are rows


def test_answers_that_fit_nothing_are_told_without_a_key() -> None:
    words = told([Seen(10, 0, ("secret",)), Seen(3, 2, None), Seen(1, 1, ())])
    assert "limit 10 and offset 0 gave 1 rows" in words
    assert "limit 3 and offset 2 gave a refusal" in words
    assert "secret" not in words
