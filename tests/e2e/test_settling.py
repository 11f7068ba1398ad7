"""Days that are not whole stay in the ledger until they are, and settings may change meanwhile."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from still_account import ACCOUNT, DAY, FIRST, NOW, TODAY, UTC
from tap_process import KEYS, Output, asked, days, not_the_truth, pull, run_tap, untruths

from sandbox import Account, Quirks, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CUT = Quirks(offset="ignored", page_cap=5)
"""An account whose larger days no client can read whole."""
LARGE = days(TODAY - 2 * DAY, TODAY - DAY)
"""The days of the lookback; each takes several pages."""
PAGED = Account(
    seed=8,
    first_day=FIRST,
    now=NOW,
    static=True,
    counts={s: {day: 24 if day in LARGE else 3 for day in days(FIRST, TODAY)} for s in KEYS},
)


def troubled(output: Output, stream: str) -> dict[str, str]:
    """The troubled days of a ledger."""
    ledger = output.bookmark(stream)["days"]
    return {day: entry["trouble"] for day, entry in ledger.items() if "trouble" in entry}


# Days that do not settle


@pytest.mark.parametrize("unsettled_days", ["fail", "warn"])
def test_a_day_that_does_not_settle_is_named_and_kept_until_it_does(
    tmp_path: Path, unsettled_days: str
) -> None:
    expected = {day.isoformat(): "unsettled" for day in LARGE}
    with Sandbox(PAGED) as sandbox:
        config = sandbox.config(lookback_days=2, unsettled_days=unsettled_days)
        output = pull(config, NOW)
        sandbox.quirks = CUT
        ill = run_tap(tmp_path, config, at=NOW, state=output.state)
        fails = unsettled_days == "fail"
        assert ill.code == (1 if fails else 0)
        assert len(ill.errors()) == (1 if fails else 0)
        assert "Traceback" not in ill.log
        for stream in KEYS:
            assert troubled(ill, stream) == expected
            for day in LARGE:
                assert f"{stream}, day {day}: " in ill.log
                assert not fails or day.isoformat() in ill.errors()[0]
            assert not fails or f"{stream}, 2 days" in ill.errors()[0]
            assert "nothing turns the page" in ill.log
        # Long after the lookback the days are still read, and still do not settle ...
        sandbox.advance(days=20)
        later = run_tap(tmp_path, config, at=sandbox.now, state=ill.state)
        assert later.code == ill.code
        for stream in KEYS:
            assert expected.items() <= troubled(later, stream).items()
            assert set(LARGE) <= set(asked(sandbox, stream))
        # ... until the account mends.
        sandbox.quirks = Quirks()
        well = run_tap(tmp_path, config, at=sandbox.now, state=later.state)
        assert (well.code, well.errors()) == (0, [])
        assert [troubled(well, stream) for stream in KEYS] == [{}, {}]
        assert not_the_truth(output.then(ill).then(later).then(well), sandbox) == []


def test_a_record_that_is_deleted_while_its_day_is_read_hides_no_other() -> None:
    """Every row behind it moves up by one; a page by offset would then begin one row too late."""
    day = LARGE[0]
    for order in ("ascending", "shuffled"):
        quirks = Quirks(order=order)
        with Sandbox(PAGED, quirks=quirks, latency=0.01) as sandbox:
            config = sandbox.config(page_size=4, concurrency=1)
            first = pull(config, NOW)
            gone = min(sandbox.truth_of_day("tickets", day), key=str)
            for state in (None, first.state):
                sandbox.clear()
                with deleting(sandbox, day, gone) as deleted:
                    output = pull(config, NOW, state=state)
                assert deleted.is_set()
                known = {**(first.table("tickets") if state else {}), **output.table("tickets")}
                truth = sandbox.truth("tickets")
                assert untruths({k: r for k, r in known.items() if k in truth}, truth) == []
                assert troubled(output, "tickets") == {}
                gone = min(sandbox.truth_of_day("tickets", day), key=str)


@contextmanager
def deleting(sandbox: Sandbox, day: dt.date, key: object) -> Iterator[Event]:
    """Delete a ticket as soon as the second page of its day was asked for."""
    deleted, over = Event(), Event()

    def watch() -> None:
        while not over.wait(0.001):
            pages = [one for one in sandbox.requests if one.stream == "tickets" and one.day == day]
            if any(one.offset and one.limit == 4 for one in pages):
                sandbox.delete("tickets", key)
                deleted.set()
                return

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield deleted
    finally:
        over.set()
        watcher.join()


# Settings that change between two runs


def test_tickets_that_were_not_followed_are_caught_up_with_when_refresh_is_widened() -> None:
    with Sandbox(ACCOUNT) as sandbox:
        narrow, wide = (sandbox.config(open_ticket_refresh_days=n) for n in (2, 60))
        output = pull(narrow, sandbox.now)
        for _ in range(5):
            sandbox.advance(days=1)
            output = output.then(pull(narrow, sandbox.now, state=output.state))
        assert untruths(output.table("tickets"), sandbox.truth("tickets")) != []
        output = output.then(pull(wide, sandbox.now, state=output.state))
        assert untruths(output.table("tickets"), sandbox.truth("tickets")) == []
        sandbox.clear()
        pull(wide, sandbox.now, state=output.state)
        assert len(asked(sandbox, "tickets")) < len(days(FIRST, sandbox.today))


def test_tickets_that_counted_as_closed_are_caught_up_with_when_they_no_longer_do() -> None:
    closed = ["complete", "completed", "closed", "resolved", "solved", "junk", "merged"]
    with Sandbox(ACCOUNT) as sandbox:
        loose = sandbox.config(closed_statuses=[*closed, "pending", "open"])
        output = pull(loose, sandbox.now)
        for _ in range(5):
            sandbox.advance(days=1)
            output = output.then(pull(loose, sandbox.now, state=output.state))
        assert untruths(output.table("tickets"), sandbox.truth("tickets")) != []
        strict = sandbox.config(closed_statuses=closed)
        output = output.then(pull(strict, sandbox.now, state=output.state))
        assert untruths(output.table("tickets"), sandbox.truth("tickets")) == []
        sandbox.clear()
        pull(strict, sandbox.now, state=output.state)
        assert len(asked(sandbox, "tickets")) < len(days(FIRST, sandbox.today))


def test_days_that_grew_too_old_while_nothing_ran_are_read_a_last_time() -> None:
    with Sandbox(ACCOUNT) as sandbox:
        config = sandbox.config(open_ticket_refresh_days=6)
        first = pull(config, sandbox.now)
        followed = {day for day, e in first.bookmark("tickets")["days"].items() if e["open"]}
        assert followed
        sandbox.advance(days=30)
        sandbox.clear()
        second = pull(config, sandbox.now, state=first.state)
        again = {day.isoformat() for day in asked(sandbox, "tickets")}
        assert followed <= again
        for day in followed:
            truth = sandbox.truth_of_day("tickets", dt.date.fromisoformat(day))
            table = first.then(second).table("tickets")
            assert untruths({key: table[key] for key in table.keys() & truth}, truth) == []
        assert not followed & second.bookmark("tickets")["days"].keys()
        sandbox.clear()
        pull(config, sandbox.now, state=second.state)
        assert not followed & {day.isoformat() for day in asked(sandbox, "tickets")}


def test_a_wrong_time_zone_is_mended_without_a_lookback() -> None:
    """In a zone ahead, the account's today is over already; what still came on it was lost."""
    evening = dt.datetime(2024, 3, 31, 12, 30, tzinfo=UTC)  # 18:00 in Kolkata
    account = replace(ACCOUNT, now=evening, tickets_per_day=40, customers_per_day=40)
    with Sandbox(account) as sandbox:
        ahead = sandbox.config(timezone="Pacific/Auckland", lookback_days=0)
        right = sandbox.config(lookback_days=0, open_ticket_refresh_days=0)
        output = pull(ahead, sandbox.now)
        assert output.bookmark("customers")["replication_key_value"] == "2024-04-01"
        sandbox.advance(hours=1)
        output = output.then(pull(right, sandbox.now, state=output.state))
        assert output.bookmark("customers")["replication_key_value"] == "2024-03-31"
        sandbox.advance(hours=24)
        output = output.then(pull(right, sandbox.now, state=output.state))
        for stream in KEYS:
            assert output.table(stream).keys() == sandbox.truth(stream).keys()
