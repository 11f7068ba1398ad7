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


def decode_record(row: msgspec.Raw | bytes) -> dict[str, Any]:
    """Return a record as a dict, fractions as Decimal so that they keep their digits.

    Raises:
        UnicodeDecodeError: A text is not valid UTF-8, see :func:`valid_utf8`.
        KaptureRecordError: It is nested, or holds a number, beyond what JSON parsers take.
    """
    try:
        return _RECORD.decode(row)
    except (msgspec.DecodeError, RecursionError):
        msg = "a record is nested, or holds a number, beyond what can be read"
        raise KaptureRecordError(msg) from None


def decimal_of(text: str) -> Decimal | str:
    """Return a fraction with all its digits."""
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond any number: kept as text
        return text


_RECORD = msgspec.json.Decoder(dict[str, Any], float_hook=decimal_of)
