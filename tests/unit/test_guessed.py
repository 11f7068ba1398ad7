"""Days that were read by a guess are read again once it turns out to have been a wrong one."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_kapture.dialect.dialect import Dialect, Turn
from tap_kapture.dialect.guessed import Guessed

FIRST = dt.date(2024, 4, 1)
PAGE_SIZE = 500
GUESS = Dialect()
AS_GUESSED = Dialect(confirmed=True)
OTHERS = (
    Dialect(Turn.PAGES, base=1, confirmed=True),
    Dialect(Turn.LIMIT, base=1, confirmed=True),
    Dialect(end_exclusive=True, confirmed=True),
    Dialect(Turn.NONE, sends_offset=False, confirmed=True),
)


def day(number: int) -> dt.date:
    """Return a day."""
    return FIRST + dt.timedelta(days=number)


def guessed(**days: bool) -> Guessed:
    """Return what was read by the first guess: ``d3=True`` for day 3 that came empty."""
    made = Guessed(PAGE_SIZE)
    for name, empty in days.items():
        number = int(name[1:])
        asked = GUESS.request(day(number), *GUESS.first(PAGE_SIZE))
        made.read(asked, empty=empty)
    return made


def test_a_guess_that_was_right_reads_nothing_again() -> None:
    days = guessed(d1=False, d2=True)
    assert days.to_read_again(AS_GUESSED) == []
    assert not days.misses_days(AS_GUESSED)
    assert days.days() == [day(1), day(2)]


@pytest.mark.parametrize("known", OTHERS)
def test_days_asked_for_in_another_way_are_read_again_once_in_order(known: Dialect) -> None:
    days = guessed(d7=True, d2=False, d4=True)
    assert days.to_read_again(known) == [day(2), day(4), day(7)]
    assert days.to_read_again(known) == []
    assert days.days() == []
    assert not days.misses_days(known)


@given(
    empty=st.dictionaries(st.integers(0, 9), st.booleans()), known=st.sampled_from([GUESS, *OTHERS])
)
def test_days_are_missed_if_one_came_empty_by_a_guess_or_in_another_way(
    empty: dict[int, bool], known: Dialect
) -> None:
    days = guessed(**{f"d{number}": is_empty for number, is_empty in empty.items()})
    assert days.misses_days(known) is any(empty.values())


@pytest.mark.parametrize("known", OTHERS)
def test_a_day_that_is_read_once_more_as_it_must_be_is_read_for_good(known: Dialect) -> None:
    days = guessed(d1=True)
    assert days.to_read_again(known) == [day(1)]
    days.read(known.request(day(1), *known.first(PAGE_SIZE)), empty=True)
    assert days.to_read_again(known) == []
    assert not days.misses_days(known)


def test_days_that_fitted_nothing_are_read_again_once_something_is_known() -> None:
    days = guessed(d1=False)
    days.was_puzzling(day(5))
    days.was_puzzling(day(3))
    assert days.to_read_again(GUESS) == []
    assert days.to_read_again(AS_GUESSED) == [day(3), day(5)]
    assert days.to_read_again(AS_GUESSED) == []


def test_another_guess_reads_days_again_but_leaves_puzzling_ones() -> None:
    days = guessed(d1=False)
    days.was_puzzling(day(3))
    assert days.to_read_again(Dialect(Turn.PAGES, base=1)) == [day(1)]
    assert days.to_read_again(AS_GUESSED) == [day(3)]
