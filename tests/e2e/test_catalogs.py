"""What a catalog asks for in vain is told, and what it cannot mean is refused."""

from __future__ import annotations

import copy
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from still_account import ACCOUNT, NOW
from tap_process import Json, catalog_of, entry, pull, run_tap, select

from sandbox import Sandbox
from tap_kapture.errors import KaptureConfigError

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


# What it can't mean

ABSENT: Any = object()


def changed(catalog: Json, path: tuple[str | int, ...], value: object) -> Json:
    """A catalog with another value at a place, which is counted among its entries of tickets."""
    result = {"streams": [copy.deepcopy(entry(catalog, "tickets"))]}
    node: Any = result
    for part in path[:-1]:
        node = node[part]
    if value is ABSENT:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return result


FIRST = ("streams", 0)
TITLE = (*FIRST, "schema", "properties", "taskTitle")
ODD: list[tuple[tuple[str | int, ...], object, str]] = [
    (("streams",), None, "streams: must be of type array, not null"),
    (("streams",), {"tickets": {}}, "streams: must be of type array, not object"),
    (FIRST, "tickets", "streams.0: must be of type object, not string"),
    ((*FIRST, "tap_stream_id"), ABSENT, "streams.0.tap_stream_id: required, but not set"),
    ((*FIRST, "tap_stream_id"), "", "streams.0.tap_stream_id: must not be empty"),
    ((*FIRST, "schema"), ABSENT, "streams.0.schema: required, but not set"),
    ((*FIRST, "schema"), None, "streams.0.schema: must be of type object, not null"),
    ((*FIRST, "schema"), {}, "streams.0.schema.properties: required, but not set"),
    ((*FIRST, "schema", "properties"), {}, "streams.0.schema.properties: must not be empty"),
    (TITLE, True, "streams.0.schema.properties.taskTitle: must be of type object, not boolean"),
    (TITLE, {}, "streams.0.schema.properties.taskTitle.type: required, but not set"),
    ((*TITLE, "items"), [], "taskTitle.items: must be of type object, not array"),
    ((*FIRST, "metadata"), {}, "streams.0.metadata: must be of type array or null, not object"),
    ((*FIRST, "metadata", 3), None, "streams.0.metadata.3: must be of type object, not null"),
    ((*FIRST, "metadata", 3, "breadcrumb"), ABSENT, "streams.0.metadata.3.breadcrumb: required"),
    ((*FIRST, "metadata", 3, "breadcrumb"), "x", "metadata.3.breadcrumb: must be of type array"),
    ((*FIRST, "metadata", 3, "metadata", "selected"), "false", "selected: must be of type boolean"),
    ((*FIRST, "key_properties"), "ticketId", "streams.0.key_properties: must be of type array"),
    ((*FIRST, "replication_key"), 7, "streams.0.replication_key: must be of type string or null"),
    (
        (*FIRST, "replication_key"),
        "updated",
        "streams.0 (tickets).replication_key: 'updated' is no",
    ),
    (
        (*FIRST, "replication_method"),
        "LOG_BASED",
        "(tickets).replication_method: must be FULL_TABLE or INCREMENTAL, not 'LOG_BASED'",
    ),
]


@pytest.mark.parametrize(("path", "value", "told"), ODD, ids=[told[:50] for *_, told in ODD])
def test_a_catalog_that_means_nothing_is_refused_with_its_place(
    untouched: Sandbox, catalog: Json, path: tuple[str | int, ...], value: object, told: str
) -> None:
    with pytest.raises(KaptureConfigError) as caught:
        pull(untouched.config(), NOW, catalog=changed(catalog, path, value))
    line = str(caught.value)
    assert line.startswith("catalog: ")
    assert told in line
    assert "\n" not in line


def test_a_process_with_an_odd_catalog_ends_with_one_line(
    untouched: Sandbox, tmp_path: Path, catalog: Json
) -> None:
    odd = changed(catalog, (*FIRST, "schema"), ABSENT)
    output = run_tap(tmp_path, untouched.config(), at=NOW, catalog=odd)
    assert (output.code, output.lines) == (1, ())
    (line,) = output.errors()
    assert line.startswith("catalog: streams.0.schema: required, but not set. Correct it, or ")
    assert "Traceback" not in output.log


def test_a_catalog_nested_without_end_is_refused(untouched: Sandbox, catalog: Json) -> None:
    deep: Json = {"type": "object"}
    for _ in range(2_000):
        deep = {"type": "array", "items": deep}
    tickets = entry(catalog, "tickets")
    tickets["schema"]["properties"]["taskTitle"] = deep
    with pytest.raises(KaptureConfigError, match="nested beyond what can be read"):
        pull(untouched.config(), NOW, catalog={"streams": [tickets]})


PLACES = [
    *[("streams",), FIRST, TITLE],
    *[(*FIRST, key) for key in ("stream", "schema", "metadata", "key_properties", "row_count")],
    *[(*FIRST, "schema", key) for key in ("type", "properties", "required")],
    *[(*TITLE, key) for key in ("type", "items", "properties", "anyOf", "enum", "format")],
    *[(*FIRST, "metadata", 3, key) for key in ("breadcrumb", "metadata")],
    *[(*FIRST, "metadata", 3, "metadata", key) for key in ("selected", "inclusion")],
]
ANY = st.recursive(
    st.sampled_from([None, True, 0, "", "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("x"), inner),
    max_leaves=3,
)


@given(path=st.sampled_from(PLACES), value=ANY)
@examples(60, many=2_000)
def test_no_catalog_breaks_the_tap(
    shared: Sandbox, path: tuple[str | int, ...], value: object
) -> None:
    config = shared.config(start_date="2024-03-31")
    with suppress(KaptureConfigError):
        pull(config, NOW, catalog=changed(catalog_of(config), path, value))


# What it means all the same


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*FIRST, "metadata"), None),
        ((*FIRST, "metadata"), ABSENT),
        ((*FIRST, "metadata", 3, "metadata"), None),
        ((*FIRST, "metadata", 3, "metadata"), ABSENT),
        ((*FIRST, "stream"), "other"),
        ((*FIRST, "stream"), None),
        ((*FIRST, "replication_method"), "incremental"),
        ((*FIRST, "replication_method"), ""),
        ((*FIRST, "replication_key"), None),
        ((*FIRST, "replication_key"), ABSENT),
        ((*TITLE, "items"), None),
    ],
)
def test_what_a_catalog_leaves_out_without_harm_is_filled_in(
    shared: Sandbox, catalog: Json, path: tuple[str | int, ...], value: object
) -> None:
    usual = pull(shared.config(), NOW)
    output = pull(shared.config(), NOW, catalog=changed(catalog, path, value))
    assert output.table("tickets") == usual.table("tickets")
    assert output.bookmark("tickets")["replication_key"] == "date"
    again = pull(shared.config(), NOW, state=output.state, catalog=changed(catalog, path, value))
    assert len(again.records("tickets")) < len(output.records("tickets"))


def without_key(catalog: Json) -> Json:
    """A catalog that names no replication key, in neither of the two places."""
    for stream in catalog["streams"]:
        del stream["replication_key"]
        for each in stream["metadata"]:
            each["metadata"].pop("replication-key", None)
    return catalog


def test_an_incremental_stream_has_the_key_that_there_is(shared: Sandbox, catalog: Json) -> None:
    keyless = without_key(changed(catalog, (*FIRST, "replication_method"), "INCREMENTAL"))
    output = pull(shared.config(), NOW, catalog=keyless)
    assert output.bookmark("tickets")["replication_key"] == "date"


@pytest.mark.parametrize("method", ["FULL_TABLE", "full_table", " Full_Table "])
def test_a_full_table_reads_all_again_and_keeps_a_good_state(
    shared: Sandbox, catalog: Json, method: str
) -> None:
    full = without_key(changed(catalog, (*FIRST, "replication_method"), method))
    first = pull(shared.config(), NOW, catalog=full)
    again = pull(shared.config(), NOW, state=first.state, catalog=full)
    assert len(again.records("tickets")) == len(first.records("tickets"))
    for state in again.states:
        assert state["bookmarks"]["tickets"].get("replication_key", "date") == "date"
