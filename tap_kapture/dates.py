"""Dates: the day of a setting or bookmark, and the instants of Kapture's local date forms."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

Moment = str | tuple[int, ...]
"""A local time on the wire: text, or the parts of a calendar object."""

_MEMO_SIZE = 4_000
# Patterns are compiled where they are first used: --discover reads no date.
_STARTS_WITH_A_DAY = r"\d{4}-\d{2}-\d{2}"
_CLOCK = r"(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,6}))?)?"
_TO_THE_MINUTE = r"(\d\d)-(\d\d)-(\d{4}) (\d\d):(\d\d)"
"""The form of every date of a v2 ticket."""
_DAY_FIRST = rf"(?P<day>\d{{2}})-(?P<month>\d{{2}})-(?P<year>\d{{4}}) {_CLOCK}"
_YEAR_FIRST = rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}})[ T]{_CLOCK}"
_JAVA = (
    r"([A-Z][a-z]{2}) (\d{1,2}), (\d{4}),? "
    r"(\d{1,2}):(\d{2}):(\d{2})[ \u00a0\u202f]([AP]M)"
)
_WHOLE = r"\d{1,9}"
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, start=1)}
_CALENDAR_PARTS = itemgetter("year", "month", "dayOfMonth", "hourOfDay", "minute", "second")
_NOON = 12


def local_day(text: str, zone: tzinfo) -> date:
    """Return the day that a date, or the local day that a date-time stands for.

    Args:
        text: ISO 8601; a date-time without an offset is local already.
        zone: The account's zone.

    Returns:
        The day.

    Raises:
        ValueError: The text is no date and no date-time.
    """
    if not re.match(_STARTS_WITH_A_DAY, text, re.ASCII):
        msg = "not a date"
        raise ValueError(msg)
    import pendulum  # noqa: PLC0415 - a quarter of the start-up, and --discover needs no date

    parsed: object = pendulum.parse(text.strip(), exact=True, tz=zone)
    if isinstance(parsed, datetime):
        try:
            parsed = parsed.astimezone(zone)
        except OverflowError:
            msg = "out of range"
            raise ValueError(msg) from None
    if isinstance(parsed, date):
        return date(parsed.year, parsed.month, parsed.day)
    msg = "not a date"
    raise ValueError(msg)


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
    if match := _match(_TO_THE_MINUTE, text):
        day, month, year, hour, minute = map(int, match.groups())
        return _instant(year, month, day, hour, minute, zone=zone)
    if match := _match(_DAY_FIRST, text) or _match(_YEAR_FIRST, text):
        parts = (match[name] for name in ("year", "month", "day", "hour", "minute"))
        fraction = int((match["fraction"] or "0").ljust(6, "0"))
        return _instant(*map(int, parts), int(match["second"] or 0), fraction, zone=zone)
    msg = "not a date"
    raise ValueError(msg)


def _instant_of_java(text: str, zone: tzinfo) -> str:
    match = _match(_JAVA, text)
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


def _match(pattern: str, text: str) -> re.Match[str] | None:
    return _compiled(pattern).fullmatch(text)


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


def _whole(value: object) -> int:
    if value.__class__ is int:
        return value
    if not _match(_WHOLE, str(value)):
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
        return f"{(moment - offset).isoformat()}+00:00"  # type: ignore[operator]
    except OverflowError:
        msg = "out of range"
        raise ValueError(msg) from None
