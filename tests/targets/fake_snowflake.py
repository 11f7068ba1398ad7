"""target-snowflake on fakesnow: `.venv-targets/bin/python fake_snowflake.py FOLDER ...`.

With target-snowflake's own arguments it loads what comes on stdin; with ``--show STREAM`` it prints
the rows of a table as JSON lines. The databases are files in the folder, so that they outlive the
process.

fakesnow (https://github.com/tekumara/fakesnow) puts DuckDB in the place of Snowflake. It lacks what
target-snowflake stages its files with, which is filled in here: the user stage ``@~`` with PUT and
REMOVE, staged files in a SELECT, ``DROP FILE FORMAT`` and ``START TRANSACTION``. What this does not
prove: how Snowflake itself reads files, converts types and locks, logging in, warehouses,
privileges, and streams that are stored at the same time.
"""

# ruff: noqa: ANN401, S608, T201 - fakesnow has no types; names are of ours; it prints what it shows

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import fakesnow  # type: ignore[import-not-found] # in an environment of its own, with the target
from fakesnow.cursor import FakeSnowflakeCursor  # type: ignore[import-not-found] # likewise

DATABASE, SCHEMA = "ACCOUNT", "KAPTURE"
CONNECTION = {"account": "local", "user": "loader", "password": "none", "database": DATABASE}
STAGED = re.compile(r"'@~/([^']+)'\s*\(file_format => [^)]+\)", re.IGNORECASE)
PUT = re.compile(r"put '?(file:[^' ]+)'? '@~/([^']+)'", re.IGNORECASE)
REMOVE = re.compile(r"remove '@~/([^']+)'", re.IGNORECASE)
SOURCE = re.compile(r"using \((select .*)\) s on ", re.IGNORECASE | re.DOTALL)
PATH = re.compile(r'\$1:"?([^":]+)"?::')
DONE = "select 'done' as status"

fakesnow_execute = FakeSnowflakeCursor.execute


class UserStage:
    """The files of ``@~``, and the statements on them."""

    def __init__(self, folder: Path) -> None:
        """Keep them in a folder."""
        self.folder = folder

    def execute(
        self, cursor: Any, command: str, params: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Run a statement, in fakesnow's words where they differ from Snowflake's."""
        if params and "put" in command[:5].lower():
            command, params = command % {name: f"'{it}'" for name, it in params.items()}, None
        if put := PUT.match(command):
            (self.folder / put[2]).mkdir(parents=True, exist_ok=True)
            shutil.copy(url2pathname(urlsplit(put[1]).path), self.folder / put[2])
            command = DONE
        elif remove := REMOVE.match(command):
            shutil.rmtree(self.folder / remove[1])
            command = DONE
        elif command.strip().rstrip(";").upper() == "START TRANSACTION":
            command = "BEGIN"
        elif staged := STAGED.search(command):
            command = self._merge(cursor, command, staged[1])
        return fakesnow_execute(cursor, command, params, *args, **kwargs)

    def _merge(self, cursor: Any, command: str, path: str) -> str:
        """Lay staged JSON lines into a table, a variant each, and merge from there.

        Streams are stored at the same time, so each has tables of its own.
        """
        table = f"{DATABASE}.{SCHEMA}.{Path(path).name.partition('-')[0]}".upper()
        cursor._duck_conn.execute(  # noqa: SLF001 - where fakesnow's own statements go
            f"CREATE OR REPLACE TABLE {table}_STAGED AS"
            " SELECT json AS V, row_number() OVER () AS LINE"
            f" FROM read_ndjson_objects('{self.folder / path}/*', compression = 'gzip')"
        )
        command = STAGED.sub(f"{table}_STAGED", command).replace("SEQ8()", "LINE")
        # To Snowflake a path tells capitals apart, quoted or not; to fakesnow only if quoted.
        command = PATH.sub(r'V:"\1"::', command)
        # fakesnow merges in a session with a schema, from a table, not from a SELECT with a window.
        fakesnow_execute(cursor, f"use schema {DATABASE}.{SCHEMA}")
        source = SOURCE.search(command)
        assert source, command
        fakesnow_execute(cursor, f"create or replace table {table}_SOURCE as {source[1]}")
        return SOURCE.sub(f"using {table}_SOURCE s on ", command)


def load(arguments: list[str]) -> None:
    """Run target-snowflake, one stream at a time: fakesnow's connections share one database."""
    from singer_sdk import target_base  # noqa: PLC0415 - with the target
    from target_snowflake.target import (  # type: ignore[import-not-found] # noqa: PLC0415 - patched first
        TargetSnowflake,
    )

    target_base._MAX_PARALLELISM = 1  # noqa: SLF001 - it has no setting
    TargetSnowflake.cli(arguments)


def show(stream: str) -> None:
    """Print the rows of a table, nested values parsed, instants as text in UTC."""
    import snowflake.connector  # type: ignore[import-not-found] # noqa: PLC0415 - patched first

    with snowflake.connector.connect(**CONNECTION, schema=SCHEMA) as connection:
        cursor = connection.cursor()
        cursor.execute(f"select * from {SCHEMA}.{stream}")
        described = [(column.name, column.type_code) for column in cursor.description]
        for row in cursor.fetchall():
            shown = {
                name: json.loads(value) if kind == VARIANT and value is not None else value
                for (name, kind), value in zip(described, row, strict=True)
            }
            print(json.dumps(shown, default=as_singer))


def as_singer(value: dt.date | dt.datetime) -> str:
    """Return a date, or a timestamp without zone, which is in UTC, as a Singer message has it."""
    if not isinstance(value, dt.datetime):
        return value.isoformat()
    return value.replace(tzinfo=dt.timezone.utc).isoformat()


VARIANT = 5
"""The code of the type in https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-api."""


def main(folder: str, *arguments: str) -> None:
    """Patch Snowflake's connector, and do what the arguments say."""
    stage = UserStage(Path(folder) / "stage")

    def execute(cursor: Any, command: str, params: Any = None, *args: Any, **kwargs: Any) -> Any:
        return stage.execute(cursor, command, params, *args, **kwargs)

    FakeSnowflakeCursor.execute = execute
    with fakesnow.patch(db_path=folder, nop_regexes=["drop file format"]):
        import snowflake.connector  # noqa: PLC0415 - patched first

        snowflake.connector.connect(**CONNECTION).close()  # makes the database
        if arguments[0] == "--show":
            show(arguments[1])
        else:
            load(list(arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
