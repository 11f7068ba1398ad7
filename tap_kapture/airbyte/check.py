"""Whether an account can be read with a configuration: one page of each stream, soon."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_kapture.airbyte.config import settings_of
from tap_kapture.airbyte.messages import ConnectionStatusBody
from tap_kapture.dialect.contact import Contact
from tap_kapture.dialect.learned import Learned
from tap_kapture.errors import KaptureError, KaptureTransientError
from tap_kapture.plan.bookmarks import ONE_DAY
from tap_kapture.pull.memory import Memory
from tap_kapture.pull.opening import heads_of
from tap_kapture.pull.workers import aside
from tap_kapture.wire.endpoints import CUSTOMERS_ENDPOINT, TICKETS_ENDPOINT
from tap_kapture.wire.gate import Gate
from tap_kapture.wire.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    import requests

    from tap_kapture.settings.groups import Settings
    from tap_kapture.wire.endpoints import Endpoint

PATIENCE = 10
"""Seconds until an answer must be there, a retry included."""


def check(config: str, *, now: datetime) -> ConnectionStatusBody:
    """Ask for a page of each endpoint that the settings suffice for.

    Args:
        config: Path of the configuration.
        now: The reading of the clock.

    Returns:
        Whether all of them answer, and else the text with which a run would fail.
    """
    try:
        settings = settings_of(config)
        for endpoint in (CUSTOMERS_ENDPOINT, TICKETS_ENDPOINT):
            if settings.account.offers(endpoint.stream):
                settings.account.require(endpoint.stream)
                _probe(endpoint, settings, now=now)
    except KaptureError as error:
        return ConnectionStatusBody("FAILED", str(error))
    return ConnectionStatusBody("SUCCEEDED")


def _probe(endpoint: Endpoint, settings: Settings, *, now: datetime) -> None:
    """Ask for the newest day that is over, or the one behind it, as a run would begin.

    Args:
        endpoint: What to ask.
        settings: The configuration; there is one retry, however many it allows.
        now: The reading of the clock.

    Raises:
        KaptureError: Why no day can be asked for.
    """
    patience = min(settings.pace.request_timeout, PATIENCE)
    pace = replace(settings.pace, max_retries=1, request_timeout=patience)
    today = now.astimezone(settings.account.zone).date()
    last = settings.window.last_day(today)
    stream = endpoint.stream
    memory = Memory(None, settings, stream, today)
    learned = Learned(
        stream, memory.dialect(), page_size=settings.paging.page_size, stated=memory.stated
    )
    gate = Gate(1)
    transport = Transport(endpoint, settings.account, pace, gate)

    def ask(session: requests.Session) -> None:
        heads = heads_of(endpoint, settings)
        _first_of(Contact(lambda request: transport.ask(session, request), heads, learned), days)

    days = [last - ONE_DAY, last]
    until = time.monotonic() + PATIENCE
    try:
        for _ in aside(ask):
            if time.monotonic() > until:
                msg = (
                    f"{stream}: no usable answer within {PATIENCE} s. Check 'subdomain' or "
                    "'api_url', or try again later; a run waits longer, see 'request_timeout' and "
                    "'max_retries'"
                )
                raise KaptureTransientError(msg)
    finally:
        gate.stop()


def _first_of(contact: Contact, days: Sequence[date]) -> None:
    """Ask for one day after another, until one is answered.

    Raises:
        KaptureError: None is, and why the first one is not.
    """
    failures = []
    for day in days:
        failure = _failure(contact, day)
        if failure is None:
            return
        failures.append(failure)
    raise failures[0]


def _failure(contact: Contact, day: date) -> KaptureError | None:
    """Return why a day cannot be asked for, or None if it can.

    Raises:
        KaptureError: No other day could be either.
    """
    try:
        contact.first_answer(contact.usual(day))
    except KaptureError as error:
        if not error.stops_only_its_day:
            raise
        return error
    return None
