"""What a column is, and the JSON Schema of columns."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Kind(Enum):
    """What a column holds, whatever the wire calls it."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DAY = "day"
    INSTANT = "instant"
    TEXTS = "list of text"
    OBJECT = "object of any fields"
    OBJECTS = "list of objects"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a stream, or of the objects in a column.

    Attributes:
        name: The key on the wire and in the table.
        kind: What it holds.
        description: What it means, for the person who reads the table.
        columns: The columns of the objects, for a list of objects.
        made: Whether the tap makes it; else Kapture sends it.
    """

    name: str
    kind: Kind
    description: str
    columns: tuple[Column, ...] = ()
    made: bool = False


EXTRA_FIELDS = "extra_fields"
"""The column that keeps what has no column of its own."""

_EXTRA = Column(
    EXTRA_FIELDS,
    Kind.OBJECT,
    "Fields that have no column of their own, and values that do not fit their column, as sent.",
)
_TYPES: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": ["string", "null"]},
    Kind.INTEGER: {"type": ["integer", "null"]},
    Kind.NUMBER: {"type": ["number", "null"]},
    Kind.BOOLEAN: {"type": ["boolean", "null"]},
    Kind.DAY: {"type": ["string", "null"], "format": "date"},
    Kind.INSTANT: {"type": ["string", "null"], "format": "date-time"},
    Kind.TEXTS: {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
    Kind.OBJECT: {"type": ["object", "null"], "additionalProperties": True},
    Kind.OBJECTS: {"type": ["array", "null"]},
}


def json_schema(columns: tuple[Column, ...], *keys: str) -> dict[str, Any]:
    """Return the JSON Schema of a stream: everything nullable but its key, everything described.

    Args:
        columns: The columns of the stream.
        keys: Names of the primary key's columns.

    Returns:
        A JSON Schema of type object.
    """
    properties = _properties(columns)
    for key in keys:
        properties[key]["type"] = properties[key]["type"][:1]
    return {"type": "object", "properties": properties, "required": list(keys)}


def _properties(columns: tuple[Column, ...]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    is_sent = not all(column.made for column in columns)
    for column in (*columns, _EXTRA) if is_sent else columns:
        definition = {**deepcopy(_TYPES[column.kind]), "description": column.description}
        if column.kind is Kind.OBJECTS:
            items = {"type": ["object", "null"], "properties": _properties(column.columns)}
            definition["items"] = items
        properties[column.name] = definition
    return properties


_KINDS = {
    "text": Kind.TEXT,
    "int": Kind.INTEGER,
    "num": Kind.NUMBER,
    "bool": Kind.BOOLEAN,
    "day": Kind.DAY,
    "time": Kind.INSTANT,
    "texts": Kind.TEXTS,
    "object": Kind.OBJECT,
}


def table(rows: str, *, made: bool = False) -> tuple[Column, ...]:
    """Read a table of columns.

    Args:
        rows: One column a line: name, kind, description.
        made: As the attribute of :class:`Column`.
    """
    columns = []
    for row in rows.strip().splitlines():
        name, kind, description = row.split(maxsplit=2)
        columns.append(Column(name, _KINDS[kind], description, made=made))
    return tuple(columns)
