"""What clients asked, in order of arrival, and how it ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping


@dataclass(frozen=True)
class Seen:
    """A request and its outcome.

    Attributes:
        stream: "tickets", "customers", or None for a path that is neither.
        path: as requested.
        method: as requested.
        body: the decoded JSON, or None.
        headers: as received, Authorization too.
        day: the first day asked for.
        last: the last day asked for, the first if none is named.
        offset: as asked, if it is a number.
        limit: as asked, if it is a number.
        started: `time.monotonic()` at arrival.
        finished: the same just before the last bytes left; None while it is open.
        status: HTTP status of the answer; None for none.
        rows: records in the answer.
        fault: the fault or limit that hit it.
        retry_after: seconds that it was told to wait.
        in_flight: requests being handled when it arrived, itself among them.
    """

    stream: str | None
    path: str
    method: str
    body: object
    headers: Mapping[str, str]
    day: dt.date | None
    last: dt.date | None
    offset: int | None
    limit: int | None
    started: float
    finished: float | None = None
    status: int | None = None
    rows: int | None = None
    fault: str | None = None
    retry_after: float | None = None
    in_flight: int = 1


class RequestLog:
    """Requests by arrival, and how many are being handled; safe to read from any thread."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = Lock()
        self._seen: dict[int, Seen] = {}
        self._open: set[int] = set()
        self._serial = 0
        self._peak = 0

    @property
    def seen(self) -> list[Seen]:
        """All requests since the last `clear`, by arrival."""
        with self._lock:
            return list(self._seen.values())

    @property
    def peak(self) -> int:
        """The most requests handled at once since the last `clear`."""
        return self._peak

    def clear(self) -> None:
        """Forget all requests; those still open count on as in flight."""
        with self._lock:
            self._seen.clear()
            self._peak = len(self._open)

    def arrived(self, path: str, method: str, headers: Mapping[str, str]) -> tuple[int, int]:
        """Note a request.

        Returns:
            Its serial number, and how many are in flight with it.
        """
        with self._lock:
            self._serial += 1
            serial = self._serial
            self._open.add(serial)
            in_flight = len(self._open)
            self._peak = max(self._peak, in_flight)
            self._seen[serial] = Seen(
                stream=None,
                path=path,
                method=method,
                body=None,
                headers=headers,
                day=None,
                last=None,
                offset=None,
                limit=None,
                started=time.monotonic(),
                in_flight=in_flight,
            )
            return serial, in_flight

    def note(self, serial: int, **details: object) -> None:
        """Add what has become known of a request."""
        with self._lock:
            if serial in self._seen:
                self._seen[serial] = replace(self._seen[serial], **details)  # type: ignore[arg-type]  # names and types are Seen's

    def finished(self, serial: int) -> None:
        """Note that a request is no longer being handled; only the first time counts."""
        with self._lock:
            if serial not in self._open:
                return
            self._open.discard(serial)
        self.note(serial, finished=time.monotonic())
