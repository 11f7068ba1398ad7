"""Takes Singer messages and stores what they hold."""

from __future__ import annotations

import json
import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import duckdb
import target_duckdb  # type: ignore[import-untyped] # it ships no types
from target_duckdb.db_sync import DbSync, column_type  # type: ignore[import-untyped] # likewise

from target_duckdb_exact import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Message = dict[str, Any]

RECORD_HEAD = re.compile(rb'\{"type": ?"RECORD", ?"stream": ?"([^"\\]+)"')
"""How taps of the SDK begin a record, whose rest nobody but DuckDB then has to read."""
BATCH_SIZE_ROWS = 100_000
"""Single records that are stored together, unless ``batch_size_rows`` says otherwise."""
PARTS = {
    "RECORD": {"stream", "record"},
    "STATE": {"value"},
    "SCHEMA": {"stream", "schema"},
    "BATCH": {"stream", "encoding", "manifest"},
}
"""What a message of each type must have."""
TELLING = (
    duckdb.ConstraintException,
    duckdb.ConversionException,
    duckdb.InvalidInputException,
    duckdb.OutOfRangeException,
)
"""Errors of DuckDB whose text quotes values of records."""


class LoaderError(Exception):
    """What came cannot be loaded; the text says what and why, and holds no value of a record."""


@dataclass
class Table:
    """Where a stream goes.

    Attributes:
        stream: Its name.
        sync: Its table, as target-duckdb makes it.
        keys: Columns of its primary key, quoted; none for a table that only grows.
        spool: File with its RECORD messages that are not stored yet, or None.
    """

    stream: str
    sync: Any
    keys: Sequence[str]
    spool: IO[bytes] | None = None

    @property
    def name(self) -> str:
        """Its table's qualified and quoted name."""
        name: str = self.sync.table_name(self.stream)
        return name

    def columns(self) -> dict[str, str]:
        """Return, by the name of each property, the type that DuckDB reads it as.

        An instant is read with its offset, which a column without zone would drop.
        """
        return {
            name: "TIMESTAMPTZ" if (kind := column_type(schema)) == "timestamp" else kind
            for name, schema in self.sync.flatten_schema.items()
        }


class Loader:
    """Takes Singer messages, one after another."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, config: Message, folder: Path
    ) -> None:
        """Load into a database.

        Args:
            connection: The database.
            config: The settings.
            folder: An empty folder for temporary files.
        """
        self._connection = connection
        self._config = config
        self._folder = folder
        self._tables: dict[str, Table] = {}
        self._spooled = 0
        self._state: object = None

    def take(self, lines: Iterable[bytes]) -> None:
        """Load all messages; what came before a failure is stored, and its STATE written.

        Args:
            lines: A message each.

        Raises:
            LoaderError: A line is no message, or what it holds cannot be stored.
        """
        for line in lines:
            if (head := RECORD_HEAD.match(line)) and line.endswith(b"}\n"):
                self._spool(head[1].decode(), line)
                continue
            message = self._message(line)
            kind = message["type"]
            if kind == "RECORD":
                self._spool(message["stream"], line.rstrip() + b"\n")
            elif kind == "STATE":
                self._state = message["value"]
                if not self._spooled:
                    self._write_state()
            elif kind == "SCHEMA":
                self.store()
                self._tables[message["stream"]] = self._table(message)
            elif kind == "BATCH":
                self.store()
                self._store_files(message)
            elif kind != "ACTIVATE_VERSION":
                msg = f"messages of type {kind!r} are not known"
                raise LoaderError(msg)
        self.store()

    def _message(self, line: bytes) -> Message:
        """Return the message of a line; if it is none, what came before it is stored first."""
        try:
            message: Message = json.loads(line)
            kind = message["type"]
            missing = sorted(PARTS.get(kind, set()) - message.keys())
        except (ValueError, TypeError, KeyError, AttributeError):
            self.store()
            msg = "a line is no Singer message; the tap may have been stopped while writing it"
            raise LoaderError(msg) from None
        if missing:
            self.store()
            msg = f"a message of type {kind} has no {' and no '.join(map(repr, missing))}"
            raise LoaderError(msg)
        return message

    def store(self) -> None:
        """Store all single records that came, in one transaction, and write the last STATE."""
        spooled = [table for table in self._tables.values() if table.spool]
        if not spooled:
            return
        with self._transaction():
            for table in spooled:
                if table.spool:
                    table.spool.close()
                    self._upsert(table, [table.spool.name], "uncompressed", inside="record")
        for table in spooled:
            if table.spool:
                Path(table.spool.name).unlink()
            table.spool = None
        self._spooled = 0
        self._write_state()

    def _spool(self, stream: str, line: bytes) -> None:
        """Keep a RECORD message, as it came, until a batch is full."""
        table = self._known(stream)
        if table.spool is None:
            table.spool = tempfile.NamedTemporaryFile(dir=self._folder, delete=False)  # noqa: SIM115 - store() closes it
        table.spool.write(line)
        self._spooled += 1
        if self._spooled >= self._config.get("batch_size_rows", BATCH_SIZE_ROWS):
            self.store()

    def _store_files(self, message: Message) -> None:
        """Store the files of a BATCH message, in one transaction."""
        encoding = message["encoding"]
        if encoding["format"] != "jsonl":
            msg = f"BATCH files must be jsonl, not {encoding['format']}; set it in batch_config"
            raise LoaderError(msg)
        compression = "gzip" if encoding.get("compression") == "gzip" else "uncompressed"
        files = [local(address) for address in message["manifest"]]
        with self._transaction():
            self._upsert(self._known(message["stream"]), files, compression, inside=None)
        if self._config.get("delete_batch_files"):
            for file in files:
                Path(file).unlink()

    def _upsert(
        self, table: Table, files: Sequence[str], compression: str, inside: str | None
    ) -> None:
        """Put the records of files into a table; of several with one key, the last counts.

        Args:
            table: The table.
            files: Their paths or addresses, in order.
            compression: As DuckDB names it.
            inside: The key of each line's object that holds the record; None if the line is it.
        """
        source = sql.records(table.columns(), files, compression, inside)
        columns = table.sync.column_names()
        try:
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {sql.STAGED} AS {source}")
            self._connection.execute(sql.moved(table.name, columns, table.keys))
        except duckdb.Error as error:
            why = f": {error}" if not isinstance(error, TELLING) else ""
            msg = f"stream '{table.stream}' cannot be stored ({type(error).__name__}){why}"
            raise LoaderError(msg) from None

    def _table(self, message: Message) -> Table:
        """Make or widen the table of a SCHEMA message."""
        keys = message.get("key_properties", [])
        if not keys and self._config.get("primary_key_required", True):
            msg = (
                f"stream '{message['stream']}' has no primary key. Set primary_key_required to "
                "false to have its records added without looking for earlier ones"
            )
            raise LoaderError(msg)
        if self._config.get("add_metadata_columns"):
            message = target_duckdb.add_metadata_columns_to_schema(message)
        sync = DbSync(self._connection, self._config, message)
        _check_names(message["stream"], sync.flatten_schema)
        try:
            sync.create_schema_if_not_exists()
            sync.sync_table()
        except duckdb.Error as error:
            msg = f"the table of stream '{message['stream']}' cannot be made: {error}"
            raise LoaderError(msg) from None
        return Table(message["stream"], sync, [sql.quoted(key).lower() for key in keys])

    def _known(self, stream: str) -> Table:
        if stream not in self._tables:
            msg = f"records of stream '{stream}' came before its SCHEMA"
            raise LoaderError(msg)
        return self._tables[stream]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of a block, or nothing of it, is in the database."""
        self._connection.begin()
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    def _write_state(self) -> None:
        """Confirm the last STATE: all before it is stored."""
        if self._state is not None:
            print(json.dumps(self._state), flush=True)  # noqa: T201 - what targets have stdout for


def _check_names(stream: str, names: Iterable[str]) -> None:
    """Refuse columns that would be one, for names of columns are in lower case."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(name.lower(), []).append(name)
    for found in alike.values():
        if len(found) > 1:
            msg = (
                f"stream '{stream}' has columns whose names differ only in case: "
                f"{', '.join(found)}. Leave all but one out, or rename them with stream_maps"
            )
            raise LoaderError(msg)


def local(address: str) -> str:
    """Return the path of a file: address; DuckDB reads others, such as s3://, by itself."""
    parts = urlsplit(address)
    return url2pathname(parts.path) if parts.scheme == "file" else address
