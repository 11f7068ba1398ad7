"""Days with open tickets are followed until they close or grow old, and no other ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from keepers import (
    after,
    day,
    error,
    facts,
    horizon,
    keeper,
    names,
    read_all,
)
from one_run import CLOSED, through_json

from tap_kapture.day.tally import UnreadDay
from tap_kapture.plan.bookmarks import NOTHING, UNREAD, LedgerDay
from tap_kapture.plan.planned import Reason

# Open tickets that were not followed so far


def test_a_longer_refresh_is_noted_only_when_all_its_rereads_are_done() -> None:
    bookmark = after("05-10", followed_from=day("05-08"))
    keeps = keeper(bookmark, horizon(refresh_days=5))
    plan = keeps.plan()
    assert names(plan, Reason.REREAD) == ["05-05", "05-06", "05-07"]
    for text in ("05-05", "05-06"):
        written = keeps.ended(day(text), facts(open_count=1))
        assert written is not None
        assert written.followed_from == day("05-08")
        rest = keeper(through_json(written), horizon(refresh_days=5)).plan()
        assert names(rest, Reason.REREAD) == ["05-05", "05-06", "05-07"]
    written = keeps.ended(day("05-07"), facts())
    assert written is not None
    assert written.followed_from == day("05-05")
    rest = keeper(through_json(written), horizon(refresh_days=5)).plan()
    assert names(rest, Reason.REREAD) == ["05-05", "05-06"]


def test_a_day_with_open_tickets_that_comes_empty_is_followed_until_it_is_empty_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    keeps = keeper(after("05-10", {"05-03": LedgerDay(3, "9f2c")}), horizon(refresh_days=30))
    keeps.plan()
    nothing = replace(facts(records=0), digest="0" * 16)
    written = keeps.ended(day("05-03"), nothing)
    assert written is not None
    assert written.days == {day("05-03"): LedgerDay(3, "0" * 16)}
    (told,) = caplog.messages
    assert "day 2024-05-03: nothing came, although 3 tickets were open there" in told
    again = keeper(through_json(written), horizon(refresh_days=30))
    assert "05-03" in names(again.plan(), Reason.REREAD)
    written = again.ended(day("05-03"), nothing)
    assert written is not None
    assert written.days == {}


def test_days_behind_the_last_one_wanted_are_not_claimed_to_be_followed() -> None:
    """They are read for the first time since they are followed by a run that wants them."""
    bookmark = after("05-10", followed_from=day("05-10"))
    wanted = replace(horizon(refresh_days=30), last=day("05-02"))
    keeps = keeper(bookmark, wanted)
    planned = names(keeps.plan(), Reason.REREAD)
    assert planned[-1] == "05-02"
    for text in planned:
        keeps.ended(day(text), facts())
    written = keeps.concluded()
    assert written is not None
    assert written.followed_from == day("05-10")
    again = keeper(through_json(written), horizon(refresh_days=30))
    assert {"05-03", "05-09"} <= set(names(again.plan(), Reason.REREAD))


def test_fewer_closed_statuses_reread_the_days_whose_tickets_they_open() -> None:
    bookmark = after("05-10", closed_statuses=CLOSED | {"solved"}, followed_from=day("05-05"))
    keeps = keeper(bookmark, horizon(refresh_days=5))
    plan = keeps.plan()
    assert names(plan, Reason.REREAD) == ["05-05", "05-06", "05-07", "05-08", "05-09"]
    written = keeps.ended(day("05-05"), facts(open_count=1))
    assert written is not None
    assert written.closed_statuses == CLOSED | {"solved"}  # an interrupted run does it again
    state = read_all(keeps, plan)
    assert state.closed_statuses == CLOSED
    assert names(keeper(state, horizon(refresh_days=5)).plan(), Reason.REREAD) == []


@pytest.mark.parametrize("known", [None, frozenset({"complete"}), CLOSED])
def test_more_closed_statuses_reread_nothing(known: frozenset[str] | None) -> None:
    bookmark = after("05-10", closed_statuses=known)
    keeps = keeper(bookmark, horizon(refresh_days=5))
    assert names(keeps.plan()) == ["05-10"]


def test_a_refresh_that_is_switched_off_and_on_again_rereads_what_it_missed() -> None:
    keeps = keeper(after("05-10"), horizon(refresh_days=0))
    state = read_all(keeps, keeps.plan())
    assert state.followed_from == NOTHING
    again = keeper(state, horizon(refresh_days=4))
    assert names(again.plan(), Reason.REREAD) == ["05-06", "05-07", "05-08", "05-09"]


def test_an_interrupted_run_does_not_claim_to_follow_what_it_gave_up() -> None:
    ledger = {
        "05-03": LedgerDay(3, "9f2c"),
        "05-07": LedgerDay(3, "9f2c"),
        "05-08": LedgerDay(1, "x"),
    }
    keeps = keeper(after("05-09", ledger), horizon(refresh_days=5))
    assert names(keeps.plan(), Reason.REREAD) == ["05-07", "05-08"]
    written = keeps.ended(day("05-07"), facts(open_count=3))
    assert written is not None
    assert day("05-03") not in written.days
    wider = keeper(through_json(written), horizon(refresh_days=8)).plan()
    assert "05-03" in names(wider, Reason.REREAD)


def test_records_that_do_not_close_are_not_followed() -> None:
    keeps = keeper(replace(after("05-10"), followed_from=None), horizon(), closed=None)
    state = read_all(keeps, keeps.plan())
    assert state.followed_from is None


# Days that are given up


def test_a_day_given_up_after_its_last_reading_leaves_the_ledger_unread() -> None:
    bookmark = after("05-09", {"04-09": LedgerDay(3, "9f2c")})
    keeps = keeper(bookmark, horizon(refresh_days=30))
    assert names(keeps.plan(), Reason.REREAD) == []
    assert keeps.given_up == {day("04-09"): LedgerDay(3, "9f2c")}
    written = keeps.ended(day("05-09"), facts())
    assert written is not None
    assert written.days == {}


def test_a_day_that_grew_old_while_nothing_ran_is_read_a_last_time() -> None:
    bookmark = after("05-08", {"04-09": LedgerDay(3, "9f2c")})
    keeps = keeper(bookmark, horizon(refresh_days=30))
    assert names(keeps.plan(), Reason.REREAD) == ["04-09"]
    written = keeps.ended(day("04-09"), facts(open_count=2))
    assert written is not None
    assert written.days == {}
    assert keeps.given_up == {day("04-09"): LedgerDay(2, "d")}  # as told at the end


def test_a_day_whose_last_reading_fails_is_not_given_up() -> None:
    bookmark = after("05-08", {"04-09": LedgerDay(3, "9f2c")})
    keeps = keeper(bookmark, horizon(refresh_days=30))
    keeps.plan()
    written = keeps.ended(day("04-09"), UnreadDay(error("04-09")))
    assert written is not None
    assert written.days == {day("04-09"): LedgerDay(3, "9f2c", UNREAD)}
    again = keeper(through_json(written), horizon(today="05-20", refresh_days=30))
    assert "04-09" in names(again.plan(), Reason.REREAD)
