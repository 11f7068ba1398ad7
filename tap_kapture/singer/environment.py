"""Environment variables as users give them; what is wrong is named, never quoted."""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING, Any

from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.helpers._util import load_json

from tap_kapture.errors import KaptureConfigError
from tap_kapture.settings.complaints import unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TRUE, FALSE = {"true", "1", "yes", "on"}, {"false", "0", "no", "off"}
"""The texts of a boolean; the SDK takes the first ones for true, and any other text for false."""
OF_OTHERS = {"LOGLEVEL", "METADATA"}
"""What stands behind the prefix in variables that are not the tap's: the SDK's level of the log,
and a second name of Meltano's for `_METADATA`. Its extras all begin with one more "_", such as
`TAP_KAPTURE__SELECT` (https://docs.meltano.com/concepts/plugins#plugin-extras)."""
_AS_TEXT = {"type": ["string"]}

logger = logging.getLogger("tap-kapture")


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


def tell_unknown(known: Mapping[str, Any], prefix: str) -> None:
    """Warn of each variable that looks like a setting and is none: a misspelled one does nothing.

    Args:
        known: The settings, by name.
        prefix: Of the variables.
    """
    read = {f"{prefix}{name.upper()}" for name in known}
    for variable in sorted(os.environ.keys() - read):
        name = variable.removeprefix(prefix)
        is_of_others = name in OF_OTHERS or name.startswith("_")
        if variable.startswith(prefix) and not is_of_others:
            told = unknown(name.lower(), known)
            logger.warning("the environment variable %s is not read: %s", variable, told)


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
