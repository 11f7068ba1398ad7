"""A few requests to one endpoint, and what they show; no more than are allowed."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from tap_kapture.advice.seen import Asked, Seen
from tap_kapture.day.reading import DayReader
from tap_kapture.day.tally import Page
from tap_kapture.dialect.contact import Contact
from tap_kapture.dialect.dialect import Dialect
from tap_kapture.dialect.doubts import Doubts
from tap_kapture.dialect.learned import Learned
from tap_kapture.errors import KaptureError, KaptureServerError, KaptureTransientError
from tap_kapture.plan.days import SETTLING_TIME
from tap_kapture.pull.memory import STATED
from tap_kapture.pull.opening import heads_of
from tap_kapture.shape.json import decode_any_record
from tap_kapture.wire.gate import Gate, instant_of
from tap_kapture.wire.sessions import timely_session
from tap_kapture.wire.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    import msgspec
    import requests

    from tap_kapture.settings.groups import Settings
    from tap_kapture.wire.answers import Answer
    from tap_kapture.wire.endpoints import Endpoint
    from tap_kapture.wire.request import Request

PATIENCE = 5
"""Seconds that a request may take; a person waits for it."""
PAUSE = 0.5
"""Seconds until a request that failed for a passing reason is sent once more."""
NEWEST = 7
"""Days that are looked at for records, the newest ones."""


class SpentError(Exception):
    """No further request is allowed."""


class Probe:
    """Asks one endpoint for its newest days."""

    def __init__(
        self, endpoint: Endpoint, settings: Settings, now: datetime, *, most_requests: int
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            endpoint: The endpoint.
            settings: The configuration; retries are few, and none is waited for long.
            now: The run's one reading of the clock.
            most_requests: Requests that may be sent, retries included.
        """
        patience = min(settings.pace.request_timeout, PATIENCE)
        pace = replace(settings.pace, max_retries=0, request_timeout=patience)
        self.seen = Seen(endpoint.stream)
        self._settings = settings
        self._most = most_requests
        today = now.astimezone(settings.account.zone).date()
        self._last = settings.window.last_day(today)
        self._unclosed = (now - SETTLING_TIME).astimezone(settings.account.zone).date()
        self._transport = Transport(endpoint, settings.account, pace, Gate(1))
        self._heads = heads_of(endpoint, settings)
        stated = STATED.get(settings.paging.stated_of(endpoint.stream))
        self._learned = Learned(
            endpoint.stream,
            stated or Dialect(),
            page_size=settings.paging.page_size,
            stated=stated is not None,
        )
        self._keys: set[str] = set()
        self._first_answers: dict[Request, Answer] = {}

    def touch(self) -> Seen:
        """Ask for the newest days until records come, and return what was seen."""
        return self._watched(self._contact)

    def examine(self) -> Seen:
        """Ask for the newest days, read the largest of them, and learn how the account pages."""
        return self._watched(self._examine)

    def _watched(self, look: Callable[[requests.Session], None]) -> Seen:
        try:
            with timely_session() as session:
                look(session)
        except SpentError:
            pass
        except KaptureError as error:
            self.seen.error = error
        self.seen.dialect = self._learned.dialect
        date_of_server = self._transport.server_date
        if date_of_server is not None:
            server, ours = date_of_server
            self.seen.skew = _skew(server, ours)
        return self.seen

    def _examine(self, session: requests.Session) -> None:
        self._contact(session)
        days = [day for day, rows in self.seen.rows.items() if rows]
        for day in sorted(days, key=lambda day: (day >= self._unclosed, -self._size(day))):
            self._read(session, day)
            size = self._size(day)
            if self._learned.dialect.confirmed or self._learned.stated or size < 3:  # noqa: PLR2004 - fewer teach nothing
                return
            # It came in one page, which does not show how pages turn: read it in smaller ones.
            self._learned.page_size = max(2, size // 3)
            self._read(session, day)
            self._learned.page_size = self._settings.paging.page_size
            return

    def _contact(self, session: requests.Session) -> None:
        first = self._settings.window.start_day
        days = [self._last - timedelta(days=age) for age in range(NEWEST)]
        days = [day for day in days if day >= first] or [first]
        closed = [day for day in days if day < self._unclosed]
        moving = frozenset(day for day in days if day >= self._unclosed)
        ordered = [*closed[:2], *sorted(moving, reverse=True), *closed[2:]]

        def ask(request: Request) -> Answer:
            return self._ask(session, request)

        contact = Contact(ask, self._heads, self._learned, moving)
        self._first_answers = contact.begin(ordered).answers
        for day in ordered:
            if self.seen.newest is not None:
                return
            usual = self._learned.dialect.first(self._settings.paging.page_size)
            ask(self._learned.dialect.request(day, *usual))

    def _read(self, session: requests.Session, day: date) -> None:
        doubts = Doubts(self.seen.stream, self._learned)
        reader = DayReader(
            self.seen.stream,
            self._heads,
            doubts,
            verify_last_page=self._settings.paging.verify_last_page,
            whole_day=self._settings.paging.stated_of(self.seen.stream) == "whole_day",
        )
        moves = day >= self._unclosed
        for item in reader.read(day, lambda request: self._ask(session, request), moves=moves):
            if not isinstance(item, Page):
                self.seen.fully_read[day] = item.records
                self.seen.doubt = item.doubt

    def _ask(self, session: requests.Session, request: Request) -> Answer:
        if known := self._first_answers.pop(request, None):
            return known
        try:
            answer = self._ask_once(session, request)
        except (KaptureServerError, KaptureTransientError):
            time.sleep(PAUSE)
            answer = self._ask_once(session, request)
        try:
            self._keep(request.day, answer.rows)
        except KaptureError as error:
            raise error.at(self.seen.stream, request.day, request.offset or 0) from None
        return answer

    def _ask_once(self, session: requests.Session, request: Request) -> Answer:
        if len(self.seen.asked) >= self._most:
            raise SpentError
        began = time.monotonic()
        rows = None
        try:
            answer = self._transport.ask(session, request)
            rows = len(answer.rows)
        finally:
            self.seen.asked.append(Asked(request, rows, time.monotonic() - began))
        return answer

    def _keep(self, day: date, rows: list[msgspec.Raw]) -> None:
        kept = self.seen.rows.setdefault(day, [])
        for row in rows:
            key, _ = self._heads.of(row)
            if key not in self._keys:
                self._keys.add(key)
                kept.append(decode_any_record(row))

    def _size(self, day: date) -> int:
        return max(self.seen.fully_read.get(day, 0), len(self.seen.rows[day]))


def _skew(server: str, ours: datetime) -> timedelta | None:
    """Return the server's clock minus ours; its header has whole seconds."""
    theirs = instant_of(server)
    return None if theirs is None else theirs - ours
