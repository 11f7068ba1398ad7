"""Wire record -> Singer record, for the usual record: its types on the wire are the schema's.

msgspec decodes such a record straight into a class with a typed field for every column, and refuses
it if a key is unknown or a value has another type. What is decoded then needs only what types
cannot say: text is cleaned and dates become instants, see :mod:`tap_kapture.shape.finishing`. What
is refused, or turns out odd on the way, goes through :mod:`tap_kapture.shape.odd_records`, which
takes everything. So this is a shortcut, never a rule of its own; a test compares the two.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from tap_kapture.schemas import EXTRA_FIELDS, Column, Kind
from tap_kapture.shape.finishing import finisher
from tap_kapture.shape.numbers import MAX_INTEGER
from tap_kapture.shape.odd_records import OddShaper

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo


class _Calendar(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A Java calendar object, its parts in the order of :func:`instants.calendar_parts`."""

    year: int
    month: int
    dayOfMonth: int  # noqa: N815 - the wire's name
    hourOfDay: int  # noqa: N815 - the wire's name
    minute: int
    second: int


_Nothing = Annotated[int, msgspec.Meta(gt=0, lt=1)]
"""No value has this type: the wire has no such field."""
_TYPES: dict[Kind, Any] = {
    Kind.TEXT: str | None,
    Kind.INTEGER: Annotated[int, msgspec.Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)] | str | None,
    Kind.NUMBER: Any,
    Kind.BOOLEAN: bool | None,
    Kind.INSTANT: str | _Calendar | None,
    Kind.TEXTS: Any,
    Kind.OBJECT: Any,
}


class RecordShaper:
    """Shapes the records of one stream, most of them without touching most of their values.

    Attributes:
        odd: Shapes what is not usual, and counts what does not fit.
    """

    def __init__(self, columns: tuple[Column, ...], zone: tzinfo, *, clean_text: bool) -> None:
        """Compile the columns.

        Args:
            columns: The columns of the stream.
            zone: The account's zone, for every date on the wire.
            clean_text: Undo HTML escaping and turn blank text into null; else text is verbatim.
        """
        self.odd = OddShaper(columns, zone, clean_text=clean_text)
        kind, self._finish = _compiled(columns, self.odd)
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind, float_hook=Decimal)

    def shape(self, row: msgspec.Raw | bytes) -> object:
        """Return the Singer record of a wire record: every column, in the order of the schema.

        Args:
            row: The record's JSON.

        Returns:
            What msgspec encodes as an object of the schema; see :func:`as_dict`.

        Raises:
            UnicodeDecodeError: A text is not valid UTF-8.
        """
        try:
            record = self._decoder.decode(row)
            self._finish(record)
        except UnicodeDecodeError:
            raise
        except (msgspec.ValidationError, ValueError, InvalidOperation, RecursionError):
            return self.odd.shape_row(row)
        return record


def _compiled(
    columns: tuple[Column, ...], general: OddShaper
) -> tuple[type[msgspec.Struct], Callable[[Any], None]]:
    """Return the class of a record, or of the objects in a column, and what finishes one."""
    nested = {
        column.name: _compiled(column.columns, general.nested[column.name])
        for column in columns
        if column.kind is Kind.OBJECTS
    }

    def type_of(column: Column) -> Any:  # noqa: ANN401 - a type expression
        if column.made:
            return _Nothing
        if column.kind is Kind.OBJECTS:
            return list[nested[column.name][0]] | None  # type: ignore[misc] # a type made at run time
        return _TYPES[column.kind]

    kind = msgspec.defstruct(
        "Record",
        [
            *((column.name, type_of(column), None) for column in columns),
            (EXTRA_FIELDS, _Nothing, None),
        ],
        forbid_unknown_fields=True,
        gc=False,  # records hold no cycles
    )
    finishers = {name: finish for name, (_, finish) in nested.items()}
    return kind, finisher(columns, general, finishers)


def stamp(record: Any, day: str, emitted_at: str) -> None:  # noqa: ANN401 - as below
    """Put what the tap makes into a shaped record.

    Args:
        record: As :class:`RecordShaper` returns it.
        day: The day under which it was served.
        emitted_at: When the records of that day leave.
    """
    if record.__class__ is dict:
        record["day"], record["emitted_at"] = day, emitted_at
    else:
        record.day, record.emitted_at = day, emitted_at


def as_dict(record: Any) -> dict[str, Any]:  # noqa: ANN401 - a struct made at run time, or a dict
    """Return a shaped record as a dict, numbers with all their digits.

    Args:
        record: As :class:`RecordShaper` returns it.
    """
    plain: dict[str, Any] = msgspec.to_builtins(record, builtin_types=(Decimal,))
    return plain
