"""PostgreSQL holds the account's truth, in columns to query, however the rows travel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest
from loading import (
    ACCOUNT,
    NEEDS_POSTGRESQL,
    QUIRKS,
    Row,
    Rows,
    Target,
    Visit,
    assert_a_day_went_by,
    load_twice,
    postgresql,
    program,
    updated,
)
from psycopg.rows import dict_row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = NEEDS_POSTGRESQL


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL server, by its URL."""
    with postgresql() as url:
        yield url


def target_postgres(server: str, schema: str, **settings: object) -> Target:
    """The loader, set up to write to a schema of the server."""

    def read(stream: str) -> Rows:
        query = f"select * from {schema}.{stream}"  # noqa: S608 # the tests' own names
        return [
            {name: value for name, value in row.items() if not name.startswith("_sdc_")}
            for row in select(server, query)
        ]

    url = server.replace("postgresql:", "postgresql+psycopg:", 1)
    config = {"sqlalchemy_url": url, "default_target_schema": schema, **settings}
    return Target("target-postgres", program("target-postgres"), config, read)


def select(server: str, query: str) -> list[Row]:
    """The rows of a query."""
    with psycopg.connect(server, row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def visits(server: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Visit, Visit]:
    """Two loads, a day apart."""
    return load_twice(target_postgres(server, "kapture"), tmp_path_factory.mktemp("run"))


def test_the_first_load_is_the_truth_in_every_column(visits: tuple[Visit, Visit]) -> None:
    assert visits[0].untruths() == []


def test_the_second_load_adds_new_rows_and_updates_those_that_changed(
    visits: tuple[Visit, Visit],
) -> None:
    assert_a_day_went_by(*visits)
    assert visits[1].untruths() == []


def test_timestamps_are_in_utc(server: str, visits: tuple[Visit, Visit]) -> None:
    """Against an instant written by hand: midnight and noon in Kolkata, of 25 March 2024."""
    assert visits
    for stream, column in (("tickets", "date"), ("customers", "generationDate")):
        found = select(
            server,
            f'select distinct "{column}"::text, pg_typeof("{column}")::text as type'  # noqa: S608 - names of ours
            f' from kapture.{stream} where "{column}" in'
            " ('2024-03-24 18:30:00', '2024-03-25 06:30:00') order by 1",
        )
        assert [tuple(row.values()) for row in found] == [
            ("2024-03-24 18:30:00", "timestamp without time zone"),
            ("2024-03-25 06:30:00", "timestamp without time zone"),
        ]


def test_fields_of_additional_info_can_be_queried(server: str, visits: tuple[Visit, Visit]) -> None:
    found = select(
        server,
        """select "ticketId", additional_info->'Store'->>'City' as city,
           (additional_info->>'Attempts')::int as attempts
           from kapture.tickets where additional_info ? 'Store'""",
    )
    told = {
        key: (record["additional_info"]["Store"]["City"], record["additional_info"]["Attempts"])
        for key, record in visits[1].truth["tickets"].items()
        if record["additional_info"]
    }
    assert told
    assert {row["ticketId"]: (row["city"], row["attempts"]) for row in found} == told


def test_contacts_can_be_queried(server: str, visits: tuple[Visit, Visit]) -> None:
    """The loader makes an array of jsonb of them; PostgreSQL counts from 1."""
    found = select(
        server,
        """select id, contacts[1]->>'email' as email
           from kapture.customers where cardinality(contacts) > 0""",
    )
    told = {
        key: record["contacts"][0]["email"]
        for key, record in visits[1].truth["customers"].items()
        if record["contacts"]
    }
    assert any(told.values())
    assert {row["id"]: row["email"] for row in found} == told


def test_fields_without_a_column_can_be_queried(server: str, visits: tuple[Visit, Visit]) -> None:
    found = select(
        server, """select "ticketId" from kapture.tickets where extra_fields ? 'loyalty_tier'"""
    )
    told = {
        key
        for key, record in visits[1].truth["tickets"].items()
        if "loyalty_tier" in (record["extra_fields"] or {})
    }
    assert told
    assert {row["ticketId"] for row in found} == told


@pytest.mark.parametrize(
    ("loader", "tap"),
    [
        pytest.param({"use_copy": True}, {}, id="copy"),
        pytest.param(
            {"batch_size_rows": 10}, {"page_size": 7, "verify_last_page": False}, id="small_pieces"
        ),
    ],
)
def test_both_loads_are_the_truth_however_rows_are_written(
    server: str, tmp_path: Path, loader: Row, tap: Row
) -> None:
    target = target_postgres(server, "_".join(loader), **loader)
    first, second = load_twice(target, tmp_path, **tap)
    assert updated(first, second, "tickets")
    assert first.untruths() == second.untruths() == []


def batches(folder: Path) -> Row:
    """Settings that make records travel as files in a folder."""
    folder.mkdir()
    return {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": folder.as_uri()},
        "batch_size": 50,
    }


@pytest.mark.parametrize(
    "loader",
    [
        pytest.param({}, id="defaults"),
        pytest.param({"validate_records": False, "use_copy": True}, id="fast"),
    ],
)
def test_both_loads_are_the_truth_when_records_travel_as_files(
    server: str, tmp_path: Path, visits: tuple[Visit, Visit], loader: Row
) -> None:
    files = tmp_path / "files"
    target = target_postgres(server, "_".join(["files", *loader]), **loader)
    first, second = load_twice(target, tmp_path, batch_config=batches(files))
    assert len(list(files.iterdir())) > 4
    assert updated(first, second, "tickets")
    assert first.untruths() == second.untruths() == []
    assert [first.knows(), second.knows()] == [visit.knows() for visit in visits]


def test_quiet_days_advance_the_bookmark_when_records_travel_as_files(
    server: str, tmp_path: Path
) -> None:
    quiet = replace(ACCOUNT, tickets_per_day=0, counts={})
    first, second = load_twice(
        target_postgres(server, "quiet"),
        tmp_path,
        account=quiet,
        batch_config=batches(tmp_path / "files"),
    )
    assert first.truth["tickets"] == second.truth["tickets"] == {}
    assert [
        visit.state["bookmarks"]["tickets"]["replication_key_value"] for visit in (first, second)
    ] == ["2024-03-31", "2024-04-01"]


def test_text_with_a_nul_which_postgresql_cannot_store_arrives_without_it(
    server: str, tmp_path: Path
) -> None:
    quirks = replace(QUIRKS, nul_characters=True)
    first, second = load_twice(target_postgres(server, "nul"), tmp_path, quirks=quirks)
    assert first.untruths() == second.untruths() == []
