"""What can be set, as Airbyte's forms show it: derived from the one table of the settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tap_kapture.settings.table import TABLE

if TYPE_CHECKING:
    from tap_kapture.settings.declared import Setting


def connection_specification() -> dict[str, Any]:
    """Return the JSON Schema of a configuration.

    Each property has one type, as the forms want it: an object of any keys, which they cannot show,
    is JSON text here. Later releases may know other settings, so further properties are allowed by
    the schema; a name that is no setting is refused when the configuration is read.
    """
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Kapture CX",
        "type": "object",
        "properties": {
            setting.name: _property(setting, order) for order, setting in enumerate(TABLE)
        },
        "required": [setting.name for setting in TABLE if setting.required],
        "additionalProperties": True,
    }


def _property(setting: Setting, order: int) -> dict[str, Any]:
    is_text = setting.kind == "object"
    example = setting.default if setting.example is None else setting.example
    optional = {
        "items": {"type": "string"} if setting.kind == "array" else None,
        "minimum": setting.minimum,
        "maximum": setting.maximum,
        "enum": list(setting.choices) or None,
        "default": json.dumps(setting.default) if is_text else setting.default,
        "airbyte_secret": setting.secret or None,
    }
    return {
        "type": "string" if is_text else setting.kind,
        "title": setting.title,
        "description": f"{setting.description} As JSON text." if is_text else setting.description,
        "order": order,
        "examples": [json.dumps(example) if is_text else example],
        **{name: value for name, value in optional.items() if value is not None},
    }
