"""What a catalog, the SDK's own settings and the API ask for is what is asked and written."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from still_account import ACCOUNT, DAY, FIRST, NOW, TODAY
from tap_process import (
    KEYS,
    Json,
    Output,
    asked,
    catalog_of,
    days,
    entry,
    not_singer,
    not_the_truth,
    pull,
    run_tap,
    select,
    untruths,
    without_time,
)

from sandbox import Fault
from tap_kapture.errors import KaptureConfigError

if TYPE_CHECKING:
    from sandbox import Sandbox


def test_deselected_columns_are_in_neither_schema_nor_records(still: Sandbox) -> None:
    catalog = catalog_of(still.config())
    select(catalog, "tickets", "detail", selected=False)
    select(catalog, "customers", "contacts", selected=False)
    output = pull(still.config(), NOW, catalog=catalog)
    assert not_singer(output) == []
    for stream, column in {"tickets": "detail", "customers": "contacts"}.items():
        assert column not in output.schema(stream)["properties"]
        assert untruths(output.table(stream), without(column, still.truth(stream))) == []


def without(column: str, truth: dict[object, dict[str, object]]) -> dict[object, Json]:
    return {
        key: {name: value for name, value in record.items() if name != column}
        for key, record in truth.items()
    }


@pytest.mark.parametrize(("stream", "other"), [("tickets", "customers"), ("customers", "tickets")])
def test_a_deselected_stream_is_neither_asked_for_nor_written(
    still: Sandbox, stream: str, other: str
) -> None:
    catalog = catalog_of(still.config())
    select(catalog, stream, None, selected=False)
    output = pull(still.config(), NOW, catalog=catalog)
    assert asked(still, stream) == []
    assert {m.get("stream", other) for m in output.messages} == {other, "pulled_days"}
    assert {row["stream"] for row in output.records("pulled_days")} == {other}
    assert untruths(output.table(other), still.truth(other)) == []


def test_stream_maps_rename_filter_and_remove(still: Sandbox) -> None:
    maps = {
        "tickets": {
            "subject": "taskTitle",
            "taskTitle": "__NULL__",
            "__filter__": "status == 'Complete'",
        },
        "customers": "__NULL__",
    }
    output = pull(still.config(stream_maps=maps), NOW)
    truth = {
        key: {**record, "subject": record["taskTitle"]}
        for key, record in still.truth("tickets").items()
        if record["status"] == "Complete"
    }
    assert truth
    assert untruths(output.table("tickets"), without("taskTitle", truth)) == []
    assert output.records("customers") == []
    assert not_singer(output) == []
    assert output.bookmark("tickets")["replication_key_value"] == TODAY.isoformat()


def test_flattening_writes_objects_as_text_that_holds_the_same(still: Sandbox) -> None:
    config = still.config(flattening_enabled=True, flattening_max_depth=2)
    output = pull(config, NOW)
    assert not_singer(output) == []
    nested = {"tickets": ("additional_info", "attachments"), "customers": ("contacts",)}
    for stream, columns in nested.items():
        table = output.table(stream)
        for column in columns:
            assert any(isinstance(record[column], str) for record in table.values())
        opened = {
            key: {
                name: json.loads(value) if name in columns and value is not None else value
                for name, value in record.items()
            }
            for key, record in table.items()
        }
        assert untruths(opened, still.truth(stream)) == []


def batches(output: Output, stream: str) -> dict[object, Json]:
    """The records in the files of a stream's BATCH messages."""
    table = {}
    for message in output.messages:
        if message["type"] == "BATCH" and message["stream"] == stream:
            assert message["encoding"] == {"format": "jsonl", "compression": "gzip"}
            for uri in message["manifest"]:
                path = Path(url2pathname(urlsplit(uri).path))
                for line in gzip.decompress(path.read_bytes()).decode().splitlines():
                    record = without_time(json.loads(line))
                    table[record[KEYS[stream]]] = record
    return table


def batch_config(folder: Path) -> Json:
    return {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": folder.as_uri(), "prefix": "kapture-"},
    }


def test_batch_files_hold_the_truth_after_selection(still: Sandbox, tmp_path: Path) -> None:
    config = still.config(batch_config=batch_config(tmp_path))
    catalog = catalog_of(config)
    select(catalog, "tickets", "customerPhone", selected=False)
    output = pull(config, NOW, catalog=catalog)
    assert not_singer(output) == []
    assert {m["stream"] for m in output.messages if m["type"] == "RECORD"} == {"pulled_days"}
    tickets = without("customerPhone", still.truth("tickets"))
    assert untruths(batches(output, "tickets"), tickets) == []
    assert untruths(batches(output, "customers"), still.truth("customers")) == []


def test_batch_files_are_plain_if_told_so(still: Sandbox, tmp_path: Path) -> None:
    files = {**batch_config(tmp_path), "encoding": {"format": "jsonl", "compression": "none"}}
    pull(still.config(batch_config=files), NOW)
    (file,) = tmp_path.glob("kapture-tap-kapture--tickets-*.json")
    records = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    table = {record["ticketId"]: without_time(record) for record in records}
    assert untruths(table, still.truth("tickets")) == []


def test_no_state_comes_before_the_batch_that_it_stands_for(still: Sandbox, tmp_path: Path) -> None:
    output = pull(still.config(batch_config=batch_config(tmp_path)), NOW)
    written: set[str] = set()
    for message in output.messages:
        if message["type"] == "BATCH":
            written.add(message["stream"])
        elif message["type"] == "STATE":
            assert set(message["value"]["bookmarks"]) <= written
    assert {stream: output.bookmark(stream)["replication_key_value"] for stream in KEYS} == (
        dict.fromkeys(KEYS, TODAY.isoformat())
    )


def test_at_every_state_all_that_it_claims_is_in_files(still: Sandbox, tmp_path: Path) -> None:
    config = still.config(batch_config={**batch_config(tmp_path), "batch_size": 7})
    output = pull(config, NOW)
    assert len(output.states) > len(KEYS)
    for number, message in enumerate(output.messages):
        if message["type"] != "STATE":
            continue
        for stream, bookmark in message["value"]["bookmarks"].items():
            if not bookmark:  # no day is finished yet
                continue
            filed = batches(output.upto(number + 1), stream)
            last = dt.date.fromisoformat(bookmark["replication_key_value"]) - DAY
            for day in days(dt.date.fromisoformat(bookmark["pulled_from"]), last):
                assert still.truth_of_day(stream, day).keys() <= filed.keys()


@pytest.mark.parametrize("deselected", [None, "customerPhone"])
@pytest.mark.parametrize("action", ["404", "400"])
def test_what_came_before_a_failure_or_in_spite_of_it_is_in_files(
    still: Sandbox,
    tmp_path: Path,
    deselected: str | None,
    action: Any,  # noqa: ANN401 - a Literal
) -> None:
    bad_day = TODAY - 2 * DAY
    still.faults = [Fault(action, stream="tickets", day=bad_day, times=math.inf)]
    config = still.config(batch_config=batch_config(tmp_path))
    catalog = catalog_of(config)
    if deselected:
        select(catalog, "tickets", deselected, selected=False)
    output = run_tap(tmp_path, config, at=NOW, catalog=catalog)
    still.faults = []
    assert output.code == 1
    assert len(output.errors()) == 1
    # A path that is not there stops the run, one day that is refused stops only itself.
    wanted = days(FIRST, bad_day - DAY)
    if action == "400":
        wanted += days(bad_day + DAY, TODAY)
    assert output.bookmark("tickets")["replication_key_value"] == (
        bad_day.isoformat() if action == "404" else TODAY.isoformat()
    )
    truth = {
        key: record for day in wanted for key, record in still.truth_of_day("tickets", day).items()
    }
    expected = without(deselected, truth) if deselected else truth
    assert untruths(batches(output, "tickets"), expected) == []


def test_customers_are_not_selected_without_the_account_id(still: Sandbox) -> None:
    config = {name: value for name, value in still.config().items() if name != "cm_id"}
    output = pull(config, NOW)
    assert asked(still, "customers") == []
    assert untruths(output.table("tickets"), still.truth("tickets")) == []
    assert output.records("customers") == []


def test_customers_selected_by_hand_without_the_account_id_are_an_error(still: Sandbox) -> None:
    config = {name: value for name, value in still.config().items() if name != "cm_id"}
    catalog = catalog_of(config)
    select(catalog, "customers", None, selected=True)
    with pytest.raises(KaptureConfigError, match="cm_id: customers is selected"):
        pull(config, NOW, catalog=catalog)
    assert asked(still, "customers") == []


def test_customers_of_a_catalog_with_the_account_id_are_selected(still: Sandbox) -> None:
    catalog = catalog_of(still.config())
    assert entry(catalog, "customers")["key_properties"] == ["id"]
    assert entry(catalog, "tickets")["key_properties"] == ["ticketId"]
    output = pull(still.config(), NOW, catalog=catalog)
    assert not_the_truth(output, still) == []


DAY_AND_PAGE = {
    "tickets": {"start_date": "1999-01-01", "end_date": "1999-01-01", "limit": 1, "offset": 9},
    "customers": {
        "cm_id": 1,
        "createStartDate": "1999-01-01",
        "createEndDate": "1999-01-01",
        "limit": "1",
        "offset": "9",
    },
}


def bodies(sandbox: Sandbox, stream: str) -> list[object]:
    return [seen.body for seen in sandbox.requests if seen.stream == stream]


@pytest.mark.parametrize("more", [{}, {"status": "Open", "nested": {"a": [1, None]}}])
def test_bodies_are_what_the_api_wants_extra_keys_included(
    still: Sandbox, more: dict[str, object]
) -> None:
    config = still.config(
        start_date=TODAY.isoformat(),
        page_size=7,
        tickets_body={**more, **DAY_AND_PAGE["tickets"]},
        customers_body={**more, **DAY_AND_PAGE["customers"]},
    )
    pull(config, NOW)
    today = TODAY.isoformat()
    tickets = {"start_date": today, "end_date": today, "limit": 7, "offset": 0}
    assert bodies(still, "tickets")[0] == [{**more, **tickets}]
    customers = {"createStartDate": today, "createEndDate": today, "limit": "7", "offset": "0"}
    assert bodies(still, "customers")[0] == {**more, "cm_id": 1000298, **customers}


def test_no_request_covers_more_than_a_day(still: Sandbox) -> None:
    pull(still.config(page_size=4), NOW)
    windows = {
        (part["start_date"], part["end_date"])
        for body in bodies(still, "tickets")
        if isinstance(body, list)
        for part in body
    }
    assert windows == {(day.isoformat(), day.isoformat()) for day in days(FIRST, TODAY)}


def test_headers_are_those_of_the_api_and_of_the_settings(still: Sandbox) -> None:
    config = still.config(
        auth_token=f"Basic {ACCOUNT.auth_token}",
        http_headers={"x-api-key": "key-1", "x-api-type": "TICKET"},
        user_agent="acme-pipeline/7",
    )
    output = pull(config, NOW)
    assert not_the_truth(output, still) == []
    for seen in still.requests:
        assert seen.method == "POST"
        assert seen.headers["Authorization"] == f"Basic {ACCOUNT.auth_token}"
        assert seen.headers["Content-Type"] == "application/json"
        assert seen.headers["User-Agent"] == "acme-pipeline/7"
        assert seen.headers["x-api-key"] == "key-1"
        assert seen.headers["x-api-type"] == "TICKET"


def test_the_tap_names_itself_unless_told_otherwise(still: Sandbox) -> None:
    pull(still.config(start_date=TODAY.isoformat()), NOW)
    assert {seen.headers["User-Agent"].split("/")[0] for seen in still.requests} == {"tap-kapture"}


def test_the_other_customers_path_serves_the_same(still: Sandbox) -> None:
    path = "/ms/customer-search/customer-search/api/v1"
    output = pull(still.config(customers_path=path), NOW)
    assert {seen.path for seen in still.requests if seen.stream == "customers"} == {path}
    assert not_the_truth(output, still) == []
