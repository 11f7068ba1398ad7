"""Environment variables as users give them; what is wrong is named, never quoted."""

from __future__ import annotations

import os
import re
from typing import Any

from singer_sdk.configuration._dict_config import parse_environment_config

from tap_kapture.errors import KaptureConfigError


def setting(name: str, definition: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Return a setting from the environment, by its name; empty if it is not there.

    Args:
        name: Of the setting.
        definition: Its JSON Schema.
        prefix: Of the variable.

    Raises:
        KaptureConfigError: The variable holds another type.
    """
    try:
        return parse_environment_config({"properties": {name: definition}}, prefix)
    except ValueError:
        variable, kind = f"{prefix}{name.upper()}", definition["type"][0]
        text = os.environ.get(variable, "").strip()
        if kind == "integer" and re.fullmatch(r"[+-]?[0-9]{1,300}\.0*", text):
            return {name: int(text.partition(".")[0])}
        msg = f"{name}: the environment variable {variable} holds no {kind}"
        raise KaptureConfigError(msg) from None
