"""Memory does not grow with the days of a load, nor with the records of a day."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING

import pytest
from effort import soak
from memory_scene import measure
from resilience_kit import show

from sandbox import Account

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(
        sys.platform == "win32", reason="Windows does not tell a process's peak of resident memory"
    ),
]

UTC = dt.timezone.utc
YESTERDAY = dt.date(2024, 3, 30)
MIB = 1024 * 1024
YEAR = 365
END = YESTERDAY.isoformat()


def account(days: int, tickets: int) -> Account:
    """Return an account with so many tickets on each of the days up to yesterday."""
    window = [YESTERDAY - dt.timedelta(days=number) for number in range(days)]
    return Account(
        first_day=window[-1],
        now=dt.datetime(2024, 3, 31, 6, 30, tzinfo=UTC),
        static=True,
        counts={"tickets": dict.fromkeys(window, tickets)},
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> int:
    """The peak of a run over one day with 40 tickets."""
    measured = measure(tmp_path_factory.mktemp("small"), account(1, 40), end_date=END)
    assert measured.code == 0
    show(f"1 day x 40: {measured.peak / MIB:.1f} MiB")
    return measured.peak


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page_size", [500, 5000])
@pytest.mark.parametrize("tickets", [30_000, pytest.param(100_000, marks=soak)])
def test_a_large_day_takes_little_more_memory_than_a_small_one(
    tickets: int, page_size: int, small: int, tmp_path: Path
) -> None:
    """The largest pages take 7 MiB each, and some of them wait to be written."""
    measured = measure(tmp_path, account(1, tickets), end_date=END, page_size=page_size)
    assert measured.code == 0
    show(f"1 day x {tickets}, pages of {page_size}: {(measured.peak - small) / MIB:+.1f} MiB")
    assert f"tickets: {tickets} records from 1 new" in measured.log
    assert measured.peak - small < 60 * MIB


def test_a_year_takes_no_more_memory_than_60_mib_over_a_day(small: int, tmp_path: Path) -> None:
    measured = measure(tmp_path, account(YEAR, 40), end_date=END, concurrency=8)
    assert measured.code == 0
    show(f"{YEAR} days x 40: {(measured.peak - small) / MIB:+.1f} MiB")
    assert f"tickets: {YEAR * 40} records from {YEAR} new" in measured.log
    assert measured.peak - small < 60 * MIB
