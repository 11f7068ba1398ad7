"""What a pull says, in order: whoever drives it writes, checkpoints, and stops between two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date

    from tap_kapture.plan.bookmarks import Bookmark


@dataclass(frozen=True, slots=True)
class Records:
    """Records to emit, all of one day.

    Attributes:
        rows: Each is what msgspec encodes as an object of the schema: a struct, or a dict.
        emitted_at: The time of extraction that all records of this emission of the day carry.
    """

    rows: list[Any]
    emitted_at: datetime


@dataclass(frozen=True, slots=True)
class DayRead:
    """A day was read and all its records are out: a row of the stream ``pulled_days``.

    Attributes are its columns, see :data:`tap_kapture.schemas.PULLED_DAYS`.
    """

    stream: str
    day: date
    records: int
    open: int | None
    announced: int | None
    reason: str
    closed: bool
    settled: bool
    changed: bool
    requests: int
    digest: str | None
    read_at: datetime
    emitted_at: datetime

    def row(self) -> dict[str, Any]:
        """Return the record of the schema."""
        return {
            "stream": self.stream,
            "day": self.day.isoformat(),
            "records": self.records,
            "open": self.open,
            "announced": self.announced,
            "reason": self.reason,
            "closed": self.closed,
            "settled": self.settled,
            "changed": self.changed,
            "requests": self.requests,
            "digest": self.digest,
            "read_at": instant(self.read_at),
            "emitted_at": instant(self.emitted_at),
        }


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All records before this are those that a bookmark speaks of.

    Attributes:
        bookmark: What may be written once they are out.
    """

    bookmark: Bookmark


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing came for a moment: time to write what waits, and to look whether to stop."""


Event = Records | DayRead | Checkpoint | Idle


def instant(moment: datetime) -> str:
    """Return an instant as records hold it: in UTC, to the millisecond.

    Some formats, such as Airbyte's, hold no finer one, and the same instant must stay the same.
    """
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")
