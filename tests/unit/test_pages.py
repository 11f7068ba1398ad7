"""Paging inside a day asks for every row, and ends only on evidence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_kapture.errors import KapturePagingError
from tap_kapture.pages import MAX_LIMIT, PageFacts, Reading


def after(*pages: PageFacts, limit: int = 10, verify: bool = True) -> Reading:
    """Return the reading after pages that came one after another."""
    reading = Reading(limit)
    for page in pages:
        assert not reading.done
        reading = reading.after(page, verify_last_page=verify)
    return reading


def page(rows: int, *, new: int | None = None, repeats: int = 0, total: int = 0) -> PageFacts:
    """Return the facts of a page whose keys are all new unless said otherwise."""
    return PageFacts(rows, rows if new is None else new, repeats, total or None)


def test_an_empty_day_takes_one_request() -> None:
    assert after(page(0)).done


def test_the_next_offset_counts_the_rows_that_came() -> None:
    assert after(page(10)).offset == 10
    assert after(page(10), page(7)).offset == 17
    assert after(page(10, new=8), page(3)).offset == 13


def test_a_full_page_is_followed_by_another_even_unverified() -> None:
    assert not after(page(10)).done
    assert not after(page(10), verify=False).done


def test_a_short_page_alone_ends_a_day_only_unverified() -> None:
    assert not after(page(4)).done
    assert after(page(4), verify=False).done
    assert after(page(4), page(0)).done


def test_pages_go_on_behind_a_short_page_that_was_not_the_last() -> None:
    reading = after(page(10), page(3), page(10), page(2))
    assert not reading.done
    assert reading.offset == reading.keys == 25
    assert reading.limit == 10


def test_an_answer_longer_than_the_limit_is_the_whole_day() -> None:
    assert after(page(11)).done
    assert after(page(11), verify=False).done


def test_the_announced_total_saves_the_last_request() -> None:
    assert not after(page(10, total=14)).done
    assert after(page(10, total=14), page(4, total=14)).done
    assert not after(page(10, total=15), page(4, total=15)).done


def test_a_total_given_once_is_remembered() -> None:
    reading = after(page(10, total=14), page(4))
    assert reading.done
    assert reading.total == 14


def test_a_total_is_not_believed_at_a_full_page() -> None:
    assert not after(page(10, total=10)).done
    assert after(page(10, total=10), page(0, total=10)).done


def test_an_ignored_offset_after_a_short_page_means_that_the_day_is_whole() -> None:
    reading = after(page(4), page(4, new=0, repeats=4))
    assert reading.done
    assert reading.settled
    assert reading.keys == 4


def test_an_ignored_offset_after_a_full_page_asks_from_the_start_for_twice_as_many() -> None:
    reading = after(page(10), page(10, new=0, repeats=10))
    assert (reading.limit, reading.offset, reading.offset_ignored) == (20, 0, True)
    assert not reading.done


def test_an_offset_known_to_be_ignored_is_not_tried_again() -> None:
    same = page(10, new=0, repeats=10)
    assert after(page(10), same, page(15, new=5, repeats=10)).done
    wider = after(page(10), same, page(20, new=10, repeats=10))
    assert (wider.limit, wider.offset, wider.done) == (40, 0, False)


@pytest.mark.parametrize("limit", [1, 3, 500, 2500, 4999, 5000])
def test_the_limit_doubles_up_to_5000_and_then_the_run_stops(limit: int) -> None:
    reading = after(page(limit), limit=limit)
    new = 0
    while reading.limit < MAX_LIMIT:
        asked = reading.limit
        full = PageFacts(rows=asked, new_keys=new, repeats=asked - new)
        reading = reading.after(full, verify_last_page=True)
        assert not reading.done
        assert (reading.limit, reading.offset) == (min(asked * 2, 5000), 0)
        new = 1
    full = PageFacts(rows=5000, new_keys=new, repeats=5000 - new)
    with pytest.raises(KapturePagingError, match=r"ignores 'offset'.*\(5000 records\)"):
        reading.after(full, verify_last_page=True)


def test_rows_that_moved_between_pages_leave_the_day_unsettled() -> None:
    assert after(page(10), page(4), page(0)).settled
    assert not after(page(10), page(4, new=3, repeats=1), page(0)).settled


def test_rows_that_moved_are_noticed_even_when_the_last_page_brings_nothing_new() -> None:
    reading = after(page(10), page(1, new=0, repeats=1), page(0))
    assert reading.done
    assert not reading.settled
    assert not after(page(10), page(4), page(10, new=0, repeats=10)).settled
    capped = after(page(4), page(4), page(2, new=0, repeats=2), page(0))
    assert capped.done
    assert not capped.settled


def test_a_page_of_some_rows_again_does_not_end_the_day_but_three_in_a_row_do() -> None:
    again = page(2, new=0, repeats=2)
    assert not after(page(4), page(4), again).done
    assert not after(page(4), page(4), again, again, page(1), again, again).done
    assert after(page(4), page(4), again, again, again).done


def test_a_total_settles_a_day_whatever_moved() -> None:
    moved = page(10, new=9, repeats=1)
    assert after(page(10, total=19), moved, page(0)).settled
    assert not after(page(10, total=21), moved, page(0)).settled


@settings(deadline=None, max_examples=300)
@given(
    count=st.integers(0, 300),
    limit=st.integers(1, 120),
    cap=st.integers(1, 120),
    total=st.booleans(),
)
def test_every_row_of_a_paging_account_is_asked_for_once(
    count: int,
    limit: int,
    cap: int,
    total: bool,  # noqa: FBT001 - drawn
) -> None:
    reading = Reading(limit)
    got: list[int] = []
    requests = 0
    while not reading.done:
        came = range(count)[reading.offset : reading.offset + min(reading.limit, cap)]
        requests += 1
        got += came
        facts = PageFacts(len(came), len(came), 0, count if total and count else None)
        reading = reading.after(facts, verify_last_page=True)
    assert got == list(range(count))
    assert reading.settled
    assert requests <= -(-count // min(limit, cap)) + 1


@settings(deadline=None, max_examples=200)
@given(count=st.integers(0, 5200), limit=st.integers(1, 5000))
def test_an_account_that_ignores_offset_is_read_whole_or_the_run_stops(
    count: int, limit: int
) -> None:
    reading = Reading(limit)
    requests = keys = 0
    try:
        while not reading.done:
            came = min(count, reading.limit)
            requests += 1
            facts = PageFacts(came, max(0, came - keys), min(keys, came))
            keys = max(keys, came)
            reading = reading.after(facts, verify_last_page=True)
    except KapturePagingError:
        assert count >= MAX_LIMIT
    else:
        assert keys == reading.keys == count
        assert reading.settled
    assert requests <= 16
