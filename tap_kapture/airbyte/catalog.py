"""Streams as Airbyte discovers them, and as it says which of them, and of their fields, to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tap_kapture.airbyte.messages import CatalogBody, Stream
from tap_kapture.errors import KaptureConfigError
from tap_kapture.schemas import PULLED_DAYS, Column, json_schema
from tap_kapture.settings import inputs
from tap_kapture.wire.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_kapture.settings.groups import Account
    from tap_kapture.wire.endpoints import Endpoint

Wanted = dict[str, Any]
"""Names of the fields to send, each with the wanted fields inside it, or None for all of them."""


@dataclass(frozen=True, slots=True)
class Table:
    """A stream, as far as its rows go.

    Attributes:
        name: Of the stream.
        columns: Of a row.
        keys: Names of the primary key's columns.
        cursor: Name of the column by which rows are newer or older.
        modes: In which it can be read.
    """

    name: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    cursor: str
    modes: tuple[str, ...] = ("full_refresh", "incremental")


# Rows about days come only of those that a run reads, so no refresh of them could be a full one.
DAYS = Table("pulled_days", PULLED_DAYS, ("stream", "day"), "read_at", ("incremental",))
TABLES = (
    *(Table(e.stream, e.table, (e.key,), e.created) for e in ENDPOINTS),
    DAYS,
)


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


def discovered(account: Account) -> CatalogBody:
    """Return the streams of an account: those of customers only if the account id is known.

    Args:
        account: What is known of the account.
    """
    return CatalogBody(
        [_stream(table) for table in TABLES if table is DAYS or account.offers(table.name)]
    )


def _stream(table: Table) -> Stream:
    return Stream(
        name=table.name,
        json_schema=schema_of(table),
        supported_sync_modes=list(table.modes),
        source_defined_cursor=True,
        default_cursor_field=[table.cursor],
        source_defined_primary_key=[[key] for key in table.keys],
        is_resumable="full_refresh" in table.modes,
    )


def schema_of(table: Table) -> dict[str, Any]:
    """Return the JSON Schema of a stream, with Airbyte's names for types that JSON does not have.

    Args:
        table: The stream.
    """
    schema = json_schema(table.columns, *table.keys)
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
        catalog = msgspec.json.decode(text, type=ConfiguredCatalog)
    except (msgspec.MsgspecError, RecursionError) as error:
        msg = f"--catalog {path}: the file is no configured catalog: {error}"
        raise KaptureConfigError(msg) from None
    names = [stream.name for stream in catalog.streams]
    for stream in catalog.streams:
        if names.count(stream.name) > 1:
            msg = f"--catalog: stream '{stream.name[:60]}' is there twice; leave one of the two out"
            raise KaptureConfigError(msg)
        if any(table.name == stream.name for table in TABLES):
            wanted_of(stream)  # what is wrong with one is said before any is read
    return catalog


def endpoint_of(stream: ConfiguredStream, account: Account) -> Endpoint:
    """Return what feeds a configured stream.

    Args:
        stream: Any but the one about days.
        account: What is known of the account.

    Raises:
        KaptureConfigError: There is no such stream, or the settings do not suffice for it.
    """
    known = {endpoint.stream: endpoint for endpoint in ENDPOINTS}
    if stream.name not in known:
        names = ", ".join(table.name for table in TABLES)
        msg = f"--catalog: there is no stream '{stream.name[:60]}'; there are {names}"
        raise KaptureConfigError(msg)
    account.require(stream.name)
    return known[stream.name]


def wanted_of(stream: ConfiguredStream) -> Wanted | None:
    """Return the fields that are to be sent, or None for all of them.

    The primary key is always sent: without it, no destination could tell records apart.

    Args:
        stream: The stream as it is configured; there is such a one.

    Raises:
        KaptureConfigError: Its schema is none.
    """
    (table,) = (table for table in TABLES if table.name == stream.name)
    schema = json_schema(table.columns, *table.keys)
    return _wanted(schema, stream.stream.json_schema, set(table.keys), f"stream '{stream.name}'")


def _wanted(
    schema: Mapping[str, Any], given: object, always: set[str], where: str
) -> Wanted | None:
    some = _object(_object(given, where).get("properties"), f"{where}.properties")
    items = {name: _object(each, f"{where}.{name}").get("items") for name, each in some.items()}
    properties = schema.get("properties")
    if not properties or not some:
        return None  # an object of any fields, or nothing is said about single ones
    wanted = {
        name: _wanted(definition.get("items", {}), items.get(name), set(), f"{where}.{name}.items")
        for name, definition in properties.items()
        if name in some or name in always
    }
    leaves_none_out = len(wanted) == len(properties) and not any(wanted.values())
    return None if leaves_none_out else wanted


def _object(given: object, where: str) -> dict[str, Any]:
    """Return an object of a JSON Schema; an empty one where nothing is said, or all is allowed.

    Raises:
        KaptureConfigError: It is none.
    """
    if given is None or given is True:
        return {}
    if not isinstance(given, dict):
        msg = f"--catalog: {where[:200]}: must be an object; refresh the schema in Airbyte"
        raise KaptureConfigError(msg)
    return given


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
