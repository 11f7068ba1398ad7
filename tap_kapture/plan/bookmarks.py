"""A stream's state: read it, advance it by one finished day, carry it over from older forms.

::

    {"replication_key": "date",
     "replication_key_value": "2024-05-03",      first day not yet closed and pulled
     "pulled_from": "2024-01-01",                days [pulled_from, value) are in the target
     "days": {"2024-04-11": {"open": 3, "digest": "9f2c...", "trouble": "unread",
                             "emitted_at": "2024-05-02T21:00:07.512+00:00"}},
                                                 days that will be read again
     "followed": {"from": "2024-02-03", "closed_statuses": ["closed"]},
                                                 since when open tickets are in "days"
     "dialect": {"turn": "rows", ...},           how the account pages
     "empty": true}                              no record ever came
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tap_kapture.errors import KaptureStateError
from tap_kapture.settings.dates import local_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import tzinfo

ONE_DAY = timedelta(days=1)
NOTHING = date.max
"""In place of a first day: no day at all."""
OPTIONAL_KEYS = ("followed", "dialect", "empty")
"""Keys of the state that are left out where there is nothing to say."""
UNREAD, UNSETTLED = "unread", "unsettled"
TROUBLES = (UNREAD, UNSETTLED)
"""Why a day may be missing from the target although the bookmark is past it."""


@dataclass(frozen=True, slots=True)
class LedgerDay:
    """What is remembered of a day that will be read again.

    Attributes:
        open: Tickets of that day that were not closed when it was last read.
        digest: Order-insensitive digest of the day's raw records; empty when it is not known.
        trouble: ``unread`` or ``unsettled`` for a day that is not whole in the target, else empty.
        emitted_at: When its records last left, as they hold it; empty when it is not known.
    """

    open: int
    digest: str
    trouble: str = ""
    emitted_at: str = ""

    def to_state(self) -> dict[str, Any]:
        """Return the entry as the state holds it."""
        entry = {"open": self.open, "digest": self.digest}
        rest = {"emitted_at": self.emitted_at, "trouble": self.trouble}
        return {**entry, **{name: text for name, text in rest.items() if text}}


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Which days are in the target, and which of them will be read again.

    Attributes:
        value: The first day not yet closed and pulled, or None before the first one.
        pulled_from: Days ``[pulled_from, value)`` are in the target; None as long as value is.
        days: The ledger, by day.
        followed_from: Open tickets of the days from here on are in the ledger; None if the state
            does not say, NOTHING if none are.
        closed_statuses: Statuses that counted as closed when the ledger was made; None if the
            state does not say.
        dialect: What the state holds of the account's dialect.
        empty: No record ever came, so nothing is known to be whole.
    """

    value: date | None = None
    pulled_from: date | None = None
    days: Mapping[date, LedgerDay] = field(default_factory=dict)
    followed_from: date | None = None
    closed_statuses: frozenset[str] | None = None
    dialect: Mapping[str, Any] | None = None
    empty: bool = False

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
        return replace(self, value=value, pulled_from=pulled_from, days=dict(sorted(days.items())))

    def holds(self, day: date) -> bool:
        """Whether the closed day is in the target."""
        if self.value is None or self.pulled_from is None:
            return False
        return self.pulled_from <= day < self.value

    def without(self, given_up: set[date]) -> Bookmark:
        """Return the bookmark with days dropped from the ledger."""
        kept = {day: entry for day, entry in self.days.items() if day not in given_up}
        return replace(self, days=kept)

    def up_to(self, first_unclosed: date) -> Bookmark:
        """Return the bookmark without days that can still get records.

        It holds such days when it was made with a clock or a zone that was wrong.
        """
        if self.value is None or self.value <= first_unclosed:
            return self
        days = {day: entry for day, entry in self.days.items() if day < first_unclosed}
        pulled_from = min(self.pulled_from or first_unclosed, first_unclosed)
        return replace(self, value=first_unclosed, pulled_from=pulled_from, days=days)

    def settled(self, days: set[date]) -> Bookmark:
        """Return the bookmark with days out of the ledger's trouble."""
        kept = {
            day: replace(entry, trouble="") if day in days else entry
            for day, entry in self.days.items()
        }
        return replace(self, days=kept)

    def troubled(self, days: Iterable[date]) -> Bookmark:
        """Return the bookmark with days marked as unsettled."""
        marked = {
            day: replace(self.days.get(day, LedgerDay(0, "")), trouble=UNSETTLED)
            for day in days
            if self.holds(day)
        }
        return replace(self, days=dict(sorted({**self.days, **marked}.items())))

    def to_state(self, replication_key: str) -> dict[str, Any]:
        """Return the keys that this tap writes into the stream's state."""
        if self.value is None or self.pulled_from is None:
            return {}
        state: dict[str, Any] = {
            "replication_key": replication_key,
            "replication_key_value": self.value.isoformat(),
            "pulled_from": self.pulled_from.isoformat(),
        }
        state["days"] = {day.isoformat(): entry.to_state() for day, entry in self.days.items()}
        if self.followed_from is not None:
            first = None if self.followed_from == NOTHING else self.followed_from.isoformat()
            state["followed"] = {
                "from": first,
                "closed_statuses": sorted(self.closed_statuses or ()),
            }
        if self.dialect is not None:
            state["dialect"] = dict(self.dialect)
        if self.empty:
            state["empty"] = True
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
    ledger, dialect = state.get("days"), state.get("dialect")
    followed_from, closed_statuses = _followed(state.get("followed"), zone)
    return Bookmark(
        value=value,
        pulled_from=min(pulled_from, value),
        days=_ledger(ledger, zone) if isinstance(ledger, dict) else {},
        followed_from=followed_from if isinstance(ledger, dict) else NOTHING,
        closed_statuses=closed_statuses,
        dialect=dialect if isinstance(dialect, dict) else None,
        empty=state.get("empty") is True,
    )


def _followed(raw: object, zone: tzinfo) -> tuple[date | None, frozenset[str] | None]:
    """Read since when, and by which statuses, open tickets were followed."""
    if not isinstance(raw, dict):
        return None, None
    first, statuses = raw.get("from"), raw.get("closed_statuses")
    known = frozenset(map(str, statuses)) if isinstance(statuses, list) else None
    return (NOTHING if first is None else _day(first, "followed", zone)), known


def _ledger(raw: dict[str, Any], zone: tzinfo) -> dict[date, LedgerDay]:
    """Read the ledger; an entry whose content is unknown is simply read again."""
    days = {}
    for name, entry in sorted(raw.items()):
        known = entry if isinstance(entry, dict) else {}
        count, digest, trouble = (known.get(name) for name in ("open", "digest", "trouble"))
        days[_day(name, "days", zone)] = LedgerDay(
            open=count if isinstance(count, int) else 0,
            digest=digest if isinstance(digest, str) else "",
            trouble=trouble if trouble in TROUBLES else "",
            emitted_at=_instant(known.get("emitted_at")),
        )
    return days


def _instant(raw: object) -> str:
    """Read when records left; empty if that is not known, so that they leave again."""
    try:
        known = datetime.fromisoformat(raw) if isinstance(raw, str) else None
    except ValueError:
        return ""
    return raw if isinstance(raw, str) and known and known.tzinfo else ""


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
