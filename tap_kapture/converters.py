"""Wire value -> value of a column: one function for each kind of column.

Each takes any JSON value, fractions as Decimal. Null and blank text become null; a value that
cannot become the column's kind raises :class:`DoesNotFitError`, and its caller keeps it raw.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from html import unescape
from html.entities import html5
from typing import TYPE_CHECKING, Any

import msgspec

from tap_kapture.instants import calendar_parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_kapture.instants import Moment

    Cleaner = Callable[[Any], Any]

MAX_INTEGER = 2**63 - 1
"""The largest whole number that a warehouse's integer column holds."""

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[0-9A-Za-z]{1,32});")
_COMMON_ENTITIES = {
    "&amp;": "&",
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&apos;": "'",
    "&#39;": "'",
}
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_MAX_DIGITS = 300
_SAFE_DIGITS = 18
"""So many digits always fit :data:`MAX_INTEGER`."""
_MEMO_SIZE = 4_000
_DEEP: set[type] = {str, list, dict}
_SHORT = 64
_JSON = msgspec.json.Encoder(decimal_format="number")


class DoesNotFitError(ValueError):
    """The value cannot become its column's kind."""


def clean(value: Any) -> Any:  # noqa: ANN401 - any JSON value passes
    """Clean every text in a JSON value, see :func:`clean_text`."""
    kind = value.__class__
    if kind is str:
        return clean_text(value)
    if kind is list:
        return [clean(element) for element in value]
    if kind is dict:
        return {
            name.replace("\0", "") if "\0" in name else name: (
                clean(element) if element.__class__ in _DEEP else element
            )
            for name, element in value.items()
        }
    return value


def clean_text(text: str) -> str | None:
    """Return text without HTML escaping, or None where nothing is left.

    HTML escaping is undone once, for entities that end in ``;``; U+0000, which PostgreSQL stores
    neither in text nor in JSON, is dropped; text that is then blank becomes null.
    """
    if "&" in text:
        text = (_unescaped if len(text) <= _SHORT else _unescape)(text)
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text and not text.isspace() else None


def without_nul(value: Any) -> Any:  # noqa: ANN401 - any JSON value passes
    """Drop U+0000 from every text in a JSON value, and nothing else."""
    kind = value.__class__
    if kind is str:
        return value.replace("\0", "") if "\0" in value else value
    if kind is list:
        return [without_nul(element) for element in value]
    if kind is dict:
        return {name.replace("\0", ""): without_nul(element) for name, element in value.items()}
    return value


def verbatim(value: Any) -> Any:  # noqa: ANN401 - any JSON value passes
    """Return the value as it was sent."""
    return value


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
    """Return a number with all its digits, from a number or from text."""
    exact = _number_in(value) if isinstance(value, str) else value
    if exact is None:
        return None
    if exact.__class__ is not Decimal and exact.__class__ is not int:
        raise DoesNotFitError
    # Beyond this a target that reads numbers as floats would load infinity, or zero.
    if abs((exact if isinstance(exact, Decimal) else Decimal(exact)).adjusted()) > _MAX_DIGITS:
        raise DoesNotFitError
    return exact


def _number_in(text: str) -> int | Decimal | None:
    digits = text.replace("\0", "").strip()
    if not digits:
        return None
    if len(digits) > _MAX_DIGITS or "\0" in text or not _NUMBER.fullmatch(digits):
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
    """Return a list of text; an element that is no text becomes JSON text."""
    if _is_blank(value):
        return None
    if not isinstance(value, list):
        raise DoesNotFitError
    return [
        cleaner(element)
        if element is None or isinstance(element, str)
        else _JSON.encode(element).decode()
        for element in value
    ]


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


def _unescape(escaped: str) -> str:
    return _ENTITY.sub(_character, escaped)


_unescaped = lru_cache(_MEMO_SIZE)(_unescape)
"""Short texts, such as the names of employees, come again and again."""


def _character(match: re.Match[str]) -> str:
    """Return the character of an entity; what is none (``&nosuch;``, ``&#1;``) stays as it is."""
    entity = match[0]
    known = _COMMON_ENTITIES.get(entity)
    if known is None:
        is_entity = entity[1] == "#" or entity[1:] in html5
        known = (unescape(entity) if is_entity else "") or entity
    return known
