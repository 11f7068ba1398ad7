"""Numbers of the wire: which of them any reader holds, and the text that stands for the others.

Readers of JSON hold whole numbers in 64 bits and all others as doubles. What fits in neither stops
them (pyarrow: ``PyLong is too large``) or is taken for infinity or zero without a word. The rule,
in every column and at every depth: such a number leaves as its text.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

MAX_INTEGER = 2**63 - 1
"""The largest whole number that a warehouse's integer column holds."""
MAX_DIGITS = 300
"""Beyond so many digits before or behind the point a double is infinite, or zero."""
_MAX_WHOLE_DOUBLE = 2**53
"""Up to here each whole number is a double of its own."""


def is_held(number: int | Decimal) -> bool:
    """Whether any reader holds a number, as a whole number of 64 bits or as a double.

    Args:
        number: A number as JSON is decoded, fractions as Decimal.
    """
    if _is_written_whole(number):
        return abs(int(number)) <= MAX_INTEGER
    return abs(Decimal(number).adjusted()) <= MAX_DIGITS


def for_doubles(number: int | Decimal) -> int | Decimal:
    """Return a number as a column of doubles takes it, every digit kept.

    A whole number that no double equals is refused there by strict readers (pyarrow), unless it is
    written with a point.

    Args:
        number: One that :func:`is_held`.
    """
    if _is_written_whole(number) and abs(int(number)) > _MAX_WHOLE_DOUBLE:
        return Decimal(f"{number}.0")
    return number


def held(number: int | Decimal) -> int | Decimal | str:
    """Return a number, or its text if some readers cannot hold it."""
    return number if is_held(number) else str(number)


def with_held_numbers(value: Any) -> Any:  # noqa: ANN401 - any JSON value passes
    """Put the text of a number in its place wherever some readers cannot hold it."""
    kind = value.__class__
    if kind is int or kind is Decimal:
        return held(value)
    if kind is list:
        return [with_held_numbers(element) for element in value]
    if kind is dict:
        return {name: with_held_numbers(element) for name, element in value.items()}
    return value


def _is_written_whole(number: int | Decimal) -> bool:
    """Whether JSON shows neither a point nor an exponent, so that readers take an integer."""
    return isinstance(number, int) or number.as_tuple().exponent == 0
