"""How an account writes a record as JSON."""

from __future__ import annotations

import codecs
import json
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from sandbox.account.columns import COLUMNS, CONTACT, Kind, Row, Unreadable
from sandbox.wire.escaping import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sandbox.account.account import Stream
    from sandbox.quirks import Quirks

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_JAVA = {"java": (" ", " "), "java_comma": (", ", " "), "java_narrow": (", ", "\u202f")}
_NOON = 12


def record_json(stream: Stream, row: Row, quirks: Quirks) -> str:
    """A record, as the account tells it, as JSON text."""
    wired = _wired(row, COLUMNS[stream], _of_stream(stream, quirks))
    return json.dumps(wired, ensure_ascii=quirks.ascii_json, separators=(",", ":"))


@lru_cache(maxsize=64)
def _of_stream(stream: Stream, quirks: Quirks) -> Quirks:
    if stream == "tickets" and quirks.ticket_dates == "v1":
        return replace(quirks, numbers_as_text=True)
    return quirks


def encoded(body: str, quirks: Quirks) -> bytes:
    """A body in the account's charset; what that lacks is escaped in the JSON."""
    return body.encode(quirks.charset, "sandbox.json-escape")


def _json_escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error("sandbox.json-escape", _json_escape)


def _wired(row: Row, columns: Mapping[str, Kind], quirks: Quirks) -> Row:
    return {name: _value(columns.get(name), value, quirks) for name, value in row.items()}


def _value(kind: Kind | None, value: object, quirks: Quirks) -> object:
    if kind is None:
        return value
    if isinstance(value, Unreadable):
        return value.raw
    return _WRITERS[kind](value, quirks)


def _text(value: object, quirks: Quirks) -> object:
    if not isinstance(value, str):
        return value
    if quirks.text_as_numbers and value.isdigit() and str(int(value)) == value:
        return int(value)
    return escaped(value)


def _number(value: object, quirks: Quirks) -> object:
    if value is None:
        return ""
    return str(value) if quirks.numbers_as_text else value


def _integer_text(value: object, _: Quirks) -> object:
    return "" if value is None else str(value)


def _boolean(value: object, quirks: Quirks) -> object:
    if quirks.booleans == "text":
        return "true" if value else "false"
    if quirks.booleans == "digits":
        return "1" if value else "0"
    return value


def _minute(value: object, quirks: Quirks) -> object:
    if value is None:
        return ""
    shown: datetime = value  # type: ignore[assignment]  # by its column's kind
    if quirks.ticket_dates == "v2":
        return f"{shown:%d-%m-%Y %H:%M}"
    return f"{shown:%Y-%m-%d %H:%M:%S}"


def _java_date(value: object, quirks: Quirks) -> object:
    shown: datetime = value  # type: ignore[assignment]  # by its column's kind
    after_year, before_half = _JAVA[quirks.customer_dates]
    hour, half = shown.hour % _NOON or _NOON, "AM" if shown.hour < _NOON else "PM"
    day = f"{_MONTHS[shown.month - 1]} {shown.day}, {shown.year}"
    return f"{day}{after_year}{hour}:{shown:%M:%S}{before_half}{half}"


def _calendar(value: object, quirks: Quirks) -> object:
    if value is None:
        return None
    shown: datetime = value  # type: ignore[assignment]  # by its column's kind
    parts = {
        "year": shown.year,
        "month": shown.month - 1,
        "dayOfMonth": shown.day,
        "hourOfDay": shown.hour,
        "minute": shown.minute,
        "second": shown.second,
    }
    return {name: _number(part, quirks) for name, part in parts.items()}


def _within(value: object, quirks: Quirks) -> object:
    """The value with all text in it escaped, however deep."""
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, list):
        return [_within(item, quirks) for item in value]
    if isinstance(value, dict):
        return {name: _within(item, quirks) for name, item in value.items()}
    return value


def _texts(value: object, _: Quirks) -> object:
    if not isinstance(value, list):
        return value
    return [escaped(item) if isinstance(item, str) else item for item in value]


def _contacts(value: object, quirks: Quirks) -> object:
    if not isinstance(value, list):
        return value
    return [_wired(contact, CONTACT, quirks) for contact in value]


_WRITERS: Mapping[Kind, Callable[[object, Quirks], object]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _number,
    Kind.TEXT_INTEGER: _integer_text,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.MINUTE: _minute,
    Kind.JAVA_DATE: _java_date,
    Kind.CALENDAR: _calendar,
    Kind.TEXTS: _texts,
    Kind.FREE: _within,
    Kind.CONTACTS: _contacts,
}
