"""Local time as an account tells it: wall clocks without a mark for summer or winter."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

UTC = dt.timezone.utc
DAY = dt.timedelta(days=1)


def wall(instant: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The wall time shown for an instant; in a repeated hour it stands for the first reading."""
    return instant.astimezone(zone).replace(fold=0)


def start_of(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """The instant, in UTC, at which a local day begins."""
    return dt.datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def at_second(day: dt.date, second: int, zone: ZoneInfo) -> dt.datetime:
    """A wall time that exists: one that the zone skips that day is moved forward."""
    shown = dt.datetime(day.year, day.month, day.day, tzinfo=zone) + dt.timedelta(seconds=second)
    return wall(shown.astimezone(UTC), zone)


def changes_clocks(day: dt.date, zone: ZoneInfo) -> bool:
    """Whether the zone's offset changes during a local day."""
    return start_of(day + DAY, zone) - start_of(day, zone) != DAY


@lru_cache(maxsize=64)
def skipped_walls(zone: ZoneInfo, year: int) -> tuple[dt.datetime, ...]:
    """Wall times at half past of a year that never happen, since the clocks jump over them."""
    first = dt.datetime(year, 1, 1, 0, 30, tzinfo=zone)
    walls = (first + dt.timedelta(hours=hour) for hour in range(365 * 24))
    return tuple(shown for shown in walls if shown != shown.astimezone(UTC).astimezone(zone))
