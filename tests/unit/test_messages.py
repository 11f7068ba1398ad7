"""Messages leave as the SDK writes them, a STATE never late, and a closed pipe has a name."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import os
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.singerlib import RecordMessage, SchemaMessage, StateMessage

from tap_kapture.errors import KaptureOutputError
from tap_kapture.process.lines import LARGE
from tap_kapture.singer.messages import MessageWriter

if TYPE_CHECKING:
    from typing_extensions import Self

NOW = dt.datetime(2024, 5, 3, 10, 0, 0, 123456, tzinfo=dt.timezone.utc)
RECORDS: list[dict[str, Any]] = [
    {"ticketId": "1", "detail": 'caf\u00e9 \u0905 \U0001f600 " \\ \n', "n": None},
    {"ticketId": "2", "amount": Decimal("0.10"), "big": 2**63 - 1, "extra_fields": {"a": [1]}},
]


class Stdout(contextlib.AbstractContextManager["Stdout"]):
    """A stdout whose bytes can be read, in place as long as it is entered."""

    def __init__(self) -> None:
        """Begin empty."""
        self.bytes = io.BytesIO()
        self._redirection = contextlib.redirect_stdout(io.TextIOWrapper(self.bytes, "utf-8"))

    def __enter__(self) -> Self:
        """Put it in place."""
        self._redirection.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """Put the other one back."""
        self._redirection.__exit__(None, None, None)

    @property
    def lines(self) -> list[bytes]:
        """Return what was written, line by line."""
        return self.bytes.getvalue().splitlines(keepends=True)


def record_messages(
    records: list[dict[str, Any]], version: int | None = None
) -> list[RecordMessage]:
    """Return the SDK's messages of records."""
    return [
        RecordMessage(stream="tickets", record=r, version=version, time_extracted=NOW)
        for r in records
    ]


def written_by_the_sdk(records: list[dict[str, Any]], version: int | None) -> bytes:
    """Return the bytes that the SDK's own writer writes."""
    with Stdout() as out:
        for message in record_messages(records, version):
            MsgSpecWriter().write_message(message)
    return out.bytes.getvalue()


def written_by_pages(records: list[dict[str, Any]], version: int | None) -> bytes:
    """Return the bytes that the fast path writes."""
    with Stdout() as out:
        writer = MessageWriter()
        writer.write_records("tickets", records, version=version, time_extracted=NOW)
        writer.flush()
    return out.bytes.getvalue()


@pytest.mark.parametrize("version", [None, 7])
def test_the_fast_path_writes_what_the_sdk_writes(version: int | None) -> None:
    fast = written_by_pages(RECORDS, version)
    assert fast == written_by_the_sdk(RECORDS, version)
    first = json.loads(fast.splitlines()[0])
    names = ["type", "stream", "record", "version", "time_extracted"]
    assert list(first) == [name for name in names if name != "version" or version]
    assert first["record"] == RECORDS[0]
    assert b'"amount":0.10' in fast


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    records=st.lists(st.dictionaries(st.text(max_size=5), JSON, max_size=5), max_size=5),
    version=st.none() | st.integers(1, 2**40),
)
def test_any_records_are_written_as_the_sdk_writes_them(
    records: list[dict[str, Any]], version: int | None
) -> None:
    assert written_by_pages(records, version) == written_by_the_sdk(records, version)


@pytest.fixture
def still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass for the writer."""
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)


@pytest.mark.usefixtures("still_clock")
def test_records_wait_for_the_state_behind_them() -> None:
    with Stdout() as stdout:
        writer = MessageWriter()
        writer.write_records("tickets", RECORDS, version=None, time_extracted=NOW)
        for message in record_messages(RECORDS):
            writer.write_message(message)
        assert stdout.lines == []
        writer.write_message(StateMessage(value={"bookmarks": {}}))
        kinds = [json.loads(line)["type"] for line in stdout.lines]
        assert kinds == ["RECORD"] * 4 + ["STATE"]
        assert all(line.endswith(b"\n") for line in stdout.lines)


def test_a_schema_is_out_at_once() -> None:
    with Stdout() as stdout:
        writer = MessageWriter()
        writer.write_message(SchemaMessage("tickets", {"properties": {}}, ["ticketId"]))
        assert [json.loads(line)["type"] for line in stdout.lines] == ["SCHEMA"]


@pytest.mark.usefixtures("still_clock")
def test_much_is_written_at_once() -> None:
    with Stdout() as stdout:
        writer = MessageWriter()
        long = {"ticketId": "1", "detail": "x" * (LARGE // 4)}
        for _ in range(3):
            writer.write_records("tickets", [long], version=None, time_extracted=NOW)
        assert stdout.lines == []
        writer.write_records("tickets", [long], version=None, time_extracted=NOW)
        assert len(stdout.lines) == 4


def test_what_has_waited_for_a_second_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    with Stdout() as stdout:
        clock = [1000.0]
        monkeypatch.setattr(time, "monotonic", lambda: clock[0])
        writer = MessageWriter()
        writer.write_records("tickets", RECORDS[:1], version=None, time_extracted=NOW)
        clock[0] += 0.9
        writer.tick()
        assert stdout.lines == []
        clock[0] += 0.2
        writer.tick()
        assert len(stdout.lines) == 1
        writer.write_records("tickets", RECORDS[:1], version=None, time_extracted=NOW)
        assert len(stdout.lines) == 1
        clock[0] += 1.1
        writer.write_records("tickets", RECORDS[:1], version=None, time_extracted=NOW)
        assert len(stdout.lines) == 3


def test_nothing_is_written_twice() -> None:
    with Stdout() as stdout:
        writer = MessageWriter()
        writer.write_records("tickets", RECORDS, version=None, time_extracted=NOW)
        for _ in range(3):
            writer.flush()
            writer.tick()
        assert len(stdout.lines) == 2


def write_a_state_to(file: BinaryIO) -> KaptureOutputError:
    """Return what is raised when a state cannot be written."""
    out = io.TextIOWrapper(file, encoding="utf-8")
    with contextlib.redirect_stdout(out):
        writer = MessageWriter()
        writer.write_records("tickets", RECORDS, version=None, time_extracted=NOW)
        with pytest.raises(KaptureOutputError) as caught:
            writer.write_message(StateMessage(value={"bookmarks": {}}))
    with contextlib.suppress(OSError):
        out.close()
    assert "caf\u00e9" not in str(caught.value)
    return caught.value


def test_a_closed_pipe_is_named_and_says_that_nothing_is_lost() -> None:
    read, write = os.pipe()
    os.close(read)
    error = write_a_state_to(os.fdopen(write, "wb"))
    assert "stdout cannot be written any more" in str(error)
    assert "goes on from the last STATE" in str(error)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_named() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        error = write_a_state_to(io.BufferedWriter(full))
    assert "No space left" in str(error)
