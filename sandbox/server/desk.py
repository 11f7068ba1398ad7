"""The desk that every request comes to: note it, let things go wrong, answer it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING

from sandbox.answers import answers, asking
from sandbox.answers.damage import Setting, damaged, http_error
from sandbox.answers.delivery import Delivery
from sandbox.answers.faults import Bucket, Fault, FaultPlan, StormPlan
from sandbox.answers.paging import begins
from sandbox.server.requestlog import RequestLog

if TYPE_CHECKING:
    from collections.abc import Hashable

    from aiohttp import web

    from sandbox.account.account import Stream
    from sandbox.answers.answers import Answer
    from sandbox.answers.asking import Asked
    from sandbox.answers.faults import RateLimit, Storm
    from sandbox.wire.view import View

_NO_SUCH_PATH = answers.Answer(b"Not Found", status=404, content_type="text/plain")
_POST_ONLY = answers.Answer(
    b"Method Not Allowed",
    status=405,
    content_type="text/plain",
    headers={"Allow": "POST"},
)
_BUSY_SECONDS = 1
_SLOW_SECONDS = 5.0


class Desk:
    """Handles the requests of one sandbox.

    Attributes:
        view: of the account, replaced when its clock or quirks change.
        log: of all requests.
        faults: still to come, replaceable.
        latency: seconds before every answer.
        closing: set when the server stops, so that nothing waits any longer.
    """

    def __init__(
        self,
        view: View,
        *,
        latency: float = 0.0,
        rate_limit: RateLimit | None = None,
        max_concurrency: int | None = None,
        storm: Storm | None = None,
    ) -> None:
        """Open the desk."""
        self.view = view
        self.log = RequestLog()
        self.faults = FaultPlan(())
        self.latency = latency
        self.closing = asyncio.Event()
        self._bucket = Bucket(rate_limit) if rate_limit else None
        self._max_concurrency = max_concurrency
        self._storm = StormPlan(storm) if storm else None
        self._readings: Counter[Hashable] = Counter()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request, or fail to."""
        serial, in_flight = self.log.arrived(request.path, request.method, dict(request.headers))

        def done(status: int | None) -> None:
            self.log.note(serial, status=status)
            self.log.finished(serial)

        try:
            delivery = Delivery(request, done)
            stream = answers.PATHS.get(request.path)
            if stream is None:
                return await delivery.whole(_NO_SUCH_PATH)
            if request.method != "POST":
                self.log.note(serial, stream=stream)
                return await delivery.whole(_POST_ONLY)
            return await self._served(request, stream, delivery, (serial, in_flight))
        finally:
            self.log.finished(serial)

    async def _served(
        self,
        request: web.Request,
        stream: Stream,
        delivery: Delivery,
        arrival: tuple[int, int],
    ) -> web.StreamResponse:
        serial, in_flight = arrival
        view = self.view
        asked = asking.read(stream, await request.read())
        self.log.note(
            serial,
            stream=stream,
            body=asked.body,
            day=asked.first,
            last=asked.last,
            offset=asked.offset,
            limit=asked.limit,
        )
        refused = self._refused(in_flight)
        if refused:
            name, page, seconds = refused
            self.log.note(serial, fault=name, retry_after=seconds)
            return await delivery.whole(page)
        authorization = request.headers.get("Authorization", "")
        good = answers.answer(view, asked, authorization, self._reading(asked, view), serial)
        await self.pause(self.latency)
        fault = self._fault(asked, good.rows)
        if fault is None:
            self.log.note(serial, rows=good.rows)
            return await delivery.whole(good)
        setting = Setting(stream, view.quirks, view.account.auth_token)
        bad = damaged(good, fault, setting)
        wait = fault.retry_after if "Retry-After" in bad.headers else None
        self.log.note(serial, rows=bad.rows, fault=fault.action, retry_after=wait)
        return await self._failed(delivery, bad, fault)

    async def _failed(self, delivery: Delivery, bad: Answer, fault: Fault) -> web.StreamResponse:
        if fault.action == "reset":
            return await delivery.reset()
        if fault.action == "cut":
            return await delivery.cut(bad)
        if fault.action == "slow":
            return await delivery.slowly(bad, fault.seconds or _SLOW_SECONDS, self.pause)
        if fault.action == "hang":
            await self.pause(fault.seconds)
            if self.closing.is_set():
                return await delivery.reset()
        return await delivery.whole(bad)

    async def pause(self, seconds: float | None) -> None:
        """Wait, for ever if it is None, but never beyond the end of the server."""
        if seconds == 0:
            return
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.closing.wait(), seconds)

    def _refused(self, in_flight: int) -> tuple[str, Answer, int] | None:
        """The limit that a request breaks, the answer, and the seconds to wait."""
        if self._max_concurrency is not None and in_flight > self._max_concurrency:
            return "max_concurrency", http_error("503", _BUSY_SECONDS), _BUSY_SECONDS
        wait = self._bucket.wait() if self._bucket else 0
        return ("rate_limit", http_error("429", wait), wait) if wait else None

    def _fault(self, asked: Asked, rows: int | None) -> Fault | None:
        fault = self.faults.pick(asked.stream, asked.first, rows)
        if fault or self._storm is None:
            return fault
        return self._storm.pick(
            (asked.stream, asked.first, asked.last, asked.offset, asked.limit),
        )

    def _reading(self, asked: Asked, view: View) -> int:
        """How often a window has been asked from its beginning."""
        window = (asked.stream, asked.first, asked.last)
        self._readings[window] += begins(asked, view.quirks)
        return self._readings[window]
