"""Environment variables as users give them; what is wrong is named, never quoted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.helpers._util import load_json

from tap_kapture.errors import KaptureConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

TRUE, FALSE = {"true", "1", "yes", "on"}, {"false", "0", "no", "off"}
"""The texts of a boolean; the SDK takes the first ones for true, and any other text for false."""
_AS_TEXT = {"type": ["string"]}


def setting(name: str, definition: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Return a setting from the environment, by its name; empty if it is not there.

    Args:
        name: Of the setting.
        definition: Its JSON Schema.
        prefix: Of the variable.

    Raises:
        KaptureConfigError: The variable holds another type, or is blank where it can't be.
    """
    found = parse_environment_config({"properties": {name: _AS_TEXT}}, prefix)
    kind = definition["type"][0]
    if name not in found or kind not in _KINDS:
        return found
    read, example = _KINDS[kind]
    try:
        return {name: read(found[name].strip())}
    except (ValueError, RecursionError):
        variable = f"{prefix}{name.upper()}"
        state = f"holds no {kind}" if found[name].strip() else f"is blank, and so no {kind}"
        msg = f"{name}: the environment variable {variable} {state}; write {example}, or unset it"
        raise KaptureConfigError(msg) from None


def _integer(text: str) -> int:
    whole = re.fullmatch(r"([+-]?[0-9]{1,300})\.0*", text)
    return int(whole[1] if whole else text)


def _boolean(text: str) -> bool:
    if text.lower() not in TRUE | FALSE:
        msg = "no boolean"
        raise ValueError(msg)
    return text.lower() in TRUE


def _array(text: str) -> Any:  # noqa: ANN401 - any JSON; the schema looks at it
    try:
        return load_json(text)
    except (ValueError, RecursionError):
        parts = [part.strip() for part in text.split(",")]
        if text.startswith("[") or not all(parts):
            raise
    return parts


_KINDS: dict[str, tuple[Callable[[str], Any], str]] = {
    "integer": (_integer, "a whole number such as 10"),
    "boolean": (_boolean, "true or false"),
    "array": (_array, 'a JSON list such as ["one", "two"]'),
    "object": (load_json, 'a JSON object such as {"name": "value"}'),
}
