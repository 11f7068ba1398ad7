"""What a state claims after each day: never more than is out and whole."""

from __future__ import annotations

import datetime as dt
import sys
import threading
from dataclasses import replace

import pytest
from keepers import (
    COUNT,
    KNOWN,
    after,
    came_empty,
    day,
    error,
    facts,
    horizon,
    keeper,
    learned,
    names,
    read_all,
)
from one_run import CLOSED, Run, through_json
from paged_account import PagedAccount, row, warnings_logged

from sandbox import Quirks
from tap_kapture.day.tally import UnreadDay
from tap_kapture.dialect.dialect import Dialect, Turn
from tap_kapture.dialect.doubts import Doubt, Doubts
from tap_kapture.dialect.layout import Seen
from tap_kapture.errors import KaptureError, KaptureServerError
from tap_kapture.plan.bookmarks import UNREAD, UNSETTLED, Bookmark, LedgerDay
from tap_kapture.plan.planned import Reason
from tap_kapture.pull.opening import _newest_first as newest_first
from tap_kapture.pull.troubles import MOST_DAYS

# One run after another


def test_a_first_load_and_its_next_run() -> None:
    first = keeper(Bookmark(), horizon(refresh_days=30))
    state = read_all(first, first.plan())
    assert (state.pulled_from, state.value) == (day("05-01"), day("05-10"))
    assert (state.followed_from, state.closed_statuses) == (day("04-10"), CLOSED)
    assert not state.empty
    second = keeper(state, horizon(today="05-11", refresh_days=30))
    assert names(second.plan()) == ["05-10", "05-11"]


def test_without_a_bookmark_every_day_is_read_and_nothing_is_written() -> None:
    keeps = keeper(None, horizon("05-08"))
    assert names(keeps.plan()) == ["05-08", "05-09", "05-10"]
    assert keeps.ended(day("05-08"), facts()) is None
    assert keeps.ended(day("05-09"), UnreadDay(error("05-09"))) is None
    assert keeps.concluded() is None


# Days in trouble


def test_a_day_that_cannot_be_read_is_passed_and_stays_in_the_ledger() -> None:
    keeps = keeper(after("05-08"), horizon())
    assert names(keeps.plan()) == ["05-08", "05-09", "05-10"]
    keeps.ended(day("05-08"), UnreadDay(error("05-08")))
    written = keeps.ended(day("05-09"), facts())
    assert written is not None
    assert written.value == day("05-10")
    assert written.days == {day("05-08"): LedgerDay(0, "", UNREAD)}
    assert set(keeps.troubles.found) == {day("05-08")}


def test_a_day_that_cannot_be_read_again_keeps_what_was_known_of_it() -> None:
    ledger = {"05-03": LedgerDay(3, "9f2c")}
    keeps = keeper(after("05-10", ledger), horizon(refresh_days=30))
    assert names(keeps.plan(), Reason.REREAD) == ["05-03"]
    written = keeps.ended(day("05-03"), UnreadDay(error("05-03")))
    assert written is not None
    assert written.days == {day("05-03"): LedgerDay(3, "9f2c", UNREAD)}


def test_a_day_of_which_some_records_left_before_it_broke_off_leaves_whole_when_it_is_read() -> (
    None
):
    """Even if it is as it was at first: the target holds some records as they were in between."""
    ledger = {"05-03": LedgerDay(3, "9f2c", emitted_at="2024-05-04T00:00:00.000+00:00")}
    keeps = keeper(after("05-10", ledger), horizon(refresh_days=30))
    keeps.plan()
    left_at = "2024-05-10T00:00:00.000+00:00"
    written = keeps.ended(day("05-03"), UnreadDay(error("05-03")), left_at)
    assert written is not None
    assert written.days == {day("05-03"): LedgerDay(3, "", UNREAD, left_at)}


def test_days_that_hold_the_same_records_are_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    keeps = keeper(Bookmark(), horizon("05-05", lookback_days=9))
    for planned in keeps.plan()[:3]:
        keeps.ended(planned.day, facts())
    (told,) = caplog.messages
    assert "2024-05-05 and 2024-05-06 hold the same records" in told


@pytest.mark.parametrize("trouble", [UNREAD, UNSETTLED])
def test_a_day_in_trouble_is_tried_in_every_run_until_it_is_whole(trouble: str) -> None:
    bookmark = after("05-10", {"01-02": LedgerDay(0, "", trouble)})
    for _ in range(3):
        keeps = keeper(bookmark, horizon(refresh_days=30))
        assert names(keeps.plan(), Reason.REREAD) == ["01-02"]
        written = keeps.ended(day("01-02"), UnreadDay(error("01-02")))
        assert written is not None
        bookmark = through_json(written)
    keeps = keeper(bookmark, horizon(refresh_days=30))
    keeps.plan()
    written = keeps.ended(day("01-02"), facts(open_count=3))
    assert written is not None
    assert written.days == {}
    assert not keeps.troubles.found


def test_a_day_in_doubt_stays_in_the_ledger() -> None:
    keeps = keeper(after("05-09"), horizon())
    keeps.plan()
    written = keeps.ended(day("05-09"), facts(2, doubt=COUNT))
    assert written is not None
    assert written.days == {day("05-09"): LedgerDay(2, "d", UNSETTLED)}
    assert keeps.troubles.found[day("05-09")].kind == UNSETTLED


def test_the_day_that_stops_the_run_is_not_claimed() -> None:
    keeps = keeper(Bookmark(), horizon("01-01"))
    written = None
    *days, last = [planned.day for planned in keeps.plan()][: MOST_DAYS + 1]
    for one in days:
        written = keeps.ended(one, UnreadDay(error("01-01")))
    with pytest.raises(KaptureError, match="more than 50 days"):
        keeps.ended(last, UnreadDay(error("01-01")))
    assert written is not None
    assert written.value == day("01-01") + dt.timedelta(days=MOST_DAYS)
    assert len(written.days) == MOST_DAYS


def test_a_server_that_fails_three_days_in_a_row_ends_the_run_before_the_third() -> None:
    keeps = keeper(after("05-05"), horizon())
    keeps.plan()
    keeps.ended(day("05-05"), UnreadDay(KaptureServerError("HTTP 500")))
    written = keeps.ended(day("05-06"), UnreadDay(KaptureServerError("HTTP 500")))
    with pytest.raises(KaptureServerError):
        keeps.ended(day("05-07"), UnreadDay(KaptureServerError("HTTP 500")))
    assert written is not None
    assert written.value == day("05-07")
    assert set(written.days) == {day("05-05"), day("05-06")}


# What only the whole run shows


def test_a_doubt_that_the_whole_run_clears_leaves_the_ledger() -> None:
    account = learned()
    keeps = keeper(after("05-08"), horizon(), known=account)
    keeps.plan()
    for text in ("05-08", "05-09"):
        account.miscounted()
        keeps.ended(day(text), facts(doubt=COUNT))
    keeps.ended(day("05-10"), facts())
    assert len(keeps.troubles.found) == 2
    written = keeps.concluded()
    assert written is not None
    assert not keeps.troubles.found
    assert not any(entry.trouble for entry in written.days.values())


def irregular(days: list[dt.date]) -> Doubts:
    """Return what is known of an account whose pages came short only behind those days."""
    account = learned()
    for believed in days:
        account.learned.believed(believed)
    account.learned.irregular()
    return account


def test_days_that_the_whole_run_casts_doubt_on_are_marked() -> None:
    believed = [day("05-08"), day("05-09"), day("05-10")]
    keeps = keeper(after("05-08"), horizon(), known=irregular(believed))
    keeps.plan()
    for one in believed:
        keeps.ended(one, facts())
    written = keeps.concluded()
    assert written is not None
    # Today is read again anyway.
    assert {one: entry.trouble for one, entry in written.days.items()} == {
        day("05-08"): UNSETTLED,
        day("05-09"): UNSETTLED,
    }
    assert set(keeps.troubles.found) == set(written.days)


def test_however_many_days_are_doubtful_at_the_end_all_are_marked() -> None:
    days = [day("01-01") + dt.timedelta(days=number) for number in range(MOST_DAYS + 20)]
    keeps = keeper(Bookmark(), horizon("01-01"), known=irregular(days))
    for planned in keeps.plan():
        keeps.ended(planned.day, facts())
    written = keeps.concluded()
    assert written is not None
    assert set(written.days) == set(days) == set(keeps.troubles.found)


def test_days_that_came_empty_under_a_vain_guess_are_marked() -> None:
    account = learned(Dialect())
    keeps = keeper(Bookmark(), horizon("05-08"), known=account)
    keeps.plan()
    came_empty(account, "05-08")
    keeps.ended(day("05-08"), facts(records=0))
    account.learned.failed(day("05-09"), "nothing fits")
    keeps.ended(day("05-09"), facts(doubt=Doubt("dialect", "nothing fits")))
    keeps.ended(day("05-10"), facts(records=0))
    written = keeps.concluded()
    assert written is not None
    assert {one: entry.trouble for one, entry in written.days.items()} == {
        day("05-08"): UNSETTLED,
        day("05-09"): UNSETTLED,
    }


def test_days_that_came_empty_in_another_dialect_are_read_again() -> None:
    account = learned(Dialect())
    keeps = keeper(Bookmark(), horizon("05-08"), known=account)
    came_empty(account, "05-08", "05-09")
    assert keeps.to_read_again() == []
    account.learned.note(turn=Turn.PAGES, base=1, confirmed=True)
    assert names(keeps.to_read_again()) == ["05-08", "05-09"]
    assert keeps.to_read_again() == []


def test_nothing_is_written_before_such_days_are_read_again() -> None:
    account = learned(Dialect())
    keeps = keeper(Bookmark(), horizon("05-07"), known=account)
    keeps.plan()
    for text in ("05-07", "05-08"):
        came_empty(account, text)
        assert keeps.ended(day(text), facts(records=0)) is None
    account.learned.note(turn=Turn.PAGES, base=1, confirmed=True)
    assert keeps.ended(day("05-09"), facts()) is None
    keeps.to_read_again()
    assert keeps.ended(day("05-07"), facts()) is None
    written = keeps.ended(day("05-08"), facts())
    assert written is not None
    assert written.value == day("05-10")
    assert not written.days
    assert not keeps.troubles.found


# What is not known yet is not claimed


@pytest.mark.parametrize("bookmark", [Bookmark(), after("05-08")])
def test_nothing_is_written_while_how_the_account_pages_is_a_guess(bookmark: Bookmark) -> None:
    account = learned(Dialect())
    keeps = keeper(bookmark, horizon("05-08"), known=account)
    keeps.plan()
    came_empty(account, "05-08")
    assert keeps.ended(day("05-08"), facts(records=0)) is None
    account.learned.note(confirmed=True)
    written = keeps.ended(day("05-09"), facts())
    assert written is not None
    assert written.value == day("05-10")


def test_a_load_in_which_nothing_came_begins_anew_next_time() -> None:
    keeps = keeper(Bookmark(), horizon("05-08"))
    for planned in keeps.plan():
        written = keeps.ended(planned.day, facts(records=0))
        assert written is not None
        assert written.empty  # even if the run ends here
    concluded = keeps.concluded()
    assert concluded is not None
    again = keeper(through_json(concluded), horizon("05-08", today="05-11"))
    assert again.begins
    assert names(again.plan()) == ["05-08", "05-09", "05-10", "05-11"]
    written = again.ended(day("05-08"), facts())
    assert written is not None
    assert not written.empty


def test_quiet_days_behind_others_are_claimed() -> None:
    keeps = keeper(after("05-08"), horizon())
    keeps.plan()
    written = keeps.ended(day("05-08"), facts(records=0))
    assert written is not None
    assert written.value == day("05-09")
    assert not written.empty


def test_the_state_holds_the_dialect_that_is_known_at_that_moment() -> None:
    account = learned()
    keeps = keeper(Bookmark(), horizon("05-08"), known=account)
    keeps.plan()
    account.learned.note(turn=Turn.PAGES)
    written = keeps.ended(day("05-08"), facts())
    assert written is not None
    assert written.dialect is not None
    assert written.dialect["turn"] == "pages"


# A wrong time zone, mended


@pytest.mark.parametrize("lookback", [0, 2])
def test_a_bookmark_beyond_the_first_unclosed_day_moves_back(lookback: int) -> None:
    bookmark = after("05-11", {"05-10": LedgerDay(1, "x")})
    run = replace(horizon(lookback_days=lookback), first_unclosed=day("05-09"))
    keeps = keeper(bookmark, run)
    plan = keeps.plan()
    assert names(plan, Reason.FRONTIER) == ["05-09", "05-10"]
    state = read_all(keeps, plan)
    assert state.value == day("05-09")
    assert all(one < day("05-09") for one in state.days)


# A release that knew no dialects


@pytest.mark.parametrize(
    ("known", "warned"),
    [
        (KNOWN, False),
        (Dialect(Turn.PAGES, confirmed=True), True),
        (Dialect(end_exclusive=True, confirmed=True), True),
        (Dialect(Turn.PAGES), False),
    ],
)
def test_days_of_a_release_that_knew_no_dialect_are_warned_of(
    known: Dialect,
    warned: bool,  # noqa: FBT001 - a case
) -> None:
    keeps = keeper(after("05-10"), horizon(), known=learned(known))
    with warnings_logged() as warnings:
        state = read_all(keeps, keeps.plan())
    assert any("load the stream afresh" in line for line in warnings) is warned
    keeps = keeper(state, horizon(), known=learned(known))
    with warnings_logged() as warnings:
        read_all(keeps, keeps.plan())
    assert not any("load the stream afresh" in line for line in warnings)


# Which days are looked at first


def test_a_state_is_written_while_workers_note_what_came_for_other_days() -> None:
    account = learned()
    keeps = keeper(Bookmark(), horizon("01-01"), known=account)
    long_ago, done = day("01-01") - dt.timedelta(days=3000), threading.Event()

    def note() -> None:
        for number in range(3000):
            noted = long_ago + dt.timedelta(days=number)
            account.learned.witness(noted, Seen(500, 0, ("1", "2")))
        done.set()

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    worker = threading.Thread(target=note)
    worker.start()
    try:
        first = next(iter(keeps.plan()))
        while not done.is_set():
            keeps.ended(first.day, facts())
    finally:
        worker.join()
        sys.setswitchinterval(usual)


def test_the_newest_closed_days_are_looked_at_first() -> None:
    run = replace(horizon("05-05"), first_unclosed=day("05-09"))
    assert [f"{one:%m-%d}" for one in newest_first(run.all_days(), run)] == [
        *("05-08", "05-07"),
        *("05-10", "05-09"),
        *("05-06", "05-05"),
    ]


# With an account


def test_a_day_with_a_bad_record_does_not_hold_the_others_back() -> None:
    first = day("05-01")
    days = {
        first + dt.timedelta(days=number): [row(f"{number}-{key}") for key in range(7)]
        for number in range(5)
    }
    days[first + dt.timedelta(days=2)].append(row(None))
    run = Run(PagedAccount(days, Quirks())).go()
    bad = first + dt.timedelta(days=2)
    assert not run.error
    assert run.keeper.troubles.found[bad].kind == UNREAD
    assert bad not in run.claimed
    assert len(run.claimed) == 4
    days[bad].pop()
    again = Run(PagedAccount(days, Quirks()), through_json(run.written)).go()
    assert list(again.got) == [bad]
    assert len(again.claimed) == 5
