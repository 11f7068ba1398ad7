"""Makes the function that finishes typed records: a few lines of Python for each column.

A loop over the columns would spend most of its time on looping, and records have dozens of columns.
So, as :mod:`dataclasses` does for ``__init__``, the loop is unrolled once per run: each column
adds the lines of its kind to the source of one function. The lines do what the converters of
:mod:`tap_kapture.shape.values` do, and leave a value alone where these would return it as it is.
"""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING, Any

from msgspec.structs import astuple

from tap_kapture.schemas import Column, Kind
from tap_kapture.shape import values as converters
from tap_kapture.shape.cleaning import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_kapture.shape.odd_records import OddShaper

_CONVERTED = """
if value is not None:
    record.{name} = convert_{name}(value)
"""
_LINES = {
    Kind.TEXT: """
if value:
    if "&" in value or "\\0" in value or value.isspace():
        record.{name} = clean_text(value)
elif value is not None:
    record.{name} = None
""",
    Kind.INTEGER: """
if value.__class__ is str:
    record.{name} = integer(value) if value else None
""",
    Kind.INSTANT: """
if value is not None:
    moment = value.strip() if value.__class__ is str else astuple(value)
    record.{name} = read_instant(moment) if moment else None
""",
    Kind.NUMBER: _CONVERTED,
    Kind.TEXTS: _CONVERTED,
    Kind.OBJECT: _CONVERTED,
    Kind.OBJECTS: """
if value:
    for element in value:
        finish_{name}(element)
""",
}


def compile_finish(
    columns: tuple[Column, ...],
    general: OddShaper,
    nested: Mapping[str, Callable[[Any], None]],
) -> Callable[[Any], None]:
    """Return a function that does to a typed record, in place, what its types cannot say.

    It cleans text and reads dates, and numbers that came as text. It raises ValueError where a
    value does not fit its column.

    Args:
        columns: The columns of the record.
        general: The shaper of these columns, for its rules.
        nested: What finishes the objects in each column that holds objects.
    """
    source = ["def finish(record):", "    pass"]
    for column in columns:
        if column.made:
            continue
        lines = _LINES.get(column.kind)
        if lines and (column.kind is not Kind.TEXT or general.cleans_text):
            source.append(f"    value = record.{column.name}")
            source.append(indent(lines.format(name=column.name), "    "))
    names: dict[str, Any] = {
        "astuple": astuple,
        "clean_text": clean_text,
        "integer": converters.integer,
        "read_instant": general.read_instant,
        **{f"convert_{name}": convert for name, convert in general.converters.items()},
        **{f"finish_{name}": finish for name, finish in nested.items()},
    }
    exec("\n".join(source), names)  # noqa: S102 - made of the lines above and of the schema's names
    finish: Callable[[Any], None] = names["finish"]
    return finish
