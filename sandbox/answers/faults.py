"""What goes wrong on purpose: named faults, random storms, and limits."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Hashable, Iterable

Action = Literal[
    "429",
    "429_date",
    "503",
    "500",
    "502",
    "504",
    "408",
    "400",
    "403",
    "404",
    "reset",
    "cut",
    "html",
    "hang",
    "slow",
    "server_failure",
    "failed",
    "redirect",
    "bad_message",
    "no_key",
    "echo_token",
    "bad_bytes",
    "bad_header",
    "odd_field",
]
RETRYABLE: tuple[Action, ...] = (
    "429",
    "503",
    "500",
    "502",
    "504",
    "408",
    "reset",
    "cut",
    "html",
    "server_failure",
)
NEED_ROWS = frozenset({"no_key", "bad_bytes", "odd_field"})
_LONGEST_STREAK = 3


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with some requests.

    Attributes:
        action: what happens. `no_key`, `bad_bytes` and `odd_field` wait for an answer that holds
            records.
        stream: only requests of this stream; None for any.
        day: only requests for this day; None for any.
        times: how many requests it hits; `math.inf` for ever.
        after: how many matching requests pass unharmed first.
        retry_after: seconds to announce with 429, 429_date or 503; None for no header.
        text: the message of `failed`, or the JSON of the field that `odd_field` adds to a record.
        seconds: how long `hang` and `slow` take; without it a hang lasts until the end.
    """

    action: Action
    stream: str | None = None
    day: dt.date | None = None
    times: float = 1
    after: int = 0
    retry_after: float | None = None
    text: str | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Refuse an unknown action.

        Raises:
            ValueError: naming the actions.
        """
        if self.action not in get_args(Action):
            message = f"there is no fault {self.action!r}; there are {', '.join(get_args(Action))}"
            raise ValueError(message)


@dataclass(frozen=True)
class Storm:
    """Random faults, the same sequence for a seed, never over three in a row for one request.

    Attributes:
        probability: that a request is hit.
        seed: of the sequence.
        actions: to choose from.
        seconds: for `hang` and `slow` among them.
    """

    probability: float
    seed: int = 0
    actions: tuple[Action, ...] = RETRYABLE
    seconds: float | None = None


@dataclass(frozen=True)
class RateLimit:
    """A token bucket: `burst` requests at once, then `per_second` on average."""

    per_second: float
    burst: int = 1


class FaultPlan:
    """Counts down the faults of a sandbox."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Arm the faults."""
        self.faults = tuple(faults)
        self._after = [fault.after for fault in self.faults]
        self._times = [fault.times for fault in self.faults]

    def pick(self, stream: str, day: dt.date | None, rows: int | None) -> Fault | None:
        """The first fault that hits a request, which is then spent once.

        Args:
            stream: of the request.
            day: that it asks for.
            rows: that its answer would hold.
        """
        for index, fault in enumerate(self.faults):
            if not _concerns(fault, stream, day, rows):
                continue
            if self._after[index]:
                self._after[index] -= 1
            elif self._times[index] > 0:
                self._times[index] -= 1
                return fault
        return None


def _concerns(fault: Fault, stream: str, day: dt.date | None, rows: int | None) -> bool:
    return (
        fault.stream in {None, stream}
        and fault.day in {None, day}
        and (bool(rows) or fault.action not in NEED_ROWS)
    )


class StormPlan:
    """Draws the faults of a storm."""

    def __init__(self, storm: Storm) -> None:
        """Start the sequence."""
        self._storm = storm
        self._random = Random(storm.seed)
        self._streaks: Counter[Hashable] = Counter()

    def pick(self, request: Hashable) -> Fault | None:
        """The fault that hits a request, if one does.

        Args:
            request: what is the same when it is asked again.
        """
        storm = self._storm
        hit = self._random.random() < storm.probability
        action = self._random.choice(storm.actions)
        if not hit or self._streaks[request] >= _LONGEST_STREAK:
            self._streaks.pop(request, None)
            return None
        self._streaks[request] += 1
        return Fault(action, seconds=storm.seconds)


class Bucket:
    """The tokens of a rate limit."""

    def __init__(self, limit: RateLimit) -> None:
        """Start full."""
        self._limit = limit
        self._tokens = float(limit.burst)
        self._filled = time.monotonic()

    def wait(self) -> int:
        """Take a token; 0 if there was one, else whole seconds until there is."""
        now = time.monotonic()
        gained = (now - self._filled) * self._limit.per_second
        self._tokens, self._filled = min(float(self._limit.burst), self._tokens + gained), now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0
        return max(1, math.ceil((1 - self._tokens) / self._limit.per_second))
