"""Days of accounts in plain Python, read one after another."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from one_run import heads
from paged_account import PagedAccount

from sandbox import Quirks
from tap_kapture.day.reading import DayReader
from tap_kapture.day.tally import DayFacts, Page
from tap_kapture.dialect.dialect import Dialect, Turn
from tap_kapture.dialect.doubts import Doubts
from tap_kapture.dialect.learned import (
    Learned,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tap_kapture.dialect.doubts import Doubt
    from tap_kapture.wire.answers import Answer
    from tap_kapture.wire.request import Request

DAY = dt.date(2024, 4, 19)
ROWS = Dialect(confirmed=True)
NONE = Dialect(Turn.NONE, confirmed=True)
PAGE_SIZES = st.integers(2, 130)


class Days:
    """Reads days of one account, one after another.

    Attributes:
        learned: What is known of the account.
        doubts: What is counted over all days.
    """

    def __init__(
        self,
        dialect: Dialect = ROWS,
        page_size: int = 10,
        *,
        verify: bool = True,
        stated: bool = False,
        whole_day: bool = False,
    ) -> None:
        """Begin with what is known."""
        self.learned = Learned("tickets", dialect, page_size=page_size, stated=stated)
        self.doubts = Doubts("tickets", self.learned)
        self.reader = DayReader(
            "tickets", heads(), self.doubts, verify_last_page=verify, whole_day=whole_day
        )

    def read(
        self, account: PagedAccount | Callable[[Request], Answer], *, moves: bool = False
    ) -> tuple[list[bytes], DayFacts]:
        """Read a day to its end: the rows that were handed on, and the facts."""
        ask = account.ask if isinstance(account, PagedAccount) else account
        *pages, facts = self.reader.read(DAY, ask, moves=moves)
        assert isinstance(facts, DayFacts)
        handed: list[bytes] = []
        for page in pages:
            assert isinstance(page, Page)
            assert page.rows
            assert page.size == sum(len(bytes(each)) for each in page.rows)
            handed += map(bytes, page.rows)
        return handed, facts

    def doubt(self, account: PagedAccount | Callable[[Request], Answer]) -> Doubt | None:
        """Read a day; return what is doubtful of it."""
        return self.read(account)[1].doubt


def of(listed: Iterable[bytes], seed: int = 0, **quirks: Any) -> PagedAccount:  # noqa: ANN401 - quirks by name
    """Return an account with one day."""
    return PagedAccount({DAY: list(listed)}, Quirks(**quirks), seed)


class Changing(PagedAccount):
    """An account that lists its day in another way after some requests."""

    changes_after = 0
    later: PagedAccount

    def ask(self, request: Request) -> Answer:
        """Answer one request."""
        if len(self.asked) < self.changes_after:
            return super().ask(request)
        self.asked.append(request)
        return self.later.ask(request)


def changing(
    listed: Sequence[bytes], later: Sequence[bytes], after: int, total_of_later: int | None = None
) -> Changing:
    """Return an account whose listing changes after some requests."""
    account = Changing({DAY: listed}, Quirks())
    account.changes_after, account.later = after, of(later)
    if total_of_later:
        account.total = account.later.total = total_of_later
    return account


def pages_of(count: int, size: int) -> int:
    """Return the pages of a day; each but the first one begins with the last row before it."""
    return 1 if count <= size else 1 - (size - count) // (size - 1)
