"""One run of one stream: plan -> fetch -> decide -> shape, and a checkpoint behind every day."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_kapture.days import Horizon, PlannedDay
from tap_kapture.envelopes import valid_utf8
from tap_kapture.fetch import Fetch
from tap_kapture.gate import Gate
from tap_kapture.progress import Progress
from tap_kapture.readings import DayFacts, DayReader, Page
from tap_kapture.records import Shaper
from tap_kapture.responses import Reader
from tap_kapture.transport import PageRequest, Transport
from tap_kapture.typed_records import TypedShaper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    import msgspec
    import requests
    from singer_sdk.streams.rest import HTTPRequest

    from tap_kapture.bookmarks import Bookmark
    from tap_kapture.schemas import Column
    from tap_kapture.settings import Settings

REREAD_BUFFER = 32 * 1024 * 1024
"""Bytes of a re-read day that are held back until it is known whether the day changed."""
RECORDS_AT_ONCE = 100
"""Records that are shaped before they are handed on: few, so that the processor still has them at
hand when they are encoded."""

logger = logging.getLogger("tap-kapture")

Records = list[Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a pull has to know of its stream.

    Attributes:
        stream: Name of the stream.
        key: Name of the primary key.
        status_column: Name of the column that tells open from closed, or None.
        columns: The columns.
        other_paths: Other known paths of the endpoint.
        build: Makes the HTTP request of a page.
        auth: Adds the credential to a request.
    """

    stream: str
    key: str
    status_column: str | None
    columns: tuple[Column, ...]
    other_paths: tuple[str, ...]
    build: Callable[[PageRequest], HTTPRequest]
    auth: Callable[[requests.PreparedRequest], requests.PreparedRequest]


@dataclass(frozen=True, slots=True)
class Observer:
    """Who is told what while a pull goes on.

    Attributes:
        checkpoint: Is given the new bookmark behind every day's last record.
        tick: Called at least every 0.2 s while waiting, and for every page; it may raise.
        response: Is told each response; called by the workers.
    """

    checkpoint: Callable[[Bookmark], None]
    tick: Callable[[], None]
    response: Callable[[requests.Response], None]


class Pull:
    """Pulls the days of a run."""

    def __init__(  # noqa: PLR0913 - each is a fact of its own
        self,
        endpoint: Endpoint,
        settings: Settings,
        *,
        now: datetime,
        bookmark: Bookmark | None,
        observer: Observer,
        as_dicts: bool,
    ) -> None:
        """Put the parts together.

        Args:
            endpoint: What to pull from.
            settings: The configuration.
            now: The run's one reading of the clock.
            bookmark: Where the last run ended, or None to pull every day and keep no bookmark.
            observer: Who is told what.
            as_dicts: Whether each record is wanted as a dict; otherwise as anything that msgspec
                encodes as the same object.
        """
        self._bookmark = bookmark
        self._observer = observer
        self._stream = endpoint.stream
        self._concurrency = settings.concurrency
        self._horizon = Horizon.at(
            now,
            settings.zone,
            start=settings.start_day,
            end=settings.end_day,
            lookback_days=settings.lookback_days,
            refresh_days=settings.open_ticket_refresh_days if endpoint.status_column else 0,
            newest_first=settings.backfill_order == "newest_first",
        )
        self._shaper = Shaper(endpoint.columns, settings.zone, clean_text=settings.clean_text)
        self._shape: Callable[[msgspec.Raw | bytes], Any] = (
            self._shaper.shape_row
            if as_dicts
            else TypedShaper(endpoint.columns, self._shaper).shape
        )
        self._reader = DayReader(
            endpoint.stream,
            key=endpoint.key,
            convert_key=self._shaper.converters[endpoint.key],
            status=endpoint.status_column,
            closed_statuses=settings.closed_statuses,
            page_size=settings.page_size,
            verify_last_page=settings.verify_last_page,
        )
        self._gate = Gate(settings.concurrency)
        self._transport = Transport(
            endpoint.stream,
            build=endpoint.build,
            auth=endpoint.auth,
            observe=observer.response,
            reader=Reader.of(settings, endpoint.stream, endpoint.other_paths),
            gate=self._gate,
            timeout=settings.request_timeout,
            max_retries=settings.max_retries,
        )

    @property
    def requests_sent(self) -> int:
        """Requests sent so far, retries included."""
        return self._transport.traffic.requests

    def records(self) -> Iterator[Records]:
        """Yield the records to emit, some at a time, in the order of the plan.

        The generator resumes only once they are out; what follows a day's last ones is therefore
        the moment at which the bookmark may say so.

        Raises:
            KaptureError: A day could not be read; every day before it is out.
        """
        given_up = {}
        if self._bookmark is None:
            days = self._horizon.all_days()
        else:
            days = self._horizon.plan(self._bookmark)
            given_up = self._horizon.given_up(self._bookmark)
            self._bookmark = self._bookmark.without(set(given_up))
        if self._horizon.start > self._horizon.last:
            logger.warning(
                "%s: start_date %s lies after the last day to pull, %s: there is nothing to load",
                self._stream,
                self._horizon.start,
                self._horizon.last,
            )
        progress = Progress(self._stream, len(days))

        def tick() -> None:
            progress.tick()
            self._observer.tick()

        fetch = Fetch(days, self._read, concurrency=self._concurrency, tick=tick)
        try:
            with fetch:
                for index, day in enumerate(days):
                    progress.begin(day)
                    yield from self._day(day, fetch.pages(index), progress)
                    progress.finish(day)
        finally:
            self._gate.stop()
            fetch.join()
            kept = self._bookmark.days.values() if self._bookmark else ()
            traffic = self._transport.traffic
            progress.summarise(traffic, kept, given_up.values(), self._shaper.misfits())

    def _day(
        self, day: PlannedDay, items: Iterator[Page | DayFacts], progress: Progress
    ) -> Iterator[Records]:
        """Yield the records of one day, then move the bookmark."""
        held: list[Page] | None = [] if day.digest else None
        size = 0
        for item in items:
            if isinstance(item, DayFacts):
                unchanged = held is not None and item.digest == day.digest
                progress.unchanged += unchanged
                if held and not unchanged:
                    yield from self._shaped(held, progress)
                self._finish(day, item)
            elif held is None:
                yield from self._shaped([item], progress)
            else:
                held.append(item)
                size += item.size
                if size > REREAD_BUFFER:
                    yield from self._shaped(held, progress)
                    held = None

    def _shaped(self, pages: list[Page], progress: Progress) -> Iterator[Records]:
        for page in pages:
            # Records take several times the room of their JSON, so a page is never decoded whole.
            for start in range(0, len(page.rows), RECORDS_AT_ONCE):
                rows = page.rows[start : start + RECORDS_AT_ONCE]
                yield [self._shaped_row(row) for row in rows]
                progress.records += len(rows)

    def _shaped_row(self, row: msgspec.Raw) -> Any:  # noqa: ANN401 - a dict, or what encodes as one
        try:
            return self._shape(row)
        except UnicodeDecodeError:
            valid, replaced = valid_utf8(bytes(row))
            self._transport.traffic.add(replaced=replaced)
            return self._shape(valid)

    def _finish(self, day: PlannedDay, facts: DayFacts) -> None:
        if self._bookmark is None:
            return
        kept = self._horizon.ledger_day(day.day, open_count=facts.open_count, digest=facts.digest)
        closed = self._horizon.closed(day.day)
        self._bookmark = self._bookmark.finished(day.day, closed=closed, kept=kept)
        self._observer.checkpoint(self._bookmark)

    def _read(self, session: requests.Session, day: PlannedDay) -> Iterator[Page | DayFacts]:
        """Read one day, in a worker."""
        return self._reader.read(
            day.day,
            lambda limit, offset: self._transport.ask(session, PageRequest(day.day, limit, offset)),
            digest=bool(day.digest) or self._horizon.remembers(day.day),
        )
