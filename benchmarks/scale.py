"""`scale`: whether time per day and memory stay the same, however long and large the run."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.load import Load, serve
from benchmarks.process import compare, tell
from benchmarks.tables import lasting, rate, table
from benchmarks.taps import KAPTURE, Workshop

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.process import Command, Usage
    from benchmarks.sizes import Sizes

_IDLE = "nothing to read"
_TITLES = (
    "days of tickets",
    "seconds",
    "ms per day",
    "CPU ms per day",
    "records/s",
    "peak MiB",
    "MiB beyond 1 day",
)


@dataclass(frozen=True, slots=True)
class _Case:
    """A number of days with a number of tickets each."""

    days: int
    tickets: int
    command: Command

    @property
    def name(self) -> str:
        return f"{self.days} of {self.tickets:,}"

    @property
    def records(self) -> int:
        return self.days * self.tickets


def measure(sizes: Sizes, folder: Path) -> str:
    """Measure tap-kapture on few and many days, and on a very large one.

    Args:
        sizes: How much.
        folder: An empty folder for files.

    Returns:
        A Markdown table.
    """
    workshop = Workshop(folder)
    many = Load(days=sizes.scale[-1], tickets=sizes.scale_tickets)
    big = Load(days=1, tickets=sizes.big_day)
    with ExitStack() as servers:
        served = servers.enter_context(serve(many, folder / "many"))
        served_big = servers.enter_context(serve(big, folder / "big"))
        cases = [
            _Case(days, many.tickets, workshop.command(KAPTURE, served.days(days), "tickets"))
            for days in sizes.scale
        ]
        cases.append(_Case(1, big.tickets, workshop.command(KAPTURE, served_big.config, "tickets")))
        tell("scale: checking the number of records")
        for case in cases:
            workshop.expect(case.command, "tickets", case.records)
        idle = workshop.command(KAPTURE, served.nothing(), "tickets")
        usages = compare({**{case.name: case.command for case in cases}, _IDLE: idle}, sizes.runs)
    rows = [_row(case, usages[case.name], usages[_IDLE], usages[cases[0].name]) for case in cases]
    title = (
        f"**scale**: tap-kapture, page_size {many.page_size}, no latency, times without those of "
        f"a run that finds nothing; medians of {sizes.runs} runs"
    )
    return f"{title}\n\n{table(_TITLES, rows)}"


def _row(case: _Case, usage: Usage, idle: Usage, one_day: Usage) -> list[str]:
    sync = usage.beyond(idle)
    return [
        case.name,
        lasting(sync.wall),
        lasting(sync.wall / case.days * 1000),
        lasting(sync.cpu / case.days * 1000),
        rate(case.records, sync.wall),
        f"{usage.peak:.1f}",
        f"{usage.peak - one_day.peak:+.1f}",
    ]
