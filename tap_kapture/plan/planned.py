"""A day to pull, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date


class Reason(str, Enum):
    """Why a day is pulled."""

    REREAD = "re-read"
    FRONTIER = "new"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True)
class PlannedDay:
    """One day to pull.

    Attributes:
        day: The day, local to the account.
        reason: Why it is pulled.
        digest: What its records digested to when they last left; empty when not known.
        emitted_at: When they last left, as they hold it; empty when not known.
        was_whole: Whether it came out whole then.
    """

    day: date
    reason: Reason
    digest: str = ""
    emitted_at: str = ""
    was_whole: bool = False
