"""`start`: what a run costs before its first record."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from benchmarks.load import Load, serve
from benchmarks.process import compare, run
from benchmarks.tables import table
from benchmarks.taps import EMPTY, KAPTURE, PLAIN, Workshop

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.process import Usage
    from benchmarks.sizes import Sizes

_TITLES = ("start", "ms", "vs empty", "CPU ms", "vs empty", "peak MiB")
_NAMES = {EMPTY: "empty SDK tap", PLAIN: "plain tap", KAPTURE: "tap-kapture"}


def measure(sizes: Sizes, folder: Path) -> str:
    """Measure `--discover` and a run that finds nothing, beside those of an empty SDK tap.

    Args:
        sizes: How much.
        folder: An empty folder for files.

    Returns:
        A Markdown table.
    """
    workshop = Workshop(folder)
    with serve(Load(days=1, tickets=1), folder / "account") as served:
        today = datetime.now(ZoneInfo(served.config["timezone"])).date()
        config = {**served.config, "start_date": str(today)}
        del config["end_date"]
        configs = {EMPTY: {}, PLAIN: config, KAPTURE: config}
        streams = {EMPTY: "empty", PLAIN: "tickets", KAPTURE: "tickets"}
        discoveries = {
            f"{name}, --discover": workshop.discovery(tap, configs[tap])
            for tap, name in _NAMES.items()
        }
        runs = {
            f"{name}, nothing to read": workshop.command(tap, configs[tap], streams[tap])
            for tap, name in _NAMES.items()
        }
        commands = {**discoveries, **runs}
        for command in commands.values():
            run(command)  # the first one compiles, and fills the caches of the system
        usages = compare(commands, sizes.starts)
    rows = [
        _row(name, usages[name], usages[next(iter(group))])
        for group in (discoveries, runs)
        for name in group
    ]
    title = f"**start**: whole processes; medians of {sizes.starts} runs"
    return f"{title}\n\n{table(_TITLES, rows)}"


def _row(name: str, usage: Usage, empty: Usage) -> list[str]:
    return [
        name,
        f"{usage.wall * 1000:.0f}",
        f"{usage.wall / empty.wall:.2f}",
        f"{usage.cpu * 1000:.0f}",
        f"{usage.cpu / empty.cpu:.2f}",
        f"{usage.peak:.0f}",
    ]
