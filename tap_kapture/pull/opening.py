"""The first requests of a stream, and those behind a load in which nothing came."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING

from tap_kapture.dialect.contact import Contact
from tap_kapture.dialect.layout import Seen
from tap_kapture.errors import KaptureError
from tap_kapture.pull.workers import aside
from tap_kapture.shape.heads import Heads
from tap_kapture.shape.odd_records import OddShaper

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from datetime import date

    import requests

    from tap_kapture.dialect.learned import Learned
    from tap_kapture.dialect.witness import Witness
    from tap_kapture.plan.days import Horizon
    from tap_kapture.plan.planned import PlannedDay
    from tap_kapture.pull.events import Idle
    from tap_kapture.pull.keeping import Keeper
    from tap_kapture.pull.memory import Memory
    from tap_kapture.settings.groups import Settings
    from tap_kapture.wire.answers import Answer
    from tap_kapture.wire.endpoints import Endpoint
    from tap_kapture.wire.request import Request
    from tap_kapture.wire.transport import Transport

logger = logging.getLogger("tap-kapture")


class Opening:
    """Finds out how an account is to be asked, as far as that is not known.

    Attributes:
        answers: What came for usual requests, to be used once more.
        contradicted: Whether nothing came for the newest days, nor for one that held records in an
            earlier run.
        asked_at: When the first of them was asked for.
    """

    def __init__(  # noqa: PLR0913 - each is one collaborator
        self,
        endpoint: Endpoint,
        settings: Settings,
        horizon: Horizon,
        transport: Transport,
        learned: Learned,
        *,
        memory: Memory,
    ) -> None:
        """Keep the collaborators.

        Args:
            endpoint: What is asked.
            settings: The configuration.
            horizon: The days of the run.
            transport: Asks for rows.
            learned: What is known of the account.
            memory: What the state remembers of that.
        """
        self.answers: dict[Request, Answer] = {}
        self.asked_at = datetime.now(timezone.utc)
        self._stream = endpoint.stream
        self._token_setting = settings.account.token_setting(endpoint.stream)
        self._heads = heads_of(endpoint, settings)
        self._horizon = horizon
        self._transport = transport
        self._learned = learned
        self._known = memory.knows and learned.dialect.confirmed
        self._witness = memory.witness
        self.contradicted = False

    def first_contact(self, days: Sequence[PlannedDay]) -> Generator[Idle, None, bool]:
        """Ask for the newest days to learn how the account pages.

        Args:
            days: The days to pull.

        Yields:
            Idle, while nothing comes.

        Returns:
            Whether records came.
        """
        newest = _newest_first(days, self._horizon)
        if not newest:
            return False
        witness = self._witness
        if self._known and not witness:
            return False
        if self._known and witness and (yield from aside(partial(self._stands, witness))):
            return False
        if witness is not None:
            newest = [witness.day, *(day for day in newest if day != witness.day)]
            self._learned.forget()
        contact = yield from aside(lambda session: self._contact(session, newest).begin(newest))
        self.contradicted = witness is not None and not contact.found
        return contact.found

    def _stands(self, witness: Witness, session: requests.Session) -> bool:
        """Whether a day's first answer still is what it was; it is used once more."""
        dialect = self._learned.dialect
        limit, offset = dialect.first(self._learned.page_size)
        request = dialect.request(witness.day, limit, offset)
        try:
            answer = self._transport.ask(session, request)
            keys = self._heads.keys_of(answer.rows)
        except KaptureError as error:
            if not error.stops_only_its_day:
                raise
            return False
        self.answers[request] = answer
        self._learned.saw(len(keys))
        stands = witness.stands(Seen(limit, offset, keys), dialect)
        if not stands:
            logger.info(
                "%s: the answer for day %s is not what it was, so how the account pages is learned "
                "anew",
                self._stream,
                witness.day,
            )
        return stands

    def search(self, days: Sequence[PlannedDay], keeper: Keeper) -> Generator[Idle, None, bool]:
        """Look for records in other ways, behind a load in which none came.

        Args:
            days: The days that were pulled.
            keeper: Knows what came in earlier runs.

        Yields:
            Idle, while nothing comes.

        Returns:
            Whether records came.
        """
        newest = sorted((day.day for day in days), reverse=True)
        contact = yield from aside(lambda session: self._contact(session, newest).search(newest))
        if not contact.found and (keeper.held_records or self.contradicted):
            self._learned.nothing_came = True
        elif not contact.found and keeper.begins:
            logger.warning(
                "%s: nothing came at all from %s to %s, nor in other ways of asking. If the "
                "account has %s there, check 'cm_id', 'start_date', and whether '%s' holds the "
                "token of this API",
                self._stream,
                self._horizon.start,
                self._horizon.last,
                self._stream,
                self._token_setting,
            )
        return contact.found

    def _contact(self, session: requests.Session, days: Sequence[date]) -> Contact:
        moving = frozenset(day for day in days if not self._horizon.closed(day))
        ask = partial(self._transport.ask, session)
        return Contact(ask, self._heads, self._learned, moving, self.answers)


class Asker:
    """Asks for one day in a worker, and counts.

    Attributes:
        requests: Requests so far, without retries.
        read_at: When the first one was sent.
    """

    def __init__(self, session: requests.Session, transport: Transport, opening: Opening) -> None:
        """Begin.

        Args:
            session: The worker's own HTTP session.
            transport: Asks.
            opening: Holds answers that came already.
        """
        self.requests = 0
        self.read_at = datetime.now(timezone.utc)
        self._session = session
        self._transport = transport
        self._opening = opening

    def ask(self, request: Request) -> Answer:
        """Return the answer to a request, the first one if it came already."""
        self.requests += 1
        if answer := self._opening.answers.pop(request, None):
            self.read_at = min(self.read_at, self._opening.asked_at)
            return answer
        return self._transport.ask(self._session, request)


def heads_of(endpoint: Endpoint, settings: Settings) -> Heads:
    """Return what reads keys and statuses of an endpoint's records.

    Args:
        endpoint: The endpoint.
        settings: The configuration.
    """
    shaper = OddShaper(
        endpoint.columns, settings.account.zone, clean_text=settings.account.clean_text
    )
    convert_key = shaper.converters[endpoint.key]
    closed = settings.freshness.closed_statuses
    return Heads(endpoint.key, convert_key, endpoint.status, closed, endpoint.created)


def _newest_first(days: Sequence[PlannedDay], horizon: Horizon) -> list[date]:
    """Return planned days, the newest closed ones first and those that can still change last."""
    planned = sorted({day.day for day in days}, reverse=True)
    closed = [day for day in planned if horizon.closed(day)]
    return [*closed[:2], *(day for day in planned if not horizon.closed(day)), *closed[2:]]
