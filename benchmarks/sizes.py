"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.load import Load

RUNS = 3
"""Of each command, at least, for figures that mean something."""


def _cpu() -> Load:
    return Load(days=30, tickets=2000, customers=2000, page_size=5000)


def _latency() -> Load:
    return Load(days=365, tickets=40, latency=0.15)


def _pipe() -> Load:
    return Load(days=30, tickets=2000, page_size=5000)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Attributes:
        runs: Of each command.
        starts: Of each command where only the start is measured.
        cpu: What `cpu` reads.
        latency: What `latency` reads.
        scale: Numbers of days that `scale` reads, ascending.
        scale_tickets: Tickets of each of these days.
        big_day: Tickets of the one big day.
        pipe: What `pipe` loads.
    """

    runs: int = RUNS
    starts: int = 15
    cpu: Load = field(default_factory=_cpu)
    latency: Load = field(default_factory=_latency)
    scale: tuple[int, ...] = (1, 30, 120, 480)
    scale_tickets: int = 200
    big_day: int = 100_000
    pipe: Load = field(default_factory=_pipe)


QUICK = Sizes(
    runs=1,
    starts=1,
    cpu=Load(days=3, tickets=600, customers=600),
    latency=Load(days=16, tickets=40, latency=0.15),
    scale=(1, 2, 4, 8),
    scale_tickets=100,
    big_day=5_000,
    pipe=Load(days=2, tickets=300, page_size=5000),
)
"""Enough to see that everything works; the figures mean nothing."""
