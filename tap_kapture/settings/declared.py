"""How a setting is declared, and the JSON Schema that follows from the declarations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as users write it.

    Attributes:
        name: As in a configuration.
        kind: JSON type: string, integer, boolean, array (of strings) or object (of any fields).
        title: Short name for people.
        description: What it means.
        default: Used where it is not set; None for none.
        minimum: Smallest value of an integer.
        maximum: Largest value of an integer.
        choices: The only values of a string, if they are few.
        example: A value as it may be set, where the default shows none.
        secret: Whether it is never to be shown.
        required: Whether it must be set.
    """

    name: str
    kind: str
    title: str
    description: str
    default: Any = None
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    example: Any = None
    secret: bool = False
    required: bool = False


_WITHIN: dict[str, dict[str, Any]] = {
    "array": {"items": {"type": ["string"]}},
    "object": {"properties": {}, "additionalProperties": True},
}


def config_jsonschema(settings: Iterable[Setting]) -> dict[str, Any]:
    """Return the JSON Schema of a configuration; the SDK adds settings of its own.

    Args:
        settings: The declarations.
    """
    settings = tuple(settings)
    return {
        "type": "object",
        "properties": {setting.name: _property(setting) for setting in settings},
        "required": [setting.name for setting in settings if setting.required],
        "additionalProperties": False,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
    }


def _property(setting: Setting) -> dict[str, Any]:
    definition: dict[str, Any] = {
        "type": [setting.kind] if setting.required else [setting.kind, "null"],
        **_WITHIN.get(setting.kind, {}),
        "title": setting.title,
        "description": setting.description,
    }
    optional = {
        "minimum": setting.minimum,
        "maximum": setting.maximum,
        "default": setting.default,
        "enum": list(setting.choices) or None,
    }
    definition |= {name: value for name, value in optional.items() if value is not None}
    if setting.secret:
        definition |= {"secret": True, "writeOnly": True}
    return definition
