"""The messages of the protocol, as far as a source says them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

FailureType = Literal["config_error", "transient_error", "system_error"]
StreamStatus = Literal["STARTED", "RUNNING", "COMPLETE", "INCOMPLETE"]


class RecordBody(msgspec.Struct, gc=False):
    """A record, and when it was emitted, in milliseconds since 1970."""

    stream: str
    data: Any
    emitted_at: int


class Record(msgspec.Struct, tag_field="type", tag="RECORD", gc=False):
    """A RECORD message."""

    record: RecordBody


class StreamDescriptor(msgspec.Struct):
    """Which stream is meant."""

    name: str


class StreamState(msgspec.Struct):
    """What a stream goes on from: any object."""

    stream_descriptor: StreamDescriptor
    stream_state: dict[str, Any]


class StateStats(msgspec.Struct, rename="camel"):
    """Records since the state before, with a decimal point, as the protocol asks."""

    record_count: float


class StateBody(msgspec.Struct, rename={"source_stats": "sourceStats"}):
    """The state of one stream."""

    stream: StreamState
    source_stats: StateStats
    type: Literal["STREAM"] = "STREAM"


class State(msgspec.Struct, tag_field="type", tag="STATE"):
    """A STATE message."""

    state: StateBody


class LogBody(msgspec.Struct):
    """A line of the log."""

    level: str
    message: str


class Log(msgspec.Struct, tag_field="type", tag="LOG"):
    """A LOG message."""

    log: LogBody


class StatusBody(msgspec.Struct):
    """How far a stream has come."""

    stream_descriptor: StreamDescriptor
    status: StreamStatus


class Error(msgspec.Struct, omit_defaults=True):
    """Why a stream, or the whole run, failed."""

    message: str
    failure_type: FailureType
    internal_message: str | None = None
    stack_trace: str | None = None
    stream_descriptor: StreamDescriptor | None = None


class TraceBody(msgspec.Struct, omit_defaults=True):
    """A status or an error, and when it was emitted, in milliseconds since 1970."""

    type: Literal["STREAM_STATUS", "ERROR"]
    emitted_at: float
    stream_status: StatusBody | None = None
    error: Error | None = None


class Trace(msgspec.Struct, tag_field="type", tag="TRACE"):
    """A TRACE message."""

    trace: TraceBody


class Specification(msgspec.Struct, rename="camel"):
    """What can be set."""

    connection_specification: dict[str, Any]
    supports_incremental: bool = True
    protocol_version: str = msgspec.field(name="protocol_version", default="0.18.0")


class Spec(msgspec.Struct, tag_field="type", tag="SPEC"):
    """A SPEC message."""

    spec: Specification


class ConnectionStatusBody(msgspec.Struct, omit_defaults=True):
    """Whether an account can be read, and why not."""

    status: Literal["SUCCEEDED", "FAILED"]
    message: str | None = None


class ConnectionStatus(
    msgspec.Struct,
    tag_field="type",
    tag="CONNECTION_STATUS",
    rename={"connection_status": "connectionStatus"},
):
    """A CONNECTION_STATUS message."""

    connection_status: ConnectionStatusBody


class Stream(msgspec.Struct):
    """A stream that can be read."""

    name: str
    json_schema: dict[str, Any]
    supported_sync_modes: list[str]
    source_defined_cursor: bool
    default_cursor_field: list[str]
    source_defined_primary_key: list[list[str]]
    is_resumable: bool


class CatalogBody(msgspec.Struct):
    """The streams of an account."""

    streams: list[Stream]


class Catalog(msgspec.Struct, tag_field="type", tag="CATALOG"):
    """A CATALOG message."""

    catalog: CatalogBody


Message = Record | State | Log | Trace | Spec | ConnectionStatus | Catalog
