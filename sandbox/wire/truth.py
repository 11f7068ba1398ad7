"""What a warehouse should hold of a record, derived from what the record means."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.account.clock import UTC
from sandbox.account.columns import CONTACT, Kind, Row, Unreadable
from sandbox.wire.escaping import escaped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_DATES = (Kind.MINUTE, Kind.JAVA_DATE, Kind.CALENDAR)


def warehouse_record(columns: Mapping[str, Kind], row: Row, *, clean_text: bool) -> Row:
    """The expected record: every column, and the rest in `extra_fields`.

    Args:
        columns: of the record's stream, or of a contact.
        row: the record as the account tells it, by meaning.
        clean_text: text as meant, blanks as None; otherwise text as written on the wire.
    """
    record: Row = dict.fromkeys(columns)
    extra: Row = {}
    for name, value in row.items():
        kind = columns.get(name)
        if kind is None:
            extra[name] = _text_within(value, clean_text=True) if clean_text else value
        elif isinstance(value, Unreadable):
            extra[name] = value.raw
        else:
            record[name] = _stored(kind, value, clean_text=clean_text)
    record["extra_fields"] = extra or None
    return record


def _stored(kind: Kind, value: object, *, clean_text: bool) -> object:
    if value is None:
        return None
    if kind in _DATES:
        shown: datetime = value  # type: ignore[assignment]  # by its column's kind
        return shown.astimezone(UTC).isoformat()
    if kind is Kind.TEXTS and isinstance(value, list):
        return [_element(item, clean_text=clean_text) for item in value]
    if kind is Kind.CONTACTS and isinstance(value, list):
        return [warehouse_record(CONTACT, item, clean_text=clean_text) for item in value]
    return _text_within(value, clean_text=clean_text)


def _element(item: object, *, clean_text: bool) -> object:
    if isinstance(item, str):
        return _text(item, clean_text=clean_text)
    return json.dumps(item, ensure_ascii=False, separators=(",", ":"))


def _text_within(value: object, *, clean_text: bool) -> object:
    """The value with all text in it, however deep, as it should be stored."""
    if isinstance(value, str):
        return _text(value, clean_text=clean_text)
    if isinstance(value, list):
        return [_text_within(item, clean_text=clean_text) for item in value]
    if isinstance(value, dict):
        return {name: _text_within(item, clean_text=clean_text) for name, item in value.items()}
    return value


def _text(plain: str, *, clean_text: bool) -> str | None:
    if not clean_text:
        return escaped(plain)
    if not plain.strip():
        return None
    return plain.replace("\0", "")
