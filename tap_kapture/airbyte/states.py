"""What a stream goes on from: the engine's bookmark, and what the protocol asks beside it.

::

    {...                              the stream's bookmark, see :mod:`tap_kapture.plan.bookmarks`
     "sent": 1234,                    records since the first run: no two states are the same with
                                      records between them
     "refresh": {"generation": 3, "done": false}}
                                      of a full refresh: which one, and whether all of it is out
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_kapture.errors import KaptureStateError
from tap_kapture.plan import bookmarks
from tap_kapture.settings import inputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_kapture.airbyte.catalog import ConfiguredStream
    from tap_kapture.plan.bookmarks import Bookmark
    from tap_kapture.settings.groups import Settings

SENT, REFRESH = "sent", "refresh"
_UNKNOWN_FORM = (
    "the file must hold a list of states of type STREAM, as in the STATE messages of the last "
    "run; `[]` starts afresh"
)


def states_in(path: str) -> dict[str, dict[str, Any]]:
    """Return the state of each stream that a file holds.

    Args:
        path: Of a JSON list of states, or of whole STATE messages, the last one of a stream last.

    Returns:
        By the name of the stream.

    Raises:
        KaptureStateError: The file holds something else.
        KaptureConfigError: The file cannot be read.
    """
    where = f"--state {path}"
    found = inputs.json_value(inputs.text_of(path, "--state"), where)
    if found in ({}, None):
        return {}
    states: dict[str, dict[str, Any]] = {}
    for entry in found if isinstance(found, list) else [found]:
        state = _within(entry, "state") or entry
        stream = _within(state, "stream")
        name = _within(stream, "stream_descriptor").get("name")
        if state.get("type") != "STREAM" or not isinstance(name, str):
            msg = f"{where}: {_UNKNOWN_FORM}"
            raise KaptureStateError(msg)
        states[name] = _within(stream, "stream_state")
    return states


def _within(value: object, name: str) -> dict[str, Any]:
    """Return an object in an object; an empty one if there is none."""
    inner = value.get(name) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


@dataclass
class Continuation:
    """What a stream goes on from, and goes on to be, while it is read.

    Attributes:
        bookmark: Which days are out.
    """

    bookmark: Bookmark
    _replication_key: str
    _generation: int | None
    _is_refresh: bool

    @classmethod
    def of(
        cls,
        stream: ConfiguredStream,
        replication_key: str,
        kept: Mapping[str, Any],
        settings: Settings,
    ) -> Continuation:
        """Return what a stream goes on from.

        A full refresh goes on only from a state of its own that is not done yet. All others begin
        at the first day, for the destination may have been emptied.

        Args:
            stream: The stream as it is configured.
            replication_key: Name of the column that says when a record was created.
            kept: The state of the last run; empty for none.
            settings: The configuration.

        Raises:
            KaptureStateError: The bookmark is no date.
        """
        is_refresh = stream.sync_mode == "full_refresh"
        unfinished = {"generation": stream.generation_id, "done": False}
        if is_refresh and kept.get(REFRESH) != unfinished:
            kept = {}
        return cls(
            bookmarks.from_state(
                kept, start_day=settings.window.start_day, zone=settings.account.zone
            ),
            replication_key,
            stream.generation_id,
            is_refresh,
        )

    def to_state(self, *, done: bool = False) -> dict[str, Any]:
        """Return what the next run goes on from.

        Args:
            done: Whether everything is out.
        """
        state = self.bookmark.to_state(self._replication_key)
        if self._is_refresh:
            state[REFRESH] = {"generation": self._generation, "done": done}
        return state
