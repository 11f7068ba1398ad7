"""target-duckdb that loads every record, and every text as it came.

target-duckdb 0.8.0 hands each batch to DuckDB as a CSV file without saying what kind of CSV it is,
so DuckDB guesses (https://duckdb.org/docs/stable/data/csv/auto_detection), and guesses wrong:

* With DuckDB 1.3 and later a first row whose timestamps carry an offset passes for a header, and
  the first record of the batch is silently lost. The project's main branch has the fix
  (https://github.com/jwills/target-duckdb/pull/58); no release has it yet.
* A text in apostrophes, such as 'hello', passes for a quoted one and loses its apostrophes.

Here every ``COPY`` says what the file is, so nothing is left to guess. Everything else is
target-duckdb. Once a release does this by itself, this package can go.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import target_duckdb  # type: ignore[import-untyped] # it ships no types

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

GUESSED = r"WITH (new_line '\r\n')"
"""How target-duckdb 0.8.0 ends its ``COPY`` statements."""

STATED = (
    "WITH (auto_detect false, header false, delimiter ',', quote '\"', escape '\"', nullstr '', "
    r"new_line '\r\n')"
)
"""The same file, as Python's csv module writes it."""


class ExactConnection:
    """A DuckDB connection whose ``COPY`` statements state the file's dialect."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Wrap an open connection."""
        self._connection = connection

    def execute(self, query: str, *parameters: Any) -> ExactConnection:  # noqa: ANN401 - as DuckDB takes them
        """Run a statement; the result is read from this object.

        Raises:
            RuntimeError: A ``COPY`` is worded unlike those of target-duckdb 0.8.0, so that it
                cannot be told whether DuckDB would guess.
        """
        if query.startswith("COPY "):
            if not query.endswith(GUESSED):
                msg = "this version of target-duckdb copies in a way that is not known to be safe"
                raise RuntimeError(msg)
            query = query.removesuffix(GUESSED) + STATED
        self._connection.execute(query, *parameters)
        return self

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever DuckDB has
        """Everything else, such as fetching, is the connection's own."""
        return getattr(self._connection, name)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read Singer messages from stdin and load them, as ``target-duckdb --config FILE`` does."""
    parser = argparse.ArgumentParser(prog="target-duckdb-exact", description=main.__doc__)
    parser.add_argument("-c", "--config", type=Path, help="JSON file with target-duckdb's settings")
    options = parser.parse_args(arguments)
    config = json.loads(options.config.read_text(encoding="utf-8")) if options.config else {}

    messages = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8")
    connection = target_duckdb.duckdb_connect(config)
    try:
        target_duckdb.persist_lines(ExactConnection(connection), config, messages)
    finally:
        connection.close()
