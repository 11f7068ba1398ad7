"""`cpu`: the work for each record, with an account that answers at once."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.load import serve
from benchmarks.process import compare, module, tell
from benchmarks.tables import rate, table, times
from benchmarks.taps import KAPTURE, PLAIN, STRPTIME, Workshop

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.load import Served
    from benchmarks.process import Usage
    from benchmarks.sizes import Sizes

_TAPS = {"plain tap": PLAIN, "plain tap, strptime": STRPTIME, "tap-kapture": KAPTURE}
_LIMIT = "msgspec alone"
_TITLES = (
    "records/s, whole process",
    "vs plain",
    "records/s, sync only",
    "vs plain",
    "of msgspec",
    "records per CPU second",
    "vs plain",
    "peak MiB",
)


def measure(sizes: Sizes, folder: Path) -> str:
    """Measure the plain tap, tap-kapture and msgspec alone on the same answers.

    Args:
        sizes: How much.
        folder: An empty folder for files.

    Returns:
        A Markdown table for each stream.
    """
    load = sizes.cpu
    sections = []
    with serve(load, folder / "account") as served:
        for stream, a_day in (("tickets", load.tickets), ("customers", load.customers)):
            records = a_day * load.days
            usages, loop = _usages(stream, records, served, sizes.runs, folder)
            title = (
                f"**cpu**: {load.days} days of {a_day:,} {stream}, page_size {load.page_size} for "
                f"all taps, no latency; medians of {sizes.runs} runs"
            )
            rows = _rows(records, usages, loop)
            sections.append(f"{title}\n\n{table((stream, *_TITLES), rows)}")
    return "\n\n".join(sections)


def _usages(
    stream: str, records: int, served: Served, runs: int, folder: Path
) -> tuple[dict[str, Usage], float]:
    """Return the usage of each command, and the seconds of msgspec's loop."""
    workshop = Workshop(folder)
    reading = {name: workshop.command(tap, served.config, stream) for name, tap in _TAPS.items()}
    tell(f"cpu, {stream}: checking that all taps write the same records")
    workshop.expect_same(reading, stream, records)
    idle = {
        _idle(name): workshop.command(tap, served.nothing(), stream) for name, tap in _TAPS.items()
    }
    report = folder / f"limit-{stream}.jsonl"
    limit = module("benchmarks.limit", str(served.pages / stream), str(report))
    usages = compare({**reading, _LIMIT: limit, **idle}, runs)
    results = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    return usages, median(result["seconds"] for result in results)


def _rows(records: int, usages: dict[str, Usage], loop: float) -> list[list[str]]:
    plain = usages["plain tap"]
    plain_sync = plain.beyond(usages[_idle("plain tap")])
    rows = []
    for name in _TAPS:
        whole, sync = usages[name], usages[name].beyond(usages[_idle(name)])
        row = [
            name,
            rate(records, whole.wall),
            times(plain.wall, whole.wall),
            rate(records, sync.wall),
            times(plain_sync.wall, sync.wall),
            times(loop, sync.wall, ".1%"),
            rate(records, sync.cpu),
            times(plain_sync.cpu, sync.cpu),
            f"{whole.peak:.0f}",
        ]
        rows.append(row)
    limit = usages[_LIMIT].wall
    whole_cells = [rate(records, limit), times(plain.wall, limit)]
    loop_cells = [rate(records, loop), times(plain_sync.wall, loop), "100.0%"]
    rows.append([_LIMIT, *whole_cells, *loop_cells, "", "", ""])
    return rows


def _idle(name: str) -> str:
    return f"{name}, nothing to read"
