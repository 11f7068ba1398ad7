"""A setting or a bookmark that holds a date, or a date-time, stands for the right local day."""

from __future__ import annotations

import datetime as dt

import pendulum
import pytest

from tap_kapture.settings.dates import local_day

KOLKATA = pendulum.timezone("Asia/Kolkata")
NEW_YORK = pendulum.timezone("America/New_York")
APIA = pendulum.timezone("Pacific/Apia")


@pytest.mark.parametrize(
    ("text", "zone", "day"),
    [
        ("2024-05-03", KOLKATA, "2024-05-03"),
        (" 2024-05-03", KOLKATA, ""),
        ("2024-05-03 ", KOLKATA, "2024-05-03"),
        ("2024-05-03T23:30:00", KOLKATA, "2024-05-03"),
        ("2024-05-03T23:30:00Z", KOLKATA, "2024-05-04"),
        ("2024-05-03T23:30:00-04:00", NEW_YORK, "2024-05-03"),
        ("2024-05-03T03:30:00Z", NEW_YORK, "2024-05-02"),
        ("2011-12-30T10:00:00Z", APIA, "2011-12-31"),
        ("2024-02-29", KOLKATA, "2024-02-29"),
        ("2023-02-29", KOLKATA, ""),
        ("2024-05", KOLKATA, ""),
        ("2024-5-3", KOLKATA, ""),
        ("20240503", KOLKATA, ""),
        ("03-05-2024", KOLKATA, ""),
        ("2024-05-03/2024-05-04", KOLKATA, ""),
        ("2024-05-03T25:00:00", KOLKATA, ""),
        ("2024-05-03 later", KOLKATA, ""),
        ("0001-01-01T00:00:00+14:00", KOLKATA, ""),
        ("yesterday", KOLKATA, ""),
        ("", KOLKATA, ""),
    ],
)
def test_a_day_is_a_date_or_the_local_day_of_a_date_time(
    text: str, zone: dt.tzinfo, day: str
) -> None:
    if not day:
        with pytest.raises(ValueError, match=r"."):
            local_day(text, zone)
        return
    found = local_day(text, zone)
    assert found == dt.date.fromisoformat(day)
    assert type(found) is dt.date
