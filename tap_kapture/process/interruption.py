"""Signals: a run ends between two events, where no message is half written."""

from __future__ import annotations

import logging
import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

GRACE = 4.0
"""Seconds after a signal until the process ends even if the target has not read everything."""

logger = logging.getLogger("tap-kapture")


class Interruption:
    """Notes a signal, and ends the run where that loses nothing."""

    def __init__(self) -> None:
        """Begin without a signal."""
        self._signal: int | None = None
        self._later = False

    @contextmanager
    def between_events(self) -> Iterator[None]:
        """Mark the time in which :meth:`stop_if_told` is called soon."""
        self._later = True
        try:
            yield
        finally:
            self._later = False

    def told(self, number: int, *, busy: bool) -> None:
        """Note a signal.

        Args:
            number: Of the signal.
            busy: Whether messages are on their way right now, the last STATE perhaps among them.
        """
        self._signal = number
        last_resort = threading.Timer(GRACE, os._exit, [128 + number])
        last_resort.daemon = True
        last_resort.start()
        if not (self._later or busy):
            self.stop_if_told()

    def stop_if_told(self) -> None:
        """End the run if a signal came: called where no message is half written.

        Raises:
            SystemExit: A signal came; the code is 128 and its number, as shells have it.
        """
        if self._signal is not None:
            name = signal.Signals(self._signal).name
            logger.warning(
                "stopped by %s; every finished day is out, and the next run goes on from there",
                name,
            )
            raise SystemExit(128 + self._signal)
