"""PyAirbyte loads an account with the source, and its tables are what the account holds."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from airbyte_programs import HERE, run

from sandbox import Account, Sandbox
from tap_kapture.schemas import EXTRA_FIELDS, Kind
from tap_kapture.wire.endpoints import CUSTOMERS_ENDPOINT, TICKETS_ENDPOINT, Endpoint

if TYPE_CHECKING:
    from pathlib import Path

UTC = dt.timezone.utc
NESTED = {Kind.TEXTS, Kind.OBJECT, Kind.OBJECTS}
Row = dict[str, Any]


def rows(database: Path, endpoint: Endpoint) -> dict[object, Row]:
    """The rows of a table, by key, their values as in a record."""
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        table = connection.execute(f'SELECT * FROM main."{endpoint.stream}"')  # noqa: S608 - a name of ours
        names = [column[0] for column in table.description or ()]
        found = [dict(zip(names, values, strict=True)) for values in table.fetchall()]
    kinds = {column.name: column.kind for column in endpoint.columns} | {EXTRA_FIELDS: Kind.OBJECT}
    del kinds["emitted_at"]  # no account knows it
    return {
        row[endpoint.key.lower()]: {
            name: plain(row[name.lower()], kind) for name, kind in kinds.items()
        }
        for row in found
    }


def plain(value: Any, kind: Kind) -> Any:  # noqa: ANN401 - a value of any column
    """A value of a table as a record has it."""
    if value is None:
        return None
    if kind is Kind.INSTANT:
        return value.replace(tzinfo=UTC).isoformat()
    if kind is Kind.DAY:
        return value.isoformat()
    if kind is Kind.NUMBER:
        return float(value)
    return json.loads(value) if kind in NESTED else value


def expected(record: Row, endpoint: Endpoint) -> Row:
    """A record as a table can hold it: numbers with a point."""
    numbers = {column.name for column in endpoint.columns if column.kind is Kind.NUMBER}
    return {
        name: float(value) if name in numbers and value is not None else value
        for name, value in record.items()
    }


def loaded_is_the_truth(database: Path, sandbox: Sandbox) -> bool:
    """Whether every table is what the account holds now, column for column."""
    for endpoint in (CUSTOMERS_ENDPOINT, TICKETS_ENDPOINT):
        truth = {
            key: expected(record, endpoint)
            for key, record in sandbox.truth(endpoint.stream).items()
        }
        assert len(truth) > 1
        assert rows(database, endpoint) == truth
    lists: list[Any] = [row["contacts"] for row in sandbox.truth("customers").values()]
    assert count(database, "customer_contacts") == sum(map(len, lists))
    assert count(database, "pulled_days") == 3 * len(days(sandbox))
    return True


def count(database: Path, table: str) -> int:
    """How many rows a table has."""
    with duckdb.connect(str(database), read_only=True) as connection:
        (found,) = connection.execute(f"SELECT count(*) FROM main.{table}").fetchall()  # noqa: S608 - a name of ours
    number: int = found[0]
    return number


def days(sandbox: Sandbox) -> range:
    """The days from the account's first to the source's today."""
    today = dt.datetime.now(ZoneInfo(sandbox.account.timezone)).date()
    return range((today - sandbox.account.first_day).days + 1)


@pytest.mark.timeout(600)
def test_two_loads_with_changes_between_are_the_truth(tmp_path: Path) -> None:
    # PyAirbyte starts the source with the true clock; the account's is a day behind at first.
    now = dt.datetime.now(UTC).replace(microsecond=0) - dt.timedelta(days=1)
    account = Account(seed=3, first_day=now.date() - dt.timedelta(days=9), now=now)
    database, counts = tmp_path / "cache.duckdb", []
    with Sandbox(account) as sandbox:
        config = sandbox.config(tickets_body={"status": ""})
        config["tickets_body"] = json.dumps(config["tickets_body"])  # the specification has it so
        (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
        for _ in range(2):
            program = str(HERE / "pyairbyte_load.py")
            said = run(tmp_path, program, "config.json", str(database))
            counts.append(int(said.splitlines()[-1]))
            assert loaded_is_the_truth(database, sandbox)
            requests = len(sandbox.requests)
            sandbox.advance(1)
            sandbox.clear()
    assert counts[1] < counts[0] / 2, "the second load went on from the states of the first"
    assert requests < counts[0]
