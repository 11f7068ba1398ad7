"""A report without values: what an account sends, in names of keys, types and patterns."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_kapture.schemas import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_kapture.advice.seen import Seen
    from tap_kapture.schemas import Column

_TIMES = {"tat", "sla"}
"""Columns of text whose form says something: durations."""
_DIGIT, _LETTERS = re.compile(r"\d"), re.compile(r"[^\W\d_]+")
MOST_FORMS = 6


def report(seen: Seen, columns: tuple[Column, ...]) -> dict[str, Any]:
    """Return what came of an endpoint, without any value.

    Keys of records and contacts are named; what is in free objects is not looked at, because its
    keys are the account's own.

    Args:
        seen: What came.
        columns: The columns of its records.
    """
    return {
        "days": len(seen.rows),
        "answers": [
            {
                "limit": one.request.limit,
                "offset": one.request.offset,
                "days": (one.request.end - one.request.day).days + 1,
                "rows": one.rows,
            }
            for one in seen.asked
        ],
        "error": type(seen.error).__name__ if seen.error else None,
        "doubt": seen.doubt.kind if seen.doubt else None,
        "dialect": seen.dialect.to_state(),
        "confirmed": seen.dialect.confirmed,
        "fields": fields(list(seen.records()), columns),
    }


def fields(records: Iterable[dict[str, Any]], columns: tuple[Column, ...]) -> dict[str, Any]:
    """Return each key of records with how often each form of its values came.

    Args:
        records: The records, as they were sent.
        columns: The known columns.
    """
    known = {column.name: column for column in columns if not column.made}
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    inner: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        for name, value in record.items():
            column = known.get(name)
            has_form = column is not None and (column.kind is Kind.INSTANT or name in _TIMES)
            found[name][form(value, patterned=has_form)] += 1
            if column is not None and column.kind is Kind.OBJECTS and isinstance(value, list):
                inner[name] += [element for element in value if isinstance(element, dict)]
    told: dict[str, Any] = {
        (name if name in known else f"{name} (no column)"): dict(counts.most_common(MOST_FORMS))
        for name, counts in found.items()
    }
    for name, elements in inner.items():
        told[f"{name}[]"] = fields(elements, known[name].columns)
    return told


def form(value: object, *, patterned: bool) -> str:
    """Return the form of a value, never the value.

    Args:
        value: Any JSON value.
        patterned: Whether text is shown as a pattern, such as ``99-99-9999 99:99``.
    """
    if isinstance(value, str):
        return _form_of_text(value, patterned=patterned)
    if isinstance(value, dict):
        is_calendar = {"year", "month", "dayOfMonth"} <= value.keys()
        return "calendar object" if is_calendar else "object"
    if isinstance(value, list):
        kinds = sorted({form(element, patterned=False) for element in value})
        return f"list of {' or '.join(kinds)}" if kinds else "empty list"
    names = {bool: "boolean", int: "integer", float: "number", Decimal: "number"}
    return names.get(type(value), "null")


def _form_of_text(text: str, *, patterned: bool) -> str:
    if not text.strip():
        return "blank text"
    if patterned:
        return f"text {_LETTERS.sub('a', _DIGIT.sub('9', text.strip()))[:40]}"
    return "text of digits" if text.isdigit() else "text"
