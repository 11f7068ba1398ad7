"""The records of a day leave at one time, later than the last, and only if they changed."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import msgspec
import pytest

from tap_kapture.day.tally import DayFacts, Page, UnreadDay
from tap_kapture.errors import KaptureServerError
from tap_kapture.plan.planned import PlannedDay, Reason
from tap_kapture.pull.emission import Emission, Shaping
from tap_kapture.settings import checked
from tap_kapture.settings.declared import config_jsonschema
from tap_kapture.settings.table import TABLE
from tap_kapture.wire.endpoints import CONTACTS_ENDPOINT
from tap_kapture.wire.transport import Traffic

DAY = dt.date(2024, 5, 2)
LATER = "2999-01-01T00:00:00.000+00:00"
"""When the records last left, by a clock that was wrong."""
PAGE = Page([msgspec.Raw(b'{"id": 1}')], 9)


def planned(digest: str = "", emitted_at: str = "") -> PlannedDay:
    return PlannedDay(DAY, Reason.REREAD, digest, emitted_at)


def facts(digest: str) -> DayFacts:
    return DayFacts(1, 0, digest)


def test_a_day_that_was_never_read_leaves_as_it_comes() -> None:
    emission = Emission(planned())
    assert emission.take(PAGE) == [PAGE]
    left_at = emission.emitted_at
    assert emission.take(PAGE) == [PAGE]
    assert emission.end(facts("a")) == []
    assert emission.changed
    assert emission.emitted_at == left_at
    assert abs(left_at - dt.datetime.now(dt.timezone.utc)) < dt.timedelta(minutes=1)
    assert left_at.microsecond % 1000 == 0


def test_an_unchanged_day_keeps_the_time_when_it_left() -> None:
    emission = Emission(planned("a", LATER))
    assert emission.take(PAGE) == emission.end(facts("a")) == []
    assert not emission.changed
    assert emission.emitted_at == dt.datetime.fromisoformat(LATER)


@pytest.mark.parametrize("end", [facts("b"), UnreadDay(KaptureServerError("gone"))])
def test_a_changed_day_leaves_later_than_before_even_by_a_clock_that_went_back(
    end: DayFacts | UnreadDay,
) -> None:
    emission = Emission(planned("a", LATER))
    assert emission.take(PAGE) == []
    assert emission.end(end) == [PAGE]
    assert emission.changed
    assert emission.emitted_at > dt.datetime.fromisoformat(LATER)


def test_a_day_of_which_nothing_came_before_it_broke_off_did_not_leave() -> None:
    emission = Emission(planned("a", LATER))
    assert emission.end(UnreadDay(KaptureServerError("gone"))) == []
    assert not emission.changed
    assert emission.emitted_at == dt.datetime.fromisoformat(LATER)


def test_a_day_that_became_empty_changed_too() -> None:
    emission = Emission(planned("a", LATER))
    assert emission.end(facts("0")) == []
    assert emission.changed


def test_a_day_too_large_to_hold_leaves_before_its_end() -> None:
    emission = Emission(planned("a", LATER))
    large = Page(PAGE.rows, 20 * 2**20)
    assert emission.take(large) == []
    assert emission.take(large) == [large, large]
    assert emission.take(PAGE) == [PAGE]
    assert emission.end(facts("a")) == []
    assert emission.changed


def shaped(*records: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """The rows that contacts of customers become, and what is said of those that cannot be one."""
    defaults = {
        name: definition["default"]
        for name, definition in config_jsonschema(TABLE)["properties"].items()
        if "default" in definition
    }
    given = {"subdomain": "acme", "auth_token": "t", "start_date": "2024-01-01"}
    shaping = Shaping(CONTACTS_ENDPOINT, checked.parse({**defaults, **given}).account, Traffic())
    emission = Emission(planned())
    pages = emission.take(Page([msgspec.Raw(json.dumps(record).encode()) for record in records], 9))
    rows = [row for part in shaping.records(pages, emission) for row in part.rows]
    return rows, shaping.left_out()


def test_contacts_that_cannot_be_rows_are_counted() -> None:
    rows, left_out = shaped(
        {"id": 7, "contacts": [{"id": 70, "gender": "F"}, {"gender": "M"}, {"id": "x"}]},
        {"id": 8, "contacts": "none"},
        {"id": 9, "contacts": []},
        {"id": 10},
    )
    assert [(row["id"], row["customerId"], row["day"]) for row in rows] == [(70, 7, "2024-05-02")]
    assert left_out.startswith("2 without an id, and those of 1 records that are no list")


def test_a_key_of_a_contact_without_a_column_is_kept() -> None:
    rows, left_out = shaped({"id": 7, "contacts": [{"id": 70, "customerId": 5, "day": "x"}]})
    assert rows[0]["extra_fields"] == {"customerId": 5, "day": "x"}
    assert (rows[0]["customerId"], rows[0]["day"]) == (7, "2024-05-02")
    assert left_out == ""
