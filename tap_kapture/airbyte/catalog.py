"""Streams as Airbyte discovers them, and as it says which of them, and of their fields, to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tap_kapture.airbyte.messages import CatalogBody, Stream
from tap_kapture.errors import KaptureConfigError
from tap_kapture.schemas import json_schema
from tap_kapture.settings import inputs
from tap_kapture.wire.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_kapture.settings.checked import Settings
    from tap_kapture.wire.endpoints import Endpoint

Wanted = dict[str, Any]
"""Names of the fields to send, each with the wanted fields inside it, or None for all of them."""


class ConfiguredSchema(msgspec.Struct):
    """What of a stream is wanted."""

    name: str
    json_schema: dict[str, Any] = {}


class ConfiguredStream(msgspec.Struct):
    """A stream that is to be read, and how; what concerns destinations is left out."""

    stream: ConfiguredSchema
    sync_mode: Literal["full_refresh", "incremental"]
    generation_id: int | None = None

    @property
    def name(self) -> str:
        """Name of the stream."""
        return self.stream.name


class ConfiguredCatalog(msgspec.Struct):
    """The streams that are to be read."""

    streams: list[ConfiguredStream]


def discovered(settings: Settings) -> CatalogBody:
    """Return the streams of an account: customers only if the account id is known.

    Args:
        settings: The configuration.
    """
    return CatalogBody(
        [_stream(endpoint) for endpoint in ENDPOINTS if settings.offers(endpoint.stream)]
    )


def _stream(endpoint: Endpoint) -> Stream:
    return Stream(
        name=endpoint.stream,
        json_schema=schema_of(endpoint),
        supported_sync_modes=["full_refresh", "incremental"],
        source_defined_cursor=True,
        default_cursor_field=[endpoint.created],
        source_defined_primary_key=[[endpoint.key]],
        is_resumable=True,
    )


def schema_of(endpoint: Endpoint) -> dict[str, Any]:
    """Return the JSON Schema of a stream, with Airbyte's names for types that JSON does not have.

    Args:
        endpoint: What feeds the stream.
    """
    schema = json_schema(endpoint.columns, endpoint.key)
    _name_types(schema)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **schema,
        "additionalProperties": True,
    }


def _name_types(schema: dict[str, Any]) -> None:
    for definition in schema.get("properties", {}).values():
        if definition.get("format") == "date-time":
            definition["airbyte_type"] = "timestamp_with_timezone"
        _name_types(definition.get("items", {}))


def configured(path: str) -> ConfiguredCatalog:
    """Return the catalog that a file holds.

    Args:
        path: Of the file.

    Raises:
        KaptureConfigError: The file is no configured catalog.
    """
    text = inputs.json_object(inputs.text_of(path, "--catalog"), f"--catalog {path}")
    try:
        return msgspec.json.decode(text, type=ConfiguredCatalog)
    except msgspec.MsgspecError as error:
        msg = f"--catalog {path}: the file is no configured catalog: {error}"
        raise KaptureConfigError(msg) from None


def endpoint_of(stream: ConfiguredStream, settings: Settings) -> Endpoint:
    """Return what feeds a configured stream.

    Args:
        stream: The stream.
        settings: The configuration.

    Raises:
        KaptureConfigError: There is no such stream, or the settings do not suffice for it.
    """
    known = {endpoint.stream: endpoint for endpoint in ENDPOINTS}
    if stream.name not in known:
        msg = f"--catalog: there is no stream '{stream.name[:60]}'; there are {', '.join(known)}"
        raise KaptureConfigError(msg)
    settings.require(stream.name)
    return known[stream.name]


def wanted_of(stream: ConfiguredStream, endpoint: Endpoint) -> Wanted | None:
    """Return the fields that are to be sent, or None for all of them.

    The primary key is always sent: without it, no destination could tell records apart.

    Args:
        stream: The stream as it is configured.
        endpoint: What feeds it.
    """
    schema = json_schema(endpoint.columns, endpoint.key)
    return _wanted(schema, stream.stream.json_schema, {endpoint.key})


def _wanted(
    schema: Mapping[str, Any], chosen: Mapping[str, Any], always: set[str]
) -> Wanted | None:
    properties, some = schema.get("properties"), chosen.get("properties")
    if not properties or not some:
        return None  # an object of any fields, or nothing is said about single ones
    wanted = {
        name: _wanted(definition.get("items", {}), some.get(name, {}).get("items", {}), set())
        for name, definition in properties.items()
        if name in some or name in always
    }
    leaves_none_out = len(wanted) == len(properties) and not any(wanted.values())
    return None if leaves_none_out else wanted


def chosen(value: Any, wanted: Wanted | None) -> Any:  # noqa: ANN401 - any JSON
    """Return a value with no more than the wanted fields, in the objects of a list as well.

    Args:
        value: A record, or what is in one.
        wanted: As of :func:`wanted_of`.
    """
    if wanted is None:
        return value
    if isinstance(value, list):
        return [chosen(item, wanted) for item in value]
    if isinstance(value, dict):
        return {name: chosen(value[name], inner) for name, inner in wanted.items() if name in value}
    return value
