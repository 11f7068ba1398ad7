"""One run over an account in plain Python: as :mod:`tap_kapture.pull` does it, on one thread."""

from __future__ import annotations

import datetime as dt
import json
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pendulum

from tap_kapture.day.reading import DayReader
from tap_kapture.day.tally import DayFacts, UnreadDay
from tap_kapture.dialect.doubts import Doubts
from tap_kapture.dialect.learned import Learned
from tap_kapture.errors import KaptureError
from tap_kapture.plan.bookmarks import Bookmark, from_state
from tap_kapture.plan.days import Horizon
from tap_kapture.pull.keeping import Keeper
from tap_kapture.pull.memory import Memory
from tap_kapture.pull.opening import Opening
from tap_kapture.shape import values as converters
from tap_kapture.shape.cleaning import clean
from tap_kapture.shape.heads import Heads
from tap_kapture.singer.tap import TapKapture
from tap_kapture.wire.endpoints import TICKETS_ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    import requests
    from paged_account import PagedAccount

    from tap_kapture.plan.planned import PlannedDay
    from tap_kapture.pull.events import Idle
    from tap_kapture.settings.groups import Settings
    from tap_kapture.wire.answers import Answer
    from tap_kapture.wire.request import Request
    from tap_kapture.wire.transport import Transport

FIRST = dt.date(2024, 4, 1)
LOOKED_AT = 3
"""Days that a first contact asks for in the usual way: the newest two, and one more at last."""
CLOSED = frozenset({"complete", "closed"})
UTC = pendulum.timezone("UTC")


def heads(status: str | None = "status") -> Heads:
    """Return what reads keys of tickets."""
    key = partial(converters.text, cleaner=clean)
    return Heads("ticketId", key, status, CLOSED, "date")


def settings_of(**config: Any) -> Settings:  # noqa: ANN401 - settings by name
    """Return the settings of a good configuration with changes."""
    good = {"subdomain": "acme", "auth_token": "x", "start_date": FIRST.isoformat()}
    return TapKapture(config={**good, **config}).settings


GOOD = settings_of()


def through_json(bookmark: Bookmark | None) -> Bookmark:
    """Return a bookmark as the next run finds it; without one it finds nothing."""
    state = {} if bookmark is None else bookmark.to_state("date")
    return from_state(json.loads(json.dumps(state)), start_day=FIRST, zone=UTC)


class _Direct:
    """A transport that asks an account without HTTP."""

    def __init__(self, account: PagedAccount) -> None:
        self._account = account

    def ask(self, _: requests.Session, request: Request) -> Answer:
        """Ask for an answer."""
        return self._account.ask(request)


def _end_of(work: Generator[Idle, None, bool]) -> bool:
    """Return what comes of some work that only waits."""
    ends: list[bool] = []

    def to_its_end() -> Iterator[Idle]:
        ends.append((yield from work))

    deque(to_its_end(), maxlen=0)
    return ends[0]


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
        self._opening = Opening(
            TICKETS_ENDPOINT,
            self.settings,
            self.horizon,
            cast("Transport", _Direct(self.account)),
            self.learned,
            memory=memory,
        )
        self._reader = DayReader(
            "tickets",
            heads(),
            doubts,
            verify_last_page=self.verify,
            whole_day=self.settings.paging.stated_of("tickets") == "whole_day",
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
        self.seen = _end_of(self._opening.first_contact(plan))
        self._read(plan)
        unsure = self._opening.contradicted or not self.learned.dialect.confirmed
        if (self.keeper.begins or unsure) and not self.keeper.found and plan:
            self.seen = _end_of(self._opening.search(plan, self.keeper)) or self.seen
        while again := self.keeper.to_read_again():
            self._read(again)
        self.written = self.keeper.concluded() or self.written
        if self.seen and not self.keeper.found and self.keeper.begins:
            what = "no day shows them"
            raise self.learned.refusal(what)

    def _read(self, days: Sequence[PlannedDay]) -> None:
        for day in days:
            self.written = self.keeper.ended(day.day, self._day(day)) or self.written

    def _day(self, planned: PlannedDay) -> DayFacts | UnreadDay:
        day = planned.day
        handed = self.got.setdefault(day, [])
        items = self._reader.read(
            day,
            self._ask,
            digest=bool(planned.digest) or self.horizon.remembers(day),
            known=planned.digest if planned.was_whole else "",
            moves=not self.horizon.closed(day),
        )
        try:
            for item in items:
                if isinstance(item, DayFacts):
                    return item
                handed += map(bytes, item.rows)
        except KaptureError as error:
            if not error.stops_only_its_day:
                raise
            return UnreadDay(error)
        msg = "a reading ends with its facts"
        raise AssertionError(msg)

    def _ask(self, request: Request) -> Answer:
        return self._opening.answers.pop(request, None) or self.account.ask(request)

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
