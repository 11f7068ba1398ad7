"""One run of one stream: plan -> read -> shape; behind each day its row, and a checkpoint."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_kapture.day.reading import DayReader
from tap_kapture.day.tally import DayFacts, Page, UnreadDay
from tap_kapture.dialect.doubts import Doubts
from tap_kapture.dialect.learned import Learned
from tap_kapture.errors import KaptureError, KaptureRecordError
from tap_kapture.plan.days import Horizon
from tap_kapture.pull.emission import Emission, Shaping
from tap_kapture.pull.events import Checkpoint, DayRead, Idle, instant
from tap_kapture.pull.keeping import Keeper
from tap_kapture.pull.memory import Memory
from tap_kapture.pull.opening import Asker, Opening, heads_of
from tap_kapture.pull.progress import Progress
from tap_kapture.pull.workers import Fetch
from tap_kapture.wire.gate import Gate
from tap_kapture.wire.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from datetime import datetime

    import requests

    from tap_kapture.plan.bookmarks import Bookmark
    from tap_kapture.plan.planned import PlannedDay
    from tap_kapture.pull.events import Event, Records
    from tap_kapture.pull.troubles import Troubles
    from tap_kapture.pull.workers import Item
    from tap_kapture.settings.groups import Settings
    from tap_kapture.wire.endpoints import Endpoint

logger = logging.getLogger("tap-kapture")


class Pull:
    """Pulls the days of a run."""

    def __init__(
        self,
        endpoint: Endpoint,
        settings: Settings,
        *,
        now: datetime,
        bookmark: Bookmark | None,
    ) -> None:
        """Put the parts together.

        Args:
            endpoint: What to pull from.
            settings: The configuration.
            now: The run's one reading of the clock.
            bookmark: Where the last run ended, or None to pull every day and keep no bookmark.
        """
        self._stream = stream = endpoint.stream
        self._settings = settings
        self._opens = follows = endpoint.status is not None
        self._horizon = Horizon.at(
            now,
            settings.account.zone,
            start=settings.window.start_day,
            end=settings.window.end_day,
            lookback_days=settings.freshness.lookback_days,
            refresh_days=settings.freshness.open_ticket_refresh_days if follows else 0,
            newest_first=settings.window.backfill_order == "newest_first",
        )
        kept = bookmark.dialect if bookmark else None
        memory = Memory(kept, settings, stream, self._horizon.today)
        self._learned = learned = Learned(
            stream, memory.dialect(), page_size=settings.paging.page_size, stated=memory.stated
        )
        doubts = Doubts(stream, learned)
        self._keeper = Keeper(
            stream,
            bookmark,
            self._horizon,
            closed_statuses=settings.freshness.closed_statuses if follows else None,
            memory=memory,
            doubts=doubts,
            unsettled_fails=settings.freshness.unsettled_days == "fail",
        )
        self._reader = DayReader(
            stream,
            heads_of(endpoint, settings),
            doubts,
            verify_last_page=settings.paging.verify_last_page,
            whole_day=settings.paging.stated_of(stream) == "whole_day",
        )
        self._gate = Gate(settings.pace.concurrency)
        self._transport = Transport(endpoint, settings.account, settings.pace, self._gate)
        self._shaping = Shaping(endpoint, settings.account, self._transport.traffic)
        self._opening = Opening(
            endpoint, settings, self._horizon, self._transport, learned, memory=memory
        )
        self._progress = Progress(stream)

    @property
    def requests_sent(self) -> int:
        """Requests sent so far, retries included."""
        return self._transport.traffic.requests

    @property
    def troubles(self) -> Troubles:
        """The days that are not whole."""
        return self._keeper.troubles

    def plan(self) -> list[PlannedDay]:
        """Return the days that would be read, in their order.

        Raises:
            KaptureStateError: The bookmark lies in the future.
        """
        return self._keeper.plan()

    def events(self) -> Generator[Event, None, None]:
        """Yield what happens, in the order of the plan: records, and behind each day a checkpoint.

        Whoever takes the events has its records out before it asks for the next one.

        Raises:
            KaptureError: The account cannot be read any further; every day before is out.
        """
        days = self._keeper.plan()
        if self._horizon.start > self._horizon.last:
            logger.warning(
                "%s: start_date %s lies after the last day to pull, %s: there is nothing to load",
                self._stream,
                self._horizon.start,
                self._horizon.last,
            )
        self._progress.plan(len(days))
        try:
            found = yield from self._opening.first_contact(days)
            yield from self._read(days)
            unsure = self._opening.contradicted or not self._learned.dialect.confirmed
            if (self._keeper.begins or unsure) and not self._keeper.found and days:
                found = (yield from self._opening.search(days, self._keeper)) or found
            while again := self._keeper.to_read_again():
                yield from self._read(again)
            bookmark = self._keeper.concluded()
            yield from self._judged()
            yield from _checkpoint(bookmark)
            if found and not self._keeper.found and self._keeper.begins:
                what = "records came, but no day shows them in any known way of asking"
                raise self._learned.refusal(what)
        finally:
            self._gate.stop()
            traffic, keeper = self._transport.traffic, self._keeper
            misfits = self._shaping.misfits()
            if lost := self._shaping.left_out():
                logger.warning("%s: %s", self._stream, lost)
            given_up, troubles = keeper.given_up.values(), keeper.troubles.found
            self._progress.summarise(traffic, keeper.open_days, given_up, misfits, troubles)

    # Days

    def _read(self, days: Sequence[PlannedDay]) -> Iterator[Event]:
        fetch = Fetch(days, self._read_day, concurrency=self._settings.pace.concurrency)
        try:
            with fetch:
                for index, day in enumerate(days):
                    self._progress.begin(day)
                    yield from self._day(day, fetch.pages(index))
                    self._progress.finish(day)
        except BaseException:
            self._gate.stop()
            raise
        finally:
            fetch.join()

    def _day(self, day: PlannedDay, items: Iterator[Item | Idle]) -> Iterator[Event]:
        """Yield the records of one day, then the row about it, then the checkpoint behind them."""
        emission = Emission(day)
        for item in items:
            self._progress.tick()
            if isinstance(item, Idle):
                yield item
            elif isinstance(item, Page):
                yield from self._records(emission.take(item), emission)
            else:
                yield from self._records(emission.end(item), emission)
                end = UnreadDay(emission.failure) if emission.failure else item
                bookmark = self._keeper.ended(day.day, end, instant(emission.emitted_at))
                if isinstance(end, DayFacts):
                    self._progress.unchanged += not emission.changed
                    yield self._told(emission, end)
                yield from _checkpoint(bookmark)

    def _records(self, pages: list[Page], emission: Emission) -> Iterator[Records]:
        """Yield the records of pages until one cannot be loaded: then the day is unread."""
        try:
            for records in self._shaping.records(pages, emission):
                yield records
                self._progress.records += len(records.rows)
        except KaptureRecordError as error:
            emission.failure = error.at(self._stream, emission.day.day, emission.shaped)

    def _told(self, emission: Emission, facts: DayFacts) -> DayRead:
        closed = self._horizon.closed(emission.day.day)
        told = emission.told(self._stream, facts, closed=closed, opens=self._opens)
        self._progress.told(told)
        return told

    def _judged(self) -> Iterator[DayRead]:
        """Yield the rows of days of which the whole run tells more than their own reading."""
        for day, settled in self._keeper.judged.items():
            row = self._progress.rows.get(day)
            if row and row.settled is not settled:
                self._progress.told(replace(row, settled=settled))
                yield self._progress.rows[day]

    # In a worker

    def _read_day(self, session: requests.Session, day: PlannedDay) -> Iterator[Item]:
        """Read one day; what concerns no other day is its result."""
        asker = Asker(session, self._transport, self._opening)
        try:
            for item in self._reader.read(
                day.day,
                asker.ask,
                digest=bool(day.digest) or self._horizon.remembers(day.day),
                known=day.digest if day.was_whole else "",
                moves=not self._horizon.closed(day.day),
            ):
                if isinstance(item, DayFacts):
                    yield replace(item, requests=asker.requests, read_at=asker.read_at)
                else:
                    yield item
        except KaptureError as error:
            if not error.stops_only_its_day:
                raise
            yield UnreadDay(error)


def _checkpoint(bookmark: Bookmark | None) -> Iterator[Checkpoint]:
    if bookmark is not None:
        yield Checkpoint(bookmark)
