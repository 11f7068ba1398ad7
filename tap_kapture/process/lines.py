"""Lines on their way to stdout: in large pieces, yet never late.

Lines gather in a buffer that is written when whoever adds one says so, when it is large, or when a
second has passed.
"""

from __future__ import annotations

import threading
import time

from tap_kapture.errors import KaptureOutputError
from tap_kapture.stdout import write_lines

LARGE = 1024 * 1024
"""Bytes that are written at once, at the latest."""
LATE = 1.0
"""Seconds after which a line is written, at the latest."""


class Lines:
    """Writes whole lines to stdout by way of a buffer; threads may share it."""

    def __init__(self) -> None:
        """Begin with an empty buffer."""
        self._buffer = bytearray()
        self._lock = threading.Lock()
        self._written_at = time.monotonic()

    @property
    def busy(self) -> bool:
        """Whether lines wait, or are on their way: an exception from outside would lose them."""
        return self._lock.locked() or bool(self._buffer)

    def leave(self, lines: bytes) -> None:
        """Leave lines to be written with the next ones, by whoever writes these.

        Args:
            lines: Whole ones, each with its end.
        """
        with self._lock:
            self._buffer += lines

    def add(self, lines: bytes) -> None:
        """Add lines, and write what waits if it is much or has waited for a second.

        Args:
            lines: Whole ones, each with its end.

        Raises:
            KaptureOutputError: As for :meth:`flush`.
        """
        self.leave(lines)
        if len(self._buffer) >= LARGE:
            self.flush()
        else:
            self.tick()

    def tick(self) -> None:
        """Write what has waited for a second.

        Raises:
            KaptureOutputError: As for :meth:`flush`.
        """
        if self._buffer and time.monotonic() - self._written_at >= LATE:
            self.flush()

    def flush(self) -> None:
        """Write everything that waits.

        Raises:
            KaptureOutputError: The reader closed the pipe, or the disk is full.
        """
        try:
            with self._lock:
                buffer, self._buffer = self._buffer, bytearray()
                write_lines(buffer)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            msg = (
                f"stdout cannot be written any more: {reason}. If a target reads it, look at the "
                "target's own log; nothing is lost, the next run goes on from the last STATE"
            )
            raise KaptureOutputError(msg) from None
        self._written_at = time.monotonic()
