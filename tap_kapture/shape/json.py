"""JSON of single records: decoded with all digits, and valid whatever bytes its texts hold."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from tap_kapture.errors import KaptureRecordError


def valid_utf8(row: bytes) -> tuple[bytes, int]:
    """Return JSON with U+FFFD in place of what is not valid UTF-8, and how often that was.

    Args:
        row: JSON that is valid but for bytes inside its texts.
    """
    text = row.decode(errors="replace")
    return text.encode(), text.count("\ufffd") - row.count("\ufffd".encode())


class Unread(str):
    """JSON text of a value that is nested, or holds a number, beyond what JSON parsers take."""

    __slots__ = ()


def decode_record(row: msgspec.Raw | bytes) -> dict[str, Any]:
    """Return a record as a dict, fractions as Decimal so that they keep their digits.

    A value that cannot be read is :class:`Unread`.

    Raises:
        UnicodeDecodeError: A text is not valid UTF-8, see :func:`valid_utf8`.
        KaptureRecordError: It is nested beyond what JSON parsers take, so that its values cannot be
            told apart.
    """
    try:
        return _RECORD.decode(row)
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        return {name: _value_of(value) for name, value in _VALUES.decode(row).items()}
    except (msgspec.DecodeError, RecursionError):
        msg = "a record is nested beyond what can be read"
        raise KaptureRecordError(msg) from None


def decode_any_record(row: msgspec.Raw | bytes) -> dict[str, Any]:
    """Return a record as :func:`decode_record` does, U+FFFD in place of what is not valid UTF-8.

    Raises:
        KaptureRecordError: As there.
    """
    try:
        return decode_record(row)
    except UnicodeDecodeError:
        return decode_record(valid_utf8(bytes(row))[0])


def text_of(value: Any) -> str:  # noqa: ANN401 - any JSON value passes
    """Return a value as JSON text, numbers with all their digits.

    Raises:
        RecursionError: It is nested beyond what JSON encoders take.
    """
    return _ENCODER.encode(value).decode()


def _value_of(raw: msgspec.Raw) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return _VALUE.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return Unread(bytes(raw).decode())


def decimal_of(text: str) -> Decimal | str:
    """Return a fraction with all its digits."""
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond any number: kept as text
        return text


_RECORD = msgspec.json.Decoder(dict[str, Any], float_hook=decimal_of)
_VALUES = msgspec.json.Decoder(dict[str, msgspec.Raw])
_VALUE = msgspec.json.Decoder(Any, float_hook=decimal_of)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
