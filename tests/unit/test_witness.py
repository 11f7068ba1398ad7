"""A day whose answer is known shows in the next run whether the account still answers alike."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_kapture.dialect.dialect import Dialect
from tap_kapture.dialect.layout import Seen
from tap_kapture.dialect.witness import Witness, best, from_state

DAY = dt.date(2024, 4, 19)
KNOWN = Dialect(confirmed=True)
KEYS = st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=9, unique=True).map(tuple)


def answer(*keys: str) -> Seen:
    """Return the answer to the first request about a day."""
    return Seen(10, 0, keys)


def witness(*keys: str, day: dt.date = DAY) -> Witness:
    """Return the witness that an answer makes."""
    made = Witness.of(day, answer(*keys))
    assert made is not None
    return made


@pytest.mark.parametrize("keys", [(), None])
def test_a_day_without_a_row_is_no_witness(keys: tuple[str, ...] | None) -> None:
    assert Witness.of(DAY, Seen(10, 0, keys)) is None


@given(keys=KEYS)
def test_a_witness_stands_by_the_same_answer_after_its_way_through_the_state(
    keys: tuple[str, ...],
) -> None:
    made = witness(*keys)
    kept = from_state(json.loads(json.dumps(made.to_state())))
    assert kept == made
    assert kept is not None
    assert kept.stands(answer(*keys), KNOWN)


def test_the_state_does_not_hold_a_key() -> None:
    assert "k-4711" not in json.dumps(witness("k-4711", "b").to_state())


@pytest.mark.parametrize("now", [(), ("a", "b"), ("a", "b", "c", "d"), ("b", "a", "c")])
def test_another_number_of_rows_or_another_first_row_is_another_answer(now: tuple[str]) -> None:
    known = witness("a", "b", "c")
    assert known.stands(answer("a", "c", "b"), KNOWN)
    assert not known.stands(answer(*now), KNOWN)


def test_a_refusal_is_another_answer() -> None:
    assert not witness("a").stands(Seen(10, 0, None), KNOWN)


def test_where_rows_keep_no_order_only_their_number_counts() -> None:
    unordered = replace(KNOWN, ordered=False)
    assert witness("a", "b", "c").stands(answer("c", "b", "a"), unordered)
    assert not witness("a", "b", "c").stands(answer("a", "b"), unordered)


def test_where_pages_come_short_at_random_only_the_first_row_counts() -> None:
    irregular = replace(KNOWN, regular=False)
    assert witness("a", "b", "c").stands(answer("a"), irregular)
    assert not witness("a", "b", "c").stands(answer("b", "a", "c"), irregular)
    assert not witness("a", "b", "c").stands(answer(), irregular)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "2024-04-19",
        {},
        {"day": "2024-04-19", "rows": 3},
        {"day": "2024-04-31", "rows": 3, "first": "x"},
        {"day": 20240419, "rows": 3, "first": "x"},
        {"day": "2024-04-19", "rows": "3", "first": "x"},
        {"day": "2024-04-19", "rows": True, "first": "x"},
        {"day": "2024-04-19", "rows": 3, "first": None},
    ],
)
def test_a_state_that_holds_no_usable_witness_holds_none(raw: object) -> None:
    assert from_state(raw) is None


def test_the_best_witness_is_read_again_anyway_then_large_then_young() -> None:
    days = [DAY + dt.timedelta(days=number) for number in range(4)]
    sizes = (2, 5, 5, 1)
    known = {day: witness(*"abcde"[:size], day=day) for day, size in zip(days, sizes, strict=True)}
    assert best(known, ()) == known[days[2]]
    assert best(known, {days[0], days[3]}) == known[days[0]]
    assert best({}, {DAY}) is None
