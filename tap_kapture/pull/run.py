"""One run of one stream: plan -> read -> decide -> shape, and a checkpoint behind every day."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from tap_kapture.day.reading import DayReader
from tap_kapture.day.tally import DayFacts, Page, UnreadDay
from tap_kapture.dialect.doubts import Doubts
from tap_kapture.dialect.learned import Learned
from tap_kapture.errors import KaptureError
from tap_kapture.plan.days import Horizon
from tap_kapture.pull.events import Checkpoint, Idle, Records
from tap_kapture.pull.keeping import Keeper
from tap_kapture.pull.memory import Memory
from tap_kapture.pull.opening import Opening, heads_of
from tap_kapture.pull.progress import Progress
from tap_kapture.pull.workers import Fetch
from tap_kapture.shape.json import valid_utf8
from tap_kapture.shape.records import RecordShaper
from tap_kapture.wire.gate import Gate
from tap_kapture.wire.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    import msgspec
    import requests

    from tap_kapture.plan.bookmarks import Bookmark
    from tap_kapture.plan.days import PlannedDay
    from tap_kapture.pull.events import Event
    from tap_kapture.pull.troubles import Troubles
    from tap_kapture.pull.workers import Item
    from tap_kapture.settings.checked import Settings
    from tap_kapture.wire.answers import Answer
    from tap_kapture.wire.endpoints import Endpoint
    from tap_kapture.wire.request import Request

REREAD_BUFFER = 32 * 1024 * 1024
"""Bytes of a re-read day that are held back until it is known whether the day changed."""
RECORDS_AT_ONCE = 100
"""Records that are shaped before they are handed on: few, so that the processor still has them at
hand when they are encoded."""

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
        follows = endpoint.status is not None
        self._horizon = Horizon.at(
            now,
            settings.zone,
            start=settings.start_day,
            end=settings.end_day,
            lookback_days=settings.lookback_days,
            refresh_days=settings.open_ticket_refresh_days if follows else 0,
            newest_first=settings.backfill_order == "newest_first",
        )
        kept = bookmark.dialect if bookmark else None
        memory = Memory(kept, settings, stream, self._horizon.today)
        self._learned = learned = Learned(
            stream, memory.dialect(), page_size=settings.page_size, stated=memory.stated
        )
        doubts = Doubts(stream, learned)
        self._keeper = Keeper(
            stream,
            bookmark,
            self._horizon,
            closed_statuses=settings.closed_statuses if follows else None,
            memory=memory,
            doubts=doubts,
            unsettled_fails=settings.unsettled_days == "fail",
        )
        self._shaper = RecordShaper(endpoint.columns, settings.zone, clean_text=settings.clean_text)
        self._reader = DayReader(
            stream,
            heads_of(endpoint, settings),
            doubts,
            verify_last_page=settings.verify_last_page,
            whole_day=settings.paging_of(stream) == "whole_day",
        )
        self._gate = Gate(settings.concurrency)
        self._transport = Transport(endpoint, settings, self._gate)
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

    def events(self) -> Iterator[Event]:
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
            suspicious = self._keeper.begins or self._opening.contradicted
            if suspicious and not self._keeper.found and days:
                found = (yield from self._opening.search(days)) or found
            while again := self._keeper.to_read_again():
                yield from self._read(again)
            yield from _checkpoint(self._keeper.concluded())
            if found and not self._keeper.found and self._keeper.begins:
                what = "records came, but no day shows them in any known way of asking"
                raise self._learned.refusal(what)
        finally:
            self._gate.stop()
            traffic, keeper = self._transport.traffic, self._keeper
            misfits = self._shaper.odd.misfits()
            self._progress.summarise(traffic, keeper.open_days, keeper.given_up.values(), misfits)

    # Days

    def _read(self, days: Sequence[PlannedDay]) -> Iterator[Event]:
        fetch = Fetch(days, self._read_day, concurrency=self._settings.concurrency)
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
        """Yield the records of one day, then the checkpoint behind them."""
        held = _Held() if day.digest else None
        for item in items:
            self._progress.tick()
            if isinstance(item, Idle):
                yield item
            elif not isinstance(item, Page):
                unchanged = held is not None and held.digest_is(day.digest, item)
                self._progress.unchanged += unchanged
                if held and not unchanged:
                    yield from self._shaped(held.pages)
                yield from _checkpoint(self._keeper.ended(day.day, item))
            elif held is None:
                yield from self._shaped([item])
            elif not held.takes(item):
                yield from self._shaped(held.pages)
                held = None

    def _shaped(self, pages: list[Page]) -> Iterator[Records]:
        for page in pages:
            # Records take several times the room of their JSON, so a page is never decoded whole.
            for start in range(0, len(page.rows), RECORDS_AT_ONCE):
                rows = page.rows[start : start + RECORDS_AT_ONCE]
                yield Records([self._shaped_row(row) for row in rows])
                self._progress.records += len(rows)

    def _shaped_row(self, row: msgspec.Raw) -> Any:  # noqa: ANN401 - what msgspec encodes
        try:
            return self._shaper.shape(row)
        except UnicodeDecodeError:
            valid, replaced = valid_utf8(bytes(row))
            self._transport.traffic.add(replaced=replaced)
            return self._shaper.shape(valid)

    # In a worker

    def _read_day(self, session: requests.Session, day: PlannedDay) -> Iterator[Item]:
        """Read one day; what concerns no other day is its result."""
        try:
            yield from self._reader.read(
                day.day,
                partial(self._ask, session),
                digest=bool(day.digest) or self._horizon.remembers(day.day),
                known=day.digest if day.was_whole else "",
                moves=not self._horizon.closed(day.day),
            )
        except KaptureError as error:
            if not error.stops_only_its_day:
                raise
            yield UnreadDay(error)

    def _ask(self, session: requests.Session, request: Request) -> Answer:
        return self._opening.answers.pop(request, None) or self._transport.ask(session, request)


class _Held:
    """Pages of a day that was read before, until it is known whether it changed."""

    def __init__(self) -> None:
        self.pages: list[Page] = []
        self._size = 0

    def takes(self, page: Page) -> bool:
        """Hold a page as well; False if there are too many now."""
        self.pages.append(page)
        self._size += page.size
        return self._size <= REREAD_BUFFER

    @staticmethod
    def digest_is(digest: str, end: DayFacts | UnreadDay) -> bool:
        """Whether the day came out as it was."""
        return isinstance(end, DayFacts) and end.digest == digest


def _checkpoint(bookmark: Bookmark | None) -> Iterator[Checkpoint]:
    if bookmark is not None:
        yield Checkpoint(bookmark)
