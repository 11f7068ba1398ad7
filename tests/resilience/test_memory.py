"""Memory does not grow with the days of a load, nor with the records of a day."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING

import pytest
from memory_scene import measure
from resilience_kit import show

from sandbox import Account

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows does not tell a process's peak of resident memory"
)

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


@pytest.mark.parametrize(
    ("page_size", "most"),
    [
        pytest.param(500, 60 * MIB, id="pages_of_500"),
        # The largest pages take 7 MiB each, and some of them wait to be written.
        pytest.param(5000, 60 * MIB, id="pages_of_5000"),
    ],
)
def test_a_day_of_100_000_tickets_takes_little_more_memory_than_a_small_one(
    page_size: int, most: int, small: int, tmp_path: Path
) -> None:
    measured = measure(tmp_path, account(1, 100_000), end_date=END, page_size=page_size)
    assert measured.code == 0
    show(f"1 day x 100,000, pages of {page_size}: {(measured.peak - small) / MIB:+.1f} MiB")
    assert "tickets: 100000 records from 1 new" in measured.log
    assert measured.peak - small < most


def test_a_year_takes_no_more_memory_than_60_mib_over_a_day(small: int, tmp_path: Path) -> None:
    measured = measure(tmp_path, account(YEAR, 40), end_date=END, concurrency=8)
    assert measured.code == 0
    show(f"{YEAR} days x 40: {(measured.peak - small) / MIB:+.1f} MiB")
    assert f"tickets: {YEAR * 40} records from {YEAR} new" in measured.log
    assert measured.peak - small < 60 * MIB
