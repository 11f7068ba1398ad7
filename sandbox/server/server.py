"""The HTTP server, in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
from threading import Thread
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    import ssl

    from sandbox.server.control import Control
    from sandbox.server.desk import Desk

_HOST = "127.0.0.1"
_BACKLOG = 256
_PATIENCE = 0.2  # seconds that a request still open gets when the server stops
_STOPPING = 10.0


class Server:
    """Listens on this machine only, from `start` to `stop`."""

    def __init__(self, desk: Desk, control: Control, port: int, tls: ssl.SSLContext | None) -> None:
        """Take the port.

        Args:
            desk: handles the service's requests.
            control: handles those to the sandbox itself.
            port: to listen on; 0 for any free one.
            tls: the server's certificate, or None to speak plain HTTP.

        Raises:
            OSError: the port is taken.
        """
        self._desk = desk
        self._tls = tls
        self._control = control
        self._socket = socket.create_server((_HOST, port), backlog=_BACKLOG)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._run, name="sandbox", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{_HOST}:{self._socket.getsockname()[1]}"

    def start(self) -> None:
        """Serve; connections made before are answered too."""
        self._thread.start()

    def stop(self) -> None:
        """Stop at once, whatever is still open."""
        self._loop.call_soon_threadsafe(self._desk.closing.set)
        self._thread.join(_STOPPING)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
            self._socket.close()

    async def _serve(self) -> None:
        app = web.Application()
        app.router.add_routes(self._control.routes())
        app.router.add_route("*", "/{path:.*}", self._desk.handle)
        runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=_PATIENCE,
        )
        await runner.setup()
        await web.SockSite(runner, self._socket, backlog=_BACKLOG, ssl_context=self._tls).start()
        await self._desk.closing.wait()
        await runner.cleanup()
