"""Wire record -> Singer record, for the usual record: its types on the wire are the schema's.

msgspec decodes such a record straight into a class with a typed field for every column, and refuses
it if a key is unknown or a value has another type. What is decoded then needs only what types
cannot say: text is cleaned and dates become instants. Whatever is refused, or turns out odd on the
way, goes through :mod:`tap_kapture.records`, which takes everything. So this is a shortcut, never a
rule of its own; a test compares the two.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from tap_kapture import converters
from tap_kapture.converters import MAX_INTEGER
from tap_kapture.envelopes import decimal_of
from tap_kapture.schemas import EXTRA_FIELDS, Column, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_kapture.records import Shaper

_Nothing = Annotated[int, msgspec.Meta(gt=0, lt=1)]
"""No value has this type: the wire has no such field."""
_TYPES: dict[Kind, Any] = {
    Kind.TEXT: str | None,
    Kind.INTEGER: Annotated[int, msgspec.Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)] | str | None,
    Kind.BOOLEAN: bool | None,
    Kind.NUMBER: Any,
    Kind.INSTANT: Any,
    Kind.TEXTS: Any,
    Kind.OBJECT: Any,
}


class TypedShaper:
    """Shapes the records of one stream, most of them without touching most of their values."""

    def __init__(self, columns: tuple[Column, ...], general: Shaper) -> None:
        """Compile the columns.

        Args:
            columns: The columns of the stream.
            general: Shapes what is not usual, and has the converters.
        """
        self._general = general
        self._fields = _Fields(columns, general)
        self._decoder = msgspec.json.Decoder(self._fields.type, float_hook=decimal_of)

    def shape(self, row: msgspec.Raw | bytes) -> object:
        """Return the Singer record of a wire record: every column, in the order of the schema.

        Args:
            row: The record's JSON.

        Returns:
            A record that msgspec encodes as it encodes that of the general shaper.

        Raises:
            UnicodeDecodeError: A text is not valid UTF-8.
        """
        try:
            record = self._decoder.decode(row)
            self._fields.finish(record)
        except UnicodeDecodeError:
            raise
        except (msgspec.ValidationError, ValueError, RecursionError):
            return self._general.shape_row(row)
        return record


class _Fields:
    """The fields of a record, or of the objects in one of its columns."""

    def __init__(self, columns: tuple[Column, ...], general: Shaper) -> None:
        by_kind: dict[Kind, list[str]] = {kind: [] for kind in Kind}
        for column in columns:
            by_kind[column.kind].append(column.name)
        self._nested = {
            column.name: _Fields(column.columns, general.nested[column.name])
            for column in columns
            if column.kind is Kind.OBJECTS
        }
        self.type: Any = msgspec.defstruct(
            "Record",
            [
                *((column.name, self._type(column), None) for column in columns),
                (EXTRA_FIELDS, _Nothing, None),
            ],
            forbid_unknown_fields=True,
            gc=False,  # records hold no cycles
        )
        self._instants = general.instants
        self._converters = general.converters
        self._texts = _values_of(by_kind[Kind.TEXT] if general.cleans_text else [])
        self._integers = _values_of(by_kind[Kind.INTEGER])
        self._dates = _values_of(by_kind[Kind.INSTANT])
        others = (Kind.NUMBER, Kind.TEXTS, Kind.OBJECT)
        self._others = _values_of([name for kind in others for name in by_kind[kind]])
        empty: dict[Kind, object] = {Kind.TEXTS: [], Kind.OBJECT: {}}
        self._empty = {c.name: empty[c.kind] for c in columns if c.kind in empty}
        self._lists = _values_of(by_kind[Kind.OBJECTS])

    def _type(self, column: Column) -> Any:  # noqa: ANN401 - a type expression
        if column.kind is Kind.OBJECTS:
            return list[self._nested[column.name].type] | None  # type: ignore[misc]
        return _TYPES[column.kind]

    def finish(self, record: object) -> None:
        """Do what types cannot say: clean text, read dates, and numbers that came as text."""
        for name, text in self._texts(record):
            if text:
                if "&" in text or "\0" in text or text.isspace():
                    setattr(record, name, converters.clean(text))
            elif text is not None:
                setattr(record, name, None)
        for name, number in self._integers(record):
            if number.__class__ is str:
                setattr(record, name, converters.integer(number))
        self._finish_others(record)

    def _finish_others(self, record: object) -> None:
        known = self._instants.get
        for name, date in self._dates(record):
            if date is not None:
                instant = known(date) if date.__class__ is str else None
                setattr(record, name, instant or self._converters[name](date))
        for name, value in self._others(record):
            if value is not None and value != self._empty.get(name):
                setattr(record, name, self._converters[name](value))
        for name, elements in self._lists(record):
            for element in elements or ():
                self._nested[name].finish(element)


def _values_of(names: list[str]) -> Callable[[object], Iterator[tuple[str, Any]]]:
    """Return a function that gives the fields of these names with their values, at once."""
    if len(names) <= 1:
        return lambda record: iter([(name, getattr(record, name)) for name in names])
    values = attrgetter(*names)
    return lambda record: zip(names, values(record), strict=True)
