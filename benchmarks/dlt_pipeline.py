"""The same account, loaded by dlt, in dlt's environment: `dlt_pipeline.py CONFIG DATABASE`.

The client of dlt's REST API source asks for each day once, and dlt does the rest: it
infers the schema, normalises, and merges by key. (The source itself takes no body that is a JSON
array, as Kapture wants it for tickets.) Nested values become JSON columns (``max_table_nesting``
0), as the targets have them. It reads no dates: Kapture's stay text.
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlt  # type: ignore[import-not-found] # in an environment of its own
from dlt.sources.helpers import rest_client  # type: ignore[import-not-found] # likewise

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "/select-ticket-between-start-and-end-dates.html/v.2.0"


def main(config_file: str, database: str) -> None:
    """Load all tickets.

    Args:
        config_file: The settings of tap-kapture, as JSON.
        database: Path of a DuckDB file, or URL of a PostgreSQL database.
    """
    config = json.loads(Path(config_file).read_text(encoding="utf-8"))
    is_url = database.startswith("postgresql:")
    # It wants a host; the one in the query, the folder of a socket, is what counts.
    database = database.replace("@/", "@localhost/") if is_url else database
    kind = dlt.destinations.postgres if is_url else dlt.destinations.duckdb
    with tempfile.TemporaryDirectory() as folder:  # it remembers there what it loaded
        pipeline = dlt.pipeline(
            "kapture",
            pipelines_dir=folder,
            destination=kind(database),
            dataset_name="kapture",
        )
        # INSERT statements, its default for DuckDB, take several times as long and as much memory.
        pipeline.run(tickets(config), loader_file_format=None if is_url else "parquet")


def tickets(config: dict[str, Any]) -> Any:  # noqa: ANN401 - dlt has no types here
    """Return dlt's resource for the tickets of an account."""
    client = rest_client.RESTClient(
        config["api_url"],
        headers={"Authorization": f"Basic {config['auth_token']}"},
        paginator=rest_client.paginators.SinglePagePaginator(),
        data_selector="message",
    )

    def pages() -> Iterator[list[dict[str, Any]]]:
        day, last = date.fromisoformat(config["start_date"]), date.fromisoformat(config["end_date"])
        while day <= last:
            dates = {"start_date": str(day), "end_date": str(day)}
            body = [{**dates, "limit": config["page_size"], "offset": 0}]
            yield from client.paginate(PATH, "POST", json=body)
            day += timedelta(days=1)

    return dlt.resource(
        pages,
        name="tickets",
        primary_key="ticketId",
        write_disposition="merge",
        max_table_nesting=0,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
