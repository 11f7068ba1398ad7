"""Each day that was read has its row: behind its records, before the state that covers it."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from still_account import ACCOUNT, FIRST, NOW, TODAY
from tap_process import (
    KEYS,
    Json,
    Output,
    asked,
    attempt,
    catalog_of,
    claimed,
    days,
    pull,
    run_tap,
    select,
)

from sandbox import Fault, Quirks, Sandbox
from tap_kapture.errors import KaptureConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = dt.timedelta(days=1)
MODES = ("plain", "maps", "batches", "mapped_batches", "full_table")
ALIASES = {"issues": "tickets"}
"""Streams by the names that a map gives them."""


@pytest.fixture
def account() -> Iterator[Sandbox]:
    with Sandbox(ACCOUNT) as sandbox:
        yield sandbox


def settings_of(mode: str, folder: Path) -> Json:
    found: Json = {}
    if "map" in mode:
        found["stream_maps"] = {"tickets": {"__alias__": "issues", "taskTitle": "__NULL__"}}
    if "batches" in mode:
        found["batch_config"] = {
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": folder.as_uri()},
            "batch_size": 7,
        }
    return found


def catalog_for(mode: str, config: Json) -> Json:
    catalog = catalog_of(config)
    if mode == "full_table":
        for entry in catalog["streams"]:
            entry["replication_method"] = "FULL_TABLE"
            for part in entry["metadata"]:
                if part["breadcrumb"] == []:
                    part["metadata"]["forced-replication-method"] = "FULL_TABLE"
    return catalog


@dataclass
class Warehouse:
    """What a target holds that takes the lines of runs one by one; it checks each as it comes."""

    out: dict[tuple[str, object], Json] = field(default_factory=dict)
    rows: dict[tuple[str, str], Json] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def take(self, output: Output) -> None:
        """Take the lines of a run."""
        for number, message in enumerate(output.messages):
            if message["type"] == "BATCH":
                for uri in message["manifest"]:
                    text = gzip.decompress(Path(url2pathname(urlsplit(uri).path)).read_bytes())
                    for line in text.decode().splitlines():
                        self._record(message["stream"], json.loads(line))
            elif message["type"] == "STATE":
                self._state(number, message["value"])
            elif message["type"] == "RECORD":
                left = dt.datetime.fromisoformat(message["record"]["emitted_at"])
                if left != dt.datetime.fromisoformat(message["time_extracted"]):
                    self.wrong.append(f"line {number}: another time_extracted than emitted_at")
                if message["stream"] == "pulled_days":
                    self._row(number, message["record"])
                else:
                    self._record(message["stream"], message["record"])

    def _record(self, alias: str, record: Json) -> None:
        stream = ALIASES.get(alias, alias)
        self.out[stream, record[KEYS[stream]]] = record

    def _row(self, number: int, row: Json) -> None:
        self.rows[row["stream"], row["day"]] = row
        if len(self.present(row)) != row["records"]:
            self.wrong.append(f"line {number}: {row} tells of records that are not out")

    def _state(self, number: int, state: Json) -> None:
        for stream, bookmark in state.get("bookmarks", {}).items():
            for day in claimed(bookmark) if bookmark else ():
                row = self.rows.get((stream, day.isoformat()))
                if row is None:
                    self.wrong.append(f"line {number}: no row of {stream} {day}")
                elif not row["closed"]:
                    self.wrong.append(f"line {number}: {stream} {day} was open when it was read")

    def present(self, row: Json) -> set[object]:
        """The keys of a day that left when its records last left."""
        return {
            key
            for (stream, key), record in self.out.items()
            if (stream, record["day"]) == (row["stream"], row["day"])
            and record["emitted_at"] >= row["emitted_at"]
        }

    def untruths(self, sandbox: Sandbox) -> list[str]:
        """Days whose present records are not those of the account."""
        return [
            f"{stream} {day}"
            for (stream, day), row in self.rows.items()
            if self.present(row) != sandbox.truth_of_day(stream, dt.date.fromisoformat(day)).keys()
        ]


@pytest.mark.parametrize("mode", MODES)
def test_at_every_state_each_covered_day_has_its_row_and_no_row_comes_too_early(
    account: Sandbox, tmp_path: Path, mode: str
) -> None:
    config = account.config(page_size=5, **settings_of(mode, tmp_path))
    warehouse, state = Warehouse(), None
    for start in (FIRST + 3 * DAY, FIRST):
        for _ in range(3):
            run = {**config, "start_date": start.isoformat()}
            catalog = catalog_for(mode, run)
            output = pull(run, account.now, state=state, catalog=catalog)
            state = output.state
            warehouse.take(output)
            assert warehouse.wrong == []
            assert warehouse.untruths(account) == []
            assert {d for s, d in warehouse.rows if s == "tickets"} == {
                day.isoformat() for day in days(start, account.today)
            }
            account.advance(days=1)
            for stream in KEYS:
                account.delete(
                    stream, next(iter(account.truth_of_day(stream, account.today - DAY)))
                )
    assert len(warehouse.out) > len(account.truth("tickets")) + len(account.truth("customers"))


def test_every_line_is_one_at_which_the_run_may_be_killed(account: Sandbox) -> None:
    first = pull(account.config(), account.now)
    account.advance(days=1)
    second = pull(account.config(), account.now, state=first.state)
    for cut in range(0, len(second.lines), 3):
        killed = second.upto(cut)
        warehouse = Warehouse()
        warehouse.take(first)
        warehouse.take(killed)
        state = killed.state or first.state
        warehouse.take(pull(account.config(), account.now, state=state))
        assert warehouse.wrong == []
        assert warehouse.untruths(account) == []


def rows(output: Output, stream: str) -> dict[str, Json]:
    return {row["day"]: row for row in messages(output) if row["stream"] == stream}


def messages(output: Output) -> list[Json]:
    return [
        message["record"]
        for message in output.messages
        if message["type"] == "RECORD" and message["stream"] == "pulled_days"
    ]


def test_a_row_says_what_came_and_why_it_was_asked_for(account: Sandbox) -> None:
    account.quirks = Quirks(total_count="filled")
    start = FIRST + 2 * DAY
    first = pull(account.config(start_date=start.isoformat(), concurrency=1), account.now)
    again = pull(account.config(), account.now, state=first.state)
    yesterday, today = (TODAY - DAY).isoformat(), TODAY.isoformat()
    for output in (first, again):
        for stream in KEYS:
            for name, row in rows(output, stream).items():
                day = dt.date.fromisoformat(name)
                truth = account.truth_of_day(stream, day)
                still_open = [r for r in truth.values() if r.get("status") != "Complete"]
                assert row["records"] == len(truth)
                assert row["closed"] is (day < TODAY)
                assert row["settled"] is True
                assert row["announced"] == (len(truth) or None if stream == "tickets" else None)
                if stream == "customers":
                    assert row["open"] is None
                else:
                    assert row["open"] <= len(still_open)
    assert {row["reason"] for row in rows(first, "tickets").values()} == {"new"}
    old, new = rows(first, "tickets")[yesterday], rows(again, "tickets")[yesterday]
    assert (old["changed"], new["changed"]) == (True, False)
    assert (new["reason"], new["emitted_at"]) == ("re-read", old["emitted_at"])
    assert new["digest"] == old["digest"]
    assert new["read_at"] > old["emitted_at"] > old["read_at"]
    assert rows(again, "tickets")[today]["changed"] is True
    assert rows(again, "tickets")[FIRST.isoformat()]["reason"] == "backfill"


def test_the_requests_of_the_rows_are_those_that_were_sent(account: Sandbox) -> None:
    output = pull(account.config(page_size=4), account.now)
    told = sum(row["requests"] for row in messages(output))
    # The first contact with each stream looks around a little before it reads.
    assert 0 <= len(account.requests) - told <= 12


def test_a_day_that_the_whole_run_shows_to_be_settled_has_its_row_again() -> None:
    """A total that is always wrong is a doubt until it was wrong on several days."""
    with Sandbox(ACCOUNT, quirks=Quirks(total_count="wrong")) as sandbox:
        output = pull(sandbox.config(concurrency=1), NOW)
    doubted = [row for row in messages(output) if not row["settled"]]
    assert {row["stream"] for row in doubted} == {"tickets"}
    assert all(row["settled"] for row in rows(output, "tickets").values())


def test_days_that_may_be_cut_are_not_settled_in_row_and_state_alike() -> None:
    with Sandbox(ACCOUNT, quirks=Quirks(offset="ignored", page_cap=9)) as sandbox:
        output, error = attempt(sandbox.config(), NOW)
    assert error is not None
    unsettled = {day for day, row in rows(output, "tickets").items() if not row["settled"]}
    ledger = output.bookmark("tickets")["days"]
    assert unsettled == {day for day, entry in ledger.items() if entry.get("trouble")} != set()


def test_a_day_that_could_not_be_read_has_no_row(account: Sandbox, tmp_path: Path) -> None:
    bad_day = TODAY - 3 * DAY
    account.faults = [Fault("400", stream="tickets", day=bad_day, times=99)]
    output = run_tap(tmp_path, account.config(), at=NOW)
    assert output.code == 1
    assert rows(output, "tickets").keys() == {
        day.isoformat() for day in days(FIRST, TODAY) if day != bad_day
    }


def test_the_schema_leaves_once_and_first(account: Sandbox) -> None:
    output = pull(account.config(), account.now)
    schemas = [m["stream"] for m in output.messages if m["type"] == "SCHEMA"]
    assert schemas == ["pulled_days", "customers", "tickets"]
    assert output.messages[0]["type"] == "SCHEMA"
    assert output.messages[0]["key_properties"] == ["stream", "day"]
    assert output.state["bookmarks"].keys() == KEYS.keys()


def test_deselected_it_leaves_nothing(account: Sandbox) -> None:
    catalog = catalog_of(account.config())
    select(catalog, "pulled_days", None, selected=False)
    output = pull(account.config(), account.now, catalog=catalog)
    assert {message.get("stream", "tickets") for message in output.messages} == KEYS.keys()


def test_selected_alone_it_is_an_error(account: Sandbox) -> None:
    catalog = catalog_of(account.config())
    for stream in KEYS:
        select(catalog, stream, None, selected=False)
    with pytest.raises(KaptureConfigError, match="pulled_days: it is the only selected stream"):
        pull(account.config(), account.now, catalog=catalog)
    assert asked(account, "tickets") == []


def test_maps_and_deselected_columns_hold_for_it_too(account: Sandbox) -> None:
    config = account.config(stream_maps={"pulled_days": {"__alias__": "proof", "n": "records + 0"}})
    catalog = catalog_of(config)
    select(catalog, "pulled_days", "digest", selected=False)
    output = pull(config, account.now, catalog=catalog)
    found = output.records("proof")
    assert found
    assert all(row["n"] == row["records"] and "digest" not in row for row in found)


def test_the_state_of_an_earlier_release_makes_records_leave_once_more(account: Sandbox) -> None:
    first = pull(account.config(), account.now)
    state: Any = first.state
    for stream in KEYS:
        for entry in state["bookmarks"][stream]["days"].values():
            del entry["emitted_at"]
    second = pull(account.config(), account.now, state=state)
    third = pull(account.config(), account.now, state=second.state)
    yesterday = (TODAY - DAY).isoformat()
    for output, changed in ((second, True), (third, False)):
        assert rows(output, "tickets")[yesterday]["changed"] is changed
