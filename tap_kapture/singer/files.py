"""Catalogs and states as users give them: what is wrong with one is named, before any request.

The SDK takes for granted that they are its own, and stumbles over any other one.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from tap_kapture.errors import KaptureConfigError, KaptureStateError
from tap_kapture.settings.complaints import describe
from tap_kapture.wire.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Iterable

METHODS = ("FULL_TABLE", "INCREMENTAL")
"""How a stream can be read."""

_TEXT, _TEXTS, _FLAG = ({"type": [kind, "null"]} for kind in ("string", "array", "boolean"))
_COLUMN = {
    "type": "object",
    "properties": {
        "type": {"type": ["string", "array"], "items": {"type": "string"}},
        "anyOf": {"type": "array", "items": {"$ref": "#/$defs/column"}},
        "properties": {
            "type": ["object", "null"],
            "additionalProperties": {"$ref": "#/$defs/column"},
        },
        "items": {"if": {"not": {"type": "null"}}, "then": {"$ref": "#/$defs/column"}},
    },
    "if": {"not": {"required": ["anyOf"]}},
    "then": {"required": ["type"]},
}
_METADATA = {
    "type": "object",
    "properties": {
        "breadcrumb": {"type": "array", "items": {"type": "string"}},
        "metadata": {
            "type": ["object", "null"],
            "properties": {
                "selected": _FLAG,
                "selected-by-default": _FLAG,
                "replication-key": _TEXT,
                "forced-replication-method": _TEXT,
                "table-key-properties": {**_TEXTS, "items": {"type": "string"}},
            },
        },
    },
    "required": ["breadcrumb"],
}
_STREAM = {
    "type": "object",
    "properties": {
        "tap_stream_id": {"type": "string", "minLength": 1},
        "key_properties": {**_TEXTS, "items": {"type": "string"}},
        "replication_key": _TEXT,
        "replication_method": _TEXT,
        "schema": {
            "type": "object",
            "properties": {
                "properties": {
                    "type": "object",
                    "additionalProperties": {"$ref": "#/$defs/column"},
                    "minProperties": 1,
                }
            },
            "required": ["properties"],
        },
        "metadata": {"type": ["array", "null"], "items": _METADATA},
    },
    "required": ["tap_stream_id", "schema"],
}
CATALOG = {
    "type": "object",
    "properties": {"streams": {"type": "array", "items": _STREAM}},
    "$defs": {"column": _COLUMN},
}
"""JSON Schema of a catalog, as far as the SDK looks into one."""

logger = logging.getLogger("tap-kapture")


def catalog_of(given: dict[str, Any]) -> dict[str, Any]:
    """Return a catalog in which all is there that the SDK takes for granted.

    Args:
        given: The catalog; without streams, it selects none.

    Raises:
        KaptureConfigError: Something in it has no meaning.
    """
    try:
        given = json.loads(json.dumps(given))  # the SDK's own has tuples in place of lists
        error = next(Draft202012Validator(CATALOG).iter_errors(given), None)
    except RecursionError:
        msg = "catalog: it is nested beyond what can be read; discover it again"
        raise KaptureConfigError(msg) from None
    if error is not None:
        msg = f"catalog: {describe(error, {})[0]}. Correct it, or discover the catalog again"
        raise KaptureConfigError(msg)
    streams = given.get("streams", [])
    return {**given, "streams": [_entry(f"streams.{n}", each) for n, each in enumerate(streams)]}


def _entry(where: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return what a catalog says of a stream, in the SDK's own terms."""
    name = given["tap_stream_id"]
    place = f"{where} ({name[:60]})"
    metadata: list[dict[str, Any]] = [
        {**each, "metadata": dict(each.get("metadata") or {})}
        for each in given.get("metadata") or []
    ]
    # The SDK would look for the maps of a stream by its other name.
    entry = {**given, "stream": name, "metadata": metadata}
    of_stream: dict[str, Any] = next(
        (each["metadata"] for each in metadata if not each["breadcrumb"]), {}
    )
    methods = ((entry, "replication_method"), (of_stream, "forced-replication-method"))
    for holder, setting in methods:
        if holder.get(setting):
            holder[setting] = _method(f"{place}.{setting}", holder[setting])
    method = next((holder[setting] for holder, setting in methods if holder.get(setting)), None)
    key = entry.get("replication_key") or of_stream.get("replication-key")
    columns = given["schema"]["properties"]
    if key and key not in columns:
        msg = f"catalog: {place}.replication_key: '{key[:40]}' is no column of the stream's schema"
        raise KaptureConfigError(msg)
    created = {each.stream: each.created for each in ENDPOINTS}.get(name)
    if method == "INCREMENTAL" and not key and created in columns:
        entry["replication_key"] = created
    return entry


def _method(where: str, given: str) -> str:
    method = given.strip().upper()
    if method not in METHODS:
        msg = f"catalog: {where}: must be {' or '.join(METHODS)}, not '{given[:40]}'"
        raise KaptureConfigError(msg)
    return method


def state_of(given: dict[str, Any]) -> dict[str, Any]:
    """Return a Singer state that the SDK can read.

    Args:
        given: A Singer state, a whole STATE message, what `meltano state get` prints, or a state
            as Meltano keeps it in files.

    Raises:
        KaptureStateError: It is no Singer state.
    """
    state: object = given
    if given.get("type") == "STATE":
        state = given.get("value")  # a whole line of output, as grep and tail find it
    elif "bookmarks" not in given:
        # As Meltano goes on from a run that broke off:
        # https://github.com/meltano/meltano/blob/main/src/meltano/core/state_store/base.py
        parts = [given.get(part) or {} for part in ("completed", "partial")]
        whole = _merged(*parts) if given.keys() & {"completed", "partial"} else given
        are_objects = all(isinstance(part, dict) for part in parts)
        state = whole.get("singer_state", whole) if are_objects else None
    if not isinstance(state, dict) or (state and "bookmarks" not in state):
        msg = (
            "state: it has no 'bookmarks', so everything would be loaded afresh. Give the last "
            "line that the target wrote, the last STATE message, or what `meltano state get` "
            "prints; `{}` starts afresh"
        )
        raise KaptureStateError(msg)
    bookmarks = state.get("bookmarks", {})
    if not isinstance(bookmarks, dict) or not all(
        isinstance(bookmark, dict) for bookmark in bookmarks.values()
    ):
        msg = (
            "state: 'bookmarks' must hold one object for each stream, as in the value of the "
            "last STATE message"
        )
        raise KaptureStateError(msg)
    return state


def _merged(old: Any, new: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return an object with what is newer in another one; what is no object is replaced."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}


def tell_in_vain(named: Iterable[str], known: Iterable[str], selected: Iterable[object]) -> None:
    """Warn of streams that there are not, and of a run that loads nothing.

    Args:
        named: The streams that the catalog names.
        known: Those that there are.
        selected: Those that are read.
    """
    known = sorted(known)
    if unknown := sorted(set(named).difference(known)):
        names = ", ".join(f"'{name[:60]}'" for name in unknown[:10])
        there_are = ", ".join(known)
        logger.warning("catalog: there is no stream %s; there are %s", names, there_are)
    if not list(selected):
        logger.warning(
            "catalog: no stream is selected, so nothing is loaded. Select tickets, customers or "
            "customer_contacts (Meltano: select 'tickets.*'), or run without --catalog"
        )
