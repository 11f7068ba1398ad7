"""The commands for a Meltano project of one's own in the docs, as they stand, to the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from effort import soak
from loading import NEEDS_POSTGRESQL, postgresql
from meltano_project import ON_MELTANO, a_day_behind, block, filled, in_duckdb, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [*ON_MELTANO, *NEEDS_POSTGRESQL]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL server, by its URL."""
    with postgresql() as url:
        yield url


def test_the_commands_for_a_project_of_ones_own_load_postgresql(
    tmp_path: Path, server: str
) -> None:
    url = server.replace("postgresql:", "postgresql+psycopg:", 1)
    with a_day_behind() as sandbox:
        commands = block("README.md", "meltano init warehouse")
        further = (
            f"TARGET_POSTGRES_SQLALCHEMY_URL={url}\nTARGET_POSTGRES_DEFAULT_TARGET_SCHEMA=docs"
        )
        run(commands, tmp_path, filled(sandbox, further=further))
        with psycopg.connect(server) as connection:
            loaded = {
                str(key): status
                for key, status in connection.execute('select "ticketId", status from docs.tickets')
            }
        truth = sandbox.truth("tickets")
    assert loaded == {key: record["status"] for key, record in truth.items()}


@soak  # as above, with every plugin
def test_the_commands_for_all_plugins_load_duckdb(tmp_path: Path) -> None:
    with a_day_behind() as sandbox:
        commands = block("docs/meltano.md", "meltano init warehouse")
        run(f"{commands}\nmeltano run tap-kapture target-duckdb", tmp_path, filled(sandbox))
        assert in_duckdb(sandbox, tmp_path / "warehouse" / "output" / "warehouse.duckdb") == []
