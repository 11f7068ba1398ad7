"""How an answer travels: whole, cut off, slowly, or not at all."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.answers.answers import Answer

_AT_ONCE = 64 * 1024
_DRIPS = 20
# Closing a socket that lingers for no time at all sends a reset instead of an end.
_NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Delivery:
    """Sends one answer; `done` is called just before the last bytes are handed over."""

    def __init__(self, request: web.Request, done: Callable[[int | None], None]) -> None:
        """Prepare to answer a request.

        Args:
            request: to answer.
            done: called with the HTTP status, or None when there is none.
        """
        self._request = request
        self._done = done

    async def whole(self, answer: Answer) -> web.StreamResponse:
        """Send everything."""
        response = await self._opened(answer)
        body = memoryview(answer.body)
        if len(body) > _AT_ONCE:
            await response.write(body[:-1])
            body = body[-1:]
        self._done(answer.status)
        await response.write_eof(bytes(body))
        return response

    async def slowly(
        self,
        answer: Answer,
        seconds: float,
        pause: Callable[[float | None], Awaitable[None]],
    ) -> web.StreamResponse:
        """Send everything, drip by drip."""
        response = await self._opened(answer)
        body = memoryview(answer.body)
        step = max(1, len(body) // _DRIPS)
        last = (len(body) - 1) // step * step
        for start in range(0, last, step):
            await response.write(body[start : start + step])
            await pause(seconds / _DRIPS)
        self._done(answer.status)
        await response.write_eof(bytes(body[last:]))
        return response

    async def cut(self, answer: Answer) -> web.StreamResponse:
        """Promise the whole body, send half of it and hang up."""
        response = await self._opened(answer)
        self._done(answer.status)
        await response.write(answer.body[: len(answer.body) // 2])
        self._hang_up(reset=False)
        return response

    async def reset(self) -> web.StreamResponse:
        """Send nothing and reset the connection."""
        self._done(None)
        self._hang_up(reset=True)
        await asyncio.sleep(0)
        return web.Response()

    async def _opened(self, answer: Answer) -> web.StreamResponse:
        headers = {"Content-Type": answer.content_type, **answer.headers}
        response = web.StreamResponse(status=answer.status, headers=headers)
        response.content_length = len(answer.body)
        await response.prepare(self._request)
        return response

    def _hang_up(self, *, reset: bool) -> None:
        transport = self._request.transport
        if not isinstance(transport, asyncio.Transport):
            return
        if not reset:
            transport.close()
            return
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
