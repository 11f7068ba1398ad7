"""Writing lines to stdout so that its reader gets whole ones, however slow it is, however we end.

A process that ends while a pipe is full leaves half a line in it, if it was about to write more
than fits. So a pipe is given as many whole lines as are bound to fit, and otherwise waited for.
What cannot fit, such as a line that is longer than the pipe, is written as it goes; so is all that
goes to files and terminals, and everything on Windows.
"""

from __future__ import annotations

import io
import mmap
import os
import select
import stat
import sys
import time
from contextlib import suppress
from typing import BinaryIO

ROOMY = 1024 * 1024
"""Bytes that a pipe is asked to hold, the most that Linux grants everybody: its usual 64 KiB keep
writer and reader waiting in turns."""
SHORTEST_NAP, LONGEST_NAP = 0.00005, 0.01
"""Seconds between two looks at a pipe that is too full: each nap is twice the one before."""


def write_lines(lines: bytes | bytearray) -> None:
    """Write lines; all of them are out when this returns.

    Args:
        lines: Whole ones, each with its end.

    Raises:
        OSError: Nobody reads the pipe any more, or the disk is full.
    """
    sys.stdout.flush()
    out = sys.stdout.buffer
    number = _number_of_pipe(out)
    if number is not None and sys.platform != "win32":
        _write_to_pipe(_Pipe(number), lines)
        return
    with memoryview(lines) as view:
        written = 0
        while written < len(view):  # a raw file may take less than it is given
            written += out.write(view[written:]) or 0
    out.flush()


def _number_of_pipe(out: BinaryIO) -> int | None:
    """Return the file descriptor, if a pipe or a socket is behind it."""
    try:
        number = out.fileno()
    except io.UnsupportedOperation:  # somebody put another object in the place of stdout
        return None
    mode = os.fstat(number).st_mode
    return number if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else None


if sys.platform != "win32":
    import fcntl
    import termios

    class _Pipe:
        """A pipe or socket, and how much is bound to fit into it.

        Attributes:
            number: Its file descriptor.
        """

        def __init__(self, number: int) -> None:
            """Look at it.

            Args:
                number: Its file descriptor.
            """
            self.number = number
            self._poll = select.poll()
            self._poll.register(number, select.POLLOUT)
            self._size = 0
            # Elsewhere than on Linux, the writer's end does not tell how much waits in a pipe.
            if sys.platform == "linux" and stat.S_ISFIFO(os.fstat(number).st_mode):
                self._size = fcntl.fcntl(number, fcntl.F_GETPIPE_SZ)
                if self._size < ROOMY:
                    with suppress(OSError):  # all pipes of a user may hold only so much
                        self._size = fcntl.fcntl(number, fcntl.F_SETPIPE_SZ, ROOMY)

        def room(self, line: int, rest: int) -> int:
            """Wait until it is worth while to write; return how many bytes are bound to fit.

            Args:
                line: Bytes of the next line; all of them fit, unless they never can.
                rest: Bytes of that line and those behind it.
            """
            if not self._size:
                self._poll.poll()
                return select.PIPE_BUF
            # A pipe that still holds about a third has enough for a reader until it is looked at.
            enough = min(max(line, min(rest, self._size // 4)), self._size)
            free = self._free()
            if free < enough:
                self._poll.poll()
                nap = SHORTEST_NAP
                while (free := self._free()) < enough and not self._is_broken():
                    time.sleep(nap)
                    nap = min(2 * nap, LONGEST_NAP)
            return free

        def _free(self) -> int:
            """Return how many bytes fit, however those that wait are spread over the pipe's pages.

            A write fills up the last page if its odd bytes fit there, and begins a new one if not:
            so any two neighbours hold more than one page together, but for what is read of them.
            """
            waiting = int.from_bytes(
                fcntl.ioctl(self.number, termios.FIONREAD, bytes(4)), sys.byteorder
            )
            return self._size - 2 * (waiting + mmap.PAGESIZE) if waiting else self._size

        def _is_broken(self) -> bool:
            return any(event & select.POLLERR for _, event in self._poll.poll(0))

    def _write_to_pipe(pipe: _Pipe, lines: bytes | bytearray) -> None:
        """Write as many whole lines at a time as fit."""
        written = 0
        with memoryview(lines) as view:
            while written < len(view):
                line = lines.index(b"\n", written) + 1
                room = pipe.room(line - written, len(view) - written)
                end = lines.rfind(b"\n", written, written + room) + 1 or line
                written += os.write(pipe.number, view[written:end])
