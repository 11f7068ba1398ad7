"""Half a year of daily runs: the table is fresh, the reading is cheap, the state stays small."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from effort import soak
from resilience_kit import (
    KEYS,
    Output,
    Table,
    asked,
    claimed,
    days,
    fold,
    pull,
    show,
    untruths,
    untruths_of_days,
)

from benchmarks.halfyear import RELOADED_DAYS, simulate, summary
from sandbox import Account, Sandbox

UTC = dt.timezone.utc
ONE_DAY = dt.timedelta(days=1)
KOLKATA_2AM = dt.datetime(2024, 3, 31, 20, 30, tzinfo=UTC)
HALF_A_YEAR = 182
LOOKBACK = 2
REFRESH = 90
STATE_LIMIT = 16 * 1024
EVERY = [pytest.param(5, id="some_cuts"), pytest.param(1, id="all_cuts", marks=soak)]
LEARNING = 6
SMALL = Account(
    seed=5,
    first_day=dt.date(2024, 3, 1),
    now=dt.datetime(2024, 3, 14, 20, 30, tzinfo=UTC),
    tickets_per_day=4,
    customers_per_day=2,
)


@dataclass
class Warehouse:
    """An account, the tap that runs now and then, and the tables that it fills.

    Attributes:
        sandbox: The account.
        config: Settings that differ from the sandbox's.
        state: What the next run goes on from, carried as text like a target carries it.
        tables: What a target holds, by stream.
        requests: Requests of the last run.
        records: Records that the last run emitted.
    """

    sandbox: Sandbox
    config: dict[str, object] = field(default_factory=dict)
    state: str = "{}"
    tables: dict[str, Table] = field(default_factory=dict)
    requests: int = 0
    records: int = 0

    def run(self, **config: object) -> Output:
        """Run the tap now, and load what it emits."""
        self.sandbox.clear()
        config = self.sandbox.config(**{**self.config, **config})
        output = pull(config, self.sandbox.now, state=json.loads(self.state))
        assert max(len(json.dumps(state)) for state in output.states) < STATE_LIMIT
        self.take(output)
        self.requests = len(self.sandbox.requests)
        self.records = sum(len(output.records(stream)) for stream in KEYS)
        return output

    def take(self, output: Output) -> None:
        """Load an output, and keep its last state."""
        self.state = json.dumps(output.state)
        fold(self.tables, output)

    def stale(self) -> list[str]:
        """Where the tables differ from all that the account holds."""
        return [
            f"{stream} {found}"
            for stream in KEYS
            for found in untruths(self.tables[stream], self.sandbox.truth(stream))
        ]


DAILY = [ONE_DAY] * HALF_A_YEAR


@pytest.mark.parametrize(
    "pauses",
    [
        pytest.param(DAILY[:25], id="25_days"),
        pytest.param(DAILY, id="half_a_year", marks=soak),
    ],
)
def test_after_every_daily_run_what_can_change_is_true_at_a_fifth_of_the_cost(
    pauses: list[dt.timedelta],
) -> None:
    first, *runs = simulate(Account(now=KOLKATA_2AM), pauses)
    show(summary(runs))
    assert [run.wrong for run in (first, *runs) if run.wrong] == []
    assert {run.stale for run in (first, *runs)} == {0}
    assert max(run.state_bytes for run in (first, *runs)) < STATE_LIMIT
    for what in ("requests", "records"):
        spent = sum(getattr(run.cost[stream], what) for run in runs for stream in KEYS)
        reloading = sum(getattr(run.reload[stream], what) for run in runs for stream in KEYS)
        assert 0 < spent * 5 <= reloading


def test_the_cost_of_reloading_is_what_reading_90_days_really_costs() -> None:
    """A first load of so many days is such a reading, but for learning how the account pages."""
    now = KOLKATA_2AM + 60 * ONE_DAY
    today = now.astimezone(Account().zone).date()
    account = Account(now=now, first_day=today - (RELOADED_DAYS - 1) * ONE_DAY)
    (load,) = simulate(account, [])
    for stream in KEYS:
        assert load.cost[stream].records == load.reload[stream].records
        assert 0 <= load.cost[stream].requests - load.reload[stream].requests <= LEARNING


@pytest.mark.parametrize(
    ("runs", "seed"),
    [(15, 1), pytest.param(60, 1, marks=soak), pytest.param(60, 2, marks=soak)],
)
def test_runs_at_any_hour_some_left_out_and_some_twice_miss_nothing(runs: int, seed: int) -> None:
    rng = Random(seed)  # noqa: S311 - a plan of runs, not a secret
    hours = [rng.choice((0, 0.1, 5, 11, 23, 24, 24.5, 31, 55, 100)) for _ in range(runs)]
    account = Account(seed=seed, first_day=dt.date(2024, 2, 20), now=KOLKATA_2AM)
    for number, run in enumerate(simulate(account, [dt.timedelta(hours=h) for h in hours])):
        assert (number, run.wrong, run.stale) == (number, [], 0)


def test_an_unchanged_account_costs_few_requests_and_no_record() -> None:
    with Sandbox(SMALL) as sandbox:
        warehouse = Warehouse(sandbox, {"end_date": "2024-03-13"})
        warehouse.run()
        assert warehouse.records > 0
        warehouse.run()
        assert 0 < warehouse.requests < 40
        assert warehouse.records == 0


def test_a_state_is_small_even_when_no_ticket_ever_closes() -> None:
    account = Account(first_day=dt.date(2023, 9, 1), tickets_per_day=2, now=KOLKATA_2AM)
    with Sandbox(account) as sandbox:
        warehouse = Warehouse(sandbox, {"closed_statuses": ["never"]})
        for _ in range(3):
            output = warehouse.run()
            ledger = output.bookmark("tickets")["days"]
            assert len(ledger) > REFRESH / 2
            assert min(ledger) >= (sandbox.today - REFRESH * ONE_DAY).isoformat()
            show(f"{len(ledger)} days in the ledger, state {len(warehouse.state)} bytes")
            sandbox.advance(days=1)


def test_days_that_grow_too_old_leave_the_ledger_and_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Sandbox(SMALL) as sandbox:
        warehouse = Warehouse(
            sandbox, {"closed_statuses": ["never"], "open_ticket_refresh_days": 5}
        )
        before = warehouse.run().bookmark("tickets")["days"]
        sandbox.advance(days=3)
        after = warehouse.run().bookmark("tickets")["days"]
    gone = {day: entry for day, entry in before.items() if day < "2024-03-13"}
    assert len(gone) == 3
    assert not gone.keys() & after.keys()
    count = sum(entry["open"] for entry in gone.values())
    assert f"tickets: {count} open tickets on 3 days are older" in caplog.text


# A moved start


def test_an_earlier_start_is_filled_in_backwards_and_only_once() -> None:
    with Sandbox(SMALL) as sandbox:
        warehouse = Warehouse(sandbox)
        warehouse.run(start_date="2024-03-10")
        output = warehouse.run()
        assert warehouse.stale() == []
        froms = [
            state["bookmarks"]["tickets"]["pulled_from"]
            for state in output.states
            if "tickets" in state["bookmarks"]
        ]
        assert froms == sorted(froms, reverse=True)
        assert set(froms) == {f"2024-03-{day:02}" for day in range(1, 11)}
        warehouse.run()
        assert not set(asked(sandbox, "customers")) & set(
            days(dt.date(2024, 3, 1), dt.date(2024, 3, 9))
        )


@pytest.mark.parametrize("every", EVERY)
def test_an_interrupted_filling_in_goes_on_where_it_was_cut(every: int) -> None:
    with Sandbox(SMALL) as sandbox:
        later = Warehouse(sandbox)
        later.run(start_date="2024-03-10")
        whole = pull(sandbox.config(), sandbox.now, state=json.loads(later.state))
        for cut in cuts(whole)[::every]:
            warehouse = Warehouse(sandbox, state=later.state)
            warehouse.tables = {stream: dict(table) for stream, table in later.tables.items()}
            done = whole.upto(cut)
            if done.states:
                warehouse.take(done)
            assert_truthful(warehouse)
            warehouse.run()
            assert warehouse.stale() == []
            assert not set(claimed(done.state, "customers")) & (
                set(asked(sandbox, "customers")) - set(recent(sandbox))
            )


def test_a_later_start_reads_nothing_again_and_forgets_nothing() -> None:
    with Sandbox(SMALL) as sandbox:
        warehouse = Warehouse(sandbox)
        before = warehouse.run().bookmark("tickets")
        output = warehouse.run(start_date="2024-03-12")
        again = set(asked(sandbox, "tickets"))
        assert {dt.date.fromisoformat(day) for day in before["days"]} <= again
        assert output.bookmark("tickets")["pulled_from"] == "2024-03-01"
        assert output.bookmark("tickets")["days"] == before["days"]
        warehouse.run()
        assert set(asked(sandbox, "tickets")) == again
        sandbox.advance(days=1)
        warehouse.run(start_date="2024-03-12")
        assert warehouse.stale() == []


# The newest days first


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("order", ["newest_first", "oldest_first"])
def test_a_first_load_cut_anywhere_says_truly_what_is_out_and_goes_on(
    order: str, every: int
) -> None:
    with Sandbox(SMALL) as sandbox:
        config: dict[str, object] = {"backfill_order": order}
        whole = pull(sandbox.config(**config), sandbox.now)
        for line in range(0, len(whole.lines), every):
            warehouse = Warehouse(sandbox, config)
            warehouse.take(whole.upto(line))
            assert_truthful(warehouse)
        for cut in cuts(whole)[::every]:
            warehouse = Warehouse(sandbox, config)
            warehouse.take(whole.upto(cut))
            warehouse.run()
            assert warehouse.stale() == []


def test_newest_first_loads_today_first_and_then_walks_back() -> None:
    with Sandbox(SMALL) as sandbox:
        # Else a first run would spend more requests on learning how it pages.
        known = {"tickets_paging": "rows"}
        config = sandbox.config(backfill_order="newest_first", concurrency=1, **known)
        output = pull(config, sandbox.now)
        seen = [seen.day for seen in sandbox.requests if seen.stream == "tickets"]
        created = [record["date"] for record in output.records("tickets")]
    # The first request of all is the first contact's, to see how the account is to be asked.
    order = list(dict.fromkeys(seen[1:]))
    assert order == list(reversed(days(dt.date(2024, 3, 1), dt.date(2024, 3, 15))))
    assert created[0] > created[-1]


def test_newest_first_goes_on_a_day_later_without_a_gap() -> None:
    with Sandbox(SMALL) as sandbox:
        config: dict[str, object] = {"backfill_order": "newest_first"}
        whole = pull(sandbox.config(**config), sandbox.now)
        for cut in cuts(whole)[::4]:
            sandbox.now = SMALL.now
            warehouse = Warehouse(sandbox, config)
            warehouse.take(whole.upto(cut))
            sandbox.advance(days=2)
            warehouse.run()
            assert warehouse.stale() == []
        sandbox.now = SMALL.now


# States of other makes


@pytest.mark.parametrize(
    "lacking", [("days",), ("days", "pulled_from")], ids=["no_ledger", "bookmark_only"]
)
def test_a_state_without_a_ledger_misses_no_closing(lacking: tuple[str, ...]) -> None:
    with Sandbox(SMALL) as sandbox:
        warehouse = Warehouse(sandbox)
        warehouse.run()
        older = json.loads(warehouse.state)
        for bookmark in older["bookmarks"].values():
            for key in lacking:
                del bookmark[key]
        warehouse.state = json.dumps(older)
        sandbox.advance(days=9)
        output = warehouse.run()
        assert warehouse.stale() == []
        assert output.bookmark("tickets")["pulled_from"] == "2024-03-01"
        assert output.bookmark("tickets")["days"]


@pytest.mark.parametrize(
    ("bookmark", "first_new"),
    [
        ("2024-03-10T20:00:00+00:00", "2024-03-11"),
        ("2024-03-10T18:00:00Z", "2024-03-10"),
        ("2024-03-10 05:00:00", "2024-03-10"),
        ("2024-03-10", "2024-03-10"),
    ],
)
def test_a_bookmark_with_a_time_counts_as_its_local_day(bookmark: str, first_new: str) -> None:
    state = {
        "bookmarks": {
            stream: {"replication_key": key, "replication_key_value": bookmark}
            for stream, key in (("tickets", "date"), ("customers", "generationDate"))
        }
    }
    first = dt.date.fromisoformat(first_new)
    with Sandbox(SMALL) as sandbox:
        output = pull(sandbox.config(), sandbox.now, state=state)
        # Without a ledger any young day may hold an open ticket; customers have the lookback only.
        assert asked(sandbox, "tickets") == days(SMALL.first_day, sandbox.today)
        assert asked(sandbox, "customers") == days(first - LOOKBACK * ONE_DAY, sandbox.today)
        for stream in KEYS:
            assert output.bookmark(stream)["replication_key_value"] == "2024-03-15"
            assert output.bookmark(stream)["pulled_from"] == "2024-03-01"
        assert untruths(output.table("tickets"), sandbox.truth("tickets")) == []


@pytest.mark.parametrize(
    "state",
    [
        {"bookmarks": {}},
        {"bookmarks": {"tickets": {}, "customers": {}}},
        {"bookmarks": {"tickets": {"replication_key_value": None}}},
    ],
    ids=["no_stream", "no_bookmark", "null"],
)
def test_an_empty_state_is_a_first_load(state: dict[str, Any]) -> None:
    with Sandbox(SMALL) as sandbox:
        warehouse = Warehouse(sandbox, state=json.dumps(state))
        warehouse.run()
        assert warehouse.stale() == []


def test_keys_that_the_tap_does_not_know_survive_run_after_run() -> None:
    with Sandbox(SMALL) as sandbox:
        warehouse = Warehouse(sandbox)
        warehouse.run()
        state = json.loads(warehouse.state)
        state["bookmarks"]["tickets"]["of_another"] = {"kept": [1, None, "x"]}
        state["bookmarks"]["calls"] = {"replication_key_value": "2020-01-01"}
        warehouse.state = json.dumps(state)
        for _ in range(2):
            sandbox.advance(days=1)
            for written in warehouse.run().states:
                assert written["bookmarks"]["tickets"]["of_another"] == {"kept": [1, None, "x"]}
                assert written["bookmarks"]["calls"] == {"replication_key_value": "2020-01-01"}
        assert warehouse.stale() == []


def cuts(output: Output) -> list[int]:
    """Where to cut an output: behind each STATE, and in the middle between two of them."""
    found = [
        number + 1 for number, message in enumerate(output.messages) if message["type"] == "STATE"
    ]
    return [0, *found, *((a + b) // 2 for a, b in pairwise(found))]


def recent(sandbox: Sandbox) -> list[dt.date]:
    """The days that every run reads."""
    return days(sandbox.today - (LOOKBACK + 1) * ONE_DAY, sandbox.today)


def assert_truthful(warehouse: Warehouse) -> None:
    """Every day that the state claims is in the tables."""
    state = json.loads(warehouse.state)
    for stream in KEYS:
        table = warehouse.tables[stream]
        wanted = claimed(state, stream)
        assert untruths_of_days(table, warehouse.sandbox, stream, wanted) == []
