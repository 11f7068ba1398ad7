"""The stream `pulled_days`: its rows are written by the streams whose days they tell of."""

from __future__ import annotations

import typing as t

from singer_sdk.streams import Stream

from tap_kapture.schemas import PULLED_DAYS, json_schema

if t.TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_kapture.pull.events import DayRead


class PulledDaysStream(Stream):
    """A row for each day that was read; it has no requests and no state of its own."""

    name = "pulled_days"

    def __init__(self, tap: Tap) -> None:
        """Derive the schema from the columns.

        Args:
            tap: The tap.
        """
        keys = ("stream", "day")
        super().__init__(tap, schema=json_schema(PULLED_DAYS, *keys), name=self.name)
        self.primary_keys = keys
        self._is_open = False

    def open(self) -> None:
        """Write the SCHEMA, once a run: targets write out what they hold at each further one."""
        if self.selected and not self._is_open:
            self._is_open = True
            super()._write_schema_message()

    def tell(self, day: DayRead) -> None:
        """Write the row of a day, whose records are out.

        Args:
            day: What the day came to.
        """
        if not self.selected:
            return
        for message in self._generate_record_messages(day.row()):
            message.time_extracted = day.emitted_at
            self._tap.write_message(message)

    def get_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002 - the SDK's signature
        """Return nothing: the rows leave with the other streams.

        Args:
            context: Not used: the stream has no partitions.
        """
        return ()

    def _sync_records(
        self,
        context: Context | None = None,  # noqa: ARG002 - the SDK's signature
        *,
        write_messages: bool = True,  # noqa: ARG002 - the SDK's signature
    ) -> Generator[Record, t.Any, t.Any]:
        """Write nothing, no state either."""
        yield from ()

    def _write_schema_message(self) -> None:
        self.open()

    def finalize_state_progress_markers(self, state: dict[str, t.Any] | None = None) -> None:
        """Leave the state alone: the stream has no part in it.

        Args:
            state: Not used.
        """
