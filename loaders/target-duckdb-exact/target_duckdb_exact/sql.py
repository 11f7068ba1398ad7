"""The statements that read JSON Lines files into a table."""

# ruff: noqa: S608 - names and files are quoted here, values never stand in a statement

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STAGED = "staged"
"""The temporary table that records go through, in the order in which they came."""
LONGEST_RECORD = 64 * 1024 * 1024
"""Bytes of the longest record that DuckDB is asked to read; a longer one is an error."""


def records(
    columns: Mapping[str, str], files: Sequence[str], compression: str, inside: str | None
) -> str:
    """Return the query that reads the records of JSON Lines files, in the files' order.

    Args:
        columns: DuckDB's type of each property.
        files: Paths or addresses.
        compression: As DuckDB names it.
        inside: The key of each line's object that holds the record; None if the line is it.
    """
    if inside:
        fields = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
        read: Mapping[str, str] = {inside: f"STRUCT({fields})", "time_extracted": "TIMESTAMPTZ"}
    else:
        read = columns
    values = []
    for name, kind in columns.items():
        value = f"{quoted(inside)}.{quoted(name)}" if inside else quoted(name)
        if name == "_sdc_batched_at":
            value = "now()"
        elif name == "_sdc_extracted_at":
            value = "time_extracted" if inside else "NULL"
        cast = "::TIMESTAMP" if kind == "TIMESTAMPTZ" else ""  # the session's time zone is UTC
        values.append(f"({value}){cast} AS {quoted(name.lower())}")
    read_as = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in read.items())
    return (
        f"SELECT {', '.join(values)} FROM read_json([{', '.join(map(literal, files))}],"
        f" format = 'newline_delimited', compression = '{compression}', columns = {{{read_as}}},"
        f" maximum_object_size = {LONGEST_RECORD})"
    )


def moved(table: str, columns: Sequence[str], keys: Sequence[str]) -> str:
    """Return the statement that takes the staged rows into a table, by key if it has one.

    Args:
        table: Its name, quoted.
        columns: Their names, quoted.
        keys: Those of the primary key; of several staged rows with one key, the last counts.
    """
    names = ", ".join(columns)
    if not keys:
        return f"INSERT INTO {table} ({names}) FROM {STAGED}"
    key = ", ".join(keys)
    latest = f"rowid IN (SELECT max(rowid) FROM {STAGED} GROUP BY {key})"
    return (
        f"MERGE INTO {table} AS old"
        f" USING (SELECT * FROM {STAGED} WHERE {latest}) AS new USING ({key})"
        f" WHEN MATCHED THEN UPDATE SET {updates(columns, keys)}"
        f" WHEN NOT MATCHED THEN INSERT ({names})"
        f" VALUES ({', '.join(f'new.{column}' for column in columns)})"
    )


def updates(columns: Sequence[str], keys: Sequence[str]) -> str:
    """Return the assignments of an update: each column but the key's, or else the key's own."""
    others = [column for column in columns if column not in keys] or keys
    return ", ".join(f"{column} = new.{column}" for column in others)


def quoted(name: str) -> str:
    """Return a name as SQL wants it."""
    return '"{}"'.format(name.replace('"', '""'))


def literal(text: str) -> str:
    """Return a text as SQL wants it."""
    return "'{}'".format(text.replace("'", "''"))
