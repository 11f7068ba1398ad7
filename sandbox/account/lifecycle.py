"""What happens to a ticket after its creation."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.account.words import happens

if TYPE_CHECKING:
    from random import Random

# Status, its substatus and the substatus's key.
PENDING = ("Pending", "Pending", "PS")
OPEN = ("Open", "In progress", "IP")
REOPENED = ("Open", "Reopened by customer", "RO")
MERGED = ("Merged", "Merged", "MG")
CLOSINGS = (
    *[("Complete", "Closed", "CL")] * 12,
    ("Closed", "Closed", "CL"),
    ("Resolved", "Solved on call", "SC"),
    ("Junk", "Spam", "SP"),
    ("COMPLETE", "Auto-closed", "AC"),
    MERGED,
)
ONGOING = frozenset({"Pending", "Open"})


@dataclass(frozen=True)
class Event:
    """From an instant (UTC) on, a ticket has a status."""

    at: dt.datetime
    status: str
    substatus: str
    substatus_key: str

    @property
    def ongoing(self) -> bool:
        """Whether the ticket still needs work."""
        return self.status in ONGOING


def story(rng: Random, created: dt.datetime, reopen_before: dt.datetime) -> tuple[Event, ...]:
    """A ticket's events, ascending, from its creation to its last closing.

    Most tickets close within hours, nearly all within three days, one in a hundred takes weeks.
    After the last closing a ticket never changes again.

    Args:
        rng: decides.
        created: when the ticket is created (UTC).
        reopen_before: a closed ticket can be opened again until this instant (UTC).
    """
    opened = created + _minutes(rng, 3, 90)
    closed = opened + _time_to_close(rng)
    events = [Event(created, *PENDING), Event(opened, *OPEN), Event(closed, *rng.choice(CLOSINGS))]
    earliest = closed + dt.timedelta(minutes=10)
    left = (reopen_before - earliest).total_seconds()
    if happens(rng, 0.04) and left > 0:
        reopened = earliest + dt.timedelta(seconds=int(left * rng.random()))
        again = _minutes(rng, 60, 2400) if happens(rng, 0.8) else _minutes(rng, 5760, 11520)
        events += [Event(reopened, *REOPENED), Event(reopened + again, *rng.choice(CLOSINGS))]
    return tuple(events)


def settled(rng: Random, created: dt.datetime) -> tuple[Event, ...]:
    """The story of a ticket that is closed from the start and never changes."""
    return (Event(created, *rng.choice(CLOSINGS)),)


def _time_to_close(rng: Random) -> dt.timedelta:
    if happens(rng, 0.86):
        return _minutes(rng, 10, 600)
    if happens(rng, 0.93):
        return _minutes(rng, 600, 2880)
    return _minutes(rng, 4 * 1440, 60 * 1440)


def _minutes(rng: Random, least: int, most: int) -> dt.timedelta:
    return dt.timedelta(minutes=rng.randrange(least, most), seconds=rng.randrange(60))
