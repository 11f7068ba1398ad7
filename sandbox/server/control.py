"""Endpoints by which another process reads the truth, moves the clock and deletes records."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Protocol

from aiohttp import web

from sandbox.account.account import STREAMS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from sandbox.account.columns import Row
    from sandbox.server.requestlog import Seen


class Controlled(Protocol):
    """What the endpoints need of a sandbox."""

    now: dt.datetime

    @property
    def today(self) -> dt.date:
        """The local day."""

    @property
    def requests(self) -> list[Seen]:
        """All requests by arrival."""

    def truth(self, stream: str, *, clean_text: bool = True) -> Mapping[object, Row]:
        """What a warehouse should hold."""

    def advance(self, days: float = 0, hours: float = 0) -> None:
        """Move the clock."""

    def delete(self, stream: str, key: object) -> None:
        """Take a record away."""

    def clear(self) -> None:
        """Forget the requests."""


class Control:
    """The endpoints under `/_sandbox/`; their requests are not among those noted."""

    def __init__(self, sandbox: Controlled) -> None:
        """Serve a sandbox."""
        self._sandbox = sandbox

    def routes(self) -> list[web.RouteDef]:
        """The routes to add to a server."""
        return [
            web.get("/_sandbox/truth", self._truth),
            web.get("/_sandbox/requests", self._requests),
            web.post("/_sandbox/advance", self._advance),
            web.post("/_sandbox/delete", self._delete),
            web.post("/_sandbox/clear", self._clear),
        ]

    async def _truth(self, request: web.Request) -> web.Response:
        stream = request.query.get("stream", "")
        if stream not in STREAMS:
            return _json({"error": f"stream is one of {', '.join(STREAMS)}"}, status=400)
        clean_text = request.query.get("clean_text", "true").lower() != "false"
        truth = self._sandbox.truth(stream, clean_text=clean_text)
        return _json({str(key): record for key, record in truth.items()})

    async def _requests(self, _: web.Request) -> web.Response:
        return _json([asdict(seen) for seen in self._sandbox.requests])

    async def _advance(self, request: web.Request) -> web.Response:
        try:
            steps = json.loads(await request.read() or b"{}")
            self._sandbox.advance(**{name: float(step) for name, step in steps.items()})
        except (AttributeError, TypeError, ValueError):
            return _json({"error": 'the body is such as {"days": 1, "hours": 2}'}, status=400)
        now, today = self._sandbox.now, self._sandbox.today
        return _json({"now": now.isoformat(), "today": today.isoformat()})

    async def _delete(self, request: web.Request) -> web.Response:
        try:
            record = json.loads(await request.read())
            self._sandbox.delete(record["stream"], record["key"])
        except (KeyError, TypeError, ValueError) as error:
            example = '{"stream": "tickets", "key": "123"}'
            return _json({"error": f"the body is such as {example}: {error}"}, status=400)
        return _json({})

    async def _clear(self, _: web.Request) -> web.Response:
        self._sandbox.clear()
        return _json({})


def _json(value: object, status: int = 200) -> web.Response:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return web.Response(text=text, status=status, content_type="application/json")
