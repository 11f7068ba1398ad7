"""HTTP sessions whose answers are whole within the timeout, or count as none.

A socket's timeout bounds the wait for each piece, so an answer that drips would last for ever. Here
it bounds the wait for all of them together: status line, headers and body.

Nor does anything of an answer reach the log: urllib3 would quote the headers that it cannot read.
"""

from __future__ import annotations

import time
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    import socket

    from typing_extensions import Buffer


def timely_session() -> requests.Session:
    """Return a session for one worker."""
    session = requests.Session()
    session.mount("https://", _TimelyAdapter())
    session.mount("http://", _TimelyAdapter())
    return session


class _TimelyAdapter(HTTPAdapter):
    """Lets connections read their answers as :class:`_TimelyResponse`."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as requests has it
        """Return the pool of connections for a request."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        kind = pool.ConnectionCls
        if kind.response_class is not _TimelyResponse:
            pool.ConnectionCls = type(kind.__name__, (kind,), {"response_class": _TimelyResponse})
        return pool


class _TimelyResponse(HTTPResponse):
    """Reads an answer until its deadline, which begins when the request is sent."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as the base has it
        """Take the time that the socket gives to a piece as the time for all of them."""
        super().__init__(sock, *args, **kwargs)
        self.fp = BufferedReader(_Pieces(sock, self.fp.detach()))

    def begin(self) -> None:
        """Read status line and headers, and drop what is none: urllib3 logs whatever is left."""
        super().begin()
        self.msg.defects.clear()
        self.msg.set_payload("")


class _Pieces(RawIOBase):
    """What comes through a socket, until a deadline."""

    def __init__(self, sock: socket.socket, raw: RawIOBase) -> None:
        """Set the deadline.

        Args:
            sock: The socket; its timeout is the time until the deadline.
            raw: Reads from it.
        """
        self._sock = sock
        self._raw = raw
        timeout = sock.gettimeout()
        self._deadline = None if timeout is None else time.monotonic() + timeout

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Buffer, /) -> int | None:
        """Read what is there, or wait for it for as long as there is time left.

        Raises:
            TimeoutError: There is none.
        """
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def fileno(self) -> int:
        """Return the socket's file descriptor."""
        return self._raw.fileno()

    def close(self) -> None:
        """Give the socket back."""
        self._raw.close()
        super().close()
