"""A stream's state says which days are in the target, and nothing more."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_kapture.errors import KaptureStateError
from tap_kapture.plan.bookmarks import NOTHING, OPTIONAL_KEYS, Bookmark, LedgerDay, from_state

KOLKATA = pendulum.timezone("Asia/Kolkata")
NEW_YORK = pendulum.timezone("America/New_York")
START = dt.date(2024, 1, 1)
ENTRY = LedgerDay(3, "9f2c")


def day(text: str) -> dt.date:
    """Return a day of 2024 from month and day."""
    return dt.date.fromisoformat(f"2024-{text}")


def read(state: dict[str, Any], zone: dt.tzinfo = KOLKATA) -> Bookmark:
    """Read a state that went through JSON."""
    return from_state(json.loads(json.dumps(state)), start_day=START, zone=zone)


def pulled(first: str, value: str, **days: LedgerDay) -> Bookmark:
    """Return a bookmark over a range."""
    ledger = {dt.date.fromisoformat(name[1:].replace("_", "-")): e for name, e in days.items()}
    return Bookmark(day(value), day(first), ledger)


def test_an_empty_state_is_an_empty_bookmark() -> None:
    assert read({}) == Bookmark()
    assert read({"replication_key_value": None, "pulled_from": "2024-01-01"}) == Bookmark()
    assert Bookmark().to_state("date") == {}


def test_a_bookmark_survives_its_state() -> None:
    bookmark = pulled("01-01", "05-03", d2024_04_11=ENTRY, d2024_05_01=LedgerDay(0, ""))
    state = bookmark.to_state("date")
    assert state == {
        "replication_key": "date",
        "replication_key_value": "2024-05-03",
        "pulled_from": "2024-01-01",
        "days": {
            "2024-04-11": {"open": 3, "digest": "9f2c"},
            "2024-05-01": {"open": 0, "digest": ""},
        },
    }
    assert read(state) == bookmark


def test_a_state_without_a_ledger_is_carried_over() -> None:
    bookmark = read({"replication_key_value": "2024-05-03", "pulled_from": "2024-02-01"})
    assert bookmark == Bookmark(day("05-03"), day("02-01"), {}, followed_from=NOTHING)
    assert read({"replication_key_value": "2024-05-03", "days": None}).followed_from == NOTHING
    assert read({"replication_key_value": "2024-05-03", "days": {}}).followed_from is None


def test_a_state_without_its_beginning_begins_at_start_date() -> None:
    assert read({"replication_key_value": "2024-05-03"}).pulled_from == START
    assert read({"replication_key_value": "2023-05-03"}).pulled_from == dt.date(2023, 5, 3)


@pytest.mark.parametrize(
    ("value", "zone", "expected"),
    [
        ("2024-05-03T20:00:00+00:00", KOLKATA, "05-04"),
        ("2024-05-03T18:29:59Z", KOLKATA, "05-03"),
        ("2024-05-03T18:30:00Z", KOLKATA, "05-04"),
        ("2024-05-03T03:00:00+00:00", NEW_YORK, "05-02"),
        ("2024-05-03T23:59:59", NEW_YORK, "05-03"),
        ("2024-05-03 23:59:59.123456", KOLKATA, "05-03"),
        ("2024-05-03", NEW_YORK, "05-03"),
    ],
)
def test_a_date_time_bookmark_is_read_as_its_local_day(
    value: str, zone: dt.tzinfo, expected: str
) -> None:
    bookmark = read({"replication_key_value": value}, zone)
    assert bookmark.value == day(expected)
    assert type(bookmark.value) is dt.date


GARBAGE = ["", "soon", "03-05-2024", "2024-02-30", 20240503, True, ["2024-05-03"], {}, 1.5]


@pytest.mark.parametrize("garbage", [*GARBAGE, "9999-12-31T23:59:59-12:00"])
@pytest.mark.parametrize("key", ["replication_key_value", "pulled_from"])
def test_a_bookmark_that_is_no_date_is_refused_by_name(garbage: object, key: str) -> None:
    state = {"replication_key_value": "2024-05-03", "pulled_from": "2024-05-03", key: garbage}
    with pytest.raises(KaptureStateError, match=f"state: '{key}'.*YYYY-MM-DD"):
        read(state)


def test_a_ledger_day_that_is_no_date_is_refused() -> None:
    with pytest.raises(KaptureStateError, match="state: 'days'"):
        read({"replication_key_value": "2024-05-03", "days": {"soon": {}}})


@pytest.mark.parametrize("entry", [None, 3, "x", [], {"open": "3", "digest": 7}, {"other": 1}])
def test_a_ledger_entry_of_unknown_content_is_read_again(entry: object) -> None:
    bookmark = read({"replication_key_value": "2024-05-03", "days": {"2024-05-01": entry}})
    assert bookmark.days == {day("05-01"): LedgerDay(0, "")}


def test_a_first_closed_day_begins_the_range() -> None:
    after = Bookmark().finished(day("05-01"), closed=True, kept=None)
    assert (after.pulled_from, after.value) == (day("05-01"), day("05-02"))


def test_a_first_day_that_is_not_closed_claims_nothing() -> None:
    after = Bookmark().finished(day("05-01"), closed=False, kept=ENTRY)
    assert (after.pulled_from, after.value) == (day("05-01"), day("05-01"))
    assert after.days == {}


def test_a_quiet_day_advances_the_bookmark_like_a_busy_one() -> None:
    before = pulled("05-01", "05-03")
    assert before.finished(day("05-03"), closed=True, kept=None).value == day("05-04")


@pytest.mark.parametrize("other", ["04-29", "05-02", "05-04", "05-10"])
def test_a_day_that_does_not_touch_the_range_moves_nothing(other: str) -> None:
    before = pulled("05-01", "05-03")
    after = before.finished(day(other), closed=True, kept=ENTRY)
    assert (after.pulled_from, after.value) == (before.pulled_from, before.value)


def test_a_day_before_the_range_extends_it_backwards() -> None:
    before = pulled("05-01", "05-03")
    assert before.finished(day("04-30"), closed=True, kept=None).pulled_from == day("04-30")
    assert before.finished(day("04-30"), closed=False, kept=None).pulled_from == day("05-01")


def test_the_ledger_keeps_only_days_that_are_in_the_target() -> None:
    before = pulled("05-01", "05-03", d2024_05_01=ENTRY)
    assert before.finished(day("05-02"), closed=True, kept=ENTRY).days == {
        day("05-01"): ENTRY,
        day("05-02"): ENTRY,
    }
    assert before.finished(day("05-01"), closed=True, kept=None).days == {}
    assert before.finished(day("05-03"), closed=False, kept=ENTRY).days == before.days
    assert before.finished(day("05-09"), closed=True, kept=ENTRY).days == before.days


def test_a_bookmark_is_never_changed_in_place() -> None:
    before = pulled("05-01", "05-03", d2024_05_01=ENTRY)
    before.finished(day("05-01"), closed=True, kept=None)
    before.without({day("05-01")})
    assert before == pulled("05-01", "05-03", d2024_05_01=ENTRY)


def test_days_given_up_leave_the_ledger() -> None:
    before = pulled("01-01", "05-03", d2024_01_05=ENTRY, d2024_05_01=ENTRY)
    assert before.without({day("01-05")}).days == {day("05-01"): ENTRY}


def test_the_parts_that_are_not_always_there_survive_the_state() -> None:
    bookmark = Bookmark(
        day("05-03"),
        day("01-01"),
        {day("04-11"): LedgerDay(3, "9f2c", "unread"), day("04-12"): LedgerDay(0, "", "unsettled")},
        followed_from=day("02-01"),
        closed_statuses=frozenset({"closed", "junk"}),
        dialect={"turn": "rows"},
        empty=True,
    )
    state = bookmark.to_state("date")
    assert state["followed"] == {"from": "2024-02-01", "closed_statuses": ["closed", "junk"]}
    assert state["days"]["2024-04-11"] == {"open": 3, "digest": "9f2c", "trouble": "unread"}
    assert set(OPTIONAL_KEYS) <= state.keys()
    assert read(state) == bookmark
    nothing = replace(bookmark, followed_from=NOTHING)
    assert nothing.to_state("date")["followed"]["from"] is None
    assert read(nothing.to_state("date")) == nothing


@pytest.mark.parametrize("odd", [None, 5, "text", [], {"from": 7}, {"closed_statuses": "x"}])
def test_what_cannot_be_read_of_the_new_parts_is_not_known(odd: object) -> None:
    state = {"replication_key_value": "2024-05-03", "days": {}, "dialect": odd, "empty": odd}
    bookmark = read(state)
    assert not bookmark.empty
    assert bookmark.dialect is None or isinstance(odd, dict)


def test_a_bookmark_never_lies_beyond_the_first_unclosed_day() -> None:
    bookmark = pulled("01-01", "05-05", d2024_05_04=ENTRY, d2024_05_01=ENTRY)
    assert bookmark.up_to(day("05-03")) == pulled("01-01", "05-03", d2024_05_01=ENTRY)
    assert bookmark.up_to(day("05-05")) == bookmark
    assert Bookmark().up_to(day("05-03")) == Bookmark()


def test_the_state_stays_under_16_kib_with_a_full_ledger() -> None:
    days = {START + dt.timedelta(days=n): LedgerDay(99_999, "f" * 16) for n in range(93)}
    streams = {name: Bookmark(day("05-03"), START, days).to_state("date") for name in "ab"}
    assert len(json.dumps({"bookmarks": streams})) < 16 * 1024


@given(
    finished=st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.booleans()), max_size=60),
    seed=st.integers(0, 30),
)
def test_in_whatever_order_days_finish_only_closed_finished_days_are_claimed(
    finished: list[tuple[int, bool, bool]], seed: int
) -> None:
    bookmark = Bookmark()
    out: set[dt.date] = set()
    for number, closed, kept in [(seed, True, False), *finished]:
        finished_day = START + dt.timedelta(days=number)
        if closed:
            out.add(finished_day)
        before = bookmark
        bookmark = bookmark.finished(finished_day, closed=closed, kept=ENTRY if kept else None)
        assert bookmark.value is not None
        assert bookmark.pulled_from is not None
        claimed = (bookmark.value - bookmark.pulled_from).days
        assert {bookmark.pulled_from + dt.timedelta(days=n) for n in range(claimed)} <= out
        assert before.value is None or bookmark.value >= before.value
        assert before.pulled_from is None or bookmark.pulled_from <= before.pulled_from
        assert all(bookmark.holds(known) for known in bookmark.days)
        assert read(bookmark.to_state("date")) == bookmark
