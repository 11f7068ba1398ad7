"""The command line."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import duckdb
import target_duckdb  # type: ignore[import-untyped] # it ships no types

from target_duckdb_exact.loader import Loader, LoaderError, Message

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_HERE = ("data_flattening_max_level", "hard_delete", "validate_records")
"""Settings of target-duckdb that this target does not have."""


def connected(config: Message) -> duckdb.DuckDBPyConnection:
    """Open the database of ``path``, as target-duckdb does it.

    Raises:
        LoaderError: A setting is missing, or one that this target lacks is set.
    """
    refused = [name for name in NOT_HERE if config.get(name)]
    if refused:
        msg = f"{', '.join(refused)}: this target has no such setting; leave it out"
        raise LoaderError(msg)
    if errors := target_duckdb.validate_config(config):
        raise LoaderError(" ".join(errors))
    try:
        connection: duckdb.DuckDBPyConnection = target_duckdb.duckdb_connect(config)
    except duckdb.Error as error:
        # The token is part of the address that DuckDB quotes.
        token = str(config.get("token") or "")
        why = str(error).replace(token, "[token]") if token else str(error)
        msg = f"path: the database cannot be opened: {why}"
        raise LoaderError(msg) from None
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def settings_in(path: Path) -> Message:
    """Return the settings that a file holds.

    Raises:
        LoaderError: The file cannot be read, or is no JSON object.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"--config {path}: the file cannot be read: {error.strerror}"
        raise LoaderError(msg) from None
    except (ValueError, RecursionError) as error:
        place = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        msg = f"--config {path}: the file is not JSON{place}"
        raise LoaderError(msg) from None
    if not isinstance(config, dict):
        msg = f"--config {path}: the file must hold a JSON object"
        raise LoaderError(msg)
    return config


def ended(number: int, _: object) -> NoReturn:
    """End at a signal by way of the temporary files' removal."""
    sys.exit(128 + number)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read Singer messages from stdin and load them, as ``target-duckdb --config FILE`` does."""
    parser = argparse.ArgumentParser(prog="target-duckdb-exact", description=main.__doc__)
    parser.add_argument("-c", "--config", type=Path, help="JSON file with target-duckdb's settings")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, ended)
    try:
        config = settings_in(options.config) if options.config else {}
        with (
            connected(config) as connection,
            tempfile.TemporaryDirectory(dir=config.get("temp_dir")) as folder,
        ):
            Loader(connection, config, Path(folder)).take(sys.stdin.buffer)
    except LoaderError as error:
        sys.exit(f"target-duckdb-exact: {error}")
