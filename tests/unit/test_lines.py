"""Lines of several threads stay whole, and none is lost."""

from __future__ import annotations

import contextlib
import io
from threading import Thread
from typing import TYPE_CHECKING

from tap_kapture.process.lines import Lines

if TYPE_CHECKING:
    from typing_extensions import Buffer

A_MOMENT = 0.2
"""Seconds in which another thread would break into a line, if it could."""


class Disturbed(io.BytesIO):
    """Takes a few bytes, and then another thread wants to write a line."""

    lines: Lines

    def __init__(self) -> None:
        """Begin with nobody else."""
        super().__init__()
        self.other: Thread | None = None

    def write(self, some: Buffer, /) -> int:
        """Take less than there is."""
        taken = super().write(memoryview(some)[:3])
        if self.other is None:
            self.other = Thread(target=self._write_another)
            self.other.start()
            self.other.join(A_MOMENT)
        return taken

    def _write_another(self) -> None:
        self.lines.leave(b"another\n")
        self.lines.flush()


def test_no_thread_writes_into_the_line_of_another() -> None:
    file = Disturbed()
    out = io.TextIOWrapper(file)
    with contextlib.redirect_stdout(out):
        file.lines = lines = Lines()
        lines.add(b"the first\n")
        lines.flush()
        assert file.other
        file.other.join()
        lines.flush()
    out.detach()
    assert file.getvalue() == b"the first\nanother\n"
    assert not lines.busy


def test_what_is_left_goes_out_with_the_next_line() -> None:
    out = io.TextIOWrapper(io.BytesIO())
    with contextlib.redirect_stdout(out):
        lines = Lines()
        lines.leave(b"left\n")
        assert lines.busy
        assert out.buffer.tell() == 0
        lines.add(b"next\n")
        lines.flush()
    out.seek(0)
    assert out.read() == "left\nnext\n"
