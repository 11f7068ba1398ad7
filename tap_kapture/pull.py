"""One run of one stream: plan -> fetch -> decide -> shape, and a checkpoint behind every day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_kapture.envelopes import decode_record
from tap_kapture.fetch import Fetch
from tap_kapture.progress import Progress
from tap_kapture.readings import DayFacts, DayReader, Page
from tap_kapture.transport import PageRequest, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

    from tap_kapture.bookmarks import Bookmark
    from tap_kapture.days import Horizon, PlannedDay
    from tap_kapture.gate import Gate
    from tap_kapture.records import Shaper

REREAD_BUFFER = 32 * 1024 * 1024
"""Bytes of a re-read day that are held back until it is known whether the day changed."""

Records = list[dict[str, Any]]


@dataclass(slots=True)
class Pull:
    """Pulls the days of a run.

    Attributes:
        stream: Name of the stream.
        horizon: The days of the run.
        bookmark: Where the last run ended, or None to pull every day and keep no bookmark.
        reader: Reads a day to its end.
        transport: Asks for pages.
        gate: The gate that the transport passes.
        shaper: Shapes the records.
        concurrency: Requests in flight at most.
        checkpoint: Is given the new bookmark behind every day's last record.
        tick: Called at least every 0.2 s while waiting, and for every page; it may raise.
    """

    stream: str
    horizon: Horizon
    bookmark: Bookmark | None
    reader: DayReader
    transport: Transport
    gate: Gate
    shaper: Shaper
    concurrency: int
    checkpoint: Callable[[Bookmark], None]
    tick: Callable[[], None]

    def records(self) -> Iterator[Records]:
        """Yield the records to emit, a page at a time, in the order of the plan.

        The generator resumes only once a page is out; what follows a day's last page is therefore
        the moment at which the bookmark may say so.

        Raises:
            KaptureError: A day could not be read; every day before it is out.
        """
        given_up = {}
        if self.bookmark is None:
            days = self.horizon.all_days()
        else:
            days = self.horizon.plan(self.bookmark)
            given_up = self.horizon.given_up(self.bookmark)
            self.bookmark = self.bookmark.without(set(given_up))
        progress = Progress(self.stream, len(days))

        def tick() -> None:
            progress.tick()
            self.tick()

        fetch = Fetch(days, self._read, concurrency=self.concurrency, tick=tick)
        try:
            with fetch:
                for index, day in enumerate(days):
                    progress.begin(day)
                    yield from self._day(day, fetch.pages(index), progress)
                    progress.finish(day)
        finally:
            self.gate.stop()
            fetch.join()
            kept = self.bookmark.days.values() if self.bookmark else ()
            traffic = self.transport.traffic
            progress.summarise(traffic, kept, given_up.values(), self.shaper.misfits())

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
        shape = self.shaper.shape
        for page in pages:
            records = [shape(decode_record(row)) for row in page.rows]
            yield records
            progress.records += len(records)

    def _finish(self, day: PlannedDay, facts: DayFacts) -> None:
        if self.bookmark is None:
            return
        kept = self.horizon.ledger_day(day.day, open_count=facts.open_count, digest=facts.digest)
        closed = self.horizon.closed(day.day)
        self.bookmark = self.bookmark.finished(day.day, closed=closed, kept=kept)
        self.checkpoint(self.bookmark)

    def _read(self, session: requests.Session, day: PlannedDay) -> Iterator[Page | DayFacts]:
        """Read one day, in a worker."""
        return self.reader.read(
            day.day,
            lambda limit, offset: self.transport.ask(session, PageRequest(day.day, limit, offset)),
        )
