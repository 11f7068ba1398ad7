"""Days that are not whole are named: when they are met, and on the last line of a run."""

from __future__ import annotations

import datetime as dt

import pytest
from paged_account import warnings_logged

from tap_kapture.dialect.doubts import Doubt
from tap_kapture.errors import (
    KaptureError,
    KaptureIncompleteError,
    KaptureRecordError,
    KaptureServerError,
)
from tap_kapture.pull.troubles import MOST_DAYS, SERVER_FAILURES, Troubles, incomplete

FIRST = dt.date(2024, 4, 1)
COUNT = Doubt("count", "Kapture announces 8 records, but sends 5")
MOVED = Doubt("moved", "rows moved between pages (3 came twice), in every reading")


def day(number: int) -> dt.date:
    """Return a day."""
    return FIRST + dt.timedelta(days=number)


def no_key(number: int) -> KaptureError:
    """Return the error of a day whose records have no key."""
    return KaptureRecordError("a record has no key").at("tickets", day(number), 500)


def failure(number: int) -> KaptureError:
    """Return the error of a day on which the server fails."""
    return KaptureServerError("HTTP 500").at("tickets", day(number), 0)


def last_line(*found: Troubles) -> str:
    """Return what ends a run; empty if nothing does."""
    error = incomplete(found)
    return "" if error is None else str(error)


def test_a_run_whose_days_are_whole_ends_well() -> None:
    assert last_line() == ""
    assert last_line(Troubles("tickets"), Troubles("customers")) == ""


def test_one_day_is_told_in_full() -> None:
    troubles = Troubles("tickets")
    with warnings_logged() as warnings:
        troubles.unread(day(3), no_key(3))
    (line,) = warnings
    assert line.startswith("tickets, day 2024-04-04, offset 500: a record has no key")
    assert "again in the next run" in line
    assert last_line(troubles) == (
        "tickets, day 2024-04-04, offset 500: a record has no key. All other days are loaded; "
        "these are read again in the next run"
    )


def test_a_day_that_did_not_settle_is_told_with_its_reason() -> None:
    troubles = Troubles("tickets")
    with warnings_logged() as warnings:
        troubles.unsettled(day(3), COUNT)
    (line,) = warnings
    assert "tickets, day 2024-04-04: Kapture announces 8 records, but sends 5" in line
    assert "what came is loaded" in line
    assert last_line(troubles).startswith("tickets, day 2024-04-04: Kapture announces 8 records")


def test_many_days_are_listed_in_order_and_each_reason_once() -> None:
    troubles = Troubles("tickets")
    troubles.unsettled(day(9), COUNT)
    troubles.unsettled(day(2), MOVED)
    troubles.unread(day(4), no_key(4))
    troubles.unsettled(day(1), COUNT)
    line = last_line(troubles)
    assert line.startswith("tickets, 4 days (2024-04-02, 2024-04-03, 2024-04-05, 2024-04-10): ")
    assert line.count("announces") == line.count("moved") == line.count("no key") == 1


def test_each_stream_is_named_with_its_days() -> None:
    tickets, customers = Troubles("tickets"), Troubles("customers")
    tickets.unread(day(1), no_key(1))
    customers.unsettled(day(2), COUNT)
    customers.unsettled(day(3), MOVED)
    line = last_line(tickets, Troubles("none"), customers)
    first, second = line.split("; and ")
    assert first.startswith("tickets, day 2024-04-02")
    assert second.startswith("customers, 2 days (2024-04-03, 2024-04-04): ")
    assert line.count("All other days are loaded") == 1


def test_unsettled_days_may_be_a_warning_only_but_unread_ones_never() -> None:
    troubles = Troubles("tickets", unsettled_fails=False)
    troubles.unsettled(day(1), COUNT)
    assert last_line(troubles) == ""
    troubles.unread(day(2), no_key(2))
    line = last_line(troubles)
    assert "2024-04-03" in line
    assert "2024-04-02" not in line


def test_a_day_that_is_whole_at_last_is_no_trouble() -> None:
    troubles = Troubles("tickets")
    troubles.unsettled(day(1), COUNT)
    troubles.fine(day(1))
    troubles.fine(day(2))
    assert last_line(troubles) == ""


def test_doubts_of_a_kind_are_dropped_when_they_are_cleared() -> None:
    troubles = Troubles("tickets")
    troubles.unsettled(day(1), COUNT)
    troubles.unsettled(day(2), MOVED)
    troubles.unread(day(3), no_key(3))
    assert troubles.clear({"count", "cap"}) == {day(1)}
    assert set(troubles.found) == {day(2), day(3)}
    assert troubles.clear(set()) == set()
    assert set(troubles.found) == {day(2), day(3)}


def test_more_than_fifty_days_stop_the_run_and_tell_why() -> None:
    troubles = Troubles("tickets")
    for number in range(MOST_DAYS):
        troubles.unread(day(number), no_key(number))
    troubles.unread(day(0), no_key(0))  # the same day again is no further one
    with pytest.raises(KaptureIncompleteError, match=f"more than {MOST_DAYS} days") as caught:
        troubles.unsettled(day(MOST_DAYS), COUNT)
    assert "announces 8 records" in str(caught.value)


def test_more_than_fifty_unsettled_days_stop_a_run_that_only_warns_of_them() -> None:
    """The ledger keeps fifty; a further one would be forgotten."""
    troubles = Troubles("tickets", unsettled_fails=False)
    for number in range(MOST_DAYS):
        troubles.unsettled(day(number), COUNT)
    with pytest.raises(KaptureIncompleteError, match=f"more than {MOST_DAYS} days"):
        troubles.unsettled(day(MOST_DAYS), COUNT)


def test_three_days_in_a_row_on_which_the_server_fails_stop_the_run() -> None:
    troubles = Troubles("tickets")
    for number in range(SERVER_FAILURES - 1):
        troubles.unread(day(number), failure(number))
    with pytest.raises(KaptureServerError, match="HTTP 500"):
        troubles.unread(day(9), failure(9))


def test_a_day_that_is_read_between_shows_that_the_server_works() -> None:
    troubles = Troubles("tickets")
    for number in range(0, 40, 2):
        troubles.unread(day(number), failure(number))
        troubles.fine(day(number + 1))
    assert len(troubles.found) == 20


def test_days_that_are_unread_for_their_content_do_not_blame_the_server() -> None:
    troubles = Troubles("tickets")
    for number in range(10):
        troubles.unread(day(number), no_key(number))
    troubles.unread(day(10), failure(10))
    assert len(troubles.found) == 11


def test_a_day_that_is_unread_for_its_content_shows_that_the_server_works() -> None:
    troubles = Troubles("tickets")
    for number in range(0, 20, 2):
        troubles.unread(day(number), failure(number))
        troubles.unread(day(number + 1), no_key(number + 1))
    assert len(troubles.found) == 20


def test_a_day_that_came_in_doubt_shows_that_the_server_works() -> None:
    troubles = Troubles("tickets")
    for number in range(0, 20, 2):
        troubles.unread(day(number), failure(number))
        troubles.unsettled(day(number + 1), MOVED)
    assert len(troubles.found) == 20
