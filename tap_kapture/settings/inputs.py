"""Files as users give them; what is wrong is named, never quoted."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

from tap_kapture.errors import KaptureConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|(?P<constant>NaN|-?Infinity)', re.DOTALL)
"""What Python takes for a number, outside of texts."""


def with_whole_numbers(value: Any, definition: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a setting
    """Return a setting with 10 for 10.0, wherever its JSON Schema asks for an integer.

    Args:
        value: Of the setting, fractions as float or Decimal.
        definition: Its JSON Schema.
    """
    if isinstance(value, dict):
        within = definition.get("properties", {})
        return {name: with_whole_numbers(v, within.get(name, {})) for name, v in value.items()}
    is_fraction = isinstance(value, (float, Decimal)) and "integer" in definition.get("type", ())
    # What no double holds stays as it is, and is refused: 1e999999999 would fill the memory.
    if is_fraction and isfinite(value) and value == int(value):
        return int(value)
    return value


def check_json_object(path: str, option: str) -> None:
    """Look whether a file can be read and holds a JSON object.

    Args:
        path: Of the file.
        option: Of the command line that names it.

    Raises:
        KaptureConfigError: It cannot, or does not.
    """
    json_object(text_of(path, option), f"{option} {path}")


def text_of(path: str, option: str) -> str:
    """Return what a file holds.

    Args:
        path: Of the file.
        option: Of the command line that names it.

    Raises:
        KaptureConfigError: It cannot be read.
    """
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - the path as the user wrote it
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        msg = f"{option} {path}: the file cannot be read: {reason}"
        raise KaptureConfigError(msg) from None


def json_object(text: str, where: str) -> str:
    """Return a text that is a JSON object.

    Args:
        text: The text.
        where: It came from.

    Raises:
        KaptureConfigError: It is none.
    """
    if not isinstance(json_value(text, where), dict):
        msg = f"{where}: the file must hold a JSON object"
        raise KaptureConfigError(msg)
    return text


def json_value(text: str, where: str) -> Any:  # noqa: ANN401 - any JSON
    """Return what the JSON of a file says.

    Args:
        text: The file's.
        where: It came from.

    Raises:
        KaptureConfigError: It is not JSON.
    """
    if not text.strip():
        afresh = "; `{}` starts afresh" if where.startswith("--state") else ""
        msg = f"{where}: the file is empty{afresh}"
        raise KaptureConfigError(msg)
    try:
        return loads(text)
    except RecursionError:
        msg = f"{where}: the file is nested beyond what can be read"
        raise KaptureConfigError(msg) from None
    except ValueError as error:
        place = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        msg = f"{where}: the file is not JSON{place}"
        raise KaptureConfigError(msg) from None


def loads(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Return what JSON says; NaN and Infinity, which Python reads, are none.

    Args:
        text: The JSON.

    Raises:
        ValueError: It is none.
    """

    def refused(name: str) -> None:
        found = (each for each in _CONSTANT.finditer(text) if each["constant"])
        raise json.JSONDecodeError(name, text, next(found).start())

    return json.loads(text, parse_constant=refused)
