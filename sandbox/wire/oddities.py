"""The quirks that change what a record says: keys left out, added, or filled with nonsense."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING
from zlib import crc32

from sandbox.account.columns import COLUMNS, CONTACT, KEYS, TICKET_V1, Kind, Row, Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sandbox.account.account import Stream
    from sandbox.quirks import Quirks

_NEVER_MISSING = frozenset({"ticketId", "id", "date", "generationDate", "status", "contacts"})
_NEVER_BAD = frozenset({"ticketId", "taskId", "id", "date", "leadId"})
_BAD_DATES = ("31-02-2024 25:61", "soon")
_BAD_CALENDAR: Row = {"year": 2024, "month": 14, "dayOfMonth": 42, "hourOfDay": 99, "minute": 0}
_BAD_NUMBERS = ("n/a", "12 items")
_UNKNOWN: Row = {
    "loyalty_tier": "Gold plus",
    "branch code": 42,
    "isVip": True,
    "score": 12.5,
    "labels": ["first", 2, False],
    "custom": {"colour": "blue", "sizes": [38, 40]},
}
_INTEGERS = (Kind.INTEGER, Kind.TEXT_INTEGER)

telling = attrgetter(
    "ticket_dates",
    "nul_characters",
    "bad_dates",
    "bad_numbers",
    "missing_keys",
    "unknown_keys",
)
"""The quirks on which `as_sent` depends; all others change how a record travels."""


def as_sent(stream: Stream, row: Row, quirks: Quirks) -> Row:
    """What an account with these quirks says about a record, still by meaning.

    Args:
        stream: the record's stream.
        row: the whole record.
        quirks: of the account.

    Returns:
        The record without what it leaves out, to the precision it tells, with unknown keys, and
        with `Unreadable` values.
    """
    columns = COLUMNS[stream]
    key = str(row[KEYS[stream]])
    sent = {name: row[name] for name in columns}
    if stream == "tickets":
        sent = _first_version(sent) if quirks.ticket_dates == "v1" else _to_the_minute(sent)
    else:
        sent["contacts"] = [
            _odd(f"{key}/{contact['id']}", contact, CONTACT, quirks) for contact in _contacts(row)
        ]
    return _odd(key, sent, columns, quirks)


def _contacts(row: Row) -> list[Row]:
    contacts = row["contacts"]
    return contacts if isinstance(contacts, list) else []


def _to_the_minute(row: Row) -> Row:
    dates = [name for name, kind in COLUMNS["tickets"].items() if kind is Kind.MINUTE]
    return {**row, **{name: _minute(row[name]) for name in dates}}


def _minute(value: object) -> object:
    shown: datetime | None = value  # type: ignore[assignment]  # by its column's kind
    return shown and shown.replace(second=0, microsecond=0)


def _first_version(row: Row) -> Row:
    sent = {name: value for name, value in row.items() if name in TICKET_V1}
    return {**sent, "taskEnddate": _minute(row["taskEnddate"]), "sla status": row["slaStatus"]}


def _odd(key: str, row: Row, columns: Mapping[str, Kind], quirks: Quirks) -> Row:
    if quirks.nul_characters:
        row = {name: _with_nul(f"{key}/{name}", value) for name, value in row.items()}
    if quirks.bad_dates:
        row = {name: _bad_date(key, name, value, columns) for name, value in row.items()}
    if quirks.bad_numbers:
        row = {name: _bad_number(key, name, value, columns) for name, value in row.items()}
    if quirks.missing_keys:
        row = {name: row[name] for name in row if not _missing(key, name)}
    if quirks.unknown_keys:
        row = {**row, **{name: _UNKNOWN[name] for name in _UNKNOWN if _pick(key, name, 2) == 0}}
    return row


def _pick(key: str, name: str, choices: int) -> int:
    """A choice that depends on nothing but record and column."""
    return crc32(f"{key}/{name}".encode()) % choices


def _missing(key: str, name: str) -> bool:
    return name not in _NEVER_MISSING and _pick(key, name, 6) == 0


def _with_nul(key: str, value: object) -> object:
    if not isinstance(value, str) or not value.strip() or value.isdigit() or _pick(key, "nul", 4):
        return value
    middle = len(value) // 2
    return f"{value[:middle]}\0{value[middle:]}"


def _bad_date(key: str, name: str, value: object, columns: Mapping[str, Kind]) -> object:
    kind = columns.get(name)
    if name in _NEVER_BAD or _pick(key, name, 3):
        return value
    if kind is Kind.MINUTE:
        return Unreadable(_BAD_DATES[_pick(name, key, 2)])
    if kind is Kind.CALENDAR:
        return Unreadable((*_BAD_DATES, _BAD_CALENDAR)[_pick(name, key, 3)])
    return value


def _bad_number(key: str, name: str, value: object, columns: Mapping[str, Kind]) -> object:
    kind = columns.get(name)
    if name in _NEVER_BAD or _pick(name, key, 8):
        return value
    if kind in _INTEGERS or kind is Kind.NUMBER:
        return Unreadable(_BAD_NUMBERS[_pick(key, name, 2)])
    return value
