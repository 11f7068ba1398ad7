"""A configuration as Airbyte or a person gives it, made into settings."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from tap_kapture.errors import KaptureConfigError
from tap_kapture.settings import checked, inputs
from tap_kapture.settings.complaints import complaints
from tap_kapture.settings.declared import config_jsonschema
from tap_kapture.settings.table import TABLE

if TYPE_CHECKING:
    from tap_kapture.settings.groups import Settings


def settings_of(path: str) -> Settings:
    """Return the settings that a file holds.

    Args:
        path: Of a JSON object. Settings that are objects may be JSON text, as Airbyte's forms
            give them, or objects.

    Raises:
        KaptureConfigError: Settings are wrong; the text holds one line for each.
    """
    text = inputs.json_object(inputs.text_of(path, "--config"), f"--config {path}")
    config: dict[str, Any] = json.loads(text)
    errors: list[str] = []
    for setting in TABLE:
        if setting.kind == "object" and isinstance(config.get(setting.name), str):
            try:
                config[setting.name] = _object(config[setting.name])
            except ValueError as error:
                errors.append(f"{setting.name}: {error}")
                del config[setting.name]
    errors += complaints(config, Draft202012Validator(config_jsonschema(TABLE)))
    if errors:
        raise KaptureConfigError("\n".join(errors))
    defaults = {s.name: deepcopy(s.default) for s in TABLE if s.default is not None}
    return checked.parse({**defaults, **config})


def _object(text: str) -> dict[str, Any] | None:
    """Return the object that a text holds, or None for a blank text."""
    if not text.strip():
        return None
    try:
        value = inputs.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        msg = 'must be the JSON text of an object, such as {"name": "value"}'
        raise ValueError(msg)  # noqa: TRY004 - a wrong value, as for the other settings
    return value
