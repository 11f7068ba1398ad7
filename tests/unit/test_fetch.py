"""Days are read several at a time, and leave in order: bounded, without a hang, errors in place."""

from __future__ import annotations

import datetime as dt
import sys
import threading
import time
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import msgspec
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from tap_kapture.day.tally import DayFacts, Page, UnreadDay
from tap_kapture.errors import KaptureRefusedError, KaptureTransientError
from tap_kapture.plan.planned import PlannedDay, Reason
from tap_kapture.pull.events import Idle
from tap_kapture.pull.workers import FAREWELL, PAGES_PER_WORKER, Fetch, aside
from tap_kapture.wire.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from tap_kapture.pull.workers import Item, ReadDay

T = TypeVar("T")
FIRST = dt.date(2024, 1, 1)
GENEROUS = 10.0
# Should the watch below not get to look any more: ends the process, as nothing else would help.
pytestmark = pytest.mark.timeout(2 * GENEROUS, method="thread")


def days(count: int) -> list[PlannedDay]:
    """Return days to read."""
    return [PlannedDay(FIRST + dt.timedelta(days=n), Reason.FRONTIER) for n in range(count)]


def index_of(day: PlannedDay) -> int:
    """Return the position of a day."""
    return (day.day - FIRST).days


def page(day: int, number: int) -> Page:
    """Return a page that says where it comes from."""
    return Page([msgspec.Raw(f"[{day}, {number}]".encode())], size=1)


def facts(day: int) -> DayFacts:
    """Return the facts of a day."""
    return DayFacts(day, 0, "")


class Server:
    """Gives each day its pages, and keeps count of what is under way."""

    def __init__(self, counts: Sequence[int], *, delay: float = 0.0) -> None:
        """Keep the number of pages of each day."""
        self.counts = counts
        self.delay = delay
        self.yielded = 0
        self.reading = 0
        self.most = 0
        self.sessions: set[int] = set()
        self.fails_at: dict[int, BaseException] = {}
        self._lock = threading.Lock()

    def read_day(self, session: requests.Session, day: PlannedDay) -> Iterator[Item]:
        """Read a day."""
        index = index_of(day)
        with self._lock:
            self.reading += 1
            self.most = max(self.most, self.reading)
            self.sessions.add(id(session))
        try:
            for number in range(self.counts[index]):
                time.sleep(self.delay * ((index * 7 + number * 3) % 5))
                with self._lock:
                    self.yielded += 1
                yield page(index, number)
            if index in self.fails_at:
                raise self.fails_at[index]
            yield facts(index)
        finally:
            with self._lock:
                self.reading -= 1


class DeadlockError(BaseException):
    """Nothing comes any more; not even Hypothesis catches this."""


class Watch:
    """Fails a test whose taker has waited for long, and says where each thread stands."""

    def __init__(self) -> None:
        """Begin now."""
        self.since = time.monotonic()

    def took(self) -> None:
        """Begin anew: something came."""
        self.since = time.monotonic()

    def look(self) -> None:
        """Called as often as the taker waits in vain."""
        if time.monotonic() - self.since < GENEROUS:
            return
        frames = sys._current_frames()  # noqa: SLF001 - made for this
        stacks = [
            "".join([f"{thread.name}\n", *traceback.format_stack(frames[thread.ident])])
            for thread in threading.enumerate()
            if thread.ident in frames
        ]
        raise DeadlockError("\n".join([f"nothing came for {GENEROUS} s", *stacks]))


WATCH = Watch()
tick = WATCH.look


def pages(fetch: Fetch, index: int, idle: Callable[[], None] = tick) -> Iterator[Item]:
    """Take the pages of a day; whoever waits for one for long fails."""
    WATCH.took()
    for item in fetch.pages(index):
        if isinstance(item, Idle):
            idle()
            continue
        WATCH.took()
        yield item
        WATCH.took()


def result_of(waiting: Generator[Idle, None, T], idle: Callable[[], None] = tick) -> T:
    """Wait for the result of work that is done aside."""
    WATCH.took()
    while True:
        try:
            next(waiting)
        except StopIteration as end:
            result: T = end.value
            return result
        idle()


def workers_left() -> list[str]:
    """Return the names of workers that still run."""
    return [t.name for t in threading.enumerate() if t.name.startswith("kapture-")]


def ended() -> bool:
    """Wait for the workers to end."""
    deadline = time.monotonic() + GENEROUS
    while workers_left() and time.monotonic() < deadline:
        time.sleep(0.002)
    return not workers_left()


def expected(counts: Sequence[int]) -> list[list[Item]]:
    """Return what each day must give."""
    return [
        [*(page(day, number) for number in range(count)), facts(day)]
        for day, count in enumerate(counts)
    ]


def plain(items: Sequence[Item]) -> list[object]:
    """Return pages and facts in a form that compares."""
    return [bytes(each.rows[0]) if isinstance(each, Page) else each for each in items]


def taken(
    fetch: Fetch, count: int, pause: float = 0.0, idle: Callable[[], None] = tick
) -> list[list[object]]:
    """Take days in order."""
    found = []
    for index in range(count):
        items = []
        for item in pages(fetch, index, idle):
            items.append(item)
            time.sleep(pause)
        found.append(plain(items))
    return found


@given(
    counts=st.lists(st.integers(0, 12), max_size=12),
    concurrency=st.integers(1, 6),
    delay=st.sampled_from([0, 0, 0.0003]),
    pause=st.sampled_from([0, 0, 0.0005]),
)
def test_every_page_comes_once_in_the_order_of_the_days(
    counts: list[int], concurrency: int, delay: float, pause: float
) -> None:
    server = Server(counts, delay=delay)
    fetch = Fetch(days(len(counts)), server.read_day, concurrency=concurrency)
    with fetch:
        found = taken(fetch, len(counts), pause)
    assert found == [plain(items) for items in expected(counts)]
    assert server.most <= concurrency
    fetch.join()
    assert ended()


def test_days_are_read_at_the_same_time_each_worker_with_its_session() -> None:
    barrier = threading.Barrier(4, timeout=GENEROUS)
    server = Server([0] * 4)

    def read_day(session: requests.Session, day: PlannedDay) -> Iterator[Item]:
        for item in server.read_day(session, day):
            barrier.wait()
            yield item

    with Fetch(days(4), read_day, concurrency=4) as fetch:
        assert len(taken(fetch, 4)) == 4
    assert len(server.sessions) == 4
    assert ended()


@pytest.mark.parametrize("concurrency", [1, 2, 4])
@pytest.mark.parametrize("counts", [[1] * 200, [60] * 8, [0] * 200, [1, 200, 1], [200, 200]])
def test_pages_that_wait_are_bounded_however_slow_the_taker(
    concurrency: int, counts: list[int]
) -> None:
    server = Server(counts)
    bound = PAGES_PER_WORKER * concurrency
    got = 0
    most = 0
    with Fetch(days(len(counts)), server.read_day, concurrency=concurrency) as fetch:
        for index in range(min(len(counts), 4)):
            for item in pages(fetch, index):
                got += isinstance(item, Page)
                if got < 60:
                    time.sleep(0.002)
                # each worker may hold the page it has just read, and the day being taken its own
                most = max(most, server.yielded - got)
                assert server.yielded - got <= bound + PAGES_PER_WORKER + concurrency
    assert sum(counts) == 0 or most > 0
    assert ended()


def test_pages_of_short_days_fill_no_more_room_than_there_is() -> None:
    first = threading.Event()
    server = Server([0, 1, 3, 3, 4, 4, 4])
    bound = PAGES_PER_WORKER * 2

    def read_day(session: requests.Session, day: PlannedDay) -> Iterator[Item]:
        if index_of(day) == 0:
            first.wait(GENEROUS)
        yield from server.read_day(session, day)

    with Fetch(days(7), read_day, concurrency=2) as fetch:
        deadline = time.monotonic() + GENEROUS
        while server.yielded < bound and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.05)
        assert server.yielded == bound
        first.set()
        taken(fetch, 7)
    assert ended()


def large(counts: Sequence[int], read: list[int], begin: threading.Event) -> ReadDay:
    """Return a reading of days whose pages have 8 MiB; the first one waits to begin."""

    def read_day(_: requests.Session, day: PlannedDay) -> Iterator[Item]:
        index = index_of(day)
        if index == 0:
            begin.wait(GENEROUS)
        for number in range(counts[index]):
            read.append(index)
            yield replace(page(index, number), size=8 * 2**20)
        yield facts(index)

    return read_day


@pytest.mark.parametrize("count", [1, 3])
def test_large_pages_take_the_room_of_many(count: int) -> None:
    begin, read, counts = threading.Event(), list[int](), [count] * 12
    with Fetch(days(12), large(counts, read, begin), concurrency=3) as fetch:
        time.sleep(0.2)
        assert len(read) <= 4  # for each of two workers one that waits, and one in its hand
        begin.set()
        assert taken(fetch, 12) == [plain(items) for items in expected(counts)]
    assert ended()


def test_large_pages_of_the_day_being_taken_wait_one_by_one() -> None:
    begin, read = threading.Event(), list[int]()
    begin.set()
    with Fetch(days(1), large([20], read, begin), concurrency=1) as fetch:
        items = pages(fetch, 0)
        next(items)
        time.sleep(0.2)
        assert len(read) <= 3  # one taken, one that waits, one in the worker's hand
        assert len(list(items)) == 20
    assert ended()


def test_days_are_still_read_at_the_same_time_after_many_pages() -> None:
    barrier = threading.Barrier(4, timeout=GENEROUS)
    server = Server([1] * 100)

    def read_day(session: requests.Session, day: PlannedDay) -> Iterator[Item]:
        if index_of(day) >= 96:
            barrier.wait()
        yield from server.read_day(session, day)

    with Fetch(days(100), read_day, concurrency=4) as fetch:
        assert len(taken(fetch, 100)) == 100
    assert ended()


def test_quiet_days_do_not_run_away_from_the_day_being_taken() -> None:
    read: list[int] = []

    def read_day(_: requests.Session, day: PlannedDay) -> Iterator[Item]:
        read.append(index_of(day))
        yield facts(index_of(day))

    with Fetch(days(1000), read_day, concurrency=2) as fetch:
        taken(fetch, 1)
        time.sleep(0.1)
        assert len(read) <= 2 + 2 * PAGES_PER_WORKER
    assert ended()


def test_the_day_being_taken_goes_on_though_others_filled_the_room() -> None:
    others_full = threading.Event()
    read = [0]

    def read_day(_: requests.Session, day: PlannedDay) -> Iterator[Item]:
        index = index_of(day)
        if index == 0:
            others_full.wait(GENEROUS)
        for number in range(50):
            if index:
                read[0] += 1
            yield page(index, number)
        yield facts(index)

    fetch = Fetch(days(8), read_day, concurrency=4)
    with fetch:
        time.sleep(0.2)  # the others read as far as they may
        others_full.set()
        assert taken(fetch, 8) == [plain(items) for items in expected([50] * 8)]
    assert ended()


@given(
    counts=st.lists(st.integers(0, 6), min_size=1, max_size=10),
    failing=st.sets(st.integers(0, 9), min_size=1),
    concurrency=st.integers(1, 5),
)
def test_an_error_comes_at_its_day_after_everything_before_it(
    counts: list[int], failing: set[int], concurrency: int
) -> None:
    failing = {index % len(counts) for index in failing}
    server = Server(counts)
    server.fails_at = {index: KaptureTransientError(f"day {index}") for index in failing}
    first = min(failing)
    fetch = Fetch(days(len(counts)), server.read_day, concurrency=concurrency)
    items: list[Item] = []
    with fetch:
        before = taken(fetch, first)
        with pytest.raises(KaptureTransientError, match=f"^day {first}$"):
            items.extend(pages(fetch, first))
    assert before == [plain(each) for each in expected(counts)[:first]]
    assert ended()


def test_the_pages_of_a_failing_day_come_before_its_error() -> None:
    server = Server([3])
    server.fails_at = {0: KaptureTransientError("broken")}
    items: list[Item] = []
    fetch = Fetch(days(1), server.read_day, concurrency=1)
    with pytest.raises(KaptureTransientError, match="broken"), fetch:
        items.extend(pages(fetch, 0))
    assert plain(items) == plain([page(0, number) for number in range(3)])
    assert ended()


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyboardInterrupt(), MemoryError()])
def test_an_error_of_any_kind_reaches_the_taker(error: BaseException) -> None:
    server = Server([1, 0])
    server.fails_at = {1: error}
    with Fetch(days(2), server.read_day, concurrency=2) as fetch:
        taken(fetch, 1)
        with pytest.raises(type(error)):
            list(pages(fetch, 1))
    assert ended()


def test_a_session_that_cannot_be_made_is_an_error_of_its_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> None:
        message = "no session"
        raise OSError(message)

    server = Server([1] * 3)
    monkeypatch.setattr(requests, "Session", fail)
    fetch = Fetch(days(3), server.read_day, concurrency=2)
    with pytest.raises(OSError, match="no session"), fetch:
        list(pages(fetch, 0))
    assert ended()
    assert server.yielded == 0


def test_a_day_that_could_not_be_read_ends_like_any_other_day() -> None:
    server = Server([2] * 5)
    unread = UnreadDay(KaptureRefusedError("not this one"))

    def read_day(session: requests.Session, day: PlannedDay) -> Iterator[Item]:
        for item in server.read_day(session, day):
            yield unread if index_of(day) % 2 and not isinstance(item, Page) else item

    with Fetch(days(5), read_day, concurrency=2) as fetch:
        found = taken(fetch, 5)
    assert [each[-1] for each in found] == [facts(0), unread, facts(2), unread, facts(4)]
    assert [len(each) for each in found] == [3] * 5
    assert ended()


def test_the_other_days_go_on_behind_a_day_that_failed() -> None:
    server = Server([1] * 6)
    server.fails_at = {5: KaptureTransientError("last")}
    with Fetch(days(6), server.read_day, concurrency=3) as fetch:
        assert len(taken(fetch, 5)) == 5
        with pytest.raises(KaptureTransientError, match="last"):
            list(pages(fetch, 5))
    assert ended()


def test_the_taker_is_told_when_it_is_idle() -> None:
    gate = Gate(1)
    ticks: list[float] = []

    def read_day(_: requests.Session, day: PlannedDay) -> Iterator[Item]:
        gate.wait(0.7)
        yield facts(index_of(day))

    begin = time.monotonic()
    fetch = Fetch(days(1), read_day, concurrency=1)
    with fetch:
        taken(fetch, 1, idle=lambda: ticks.append(time.monotonic()))
    assert len(ticks) >= 2
    assert ticks[0] - begin < 5
    assert ended()


def test_whoever_is_idle_may_end_the_run() -> None:
    gate = Gate(1)

    def read_day(_: requests.Session, day: PlannedDay) -> Iterator[Item]:
        gate.wait(600)
        yield facts(index_of(day))

    def stop() -> None:
        raise SystemExit(143)

    fetch = Fetch(days(3), read_day, concurrency=2)
    with pytest.raises(SystemExit, match="143"), fetch:
        taken(fetch, 3, idle=stop)
    gate.stop()
    fetch.join()
    assert ended()


def test_a_worker_in_the_middle_of_an_answer_is_left_behind() -> None:
    answer = threading.Event()

    def read_day(_: requests.Session, day: PlannedDay) -> Iterator[Item]:
        answer.wait(GENEROUS)
        yield facts(index_of(day))

    fetch = Fetch(days(4), read_day, concurrency=4)
    with fetch:
        pass
    begin = time.monotonic()
    fetch.join()
    assert time.monotonic() - begin < FAREWELL + 3
    assert all(t.daemon for t in threading.enumerate() if t.name.startswith("kapture-"))
    answer.set()
    assert ended()


def test_workers_that_wait_for_room_end_when_the_run_ends() -> None:
    server = Server([100] * 10)
    fetch = Fetch(days(10), server.read_day, concurrency=4)
    with fetch:
        next(pages(fetch, 0))
        time.sleep(0.05)
    fetch.join()
    assert ended()


def test_a_stopped_gate_is_no_error_of_a_worker() -> None:
    gate = Gate(1)
    gate.stop()
    ticks = []

    def read_day(_: requests.Session, day: PlannedDay) -> Iterator[Item]:
        with gate.slot():
            yield facts(index_of(day))

    def stop() -> None:
        ticks.append(1)
        if len(ticks) == 3:
            raise SystemExit(143)

    fetch = Fetch(days(2), read_day, concurrency=2)
    with pytest.raises(SystemExit, match="143"), fetch:
        taken(fetch, 2, idle=stop)
    assert ended()


def test_no_days_start_no_workers() -> None:
    fetch = Fetch([], Server([]).read_day, concurrency=4)
    with fetch:
        assert workers_left() == []
    fetch.join()


# What is done aside, before any day is read


def test_work_aside_has_a_session_of_its_own_and_gives_its_result() -> None:
    assert isinstance(result_of(aside(lambda session: session)), requests.Session)
    assert ended()


@pytest.mark.parametrize("error", [ValueError("a bug"), KaptureTransientError("down")])
def test_an_error_of_work_aside_reaches_the_caller(error: BaseException) -> None:
    def work(_: requests.Session) -> None:
        raise error

    with pytest.raises(type(error), match=str(error)):
        result_of(aside(work))
    assert ended()


def test_whoever_is_idle_may_end_the_wait_for_work_aside() -> None:
    over = threading.Event()

    def stop() -> None:
        raise SystemExit(143)

    begin = time.monotonic()
    with pytest.raises(SystemExit, match="143"):
        result_of(aside(lambda _: over.wait(GENEROUS)), stop)
    assert time.monotonic() - begin < GENEROUS / 2
    over.set()
    assert ended()
