"""All workers pass one gate: few enough at once, none while the server asks for patience."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_kapture.wire.gate import CLEAN_ANSWERS_TO_RECOVER, Gate, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable

GENEROUS = 10.0


class Workers:
    """Threads that each pass the gate once, hold their slot, and tell how they fared."""

    def __init__(self, gate: Gate, count: int) -> None:
        """Start the threads."""
        self.release = threading.Event()
        self.inside: list[float] = []
        self.stopped = 0
        self._gate = gate
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._pass, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _pass(self) -> None:
        try:
            with self._gate.slot():
                with self._lock:
                    self.inside.append(time.monotonic())
                self.release.wait(GENEROUS)
        except StoppedError:
            with self._lock:
                self.stopped += 1

    def ended(self) -> bool:
        """Let everyone out, and say whether all threads end."""
        self.release.set()
        for thread in self._threads:
            thread.join(GENEROUS)
        return not any(thread.is_alive() for thread in self._threads)


def until(condition: Callable[[], bool]) -> bool:
    """Wait for something that happens soon, and then a little for what must not."""
    deadline = time.monotonic() + GENEROUS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    return condition()


def allowed(gate: Gate) -> int:
    """Return how many requests the gate lets into flight now."""
    workers = Workers(gate, 40)
    try:
        assert until(lambda: len(workers.inside) > 0)
        settled = -1
        while settled != len(workers.inside):
            settled = len(workers.inside)
            time.sleep(0.08)
        return settled
    finally:
        assert workers.ended()


def pauses(gate: Gate) -> int:
    """Send one request, and return what the gate gave it."""
    with gate.slot() as before:
        return before


@pytest.mark.parametrize("concurrency", [1, 3, 8])
def test_no_more_than_concurrency_are_in_flight(concurrency: int) -> None:
    assert allowed(Gate(concurrency)) == concurrency


def test_a_slot_is_given_back_whatever_happens() -> None:
    gate = Gate(1)
    for _ in range(3):
        with pytest.raises(KeyError), gate.slot():
            raise KeyError
    assert allowed(gate) == 1


def test_a_refusal_halves_the_number_in_flight() -> None:
    gate = Gate(8)
    for expected in (4, 2, 1, 1):
        gate.pause(0, pauses(gate))
        assert allowed(gate) == expected


def test_refusals_of_requests_that_were_in_flight_together_are_one_event() -> None:
    gate = Gate(8)
    with ExitStack() as together:
        before = [together.enter_context(gate.slot()) for _ in range(8)]
    assert len(set(before)) == 1
    for each in before:
        gate.pause(0, each)
    assert allowed(gate) == 4
    assert pauses(gate) == before[0] + 1
    gate.pause(0, before[0])
    assert allowed(gate) == 4
    gate.pause(0, pauses(gate))
    assert allowed(gate) == 2


def test_20_clean_answers_add_one_back_up_to_concurrency() -> None:
    gate = Gate(4)
    gate.pause(0, pauses(gate))
    assert CLEAN_ANSWERS_TO_RECOVER == 20
    for before, after in ((2, 3), (3, 4), (4, 4)):
        for _ in range(19):
            gate.clean_answer()
        assert allowed(gate) == before
        gate.clean_answer()
        assert allowed(gate) == after


def test_answers_before_a_refusal_do_not_count_towards_recovery() -> None:
    gate = Gate(4)
    for _ in range(19):
        gate.clean_answer()
    gate.pause(0, pauses(gate))
    gate.clean_answer()
    assert allowed(gate) == 2


def test_nobody_passes_while_the_gate_is_closed() -> None:
    gate = Gate(4)
    begin = time.monotonic()
    gate.pause(0.3, pauses(gate))
    workers = Workers(gate, 4)
    assert until(lambda: len(workers.inside) == 2)
    assert min(workers.inside) >= begin + 0.3
    assert workers.ended()


def test_the_longest_pause_counts_whichever_comes_first() -> None:
    gate = Gate(4)
    begin = time.monotonic()
    before = pauses(gate)
    gate.pause(0.3, before)
    gate.pause(0.01, before)
    assert pauses(gate) >= 1
    assert time.monotonic() >= begin + 0.3


def test_a_pause_may_be_extended_while_someone_waits() -> None:
    gate = Gate(2)
    before = pauses(gate)
    gate.pause(0.1, before)
    workers = Workers(gate, 1)
    time.sleep(0.02)
    extended = time.monotonic()
    gate.pause(0.3, before)
    assert until(lambda: len(workers.inside) == 1)
    assert workers.inside[0] < extended or workers.inside[0] >= extended + 0.3
    assert workers.ended()


def test_stop_wakes_everyone_who_waits() -> None:
    gate = Gate(1)
    with gate.slot():
        for_a_slot = Workers(gate, 3)
        time.sleep(0.02)
        gate.pause(600, 0)
        for_the_gate = Workers(gate, 3)
        time.sleep(0.02)
        gate.stop()
        assert for_a_slot.ended()
        assert for_the_gate.ended()
    assert for_a_slot.stopped == for_the_gate.stopped == 3
    assert for_a_slot.inside == for_the_gate.inside == []


def test_nobody_passes_a_stopped_gate() -> None:
    gate = Gate(1)
    gate.stop()
    with pytest.raises(StoppedError), gate.slot():
        pytest.fail("passed")
    with pytest.raises(StoppedError):
        gate.wait(0)


def test_one_worker_may_wait_alone() -> None:
    gate = Gate(2)
    begin = time.monotonic()
    gate.wait(0.1)
    assert time.monotonic() >= begin + 0.1
    assert allowed(gate) == 2


def test_stop_wakes_a_worker_that_waits_alone() -> None:
    gate = Gate(1)
    woken = threading.Event()

    def wait() -> None:
        with pytest.raises(StoppedError):
            gate.wait(600)
        woken.set()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    time.sleep(0.02)
    gate.stop()
    assert woken.wait(GENEROUS)
    thread.join(GENEROUS)


EVENTS = st.sampled_from(["refused", "clean", "many clean", "old refusal"])


@given(concurrency=st.integers(1, 32), happened=st.lists(EVENTS))
def test_the_pace_follows_the_rule_whatever_happens(concurrency: int, happened: list[str]) -> None:
    gate = Gate(concurrency)
    expected, clean = concurrency, 0
    for each in happened:
        if each == "refused":
            gate.pause(0, pauses(gate))
            expected, clean = max(1, expected // 2), 0
        elif each == "old refusal":
            gate.pause(0, -1)
            clean = 0
        for _ in range({"clean": 1, "many clean": 23}.get(each, 0)):
            gate.clean_answer()
            clean += 1
            if clean >= 20 and expected < concurrency:
                expected, clean = expected + 1, 0
    with ExitStack() as slots:
        for _ in range(expected):
            slots.enter_context(gate.slot())
        late = Workers(gate, 1)
        time.sleep(0.001)
        assert late.inside == []
        late.release.set()
    assert late.ended()
    assert len(late.inside) == 1
