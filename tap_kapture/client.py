"""The SDK side of an endpoint, as :class:`singer_sdk.RESTStream` needs it for both streams."""

from __future__ import annotations

import abc
import logging
import sys
import typing as t
from datetime import datetime, timezone
from functools import cached_property

from singer_sdk.authenticators import APIKeyAuthenticator
from singer_sdk.exceptions import AbortedSyncFailedException, AbortedSyncPausedException
from singer_sdk.singerlib import StateMessage
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from singer_sdk.streams.rest import HTTPRequest, JSONPayload, PageContext

from tap_kapture import bookmarks
from tap_kapture.emission import PagedStream
from tap_kapture.errors import KaptureError
from tap_kapture.schemas import Column, json_schema

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from tap_kapture.bookmarks import Bookmark
    from tap_kapture.paging.dialect import Request
    from tap_kapture.pull import Records
    from tap_kapture.settings import Settings
    from tap_kapture.tap import TapKapture


class KaptureStream(PagedStream):
    """An endpoint that serves the records created on one day.

    Subclasses say what differs: name, path, key, replication key, columns and body.
    """

    columns: t.ClassVar[tuple[Column, ...]]
    status_column: t.ClassVar[str | None] = None
    known_paths: t.ClassVar[tuple[str, ...]] = ()

    def __init__(self, tap: TapKapture) -> None:
        """Derive the schema from the columns.

        Args:
            tap: The tap.
        """
        self._kapture = tap
        self._key = self.primary_keys[0]  # a catalog may leave the keys out
        schema = json_schema(self.columns, self._key)
        path = tap.config[f"{self.name}_path"]
        super().__init__(tap, schema=schema, path=path, http_method="POST")

    @abc.abstractmethod
    def request_body(self, page: Request) -> JSONPayload:
        """Return the JSON body that asks for a page."""

    @property
    def settings(self) -> Settings:
        """The tap's settings."""
        return self._kapture.settings

    @property
    def url_base(self) -> str:
        """Scheme and host."""
        return self.settings.base_url

    @property
    def http_headers(self) -> dict[str, str]:
        """Headers of every request; the credential is the authenticator's."""
        return {**self.settings.http_headers, "User-Agent": self.settings.user_agent}

    @cached_property
    def authenticator(self) -> APIKeyAuthenticator:
        """Adds ``Authorization: Basic <token>``."""
        value = f"Basic {self.settings.token_of(self.name)}"
        return APIKeyAuthenticator(key="Authorization", value=value, location="header")

    def get_http_request(self, *, page: PageContext[Request]) -> HTTPRequest:
        """Return the request of a page.

        Args:
            page: The page, as ``next_page_token``.
        """
        return HTTPRequest(
            url=f"{self.url_base}{self.path}",
            method=self.http_method,
            headers=self.http_headers,
            data=self.request_body(t.cast("Request", page.next_page_token)),
        )

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

    def _pages(self, *, as_dicts: bool) -> Iterator[Records]:
        """Pull the days of this run, and yield the records to emit, some at a time."""
        if not self._can_be_read():
            return
        from tap_kapture.endpoint import Endpoint, Observer  # noqa: PLC0415 - not for --discover
        from tap_kapture.pull import Pull  # noqa: PLC0415 - not for --discover

        settings = self.settings
        bookmark = None
        if self.replication_method != REPLICATION_FULL_TABLE:
            bookmark = bookmarks.from_state(
                self.stream_state, start_day=settings.start_day, zone=settings.zone
            )
        endpoint = Endpoint(
            stream=self.name,
            key=self._key,
            status_column=self.status_column,
            columns=self.columns,
            other_paths=tuple(path for path in self.known_paths if path != self.path),
            build=lambda page: self.get_http_request(page=PageContext(None, page)),
            auth=self.authenticator,
        )
        pull = Pull(
            endpoint,
            settings,
            now=datetime.fromtimestamp(self._kapture.initialized_at / 1000, timezone.utc),
            bookmark=bookmark,
            observer=Observer(self._checkpoint, self._tick, self._observe),
            as_dicts=as_dicts,
        )
        with self.get_http_request_counter() as counter, self._kapture.pulling():
            try:
                yield from pull.records()
            finally:
                counter.increment(pull.requests_sent)
                self._kapture.troubles.append(pull.troubles)

    def _can_be_read(self) -> bool:
        """Whether the settings suffice for this stream; see the subclasses."""
        return True

    def _tick(self) -> None:
        self._kapture.message_writer.tick()
        self._kapture.stop_if_told()

    def _observe(self, response: requests.Response) -> None:
        self._write_request_duration_log(self.path, response, None, None)

    def _checkpoint(self, bookmark: Bookmark) -> None:
        """Put the bookmark into the state; without batch files, write the state as well."""
        state = bookmark.to_state(str(self.replication_key))
        self.stream_state.update(state)
        for name in [name for name, value in state.items() if value is None]:
            del self.stream_state[name]
        if self.config.get("batch_config"):
            self.state_manager.is_flushed = False
        else:
            # Not by the SDK's writer, which leaves out a state that did not change, as behind the
            # records of today: target-jsonl then confirms no state at all.
            self._kapture.write_message(StateMessage(value=self.tap_state))
