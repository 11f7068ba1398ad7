"""A day is whole by its count, by a larger answer, or because the settings say so."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import pairwise

import pytest
from paged_account import PagedAccount, rows, warnings_logged
from read_days import DAY, NONE, Days, changing, of

from sandbox import Quirks
from tap_kapture.dialect.dialect import Dialect, Total, Turn
from tap_kapture.dialect.doubts import NEVER_RIGHT
from tap_kapture.errors import (
    KapturePagingError,
)

# totalCount


def test_a_count_that_never_comes_out_is_a_doubt_with_both_counts() -> None:
    doubt = Days().doubt(of(rows(5), total_count="wrong"))
    assert doubt is not None
    assert doubt.kind == "count"
    assert doubt.text == "Kapture announces 8 records, but sends 5"


def test_a_count_that_comes_out_at_the_second_reading_is_no_doubt() -> None:
    account = of(rows(15), total_count="wrong_once")
    handed, facts = Days().read(account)
    assert handed == rows(15)
    assert facts.doubt is None


def test_a_record_that_a_count_misses_is_looked_for_once_more() -> None:
    account = changing(rows(4), rows(5), 2, total_of_later=5)
    handed, facts = Days().read(account)
    assert sorted(handed) == rows(5)
    assert facts.doubt is None


def test_a_count_that_was_never_right_is_not_looked_at_any_more() -> None:
    days = Days()
    kinds = [days.doubt(of(rows(5), total_count="wrong")) for _ in range(NEVER_RIGHT + 2)]
    assert [doubt.kind if doubt else None for doubt in kinds] == [
        *["count"] * (NEVER_RIGHT - 1),
        *[None] * 3,
    ]
    cheap, plain = of(rows(5), total_count="wrong"), of(rows(5))
    days.read(cheap)
    days.read(plain)
    assert cheap.pairs == plain.pairs
    with warnings_logged() as warnings:
        cleared, doubtful, _ = days.doubts.at_the_end()
    assert (cleared, doubtful) == ({"count"}, [])
    assert "not looked at" in warnings[0]


def test_a_count_that_was_right_once_is_looked_at_for_ever() -> None:
    days = Days(page_size=4)
    assert days.doubt(of(rows(9), total_count="filled")) is None
    for _ in range(NEVER_RIGHT + 2):
        doubt = days.doubt(of(rows(9), total_count="wrong"))
        assert doubt is not None
        assert doubt.kind == "count"
    assert days.doubts.at_the_end() == (set(), [], None)


def test_a_count_of_the_page_costs_no_record_and_is_found_useless() -> None:
    days = Days(Dialect(), 10)
    for count in (35, 21, 8, 40):
        handed, facts = days.read(of(rows(count), total_count="page"))
        assert sorted(handed) == sorted(rows(count))
    assert facts.doubt is None
    assert days.learned.dialect.total is Total.USELESS


# Accounts whose pages nothing turns


@pytest.mark.parametrize("count", [5000, 6000])
def test_a_day_that_cannot_be_reached_to_its_end_fails(count: int) -> None:
    account = of(rows(count), offset="ignored")
    with pytest.raises(KapturePagingError, match="5000") as caught:
        Days(NONE, 500).read(account)
    assert str(caught.value).startswith("tickets, day 2024-04-19, ")
    assert caught.value.stops_only_its_day
    assert account.pairs == [(limit, 0) for limit in (500, 1000, 2000, 4000, 5000)]


def test_the_longest_day_of_an_account_that_ignores_offset_is_whole() -> None:
    days = Days(NONE, 500)
    handed, facts = days.read(of(rows(4999), offset="ignored"))
    assert len(handed) == facts.records == 4999


@pytest.mark.parametrize("limit", [2, 3, 500, 2500, 4999, 5000])
def test_the_limit_doubles_up_to_5000(limit: int) -> None:
    account = of(rows(6000), offset="ignored")
    with pytest.raises(KapturePagingError):
        Days(NONE, limit).read(account)
    asked = [limit for limit, _ in account.pairs]
    assert asked[0] == limit
    assert asked[-1] == 5000
    assert all(after == min(2 * before, 5000) for before, after in pairwise(asked))


def test_a_day_in_one_answer_may_be_cut_unless_a_larger_answer_was_seen() -> None:
    days = Days(NONE, 500)
    doubt = days.doubt(of(rows(60), offset="ignored", limit="ignored", page_cap=40))
    assert doubt is not None
    assert doubt.kind == "cap"
    assert "'tickets_paging' to 'whole_day'" in doubt.text
    larger = Days(NONE, 500)
    larger.learned.saw(61)
    assert larger.doubt(of(rows(60), offset="ignored")) is None
    before = Days(replace(NONE, largest=61), 500)  # in an earlier run: a cap may be new
    assert before.doubt(of(rows(60), offset="ignored")) is not None


def test_a_larger_window_shows_that_a_day_is_whole() -> None:
    other = DAY - dt.timedelta(days=20)
    account = PagedAccount({other: rows(50, "x"), DAY: rows(60)}, Quirks(offset="ignored"))
    days = Days(NONE, 500)
    handed, facts = days.read(account)
    assert sorted(handed) == sorted(rows(60))
    assert facts.doubt is None
    assert account.asked[-1].day < DAY
    assert days.learned.dialect.largest == 110


def test_a_count_shows_that_a_day_in_one_answer_is_whole() -> None:
    known = replace(NONE, total=Total.DAY)
    assert Days(known, 500).doubt(of(rows(60), offset="ignored", total_count="filled")) is None
    capped = of(rows(60), offset="ignored", total_count="filled", page_cap=40)
    doubt = Days(known, 500).doubt(capped)
    assert doubt is not None
    assert doubt.kind == "cap"


def test_the_largest_of_many_days_is_taken_for_whole_where_no_window_is_larger() -> None:
    days = Days(NONE, 500)
    for count in range(1, 12):
        days.read(of(rows(count), offset="ignored", host_window=True))
    assert days.doubt(of(rows(40), offset="ignored", host_window=True)) is not None
    with warnings_logged() as warnings:
        cleared, _, _ = days.doubts.at_the_end()
    assert cleared == {"cap"}
    assert "largest day, of 40 records, is taken for whole" in warnings[0]


def test_two_days_of_the_same_largest_size_are_a_sign_of_a_cap() -> None:
    days = Days(NONE, 500)
    for count in [*range(1, 12), 40, 55]:
        days.read(of(rows(count), offset="ignored", host_window=True, page_cap=40))
    assert days.doubts.at_the_end()[0] == set()


# What the settings state


def test_a_whole_day_that_is_stated_is_believed() -> None:
    days = Days(NONE, stated=True, whole_day=True)
    account = of(rows(30), limit="ignored", offset="ignored")
    handed, facts = days.read(account)
    assert (len(handed), facts.doubt) == (30, None)
    assert len(account.asked) == 1


def test_what_is_stated_is_not_learned_but_a_day_that_contradicts_it_is_in_doubt() -> None:
    days = Days(Dialect(Turn.PAGES, confirmed=True), stated=True)
    account = of(rows(45), page_cap=7)
    handed, facts = days.read(account)
    assert facts.doubt or sorted(handed) == sorted(rows(45))
    assert days.learned.dialect.turn is Turn.PAGES
    ignoring = of(rows(45), offset="ignored")
    _, facts = days.read(ignoring)
    assert facts.doubt is not None
    assert facts.doubt.kind == "dialect"
