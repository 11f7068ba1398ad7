"""Days teach how the account pages, and cast doubt where they cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paged_account import rows
from read_days import DAY, PAGE_SIZES, ROWS, Days, of

from tap_kapture.dialect.dialect import Dialect, Turn
from tap_kapture.dialect.learned import (
    FAILURES,
    LEARNING_REQUESTS,
    STEADY,
)
from tap_kapture.errors import (
    KaptureDialectError,
)
from tap_kapture.wire.answers import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_kapture.wire.request import Request


# Learning on the way


def test_an_account_that_turns_pages_otherwise_is_read_at_once_where_it_sends_large_ones() -> None:
    days = Days(ROWS, 10)
    handed, facts = days.read(of(rows(45), offset="pages"))
    assert sorted(handed) == sorted(rows(45))
    assert facts.doubt is None


def test_an_account_that_changes_its_ways_is_learned_anew() -> None:
    days = Days(Dialect(), 10)
    while days.learned.dialect.steady < STEADY:
        assert days.read(of(rows(45)))[1].doubt is None
    turns = [days.learned.dialect.turn]
    handed, facts = days.read(of(rows(45), offset="pages", page_cap=10))
    assert sorted(handed) == sorted(rows(45))
    assert facts.doubt is None
    assert [*turns, days.learned.dialect.turn] == [Turn.ROWS, Turn.PAGES]


def test_learning_hands_on_nothing_twice() -> None:
    for offset in ("rows", "pages", "pages_from_1", "ignored"):
        handed, _ = Days(Dialect(), 10).read(of(rows(45), offset=offset))
        assert len(handed) == len(set(handed)) == 45


def test_learning_costs_six_requests_once() -> None:
    days = Days(Dialect(), 10)
    known = Days(ROWS, 10)
    spent = []
    for count in (45, 30, 3, 12):
        first, second = of(rows(count)), of(rows(count))
        days.read(first)
        known.read(second)
        spent.append(len(first.asked) - len(second.asked))
    assert 0 < spent[0] <= LEARNING_REQUESTS
    assert spent[1:] == [0, 0, 0]


def test_an_account_that_fits_nothing_is_refused_after_some_days() -> None:
    days = Days(Dialect(), 10)

    def nonsense() -> Callable[[Request], Answer]:
        count = iter(range(10_000))

        def ask(_: Request) -> Answer:
            number = next(count)
            listed = rows(3 + 5 * number % 7, f"{number}-")
            return Answer([msgspec.Raw(each) for each in listed])

        return ask

    for _ in range(FAILURES - 1):
        doubt = days.doubt(nonsense())
        assert doubt is not None
        assert doubt.kind == "dialect"
    with pytest.raises(KaptureDialectError, match="'tickets_paging'") as caught:
        days.read(nonsense())
    assert not caught.value.stops_only_its_day


def test_pages_that_come_short_later_cast_doubt_on_days_that_were_believed() -> None:
    days = Days(replace(ROWS, steady=STEADY), 10)
    days.read(of(rows(25)))
    assert days.doubts.at_the_end() == (set(), [], None)
    days.learned.irregular()
    _, doubtful, doubt = days.doubts.at_the_end()
    assert doubtful == [DAY]
    assert doubt is not None
    assert doubt.kind == "short"


@settings(derandomize=True)
@given(count=st.integers(0, 120), page_size=PAGE_SIZES, seed=st.integers(0, 99))
def test_pages_short_at_random_lose_nothing(count: int, page_size: int, seed: int) -> None:
    for known in (Dialect(), ROWS):
        days = Days(known, page_size)
        handed, facts = days.read(of(rows(count), seed, short_pages=True))
        _, doubtful, _ = days.doubts.at_the_end()
        assert facts.doubt or doubtful or sorted(handed) == sorted(rows(count))
