"""What an error of the settings' JSON Schema means, in words that never show a value."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema import ValidationError

_JSON_NAMES = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    Decimal: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}


def describe(error: ValidationError, known: Mapping[str, Any]) -> list[str]:
    """Return what a schema error means, naming the setting and never its value.

    Args:
        error: An error of the settings' JSON Schema.
        known: The schema's properties, by name.

    Returns:
        One line for each setting that is wrong.
    """
    where = ".".join(str(part) for part in error.absolute_path)
    instance: Any = error.instance
    wanted: Any = error.validator_value
    if error.validator == "additionalProperties" and not error.absolute_path:
        return [_unknown(name, known) for name in instance if name not in known]
    if error.validator == "required":
        return [f"{name}: required, but not set" for name in wanted if name not in instance]
    if error.validator == "type":
        kinds = wanted if isinstance(wanted, str) else " or ".join(wanted)
        return [f"{where}: must be of type {kinds}, not {_JSON_NAMES[type(instance)]}"]
    bounds = {"minimum": "at least", "maximum": "at most", "enum": "one of"}
    if error.validator in bounds:
        return [f"{where}: must be {bounds[error.validator]} {wanted}"]
    return [f"{where or 'config'}: does not satisfy '{error.validator}'"]


def _unknown(name: str, known: Mapping[str, Any]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - slow to load, and seldom needed

    near = get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else "see tap-kapture --about for the settings"
    return f"{name}: there is no such setting; {hint}"
