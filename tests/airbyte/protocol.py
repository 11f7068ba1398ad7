"""The protocol as its documentation has it, version 0.18, for the messages of a source.

Written down from ``airbyte_protocol.yaml`` and docs.airbyte.com (Airbyte Protocol; connector
specification reference). Stricter than there in one respect: a key that the protocol does not know
is refused, for it would be a misspelled one.
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

Json = dict[str, Any]


def _object(required: Json, optional: Json | None = None) -> Json:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def _message(kind: str, name: str, body: Json) -> Json:
    return _object({"type": {"const": kind}, name: body})


TEXT: Json = {"type": "string"}
TEXTS: Json = {"type": "array", "items": TEXT}
NUMBER: Json = {"type": "number"}
ANY_OBJECT: Json = {"type": "object"}
DESCRIPTOR = _object({"name": TEXT}, {"namespace": TEXT})
SYNC_MODES: Json = {"type": "array", "items": {"enum": ["full_refresh", "incremental"]}}

RECORD = _object(
    {"stream": TEXT, "data": ANY_OBJECT, "emitted_at": {"type": "integer"}},
    {"namespace": TEXT, "meta": ANY_OBJECT, "file_reference": ANY_OBJECT},
)
STATS = _object({"recordCount": NUMBER}, {"rejectedRecordCount": NUMBER})
STATE = _object(
    {
        "type": {"const": "STREAM"},
        "stream": _object({"stream_descriptor": DESCRIPTOR}, {"stream_state": ANY_OBJECT}),
        "sourceStats": STATS,
    },
    {"destinationStats": STATS},
)
LOG = _object(
    {"level": {"enum": ["FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"]}, "message": TEXT},
    {"stack_trace": TEXT},
)
STATUS = _object(
    {
        "stream_descriptor": DESCRIPTOR,
        "status": {"enum": ["STARTED", "RUNNING", "COMPLETE", "INCOMPLETE"]},
    },
    {"reasons": {"type": "array"}},
)
ERROR = _object(
    {"message": TEXT},
    {
        "internal_message": TEXT,
        "stack_trace": TEXT,
        "failure_type": {"enum": ["system_error", "config_error", "transient_error"]},
        "stream_descriptor": DESCRIPTOR,
    },
)
TRACE: Json = {
    "oneOf": [
        _object({"type": {"const": "ERROR"}, "emitted_at": NUMBER, "error": ERROR}),
        _object(
            {"type": {"const": "STREAM_STATUS"}, "emitted_at": NUMBER, "stream_status": STATUS}
        ),
    ]
}
SPEC = _object(
    {"connectionSpecification": ANY_OBJECT},
    {
        "documentationUrl": TEXT,
        "changelogUrl": TEXT,
        "supportsIncremental": {"type": "boolean"},
        "protocol_version": {"type": "string", "pattern": r"^0\.\d+\.\d+$"},
    },
)
CONNECTION_STATUS = _object({"status": {"enum": ["SUCCEEDED", "FAILED"]}}, {"message": TEXT})
STREAM = _object(
    {"name": TEXT, "json_schema": ANY_OBJECT, "supported_sync_modes": SYNC_MODES},
    {
        "source_defined_cursor": {"type": "boolean"},
        "default_cursor_field": TEXTS,
        "source_defined_primary_key": {"type": "array", "items": TEXTS},
        "namespace": TEXT,
        "is_resumable": {"type": "boolean"},
        "is_file_based": {"type": "boolean"},
    },
)
CATALOG = _object({"streams": {"type": "array", "items": STREAM}})

BODIES: dict[str, tuple[str, Json]] = {
    "RECORD": ("record", RECORD),
    "STATE": ("state", STATE),
    "LOG": ("log", LOG),
    "TRACE": ("trace", TRACE),
    "SPEC": ("spec", SPEC),
    "CONNECTION_STATUS": ("connectionStatus", CONNECTION_STATUS),
    "CATALOG": ("catalog", CATALOG),
}
_VALIDATORS = {
    kind: Draft202012Validator(_message(kind, name, body)) for kind, (name, body) in BODIES.items()
}


def not_the_protocol(message: Any) -> list[str]:  # noqa: ANN401 - whatever a line holds
    """What of a message is not as the protocol says; empty if nothing."""
    if not isinstance(message, dict) or message.get("type") not in _VALIDATORS:
        return ["it is no message of a source"]
    errors = _VALIDATORS[message["type"]].iter_errors(message)
    return [f"{message['type']}: {error.message}" for error in errors]
