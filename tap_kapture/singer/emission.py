"""How a stream's records leave: whole pages at a time, or one by one through the SDK.

The SDK's own way takes every record through selection, conformance, maps and flattening, writes it
and moves the state. Nearly every run needs none of these: its records leave as they were shaped.
"""

from __future__ import annotations

import abc
import typing as t

from singer_sdk.helpers._batch import BatchFileFormat
from singer_sdk.helpers._util import utc_now
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib import Schema, StateMessage
from singer_sdk.streams import Stream

from tap_kapture.errors import KaptureConfigError
from tap_kapture.pull.events import Checkpoint, DayRead, Records
from tap_kapture.singer import batches

if t.TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import RecordMessage
    from singer_sdk.singerlib.encoding.simple import Message

    from tap_kapture.plan.bookmarks import Bookmark
    from tap_kapture.process.interruption import Interruption
    from tap_kapture.pull.events import Event
    from tap_kapture.pull.troubles import Troubles
    from tap_kapture.settings.groups import Settings
    from tap_kapture.singer.messages import MessageWriter
    from tap_kapture.singer.pulled_days import PulledDaysStream


class Host(t.Protocol):
    """What a stream needs of its tap."""

    message_writer: MessageWriter

    @property
    def initialized_at(self) -> int:
        """The run's one reading of the clock, in milliseconds since 1970."""

    @property
    def interruption(self) -> Interruption:
        """Ends the run when a signal came."""

    @property
    def pulled_days(self) -> PulledDaysStream:
        """Takes a row for each day that was read."""

    @property
    def settings(self) -> Settings:
        """The configuration."""

    @property
    def troubles(self) -> list[Troubles]:
        """Takes the days of each stream that are not whole."""

    def write_message(self, message: Message) -> None:
        """Write a message."""


class EventStream(Stream, abc.ABC):
    """A stream fed by a pull's events, whose state moves by finished days."""

    def __init__(self, tap: Tap, *, schema: dict[str, t.Any], name: str) -> None:
        """Begin with nothing read.

        Args:
            tap: The tap.
            schema: JSON Schema of the records.
            name: Name of the stream.
        """
        super().__init__(tap, schema=schema, name=name)
        self._emitted_at = utc_now()
        self._days_read: list[DayRead] = []

    @abc.abstractmethod
    def events(self) -> Iterator[Event]:
        """Yield what happens; records are out before the next event is asked for."""

    @abc.abstractmethod
    def checkpoint(self, bookmark: Bookmark) -> None:
        """Take a bookmark into the state: all records that it speaks of are out."""

    @property
    def kapture(self) -> Host:
        """The tap."""
        return t.cast("Host", self._tap)

    def get_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002 - the SDK's signature
        """Yield the records to emit, one by one; each day ends with its checkpoint.

        Args:
            context: Not used: the stream has no partitions.

        Yields:
            Records of the stream's schema.
        """
        from tap_kapture.shape.records import as_dict  # noqa: PLC0415 - not for --discover

        for page in self._pages():
            yield from map(as_dict, page)

    def get_batches(
        self, batch_config: BatchConfig, context: Context | None = None
    ) -> Iterable[tuple[BaseBatchFileEncoding, list[str]]]:
        """Yield batch files whose records went through selection, maps and flattening.

        The SDK's own batches hold the records before those, deselected columns included.

        Args:
            batch_config: The batch configuration.
            context: Not used: the stream has no partitions.

        Yields:
            The encoding and the files of each batch.

        Raises:
            KaptureConfigError: The stream is mapped to several streams.
            KaptureError: A day could not be read; every day before it is in a file.
        """
        if len(self.stream_maps) > 1:
            msg = (
                f"stream_maps: '{self.name}' is mapped to several streams, which batch files "
                "cannot be. Map it to one stream, or leave 'batch_config' out"
            )
            raise KaptureConfigError(msg)
        batches.check(batch_config)
        json_lines = batch_config.encoding.format == BatchFileFormat.JSONL
        records: Iterator[t.Any]
        if self._as_they_are:
            records = self._counted_records(as_dicts=not json_lines)
        else:
            records = (
                message.record
                for record in self._sync_records(context, write_messages=False)
                for message in self._generate_record_messages(record)
            )
        failures: list[BaseException] = []
        records = batches.until_it_fails(records, failures)
        for manifest in batches.files(records, batch_config, self.tap_name, self.name):
            yield batch_config.encoding, manifest
        if failures:
            raise failures[0]

    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[Record, t.Any, t.Any]:
        """Emit the records, a page at a time where nothing has to touch a single record."""
        try:
            if write_messages and self._as_they_are:
                self._sync_pages()
            else:
                yield from super()._sync_records(context, write_messages=write_messages)
        finally:
            self.kapture.message_writer.flush()

    def _sync_pages(self) -> None:
        """Emit whole pages: the same messages as the SDK's loop over single records writes."""
        with self.get_record_counter() as counter, self.get_sync_timer():
            for page in self._pages():
                self.kapture.message_writer.write_records(
                    self.name,
                    page,
                    version=self._stream_version,
                    time_extracted=self._emitted_at,
                )
                counter.increment(len(page))
        self._finalize_state(self.stream_state)
        self._write_state_message()

    def _counted_records(self, *, as_dicts: bool) -> Iterator[t.Any]:
        """Yield records, counted and timed as the SDK does it."""
        from tap_kapture.shape.records import as_dict  # noqa: PLC0415 - not for --discover

        with self.get_record_counter() as counter, self.get_sync_timer():
            for page in self._pages():
                yield from map(as_dict, page) if as_dicts else page
                counter.increment(len(page))

    def _pages(self) -> Iterator[list[t.Any]]:
        """Yield the records of a pull, some at a time; what stands between them is done here.

        This is the one place that says when a state may be written: behind the records before it,
        which are out when the next event is asked for.
        """
        for event in self.events():
            if isinstance(event, Records):
                self._emitted_at = event.emitted_at
                yield event.rows
            elif isinstance(event, DayRead):
                self._days_read.append(event)
                if not self.config.get("batch_config"):
                    self._tell_of_days()
            elif isinstance(event, Checkpoint):
                self.checkpoint(event.bookmark)
            self.kapture.message_writer.tick()
            self.kapture.interruption.stop_if_told()

    def _tell_of_days(self) -> None:
        """Write the rows about days whose records are out; batch files are once they are named."""
        for day in self._days_read:
            self.kapture.pulled_days.tell(day)
        self._days_read.clear()

    def _write_schema_message(self) -> None:
        self.kapture.pulled_days.open()
        super()._write_schema_message()

    def _write_state_message(self) -> None:
        if self._days_read:
            self._tell_of_days()
            self.write_state()
            self.state_manager.is_flushed = True
        super()._write_state_message()

    def write_state(self) -> None:
        """Write the state even if it did not change, as behind the records of today.

        The SDK's writer leaves it out then, and target-jsonl confirms no state before a record.
        """
        self.kapture.write_message(StateMessage(value=self.tap_state))

    def _generate_record_messages(self, record: Record) -> Generator[RecordMessage, None, None]:
        for message in super()._generate_record_messages(record):
            message.time_extracted = self._emitted_at
            yield message

    @property
    def _as_they_are(self) -> bool:
        """Whether every record leaves as it was shaped: nothing is deselected, mapped or flattened.

        The SDK then removes no property, conforms nothing (records hold JSON types of their schema)
        and maps each record to itself. A dry run stops in the middle of a page, so it is excluded.
        """
        stream_map = self.stream_maps[0]
        return (
            self.ABORT_AT_RECORD_COUNT is None
            and len(self.stream_maps) == 1
            and type(stream_map) is SameRecordTransform
            and not stream_map.flattening_enabled
            and all(self.mask.values())
            and self.effective_schema == Schema.from_dict(self.schema).to_dict()
        )
