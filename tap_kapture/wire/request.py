"""What is asked of an endpoint, rows of the days of a window, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
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


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one request.

    Attributes:
        status: HTTP status.
        headers: Headers, by name in lower case.
        body: The body's bytes, decompressed.
        path: Path that was asked.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    path: str
