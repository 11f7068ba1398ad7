"""`latency`: a year of quiet days, with an account that is far away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.load import serve
from benchmarks.process import compare, tell
from benchmarks.tables import table, times
from benchmarks.taps import KAPTURE, PLAIN, Workshop

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.sizes import Sizes

_CONCURRENCIES = (1, 8, 32)
_TITLES = ("tickets", "seconds", "vs plain", "vs concurrency 1", "CPU seconds", "peak MiB")


def measure(sizes: Sizes, folder: Path) -> str:
    """Measure the plain tap, and tap-kapture with one and with many requests in flight.

    Args:
        sizes: How much.
        folder: An empty folder for files.

    Returns:
        A Markdown table.
    """
    load, workshop = sizes.latency, Workshop(folder)
    with serve(load, folder / "account") as served:
        kapture = {
            _name(concurrency): workshop.command(
                KAPTURE,
                served.config,
                "tickets",
                concurrency=concurrency,
                verify_last_page=False,
            )
            for concurrency in _CONCURRENCIES
        }
        tell("latency: checking the number of records")
        workshop.expect(kapture[_name(_CONCURRENCIES[-1])], "tickets", load.days * load.tickets)
        plain_tap = workshop.command(PLAIN, served.config, "tickets")
        usages = compare({"plain tap": plain_tap, **kapture}, sizes.runs)
    plain, one = usages["plain tap"], usages[_name(_CONCURRENCIES[0])]
    rows = [
        [
            name,
            f"{usage.wall:.2f}",
            times(plain.wall, usage.wall),
            times(one.wall, usage.wall),
            f"{usage.cpu:.2f}",
            f"{usage.peak:.0f}",
        ]
        for name, usage in usages.items()
    ]
    title = (
        f"**latency**: {load.days} days of {load.tickets} tickets, {load.latency * 1000:.0f} ms "
        "before each answer, one request a day for all (`verify_last_page: false`), whole process; "
        f"medians of {sizes.runs} runs"
    )
    return f"{title}\n\n{table(_TITLES, rows)}"


def _name(concurrency: int) -> str:
    return f"tap-kapture, concurrency {concurrency}"
