"""Over many runs every wanted day is read and read again, whatever moves and crashes."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pendulum
from horizons import at
from hypothesis import event, given
from hypothesis import strategies as st

from tap_kapture.plan.bookmarks import Bookmark, from_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_kapture.plan.days import Horizon

UTC = dt.timezone.utc
KOLKATA = pendulum.timezone("Asia/Kolkata")


@dataclass
class World:
    """An account whose days change while they hold an open ticket, and what the target got of it.

    Attributes:
        zone: The account's zone.
        now: The clock.
        opened_for: For how many days the tickets of a day stay open, by the day's ordinal.
        read_at: When each day was read last.
        whole: The days that were read after they were closed.
        state: The stream's state, as the last STATE message had it.
    """

    zone: str
    now: dt.datetime
    opened_for: Callable[[dt.date], int]
    read_at: dict[dt.date, dt.datetime] = field(default_factory=dict)
    whole: set[dt.date] = field(default_factory=set)
    state: dict[str, Any] = field(default_factory=dict)

    def bookmark(self, start: dt.date) -> Bookmark:
        """Return the bookmark that the next run reads."""
        return from_state(self.state, start_day=start, zone=pendulum.timezone(self.zone))

    def horizon(self, now: dt.datetime, **run: Any) -> Horizon:  # noqa: ANN401 - of any field - as Horizon.at
        """Return the horizon of a run."""
        return at(now, self.zone, **run)

    def version(self, read: dt.date, today: dt.date) -> dt.date:
        """Return what stands for the content of a day: the day of its last change."""
        return min(today, read + dt.timedelta(days=self.opened_for(read)))

    def run(self, crash_after: int | None = None, **run: Any) -> Horizon:  # noqa: ANN401
        """Run as the tap does, and check the state after each day."""
        now = self.now
        this = self.horizon(now, **run)
        bookmark = self.bookmark(run["start"])
        plan = this.plan(bookmark)
        assert len({p.day for p in plan}) == len(plan), "a day is planned twice"
        assert all(p.day <= this.last for p in plan)
        bookmark = bookmark.without(set(this.given_up(bookmark)))
        for planned in plan[:crash_after]:
            self.read_at[planned.day] = now
            if this.closed(planned.day):
                self.whole.add(planned.day)
            version = self.version(planned.day, this.today)
            kept = this.ledger_day(planned.day, open_count=int(version == this.today), digest="d")
            before = bookmark
            bookmark = bookmark.finished(planned.day, closed=this.closed(planned.day), kept=kept)
            self.check(before, bookmark, this)
            self.state.update(json.loads(json.dumps(bookmark.to_state("date"))))
        return this

    def check(self, before: Bookmark, bookmark: Bookmark, this: Horizon) -> None:
        """Check that the bookmark claims nothing that is not out, and moves one way only."""
        value, pulled_from = bookmark.value, bookmark.pulled_from
        assert value is not None
        assert pulled_from is not None
        assert value <= this.today
        assert before.value is None or value >= before.value
        assert before.pulled_from is None or pulled_from <= before.pulled_from
        for claimed in span(pulled_from, value - dt.timedelta(days=1)):
            assert claimed in self.whole, f"{claimed} is claimed, but not out"


def span(first: dt.date, last: dt.date) -> list[dt.date]:
    """Return days, both ends included."""
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


WORLDS = st.sampled_from(
    [
        ("America/New_York", dt.datetime(2024, 3, 8, 4, tzinfo=UTC)),
        ("America/New_York", dt.datetime(2024, 11, 1, 4, tzinfo=UTC)),
        ("Asia/Kolkata", dt.datetime(2024, 5, 1, 18, 20, tzinfo=UTC)),
        ("Pacific/Apia", dt.datetime(2011, 12, 28, 9, tzinfo=UTC)),
        ("UTC", dt.datetime(2023, 12, 30, 23, 50, tzinfo=UTC)),
        ("Europe/London", dt.datetime(2024, 10, 26, 12, tzinfo=UTC)),
    ]
)
RUNS = st.fixed_dictionaries(
    {
        "minutes_later": st.integers(1, 60) | st.integers(60, 6000),
        "start": st.integers(-25, 8),
        "end": st.none() | st.integers(0, 30),
        "crash_after": st.none() | st.integers(0, 20),
        "newest_first": st.booleans(),
        "rules": st.none() | st.tuples(st.integers(0, 6), st.sampled_from([0, 1, 5, 20, 90])),
    }
)


@given(world=WORLDS, runs=st.lists(RUNS, min_size=1, max_size=10), data=st.data())
def test_every_wanted_day_is_read_whatever_moves_and_crashes(
    world: tuple[str, dt.datetime], runs: list[dict[str, Any]], data: st.DataObject
) -> None:
    zone, begin = world
    account = World(zone, begin, opened_for=lambda d: d.toordinal() * 7 % 11)
    base = begin.date()
    lookback, refresh = data.draw(st.tuples(st.integers(0, 6), st.sampled_from([0, 5, 90])))
    for number, run in enumerate(runs):
        account.now += dt.timedelta(minutes=run["minutes_later"])
        lookback, refresh = run["rules"] or (lookback, refresh)
        start = base + dt.timedelta(days=run["start"])
        end = None if run["end"] is None else start + dt.timedelta(days=run["end"])
        before = account.bookmark(start)
        is_last = number == len(runs) - 1
        this = account.run(
            None if is_last else run["crash_after"],
            start=start,
            end=end,
            lookback_days=lookback,
            refresh_days=refresh,
            newest_first=run["newest_first"],
        )
    for wanted in span(this.start, this.last):
        assert wanted in account.read_at, f"{wanted} was never read"
        if this.closed(wanted):
            assert wanted in account.whole, f"{wanted} was last read before it was closed"
    for recent in range(1, lookback + 1):
        again = (before.value or this.start) - dt.timedelta(days=recent)
        if before.holds(again) and again <= this.last:
            assert account.read_at[again] == account.now, f"{again} is in the lookback"


@given(
    world=WORLDS,
    runs=st.lists(RUNS, min_size=1, max_size=10),
    refresh=st.sampled_from([1, 4, 9, 90]),
    lookback=st.integers(0, 4),
    older_release=st.booleans(),
)
def test_days_with_open_tickets_are_as_fresh_as_the_last_whole_run(
    world: tuple[str, dt.datetime],
    runs: list[dict[str, Any]],
    refresh: int,
    lookback: int,
    older_release: bool,  # noqa: FBT001 - drawn
) -> None:
    zone, begin = world
    account = World(zone, begin, opened_for=lambda d: d.toordinal() * 7 % 17)
    start = begin.date() - dt.timedelta(days=30)
    rules: dict[str, Any] = {"start": start, "lookback_days": lookback, "refresh_days": refresh}
    account.run(**rules)
    if older_release:
        del account.state["days"]
    for number, run in enumerate(runs):
        account.now += dt.timedelta(minutes=run["minutes_later"])
        is_last = number == len(runs) - 1
        this = account.run(None if is_last else run["crash_after"], **rules)
    event("without a ledger" if "days" not in account.state else "with a ledger")
    for wanted in span(start, this.today):
        if (this.today - wanted).days <= refresh:
            seen = account.version(wanted, account.horizon(account.read_at[wanted]).today)
            assert seen == account.version(wanted, this.today), f"{wanted} is stale"


@given(world=WORLDS, crashes=st.lists(st.integers(1, 6), min_size=1), newest_first=st.booleans())
def test_an_interrupted_first_load_goes_on_where_it_was(
    world: tuple[str, dt.datetime],
    crashes: list[int],
    newest_first: bool,  # noqa: FBT001 - drawn
) -> None:
    zone, now = world
    account = World(zone, now, opened_for=lambda _: 0)
    start = now.date() - dt.timedelta(days=40)
    rules: dict[str, Any] = {
        "start": start,
        "lookback_days": 0,
        "refresh_days": 0,
        "newest_first": newest_first,
    }
    for crash_after in crashes:
        known = set(account.read_at)
        this = account.run(crash_after, **rules)
        again = {d for d in known if account.read_at[d] == account.now}
        assert not any(this.closed(d) for d in again), "a day that was out is read again"
        new = len(account.read_at) - len(known)
        assert new >= min(crash_after - 2, len(span(start, this.today)) - len(known))
        account.now += dt.timedelta(seconds=1)
    account.run(**rules)
    assert set(span(start, account.horizon(now).today)) <= set(account.read_at)


def test_a_half_year_of_nightly_runs_keeps_a_small_state_and_few_requests() -> None:
    account = World("Asia/Kolkata", dt.datetime(2024, 1, 1, 21, tzinfo=UTC), lambda d: d.day % 5)
    read_before = 0
    rules: dict[str, Any] = {"start": dt.date(2023, 12, 1), "lookback_days": 2, "refresh_days": 90}
    for _ in range(180):
        this = account.run(**rules)
        plan = this.plan(from_state(account.state, start_day=this.start, zone=KOLKATA))
        read_before = max(read_before, len(plan))
        account.now += dt.timedelta(days=1)
    assert read_before <= 10
    assert len(account.state["days"]) <= 10
