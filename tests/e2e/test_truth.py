"""Whatever an account is like, the tap's output, folded by key, is what the account holds."""

from __future__ import annotations

import datetime as dt
import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from effort import examples, soak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from switches import HINTS, SWITCHES, values
from tap_process import (
    KEYS,
    Output,
    attempt,
    not_singer,
    not_the_truth,
    pull,
    run_tap,
    untruths,
)

from sandbox import Account, Fault, Quirks, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UTC = dt.timezone.utc
NOW = dt.datetime(2024, 3, 31, 6, 30, tzinfo=UTC)
ACCOUNT = Account(
    seed=3,
    first_day=dt.date(2024, 3, 25),
    now=NOW,
    tickets_per_day=7,
    customers_per_day=4,
    counts={
        "tickets": {dt.date(2024, 3, 27): 0, dt.date(2024, 3, 28): 1, dt.date(2024, 3, 29): 12},
        "customers": {dt.date(2024, 3, 27): 0, dt.date(2024, 3, 28): 1, dt.date(2024, 3, 29): 12},
    },
)
BUSY = Account(
    first_day=dt.date(2024, 3, 30),
    customers_per_day=300,
    counts={"tickets": {dt.date(2024, 3, 30): 2500, dt.date(2024, 3, 31): 1000}},
)
LARGE_PAGE = 500


def assert_the_truth(
    account: Account, quirks: Quirks, *, clean_text: bool = True, **config: object
) -> None:
    with Sandbox(account, quirks=quirks) as sandbox:
        output = pull(sandbox.config(clean_text=clean_text, **config), account.now)
        assert not_singer(output) == []
        assert not_the_truth(output, sandbox, clean_text=clean_text) == []
        assert {seen.stream for seen in sandbox.requests} == set(KEYS)


@pytest.mark.parametrize(
    "clean_text",
    [pytest.param(True, id="clean"), pytest.param(False, id="verbatim", marks=soak)],
)
@pytest.mark.parametrize("switch", SWITCHES)
def test_every_switch_of_an_account_leads_to_the_truth(
    switch: dict[str, Any], *, clean_text: bool
) -> None:
    assert_the_truth(ACCOUNT, Quirks(**switch), clean_text=clean_text, page_size=LARGE_PAGE)


@pytest.mark.parametrize("switch", SWITCHES)
def test_every_switch_leads_to_the_truth_when_days_take_several_pages(
    switch: dict[str, Any],
) -> None:
    assert_the_truth(ACCOUNT, Quirks(**switch), clean_text=False, page_size=4)


def test_a_day_that_fits_a_page_is_whole_in_any_order() -> None:
    quirks = Quirks(order="unstable", duplicates=True, total_count="filled")
    assert_the_truth(ACCOUNT, quirks, page_size=14)


def test_pages_that_all_hold_one_record_lead_to_the_truth() -> None:
    quirks = Quirks(single_object=True, empty_day="text_failed", failure_keys="capital")
    assert_the_truth(ACCOUNT, quirks, page_size=1)


def test_without_the_check_of_the_last_page_the_truth_takes_fewer_requests() -> None:
    account = Account(first_day=dt.date(2024, 3, 11), tickets_per_day=12, customers_per_day=12)
    counts = []
    for verify in (True, False):
        with Sandbox(account) as sandbox:
            output = pull(sandbox.config(verify_last_page=verify, page_size=5), NOW)
            assert not_the_truth(output, sandbox) == []
            counts.append(len(sandbox.requests))
    assert counts[1] < counts[0]


PAGING = ("offset", "limit", "page_cap", "window", "order", "total_count", "short_pages")
CAUSES = re.compile(
    r"fit no known way of paging|nothing turns the page|rows moved between pages"
    r"|Kapture announces \d+ records, but sends|pages came short before the last one"
    r"|how the account pages could not be learned|no day shows them in any known way of asking"
)
"""What an error may say of an account that cannot be read whole."""
ROWS = st.one_of(st.sampled_from([0, 1, 2, 3, 12]), st.integers(0, 60), st.integers(0, 200))


@st.composite
def accounts_of_every_kind(draw: st.DrawFn) -> tuple[Account, Quirks, dict[str, Any]]:
    """An account of a few days, how it answers, and how the tap is set to read it."""
    paging = {name: draw(st.sampled_from(values(HINTS[name]))) for name in PAGING}
    paging["page_cap"] = draw(st.one_of(st.none(), st.sampled_from([1, 3, 11, 40, 150])))
    others = {
        name: draw(st.sampled_from(values(hint)))
        for name, hint in HINTS.items()
        if name not in PAGING
    }
    zone = draw(st.sampled_from(["Asia/Kolkata", "America/New_York", "UTC", "Asia/Kathmandu"]))
    hours = draw(st.integers(0, 47))
    first_day = dt.date(2024, 3, 7)
    account = Account(
        seed=draw(st.integers(0, 999)),
        timezone=zone,
        first_day=first_day,
        now=dt.datetime(2024, 3, 10, tzinfo=UTC) + dt.timedelta(hours=hours),
        counts={
            stream: {first_day + dt.timedelta(days=number): draw(ROWS) for number in range(5)}
            for stream in KEYS
        },
    )
    sizes = st.one_of(st.sampled_from([1, 2, 7, 50, 100, 500, 5000]), st.integers(1, 5000))
    config = {
        "page_size": draw(sizes),
        "verify_last_page": draw(st.booleans()),
        "concurrency": draw(st.sampled_from([1, 2, 5])),
        "clean_text": draw(st.booleans()),
    }
    return account, Quirks(**{**others, **paging}), config


@pytest.mark.timeout(900)
@settings(
    examples(15, many=150),
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(accounts_of_every_kind())
def test_any_combination_of_switches_leads_to_the_truth_or_to_its_cause(
    example: tuple[Account, Quirks, dict[str, Any]],
) -> None:
    """Days that are over are whole, or the run fails and says why, or nothing came and it says so.

    Today is held back for the usual order of rows only: it is read again in every run, so rows that
    move on it are no failure yet.
    """
    account, quirks, config = example
    with Sandbox(account, quirks=quirks) as sandbox, warnings() as said:
        output, error = attempt(sandbox.config(**config), account.now)
        assert not_singer(output) == []
        clean_text = bool(config["clean_text"])
        lacking = {stream: lacks(output, sandbox, stream, clean_text) for stream in KEYS}
    if error is not None:
        assert CAUSES.search(str(error)), error
        return
    for stream in KEYS:
        nothing_came = f"{stream}: nothing came at all" in "\n".join(said)
        assert lacking[stream] == [] or (nothing_came and "'cm_id'" in "\n".join(said))


def lacks(output: Output, sandbox: Sandbox, stream: str, clean_text: bool) -> list[str]:  # noqa: FBT001 - a setting
    """Where a table differs from what the account holds of the days that are over."""
    today = sandbox.truth_of_day(stream, sandbox.today, clean_text=clean_text)
    truth = sandbox.truth(stream, clean_text=clean_text)
    table = output.table(stream)
    found = untruths({key: row for key, row in table.items() if key in truth}, truth)
    assert table.keys() <= truth.keys()
    if sandbox.quirks == Quirks():
        return found
    rest = {key: row for key, row in truth.items() if key not in today}
    return untruths({key: row for key, row in table.items() if key in rest}, rest)


@contextmanager
def warnings() -> Iterator[list[str]]:
    """What the tap warns of meanwhile."""
    said: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    handler, logger = Keeping(logging.WARNING), logging.getLogger("tap-kapture")
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)


DST_DAYS = [
    pytest.param("America/New_York", dt.date(2024, 3, 10), id="New_York-spring"),
    pytest.param("America/New_York", dt.date(2024, 11, 3), id="New_York-autumn"),
    pytest.param("Australia/Lord_Howe", dt.date(2024, 4, 7), id="Lord_Howe-half_an_hour"),
    pytest.param("Africa/Cairo", dt.date(2024, 4, 26), id="Cairo-no_midnight"),
    pytest.param("Asia/Kolkata", dt.date(2024, 3, 10), id="Kolkata-none"),
]


@pytest.mark.parametrize("quirks", [Quirks(), Quirks(ticket_dates="v1")], ids=["v2", "v1"])
@pytest.mark.parametrize(("zone", "day"), DST_DAYS)
def test_every_wall_time_becomes_the_right_instant(zone: str, day: dt.date, quirks: Quirks) -> None:
    account = Account(
        seed=11,
        timezone=zone,
        first_day=day - dt.timedelta(days=1),
        now=dt.datetime(day.year, day.month, day.day, tzinfo=UTC) + dt.timedelta(days=3),
        counts={stream: {day: 40} for stream in KEYS},
    )
    assert_the_truth(account, quirks)


def test_noon_midnight_and_the_zero_based_month_are_read_as_meant() -> None:
    """Against instants written by hand, so that not only two programs agree."""
    day = dt.date(2024, 1, 31)
    account = Account(
        timezone="America/New_York",
        first_day=day,
        now=dt.datetime(2024, 2, 2, tzinfo=UTC),
        static=True,
        counts={stream: {day: 8} for stream in KEYS},
    )
    with Sandbox(account) as sandbox:
        output = pull(sandbox.config(end_date=day.isoformat()), account.now)
    created = [record["generationDate"] for record in output.records("customers")]
    assert created[0] == "2024-01-31T05:00:00+00:00"
    assert "2024-01-31T17:00:00+00:00" in created
    assert "2024-01-31T17:59:07+00:00" in created
    assert "2024-02-01T04:59:59+00:00" in created
    contacts = [
        contact["generationDate"]
        for record in output.records("customers")
        for contact in record["contacts"]
    ]
    assert contacts
    assert set(contacts) <= set(created)
    assert [record["lastModificationTime"] for record in output.records("customers")] == created
    assert len(created) == 8


@pytest.mark.parametrize(
    ("account", "config"),
    [
        pytest.param(
            Account(first_day=dt.date(2024, 1, 1), tickets_per_day=1 / 7, customers_per_day=1 / 7),
            {},
            id="one_a_week",
        ),
        pytest.param(
            BUSY,
            {"page_size": 5000},
            id="2500_a_day_at_once",
        ),
        pytest.param(
            BUSY,
            {"page_size": 100, "concurrency": 8},
            id="2500_a_day_in_pages",
        ),
        pytest.param(
            Account(first_day=dt.date(2024, 3, 30), tickets_per_day=120, long_text=True),
            {"page_size": 50},
            id="long_texts",
        ),
    ],
)
def test_accounts_of_every_size_lead_to_the_truth(account: Account, config: dict[str, Any]) -> None:
    assert_the_truth(account, Quirks(), **config)


@pytest.mark.parametrize(
    "quirks",
    [
        Quirks(offset="ignored", limit="ignored"),
        Quirks(offset="ignored"),
        Quirks(page_cap=90, total_count="filled"),
        Quirks(page_cap=90, duplicates=True, order="shuffled"),
    ],
    ids=["paging_off", "offset_ignored", "capped", "doubles"],
)
def test_busy_days_lead_to_the_truth_however_they_are_paged(quirks: Quirks) -> None:
    account = Account(
        first_day=dt.date(2024, 3, 31), counts={s: {dt.date(2024, 3, 31): 900} for s in KEYS}
    )
    assert_the_truth(account, quirks, page_size=200)


def test_a_process_writes_the_truth_too_and_nothing_else(tmp_path: Path) -> None:
    quirks = Quirks(unknown_keys=True, bad_dates=True, bad_numbers=True, charset="iso-8859-1")
    with Sandbox(ACCOUNT, quirks=quirks) as sandbox:
        output = run_tap(tmp_path, sandbox.config(), at=NOW)
        assert output.code == 0
        assert not_singer(output) == []
        assert not_the_truth(output, sandbox) == []


def test_unknown_and_unreadable_values_are_kept_and_counted_without_being_shown(
    tmp_path: Path,
) -> None:
    quirks = Quirks(unknown_keys=True, bad_numbers=True)
    with Sandbox(ACCOUNT, quirks=quirks) as sandbox:
        output = run_tap(tmp_path, sandbox.config(), at=NOW)
    kept = [record["extra_fields"] for record in output.records("tickets")]
    count = sum("loyalty_tier" in extra for extra in kept if extra)
    assert count > 0
    assert f"'loyalty_tier' ({count})" in output.log
    assert "Gold plus" not in output.log
    assert "12 items" not in output.log


@pytest.mark.parametrize("stream", KEYS)
def test_bytes_that_are_no_text_are_replaced_and_counted(stream: str, tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        clean = pull(sandbox.config(), NOW)
        sandbox.faults = [Fault("bad_bytes", stream=stream)]
        output = run_tap(tmp_path, sandbox.config(), at=NOW)
    assert output.code == 0
    changed = [
        key for key, record in output.table(stream).items() if record != clean.table(stream)[key]
    ]
    assert len(changed) == 1
    assert "\ufffd" in str(output.table(stream)[changed[0]])
    assert "1 characters were not valid" in output.log
