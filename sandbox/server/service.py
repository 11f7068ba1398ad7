"""The sandbox as its users see it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

from sandbox.account.account import STREAMS, Account, Stream
from sandbox.answers.faults import Fault, FaultPlan
from sandbox.quirks import Quirks
from sandbox.server.control import Control
from sandbox.server.desk import Desk
from sandbox.server.server import Server
from sandbox.wire.personal import texts_of
from sandbox.wire.view import View

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable
    from types import TracebackType

    from typing_extensions import Self

    from sandbox.account.columns import Row
    from sandbox.answers.faults import RateLimit, Storm
    from sandbox.server.requestlog import Seen


class Sandbox:
    """A fake Kapture account that answers HTTP while the `with` block lasts."""

    def __init__(  # noqa: PLR0913 - each is a thing of its own that an account does
        self,
        account: Account | None = None,
        *,
        quirks: Quirks | None = None,
        faults: Iterable[Fault] = (),
        latency: float = 0.0,
        rate_limit: RateLimit | None = None,
        max_concurrency: int | None = None,
        storm: Storm | None = None,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Set up an account; nothing is served yet.

        Args:
            account: what it holds, and since when.
            quirks: how it answers.
            faults: what goes wrong.
            latency: seconds before each answer.
            rate_limit: requests beyond it are answered 429.
            max_concurrency: requests in flight beyond it are answered 503.
            storm: random faults besides.
            port: to listen on; 0 for any free one.
            tls: the server's certificate, to speak https.
        """
        self.account = account or Account()
        self._desk = Desk(
            View(self.account, self.account.now, quirks or Quirks()),
            latency=latency,
            rate_limit=rate_limit,
            max_concurrency=max_concurrency,
            storm=storm,
        )
        self._desk.faults = FaultPlan(faults)
        self._changing = Lock()
        self._port = port
        self._tls = tls
        self._server: Server | None = None
        self._url = ""

    def __enter__(self) -> Self:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        self._server = Server(self._desk, Control(self), self._port, self._tls)
        self._url = self._server.url
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening; requests still open are reset."""
        if self._server:
            self._server.stop()

    @property
    def url(self) -> str:
        """The base URL of the service."""
        return self._url

    def config(self, **overrides: object) -> dict[str, object]:
        """Settings with which a tap pulls this account."""
        return {
            "api_url": self.url,
            "auth_token": self.account.auth_token,
            "cm_id": self.account.cm_id,
            "timezone": self.account.timezone,
            "start_date": self.account.first_day.isoformat(),
            **overrides,
        }

    @property
    def now(self) -> dt.datetime:
        """Where the account's clock stands; it moves only when told."""
        return self._desk.view.now

    @now.setter
    def now(self, instant: dt.datetime) -> None:
        # replace() runs the account's own check of the instant.
        account = replace(self.account, now=instant)
        with self._changing:
            self._desk.view = self._desk.view.but(now=account.now)

    def advance(self, days: float = 0, hours: float = 0) -> None:
        """Move the clock on."""
        self.now += dt.timedelta(days=days, hours=hours)

    @property
    def today(self) -> dt.date:
        """The account's local day."""
        return self._desk.view.today

    @property
    def quirks(self) -> Quirks:
        """How the account answers."""
        return self._desk.view.quirks

    @quirks.setter
    def quirks(self, quirks: Quirks) -> None:
        with self._changing:
            self._desk.view = self._desk.view.but(quirks=quirks)

    def delete(self, stream: str, key: object) -> None:
        """Take a record away: answers and truth are without it from now on.

        Args:
            stream: the record's stream.
            key: its primary key, as a number or as text.

        Raises:
            ValueError: there is no such stream, or no such record now.
        """
        known, text = _known(stream), str(key)
        with self._changing:
            view = self._desk.view
            if not view.holds(known, text):
                message = f"{stream} has no record {text!r} now"
                raise ValueError(message)
            self._desk.view = view.but(gone=view.gone | {(known, text)})

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What goes wrong; assigning arms all of them anew."""
        return self._desk.faults.faults

    @faults.setter
    def faults(self, faults: Iterable[Fault]) -> None:
        self._desk.faults = FaultPlan(faults)

    def truth(self, stream: str, *, clean_text: bool = True) -> dict[object, Row]:
        """What a warehouse should hold of all records visible now: primary key -> record."""
        records: dict[object, Row] = {}
        for day in self._desk.view.days():
            records |= self.truth_of_day(stream, day, clean_text=clean_text)
        return records

    def truth_of_day(
        self,
        stream: str,
        day: dt.date,
        *,
        clean_text: bool = True,
    ) -> dict[object, Row]:
        """The same for the records created on one local day."""
        return self._desk.view.truth_of_day(_known(stream), day, clean_text=clean_text)

    def personal_texts(self) -> set[str]:
        """Names, addresses, numbers, messages of 5 characters or more, as meant and as sent."""
        view = self._desk.view
        rows = (row for stream in STREAMS for day in view.days() for row in view.rows(stream, day))
        return texts_of(rows)

    @property
    def requests(self) -> list[Seen]:
        """All requests since the last `clear`, by arrival."""
        return self._desk.log.seen

    @property
    def peak_in_flight(self) -> int:
        """The most requests being handled at once since the last `clear`."""
        return self._desk.log.peak

    def clear(self) -> None:
        """Forget the requests."""
        self._desk.log.clear()


def _known(stream: str) -> Stream:
    if stream not in STREAMS:
        message = f"there is no stream {stream!r}; there are {', '.join(STREAMS)}"
        raise ValueError(message)
    return stream
