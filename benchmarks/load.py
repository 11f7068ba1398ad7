"""The account that a measurement reads, served by a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from benchmarks.process import ROOT, BenchmarkError, module

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST_DAY = date(2024, 1, 1)
QUIET_DAY = FIRST_DAY - timedelta(days=1)
"""A day before the account's first record."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the account holds and how it answers; nothing in it ever changes.

    Attributes:
        days: Days with records, from :data:`FIRST_DAY` on.
        tickets: Tickets of each day.
        customers: Customers of each day.
        latency: Seconds before each answer.
        page_size: Rows in a page.
    """

    days: int
    tickets: int = 0
    customers: int = 0
    latency: float = 0.0
    page_size: int = 500

    @property
    def last_day(self) -> date:
        """The last day with records."""
        return FIRST_DAY + timedelta(days=self.days - 1)


@dataclass(frozen=True, slots=True)
class Served:
    """An account that is being served, all its answers made and kept.

    Attributes:
        load: What it holds.
        config: Settings with which a tap reads all of it.
        pages: Folder of its answers, a folder for each stream in it.
    """

    load: Load
    config: dict[str, Any]
    pages: Path

    def days(self, count: int) -> dict[str, Any]:
        """Return settings with which a tap reads the first days only.

        Args:
            count: Of days.
        """
        return {**self.config, "end_date": str(FIRST_DAY + timedelta(days=count - 1))}

    def nothing(self) -> dict[str, Any]:
        """Return settings with which a tap finds nothing to read."""
        return {**self.config, "start_date": str(QUIET_DAY), "end_date": str(QUIET_DAY)}


@contextmanager
def serve(load: Load, folder: Path) -> Iterator[Served]:
    """Serve an account while the block lasts.

    Args:
        load: What it holds.
        folder: An empty folder for its answers.

    Yields:
        Where it is.

    Raises:
        BenchmarkError: The server did not start.
    """
    folder.mkdir()
    command = module("benchmarks.server", json.dumps(asdict(load)), str(folder))
    server = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr
    )
    with server:
        try:
            line = server.stdout.readline() if server.stdout else b""
            if not line:
                msg = "the sandbox did not start"
                raise BenchmarkError(msg)
            yield Served(load, json.loads(line), folder)
        finally:
            # The end of its standard input ends the server.
            if server.stdin:
                server.stdin.close()
            server.wait()
