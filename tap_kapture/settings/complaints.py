"""What is wrong with a configuration by its JSON Schema, in words that never show a value."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_kapture.settings.checked import missing_tokens
from tap_kapture.settings.inputs import with_whole_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

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


def complaints(config: dict[str, Any], validator: Validator) -> list[str]:
    """Return what is wrong with a configuration, each setting that is wrong on a line of its own.

    Args:
        config: The configuration. Settings that are null are taken out, and whole numbers that are
            written as fractions become integers.
        validator: Of the JSON Schema of the settings; it may fill in defaults.
    """
    known = validator.schema["properties"]  # type: ignore[index] # an object, not True or False
    for name in [name for name, value in config.items() if value is None]:
        del config[name]
    for name, value in config.items():
        config[name] = with_whole_numbers(value, known.get(name, {}))
    lines = [line for error in validator.iter_errors(config) for line in describe(error, known)]
    if lines:
        lines += missing_tokens(config)  # without lines, parse() says so
    return list(dict.fromkeys(lines))  # each missing setting is an error that names them all


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
        return [unknown(name, known) for name in instance if name not in known]
    if error.validator == "required":
        within = f"{where}." if where else ""
        missing = (name for name in wanted if name not in instance)
        return [f"{within}{name}: required, but not set" for name in missing]
    if error.validator == "type":
        kinds = wanted if isinstance(wanted, str) else " or ".join(wanted)
        quotes = "; write it without quotes" if _is_quoted(instance, kinds) else ""
        return [f"{where}: must be of type {kinds}, not {_JSON_NAMES[type(instance)]}{quotes}"]
    bounds = {"minimum": "at least", "maximum": "at most", "enum": "one of"}
    if error.validator in bounds:
        return [f"{where}: must be {bounds[error.validator]} {wanted}"]
    return _other(error, where)


def _other(error: ValidationError, where: str) -> list[str]:
    if error.validator in {"minLength", "minProperties"}:
        return [f"{where}: must not be empty"]
    if error.validator == "anyOf" and where.startswith("stream_maps"):
        choice = "" if where.endswith("__else__") else "an object of expressions in text, or "
        return [f"{where}: must be {choice}'__NULL__'"]
    return [f"{where or 'config'}: does not satisfy '{error.validator}'"]


def unknown(name: str, known: Mapping[str, Any]) -> str:
    """Return what to say of a name that no setting has.

    Args:
        name: The name.
        known: The settings, by name.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - slow to load, and seldom needed

    near = get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else "see tap-kapture --about for the settings"
    return f"{name}: there is no such setting; {hint}"


def _is_quoted(instance: object, kinds: str) -> bool:
    """Whether a text holds, in JSON, a value of the type that is wanted."""
    if not isinstance(instance, str):
        return False
    try:
        value = json.loads(instance.strip().lower())  # in Python, true is True
    except (ValueError, RecursionError):
        return False
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _JSON_NAMES[type(value)] in kinds.split(" or ") and value is not None
