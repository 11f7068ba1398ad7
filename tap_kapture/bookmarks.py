"""A stream's state: read it, advance it by one finished day, carry it over from older forms.

::

    {"replication_key": "date",
     "replication_key_value": "2024-05-03",      first day not yet closed and pulled
     "pulled_from": "2024-01-01",                days [pulled_from, value) are in the target
     "days": {"2024-04-11": {"open": 3, "digest": "9f2c..."}}}   days that will be read again
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tap_kapture.dates import local_day
from tap_kapture.errors import KaptureStateError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, tzinfo

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LedgerDay:
    """What is remembered of a day that will be read again.

    Attributes:
        open: Tickets of that day that were not closed when it was last read.
        digest: Order-insensitive digest of the day's raw records; empty when it is not known.
    """

    open: int
    digest: str


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Which days are in the target, and which of them will be read again.

    Attributes:
        value: The first day not yet closed and pulled, or None before the first one.
        pulled_from: Days ``[pulled_from, value)`` are in the target; None as long as value is.
        days: The ledger, by day.
        has_ledger: False for a state that was written without one.
    """

    value: date | None = None
    pulled_from: date | None = None
    days: Mapping[date, LedgerDay] = field(default_factory=dict)
    has_ledger: bool = True

    def finished(self, day: date, *, closed: bool, kept: LedgerDay | None) -> Bookmark:
        """Return the bookmark after all records of a day are out.

        A day extends the pulled range only where it touches it, so no order of days, and no crash
        between them, can make the bookmark claim a day that is not out.

        Args:
            day: The finished day.
            closed: Whether the day can get no more records.
            kept: The ledger entry when the day will be read again, else None.

        Returns:
            The new bookmark.
        """
        value = self.value if self.value is not None else day
        pulled_from = self.pulled_from if self.pulled_from is not None else day
        if day == value and closed:
            value = day + ONE_DAY
        elif day == pulled_from - ONE_DAY and closed:
            pulled_from = day
        days = {known: entry for known, entry in self.days.items() if known != day}
        if kept is not None and pulled_from <= day < value:
            days[day] = kept
        # Re-reads come first, so the ledger of a state that had none is whole behind the last one.
        has_ledger = self.has_ledger or not self.holds(day)
        return Bookmark(value, pulled_from, dict(sorted(days.items())), has_ledger)

    def holds(self, day: date) -> bool:
        """Whether the closed day is in the target."""
        if self.value is None or self.pulled_from is None:
            return False
        return self.pulled_from <= day < self.value

    def without(self, given_up: set[date]) -> Bookmark:
        """Return the bookmark with days dropped from the ledger."""
        kept = {day: entry for day, entry in self.days.items() if day not in given_up}
        return replace(self, days=kept)

    def to_state(self, replication_key: str) -> dict[str, Any]:
        """Return the keys that this tap writes into the stream's state."""
        if self.value is None or self.pulled_from is None:
            return {}
        state: dict[str, Any] = {
            "replication_key": replication_key,
            "replication_key_value": self.value.isoformat(),
            "pulled_from": self.pulled_from.isoformat(),
        }
        if self.has_ledger:
            state["days"] = {
                day.isoformat(): {"open": entry.open, "digest": entry.digest}
                for day, entry in self.days.items()
            }
        return state


def from_state(state: Mapping[str, Any], *, start_day: date, zone: tzinfo) -> Bookmark:
    """Read a stream's state, in this tap's form or an older or foreign one.

    Args:
        state: The stream's part of the Singer state.
        start_day: First day of the configuration; a bookmark that does not say where its range
            begins is taken to begin there.
        zone: The account's zone, in which a date-time bookmark is read as its local day.

    Returns:
        The bookmark; an empty one for an empty state.

    Raises:
        KaptureStateError: The bookmark, or a day of the ledger, is not a date.
    """
    raw = state.get("replication_key_value")
    if raw is None:
        return Bookmark()
    value = _day(raw, "replication_key_value", zone)
    raw_from = state.get("pulled_from")
    pulled_from = start_day if raw_from is None else _day(raw_from, "pulled_from", zone)
    ledger = state.get("days")
    return Bookmark(
        value=value,
        pulled_from=min(pulled_from, value),
        days=_ledger(ledger, zone) if isinstance(ledger, dict) else {},
        has_ledger=isinstance(ledger, dict),
    )


def _ledger(raw: dict[str, Any], zone: tzinfo) -> dict[date, LedgerDay]:
    """Read the ledger; an entry whose content is unknown is simply read again."""
    days = {}
    for name, entry in sorted(raw.items()):
        known = entry if isinstance(entry, dict) else {}
        count, digest = known.get("open"), known.get("digest")
        days[_day(name, "days", zone)] = LedgerDay(
            open=count if isinstance(count, int) else 0,
            digest=digest if isinstance(digest, str) else "",
        )
    return days


def _day(raw: object, key: str, zone: tzinfo) -> date:
    """Read a date, or a date-time as its local day."""
    try:
        return local_day(str(raw), zone)
    except ValueError:
        msg = (
            f"state: {key!r} holds {str(raw)[:40]!r}, which is no date. Write it as YYYY-MM-DD, or "
            "drop the stream's bookmark to start from 'start_date'"
        )
        raise KaptureStateError(msg) from None
