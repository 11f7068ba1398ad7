"""Reading a day hands on every record of it, or says why it may not have."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from one_run import heads
from paged_account import PagedAccount, row, rows, warnings_logged

from sandbox import Quirks
from tap_kapture.day.reading import DayReader
from tap_kapture.day.tally import DayFacts, Page
from tap_kapture.dialect.dialect import Dialect, Total, Turn
from tap_kapture.dialect.doubts import NEVER_RIGHT, Doubts
from tap_kapture.dialect.layout import WAYS
from tap_kapture.dialect.learned import (
    FAILURES,
    LEARNING_REQUESTS,
    REGULAR,
    SHOWN,
    STEADY,
    Learned,
)
from tap_kapture.errors import (
    KaptureDialectError,
    KapturePagingError,
    KaptureRecordError,
    KaptureRefusedError,
    KaptureResponseError,
)
from tap_kapture.wire.answers import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tap_kapture.dialect.doubts import Doubt
    from tap_kapture.wire.request import Request

DAY = dt.date(2024, 4, 19)
ROWS = Dialect(confirmed=True)
NONE = Dialect(Turn.NONE, confirmed=True)
PAGE_SIZES = st.integers(2, 130)


class Days:
    """Reads days of one account, one after another.

    Attributes:
        learned: What is known of the account.
        doubts: What is counted over all days.
    """

    def __init__(
        self,
        dialect: Dialect = ROWS,
        page_size: int = 10,
        *,
        verify: bool = True,
        stated: bool = False,
        whole_day: bool = False,
    ) -> None:
        """Begin with what is known."""
        self.learned = Learned("tickets", dialect, page_size=page_size, stated=stated)
        self.doubts = Doubts("tickets", self.learned)
        self.reader = DayReader(
            "tickets", heads(), self.doubts, verify_last_page=verify, whole_day=whole_day
        )

    def read(
        self, account: PagedAccount | Callable[[Request], Answer], *, moves: bool = False
    ) -> tuple[list[bytes], DayFacts]:
        """Read a day to its end: the rows that were handed on, and the facts."""
        ask = account.ask if isinstance(account, PagedAccount) else account
        *pages, facts = self.reader.read(DAY, ask, moves=moves)
        assert isinstance(facts, DayFacts)
        handed: list[bytes] = []
        for page in pages:
            assert isinstance(page, Page)
            assert page.rows
            assert page.size == sum(len(bytes(each)) for each in page.rows)
            handed += map(bytes, page.rows)
        return handed, facts

    def doubt(self, account: PagedAccount | Callable[[Request], Answer]) -> Doubt | None:
        """Read a day; return what is doubtful of it."""
        return self.read(account)[1].doubt


def of(listed: Iterable[bytes], seed: int = 0, **quirks: Any) -> PagedAccount:  # noqa: ANN401 - quirks by name
    """Return an account with one day."""
    return PagedAccount({DAY: list(listed)}, Quirks(**quirks), seed)


class Changing(PagedAccount):
    """An account that lists its day in another way after some requests."""

    changes_after = 0
    later: PagedAccount

    def ask(self, request: Request) -> Answer:
        """Answer one request."""
        if len(self.asked) < self.changes_after:
            return super().ask(request)
        self.asked.append(request)
        return self.later.ask(request)


def changing(
    listed: Sequence[bytes], later: Sequence[bytes], after: int, total_of_later: int | None = None
) -> Changing:
    """Return an account whose listing changes after some requests."""
    account = Changing({DAY: listed}, Quirks())
    account.changes_after, account.later = after, of(later)
    if total_of_later:
        account.total = account.later.total = total_of_later
    return account


def pages_of(count: int, size: int) -> int:
    """Return the pages of a day; each but the first one begins with the last row before it."""
    return 1 if count <= size else 1 - (size - count) // (size - 1)


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
    days.read(of(rows(page_size + 1), total_count="filled"))  # it counts more than its answer
    account = of(rows(count), total_count="filled")
    handed, _ = days.read(account)
    assert handed == rows(count)
    assert len(account.asked) == pages_of(count, page_size)


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
    known=st.sampled_from([Dialect(), replace(ROWS, steady=STEADY)]),
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
