"""One run of one stream: plan -> fetch -> decide -> shape, and a checkpoint behind every day."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from tap_kapture.days import Horizon
from tap_kapture.envelopes import valid_utf8
from tap_kapture.errors import KaptureError
from tap_kapture.fetch import Fetch, aside
from tap_kapture.gate import Gate
from tap_kapture.heads import Heads
from tap_kapture.keeping import Keeper, newest_first
from tap_kapture.memory import Memory
from tap_kapture.paging.contact import Contact
from tap_kapture.paging.learned import Learned
from tap_kapture.paging.reading import DayReader
from tap_kapture.paging.tally import DayFacts, Page, UnreadDay
from tap_kapture.progress import Progress
from tap_kapture.records import Shaper
from tap_kapture.responses import Reader
from tap_kapture.transport import Transport
from tap_kapture.typed_records import TypedShaper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date, datetime

    import msgspec
    import requests

    from tap_kapture.bookmarks import Bookmark
    from tap_kapture.days import PlannedDay
    from tap_kapture.endpoint import Endpoint, Observer
    from tap_kapture.fetch import Item
    from tap_kapture.paging.dialect import Request
    from tap_kapture.responses import Answer
    from tap_kapture.settings import Settings
    from tap_kapture.troubles import Troubles

REREAD_BUFFER = 32 * 1024 * 1024
"""Bytes of a re-read day that are held back until it is known whether the day changed."""
RECORDS_AT_ONCE = 100
"""Records that are shaped before they are handed on: few, so that the processor still has them at
hand when they are encoded."""

logger = logging.getLogger("tap-kapture")

Records = list[Any]


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
        self._observer = observer
        self._token_setting = settings.token_setting(endpoint.stream)
        self._stream = endpoint.stream
        self._concurrency = settings.concurrency
        follows = endpoint.status_column is not None
        self._horizon = Horizon.at(
            now,
            settings.zone,
            start=settings.start_day,
            end=settings.end_day,
            lookback_days=settings.lookback_days,
            refresh_days=settings.open_ticket_refresh_days if follows else 0,
            newest_first=settings.backfill_order == "newest_first",
        )
        memory = Memory(
            bookmark.dialect if bookmark else None, settings, endpoint.stream, self._horizon.today
        )
        self._learned = Learned(
            endpoint.stream,
            memory.dialect(),
            page_size=settings.page_size,
            stated=memory.stated,
        )
        self._keeper = Keeper(
            endpoint.stream,
            bookmark,
            self._horizon,
            closed_statuses=settings.closed_statuses if follows else None,
            memory=memory,
            learned=self._learned,
        )
        self._shaper = Shaper(endpoint.columns, settings.zone, clean_text=settings.clean_text)
        self._shape: Callable[[msgspec.Raw | bytes], Any] = (
            self._shaper.shape_row
            if as_dicts
            else TypedShaper(endpoint.columns, self._shaper).shape
        )
        self._heads = Heads(
            endpoint.key,
            self._shaper.converters[endpoint.key],
            endpoint.status_column,
            settings.closed_statuses,
        )
        self._reader = DayReader(
            endpoint.stream,
            self._heads,
            self._learned,
            verify_last_page=settings.verify_last_page,
            whole_day=settings.paging_of(endpoint.stream) == "whole_day",
        )
        self._first_answers: dict[Request, Answer] = {}
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

    @property
    def troubles(self) -> Troubles:
        """The days that are not whole."""
        return self._keeper.troubles

    def records(self) -> Iterator[Records]:
        """Yield the records to emit, some at a time, in the order of the plan.

        The generator resumes only once they are out; what follows a day's last ones is therefore
        the moment at which the bookmark may say so.

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
        progress = Progress(self._stream, len(days))
        try:
            found = self._first_contact(days, progress)
            yield from self._read(days, progress)
            if self._keeper.begins and not self._keeper.found and days:
                found = self._search(days, progress) or found
            while again := self._keeper.to_read_again():
                yield from self._read(again, progress)
            self._checkpoint(self._keeper.concluded())
            if found and not self._keeper.found and self._keeper.begins:
                what = "records came, but no day shows them in any known way of asking"
                raise self._learned.refusal(what)
        finally:
            self._gate.stop()
            traffic, keeper = self._transport.traffic, self._keeper
            misfits = self._shaper.misfits()
            progress.summarise(traffic, keeper.open_days, keeper.given_up.values(), misfits)

    # How the account is to be asked

    def _first_contact(self, days: Sequence[PlannedDay], progress: Progress) -> bool:
        """Ask for the newest days to learn how the account pages; True if records came."""
        newest = newest_first(days, self._horizon)
        if not newest or self._learned.dialect.confirmed:
            return False
        contact = aside(
            lambda session: self._contact(session, newest).begin(newest),
            partial(self._tick, progress),
        )
        self._first_answers = contact.answers
        return contact.found

    def _search(self, days: Sequence[PlannedDay], progress: Progress) -> bool:
        """Look for records in other ways, behind a first load in which none came."""
        newest = sorted((day.day for day in days), reverse=True)
        contact = aside(
            lambda session: self._contact(session, newest).search(newest),
            partial(self._tick, progress),
        )
        if not contact.found:
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
        return Contact(ask, self._heads, self._learned, moving)

    # Days

    def _read(self, days: Sequence[PlannedDay], progress: Progress) -> Iterator[Records]:
        tick = partial(self._tick, progress)
        fetch = Fetch(days, self._read_day, concurrency=self._concurrency, tick=tick)
        try:
            with fetch:
                for index, day in enumerate(days):
                    progress.begin(day)
                    yield from self._day(day, fetch.pages(index), progress)
                    progress.finish(day)
        except BaseException:
            self._gate.stop()
            raise
        finally:
            fetch.join()

    def _day(self, day: PlannedDay, items: Iterator[Item], progress: Progress) -> Iterator[Records]:
        """Yield the records of one day, then move the bookmark."""
        held: list[Page] | None = [] if day.digest else None
        size = 0
        for item in items:
            if isinstance(item, Page):
                if held is None:
                    yield from self._shaped([item], progress)
                    continue
                held.append(item)
                size += item.size
                if size > REREAD_BUFFER:
                    yield from self._shaped(held, progress)
                    held = None
                continue
            unchanged = (
                held is not None and isinstance(item, DayFacts) and item.digest == day.digest
            )
            progress.unchanged += unchanged
            if held and not unchanged:
                yield from self._shaped(held, progress)
            self._finish(day.day, item)

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

    def _finish(self, day: date, end: DayFacts | UnreadDay) -> None:
        if isinstance(end, UnreadDay):
            self._checkpoint(self._keeper.unread(day, end.error))
        else:
            self._checkpoint(self._keeper.finished(day, end))

    def _checkpoint(self, bookmark: Bookmark | None) -> None:
        if bookmark is not None:
            self._observer.checkpoint(bookmark)

    def _tick(self, progress: Progress) -> None:
        progress.tick()
        self._observer.tick()

    # In a worker

    def _read_day(self, session: requests.Session, day: PlannedDay) -> Iterator[Item]:
        """Read one day; what concerns no other day is its result."""
        try:
            yield from self._reader.read(
                day.day,
                partial(self._ask, session),
                digest=bool(day.digest) or self._horizon.remembers(day.day),
                moves=not self._horizon.closed(day.day),
            )
        except KaptureError as error:
            if not error.stops_only_its_day:
                raise
            yield UnreadDay(error)

    def _ask(self, session: requests.Session, request: Request) -> Answer:
        known = self._first_answers.pop(request, None) if self._first_answers else None
        return known or self._transport.ask(session, request)
