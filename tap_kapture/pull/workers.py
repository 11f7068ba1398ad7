"""Bounded, ordered, polite concurrency over days.

Each worker reads one day after another with an HTTP session of its own; the run takes the pages in
the order of the days. Pages that wait are bounded, and the day that is being taken may always go
on, so neither memory nor a slow target nor a slow day can stall the run.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from tap_kapture.day.tally import DayFacts, Page, UnreadDay
from tap_kapture.pull.events import Idle
from tap_kapture.wire.gate import StoppedError
from tap_kapture.wire.sessions import timely_session

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    import requests
    from typing_extensions import Self

    from tap_kapture.plan.planned import PlannedDay

    Item = Page | DayFacts | UnreadDay
    ReadDay = Callable[[requests.Session, PlannedDay], Iterator[Item]]

T = TypeVar("T")

PAGES_PER_WORKER = 4
"""Pages of each worker that may wait to be taken; a large page weighs more than one."""
LONGEST_SILENCE = 0.2
"""Seconds between two ticks while no page comes."""
FAREWELL = 1.0
"""Seconds that the workers together get to end; one that awaits an answer is left behind."""


def aside(work: Callable[[requests.Session], T]) -> Generator[Idle, None, T]:
    """Do something with a session of its own, while the caller stays able to stop.

    Args:
        work: What to do, in a thread; it is left behind if nobody waits for it any more.

    Yields:
        Idle, every 0.2 s.

    Returns:
        What the work returns.

    Raises:
        BaseException: As the work raises.
    """
    results: list[T] = []
    failures: list[BaseException] = []

    def do() -> None:
        try:
            with timely_session() as session:
                results.append(work(session))
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    worker = threading.Thread(target=do, name="kapture-first", daemon=True)
    worker.start()
    while worker.is_alive():
        worker.join(LONGEST_SILENCE)
        yield Idle()
    if failures:
        raise failures[0]
    return results[0]


class Fetch:
    """Reads days with several workers, and gives their pages in order."""

    def __init__(
        self,
        days: Sequence[PlannedDay],
        read_day: ReadDay,
        *,
        concurrency: int,
    ) -> None:
        """Prepare the reading of days.

        Args:
            days: The days, in the order in which they are wanted.
            read_day: Reads one day: its pages, then its facts.
            concurrency: Workers at most.
        """
        self._days = days
        self._read_day = read_day
        self._bound = PAGES_PER_WORKER * concurrency
        self._waiting: dict[int, deque[Item | BaseException]] = {}
        self._pages = 0
        self._head = 0
        self._next = 0
        self._stopped = False
        self._changed = threading.Condition()
        # Daemons: a worker in the middle of a slow answer must not hold the process back.
        self._workers = [
            threading.Thread(target=self._work, name=f"kapture-{number}", daemon=True)
            for number in range(min(concurrency, len(days)))
        ]

    def __enter__(self) -> Self:
        """Start the workers."""
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the workers, whatever they do; the caller stops what they wait for."""
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify_all()

    def join(self) -> None:
        """Wait a moment for the workers to end."""
        for worker in self._workers:
            worker.join(FAREWELL / len(self._workers))

    def pages(self, index: int) -> Iterator[Item | Idle]:
        """Give the pages of one day, then its facts; days must be taken in their order.

        Args:
            index: Position of the day.

        Yields:
            What the day's reading yields; Idle at least every 0.2 s while nothing comes.

        Raises:
            KaptureError: As the day's reading raises.
        """
        while True:
            with self._changed:
                self._head = index
                self._changed.notify_all()
                items = self._waiting.get(index)
                if not items:
                    self._changed.wait(LONGEST_SILENCE)
                    items = self._waiting.get(index)
                item = items.popleft() if items else None
                if isinstance(item, Page):
                    self._pages -= item.weight
                    self._changed.notify_all()
                elif item is not None:
                    del self._waiting[index]
            if isinstance(item, BaseException):
                raise item
            yield Idle() if item is None else item
            if isinstance(item, (DayFacts, UnreadDay)):
                return

    def _work(self) -> None:
        index = self._take()
        try:
            with timely_session() as session:
                while index is not None:
                    for item in self._read_day(session, self._days[index]):
                        self._put(index, item)
                    index = self._take()
        except StoppedError:
            return
        except BaseException as error:  # noqa: BLE001 - raised again where the day is taken
            self._put_error(index, error)

    def _take(self) -> int | None:
        """Take the next day, once there is room for its pages."""
        with self._changed:
            while not self._stopped and self._next < len(self._days):
                ahead = self._next - self._head
                if ahead == 0 or (self._pages < self._bound and ahead < self._bound):
                    self._next += 1
                    self._waiting[self._next - 1] = deque()
                    return self._next - 1
                self._changed.wait()
            return None

    def _put(self, index: int, item: Item) -> None:
        """Hand on a page, and come back once there is room for another one."""
        with self._changed:
            if not self._stopped:
                self._waiting[index].append(item)
                self._changed.notify_all()
            if isinstance(item, Page):
                self._pages += item.weight
                while not self._stopped and not self._has_room(index):
                    self._changed.wait()
            if self._stopped:
                raise StoppedError

    def _has_room(self, index: int) -> bool:
        """Whether a page of a day may wait; the day that is being taken has room of its own."""
        items = self._waiting[index]
        own = sum(page.weight for page in items if isinstance(page, Page))
        return own < PAGES_PER_WORKER and (index == self._head or self._pages < self._bound)

    def _put_error(self, index: int | None, error: BaseException) -> None:
        with self._changed:
            if index is not None and not self._stopped:
                self._waiting[index].append(error)
                self._changed.notify_all()
