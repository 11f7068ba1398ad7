"""A dialect asks for the rows that it wants, and a state keeps all that is known of it."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_kapture.dialect.dialect import (
    ENDLESS,
    MAX_LIMIT,
    Dialect,
    Total,
    Turn,
    from_state,
)
from tap_kapture.dialect.layout import WAYS
from tap_kapture.plan.bookmarks import ONE_DAY
from tap_kapture.wire.request import Request

DAY = dt.date(2024, 4, 19)
BY_ROWS = [way for way in WAYS if way.turn in {Turn.ROWS, Turn.RANGE}]
BY_PAGES = [way for way in WAYS if way.turn in {Turn.PAGES, Turn.LIMIT}]
SIZES = st.none() | st.integers(1, 120)
DIALECTS = st.builds(
    Dialect,
    turn=st.sampled_from(Turn),
    base=st.integers(0, 1),
    strict=st.booleans(),
    with_last=st.booleans(),
    obeys_limit=st.booleans(),
    size=SIZES,
    sends_offset=st.booleans(),
    end_exclusive=st.booleans(),
    total=st.sampled_from(Total),
    regular=st.booleans(),
    steady=st.integers(0, 20),
    ordered=st.booleans(),
    largest=st.integers(0, MAX_LIMIT),
    smaller_days=st.integers(0, 99),
    confirmed=st.just(value=True),
)


@given(
    way=st.sampled_from(BY_ROWS), start=st.integers(0, 9000), rows=st.integers(1, 5000), size=SIZES
)
def test_rows_that_are_asked_for_are_those_that_come(
    way: Dialect, start: int, rows: int, size: int | None
) -> None:
    dialect = replace(way, size=size)
    came = dialect.slice_of(*dialect.ask_rows(start, rows))
    assert came == (start, min(rows, size or ENDLESS))
    assert dialect.first(rows) == dialect.ask_rows(0, rows)


@given(
    way=st.sampled_from(BY_PAGES), index=st.integers(0, 50), rows=st.integers(1, 500), size=SIZES
)
def test_pages_that_are_asked_for_lie_one_behind_the_other(
    way: Dialect, index: int, rows: int, size: int | None
) -> None:
    dialect = replace(way, size=size or 20)
    count = 20 if size is None else size
    count = count if way.turn is Turn.LIMIT else min(rows, count)
    assert dialect.slice_of(*dialect.ask_page(index, rows)) == (index * count, count)
    assert dialect.first(rows) == dialect.ask_page(0, rows)


@given(way=st.sampled_from(WAYS), size=SIZES, rows=st.integers(1, 150), count=st.integers(0, 400))
def test_pages_asked_for_in_turn_are_the_whole_listing(
    way: Dialect, size: int | None, rows: int, count: int
) -> None:
    size = size or (20 if way.turn is Turn.LIMIT else None)
    dialect = replace(way, size=size)
    listing = list(range(count))
    got: list[int] = []
    index = 0
    while True:
        ask = dialect.ask_page(index, rows) if way in BY_PAGES else dialect.ask_rows(len(got), rows)
        start, most = dialect.slice_of(*(ask if way.turn is not Turn.NONE else (count, 0)))
        came = listing[start : start + most]
        got += came
        index += 1
        if not came or way.turn is Turn.NONE:
            break
    assert got == listing[: size if way.turn is Turn.NONE else None]


@pytest.mark.parametrize("way", [way for way in WAYS if way.turn is not Turn.LIMIT])
def test_where_limit_is_ignored_a_page_has_the_size_of_the_account(way: Dialect) -> None:
    if way.turn is Turn.RANGE:
        return  # there the limit is no size
    dialect = replace(way, obeys_limit=False, size=7)
    assert dialect.slice_of(*dialect.first(500)) == (0, 7)
    assert dialect.slice_of(*dialect.first(3)) == (0, 7)


def test_a_page_before_the_first_one_is_the_first_or_empty() -> None:
    lenient, strict = Dialect(Turn.PAGES, base=1), Dialect(Turn.PAGES, base=1, strict=True)
    assert lenient.slice_of(10, 0) == lenient.slice_of(10, 1) == (0, 10)
    assert strict.slice_of(10, 0) == (0, 0)
    assert strict.slice_of(10, 1) == (0, 10)


def test_a_range_that_ends_before_it_begins_is_empty() -> None:
    assert Dialect(Turn.RANGE).slice_of(3, 3) == (3, 0)
    assert Dialect(Turn.RANGE).slice_of(2, 3) == (3, 0)
    assert Dialect(Turn.RANGE, with_last=True).slice_of(3, 3) == (3, 1)


def test_a_request_is_of_one_day() -> None:
    assert Dialect().request(DAY, 500, 0) == Request(DAY, DAY, 500, 0)
    exclusive = Dialect(end_exclusive=True)
    assert exclusive.request(DAY, 500, 7) == Request(DAY, DAY + ONE_DAY, 500, 7)
    assert Dialect(sends_offset=False).request(DAY, 500, 7).offset is None


# The state


@given(dialect=DIALECTS)
def test_a_dialect_survives_its_state(dialect: Dialect) -> None:
    assert from_state(json.loads(json.dumps(dialect.to_state()))) == dialect


def test_the_state_of_a_usual_dialect_is_short() -> None:
    assert Dialect(confirmed=True).to_state() == {"turn": "rows", "total": "unknown"}


@pytest.mark.parametrize(
    "raw",
    [None, [], "rows", {}, {"turn": "rows"}, {"total": "day"}, {"turn": "x", "total": "day"}],
)
def test_a_state_without_a_dialect_knows_none(raw: object) -> None:
    assert from_state(raw) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", 0),
        ("size", -3),
        ("size", "20"),
        ("size", True),
        ("base", "1"),
        ("base", True),
        ("ordered", 0),
        ("largest", 1.5),
        ("confirmed", False),
        ("anything", 7),
    ],
)
def test_values_of_another_kind_are_as_usual(name: str, value: object) -> None:
    raw = {"turn": "pages", "total": "day", name: value}
    assert from_state(raw) == Dialect(Turn.PAGES, total=Total.DAY, confirmed=True)


@given(dialect=DIALECTS)
def test_any_dialect_can_be_told_in_words(dialect: Dialect) -> None:
    words = dialect.in_words()
    assert words
    assert ("at most" in words) is (dialect.size is not None)
