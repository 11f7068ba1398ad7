"""Writing Singer messages fast: in large pieces, yet never late.

The SDK's writer encodes one message at a time and flushes each. Here messages gather, and are out
when a STATE or SCHEMA is among them, when they are many, or when a second has passed; so a target
never sees a STATE before the records it stands for, and never waits for long.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the annotation
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder
from singer_sdk.singerlib import RecordMessage

from tap_kapture.process.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.singerlib.encoding.simple import Message


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
        self._lines = Lines()

    @property
    def busy(self) -> bool:
        """Whether messages wait, or are on their way: an exception from outside would lose them."""
        return self._lines.busy

    def write_message(self, message: Message) -> None:
        """Write a message; all but a RECORD are on stdout when this returns.

        Args:
            message: Any Singer message.
        """
        self._lines.add(encoder.encode_lines([message.to_dict()]))
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
        self._lines.add(
            encoder.encode_lines([_Record(stream, r, given, time_extracted) for r in records])
        )

    def tick(self) -> None:
        """Write what has waited for a second."""
        self._lines.tick()

    def flush(self) -> None:
        """Write everything that waits.

        Raises:
            KaptureOutputError: The target closed the pipe, or the disk is full.
        """
        self._lines.flush()
