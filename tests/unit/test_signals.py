"""A signal that comes while messages are on their way loses none of them."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import signal
import threading
from typing import TYPE_CHECKING

import pytest
from singer_sdk.singerlib import StateMessage

from tap_kapture.process.interruption import GRACE
from tap_kapture.singer.messages import MessageWriter
from tap_kapture.singer.tap import TapKapture

if TYPE_CHECKING:
    from typing_extensions import Buffer

NOW = dt.datetime(2024, 3, 16, tzinfo=dt.timezone.utc)
STATE = StateMessage(value={"bookmarks": {"tickets": {"replication_key_value": "2024-03-15"}}})


class LastResort:
    """A timer that is noted, but never goes off."""

    started: list[float]

    def __init__(self, seconds: float, *_: object) -> None:
        """Keep the time."""
        self._seconds = seconds

    def start(self) -> None:
        """Note it."""
        self.started.append(self._seconds)


@pytest.fixture
def tap(monkeypatch: pytest.MonkeyPatch) -> TapKapture:
    """A tap that only writes messages, and takes no signals of the process."""
    monkeypatch.setattr(threading, "Timer", LastResort)
    monkeypatch.setattr(LastResort, "started", [], raising=False)
    tap = object.__new__(TapKapture)
    tap.message_writer = MessageWriter()
    return tap


class Interrupted(io.BytesIO):
    """Takes a few bytes, and then a signal comes."""

    tap: TapKapture

    def write(self, some: Buffer, /) -> int:
        """Take less than there is."""
        taken = super().write(memoryview(some)[:10])
        self.tap._handle_termination(signal.SIGTERM, None)  # noqa: SLF001 - as Python would
        return taken


def test_a_signal_in_the_middle_of_a_message_is_answered_behind_it(tap: TapKapture) -> None:
    file = Interrupted()
    file.tap = tap
    out = io.TextIOWrapper(file)
    with contextlib.redirect_stdout(out):
        tap.write_message(STATE)
    out.detach()
    assert json.loads(file.getvalue())["value"] == STATE.value
    assert file.getvalue().endswith(b"\n")
    assert set(LastResort.started) == {GRACE}
    with pytest.raises(SystemExit, match="143"):
        tap.interruption.stop_if_told()


def test_a_signal_while_messages_wait_leaves_them_to_be_written(tap: TapKapture) -> None:
    tap.message_writer.write_records("tickets", [{}], version=None, time_extracted=NOW)
    tap._handle_termination(signal.SIGINT, None)  # noqa: SLF001 - as Python would
    file = io.BytesIO()
    out = io.TextIOWrapper(file)
    with contextlib.redirect_stdout(out):
        tap.message_writer.flush()
    out.detach()
    assert file.getvalue().count(b"\n") == 1
    with pytest.raises(SystemExit, match="130"):
        tap.interruption.stop_if_told()


def test_a_signal_is_answered_at_once_when_nothing_is_on_its_way(tap: TapKapture) -> None:
    with pytest.raises(SystemExit, match="143"):
        tap._handle_termination(signal.SIGTERM, None)  # noqa: SLF001 - as Python would
