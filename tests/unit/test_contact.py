"""The first contact finds a reading under which there are records, or says why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from one_run import FIRST, LOOKED_AT, Run, heads, through_json
from paged_account import PagedAccount, row, rows

from sandbox import Quirks
from tap_kapture.dialect.contact import SEARCHED, Contact
from tap_kapture.dialect.dialect import Dialect, Turn
from tap_kapture.dialect.learned import LEARNING_REQUESTS, Learned
from tap_kapture.errors import (
    KaptureAuthError,
    KaptureConnectionError,
    KaptureDialectError,
    KaptureError,
    KaptureRefusedError,
    KaptureResponseError,
    KaptureServerError,
    KaptureThrottledError,
)
from tap_kapture.plan.bookmarks import ONE_DAY
from tap_kapture.wire.answers import Answer

if TYPE_CHECKING:
    import datetime as dt

    from tap_kapture.wire.request import Request


def account_of(*counts: int, seed: int = 0, **quirks: Any) -> PagedAccount:  # noqa: ANN401 - quirks by name
    """Return an account with so many records on the first days."""
    days = {
        FIRST + number * ONE_DAY: [row(f"{number}x{key}") for key in range(count)]
        for number, count in enumerate(counts)
    }
    return PagedAccount(days, Quirks(**quirks), seed)


def newest(account: PagedAccount) -> list[dt.date]:
    """Return the days of an account, the newest first."""
    return sorted(account.days, reverse=True)


def contact_with(
    account: PagedAccount, page_size: int = 500, dialect: Dialect | None = None
) -> Contact:
    """Return a contact that has not begun."""
    learned = Learned("tickets", dialect or Dialect(), page_size=page_size)
    return Contact(account.ask, heads(), learned)


class Failing(PagedAccount):
    """An account that fails on some days."""

    failures: dict[dt.date, KaptureError]

    def ask(self, request: Request) -> Answer:
        """Answer, or fail."""
        if request.day in self.failures:
            self.asked.append(request)
            raise self.failures[request.day]
        return super().ask(request)


def failing(account: PagedAccount, failures: dict[int, KaptureError]) -> Failing:
    """Return an account that fails on days by their number."""
    made = Failing(account.days, account.quirks, account.seed)
    made.failures = {FIRST + number * ONE_DAY: error for number, error in failures.items()}
    return made


class EndingAtMidnight(PagedAccount):
    """An account for which the end date is the first instant of that day."""

    def ask(self, request: Request) -> Answer:
        """Answer with all that was created until then."""
        self.asked.append(request)
        last = self.days.get(request.end, [])
        listed = [
            *(
                each
                for day, rows in self.days.items()
                if request.day <= day < request.end
                for each in rows
            ),
            *(each for each in last if b" 00:00" in each),
        ]
        wanted = listed[request.offset or 0 :][: request.limit]
        return Answer([msgspec.Raw(each) for each in wanted], None)


@pytest.mark.parametrize("at_midnight", [1, 3])
@pytest.mark.parametrize("page_size", [5, 500])
def test_an_end_that_is_the_first_instant_of_its_day_is_seen_although_something_came(
    at_midnight: int, page_size: int
) -> None:
    times = ["00:00"] * at_midnight + [f"{hour:02}:15" for hour in range(20)]
    days = {
        FIRST + number * ONE_DAY: [
            row(f"{number}x{key}", date=f"{number + 1:02}-04-2024 {time}")
            for key, time in enumerate(times)
        ]
        for number in range(5)
    }
    run = Run(EndingAtMidnight(days), page_size=page_size).go()
    assert run.learned.dialect.end_exclusive
    assert not run.missing


def test_records_of_midnight_alone_are_no_reason_to_ask_for_two_days_each_time() -> None:
    days = {
        FIRST + number * ONE_DAY: [row(f"{number}x0", date=f"{number + 1:02}-04-2024 00:00")]
        for number in range(5)
    }
    run = Run(PagedAccount(days)).go()
    assert not run.learned.dialect.end_exclusive
    assert not run.missing
    assert sum(request.day != request.end for request in run.account.asked) == 1


class RefusingWindows(PagedAccount):
    """An account that fails where several days are asked for at once."""

    failure: KaptureError

    def ask(self, request: Request) -> Answer:
        """Answer for one day only."""
        if request.day != request.end:
            raise self.failure
        return super().ask(request)


@pytest.mark.parametrize(
    "failure",
    [
        KaptureServerError("500"),
        KaptureResponseError("HTML"),
        KaptureConnectionError("no answer in time"),
        KaptureThrottledError("try again later"),
    ],
    ids=lambda failure: type(failure).__name__,
)
@pytest.mark.parametrize("quirks", [Quirks(), Quirks(offset="ignored")], ids=["rows", "in_one"])
def test_a_failure_for_several_days_at_once_stops_nothing(
    failure: KaptureError, quirks: Quirks
) -> None:
    """Such windows are asked for only to learn; each of their days is answered."""
    account = RefusingWindows(account_of(40, 30, 20, 0, 0, 0).days, quirks)
    account.failure = failure
    run = Run(account).go()
    assert run.error is None
    assert not run.missing
    assert {trouble.kind for trouble in run.keeper.troubles.found.values()} <= {"unsettled"}


# The usual case


def test_the_answer_of_the_newest_day_is_kept_and_nothing_else_is_asked_for_it() -> None:
    account = account_of(5, 5, 1)
    contact = contact_with(account).begin(newest(account))
    (request,) = account.asked
    assert (request.day, request.limit, request.offset) == (newest(account)[0], 500, 0)
    assert contact.found
    assert len(contact.answers[request].rows) == 1
    assert not contact.learned.dialect.confirmed  # of one row nothing shows


def test_a_day_with_rows_enough_teaches_at_once() -> None:
    account = account_of(5, 40)
    contact = contact_with(account, 10).begin(newest(account))
    assert contact.learned.dialect.confirmed
    assert contact.learned.dialect.turn is Turn.ROWS
    assert {request.day for request in account.asked} == {newest(account)[0]}
    assert len(account.asked) <= 1 + LEARNING_REQUESTS


def test_empty_days_are_passed_until_one_is_not() -> None:
    account = account_of(9, 30, 0, 0)
    contact = contact_with(account, 10).begin(newest(account))
    assert contact.learned.dialect.confirmed
    usual = [one for one in account.asked if (one.limit, one.offset) == (10, 0)]
    alone = [one for one in usual if one.end == one.day][:LOOKED_AT]
    assert [one.day for one in alone] == newest(account)[:LOOKED_AT]
    assert set(alone) <= set(contact.answers)


def test_a_known_dialect_asks_for_first_pages_as_it_has_them() -> None:
    account = account_of(9, offset="pages_from_1_strict")
    known = Dialect(Turn.PAGES, base=1, strict=True)
    contact_with(account, 10, known).begin(newest(account))
    assert account.pairs[0] == (10, 1)


# Other ways of asking


@pytest.mark.parametrize(
    ("quirks", "turn"),
    [
        ({"offset": "pages_from_1_strict"}, Turn.PAGES),
        ({"limit": "page"}, Turn.LIMIT),
        ({"limit": "page_from_0"}, Turn.LIMIT),
    ],
)
@pytest.mark.parametrize("window", ["inclusive", "end_exclusive"])
def test_a_day_is_found_by_another_way_of_asking(
    quirks: dict[str, Any], turn: Turn, window: str
) -> None:
    account = account_of(45, 60, 50, window=window, **quirks)
    contact = contact_with(account).begin(newest(account))
    assert contact.found
    assert contact.learned.dialect.confirmed
    assert contact.learned.dialect.turn is turn
    assert contact.learned.dialect.end_exclusive is (window == "end_exclusive")


@pytest.mark.parametrize("host_window", [False, True])
@pytest.mark.parametrize("limit", ["size", "last_row", "ignored"])
def test_an_end_date_that_does_not_belong_to_the_window_is_found(
    limit: str,
    host_window: bool,  # noqa: FBT001 - a case
) -> None:
    account = account_of(45, 60, window="end_exclusive", limit=limit, host_window=host_window)
    contact = contact_with(account).begin(newest(account))
    assert contact.learned.dialect.end_exclusive
    assert contact.learned.dialect.confirmed
    assert all(request.end - request.day <= ONE_DAY for request in account.asked)


def test_an_account_that_takes_a_single_day_only_is_asked_for_one() -> None:
    account = account_of(45, 60, offset="pages_from_1_strict", host_window=True)
    contact = contact_with(account).begin(newest(account))
    assert contact.learned.dialect.confirmed
    assert not contact.learned.dialect.end_exclusive


# Refusals


def test_an_offset_that_is_refused_is_left_out_from_then_on() -> None:
    account = account_of(30, 40, offset="refused")
    contact = contact_with(account, 10).begin(newest(account))
    assert not contact.learned.dialect.sends_offset
    assert contact.learned.dialect.turn is Turn.NONE
    assert [request.offset for request in account.asked][:2] == [0, None]
    assert not any(request.offset for request in account.asked)


def test_an_offset_beyond_0_that_is_refused_turns_no_page() -> None:
    account = account_of(30, 40, offset="refused_beyond_0")
    contact = contact_with(account, 10).begin(newest(account))
    assert contact.learned.dialect.turn is Turn.NONE
    assert contact.learned.dialect.confirmed


def test_an_account_that_refuses_everything_fails_with_its_own_reason() -> None:
    account = account_of(3, 3)
    refusal = KaptureRefusedError("no such account")
    refusing = failing(account, {0: refusal, 1: refusal})
    with pytest.raises(KaptureRefusedError, match="no such account"):
        contact_with(refusing).begin(newest(account))


def test_a_day_that_cannot_be_had_is_left_to_its_own_reading() -> None:
    account = failing(account_of(30, 40, 5), {2: KaptureServerError("HTTP 500")})
    contact = contact_with(account, 10).begin(newest(account))
    assert contact.found
    assert contact.learned.dialect.confirmed


def test_where_some_days_fail_and_the_others_are_empty_nothing_odd_is_tried() -> None:
    account = failing(account_of(30, 0, 0), {2: KaptureServerError("HTTP 500")})
    contact = contact_with(account).begin(newest(account)[:2])
    assert not contact.found
    assert len(account.asked) == 2


def test_a_failure_of_the_whole_account_stops_the_run_at_once() -> None:
    account = failing(account_of(30, 40), {1: KaptureAuthError("wrong token")})
    with pytest.raises(KaptureAuthError):
        contact_with(account).begin(newest(account))
    assert len(account.asked) == 1


def test_records_that_come_in_no_known_way_refuse_the_account() -> None:
    asked: list[Request] = []

    def ask(request: Request) -> Answer:
        asked.append(request)
        usual = (request.limit, request.offset) == (500, 0)
        count = 0 if usual else 5 + 3 * len(asked) % 7
        return Answer([msgspec.Raw(each) for each in rows(count, f"{len(asked)}-")], len(asked))

    contact = Contact(ask, heads(), Learned("tickets", Dialect(), page_size=500))
    with pytest.raises(KaptureDialectError, match=r"'tickets_paging'") as caught:
        contact.begin([FIRST])
    assert "limit 500 and offset 0 gave 0 rows" in str(caught.value)
    assert len(asked) <= 1 + LEARNING_REQUESTS + LEARNING_REQUESTS // 2


# What it costs


@pytest.mark.parametrize("host_window", [False, True])
@pytest.mark.parametrize("offset", ["rows", "pages_from_1_strict", "refused", "refused_beyond_0"])
def test_a_contact_with_an_account_without_records_costs_six_requests_more(
    offset: str,
    host_window: bool,  # noqa: FBT001 - a case
) -> None:
    account = account_of(*[0] * 30, offset=offset, host_window=host_window)
    contact = contact_with(account).begin(newest(account))
    assert not contact.found
    refused_once = offset == "refused"
    assert len(account.asked) <= LOOKED_AT + LEARNING_REQUESTS + refused_once


@pytest.mark.parametrize(
    "quirks",
    [
        {},
        {"limit": "page"},
        {"limit": "page_from_0", "page_cap": 7},
        {"offset": "pages_from_1_strict"},
        {"offset": "pages"},
        {"window": "end_exclusive"},
        {"window": "end_exclusive", "host_window": True},
        {"offset": "refused"},
    ],
)
def test_a_first_contact_spends_six_requests_beside_the_usual_ones(
    quirks: dict[str, Any],
) -> None:
    account = account_of(45, 60, 50, **quirks)
    contact = contact_with(account).begin(newest(account))
    usual = len(contact.answers) + (quirks.get("offset") == "refused")
    assert contact.learned.dialect.confirmed
    # What finds a day and what learns from it share a budget, but learning gets half of it.
    assert len(account.asked) - usual <= LEARNING_REQUESTS + LEARNING_REQUESTS // 2


# Behind a load in which nothing came


def test_days_further_back_are_searched_once_nothing_came_at_all() -> None:
    account = account_of(60, 0, 0, 0, 0, offset="pages_from_1_strict")
    contact = contact_with(account).begin(newest(account))
    assert not contact.found
    contact = contact_with(account, dialect=contact.learned.dialect).search(newest(account))
    assert contact.found
    assert contact.learned.dialect.turn is Turn.PAGES


def test_a_search_of_an_account_without_records_costs_one_window() -> None:
    account = account_of(*[0] * 300)
    contact = contact_with(account).search(newest(account))
    assert not contact.found
    assert len(account.asked) <= 3
    assert {request.day for request in account.asked} == {FIRST}
    assert all(request.end >= newest(account)[0] for request in account.asked)


def test_where_long_windows_are_refused_some_more_days_are_searched() -> None:
    account = account_of(*[0] * 30, host_window=True)
    contact_with(account).search(newest(account))
    assert len(account.asked) <= 1 + LEARNING_REQUESTS
    searched = {request.day for request in account.asked if request.end == request.day}
    assert len(searched) <= SEARCHED


def test_an_account_whose_records_no_request_meets_begins_anew_and_says_so() -> None:
    """Records are so far back that no request may be spent on their day."""
    account = account_of(60, *[0] * 30, offset="pages_from_1_strict", host_window=True)
    run = Run(account, page_size=500).go()
    assert not run.error
    assert not run.seen
    assert through_json(run.written).empty
    assert not run.claimed


def test_records_that_were_met_but_came_from_no_day_refuse_the_account() -> None:
    account = account_of(0, 5, 5, 196, 0, limit="page", window="end_exclusive")
    run = Run(account, page_size=2).go()
    if run.error:
        assert isinstance(run.error, KaptureDialectError)
    assert not set(run.missing) & set(run.claimed)
