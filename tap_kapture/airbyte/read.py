"""Reading the streams of a catalog: what a pull says becomes messages."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from tap_kapture.airbyte.catalog import chosen, endpoint_of, wanted_of
from tap_kapture.airbyte.messages import State, StateBody, StateStats, StreamDescriptor
from tap_kapture.airbyte.messages import StreamState as StateOfStream
from tap_kapture.airbyte.states import StreamState
from tap_kapture.errors import KaptureOutputError
from tap_kapture.pull.events import Checkpoint, Records
from tap_kapture.pull.run import Pull
from tap_kapture.pull.troubles import incomplete
from tap_kapture.shape.records import as_dict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tap_kapture.airbyte.catalog import ConfiguredCatalog, ConfiguredStream, Wanted
    from tap_kapture.airbyte.output import Output
    from tap_kapture.plan.bookmarks import Bookmark
    from tap_kapture.process.interruption import Interruption
    from tap_kapture.settings.checked import Settings


class Reader:
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
        is_whole = True
        left = [stream.name for stream in catalog.streams]
        try:
            for stream in catalog.streams:
                is_whole &= self._read(stream, states.get(stream.name, {}))
                del left[0]
        except SystemExit:
            for name in left:
                self._output.status(name, "INCOMPLETE")
            raise
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
        endpoint = endpoint_of(stream, self._settings)
        state = StreamState.of(stream, endpoint.created, kept, self._settings)
        outlet = _Outlet(self._output, stream.name, state, wanted_of(stream, endpoint))
        pull = Pull(endpoint, self._settings, now=self._now, bookmark=state.bookmark)
        with closing(pull.events()) as events:
            for event in events:
                if isinstance(event, Records):
                    outlet.records(event.rows)
                elif isinstance(event, Checkpoint):
                    outlet.checkpoint(event.bookmark)
                self._output.tick()
                self._interruption.stop_if_told()
        error = incomplete([pull.troubles])
        outlet.finish(done=error is None)
        if error:
            raise error


class _Outlet:
    """Where the records and states of one stream leave."""

    def __init__(
        self, output: Output, stream: str, state: StreamState, wanted: Wanted | None
    ) -> None:
        self._output = output
        self._stream = stream
        self._state = state
        self._wanted = wanted
        self._since_state = 0
        self._runs = False

    def records(self, rows: list[Any]) -> None:
        """Write records."""
        self._run()
        if self._wanted is not None:
            rows = [chosen(as_dict(row), self._wanted) for row in rows]
        self._output.write_records(self._stream, rows)
        self._since_state += len(rows)
        self._state.sent += len(rows)

    def checkpoint(self, bookmark: Bookmark) -> None:
        """Write a state: all records that the bookmark speaks of are out."""
        self._state.bookmark = bookmark
        self._write_state(done=False)

    def finish(self, *, done: bool) -> None:
        """Write the last state, which says whether all is out."""
        self._write_state(done=done)

    def _write_state(self, *, done: bool) -> None:
        self._run()
        state = StateOfStream(StreamDescriptor(self._stream), self._state.to_state(done=done))
        self._output.write(State(StateBody(state, StateStats(float(self._since_state)))))
        self._since_state = 0

    def _run(self) -> None:
        """Say that the first record or state is there."""
        if not self._runs:
            self._runs = True
            self._output.status(self._stream, "RUNNING")
