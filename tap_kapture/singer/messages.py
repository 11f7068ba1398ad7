"""Writing Singer messages fast: in large pieces, yet never late.

The SDK's writer encodes one message at a time and flushes each. Here messages gather in a buffer
that is written when a STATE or SCHEMA is in it, when it is large, or when a second has passed; so a
target never sees a STATE before the records it stands for, and never waits for long.
"""

from __future__ import annotations

import time
from datetime import datetime  # noqa: TC003 - msgspec reads the annotation
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder
from singer_sdk.singerlib import RecordMessage

from tap_kapture.errors import KaptureOutputError
from tap_kapture.stdout import write_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.singerlib.encoding.simple import Message

LARGE = 1024 * 1024
"""Bytes that are written at once, at the latest."""
LATE = 1.0
"""Seconds after which a message is written, at the latest."""


class _Record(msgspec.Struct, tag_field="type", tag="RECORD", gc=False):
    """A RECORD message; an unset version is left out."""

    stream: str
    record: Any
    version: int | msgspec.UnsetType
    time_extracted: datetime


class MessageWriter(MsgSpecWriter):
    """Writes messages to stdout by way of a buffer."""

    def __init__(self) -> None:
        """Begin with an empty buffer."""
        super().__init__()
        self._buffer = bytearray()
        self._writing = False
        self._written_at = time.monotonic()

    @property
    def busy(self) -> bool:
        """Whether messages wait, or are on their way: an exception from outside would lose them."""
        return self._writing or bool(self._buffer)

    def write_message(self, message: Message) -> None:
        """Write a message; all but a RECORD are on stdout when this returns.

        Args:
            message: Any Singer message.
        """
        self._append(encoder.encode_lines([message.to_dict()]))
        if not isinstance(message, RecordMessage):
            self.flush()

    def write_records(
        self,
        stream: str,
        records: Iterable[Any],
        *,
        version: int | None,
        time_extracted: datetime,
    ) -> None:
        """Write a RECORD message for each record, as :meth:`write_message` would.

        Args:
            stream: Name of the stream.
            records: Records that need no selection, mapping or flattening: dicts, or whatever
                msgspec encodes as objects.
            version: Version of the table, or None.
            time_extracted: When the records were read, in UTC.
        """
        given = msgspec.UNSET if version is None else version
        self._append(
            encoder.encode_lines([_Record(stream, r, given, time_extracted) for r in records])
        )

    def tick(self) -> None:
        """Write what has waited for a second."""
        if self._buffer and time.monotonic() - self._written_at >= LATE:
            self.flush()

    def flush(self) -> None:
        """Write everything that waits.

        Raises:
            KaptureOutputError: The target closed the pipe, or the disk is full.
        """
        self._writing = True
        try:
            buffer, self._buffer = self._buffer, bytearray()
            write_lines(buffer)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            msg = (
                f"stdout cannot be written any more: {reason}. If a target reads it, look at the "
                "target's own log; nothing is lost, the next run goes on from the last STATE"
            )
            raise KaptureOutputError(msg) from None
        finally:
            self._writing = False
        self._written_at = time.monotonic()

    def _append(self, lines: bytes) -> None:
        self._buffer += lines
        if len(self._buffer) >= LARGE:
            self.flush()
        else:
            self.tick()
