"""What a request asks for, and whether the account takes it."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.account.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.account.account import Stream
    from sandbox.quirks import Quirks

_START = {"tickets": "start_date", "customers": "createStartDate"}
_END = {"tickets": "end_date", "customers": "createEndDate"}
_LONGEST_WINDOW = 366


@dataclass(frozen=True)
class Asked:
    """A request, read as far as it can be."""

    stream: Stream
    body: object
    fields: Mapping[str, object] | None
    first: dt.date | None
    last: dt.date | None
    offset: int | None
    limit: int | None


def read(stream: Stream, raw: bytes) -> Asked:
    """Read a request's body; what is wrong or missing is None."""
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    fields = body
    if stream == "tickets":
        fields = body[0] if isinstance(body, list) and len(body) == 1 else None
    if not isinstance(fields, dict):
        return Asked(stream, body, None, None, None, None, None)
    first = _day(fields.get(_START[stream]))
    return Asked(
        stream=stream,
        body=body,
        fields=fields,
        first=first,
        last=_day(fields.get(_END[stream])) or first,
        offset=_whole(fields.get("offset")),
        limit=_whole(fields.get("limit")),
    )


def days_of(first: dt.date, last: dt.date, quirks: Quirks) -> tuple[dt.date, ...]:
    """The days of a request's window."""
    count = (last - first).days + (quirks.window == "inclusive")
    return tuple(first + n * DAY for n in range(count))


def problem(asked: Asked, quirks: Quirks) -> str | None:
    """The text for what is wrong with a request, if anything is."""
    if asked.fields is None:
        return "Invalid Json."
    if asked.first is None or asked.last is None:
        return "either start_date is null or blank"
    if _offset_refused(asked, asked.fields, quirks):
        return "offset is not allowed"
    if not _complete(asked, asked.fields, quirks):
        return "ReqFieldMissing"
    if _too_long((asked.last - asked.first).days, quirks):
        return "Date range should not be more than 24 hours"
    return None


def _offset_refused(asked: Asked, fields: Mapping[str, object], quirks: Quirks) -> bool:
    if quirks.offset == "refused":
        return "offset" in fields
    return quirks.offset == "refused_beyond_0" and bool(asked.offset)


def _too_long(days: int, quirks: Quirks) -> bool:
    """Whether the account takes no window with that many days between its dates."""
    if not quirks.host_window:
        return days > _LONGEST_WINDOW
    return days not in ({0} if quirks.window == "inclusive" else {0, 1})


def _complete(asked: Asked, fields: Mapping[str, object], quirks: Quirks) -> bool:
    """Whether a request has all that it needs, and numbers where it says how many rows."""
    needed = {"cm_id"} if asked.stream == "customers" else set()
    if quirks.paging_required:
        needed |= {"limit"} if quirks.offset == "refused" else {"limit", "offset"}
    readable = {"limit": asked.limit, "offset": asked.offset}
    sent = {name for name in fields if fields[name] not in (None, "")}
    return needed <= sent and all(readable[name] is not None for name in sent & set(readable))


def _day(value: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _whole(value: object) -> int | None:
    """A whole number, sent as a number or as text."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else None
