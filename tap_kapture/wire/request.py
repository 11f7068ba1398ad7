"""What is asked of an endpoint: rows of the days of a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True)
class Request:
    """Which rows of which day to ask for.

    Attributes:
        day: The first day of the window, local to the account.
        end: The window's end date.
        limit: Value of ``limit``.
        offset: Value of ``offset``; None to leave it out.
    """

    day: date
    end: date
    limit: int
    offset: int | None
