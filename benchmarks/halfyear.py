"""`python -m benchmarks.halfyear`: half a year of daily runs against the sandbox's own account.

Tickets close and reopen, customers are edited, and the tap reads again only the days that can still
change. This counts what that costs, beside reading the last 90 days again in every run, and
compares the table with the account's truth after each run.
"""

from __future__ import annotations

import argparse
import io
import json
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from benchmarks.process import tell
from benchmarks.tables import table
from sandbox import Account, Sandbox
from sandbox.account.lifecycle import ONGOING
from tap_kapture.singer.tap import TapKapture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

LOOKBACK_DAYS = 2
RELOADED_DAYS = 90
PAGE_SIZE = 500
_KEYS = {"tickets": "ticketId", "customers": "id"}
_CREATED = {"tickets": "date", "customers": "generationDate"}

Table = dict[object, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Cost:
    """Requests and emitted records."""

    requests: int
    records: int


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to.

    Attributes:
        today: The account's day.
        cost: Of each stream.
        reload: What reading the last 90 days of each stream would have cost.
        checked: Records that had to be right: new, open, or open or recent at the last run.
        wrong: Those that were not, as stream and key, and keys that the account does not have.
        stale: Other records that differ from the account's.
        state_bytes: Size of the state.
    """

    today: date
    cost: dict[str, Cost]
    reload: dict[str, Cost]
    checked: int
    wrong: list[tuple[str, object]]
    stale: int
    state_bytes: int


def simulate(account: Account, pauses: Iterable[timedelta]) -> Iterator[Run]:
    """Load an account, then run the tap after each pause.

    Args:
        account: It goes on living meanwhile.
        pauses: From each run to the next one.

    Yields:
        The first load, then the later runs.
    """
    with Sandbox(account) as sandbox:
        warehouse = _Warehouse(sandbox)
        yield warehouse.run()
        for pause in pauses:
            sandbox.now += pause
            yield warehouse.run()


def summary(runs: Sequence[Run]) -> str:
    """Return a Markdown table of daily runs: cost by stream, beside that of reloading.

    Args:
        runs: Without the first load.
    """
    rows = []
    for name, streams in (*((name, (name,)) for name in _KEYS), ("both", tuple(_KEYS))):
        row = [name]
        for what in ("requests", "records"):
            own = [sum(getattr(run.cost[stream], what) for stream in streams) for run in runs]
            other = [sum(getattr(run.reload[stream], what) for stream in streams) for run in runs]
            mean, mean_other = sum(own) / len(runs), sum(other) / len(runs)
            row += [f"{mean:.1f}", str(max(own)), f"{mean_other:.1f}", f"{mean / mean_other:.1%}"]
        rows.append(row)
    cells = ("at most", "re-reading 90 days", "ratio")
    return table(("stream", "requests a run", *cells, "records a run", *cells), rows)


class _VirtualTap(TapKapture):
    """The tap, at the account's instant instead of the machine's."""

    def __init__(self, instant: datetime, config: dict[str, Any], state: dict[str, Any]) -> None:
        """Set the clock before the tap makes its streams."""
        self._instant = instant
        super().__init__(config=config, state=state)

    @property
    def initialized_at(self) -> int:
        """The instant, in milliseconds."""
        return int(self._instant.timestamp() * 1000)


@dataclass(slots=True)
class _Warehouse:
    """Tables that follow one account, a run at a time."""

    sandbox: Sandbox
    state: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=lambda: {stream: {} for stream in _KEYS})
    last_run: date | None = None
    counts: dict[tuple[str, date], int] = field(default_factory=dict)

    def run(self) -> Run:
        """Run the tap once, at the account's instant, and compare."""
        tables_before = {stream: dict(rows) for stream, rows in self.tables.items()}
        self.sandbox.clear()
        emitted = self._emit()
        asked = Counter(seen.stream for seen in self.sandbox.requests)
        checked, wrong, stale = 0, [], 0
        for stream in _KEYS:
            truth = self.sandbox.truth(stream)
            must = set(filter(self._watched(stream, truth, tables_before[stream]), truth))
            different = {key for key in truth if self.tables[stream].get(key) != truth[key]}
            checked += len(must)
            surplus = self.tables[stream].keys() - truth.keys()
            wrong += [(stream, key) for key in sorted(different & must | surplus, key=str)]
            stale += len(different - must)
        self.last_run = self.sandbox.today
        return Run(
            today=self.sandbox.today,
            cost={stream: Cost(asked[stream], emitted[stream]) for stream in _KEYS},
            reload={stream: self._reload(stream) for stream in _KEYS},
            checked=checked,
            wrong=wrong,
            stale=stale,
            state_bytes=len(json.dumps(self.state)),
        )

    def _emit(self) -> Counter[str]:
        """Run the tap, fold its records into the tables, and keep its state."""
        config = self.sandbox.config(lookback_days=LOOKBACK_DAYS, page_size=PAGE_SIZE)
        tap = _VirtualTap(self.sandbox.now, config, self.state)
        output = io.BytesIO()
        with io.TextIOWrapper(output, encoding="utf-8") as stdout:
            with redirect_stdout(stdout):
                tap.sync_all()
            stdout.flush()
            messages = [json.loads(line) for line in output.getvalue().splitlines()]
        emitted: Counter[str] = Counter()
        for message in messages:
            if message["type"] == "STATE":
                self.state = message["value"]
            elif message["type"] == "RECORD" and message["stream"] in _KEYS:
                stream, record = message["stream"], message["record"]
                del record["emitted_at"]  # which no account knows
                self.tables[stream][record[_KEYS[stream]]] = record
                emitted[stream] += 1
        return emitted

    def _watched(self, stream: str, truth: Table, before: Table) -> Callable[[object], bool]:
        """Return whether a record must be right, by its key."""
        last, zone = self.last_run, self.sandbox.account.zone

        def watched(key: object) -> bool:
            record = truth[key]
            if last is None or _is_open(record) or _is_open(before.get(key, {})):
                return True
            created = datetime.fromisoformat(record[_CREATED[stream]]).astimezone(zone).date()
            return created >= last - timedelta(days=LOOKBACK_DAYS)

        return watched

    def _reload(self, stream: str) -> Cost:
        """Return what it costs to read the last 90 days, today among them."""
        days = [self.sandbox.today - timedelta(days=age) for age in range(RELOADED_DAYS)]
        counts = [self._count(stream, day) for day in days]
        return Cost(sum(map(_requests, counts)), sum(counts))

    def _count(self, stream: str, day: date) -> int:
        count = self.counts.get((stream, day))
        if count is None:
            count = len(self.sandbox.truth_of_day(stream, day))
            if day < self.sandbox.today:
                self.counts[stream, day] = count
        return count


def _requests(records: int) -> int:
    """Return the requests of a day: full pages, a short one, and the empty one behind it."""
    full, rest = divmod(records, PAGE_SIZE)
    return full + bool(rest) + 1


def _is_open(record: dict[str, Any]) -> bool:
    return record.get("status") in ONGOING


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, and print what it cost.

    Args:
        arguments: Of the command line; those of the process by default.

    Returns:
        The exit code: 1 when a record was not as it had to be.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.halfyear", description=__doc__)
    parser.add_argument("--days", type=int, default=182, help="runs, one a day (default: 182)")
    parser.add_argument("--seed", type=int, default=0, help="of the account (default: 0)")
    options = parser.parse_args(arguments)
    runs = []
    for run in simulate(Account(seed=options.seed), [timedelta(days=1)] * options.days):
        runs.append(run)
        costs = "; ".join(
            f"{stream} {cost.requests} requests, {cost.records} records"
            for stream, cost in run.cost.items()
        )
        tell(f"{run.today}: {costs}; {run.checked} checked, {len(run.wrong)} wrong")
    wrong = [(run.today, *found) for run in runs for found in run.wrong]
    print(f"**half-year**: {options.days} daily runs after a first load, seed {options.seed}\n")
    print(summary(runs[1:]), end="\n\n")
    print(
        f"{sum(run.checked for run in runs):,} records checked that were new, open or inside the "
        f"lookback: {len(wrong)} wrong. Older ones: at most {max(run.stale for run in runs)} stale "
        f"after a run. State: at most {max(run.state_bytes for run in runs):,} bytes."
    )
    for day, stream, key in wrong:
        tell(f"wrong after the run of {day}: {stream} {key}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
