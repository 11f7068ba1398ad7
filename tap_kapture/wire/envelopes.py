"""Bytes of an answer -> its envelope's keys, its rows, and the records in them.

Rows stay JSON until they are needed: a day that did not change is never decoded. Everything that is
read strictly here is valid JSON in UTF-8 afterwards, so that a row decodes without surprises.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

from tap_kapture.errors import KaptureResponseError, KaptureTransientError
from tap_kapture.shape.json import valid_utf8

if TYPE_CHECKING:
    from collections.abc import Mapping


class Usual(msgspec.Struct, forbid_unknown_fields=True):
    """The envelope of nearly every answer; another key, or another spelling, makes it unusual.

    Attributes:
        status: Its text.
        message: The rows, each still JSON.
        totalCount: Whatever it is.
    """

    status: str
    message: list[msgspec.Raw]
    totalCount: msgspec.Raw | None = None  # noqa: N815 - the wire's name


_USUAL = msgspec.json.Decoder(Usual)
_ENVELOPE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_JSON = msgspec.json.Decoder(msgspec.Raw)
_AROUND_JSON = " \t\r\n\0\ufeff"
_NOTHING = re.compile(rb"null|\[\s*\]|\{\s*\}")
_CHARSET = re.compile(r"charset=\"?([\w.:-]+)", re.IGNORECASE)


def to_utf8(body: bytes, content_type: str) -> tuple[bytes, int]:
    """Return a body in UTF-8, and how many characters were not valid in its charset.

    A body in UTF-8 is taken as it is: what is not valid in it shows when a record is decoded, see
    :func:`valid_utf8`, and looking for it here would cost as much as decoding.

    Args:
        body: The bytes as received.
        content_type: The header that may declare a charset; UTF-8 without one.

    Raises:
        KaptureResponseError: The declared charset is not known.
    """
    match = _CHARSET.search(content_type)
    charset = match[1].lower() if match else "utf-8"
    if charset in {"utf-8", "utf8"}:
        return body, 0
    try:
        return body.decode(charset).encode(errors="replace"), 0
    except UnicodeDecodeError:
        text = body.decode(charset, "replace")
        return text.encode(), text.count("\ufffd")
    except (LookupError, UnicodeError):
        msg = f"the answer declares the unknown charset '{charset[:40]}'"
        raise KaptureResponseError(msg) from None


def decode_usual(body: bytes) -> Usual | None:
    """Return the envelope in one pass over the body, or None if it is not quite as usual.

    Args:
        body: JSON in UTF-8.
    """
    try:
        return _USUAL.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def decode_envelope(body: bytes) -> dict[str, msgspec.Raw]:
    """Return the top-level keys in lower case, each value still JSON.

    Args:
        body: JSON in UTF-8.

    Raises:
        KaptureResponseError: The body is JSON, but no object.
        KaptureTransientError: The body is not JSON.
    """
    try:
        envelope = _ENVELOPE.decode(body)
    except msgspec.ValidationError:
        _strict_json(body)  # what only begins like JSON is worth another try
        msg = "the answer is JSON, but no object: is this address a Kapture API?"
        raise KaptureResponseError(msg) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return decode_envelope(_strict_json(body))
    return {name.lower(): value for name, value in envelope.items()}


def _strict_json(body: bytes) -> bytes:
    """Rewrite JSON that only a lenient parser reads: raw control characters, half surrogates, NaN.

    Raises:
        KaptureTransientError: The body is no JSON at all, such as a proxy's HTML or a cut answer.
    """
    try:
        value = json.loads(
            body.decode(errors="replace").lstrip("\ufeff"),
            strict=False,
            parse_float=lambda text: msgspec.Raw(text.encode()),
            parse_constant=str,
        )
        return msgspec.json.encode(_whole_characters(value))
    except (ValueError, RecursionError):
        msg = "the body is not JSON"
        raise KaptureTransientError(msg) from None


def _whole_characters(value: Any) -> Any:  # noqa: ANN401 - any JSON value passes
    """Replace half surrogates, which no UTF-8 can hold, by U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole_characters(element) for element in value]
    if isinstance(value, dict):
        return {_whole_characters(name): _whole_characters(v) for name, v in value.items()}
    return value


def rows_of(message: msgspec.Raw) -> list[msgspec.Raw]:
    """Return the elements of a JSON array, or a JSON object as the only one, each still JSON.

    An object without fields is no record: some JSON libraries write an empty list so.
    """
    if bytes(message)[:1] == b"[":
        return _ROWS.decode(message)
    return [message] if bytes(message)[1:-1].strip() else []


def holds_objects(value: msgspec.Raw) -> bool:
    """Whether a value is a list that begins with an object."""
    return bytes(value)[:1] == b"[" and bytes(value)[1:].lstrip()[:1] == b"{"


def rows_in_text(text: str) -> list[msgspec.Raw] | None:
    """Return the rows of a JSON array or object that was sent as a text, encoded twice.

    Args:
        text: Text that begins with ``[`` or ``{``.

    Returns:
        The rows, as :func:`rows_of`; None if the text is no JSON.
    """
    encoded = text.strip(_AROUND_JSON).encode(errors="replace")
    try:
        return rows_of(_JSON.decode(encoded))
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        return rows_of(msgspec.Raw(_strict_json(encoded)))
    except KaptureTransientError:
        return None


def text_of(raw: msgspec.Raw | None) -> str | None:
    """Return a JSON text, or None for any other value, which is not decoded: it may be a page."""
    if raw is None or bytes(memoryview(raw)[:1]) != b'"':
        return None
    value = _value_of(raw)
    return value if isinstance(value, str) else None


def holds_nothing(raw: msgspec.Raw) -> bool:
    """Whether a value is null, a blank text, or a list or an object with nothing in it."""
    if _NOTHING.fullmatch(memoryview(raw)):
        return True
    text = text_of(raw)
    return text is not None and not text.strip()


def message_in(body: bytes, headers: Mapping[str, str]) -> str:
    """Return the message of an envelope if the body is one and it is a text; never any other body.

    Args:
        body: The bytes as received.
        headers: Of the answer, by name in lower case.
    """
    try:
        utf8, _ = to_utf8(body, headers.get("content-type", ""))
        return text_of(decode_envelope(utf8).get("message")) or ""
    except (KaptureResponseError, KaptureTransientError):
        return ""


def total_of(raw: msgspec.Raw | None) -> int | None:
    """Return a positive count, sent as a number or as text, or None."""
    value = _value_of(raw)
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value.strip()):
        value = int(value)
    return value if isinstance(value, int) and value > 0 and value is not True else None


def _value_of(raw: msgspec.Raw | None) -> object:
    """Return a JSON value, or None for a number beyond what parsers take."""
    try:
        return None if raw is None else msgspec.json.decode(valid_utf8(bytes(raw))[0])
    except msgspec.DecodeError:
        return None
