"""Wire value -> value of a column: one function for each kind of column.

Each takes any JSON value, fractions as Decimal. Null and blank text become null; a value that
cannot become the column's kind raises :class:`DoesNotFitError`, and its caller keeps it raw.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from tap_kapture.shape.instants import calendar_parts
from tap_kapture.shape.numbers import MAX_DIGITS, MAX_INTEGER, for_doubles, is_held

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_kapture.shape.instants import Moment

    Cleaner = Callable[[Any], Any]

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_SAFE_DIGITS = 18
"""So many digits always fit :data:`MAX_INTEGER`."""
_JSON = msgspec.json.Encoder(decimal_format="number")


class DoesNotFitError(ValueError):
    """The value cannot become its column's kind."""


def text(value: object, *, cleaner: Cleaner) -> object:
    """Return text; numbers and booleans as JSON writes them."""
    if value is None or isinstance(value, str):
        return cleaner(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return str(value)
    raise DoesNotFitError


def number(value: object) -> int | Decimal | None:
    """Return a number with all its digits, from a number or from text.

    One that readers would take for another, or stumble over, does not fit.
    """
    exact = _number_in(value) if isinstance(value, str) else value
    if exact is None:
        return None
    if exact.__class__ is not Decimal and exact.__class__ is not int:
        raise DoesNotFitError
    if not is_held(exact):
        raise DoesNotFitError
    return for_doubles(exact)


def _number_in(text: str) -> int | Decimal | None:
    digits = text.replace("\0", "").strip()
    if not digits:
        return None
    if len(digits) > MAX_DIGITS or "\0" in text or not _NUMBER.fullmatch(digits):
        raise DoesNotFitError
    return int(digits) if _INTEGER.fullmatch(digits) else Decimal(digits)


def integer(value: object) -> int | None:
    """Return a whole number of at most 63 bits, from a number or from text."""
    if (
        isinstance(value, str)
        and len(value) <= _SAFE_DIGITS
        and value.isascii()
        and value.isdigit()
    ):
        return int(value)
    exact = number(value)
    if exact is None:
        return None
    if exact != int(exact) or not -MAX_INTEGER <= exact <= MAX_INTEGER:
        raise DoesNotFitError
    return int(exact)


def boolean(value: object) -> bool | None:
    """Return a boolean, from a boolean, 1 or 0, or one of these as text."""
    if _is_blank(value):
        return None
    if isinstance(value, bool):
        return value
    known = _BOOLEANS.get(str(value).strip().lower()) if isinstance(value, (str, int)) else None
    if known is None:
        raise DoesNotFitError
    return known


def instant(value: object, *, read: Callable[[Moment], str]) -> str | None:
    """Return RFC 3339 in UTC, from local text or a calendar object.

    Args:
        value: Any JSON value.
        read: Reads text and calendars of the account's zone.
    """
    if isinstance(value, str):
        plain = value.replace("\0", "").strip()
        return read(plain) if plain else None
    if isinstance(value, dict):
        return read(calendar_parts(value))
    if value is not None:
        raise DoesNotFitError
    return None


def texts(value: object, *, cleaner: Cleaner) -> list[Any] | None:
    """Return a list of text; an element that is no text becomes JSON text.

    Null, and text of which cleaning leaves nothing, is left out: BigQuery takes no null in lists.
    """
    if _is_blank(value):
        return None
    if not isinstance(value, list):
        raise DoesNotFitError
    found = (
        cleaner(element) if isinstance(element, str) else _JSON.encode(element).decode()
        for element in value
        if element is not None
    )
    return [element for element in found if element is not None]


def free_object(value: object, *, cleaner: Cleaner) -> object:
    """Return an object of any fields."""
    if _is_blank(value):
        return None
    if not isinstance(value, dict):
        raise DoesNotFitError
    return cleaner(value)


def objects(
    value: object, *, shape: Callable[[dict[str, Any]], dict[str, Any]]
) -> list[dict[str, Any]] | None:
    """Return a list of objects, each in its own shape."""
    if _is_blank(value):
        return None
    if not isinstance(value, list) or not all(isinstance(element, dict) for element in value):
        raise DoesNotFitError
    return [shape(element) for element in value]


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.replace("\0", "").strip())
