"""Where pipelines load to: `python -m benchmarks.destination empty|count DATABASE`.

A process of its own, so that the measuring one stays small.
"""

from __future__ import annotations

import sys
from pathlib import Path

SCHEMA = "kapture"
"""Of the tables, in either database."""
_COUNT = f"select count(*) from {SCHEMA}.tickets"  # noqa: S608 - a name of ours


def main(what: str, database: str) -> None:
    """Empty a database, or print how many tickets it holds.

    Args:
        what: ``empty`` or ``count``.
        database: Path of a DuckDB file, or URL of a PostgreSQL database.
    """
    if database.startswith("postgresql:"):
        _postgres(what, database)
    elif what == "empty":
        Path(database).unlink(missing_ok=True)
    else:
        import duckdb  # noqa: PLC0415 - not for PostgreSQL

        with duckdb.connect(database, read_only=True) as connection:
            print(*connection.execute(_COUNT).fetchall()[0])


def _postgres(what: str, url: str) -> None:
    import psycopg  # noqa: PLC0415 - not for DuckDB

    with psycopg.connect(url, autocommit=True) as connection:
        if what == "empty":
            for schema in (SCHEMA, f"{SCHEMA}_staging"):  # dlt has a second one
                connection.execute(f"drop schema if exists {schema} cascade")
        else:
            print(*connection.execute(_COUNT).fetchall()[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
