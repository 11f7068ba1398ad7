"""Reading a day hands on every record of it, or says why it may not have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from paged_account import row, rows
from read_days import DAY, PAGE_SIZES, ROWS, Days, changing, of, pages_of

from tap_kapture.day.tally import Page
from tap_kapture.dialect.dialect import Dialect, Total
from tap_kapture.dialect.layout import WAYS
from tap_kapture.dialect.learned import (
    REGULAR,
    SHOWN,
    STEADY,
)
from tap_kapture.errors import (
    KapturePagingError,
    KaptureRecordError,
    KaptureRefusedError,
    KaptureResponseError,
)

# The usual day


@given(count=st.integers(0, 120), page_size=PAGE_SIZES, cap=st.none() | st.integers(2, 130))
def test_a_plain_day_is_whole_with_each_record_once(
    count: int, page_size: int, cap: int | None
) -> None:
    account = of(rows(count), page_cap=cap)
    handed, facts = Days(page_size=page_size).read(account)
    assert handed == rows(count)
    assert (facts.records, facts.open_count, facts.doubt) == (count, count, None)


@given(count=st.integers(0, 120), page_size=PAGE_SIZES, cap=st.none() | st.integers(2, 130))
def test_a_plain_day_costs_no_more_requests_than_its_pages_and_one(
    count: int, page_size: int, cap: int | None
) -> None:
    known = replace(ROWS, steady=STEADY)
    account = of(rows(count), page_cap=cap)
    Days(known, page_size).read(account)
    size = min(page_size, cap or page_size)
    # Behind one page that holds all that was asked for, its last row alone is not the end yet.
    one_full = count == page_size == size
    assert len(account.asked) <= pages_of(count, size) + 1 + one_full


@given(count=st.integers(1, 120), page_size=PAGE_SIZES)
def test_a_total_that_is_right_saves_the_last_request(count: int, page_size: int) -> None:
    days = Days(replace(ROWS, total=Total.DAY, steady=STEADY), page_size)
    days.read(of(rows(page_size + 2), total_count="filled"))  # it counts more than its answer
    account = of(rows(count), total_count="filled")
    handed, _ = days.read(account)
    assert handed == rows(count)
    # Where the last page is full, the total may be just as far as the account counts.
    is_full = pages_of(count + 1, page_size) > pages_of(count, page_size)
    assert len(account.asked) == pages_of(count, page_size) + is_full


@given(
    counts=st.lists(st.integers(1, 12) | st.integers(1, 150), min_size=1, max_size=5),
    count=st.integers(1, 300),
    cap=st.none() | st.integers(1, 60),
    page_size=PAGE_SIZES,
    total=st.sampled_from(["reached", "bounded"]),
    known=st.sampled_from(Total),
)
def test_a_total_that_counts_no_day_ends_none(  # noqa: PLR0913 - each is drawn on its own
    *, counts: list[int], count: int, cap: int | None, page_size: int, total: str, known: Total
) -> None:
    """Whatever smaller days seem to show: it may count what came, or know a bound."""
    days = Days(replace(ROWS, total=known, steady=STEADY), page_size)
    for each in [*counts, count]:
        handed, facts = days.read(of(rows(each), total_count=total, page_cap=cap))
        assert facts.doubt or handed == rows(each)


def test_an_answer_without_rows_that_announces_some_is_no_empty_day() -> None:
    account = of([])
    account.total = 5
    handed, facts = Days().read(account)
    assert handed == []
    assert facts.doubt is not None
    assert facts.doubt.text == "Kapture announces 5 records, but sends 0"


def test_an_empty_answer_that_announces_rows_only_once_is_an_empty_day() -> None:
    account = of([], total_count="wrong_once")
    handed, facts = Days().read(account)
    assert (handed, facts.doubt, facts.announced) == ([], None, None)


def test_rows_that_share_a_key_in_one_answer_are_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    days = Days()
    days.read(of([row(7), row(7, detail="a"), row(7, detail="b"), row(7, detail="b"), row(8)]))
    days.doubts.at_the_end()
    (told,) = caplog.messages
    assert told.startswith("tickets: 2 records share their key with another one of the same answer")


@pytest.mark.parametrize(("count", "warns"), [(1000, True), (999, False), (3000, True)])
def test_largest_days_that_end_at_a_round_number_are_told_of(
    count: int,
    warns: bool,  # noqa: FBT001 - drawn
    caplog: pytest.LogCaptureFixture,
) -> None:
    days = Days(page_size=500)
    for each in (70, count, 80):
        days.read(of(rows(each)))
    days.doubts.at_the_end()
    assert any(f"no day has more than just {count} records" in m for m in caplog.messages) is warns


@given(count=st.integers(1, 120), cap=st.integers(1, 60))
def test_a_total_of_just_its_rows_is_not_believed_before_one_was_larger(
    count: int, cap: int
) -> None:
    """Else an account that begins to count the rows of its answers would lose what follows."""
    days = Days(replace(ROWS, total=Total.DAY, steady=STEADY), 130)
    account = of(rows(count), total_count="page", page_cap=cap)
    handed, facts = days.read(account)
    assert facts.doubt or handed == rows(count)
    assert len(account.asked) > 1


def test_a_total_of_just_its_rows_is_believed_below_the_largest_answer_of_the_run() -> None:
    days = Days(replace(ROWS, total=Total.DAY, steady=STEADY))
    days.learned.saw(8)
    account = of(rows(7), total_count="filled")
    assert days.read(account)[0] == rows(7)
    assert len(account.asked) == 1


def test_a_short_page_ends_a_day_where_the_settings_believe_it() -> None:
    days = Days(replace(ROWS, steady=REGULAR), verify=False)
    days.learned.saw(8)
    account = of(rows(7))
    assert days.read(account)[0] == rows(7)
    assert account.pairs == [(10, 0)]
    account = of(rows(10))
    assert days.read(account)[0] == rows(10)
    assert len(account.asked) > 1


@pytest.mark.parametrize(
    ("steady", "largest", "seen"), [(REGULAR, 100, 7), (REGULAR - 1, 0, 8), (0, 0, 8)]
)
def test_a_short_page_ends_no_day_before_this_run_has_shown_that_it_may(
    steady: int, largest: int, seen: int
) -> None:
    """The largest answer of an earlier run says nothing of a cap that came since."""
    days = Days(replace(ROWS, steady=steady, largest=largest), verify=False)
    days.learned.saw(seen)
    account = of(rows(7))
    assert days.read(account)[0] == rows(7)
    assert len(account.asked) > 1


def test_a_short_page_ends_a_day_once_days_of_its_size_were_shown_to_be_whole() -> None:
    days = Days(replace(ROWS, steady=REGULAR), verify=False)
    asked = []
    for _ in range(SHOWN + 1):
        account = of(rows(7))
        days.read(account)
        asked.append(len(account.asked))
    assert asked[-1] == 1
    assert min(asked[:-1]) > 1


def test_a_short_page_ends_no_day_where_it_may_be_all_that_the_account_sends() -> None:
    days = Days(verify=False)
    assert days.read(of(rows(30), page_cap=7))[0] == rows(30)


def test_an_empty_day_takes_one_request() -> None:
    for way in WAYS:
        account = of([])
        handed, facts = Days(replace(way, confirmed=True)).read(account)
        assert (handed, facts.records, facts.doubt) == ([], 0, None)
        assert len(account.asked) == 1


def test_pages_come_while_the_day_is_still_being_read() -> None:
    account = of(rows(30))
    items = Days().reader.read(DAY, account.ask)
    assert isinstance(next(items), Page)
    assert len(account.asked) == 1


def test_the_digest_and_the_records_do_not_depend_on_the_dialect() -> None:
    found = set()
    for offset in ("rows", "pages", "pages_from_1", "ignored"):
        _, facts = Days(Dialect(), 20).read(of(rows(30), offset=offset, limit="size"))
        found.add((facts.records, facts.digest))
    assert len(found) == 1


@given(
    known=st.sampled_from(
        [Dialect(), ROWS, replace(ROWS, steady=10), replace(ROWS, steady=STEADY)]
    ),
    count=st.integers(0, 120),
    offset=st.sampled_from(["rows", "pages", "pages_from_1", "ignored"]),
    page_size=st.integers(5, 130),
    cap=st.none() | st.integers(5, 60),
)
def test_an_account_that_is_taken_for_one_that_counts_rows_loses_nothing(
    known: Dialect, count: int, offset: str, page_size: int, cap: int | None
) -> None:
    days = Days(known, page_size)
    account = of(rows(count), offset=offset, page_cap=cap)
    try:
        handed, facts = days.read(account)
    except KapturePagingError:
        event("refused")
        return
    assert set(handed) <= set(rows(count))
    event("in doubt" if facts.doubt else "whole" if len(handed) == count else "empty")
    # A day that comes empty by a way of asking that was known is the one thing that shows nothing.
    shows_nothing = not handed and known.confirmed
    assert facts.doubt or len(handed) == count or shows_nothing


@given(
    count=st.integers(0, 120),
    page_size=PAGE_SIZES,
    total=st.sampled_from(["null", "filled", "wrong"]),
)
def test_a_day_that_is_never_compared_is_read_alike_but_without_a_digest(
    count: int, page_size: int, total: str
) -> None:
    first, second = (of(rows(count), total_count=total) for _ in range(2))
    handed, facts = Days(page_size=page_size).read(first)
    *same, without = Days(page_size=page_size).reader.read(DAY, second.ask, digest=False)
    assert handed == [bytes(each) for page in same if isinstance(page, Page) for each in page.rows]
    assert without == replace(facts, digest="")
    assert first.asked == second.asked


@given(count=st.integers(2, 120), page_size=PAGE_SIZES)
def test_behind_one_full_page_its_last_row_alone_is_not_the_end_of_a_day(
    count: int, page_size: int
) -> None:
    """Where `limit` is the last row of a range, just that row comes, and more lies behind it."""
    account = of(rows(count), limit="last_row")
    handed, facts = Days(replace(ROWS, steady=STEADY), page_size).read(account)
    assert facts.doubt or sorted(handed) == sorted(rows(count))


# Rows that move


@pytest.mark.parametrize("after", [1, 2, 3, 4])
@pytest.mark.parametrize("known", [ROWS, replace(ROWS, steady=STEADY)])
def test_a_moved_row_is_found_by_reading_the_day_again(known: Dialect, after: int) -> None:
    listed = rows(12)
    for moved in ([*listed[1:], listed[0]], [listed[-1], *listed[:-1]], listed[::-1]):
        handed, facts = Days(known, 5).read(changing(listed, moved, after))
        assert sorted(handed) == sorted(listed)
        assert (facts.records, facts.doubt) == (12, None)


@settings(derandomize=True)
@given(count=st.integers(30, 120), more=st.integers(1, 60), seed=st.integers(0, 99))
def test_rows_in_another_order_each_time_are_whole_if_one_page_takes_them_all(
    count: int, more: int, seed: int
) -> None:
    page_size = (count + more) // 2 + 1  # twice that is asked for
    handed, facts = Days(page_size=page_size).read(of(rows(count), seed, order="unstable"))
    assert sorted(handed) == sorted(rows(count))
    assert facts.doubt is None


@settings(derandomize=True)
@given(count=st.integers(30, 120), cap=st.integers(4, 12), seed=st.integers(0, 99))
def test_rows_in_another_order_each_time_are_whole_or_in_doubt_where_pages_are_small(
    count: int, cap: int, seed: int
) -> None:
    account = of(rows(count), seed, order="unstable", page_cap=cap)
    handed, facts = Days(page_size=50).read(account)
    assert facts.doubt or sorted(handed) == sorted(rows(count))
    assert facts.records == len(handed)


def test_rows_that_move_are_no_doubt_of_a_day_that_is_read_again_anyway() -> None:
    account = of(rows(60), order="unstable", page_cap=7)
    _, facts = Days(page_size=50).read(account, moves=True)
    assert facts.doubt is None


def test_a_row_that_is_always_listed_twice_is_no_doubt() -> None:
    listed = [*rows(5), row("0"), *[row(f"x{number}") for number in range(9)]]
    days = Days(page_size=4)
    for _ in range(3):
        account = of(listed)
        handed, facts = days.read(account)
        assert sorted(handed) == sorted(set(listed))
        assert (facts.records, facts.doubt) == (14, None)


# Records that are none


@pytest.mark.parametrize("key", [None, "", [], True])
def test_a_record_without_its_key_fails_with_its_place(key: object) -> None:
    listed = [*rows(10), row(key)]
    with pytest.raises(KaptureRecordError, match="no usable 'ticketId'") as caught:
        Days().read(of(listed))
    assert str(caught.value).startswith("tickets, day 2024-04-19, offset 9: ")
    assert caught.value.stops_only_its_day


@pytest.mark.parametrize("known", [ROWS, Dialect()])
def test_an_element_that_is_no_record_fails_with_its_place(known: Dialect) -> None:
    with pytest.raises(KaptureResponseError, match="no record") as caught:
        Days(known).read(of([b'"text"']))
    assert str(caught.value).startswith("tickets, day 2024-04-19, offset 0: ")


def test_the_records_before_a_bad_one_are_handed_on() -> None:
    items = Days().reader.read(DAY, of([*rows(10), row(None)]).ask)
    first = next(items)
    assert isinstance(first, Page)
    assert len(first.rows) == 10


def test_a_refusal_of_a_known_way_is_the_failure_of_the_day() -> None:
    account = of(rows(30), offset="refused_beyond_0")
    with pytest.raises(KaptureRefusedError):
        Days().read(account)
