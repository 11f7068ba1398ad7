"""The key of a row is that of its record in the table; a row without one is never let through."""

from __future__ import annotations

import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_kapture.errors import KaptureRecordError
from tap_kapture.shape import values as converters
from tap_kapture.shape.cleaning import clean
from tap_kapture.shape.heads import Heads
from tap_kapture.shape.numbers import MAX_INTEGER

TEXT_KEYS = Heads("id", partial(converters.text, cleaner=clean), None, frozenset())
NUMBER_KEYS = Heads("id", converters.integer, None, frozenset())
KEYS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-MAX_INTEGER - 2, -MAX_INTEGER + 2)
    | st.integers(MAX_INTEGER - 2, MAX_INTEGER + 2)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["7", " 7 ", "007", "+7", "7.0", "x", "", " ", "&amp;", [], {}, [1]])
)


def key_of(heads: Heads, key: object) -> str | None:
    """Return the key that is found, or None if there is no usable one."""
    try:
        return heads.of(json.dumps({"id": key}).encode())[0]
    except KaptureRecordError:
        return None


@given(key=KEYS)
def test_a_number_is_found_wherever_the_table_has_one(key: object) -> None:
    is_candidate = isinstance(key, (int, str)) and not isinstance(key, bool)
    try:
        in_table = converters.integer(key) if is_candidate else None
    except ValueError:
        in_table = None
    assert key_of(NUMBER_KEYS, key) == (None if in_table is None else str(in_table))


@given(key=KEYS)
def test_a_text_is_found_wherever_the_table_has_one(key: object) -> None:
    is_candidate = isinstance(key, (int, str)) and not isinstance(key, bool)
    in_table = clean(str(key)) if is_candidate else None
    found = key_of(TEXT_KEYS, key)
    assert found == (None if in_table is None else in_table.strip())


@pytest.mark.parametrize("key", [2**63, -(2**63), 10**30])
def test_a_number_that_no_table_holds_is_no_key(key: int) -> None:
    assert key_of(NUMBER_KEYS, key) is None
    assert key_of(TEXT_KEYS, key) == str(key)


@pytest.mark.parametrize("place", ["id", "status"])
@pytest.mark.parametrize("value", ["9" * 5000, "[" * 100_000 + "]" * 100_000])
def test_a_key_or_status_beyond_what_parsers_take_is_named(place: str, value: str) -> None:
    heads = Heads("id", partial(converters.text, cleaner=clean), "status", frozenset())
    row = f'{{"id": "1", "{place}": {value}}}'
    with pytest.raises(KaptureRecordError, match="beyond what can be read") as caught:
        heads.of(row.encode())
    assert "99" not in str(caught.value)


@pytest.mark.parametrize(
    ("closed", "sent", "is_open"),
    [
        ("solved & closed", "Solved &amp; Closed", False),
        ("solved & closed", " SOLVED &#38; CLOSED ", False),
        ("solved & closed", "Solved & Closed", False),
        ("solved &amp; closed", "Solved &amp; Closed", False),
        ("solved & closed", "Solved &amp;amp; Closed", True),
        ("solved & closed", "Closed", True),
        ("won't fix", "Won&apos;t fix\0", False),
        ("closed", "", True),
    ],
)
def test_a_status_is_closed_as_the_table_shows_it_and_as_it_was_sent(
    closed: str, sent: str, *, is_open: bool
) -> None:
    heads = Heads("id", converters.integer, "status", frozenset({closed}))
    assert heads.of(json.dumps({"id": 1, "status": sent}).encode()) == ("1", is_open)
