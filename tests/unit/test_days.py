"""Which days a run pulls: every wanted day, changed days again, and none forgotten by a crash."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from horizons import at
from hypothesis import given
from hypothesis import strategies as st

from tap_kapture.errors import KaptureStateError
from tap_kapture.plan.bookmarks import NOTHING, Bookmark, LedgerDay
from tap_kapture.plan.days import Horizon
from tap_kapture.plan.planned import PlannedDay, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

UTC = dt.timezone.utc
LEFT_AT = "2024-05-04T21:00:07.512+00:00"
ENTRY = LedgerDay(3, "9f2c", emitted_at=LEFT_AT)


def day(text: str) -> dt.date:
    """Return a day of 2024 from month and day."""
    return dt.date.fromisoformat(f"2024-{text}")


def horizon(start: str = "01-01", today: str = "05-10", **more: Any) -> Horizon:  # noqa: ANN401 - of any field
    """Return the horizon of a run in the middle of a day."""
    last = more.pop("last", today)
    first_unclosed = more.pop("first_unclosed", today)
    return Horizon(day(start), day(last), day(today), day(first_unclosed), **more)


def names(planned: Iterable[PlannedDay], reason: Reason | None = None) -> list[str]:
    """Return planned days as month and day."""
    return [f"{p.day:%m-%d}" for p in planned if reason in {None, p.reason}]


# The clock


@pytest.mark.parametrize(
    ("zone", "midnight", "ended"),
    [
        ("Asia/Kolkata", "2024-05-02T18:30:00", "2024-05-02"),
        ("UTC", "2024-05-03T00:00:00", "2024-05-02"),
        ("America/New_York", "2024-03-10T05:00:00", "2024-03-09"),
        ("America/New_York", "2024-03-11T04:00:00", "2024-03-10"),  # a day of 23 hours
        ("America/New_York", "2024-11-04T05:00:00", "2024-11-03"),  # a day of 25 hours
        ("Pacific/Apia", "2011-12-30T10:00:00", "2011-12-30"),  # that never was
    ],
)
def test_a_day_is_closed_15_minutes_past_its_end(zone: str, midnight: str, ended: str) -> None:
    end = dt.datetime.fromisoformat(midnight).replace(tzinfo=UTC)
    last = dt.date.fromisoformat(ended)
    second, quarter = dt.timedelta(seconds=1), dt.timedelta(minutes=15)
    assert at(end - second, zone).today <= last
    assert at(end, zone).today == last + dt.timedelta(days=1)
    assert not at(end + quarter - second, zone).closed(last)
    assert at(end + quarter, zone).closed(last)
    assert not at(end + quarter, zone).closed(last + dt.timedelta(days=1))


def test_the_last_day_is_today_unless_the_end_comes_earlier() -> None:
    now = dt.datetime(2024, 5, 2, 20, 0, tzinfo=UTC)
    assert at(now, "Asia/Kolkata").last == day("05-03")
    assert at(now, "America/New_York").last == day("05-02")
    assert at(now, "UTC", end=day("04-30")).last == day("04-30")
    assert at(now, "UTC", end=day("12-31")).last == day("05-02")


def test_a_lookback_of_any_length_is_no_error() -> None:
    now = dt.datetime(2024, 5, 2, 20, 0, tzinfo=UTC)
    forever = at(now, "UTC", start=day("05-01"), lookback_days=10**9, refresh_days=10**9)
    bookmark = Bookmark(day("05-02"), day("01-01"), {}, followed_from=NOTHING)
    assert names(forever.plan(bookmark), Reason.REREAD)[0] == "01-01"
    assert forever.ledger_day(day("01-01"), open_count=1, digest="") == LedgerDay(1, "")


# The plan


def test_a_first_load_goes_from_start_to_today() -> None:
    plan = horizon("05-07").plan(Bookmark())
    assert names(plan, Reason.FRONTIER) == ["05-07", "05-08", "05-09", "05-10"]
    assert plan == horizon("05-07").all_days()


def test_a_first_load_may_begin_at_the_newest_day() -> None:
    plan = horizon("05-07", newest_first=True).plan(Bookmark())
    assert names(plan) == ["05-10", "05-09", "05-08", "05-07"]
    past_midnight = horizon("05-07", first_unclosed="05-09", newest_first=True)
    assert names(past_midnight.plan(Bookmark())) == ["05-09", "05-10", "05-08", "05-07"]
    ended = horizon("05-01", last="05-03", newest_first=True)
    assert names(ended.plan(Bookmark())) == ["05-03", "05-02", "05-01"]


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_start_in_the_future_pulls_nothing(newest_first: bool) -> None:  # noqa: FBT001 - a case
    assert horizon("06-01", newest_first=newest_first).plan(Bookmark()) == []


def test_a_run_rereads_then_reads_what_is_new_then_fills_in() -> None:
    bookmark = Bookmark(day("05-09"), day("05-01"), {day("05-03"): ENTRY})
    plan = horizon("04-28", lookback_days=2).plan(bookmark)
    assert names(plan, Reason.REREAD) == ["05-03", "05-07", "05-08"]
    assert names(plan, Reason.FRONTIER) == ["05-09", "05-10"]
    assert names(plan, Reason.BACKFILL) == ["04-30", "04-29", "04-28"]
    assert [p.reason for p in plan] == [Reason.REREAD] * 3 + [Reason.FRONTIER] * 2 + [
        Reason.BACKFILL
    ] * 3
    assert [p.digest for p in plan[:3]] == ["9f2c", "", ""]
    assert [p.emitted_at for p in plan[:3]] == [LEFT_AT, "", ""]


def test_a_day_whose_records_left_at_a_time_unknown_leaves_again() -> None:
    """They hold neither day nor emitted_at: an earlier release loaded them."""
    bookmark = Bookmark(day("05-09"), day("05-01"), {day("05-08"): LedgerDay(3, "9f2c")})
    plan = horizon(lookback_days=1).plan(bookmark)
    assert plan[0] == PlannedDay(day("05-08"), Reason.REREAD, was_whole=True)


def test_nothing_new_asks_only_for_lookback_and_today() -> None:
    bookmark = Bookmark(day("05-10"), day("01-01"))
    assert names(horizon(lookback_days=2).plan(bookmark)) == ["05-08", "05-09", "05-10"]
    assert names(horizon(lookback_days=0).plan(bookmark)) == ["05-10"]


def test_a_later_start_neither_rereads_nor_forgets() -> None:
    bookmark = Bookmark(day("05-05"), day("01-01"), {day("02-03"): ENTRY})
    plan = horizon("05-09", refresh_days=120).plan(bookmark)
    assert names(plan, Reason.REREAD) == ["02-03"]
    assert names(plan, Reason.FRONTIER) == ["05-05", "05-06", "05-07", "05-08", "05-09", "05-10"]
    assert names(plan, Reason.BACKFILL) == []


def test_no_day_beyond_the_end_is_pulled() -> None:
    bookmark = Bookmark(day("05-09"), day("05-03"), {day("05-07"): ENTRY})
    plan = horizon("05-01", last="05-02", lookback_days=3).plan(bookmark)
    assert names(plan) == ["05-02", "05-01"]
    plan = horizon("05-03", last="05-07", lookback_days=3).plan(bookmark)
    assert names(plan) == ["05-06", "05-07"]


def test_a_state_without_a_ledger_rereads_every_day_that_may_hold_an_open_ticket() -> None:
    bookmark = Bookmark(day("05-09"), day("01-01"), {}, followed_from=NOTHING)
    plan = horizon(refresh_days=10, lookback_days=2).plan(bookmark)
    assert names(plan, Reason.REREAD) == [f"{d:%m-%d}" for d in days_between("04-30", "05-08")]
    without_refresh = horizon(refresh_days=0, lookback_days=2).plan(bookmark)
    assert names(without_refresh, Reason.REREAD) == ["05-07", "05-08"]


def days_between(first: str, last: str) -> list[dt.date]:
    """Return days, both ends included."""
    count = (day(last) - day(first)).days + 1
    return [day(first) + dt.timedelta(days=n) for n in range(count)]


def test_a_bookmark_in_the_future_is_refused() -> None:
    with pytest.raises(KaptureStateError, match=r"2024-05-12 lies after today \(2024-05-10"):
        horizon().plan(Bookmark(day("05-12"), day("01-01")))


def test_a_bookmark_of_tomorrow_comes_from_a_zone_further_east_and_still_reads_today() -> None:
    plan = horizon(lookback_days=0).plan(Bookmark(day("05-11"), day("01-01")))
    assert names(plan) == ["05-10"]


# The ledger


@pytest.mark.parametrize(
    ("read", "open_count", "kept"),
    [
        ("05-09", 0, True),  # in the lookback of the next run
        ("05-08", 0, True),
        ("05-07", 0, False),
        ("05-07", 1, True),
        ("04-10", 1, True),  # 30 days old
        ("04-09", 1, False),
        ("04-10", 0, False),
    ],
)
def test_a_day_stays_in_the_ledger_while_it_can_still_change(
    read: str,
    open_count: int,
    kept: bool,  # noqa: FBT001 - a case
) -> None:
    run = horizon(lookback_days=2, refresh_days=30)
    entry = run.ledger_day(day(read), open_count=open_count, digest="d")
    assert entry == (LedgerDay(open_count, "d") if kept else None)


@given(
    age=st.integers(0, 40),
    lookback=st.integers(0, 10),
    refresh=st.integers(0, 30),
    end_age=st.integers(0, 30),
    open_count=st.integers(0, 2),
)
def test_every_day_that_enters_the_ledger_was_known_to_before_it_was_read(
    age: int, lookback: int, refresh: int, end_age: int, open_count: int
) -> None:
    today = day("05-10")
    read, last = today - dt.timedelta(days=age), today - dt.timedelta(days=end_age)
    run = Horizon(day("01-01"), last, today, today, lookback, refresh)
    kept = run.ledger_day(read, open_count=open_count, digest="d") is not None
    assert run.remembers(read) or not kept
    assert run.remembers(read) is (run.ledger_day(read, open_count=1, digest="d") is not None)


def test_without_refresh_open_tickets_keep_no_day() -> None:
    run = horizon(lookback_days=0, refresh_days=0)
    assert run.ledger_day(day("05-09"), open_count=5, digest="d") is None
    assert run.given_up(Bookmark(day("05-09"), day("01-01"), {day("02-01"): ENTRY})) == {}


def test_the_lookback_counts_from_the_end_of_a_range_that_has_ended() -> None:
    run = horizon(last="04-30", lookback_days=2)
    assert run.ledger_day(day("04-29"), open_count=0, digest="") is not None
    assert run.ledger_day(day("04-28"), open_count=0, digest="") is None


def test_open_days_that_grew_too_old_are_given_up_and_not_read() -> None:
    ledger = {day("04-09"): ENTRY, day("04-10"): ENTRY, day("04-08"): LedgerDay(0, "")}
    bookmark = Bookmark(day("05-10"), day("01-01"), ledger)
    run = horizon(lookback_days=1, refresh_days=30)
    assert set(run.given_up(bookmark)) == {day("04-09")}
    assert names(run.plan(bookmark), Reason.REREAD) == ["04-08", "04-10", "05-09"]
    assert run.given_up(Bookmark()) == {}


def test_an_old_open_day_inside_the_lookback_is_not_given_up() -> None:
    bookmark = Bookmark(day("05-10"), day("01-01"), {day("05-01"): ENTRY})
    run = horizon(lookback_days=20, refresh_days=3)
    assert run.given_up(bookmark) == {}


def test_all_days_are_the_whole_range_whatever_was_pulled() -> None:
    run = replace(horizon("05-08"), newest_first=True)
    assert names(run.all_days()) == ["05-08", "05-09", "05-10"]
