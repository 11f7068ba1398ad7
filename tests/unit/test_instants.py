"""Every date form that Kapture sends becomes the right instant, and nothing else becomes one."""

from __future__ import annotations

import datetime as dt

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_samples import CALENDAR

from tap_kapture.shape import instants
from tap_kapture.shape.instants import calendar_parts, instant_of_text

UTC = dt.timezone.utc
KOLKATA = pendulum.timezone("Asia/Kolkata")
NEW_YORK = pendulum.timezone("America/New_York")
APIA = pendulum.timezone("Pacific/Apia")
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def instant_of_calendar(calendar: dict[str, object], zone: dt.tzinfo) -> str:
    return instants.instant_of_calendar(calendar_parts(calendar), zone)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("19-04-2024 14:19", "2024-04-19T08:49:00+00:00"),
        ("19-04-2024 14:19:07", "2024-04-19T08:49:07+00:00"),
        ("01-02-2024 00:00", "2024-01-31T18:30:00+00:00"),  # the first of February
        ("2020-05-23 12:11:08", "2020-05-23T06:41:08+00:00"),
        ("2020-05-23 12:37", "2020-05-23T07:07:00+00:00"),
        ("2020-05-23T12:37:01", "2020-05-23T07:07:01+00:00"),
        ("2020-05-23 12:37:01.5", "2020-05-23T07:07:01.500000+00:00"),
        ("2020-05-23 12:37:01.000042", "2020-05-23T07:07:01.000042+00:00"),
        ("May 2, 2024 4:15:42 PM", "2024-05-02T10:45:42+00:00"),
        ("May 2, 2024, 4:15:42 PM", "2024-05-02T10:45:42+00:00"),
        ("May 2, 2024, 4:15:42\u202fPM", "2024-05-02T10:45:42+00:00"),
        ("May 2, 2024 4:15:42\u00a0AM", "2024-05-01T22:45:42+00:00"),
        ("May 12, 2024 11:15:42 AM", "2024-05-12T05:45:42+00:00"),
        ("Feb 29, 2024 12:00:00 AM", "2024-02-28T18:30:00+00:00"),  # midnight
        ("Feb 29, 2024 12:59:00 AM", "2024-02-28T19:29:00+00:00"),
        ("Feb 29, 2024 1:00:00 AM", "2024-02-28T19:30:00+00:00"),
        ("Feb 29, 2024 12:00:00 PM", "2024-02-29T06:30:00+00:00"),  # noon
        ("Feb 29, 2024 12:59:00 PM", "2024-02-29T07:29:00+00:00"),
        ("Feb 29, 2024 1:00:00 PM", "2024-02-29T07:30:00+00:00"),
        ("Dec 31, 2024 11:59:59 PM", "2024-12-31T18:29:59+00:00"),
    ],
)
def test_each_known_form_is_read_in_the_account_zone(text: str, instant: str) -> None:
    assert instant_of_text(text, KOLKATA) == instant


@pytest.mark.parametrize("number", range(12))
def test_every_month_has_its_name_and_its_number(number: int) -> None:
    expected = dt.datetime(2024, number + 1, 15, 12, 0, tzinfo=UTC).isoformat()
    assert instant_of_text(f"{MONTHS[number]} 15, 2024 12:00:00 PM", pendulum.UTC) == expected
    assert instant_of_text(f"15-{number + 1:02}-2024 12:00", pendulum.UTC) == expected
    calendar: dict[str, object] = {**CALENDAR, "month": number, "dayOfMonth": 15, "hourOfDay": 12}
    calendar.update(minute=0, second=0)
    assert instant_of_calendar(calendar, pendulum.UTC) == expected


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-03-10 01:59", "2024-03-10T06:59:00+00:00"),
        ("2024-03-10 02:30", "2024-03-10T07:30:00+00:00"),  # skipped: moves forward
        ("2024-03-10 03:00", "2024-03-10T07:00:00+00:00"),
        ("2024-11-03 00:59", "2024-11-03T04:59:00+00:00"),
        ("2024-11-03 01:30", "2024-11-03T05:30:00+00:00"),  # repeated: the first
        ("2024-11-03 02:00", "2024-11-03T07:00:00+00:00"),
        ("03-11-2024 01:30", "2024-11-03T05:30:00+00:00"),
        ("Nov 3, 2024 1:30:00 AM", "2024-11-03T05:30:00+00:00"),
    ],
)
def test_dst_takes_the_first_of_two_and_moves_a_skipped_time_forward(
    text: str, instant: str
) -> None:
    assert instant_of_text(text, NEW_YORK) == instant


def test_dst_rules_hold_for_calendar_objects() -> None:
    skipped: dict[str, object] = {
        **CALENDAR,
        "month": 2,
        "dayOfMonth": 10,
        "hourOfDay": 2,
        "minute": 30,
        "second": 0,
    }
    assert instant_of_calendar(skipped, NEW_YORK) == "2024-03-10T07:30:00+00:00"
    repeated: dict[str, object] = {
        **CALENDAR,
        "month": 10,
        "dayOfMonth": 3,
        "hourOfDay": 1,
        "minute": 30,
        "second": 0,
    }
    assert instant_of_calendar(repeated, NEW_YORK) == "2024-11-03T05:30:00+00:00"


def test_a_calendar_object_counts_months_from_zero() -> None:
    assert instant_of_calendar(dict(CALENDAR), KOLKATA) == "2024-05-02T10:45:42+00:00"
    as_text: dict[str, object] = {name: str(value) for name, value in CALENDAR.items()}
    assert instant_of_calendar(as_text, KOLKATA) == "2024-05-02T10:45:42+00:00"


@pytest.mark.parametrize(
    "change",
    [
        {"month": 12},
        {"month": -1},
        {"dayOfMonth": 0},
        {"dayOfMonth": 31, "month": 3},
        {"hourOfDay": 24},
        {"second": 60},
        {"minute": 1.5},
        {"minute": None},
        {"minute": ""},
        {"minute": True},
        {"minute": "1_0"},
        {"minute": "\u0663"},
        {"year": 0},
        {"year": 10**30},
        {"year": []},
        {"zone": "IST"},
        {"millisecond": 0},
    ],
)
def test_a_calendar_object_of_another_form_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        instant_of_calendar({**CALENDAR, **change}, KOLKATA)


@pytest.mark.parametrize("missing", CALENDAR)
def test_a_calendar_object_without_one_of_its_keys_is_refused(missing: str) -> None:
    calendar = {name: value for name, value in CALENDAR.items() if name != missing}
    with pytest.raises(ValueError, match="not a calendar object"):
        instant_of_calendar(calendar, KOLKATA)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "0",
        "1713516540",
        "19/04/2024 14:19",
        "19-04-24 14:19",
        "9-4-2024 14:19",
        "2024-04-19",
        "2024-04-19 14",
        "2024-04-19 1:19",
        "2024-04-19 14:19 PM",
        "2024-04-19 14:19:00Z",
        "2024-04-19T14:19:00+05:30",
        "2024-04-19 14:19:00.1234567",
        "2024-04-19  14:19",
        " 2024-04-19 14:19",
        "2024-04-19 14:19\n",
        "2024-04-31 14:19",
        "2023-02-29 14:19",
        "2024-13-01 14:19",
        "13-13-2024 14:19",
        "0000-00-00 00:00:00",
        "2024-04-19 24:00",
        "2024-04-19 23:60",
        "2024-04-19 23:59:60",
        "0001-01-01 00:00",
        "\u0662\u0660\u0662\u0664-04-19 14:19",
        "may 2, 2024 4:15:42 PM",
        "MAY 2, 2024 4:15:42 PM",
        "Mai 2, 2024 4:15:42 PM",
        "June 2, 2024 4:15:42 PM",
        "May 2, 2024 0:15:42 PM",
        "May 2, 2024 13:15:42 PM",
        "May 2, 2024 16:15:42",
        "May 2, 2024 4:15 PM",
        "May 2, 2024 4:15:42 pm",
        "May 2, 2024 4:15:42PM",
        "May 32, 2024 4:15:42 PM",
        "May 2 2024 4:15:42 PM",
        "2 May 2024 4:15:42 PM",
    ],
)
def test_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        instant_of_text(text, KOLKATA)


def forms_of(local: dt.datetime) -> list[str]:
    """Write a local time in every form that carries seconds."""
    hour, half = local.hour % 12 or 12, "PM" if local.hour >= 12 else "AM"
    clock = f"{hour}:{local:%M:%S}"
    day = f"{MONTHS[local.month - 1]} {local.day}, {local.year:04}"
    return [
        f"{local.day:02}-{local.month:02}-{local.year:04} {local:%H:%M:%S}",
        f"{local.year:04}-{local.month:02}-{local.day:02} {local:%H:%M:%S}",
        f"{day} {clock} {half}",
        f"{day}, {clock}\u202f{half}",
    ]


@given(
    instant=st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2037, 12, 31)),  # noqa: DTZ001 - UTC, see below
    zone=st.sampled_from([KOLKATA, NEW_YORK, APIA, pendulum.timezone("Europe/London")]),
)
def test_an_instant_comes_back_from_every_form(instant: dt.datetime, zone: dt.tzinfo) -> None:
    instant = instant.replace(microsecond=0, tzinfo=UTC)
    local = instant.astimezone(zone)
    first = local.replace(fold=0).astimezone(UTC)
    calendar: dict[str, object] = {
        "year": local.year,
        "month": local.month - 1,
        "dayOfMonth": local.day,
        "hourOfDay": local.hour,
        "minute": local.minute,
        "second": local.second,
    }
    found = {instant_of_text(text, zone) for text in forms_of(local)}
    found.add(instant_of_calendar(calendar, zone))
    assert found == {first.isoformat()}
    assert first == instant or (local.fold == 1 and first < instant)
