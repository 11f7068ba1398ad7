"""Messages on their way to stdout: records, states, the log, and how streams come and fail."""

from __future__ import annotations

import logging
import time
import traceback
from typing import TYPE_CHECKING, Any

import msgspec

from tap_kapture.airbyte.messages import (
    Error,
    FailureType,
    Log,
    LogBody,
    Record,
    RecordBody,
    StatusBody,
    StreamDescriptor,
    Trace,
    TraceBody,
)
from tap_kapture.errors import (
    KaptureAuthError,
    KaptureConfigError,
    KaptureError,
    KaptureRequestError,
    KaptureStateError,
    KaptureTransientError,
)
from tap_kapture.process.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tap_kapture.airbyte.messages import Message, StreamStatus

_WHOSE: tuple[tuple[type[KaptureError], FailureType], ...] = (
    (KaptureConfigError, "config_error"),
    (KaptureStateError, "config_error"),
    (KaptureAuthError, "config_error"),
    (KaptureRequestError, "config_error"),
    (KaptureTransientError, "transient_error"),
)
"""Who has to act, by the kind of an error; all others are for whoever keeps this source."""
_LEVELS = {"CRITICAL": "FATAL", "WARNING": "WARN"}
"""Where the protocol has another name for a level than Python."""


class Output:
    """Writes messages to stdout; every thread may log."""

    def __init__(self) -> None:
        """Begin with nothing on its way."""
        self._lines = Lines()
        # Decimals leave as numbers, with all their digits.
        self._encoder = msgspec.json.Encoder(decimal_format="number")

    @property
    def busy(self) -> bool:
        """Whether messages wait, or are on their way: an exception from outside would lose them."""
        return self._lines.busy

    def write(self, message: Message) -> None:
        """Write a message, and all before it; it is on stdout when this returns.

        Args:
            message: Any but a RECORD.

        Raises:
            KaptureOutputError: Nobody reads stdout any more, or the disk is full.
        """
        self._lines.leave(self._encoder.encode_lines([message]))
        self._lines.flush()

    def write_records(self, stream: str, rows: Iterable[Any], emitted_at: datetime) -> None:
        """Write a RECORD message for each row; they are out with the next other message.

        Args:
            stream: Name of the stream.
            rows: Each is what msgspec encodes as an object.
            emitted_at: Their time of extraction.

        Raises:
            KaptureOutputError: Nobody reads stdout any more, or the disk is full.
        """
        at = round(emitted_at.timestamp() * 1000)
        self._lines.add(
            self._encoder.encode_lines([Record(RecordBody(stream, row, at)) for row in rows])
        )

    def status(self, stream: str, status: StreamStatus) -> None:
        """Say how far a stream has come.

        Args:
            stream: Name of the stream.
            status: How far.
        """
        body = StatusBody(StreamDescriptor(stream), status)
        self.write(Trace(TraceBody("STREAM_STATUS", float(_now()), stream_status=body)))

    def failure(self, error: Exception, stream: str | None = None) -> None:
        """Say why a stream, or the whole command, failed.

        Args:
            error: Why. Of one that nobody expected, only the kind and the place are told: its text
                may hold anything.
            stream: Name of the stream, if it is one.
        """
        descriptor = None if stream is None else StreamDescriptor(stream)
        told = _told(error, descriptor)
        self.write(Trace(TraceBody("ERROR", float(_now()), error=told)))

    def log(self, level: str, message: str) -> None:
        """Leave a LOG message to be written with the next ones; safe in every thread.

        Args:
            level: As the protocol names it.
            message: The text.
        """
        self._lines.leave(self._encoder.encode_lines([Log(LogBody(level, message))]))

    def tick(self) -> None:
        """Write what has waited for a second."""
        self._lines.tick()

    def flush(self) -> None:
        """Write everything that waits."""
        self._lines.flush()


class LogHandler(logging.Handler):
    """Makes LOG messages of the log."""

    def __init__(self, output: Output) -> None:
        """Keep where they go.

        Args:
            output: Takes them.
        """
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        """Log a line; a traceback is left out, for its texts may hold anything.

        Args:
            record: The line.
        """
        level = _LEVELS.get(record.levelname, record.levelname)
        self._output.log(level, record.getMessage())


def _told(error: Exception, stream: StreamDescriptor | None) -> Error:
    """Put an error into the protocol's form, without what a record may hold."""
    if isinstance(error, KaptureError):
        found = (kind for type_, kind in _WHOSE if isinstance(error, type_))
        return Error(str(error), next(found, "system_error"), stream_descriptor=stream)
    return Error(
        "Something failed that nobody expected. Please report it, with the stack trace of this "
        "message",
        "system_error",
        internal_message=type(error).__name__,
        stack_trace="".join(traceback.format_tb(error.__traceback__)),
        stream_descriptor=stream,
    )


def _now() -> int:
    """Return milliseconds since 1970."""
    return time.time_ns() // 1_000_000
