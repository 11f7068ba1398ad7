"""DuckDB, through the project's loader, holds the account's truth, in columns to query."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import duckdb
import pytest
from loading import Target, Visit, assert_a_day_went_by, duckdb_table, load_twice, program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database file."""
    return tmp_path_factory.mktemp("duckdb") / "warehouse.duckdb"


def target_duckdb(database: Path, **settings: object) -> Target:
    """The loader, set up to write to a database file."""
    return Target(
        "target-duckdb",
        program("target-duckdb-exact"),
        {"path": str(database), **settings},
        lambda stream: duckdb_table(database, stream),
    )


@pytest.fixture(scope="module")
def visits(database: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Visit, Visit]:
    """Two loads, a day apart."""
    return load_twice(target_duckdb(database), tmp_path_factory.mktemp("run"))


@pytest.fixture
def warehouse(visits: tuple[Visit, Visit], database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The database after both loads."""
    assert len(visits) == 2
    with duckdb.connect(str(database), read_only=True) as connection:
        yield connection


def test_the_first_load_is_the_truth_in_every_column(visits: tuple[Visit, Visit]) -> None:
    assert visits[0].untruths(str.lower) == []


def test_the_second_load_adds_new_rows_and_updates_those_that_changed(
    visits: tuple[Visit, Visit],
) -> None:
    assert_a_day_went_by(*visits)
    assert visits[1].untruths(str.lower) == []


def test_the_second_load_reads_only_what_may_have_changed(visits: tuple[Visit, Visit]) -> None:
    first, second = visits
    yesterday, today = first.asked["customers"][-1], second.asked["customers"][-1]
    assert today - yesterday == dt.timedelta(days=1)
    assert second.asked["customers"] == [*first.asked["customers"][-3:], today]
    assert len(second.asked["tickets"]) < len(first.asked["tickets"])


def test_timestamps_are_in_utc(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Against an instant written by hand: midnight and noon in Kolkata, of 25 March 2024."""
    for stream, column in (("tickets", "date"), ("customers", "generationdate")):
        found = warehouse.sql(
            f"select distinct {column} from kapture.{stream} where {column}"  # noqa: S608 - names of ours
            " in (timestamp '2024-03-24 18:30:00', timestamp '2024-03-25 06:30:00') order by 1"
        )
        assert [str(kind) for kind in found.types] == ["TIMESTAMP"]
        assert [str(row[0]) for row in found.fetchall()] == [
            "2024-03-24 18:30:00",
            "2024-03-25 06:30:00",
        ]


def test_fields_of_additional_info_can_be_queried(
    visits: tuple[Visit, Visit], warehouse: duckdb.DuckDBPyConnection
) -> None:
    found = warehouse.sql(
        "select ticketid, additional_info->'Store'->>'City', (additional_info->>'Attempts')::int"
        " from kapture.tickets where (additional_info->'Store') is not null"
    ).fetchall()
    told = {
        key: (record["additional_info"]["Store"]["City"], record["additional_info"]["Attempts"])
        for key, record in visits[1].truth["tickets"].items()
        if record["additional_info"]
    }
    assert told
    assert {key: values for key, *values in found} == {k: list(v) for k, v in told.items()}


def test_contacts_can_be_queried(
    visits: tuple[Visit, Visit], warehouse: duckdb.DuckDBPyConnection
) -> None:
    found = warehouse.sql(
        "select id, contacts->0->>'email' from kapture.customers where (contacts->0) is not null"
    ).fetchall()
    told = {
        key: record["contacts"][0]["email"]
        for key, record in visits[1].truth["customers"].items()
        if record["contacts"]
    }
    assert any(told.values())
    assert dict(found) == told


def test_fields_without_a_column_can_be_queried(
    visits: tuple[Visit, Visit], warehouse: duckdb.DuckDBPyConnection
) -> None:
    found = warehouse.sql(
        "select ticketid from kapture.tickets where (extra_fields->>'loyalty_tier') = 'Gold plus'"
    ).fetchall()
    told = {
        key
        for key, record in visits[1].truth["tickets"].items()
        if "loyalty_tier" in (record["extra_fields"] or {})
    }
    assert told
    assert {key for (key,) in found} == told


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_both_loads_are_the_truth_when_records_travel_as_files(
    tmp_path: Path, visits: tuple[Visit, Visit], compression: str
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    first, second = load_twice(
        target_duckdb(tmp_path / "warehouse.duckdb", delete_batch_files=True),
        tmp_path,
        batch_config={
            "encoding": {"format": "jsonl", "compression": compression},
            "storage": {"root": files.as_uri()},
            "batch_size": 50,
        },
    )
    assert_a_day_went_by(first, second)
    assert first.untruths(str.lower) == second.untruths(str.lower) == []
    assert [first.knows(), second.knows()] == [visit.knows() for visit in visits]
    assert list(files.iterdir()) == []


def test_both_loads_are_the_truth_when_records_are_stored_a_few_at_a_time(tmp_path: Path) -> None:
    target = target_duckdb(tmp_path / "warehouse.duckdb", batch_size_rows=10)
    first, second = load_twice(target, tmp_path, page_size=7)
    assert first.untruths(str.lower) == second.untruths(str.lower) == []


def test_duckdb_writes_parquet_files_of_a_table(
    visits: tuple[Visit, Visit], warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    file = tmp_path / "tickets.parquet"
    warehouse.sql(f"COPY (SELECT * FROM kapture.tickets) TO '{file}'")  # noqa: S608 - of ours
    found = duckdb.read_parquet(str(file)).project("ticketid, status").fetchall()
    truth = visits[1].truth["tickets"]
    assert dict(found) == {key: record["status"] for key, record in truth.items()}
