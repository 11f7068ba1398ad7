"""A try is bounded in time, its failure is named, and the next one is never sent too soon."""

from __future__ import annotations

import datetime as dt
import logging
import socket
import threading
from dataclasses import replace
from email.utils import format_datetime
from typing import TYPE_CHECKING

import backoff
import pytest

from tap_kapture.errors import KaptureServerError, KaptureTransientError
from tap_kapture.settings.checked import parse
from tap_kapture.settings.table import TABLE
from tap_kapture.wire.answers import Answer
from tap_kapture.wire.endpoints import TICKETS_ENDPOINT
from tap_kapture.wire.gate import Gate
from tap_kapture.wire.request import Request
from tap_kapture.wire.sessions import timely_session
from tap_kapture.wire.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_kapture.settings.groups import Settings

    Play = Callable[[socket.socket], None]

DAY = dt.date(2024, 3, 15)
PAGE = Request(DAY, DAY, 500, 0)
PATIENCE = 20.0
"""Seconds that anything that should happen soon may take on a busy machine."""
BODY = b'{"status":"success","message":[{"ticketId":"1"}]}'
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKS = b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n"


class Server:
    """Plays one thing after another to those who connect, the last one for ever.

    Attributes:
        requests: How many came.
    """

    def __init__(self) -> None:
        """Listen."""
        self.requests = 0
        self.plays: list[Play] = []
        self.over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop."""
        self.over.set()
        with socket.create_connection(self._listening.getsockname()):
            pass
        self._thread.join(PATIENCE)
        self._listening.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            with connection:
                if self.over.is_set():
                    return
                try:
                    while self._heard(connection):
                        self.requests += 1
                        number = min(self.requests, len(self.plays)) - 1
                        self.plays[number](connection)
                except OSError:
                    continue  # whom it plays to has left

    @staticmethod
    def _heard(connection: socket.socket) -> bool:
        """Wait for a request, whose body is an array; say whether one came."""
        heard = b""
        while not heard.endswith(b"}]"):
            piece = connection.recv(65536)
            if not piece:
                return False
            heard += piece
        return True

    def says(self, *pieces: bytes) -> Play:
        """Send pieces, and be silent until the client leaves."""

        def play(connection: socket.socket) -> None:
            for piece in pieces:
                connection.sendall(piece)

        return play

    def drips(self, start: bytes, rest: bytes, pause: float) -> Play:
        """Send a start, and then one byte after each pause."""

        def play(connection: socket.socket) -> None:
            connection.sendall(start)
            for number in range(len(rest)):
                if self.over.wait(pause):
                    return
                connection.sendall(rest[number : number + 1])

        return play

    def hangs_up(self, start: bytes) -> Play:
        """Send a start, and close the connection."""

        def play(connection: socket.socket) -> None:
            connection.sendall(start)
            connection.shutdown(socket.SHUT_RDWR)

        return play


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that does as it is told."""
    server = Server()
    yield server
    server.stop()


class Pauses(Gate):
    """A gate that notes what it is asked for, and lets everybody through."""

    def __init__(self) -> None:
        """Begin without."""
        super().__init__(1)
        self.asked: list[float] = []

    def pause(self, seconds: float, pauses_before: int) -> None:
        """Note a pause."""
        self.asked.append(seconds)
        super().pause(0, pauses_before)

    def wait(self, seconds: float) -> None:
        """Note a wait."""
        self.asked.append(seconds)


def settings_of(config: dict[str, object]) -> Settings:
    """Return settings, all others as they are by default."""
    defaults = {setting.name: setting.default for setting in TABLE}
    return parse({**defaults, **config})


def transport_to(
    server: Server, *, gate: Gate | None = None, timeout: float = PATIENCE, max_retries: int = 0
) -> Transport:
    """Return a transport that asks a server."""
    config = {
        "api_url": server.url,
        "auth_token": "a-token",
        "start_date": "2024-04-19",
        "request_timeout": 120,
        "max_retries": max_retries,
    }
    settings = settings_of(config)
    pace = replace(settings.pace, request_timeout=timeout)  # type: ignore[arg-type] # faster than any setting
    return Transport(TICKETS_ENDPOINT, settings.account, pace, gate or Pauses())


# How long an answer may take


def failure_of(server: Server, timeout: float) -> str:
    """Ask once, in vain; return why, without where."""
    with timely_session() as session, pytest.raises(KaptureTransientError) as caught:
        transport_to(server, timeout=timeout).ask(session, PAGE)
    return caught.value.message.partition(", and so it stayed")[0]


@pytest.mark.parametrize(
    ("start", "rest"),
    [
        pytest.param(b"", LENGTH + BODY, id="from_the_first_byte"),
        pytest.param(LENGTH[:30], LENGTH[30:] + BODY, id="in_the_headers"),
        pytest.param(LENGTH, BODY, id="in_a_body_of_known_length"),
        pytest.param(CHUNKED, CHUNKS, id="in_a_body_in_chunks"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", BODY, id="in_a_body_until_the_end"),
    ],
)
def test_an_answer_that_drips_is_no_answer(server: Server, start: bytes, rest: bytes) -> None:
    server.plays = [server.drips(start, rest, 0.05)]  # whole after more than two seconds
    assert failure_of(server, 0.5) == "no answer within request_timeout"


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"", id="at_once"),
        pytest.param(LENGTH[:30], id="in_the_headers"),
        pytest.param(LENGTH + BODY[:-1], id="in_a_body_of_known_length"),
        pytest.param(CHUNKED + CHUNKS[:-3], id="in_a_body_in_chunks"),
    ],
)
def test_an_answer_that_stalls_is_no_answer(server: Server, start: bytes) -> None:
    server.plays = [server.drips(start, b"x", PATIENCE)]
    assert failure_of(server, 0.5) == "no answer within request_timeout"


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(LENGTH, id="before_a_body_of_known_length"),
        pytest.param(LENGTH + BODY[:-1], id="in_a_body_of_known_length"),
        pytest.param(CHUNKED + CHUNKS[:10], id="in_a_chunk"),
        pytest.param(CHUNKED + CHUNKS[:-5], id="before_the_last_chunk"),
    ],
)
def test_an_answer_that_is_cut_broke_off(server: Server, start: bytes) -> None:
    server.plays = [server.hangs_up(start)]
    assert failure_of(server, PATIENCE) == "the answer broke off"


@pytest.mark.parametrize(
    "answer",
    [LENGTH + BODY, CHUNKED + CHUNKS, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY],
)
def test_a_whole_answer_is_read_in_each_form(server: Server, answer: bytes) -> None:
    close = server.hangs_up if b"close" in answer else server.says
    server.plays = [close(answer)]
    transport = transport_to(server)
    with timely_session() as session:
        for count in (1, 2, 3):
            got = transport.ask(session, PAGE)
            assert isinstance(got, Answer)
            assert [bytes(row) for row in got.rows] == [b'{"ticketId":"1"}']
            assert server.requests == count


# What the log may show of an answer


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(b"X Customer: Asha Rao 9876543210\r\nSet-Cookie: J=Asha", id="no_name"),
        pytest.param(b"Asha Rao 9876543210", id="no_colon"),
        pytest.param(b"Content-Type: multipart/x; boundary=Asha\r\n: Asha Rao", id="multipart"),
        pytest.param(b"X-Customer: Asha Rao\x859876543210\r\nSet-Cookie: J=Asha", id="odd_end"),
    ],
)
def test_no_logger_tells_of_headers_that_cannot_be_read(
    server: Server, lines: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    start = LENGTH.removesuffix(b"\r\n")
    server.plays = [server.says(start + lines + b"\r\n\r\n" + BODY)]
    with timely_session() as session:
        got = transport_to(server).ask(session, PAGE)
    assert [bytes(row) for row in got.rows] == [b'{"ticketId":"1"}']
    assert "POST" in caplog.text, "urllib3 was heard"
    assert [word for word in ("Asha", "98765") if word in caplog.text] == []


# What a failure that lasts is worth


@pytest.mark.parametrize("status", ["500 Internal Server Error", "502 Bad Gateway"])
def test_a_server_that_fails_in_every_try_is_a_matter_of_the_day(
    server: Server, status: str
) -> None:
    server.plays = [server.says(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())]
    with timely_session() as session, pytest.raises(KaptureServerError) as caught:
        transport_to(server, max_retries=2).ask(session, PAGE)
    assert caught.value.stops_only_its_day
    assert str(caught.value).startswith("tickets, day 2024-03-15, offset 0: ")
    assert "for 3 tries" in caught.value.message
    assert server.requests == 3


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_a_server_that_has_enough_stops_the_run(server: Server, status: str) -> None:
    server.plays = [server.says(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())]
    with timely_session() as session, pytest.raises(KaptureTransientError) as caught:
        transport_to(server, max_retries=1).ask(session, PAGE)
    assert not caught.value.stops_only_its_day


def test_no_answer_in_any_try_stops_the_run(server: Server) -> None:
    server.plays = [server.hangs_up(LENGTH)]
    with timely_session() as session, pytest.raises(KaptureTransientError) as caught:
        transport_to(server, max_retries=1).ask(session, PAGE)
    assert not caught.value.stops_only_its_day
    assert "max_retries" in caught.value.message


def test_a_request_without_an_offset_fails_at_offset_0(server: Server) -> None:
    server.plays = [server.hangs_up(LENGTH)]
    with timely_session() as session, pytest.raises(KaptureTransientError) as caught:
        transport_to(server).ask(session, Request(DAY, DAY, 500, None))
    assert str(caught.value).startswith("tickets, day 2024-03-15, offset 0: ")


# How long to wait for the next try


@pytest.fixture
def longest_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each random wait be as long as it may be."""
    monkeypatch.setattr(backoff, "full_jitter", lambda bound: bound)


def refused(*headers: str) -> bytes:
    """Return the answer of a server that has enough."""
    lines = ["HTTP/1.1 429 Too Many Requests", "Content-Length: 0", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def date(ahead: float, *, clock: float = 0) -> str:
    """Return a date of HTTP.

    Args:
        ahead: Seconds from now.
        clock: Seconds by which the server's clock is ahead.
    """
    at = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=ahead + clock)
    return format_datetime(at, usegmt=True)


@pytest.mark.usefixtures("longest_jitter")
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="nothing"),
        pytest.param(["Retry-After: 0"], id="0"),
        pytest.param(["Retry-After: 0.5"], id="less"),
        pytest.param([f"Retry-After: {date(-3600)}"], id="past"),
        pytest.param(
            [f"Retry-After: {date(0, clock=3600)}", f"Date: {date(0, clock=3600)}"], id="at_once"
        ),
    ],
)
def test_a_server_that_asks_for_no_pause_is_given_one(server: Server, headers: list[str]) -> None:
    server.plays = [*[server.says(refused(*headers))] * 4, server.says(LENGTH + BODY)]
    gate = Pauses()
    with timely_session() as session:
        transport_to(server, gate=gate, max_retries=4).ask(session, PAGE)
    assert gate.asked == [1, 2, 4, 8]
    assert server.requests == 5


@pytest.mark.usefixtures("longest_jitter")
def test_a_pause_that_is_asked_for_is_not_shortened(server: Server) -> None:
    server.plays = [*[server.says(refused("Retry-After: 3"))] * 3, server.says(LENGTH + BODY)]
    gate = Pauses()
    with timely_session() as session:
        transport = transport_to(server, gate=gate, max_retries=3)
        transport.ask(session, PAGE)
    assert gate.asked == [3, 3, 4]
    assert transport.traffic.waited == 10


@pytest.mark.usefixtures("longest_jitter")
@pytest.mark.parametrize("clock", [-86_400, -600, 600])
def test_a_date_to_wait_for_is_read_by_the_clock_of_the_server(
    server: Server, clock: float
) -> None:
    asked = refused(f"Retry-After: {date(30, clock=clock)}", f"Date: {date(0, clock=clock)}")
    server.plays = [server.says(asked), server.says(LENGTH + BODY)]
    gate = Pauses()
    with timely_session() as session:
        transport_to(server, gate=gate, max_retries=1).ask(session, PAGE)
    (pause,) = gate.asked
    assert 29 <= pause <= 31  # dates of HTTP have no fractions
