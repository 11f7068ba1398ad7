"""Wire record -> Singer record, compiled once per stream from its columns.

A value becomes its column's type, or null with the raw value kept in ``extra_fields``. Nothing is
dropped and nothing is guessed: a form that Kapture is not known to send stays raw, and what is
nested too deep to be read, or holds a number too long, is kept there as its JSON text.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from tap_kapture.errors import KaptureRecordError
from tap_kapture.schemas import EXTRA_FIELDS, Column, Kind
from tap_kapture.shape import cleaning
from tap_kapture.shape import values as converters
from tap_kapture.shape.instants import instants_in
from tap_kapture.shape.json import Unread, decode_record, text_of
from tap_kapture.shape.numbers import MAX_INTEGER

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    import msgspec

    Converter = Callable[[Any], Any]


class OddShaper:
    """Shapes the records of one stream, or of the objects in one column.

    Attributes:
        unknown: How often each key without a column was met.
        unconvertible: How often each column held a value that does not fit it.
        cleans_text: Whether text is cleaned, or kept verbatim.
        nested: Shapes the objects of each column that holds objects.
        converters: Turns a wire value into that of a column, by its name.
        read_instant: Reads local times of the account's zone.
    """

    def __init__(self, columns: tuple[Column, ...], zone: tzinfo, *, clean_text: bool) -> None:
        """Compile the columns.

        Args:
            columns: The columns of the stream.
            zone: The account's zone, for every date on the wire.
            clean_text: Undo HTML escaping and turn blank text into null; else text is verbatim.
        """
        self.cleans_text = clean_text
        self.unknown: Counter[str] = Counter()
        self.unconvertible: Counter[str] = Counter()
        self.nested: dict[str, OddShaper] = {
            column.name: OddShaper(column.columns, zone, clean_text=clean_text)
            for column in columns
            if column.kind is Kind.OBJECTS
        }
        self.read_instant = instants_in(zone)
        self._clean: Converter = cleaning.clean if clean_text else cleaning.verbatim
        self._keep: Converter = cleaning.without_nul if clean_text else cleaning.verbatim
        self.converters: dict[str, Converter] = {
            column.name: self._converter(column) for column in columns if not column.made
        }
        # Most values need nothing: these let shape() say so at once.
        self._text_columns = {c.name for c in columns if c.kind is Kind.TEXT and clean_text}
        self._integer_columns = {c.name for c in columns if c.kind is Kind.INTEGER}
        names = [column.name for column in columns]
        self._empty: dict[str, Any] = dict.fromkeys([*names, EXTRA_FIELDS])

    def shape(self, raw: dict[str, Any]) -> dict[str, Any]:
        """Return the Singer record of a wire record: every column, in the order of the schema.

        Args:
            raw: The record as decoded, floats as Decimal.

        Returns:
            A new record; columns that the wire left out are null.
        """
        record = self._empty.copy()
        text_columns, integer_columns = self._text_columns, self._integer_columns
        clean = self._clean
        for name, value in raw.items():
            if value.__class__ is str:
                if name in text_columns:
                    # Null is in place already, and text without these needs no cleaning.
                    if value:
                        special = "&" in value or "\0" in value or value.isspace()
                        record[name] = clean(value) if special else value
                    continue
            elif (
                value.__class__ is int
                and name in integer_columns
                and -MAX_INTEGER <= value <= MAX_INTEGER
            ):
                record[name] = value
                continue
            self._convert(name, value, record)
        return record

    def shape_row(self, row: msgspec.Raw | bytes) -> dict[str, Any]:
        """Return the Singer record of a wire record that is JSON still.

        Args:
            row: The record's JSON.

        Raises:
            UnicodeDecodeError: A text is not valid UTF-8.
            KaptureRecordError: It is nested beyond what can be read.
        """
        raw = decode_record(row)
        try:
            return self.shape(raw)
        except RecursionError:
            msg = "a record is nested beyond what can be read"
            raise KaptureRecordError(msg) from None

    def _convert(self, name: str, value: object, record: dict[str, Any]) -> None:
        """Put a value into its column or into ``extra_fields``, there as text if it is too deep."""
        converter = self.converters.get(name)
        try:
            if converter is not None and value.__class__ is not Unread:
                record[name] = converter(value)
                return
        except ValueError:
            pass
        except RecursionError:
            value = Unread(text_of(value))
        (self.unknown if converter is None else self.unconvertible)[name] += 1
        kept = self._kept(value, self._clean if converter is None else self._keep)
        if record[EXTRA_FIELDS] is None:
            record[EXTRA_FIELDS] = {}
        record[EXTRA_FIELDS][self._keep(name)] = kept

    @staticmethod
    def _kept(value: object, keep: Converter) -> object:
        if value.__class__ is Unread:
            return str(value)
        try:
            return keep(value)
        except RecursionError:
            return text_of(value)

    def misfits(self) -> tuple[Counter[str], Counter[str]]:
        """Return the counts of unknown keys and unconvertible columns, nested ones by path."""
        unknown, unconvertible = Counter(self.unknown), Counter(self.unconvertible)
        for column, nested in self.nested.items():
            for total, counts in zip((unknown, unconvertible), nested.misfits(), strict=True):
                total.update({f"{column}.{name}": count for name, count in counts.items()})
        return unknown, unconvertible

    def _converter(self, column: Column) -> Converter:
        """Return the converter of a column, its rules filled in."""
        by_kind: dict[Kind, Converter] = {
            Kind.INTEGER: converters.integer,
            Kind.NUMBER: converters.number,
            Kind.BOOLEAN: converters.boolean,
            Kind.TEXT: partial(converters.text, cleaner=self._clean),
            Kind.TEXTS: partial(converters.texts, cleaner=self._clean),
            Kind.OBJECT: partial(converters.free_object, cleaner=self._clean),
            Kind.INSTANT: partial(converters.instant, read=self.read_instant),
        }
        if column.kind is Kind.OBJECTS:
            return partial(converters.objects, shape=self.nested[column.name].shape)
        return by_kind[column.kind]
