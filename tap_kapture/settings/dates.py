"""The day that a setting or a bookmark stands for."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import tzinfo

_STARTS_WITH_A_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


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
    if not _STARTS_WITH_A_DAY.match(text):
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
