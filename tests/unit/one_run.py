"""One run over an account in plain Python: as :mod:`tap_kapture.pull` does it, on one thread."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pendulum

from tap_kapture.day.reading import DayReader
from tap_kapture.day.tally import DayFacts, Page, UnreadDay
from tap_kapture.dialect.contact import Contact
from tap_kapture.dialect.doubts import Doubts
from tap_kapture.dialect.learned import Learned
from tap_kapture.errors import KaptureError
from tap_kapture.plan.bookmarks import Bookmark, from_state
from tap_kapture.plan.days import Horizon
from tap_kapture.pull.keeping import Keeper
from tap_kapture.pull.memory import Memory
from tap_kapture.pull.opening import _newest_first as newest_first
from tap_kapture.shape import values as converters
from tap_kapture.shape.cleaning import clean
from tap_kapture.shape.heads import Heads
from tap_kapture.singer.tap import TapKapture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paged_account import PagedAccount

    from tap_kapture.plan.days import PlannedDay
    from tap_kapture.settings.checked import Settings
    from tap_kapture.wire.answers import Answer
    from tap_kapture.wire.request import Request

FIRST = dt.date(2024, 4, 1)
CLOSED = frozenset({"complete", "closed"})
UTC = pendulum.timezone("UTC")


def heads(status: str | None = "status") -> Heads:
    """Return what reads keys of tickets."""
    return Heads("ticketId", partial(converters.text, cleaner=clean), status, CLOSED)


def settings_of(**config: Any) -> Settings:  # noqa: ANN401 - settings by name
    """Return the settings of a good configuration with changes."""
    good = {"subdomain": "acme", "auth_token": "x", "start_date": FIRST.isoformat()}
    return TapKapture(config={**good, **config}).settings


GOOD = settings_of()


def through_json(bookmark: Bookmark | None) -> Bookmark:
    """Return a bookmark as the next run finds it; without one it finds nothing."""
    state = {} if bookmark is None else bookmark.to_state("date")
    return from_state(json.loads(json.dumps(state)), start_day=FIRST, zone=UTC)


@dataclass
class Run:
    """One run of one stream.

    Attributes:
        account: What it reads.
        bookmark: Where the last run ended.
        page_size: Rows that are asked for usually.
        verify: Whether a page that is short must be shown to be the last.
        settings: The configuration; only what bears on the dialect counts.
        lookback: As the setting.
        refresh: As the setting.
        today: The account's day; by default the one behind the account's last one.
        written: The last bookmark that was written.
        got: The rows that were handed on, by the day that was read.
        error: What stopped the run.
        seen: Whether the first contact met records.
    """

    account: PagedAccount
    bookmark: Bookmark = field(default_factory=Bookmark)
    page_size: int = 10
    verify: bool = True
    settings: Settings = GOOD
    lookback: int = 0
    refresh: int = 0
    today: dt.date | None = None
    written: Bookmark | None = None
    got: dict[dt.date, list[bytes]] = field(default_factory=dict)
    error: KaptureError | None = None
    seen: bool = False
    _first: dict[Request, Answer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Put the parts together."""
        days = sorted(self.account.days)
        today = self.today or days[-1] + dt.timedelta(days=1)
        self.horizon = Horizon(days[0], days[-1], today, today, self.lookback, self.refresh)
        memory = Memory(self.bookmark.dialect, self.settings, "tickets", today)
        self.learned = Learned(
            "tickets", memory.dialect(), page_size=self.page_size, stated=memory.stated
        )
        doubts = Doubts("tickets", self.learned)
        self.keeper = Keeper(
            "tickets",
            self.bookmark,
            self.horizon,
            closed_statuses=CLOSED,
            memory=memory,
            doubts=doubts,
            unsettled_fails=True,
        )
        self._known = memory.knows and self.learned.dialect.confirmed
        self._heads = heads()
        self._reader = DayReader(
            "tickets",
            self._heads,
            doubts,
            verify_last_page=self.verify,
            whole_day=self.settings.paging_of("tickets") == "whole_day",
        )

    def go(self) -> Run:
        """Run to the end, or to what stops the run."""
        try:
            self._go()
        except KaptureError as error:
            self.error = error
        return self

    def _go(self) -> None:
        plan = self.keeper.plan()
        newest = newest_first(plan, self.horizon)
        if newest and not self._known:
            contact = self._contact(newest)
            contact.begin(newest)
            self._first, self.seen = contact.answers, contact.found
        self._read(plan)
        if self.keeper.begins and not self.keeper.found and plan:
            newest = sorted((day.day for day in plan), reverse=True)
            self.seen = self._contact(newest).search(newest).found or self.seen
        while again := self.keeper.to_read_again():
            self._read(again)
        self.written = self.keeper.concluded() or self.written
        if self.seen and not self.keeper.found and self.keeper.begins:
            what = "no day shows them"
            raise self.learned.refusal(what)

    def _contact(self, days: Sequence[dt.date]) -> Contact:
        moving = frozenset(day for day in days if not self.horizon.closed(day))
        return Contact(self.account.ask, self._heads, self.learned, moving)

    def _read(self, days: Sequence[PlannedDay]) -> None:
        for day in days:
            self.written = self._day(day) or self.written

    def _day(self, planned: PlannedDay) -> Bookmark | None:
        day = planned.day
        digest = bool(planned.digest) or self.horizon.remembers(day)
        moves = not self.horizon.closed(day)
        handed = self.got.setdefault(day, [])
        try:
            for item in self._reader.read(day, self._ask, digest=digest, moves=moves):
                if isinstance(item, Page):
                    handed += map(bytes, item.rows)
                else:
                    facts = item
        except KaptureError as error:
            if not error.stops_only_its_day:
                raise
            return self.keeper.ended(day, UnreadDay(error))
        assert isinstance(facts, DayFacts)
        return self.keeper.ended(day, facts)

    def _ask(self, request: Request) -> Answer:
        known = self._first.pop(request, None)
        return known or self.account.ask(request)

    @property
    def claimed(self) -> list[dt.date]:
        """The days that are whole in the target, as the last state says."""
        state = through_json(self.written)
        return [
            day
            for day in self.account.days
            if state.holds(day)
            and not state.empty
            and not (day in state.days and state.days[day].trouble)
        ]

    @property
    def missing(self) -> dict[dt.date, int]:
        """How many records are not handed on, by day."""
        everything = {row for handed in self.got.values() for row in handed}
        counts = {day: len(set(records) - everything) for day, records in self.account.days.items()}
        return {day: count for day, count in counts.items() if count}
