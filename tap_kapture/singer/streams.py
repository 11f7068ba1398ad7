"""The streams as Singer sees them: what the SDK wants to know, and how a pull's events leave."""

from __future__ import annotations

import logging
import sys
import typing as t
from datetime import datetime, timezone

from singer_sdk import metrics
from singer_sdk.exceptions import AbortedSyncFailedException, AbortedSyncPausedException
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_kapture.errors import KaptureError
from tap_kapture.plan import bookmarks
from tap_kapture.schemas import json_schema
from tap_kapture.singer.emission import EventStream
from tap_kapture.wire.endpoints import (
    CONTACTS_ENDPOINT,
    CUSTOMERS_ENDPOINT,
    TICKETS_ENDPOINT,
    Endpoint,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_kapture.plan.bookmarks import Bookmark
    from tap_kapture.pull.events import Event

TRIES = 12
"""Requests that `--test` may send for a stream."""

logger = logging.getLogger("tap-kapture")


class KaptureStream(EventStream):
    """An endpoint that serves the records created on one day; subclasses say which."""

    endpoint: t.ClassVar[Endpoint]

    def __init__(self, tap: Tap) -> None:
        """Derive the schema from the columns.

        Args:
            tap: The tap.
        """
        schema = json_schema(self.endpoint.table, self.endpoint.key)
        super().__init__(tap, schema=schema, name=self.endpoint.stream)
        self.primary_keys = (self.endpoint.key,)
        self.replication_key = self.endpoint.created

    def log(self, message: str, *args: object, level: int = logging.INFO, **kwargs: object) -> None:
        """Log a message; the SDK's "unhandled error" is left out for errors that are handled.

        Args:
            message: The message.
            args: What fills it.
            level: Its level.
            kwargs: As a logger takes them.
        """
        expected = (KaptureError, AbortedSyncPausedException, AbortedSyncFailedException)
        if level < logging.ERROR or not isinstance(sys.exc_info()[1], expected):
            super().log(message, *args, level=level, **kwargs)

    def events(self) -> Iterator[Event]:
        """Pull the days of this run, and yield what happens."""
        if not self._can_be_read():
            return
        from tap_kapture.pull.run import Pull  # noqa: PLC0415 - not for --discover

        tap = self.kapture
        settings, bookmark = tap.settings, None
        if self.replication_method != REPLICATION_FULL_TABLE:
            bookmark = bookmarks.from_state(
                self.stream_state, start_day=settings.window.start_day, zone=settings.account.zone
            )
        now = datetime.fromtimestamp(tap.initialized_at / 1000, timezone.utc)
        pull = Pull(self.endpoint, settings, now=now, bookmark=bookmark)
        path = settings.account.path_of(self.name)
        with (
            metrics.http_request_counter(self.name, endpoint=path) as counter,
            tap.interruption.between_events(),
        ):
            try:
                yield from pull.events()
            finally:
                counter.increment(pull.requests_sent)
                tap.troubles.append(pull.troubles)

    def try_out(self) -> None:
        """Read a record of one of the newest days, and say so.

        Raises:
            KaptureError: The stream cannot be read.
        """
        if not self._can_be_read():
            return
        from tap_kapture.advice.probe import Probe  # noqa: PLC0415 - not for a run

        now = datetime.fromtimestamp(self.kapture.initialized_at / 1000, timezone.utc)
        probe = Probe(self.endpoint, self.kapture.settings, now, most_requests=TRIES)
        seen = probe.touch()
        if seen.error is not None:
            raise seen.error
        if seen.newest is None:
            logger.warning("%s: OK, but no record came of the newest days", self.name)
        else:
            logger.info("%s: OK, read one record of %s", self.name, seen.newest)

    def checkpoint(self, bookmark: Bookmark) -> None:
        """Put the bookmark into the state; without batch files, write the state as well.

        Args:
            bookmark: What is out by now.
        """
        state = bookmark.to_state(self.endpoint.created)
        self.stream_state.update(state)
        for name in set(bookmarks.OPTIONAL_KEYS) - state.keys():
            self.stream_state.pop(name, None)
        if self.config.get("batch_config"):
            self.state_manager.is_flushed = False
        else:
            self.write_state()

    def _can_be_read(self) -> bool:
        """Whether the settings suffice for this stream; see the subclasses."""
        return True

    # The tap keeps the bookmark by day: what the SDK does per record or per start is switched off.

    def _increment_stream_state(self, *_: object, **__: object) -> None:
        """Leave the bookmark alone: it moves by finished days, not by records."""

    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Write nothing: the bookmark itself says where a run starts."""

    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Return None: the bookmark never passes a day that is not closed anyway."""


class TicketsStream(KaptureStream):
    """Tickets by the day of their creation."""

    name = "tickets"
    endpoint = TICKETS_ENDPOINT


class _OfCustomers(KaptureStream):
    """A stream that is read from the customers endpoint."""

    def _can_be_read(self) -> bool:
        settings = self.kapture.settings
        if self.ABORT_AT_RECORD_COUNT is not None and not settings.account.offers(self.name):
            logger.warning("%s: not tested, because 'cm_id' is not set", self.name)
            return False
        settings.account.require(self.name)
        return True


class CustomersStream(_OfCustomers):
    """Customers by the day of their creation, with their contacts."""

    name = "customers"
    endpoint = CUSTOMERS_ENDPOINT

    def __init__(self, tap: Tap) -> None:
        """Deselect the stream by default as long as the account id, which it requires, is unknown.

        Args:
            tap: The tap.
        """
        super().__init__(tap)
        self.selected_by_default = tap.config.get("cm_id") is not None


class CustomerContactsStream(_OfCustomers):
    """The contacts of customers as rows, by the day of the customer's creation."""

    name = "customer_contacts"
    endpoint = CONTACTS_ENDPOINT
    selected_by_default = False
