"""What a catalog asks for in vain is told, and what it cannot mean is refused."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from still_account import ACCOUNT, NOW
from tap_process import Json, catalog_of, entry, pull, run_tap, select

from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STREAMS = "customer_contacts, customers, pulled_days, tickets"
NOTHING = (
    "catalog: no stream is selected, so nothing is loaded. Select tickets, customers or "
    "customer_contacts (Meltano: select 'tickets.*'), or run without --catalog"
)


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox(ACCOUNT) as sandbox:
        yield sandbox


@pytest.fixture
def untouched(shared: Sandbox) -> Iterator[Sandbox]:
    """An account that must not be asked anything."""
    shared.clear()
    yield shared
    assert shared.requests == []


@pytest.fixture
def catalog(shared: Sandbox) -> Json:
    """The catalog as discovery gives it."""
    return catalog_of(shared.config())


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the tap warned of."""
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def deselected(catalog: Json) -> Json:
    for stream in catalog["streams"]:
        select(catalog, stream["tap_stream_id"], None, selected=False)
    return catalog


@pytest.mark.parametrize("change", ["empty", "no streams", "all deselected"])
def test_a_catalog_that_selects_nothing_is_told(
    untouched: Sandbox, tmp_path: Path, catalog: Json, change: str
) -> None:
    catalogs = {"empty": {}, "no streams": {"streams": []}, "all deselected": deselected(catalog)}
    output = run_tap(tmp_path, untouched.config(), at=NOW, catalog=catalogs[change])
    assert output.code == 0
    assert output.lines == ()
    assert output.log.count(NOTHING) == 1
    assert "there is no stream" not in output.log


def test_a_misspelled_stream_is_named_with_those_that_there_are(
    untouched: Sandbox, catalog: Json, caplog: pytest.LogCaptureFixture
) -> None:
    tickets = entry(catalog, "tickets")
    tickets["tap_stream_id"] = "tikets"
    pull(untouched.config(), NOW, catalog={"streams": [tickets]})
    assert warnings(caplog) == [
        f"catalog: there is no stream 'tikets'; there are {STREAMS}",
        NOTHING,
    ]


def test_a_stream_that_there_is_not_stops_no_other(
    shared: Sandbox, catalog: Json, caplog: pytest.LogCaptureFixture
) -> None:
    catalog["streams"] += [
        {**entry(catalog, "tickets"), "tap_stream_id": name} for name in ("b", "a")
    ]
    output = pull(shared.config(), NOW, catalog=catalog)
    assert len(output.records("tickets")) > 0
    assert warnings(caplog) == [f"catalog: there is no stream 'a', 'b'; there are {STREAMS}"]


def test_a_catalog_as_discovered_warns_of_nothing(
    shared: Sandbox, catalog: Json, caplog: pytest.LogCaptureFixture
) -> None:
    pull(shared.config(), NOW, catalog=catalog)
    pull(shared.config(), NOW)
    assert warnings(caplog) == []
