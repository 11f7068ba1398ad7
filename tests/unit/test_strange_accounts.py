"""Whatever an account means by paging: each record is handed on, or its day is in doubt."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from effort import examples
from hypothesis import event, given, settings
from hypothesis import strategies as st
from one_run import FIRST, LOOKED_AT, Run, through_json
from paged_account import PagedAccount, row, warnings_logged

from sandbox import Quirks
from tap_kapture.dialect.learned import LEARNING_REQUESTS, REGULAR
from tap_kapture.errors import KaptureAuthError
from tap_kapture.plan.bookmarks import Bookmark

if TYPE_CHECKING:
    from tap_kapture.wire.answers import Answer
    from tap_kapture.wire.request import Request

STRANGERS = st.builds(
    Quirks,
    offset=st.sampled_from(
        [
            "rows",
            "pages",
            "pages_from_1",
            "pages_from_1_strict",
            "ignored",
            "refused",
            "refused_beyond_0",
        ]
    ),
    limit=st.sampled_from(["size", "page", "page_from_0", "last_row", "ignored"]),
    page_cap=st.none() | st.integers(1, 60),
    total_count=st.sampled_from(["null", "filled", "wrong", "wrong_once", "page"]),
    order=st.sampled_from(["ascending", "unstable"]),
    short_pages=st.booleans(),
    window=st.sampled_from(["inclusive", "end_exclusive"]),
    host_window=st.booleans(),
)
COUNTING = st.builds(
    replace, STRANGERS, total_count=st.sampled_from(["reached", "bounded"])
).filter(lambda quirks: (quirks.total_count, quirks.page_cap) != ("bounded", 10))
"""Those whose totals stop short of the day, but for who cuts a day at ten and counts just ten."""
PLAIN = st.builds(
    Quirks,
    page_cap=st.none() | st.integers(10, 60),
    total_count=st.sampled_from(["null", "filled"]),
    host_window=st.booleans(),
)
COUNTS = st.lists(st.integers(0, 12) | st.integers(0, 200), min_size=1, max_size=8)
PAGE_SIZES = st.sampled_from([1, 2, 3, 5, 10, 20, 50, 100, 500, 5000]) | st.integers(1, 60)
SEEDS = st.integers(0, 999)
LARGEST = "is taken for whole because all others are smaller"


def days_of(counts: list[int]) -> dict[dt.date, list[bytes]]:
    """Return days with so many records."""
    return {
        FIRST + dt.timedelta(days=index): [row(f"{index}x{number}") for number in range(count)]
        for index, count in enumerate(counts)
    }


def outcome(run: Run) -> str:
    """Return how a run ended, in a word."""
    if run.error:
        return "refused"
    return "in doubt" if run.keeper.troubles.found else "whole"


@settings(examples(50, many=1000), derandomize=True)
@given(quirks=STRANGERS, counts=COUNTS, page_size=PAGE_SIZES, verify=st.booleans(), seed=SEEDS)
def test_every_record_is_handed_on_or_its_day_is_in_doubt_or_the_run_fails(
    quirks: Quirks,
    counts: list[int],
    page_size: int,
    verify: bool,  # noqa: FBT001 - drawn
    seed: int,
) -> None:
    assert_nothing_is_lost(quirks, counts, page_size, seed, verify=verify)


@settings(examples(50, many=1000), derandomize=True)
@given(quirks=COUNTING, counts=COUNTS, page_size=PAGE_SIZES, verify=st.booleans(), seed=SEEDS)
def test_nor_does_a_total_that_stops_short_lose_any(
    quirks: Quirks,
    counts: list[int],
    page_size: int,
    verify: bool,  # noqa: FBT001 - drawn
    seed: int,
) -> None:
    assert_nothing_is_lost(quirks, counts, page_size, seed, verify=verify)


def assert_nothing_is_lost(
    quirks: Quirks, counts: list[int], page_size: int, seed: int, *, verify: bool
) -> None:
    account = PagedAccount(days_of(counts), quirks, seed)
    run = Run(account, page_size=page_size, verify=verify).go()
    event(outcome(run))
    everything = {record for records in account.days.values() for record in records}
    assert {record for handed in run.got.values() for record in handed} <= everything
    lost = set(run.missing) & set(run.claimed)
    if quirks.short_pages and not verify:
        event("short pages were to be believed")
        return
    assert not lost, f"{lost} are claimed, but not out"
    if run.error:
        return
    if run.missing and not any(run.got.values()):
        # Nothing at all may come only where no request met a record: a refusal of longer windows
        # leaves too few requests to try every day. The next run begins anew.
        event("nothing at all")
        assert quirks.host_window
        assert not account.met
        assert not run.seen
        assert through_json(run.written).empty
        return
    assert set(run.missing) <= set(run.keeper.troubles.found)


class _Hiding(PagedAccount):
    """An account that counts pages, and leaves rows out of a page that it does not show."""

    hidden: frozenset[bytes] = frozenset()

    def ask(self, request: Request) -> Answer:
        """Answer with what is to be seen of a page."""
        answer = super().ask(request)
        rows = [each for each in answer.rows if bytes(each) not in self.hidden]
        return replace(answer, rows=rows)


class _Repeating(PagedAccount):
    """An account that sends the last page again for every later one."""

    def ask(self, request: Request) -> Answer:
        """Answer, from the last page at most."""
        count = len(self.days.get(request.day, []))
        last = max(count - 1, 0)
        if self.quirks.offset != "rows":
            last //= max(min(request.limit, self.quirks.page_cap or request.limit), 1)
            last += self.quirks.offset == "pages_from_1"
        offset = min(request.offset or 0, last)
        answer = super().ask(replace(request, offset=offset))
        self.asked[-1] = request
        return answer


@settings(examples(40, many=600), derandomize=True)
@given(
    quirks=st.builds(
        Quirks,
        offset=st.sampled_from(["rows", "pages", "pages_from_1"]),
        page_cap=st.none() | st.integers(5, 60),
    ),
    counts=COUNTS,
    page_size=PAGE_SIZES,
    seed=SEEDS,
)
def test_an_account_that_repeats_its_last_page_loses_no_record(
    quirks: Quirks, counts: list[int], page_size: int, seed: int
) -> None:
    run = Run(_Repeating(days_of(counts), quirks, seed), page_size=page_size).go()
    event(outcome(run))
    assert run.error or set(run.missing) <= set(run.keeper.troubles.found)


def test_one_answer_that_fits_by_chance_teaches_no_way_of_paging() -> None:
    """Behind page 2 of 3 rows, the rows that are left stand where 'offset' would have them."""
    account = _Hiding(days_of([20, 20]), Quirks(offset="pages_from_1"))
    hidden = {2, 8, 9, 11, 14}
    account.hidden = frozenset(
        record
        for records in account.days.values()
        for number, record in enumerate(records)
        if number in hidden
    )
    run = Run(account).go()
    whole = {day: len(records) - len(hidden) for day, records in account.days.items()}
    lost = {day for day, count in whole.items() if len(run.got.get(day, [])) < count}
    assert lost
    assert run.error or lost <= set(run.keeper.troubles.found)


class _Cut(PagedAccount):
    """An account that lets nobody in any more after some requests."""

    def __init__(self, account: PagedAccount, after: int) -> None:
        super().__init__(account.days, account.quirks, account.seed)
        self._after = after

    def ask(self, request: Request) -> Answer:
        """Answer, or refuse whoever asks."""
        if len(self.asked) >= self._after:
            msg = "expired"
            raise KaptureAuthError(msg)
        return super().ask(request)


@dataclass
class Story:
    """Several runs, one after another.

    Attributes:
        ends: Days that there are at each run but the last one.
        moving: Whether the last of them is the day of the run.
        lookback: As the setting.
        cut_after: Requests after which each run but the last one is cut off.
    """

    ends: list[int]
    moving: bool
    lookback: int
    cut_after: int | None


STORIES = st.builds(
    Story,
    ends=st.lists(st.integers(1, 8), max_size=2),
    moving=st.booleans(),
    lookback=st.integers(0, 2),
    cut_after=st.none() | st.integers(0, 60),
)


@settings(examples(50, many=1000), derandomize=True)
@given(quirks=STRANGERS, counts=COUNTS, story=STORIES, page_size=PAGE_SIZES, seed=SEEDS)
def test_over_several_runs_no_state_claims_what_is_not_out(
    quirks: Quirks, counts: list[int], story: Story, page_size: int, seed: int
) -> None:
    days = days_of(counts)
    bookmark = Bookmark()
    handed: set[bytes] = set()
    with warnings_logged() as warnings:
        for count in [*sorted(min(end, len(counts)) for end in story.ends), len(counts)]:
            account = PagedAccount(dict(list(days.items())[:count]), quirks, seed)
            if story.cut_after is not None and count < len(counts):
                account = _Cut(account, story.cut_after)
            today = FIRST + dt.timedelta(days=count - story.moving)
            run = Run(account, bookmark, page_size, lookback=story.lookback, today=today).go()
            handed.update(*run.got.values())
            bookmark = through_json(run.written) if run.written else bookmark
            if any(LARGEST in line for line in warnings):
                event("the largest day was taken for whole")
                return
            run.written = bookmark
            assert all(day < today for day in run.claimed)
            lost = [day for day in run.claimed if not handed.issuperset(days[day])]
            assert not lost, f"{lost} are claimed, but not out"


@settings(examples(50, many=1000), derandomize=True)
@given(quirks=PLAIN, counts=COUNTS, page_size=st.integers(2, 60) | st.just(500))
def test_a_first_contact_with_a_plain_account_costs_six_requests_at_most(
    quirks: Quirks, counts: list[int], page_size: int
) -> None:
    days = days_of(counts)
    stranger = Run(PagedAccount(days, quirks), page_size=page_size).go()
    known = Run(PagedAccount(days, quirks), page_size=page_size)
    known.learned.note(confirmed=True)
    known.go()
    assert not stranger.error
    assert not stranger.missing
    assert not stranger.keeper.troubles.found
    spent = len(stranger.account.asked) - len(known.account.asked)
    # Where the newest days are empty, finding one that is not has a budget of its own.
    budgets = 1 if any(counts[-LOOKED_AT:]) else 2
    assert spent <= LEARNING_REQUESTS * budgets


@settings(examples(50, many=1000), derandomize=True)
@given(quirks=PLAIN, counts=COUNTS, more=COUNTS, page_size=st.integers(2, 60) | st.just(500))
def test_later_runs_learn_nothing_again(
    quirks: Quirks, counts: list[int], more: list[int], page_size: int
) -> None:
    days = days_of([*counts, *more])
    first = Run(
        PagedAccount(dict(list(days.items())[: len(counts)]), quirks), page_size=page_size
    ).go()
    if not first.learned.dialect.confirmed:
        assert max(counts) <= 1  # such days show nothing
        return
    again = Run(PagedAccount(days, quirks), through_json(first.written), page_size).go()
    assert not again.error
    assert not again.keeper.troubles.found
    assert sorted(again.got) == list(days)[len(counts) :]
    asked = set(again.account.pairs)
    # Rows of pages of the usual size, from where the last page ended or one row before; behind one
    # full page also as if `limit` were the last row.
    assert {limit for limit, offset in asked - {(2 * page_size, page_size)}} == {page_size}
    # Where little has shown so far that a short page is the last one, its end is seen too.
    seen = len(more) if first.learned.dialect.steady < REGULAR else 0
    assert len(again.account.asked) <= seen + sum(_most(count, page_size, quirks) for count in more)


def _most(count: int, page_size: int, quirks: Quirks) -> int:
    """Return for how many pages a day with so many records may be asked."""
    size = min(page_size, quirks.page_cap or page_size)
    return -(-count // max(size - 1, 1)) + 2


@pytest.mark.parametrize("offset", ["rows", "pages", "pages_from_1", "pages_from_1_strict"])
@pytest.mark.parametrize("window", ["inclusive", "end_exclusive"])
@pytest.mark.parametrize("cap", [None, 7, 100])
def test_an_ordinary_account_of_any_dialect_is_read_whole(
    offset: str, window: str, cap: int | None
) -> None:
    quirks = Quirks.parse([f"offset={offset}", f"window={window}", f"page_cap={cap}"])
    run = Run(PagedAccount(days_of([30, 0, 111, 1, 64, 8]), quirks), page_size=50).go()
    assert not run.error
    assert not run.missing
    assert not run.keeper.troubles.found
    assert len(run.claimed) == 6
