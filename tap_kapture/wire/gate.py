"""The gate that all workers pass before a request: how many are in flight, and when to pause."""

from __future__ import annotations

import re
import threading
import time
from contextlib import contextmanager
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CLEAN_ANSWERS_TO_RECOVER = 20
"""Clean answers after which one more request may be in flight again."""

MAX_RETRY_AFTER = 600.0
"""The longest pause that a server may ask for, in seconds."""


class StoppedError(Exception):
    """The run ends: no further request is to be sent."""


class Gate:
    """Bounds the requests in flight and holds all of them back while the server asks for a pause.

    A 429 or 503 closes the gate and halves the number in flight; each 20 clean answers add one
    back.
    """

    def __init__(self, concurrency: int) -> None:
        """Open the gate.

        Args:
            concurrency: Requests in flight at most.
        """
        self._concurrency = concurrency
        self._allowed = concurrency
        self._in_flight = 0
        self._clean = 0
        self._pauses = 0
        self._closed_until = 0.0
        self._stopped = False
        self._changed = threading.Condition()

    @contextmanager
    def slot(self) -> Iterator[int]:
        """Wait for the gate, and hold one of the slots in flight while the request runs.

        Yields:
            The number of pauses before the request, for :meth:`pause`.

        Raises:
            StoppedError: The run ends.
        """
        with self._changed:
            while not self._stopped:
                closed_for = self._closed_until - time.monotonic()
                if closed_for <= 0 and self._in_flight < self._allowed:
                    break
                self._changed.wait(closed_for if closed_for > 0 else None)
            if self._stopped:
                raise StoppedError
            self._in_flight += 1
            pauses = self._pauses
        try:
            yield pauses
        finally:
            with self._changed:
                self._in_flight -= 1
                self._changed.notify_all()

    def pause(self, seconds: float, pauses_before: int) -> None:
        """Hold every request back, and let half as many into flight afterwards.

        Answers to requests that were in flight together are one event: they halve once.

        Args:
            seconds: How long.
            pauses_before: What :meth:`slot` gave to the request that was refused.
        """
        with self._changed:
            self._closed_until = max(self._closed_until, time.monotonic() + seconds)
            self._clean = 0
            if pauses_before == self._pauses:
                self._pauses += 1
                self._allowed = max(1, self._allowed // 2)
            self._changed.notify_all()

    def clean_answer(self) -> None:
        """Count an answer that was no failure, towards the recovery of the pace."""
        with self._changed:
            self._clean += 1
            if self._clean >= CLEAN_ANSWERS_TO_RECOVER and self._allowed < self._concurrency:
                self._clean = 0
                self._allowed += 1
                self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Let one worker wait, without holding the others back.

        Raises:
            StoppedError: The run ends.
        """
        until = time.monotonic() + seconds
        with self._changed:
            while not self._stopped and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)
            if self._stopped:
                raise StoppedError

    def stop(self) -> None:
        """Send everyone home: whoever waits here, or comes here, gets :class:`StoppedError`."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


def asked_pause(headers: Mapping[str, str]) -> float | None:
    """Return the pause that a server asks for by ``Retry-After``, in either of its two forms.

    Args:
        headers: Of the answer, by name in lower case; ``Date`` tells the server's time.

    Returns:
        Seconds, or None if it asks for none that can be understood.
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]+)?", text):
        return min(float(text), MAX_RETRY_AFTER)
    until = instant_of(text)
    if until is None:
        return None
    # By the server's own clock: this machine's may be minutes away from it.
    now = instant_of(headers.get("date", "")) or datetime.now(timezone.utc)
    return min(max((until - now).total_seconds(), 0.0), MAX_RETRY_AFTER)


def instant_of(text: str) -> datetime | None:
    """Return the instant that a header names, in UTC where it says no zone; None if unreadable."""
    try:
        instant = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):  # the last for an absurd zone
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=timezone.utc)
