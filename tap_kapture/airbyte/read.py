"""Reading the streams of a catalog: what a pull says becomes messages."""

from __future__ import annotations

import logging
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tap_kapture.airbyte.catalog import DAYS, chosen, endpoint_of, wanted_of
from tap_kapture.airbyte.messages import State, StateBody, StateStats, StreamDescriptor, StreamState
from tap_kapture.airbyte.states import SENT, Continuation
from tap_kapture.errors import KaptureConfigError, KaptureOutputError
from tap_kapture.pull.events import Checkpoint, DayRead, Records
from tap_kapture.pull.run import Pull
from tap_kapture.pull.troubles import incomplete
from tap_kapture.shape.records import as_dict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tap_kapture.airbyte.catalog import ConfiguredCatalog, ConfiguredStream
    from tap_kapture.airbyte.output import Output
    from tap_kapture.process.interruption import Interruption
    from tap_kapture.settings.groups import Settings

_ALONE = (
    f"{DAYS.name}: it is the only selected stream, and tells of the days of the others. Select "
    "tickets, customers or customer_contacts as well"
)
_NONE = "--catalog: it holds no stream, so nothing is read. Select streams in Airbyte"

logger = logging.getLogger("tap-kapture")


class Sync:
    """Reads streams, one after another; one that fails does not stop the others."""

    def __init__(
        self, settings: Settings, output: Output, interruption: Interruption, *, now: datetime
    ) -> None:
        """Keep the collaborators.

        Args:
            settings: The configuration.
            output: Takes the messages.
            interruption: Ends the run when a signal came.
            now: The run's one reading of the clock.
        """
        self._settings = settings
        self._output = output
        self._interruption = interruption
        self._now = now
        self._days: _Outlet | None = None

    def read(self, catalog: ConfiguredCatalog, states: Mapping[str, Mapping[str, Any]]) -> bool:
        """Read the streams of a catalog.

        Args:
            catalog: The streams.
            states: The state of each stream, by its name.

        Returns:
            Whether all of them are whole.

        Raises:
            KaptureOutputError: Nobody reads the messages any more.
            SystemExit: A signal came.
        """
        if not catalog.streams:
            logger.warning(_NONE)
        # Rows about days leave while the other streams are read, so theirs ends behind them.
        about_days = [stream for stream in catalog.streams if stream.name == DAYS.name]
        others = [stream for stream in catalog.streams if stream.name != DAYS.name]
        left = [stream.name for stream in (*others, *about_days)]
        is_whole = True
        try:
            for stream in about_days:
                self._output.status(stream.name, "STARTED")
                self._days = _Outlet(self._output, stream, states.get(stream.name, {}))
            for stream in others:
                is_whole &= self._read(stream, states.get(stream.name, {}))
                del left[0]
            if self._days is not None:
                is_whole &= self._end_days(self._days, is_whole=is_whole, alone=not others)
        except SystemExit:
            for name in left:
                self._output.status(name, "INCOMPLETE")
            raise
        except KaptureOutputError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            self._output.failure(error)
            for name in left:
                self._output.status(name, "INCOMPLETE")
            return False
        return is_whole

    def _end_days(self, days: _Outlet, *, is_whole: bool, alone: bool) -> bool:
        """End the stream of rows about days; it is whole if all streams that it tells of are."""
        if alone:
            self._output.failure(KaptureConfigError(_ALONE), DAYS.name)
        else:
            days.state({})
        is_whole &= not alone
        self._output.status(DAYS.name, "COMPLETE" if is_whole else "INCOMPLETE")
        return is_whole

    def _read(self, stream: ConfiguredStream, kept: Mapping[str, Any]) -> bool:
        """Read one stream to its end, be it a bad one."""
        self._output.status(stream.name, "STARTED")
        try:
            self._pull(stream, kept)
        except KaptureOutputError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, other streams can be read
            self._output.failure(error, stream.name)
            self._output.status(stream.name, "INCOMPLETE")
            return False
        self._output.status(stream.name, "COMPLETE")
        return True

    def _pull(self, stream: ConfiguredStream, kept: Mapping[str, Any]) -> None:
        """Write what a pull says.

        Raises:
            KaptureError: The stream, or some days of it, could not be read.
        """
        endpoint = endpoint_of(stream, self._settings.account)
        position = Continuation.of(stream, endpoint.created, kept, self._settings)
        outlet = _Outlet(self._output, stream, kept)
        pull = Pull(endpoint, self._settings, now=self._now, bookmark=position.bookmark)
        with closing(pull.events()) as events:
            for event in events:
                if isinstance(event, Records):
                    outlet.records(event.rows, event.emitted_at)
                elif isinstance(event, DayRead):
                    self._tell(event)
                elif isinstance(event, Checkpoint):
                    position.bookmark = event.bookmark
                    outlet.state(position.to_state())
                self._output.tick()
                self._interruption.stop_if_told()
        error = incomplete([pull.troubles])
        outlet.state(position.to_state(done=error is None))
        if error:
            raise error

    def _tell(self, day: DayRead) -> None:
        """Write the row about a day whose records are out, if such rows are wanted."""
        if self._days is not None:
            self._days.records([day.row()], day.emitted_at)
            self._days.state({})


class _Outlet:
    """Where the records and states of one stream leave."""

    def __init__(self, output: Output, stream: ConfiguredStream, kept: Mapping[str, Any]) -> None:
        self._output = output
        self._stream = stream.name
        self._wanted = wanted_of(stream)
        sent = kept.get(SENT)
        self._sent: int = sent if isinstance(sent, int) else 0
        self._since_state = 0
        self._runs = False

    def records(self, rows: list[Any], emitted_at: datetime) -> None:
        """Write records, all with one time of extraction."""
        self._run()
        if self._wanted is not None:
            rows = [chosen(as_dict(row), self._wanted) for row in rows]
        self._output.write_records(self._stream, rows, emitted_at)
        self._since_state += len(rows)
        self._sent += len(rows)

    def state(self, position: dict[str, Any]) -> None:
        """Write a state: all records of which it speaks are out."""
        self._run()
        state = StreamState(StreamDescriptor(self._stream), {**position, SENT: self._sent})
        self._output.write(State(StateBody(state, StateStats(float(self._since_state)))))
        self._since_state = 0

    def _run(self) -> None:
        """Say that the first record or state is there."""
        if not self._runs:
            self._runs = True
            self._output.status(self._stream, "RUNNING")
