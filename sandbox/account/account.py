"""The account: its settings, and how many records are created on each day, and when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from sandbox.account.clock import UTC, at_second, changes_clocks

if TYPE_CHECKING:
    from collections.abc import Mapping

Stream = Literal["tickets", "customers"]
STREAMS: tuple[Stream, ...] = ("tickets", "customers")

_NEW_YEAR = dt.date(2024, 1, 1)
_SPRING = dt.datetime(2024, 3, 31, 6, 30, tzinfo=UTC)
_WEEK = (1.2, 1.15, 1.1, 1.05, 1.0, 0.8, 0.7)  # Monday to Sunday, 1.0 on average
_SECONDS_A_DAY = 24 * 60 * 60
# Midnight, noon, and the minutes before one and before midnight: where 12-hour clocks go wrong.
_TELLING = (0, 12 * 3600, 12 * 3600 + 59 * 60 + 7, 23 * 3600 + 59 * 60 + 59)
_NIGHT = (1800, 5400, 9000, 12600)  # half past 0, 1, 2 and 3: where clocks change


@dataclass(frozen=True)
class Account:
    """What makes one account differ from another; the same values give the same records.

    Attributes:
        seed: everything random derives from it.
        timezone: IANA name of the zone of all days and wall times.
        first_day: the local day of the account's first records.
        now: where the account's clock stands when it opens; aware.
        tickets_per_day: mean number of tickets created a day; 1/7 is one a week.
        customers_per_day: the same for customers.
        cm_id: the account id that customers requests must name.
        auth_token: the token that requests must carry.
        long_text: give every ticket a detail text of several thousand characters.
        static: nothing changes after its creation.
        counts: exact numbers of records for some days, by stream and day, instead of the mean.
    """

    seed: int = 0
    timezone: str = "Asia/Kolkata"
    first_day: dt.date = _NEW_YEAR
    now: dt.datetime = _SPRING
    tickets_per_day: float = 8.0
    customers_per_day: float = 3.0
    cm_id: int = 1000298
    auth_token: str = "sandbox-token"  # noqa: S105 - opens nothing but this sandbox
    long_text: bool = False
    static: bool = False
    counts: Mapping[str, Mapping[dt.date, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a clock without a zone.

        Raises:
            ValueError: `now` is naive, or `counts` names an unknown stream.
        """
        if self.now.tzinfo is None:
            message = "now must be an aware datetime, such as datetime(..., tzinfo=timezone.utc)"
            raise ValueError(message)
        if unknown := set(self.counts) - set(STREAMS):
            message = f"counts has no stream {sorted(unknown)}; the streams are {STREAMS}"
            raise ValueError(message)

    @property
    def zone(self) -> ZoneInfo:
        """The account's time zone."""
        return ZoneInfo(self.timezone)

    @cached_property
    def content(self) -> str:
        """All on which depends what is ever created: every field but the clock, as text."""
        return repr(replace(self, now=_SPRING))

    def generator(self, *names: object) -> Random:
        """A random generator of its own for a purpose, such as a stream's day."""
        return Random("/".join(map(str, (self.seed, *names))))

    def created(self, stream: Stream, day: dt.date) -> list[dt.datetime]:
        """When a day's records are created: wall times that exist, ascending."""
        rng = self.generator(stream, day, "created")
        count = self._count(stream, day, rng)
        zone = self.zone
        telling = [*_TELLING, *_NIGHT] if changes_clocks(day, zone) else list(_TELLING)
        rng.shuffle(telling)
        chosen = telling[: (count + 1) // 2]
        seconds = chosen + [rng.randrange(_SECONDS_A_DAY) for _ in range(count - len(chosen))]
        walls = sorted(at_second(day, second, zone) for second in seconds)
        return [shown for shown in walls if shown.date() == day]

    def _count(self, stream: Stream, day: dt.date, rng: Random) -> int:
        if day < self.first_day:
            return 0
        exact = self.counts.get(stream, {}).get(day)
        if exact is not None:
            return exact
        mean = self.tickets_per_day if stream == "tickets" else self.customers_per_day
        expected = mean * _WEEK[day.weekday()] * rng.uniform(0.6, 1.4)
        return int(expected + rng.random())
