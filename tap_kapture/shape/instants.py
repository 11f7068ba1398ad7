"""The instants of Kapture's local times: the forms in which tickets and customers hold them."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

Moment = str | tuple[int, ...]
"""A local time on the wire: text, or the parts of a calendar object."""

_MEMO_SIZE = 4_000
_CLOCK = r"(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,6}))?)?"
_TO_THE_MINUTE = re.compile(r"(\d\d)-(\d\d)-(\d{4}) (\d\d):(\d\d)", re.ASCII)
"""The form of every date of a v2 ticket."""
_DAY_FIRST = re.compile(
    rf"(?P<day>\d{{2}})-(?P<month>\d{{2}})-(?P<year>\d{{4}}) {_CLOCK}", re.ASCII
)
_YEAR_FIRST = re.compile(
    rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}})[ T]{_CLOCK}", re.ASCII
)
_JAVA = re.compile(
    r"([A-Z][a-z]{2}) (\d{1,2}), (\d{4}),? "
    r"(\d{1,2}):(\d{2}):(\d{2})[ \u00a0\u202f]([AP]M)",
    re.ASCII,
)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, start=1)}
_CALENDAR_PARTS = itemgetter("year", "month", "dayOfMonth", "hourOfDay", "minute", "second")
_NOON = 12


def instants_in(zone: tzinfo) -> Callable[[Moment], str]:
    """Return what reads local times of a zone and remembers them: a day repeats its minutes.

    Args:
        zone: The account's zone.

    Returns:
        A function of a text without blanks around it, or of what :func:`calendar_parts` returns;
        see :func:`instant_of_text`.
    """

    @lru_cache(_MEMO_SIZE)
    def instant(moment: Moment) -> str:
        if isinstance(moment, str):
            return instant_of_text(moment, zone)
        return instant_of_calendar(moment, zone)

    return instant


def instant_of_text(text: str, zone: tzinfo) -> str:
    """Return the instant of a local time in one of the forms that Kapture sends.

    Tickets v2 send ``19-04-2024 14:19``, tickets v1 ``2020-05-23 12:11:08`` and
    ``2020-05-23 12:37``, customers Java's ``May 2, 2024 4:15:42 PM``; newer JVMs put a comma behind
    the year and U+202F before AM and PM.

    Args:
        text: The local time, without blanks around it.
        zone: The account's zone.

    Returns:
        RFC 3339 in UTC. A time that DST repeats is its first occurrence; one that DST skips moves
        forward by the skipped span.

    Raises:
        ValueError: The text has none of these forms, or is no date of the calendar.
    """
    if text[:1].isalpha():
        return _instant_of_java(text, zone)
    if match := _TO_THE_MINUTE.fullmatch(text):
        day, month, year, hour, minute = map(int, match.groups())
        return _instant(year, month, day, hour, minute, zone=zone)
    if match := _DAY_FIRST.fullmatch(text) or _YEAR_FIRST.fullmatch(text):
        parts = (match[name] for name in ("year", "month", "day", "hour", "minute"))
        fraction = int((match["fraction"] or "0").ljust(6, "0"))
        return _instant(*map(int, parts), int(match["second"] or 0), fraction, zone=zone)
    msg = "not a date"
    raise ValueError(msg)


def _instant_of_java(text: str, zone: tzinfo) -> str:
    match = _JAVA.fullmatch(text)
    name, *numbers, half = match.groups() if match else ("", 0, 0, 0, 0, 0, "")
    day, year, hour, minute, second = map(int, numbers)
    if name not in _MONTHS or not 1 <= hour <= _NOON:
        msg = "not a date"
        raise ValueError(msg)
    hour = hour % _NOON + (_NOON if half == "PM" else 0)
    return _instant(year, _MONTHS[name], day, hour, minute, second, zone=zone)


def calendar_parts(calendar: dict[str, object]) -> tuple[int, ...]:
    """Return the parts of a Java calendar object, whose month counts from zero.

    Args:
        calendar: The six keys ``year``, ``month``, ``dayOfMonth``, ``hourOfDay``, ``minute`` and
            ``second``, as numbers or as text.

    Returns:
        The parts in this order.

    Raises:
        ValueError: Other keys, or values that are no whole numbers.
    """
    try:
        parts = _CALENDAR_PARTS(calendar)
    except KeyError:
        parts = ()
    if len(parts) != len(calendar):
        msg = "not a calendar object"
        raise ValueError(msg)
    return tuple(map(_whole, parts))


def instant_of_calendar(parts: tuple[int, ...], zone: tzinfo) -> str:
    """Return the instant of a Java calendar object.

    Args:
        parts: As :func:`calendar_parts` returns them.
        zone: The account's zone.

    Returns:
        RFC 3339 in UTC, as :func:`instant_of_text`.

    Raises:
        ValueError: No date of the calendar.
    """
    year, month, *rest = parts
    return _instant(year, month + 1, *rest, zone=zone)


def _whole(value: object) -> int:
    if value.__class__ is int:
        return value
    if not _WHOLE.fullmatch(str(value)):
        msg = "not a whole number"
        raise ValueError(msg)
    return int(str(value))


def _instant(*local: int, zone: tzinfo) -> str:
    """Return RFC 3339 in UTC; fold 0 is what gives DST its two rules."""
    try:
        # The parts come from a match or six keys: year to second, at most a fraction behind.
        moment = datetime(*local)  # type: ignore[arg-type]  # noqa: DTZ001 - local, the zone follows
        offset = zone.utcoffset(moment)
        # The offset is written here: a datetime that knows its zone takes twice as long to write.
        return f"{(moment - offset).isoformat()}+00:00"  # type: ignore[operator] # never None
    except OverflowError:
        msg = "out of range"
        raise ValueError(msg) from None
