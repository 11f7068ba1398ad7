"""Whoever reads stdout gets whole lines, however slowly, and also when its writer is gone."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import sys
import threading
import time
from random import Random
from typing import TYPE_CHECKING, BinaryIO

import pytest

from tap_kapture import stdout
from tap_kapture.stdout import write_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typing_extensions import Buffer

PATIENCE = 10.0
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere, nothing tells how much a pipe has room for"
)
both_kinds = pytest.mark.parametrize("buffering", [0, 8192], ids=["unbuffered", "buffered"])


def lines_of(*lengths: int, seed: int = 1) -> bytearray:
    """Return lines of all lengths between two, in random order."""
    rng = Random(seed)  # noqa: S311 - reproducible
    lines = bytearray()
    while len(lines) < 2**22:
        lines += b"%x" % len(lines) + b"x" * rng.randint(*lengths) + b"\n"
    return lines


class Writing:
    """Lines on their way through a pipe, written by a thread."""

    def __init__(self, lines: bytearray, pipe: tuple[int, int], buffering: int) -> None:
        """Begin to write."""
        self.reader, self.writer = pipe
        self.failure: OSError | None = None
        self._out = io.TextIOWrapper(os.fdopen(self.writer, "wb", buffering))
        self.thread = threading.Thread(target=self._write, args=(lines,), daemon=True)
        self.thread.start()

    def _write(self, lines: bytearray) -> None:
        with contextlib.redirect_stdout(self._out):
            try:
                write_lines(lines)
            except OSError as failure:
                self.failure = failure
        with contextlib.suppress(OSError):
            self._out.close()

    def read_all(self) -> bytes:
        """Read to the end."""
        with os.fdopen(self.reader, "rb", closefd=False) as file:
            return file.read()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe."""
    reader, writer = os.pipe()
    yield reader, writer
    with contextlib.suppress(OSError):
        os.close(reader)


def stuck(writing: Writing) -> int:
    """Wait until nothing more goes into a pipe that nobody reads; return what waits there."""
    import fcntl  # noqa: PLC0415 - not on Windows
    import termios  # noqa: PLC0415

    waiting, before = 0, -1
    while not waiting or waiting != before:
        time.sleep(0.1)
        before = waiting
        found = fcntl.ioctl(writing.reader, termios.FIONREAD, bytes(4))
        waiting = int.from_bytes(found, sys.byteorder)
    return waiting


SIZES = pytest.mark.parametrize(
    "lengths", [(0, 60), (1500, 2500), (3000, 9000), (20_000, 60_000), (200_000, 260_000)]
)


@linux_only
@both_kinds
@SIZES
def test_a_full_pipe_holds_whole_lines_at_every_moment(
    lengths: tuple[int, int], buffering: int, pipe: tuple[int, int]
) -> None:
    lines = lines_of(*lengths)
    writing = Writing(lines, pipe, buffering)
    rng = Random(2)  # noqa: S311 - reproducible
    read = b""
    for _ in range(3):
        waiting = stuck(writing)
        end = len(read) + waiting
        assert lines[end - 1 : end] == b"\n"
        read += os.read(writing.reader, rng.randint(1, waiting))
    assert read + writing.read_all() == lines
    assert writing.failure is None


class Strict:
    """Lets no pipe grow, as Linux does when the pipes of a user hold much already."""

    F_GETPIPE_SZ, F_SETPIPE_SZ = 1032, 1031

    @staticmethod
    def fcntl(number: int, command: int, *argument: int) -> int:
        """Refuse one command."""
        import fcntl  # noqa: PLC0415 - not on Windows

        if command == Strict.F_SETPIPE_SZ:
            raise PermissionError
        return fcntl.fcntl(number, command, *argument)

    @staticmethod
    def ioctl(number: int, request: int, argument: bytes) -> bytes:
        """Pass it on."""
        import fcntl  # noqa: PLC0415

        return fcntl.ioctl(number, request, argument)


@linux_only
def test_a_pipe_that_may_not_grow_holds_whole_lines_too(
    monkeypatch: pytest.MonkeyPatch, pipe: tuple[int, int]
) -> None:
    monkeypatch.setattr(stdout, "fcntl", Strict)
    lines = lines_of(1500, 2500)
    writing = Writing(lines, pipe, 0)
    waiting = stuck(writing)
    assert waiting <= 2**16
    assert lines[waiting - 1 : waiting] == b"\n"
    assert writing.read_all() == lines


@posix_only
@both_kinds
@SIZES
def test_a_reader_gets_every_line(
    lengths: tuple[int, int], buffering: int, pipe: tuple[int, int]
) -> None:
    lines = lines_of(*lengths)
    assert Writing(lines, pipe, buffering).read_all() == lines


@posix_only
def test_a_line_that_no_pipe_can_hold_is_written_too(pipe: tuple[int, int]) -> None:
    lines = bytearray(b"first\n" + b"x" * 2**22 + b"\nlast\n")
    assert Writing(lines, pipe, 0).read_all() == lines


@posix_only
@SIZES
def test_a_socket_gets_every_line(lengths: tuple[int, int]) -> None:
    lines = lines_of(*lengths)
    reader, writer = socket.socketpair()
    with reader:
        writing = Writing(lines, (reader.fileno(), writer.detach()), 0)
        assert writing.read_all() == lines


@posix_only
@pytest.mark.parametrize("lengths", [(0, 60), (3000, 9000), (200_000, 260_000)])
def test_a_writer_that_waits_learns_that_the_reader_is_gone(
    lengths: tuple[int, int], pipe: tuple[int, int]
) -> None:
    writing = Writing(lines_of(*lengths), pipe, 0)
    stuck(writing)
    os.close(writing.reader)
    writing.thread.join(PATIENCE)
    assert not writing.thread.is_alive()
    assert isinstance(writing.failure, BrokenPipeError)


@contextlib.contextmanager
def stdout_is(file: BinaryIO) -> Iterator[None]:
    """Put a file in the place of stdout."""
    text = io.TextIOWrapper(file)
    with contextlib.redirect_stdout(text):
        yield
    text.detach()


@both_kinds
def test_a_file_gets_every_line(buffering: int, tmp_path: Path) -> None:
    lines = lines_of(0, 3000)
    path = tmp_path / "lines"
    with path.open("wb", buffering) as file, stdout_is(file):
        write_lines(lines)
        assert path.read_bytes() == lines


class Reluctant(io.BytesIO):
    """Takes a thousand bytes at most, as a raw stdout may."""

    def write(self, some: Buffer, /) -> int:
        """Take what comes first."""
        return super().write(memoryview(some)[:1000])


def test_a_raw_stdout_that_takes_less_than_it_is_given_gets_every_line() -> None:
    lines = lines_of(0, 3000)
    file = Reluctant()
    with stdout_is(file):
        write_lines(lines)
    assert file.getvalue() == lines


def test_what_was_printed_before_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    with path.open("w", encoding="utf-8", newline="") as file, contextlib.redirect_stdout(file):
        sys.stdout.write("printed\n")
        write_lines(b"written\n")
    assert path.read_bytes() == b"printed\nwritten\n"
