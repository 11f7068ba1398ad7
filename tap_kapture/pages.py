"""Paging inside a day: what to ask next, and when the day is whole.

Kapture documents neither a cap on ``limit``, nor whether ``offset`` works for tickets, nor whether
a short page is the last one. So nothing of that is assumed: the next offset counts the rows that
came, and a day ends only on evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tap_kapture.errors import KapturePagingError

MAX_LIMIT = 5000
"""The largest ``limit`` that is ever asked for, in rows."""

MAX_STALE = 3
"""Pages in a row without a new key after which a day is not read on."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What one answer says about its day.

    Attributes:
        rows: Rows in the answer.
        new_keys: Distinct keys that this reading of the day had not seen before.
        repeats: Keys that an earlier page of this reading held already.
        total: A positive ``totalCount``, or None.
    """

    rows: int
    new_keys: int
    repeats: int = 0
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How far one reading of a day has come; ``limit`` and ``offset`` are what to ask next.

    Attributes:
        limit: Rows to ask for.
        offset: Rows to skip.
        keys: Distinct keys seen so far.
        repeats: Keys met again on a later page: rows moved while the day was being paged.
        total: The last positive ``totalCount`` that the server gave, or None.
        stale: Pages in a row that held no new key.
        last_was_short: The page before held fewer rows than were asked for.
        offset_ignored: The account answers every offset with the same rows.
        done: Nothing is left to ask.
    """

    limit: int
    offset: int = 0
    keys: int = 0
    repeats: int = 0
    total: int | None = None
    stale: int = 0
    last_was_short: bool = False
    offset_ignored: bool = False
    done: bool = False

    @property
    def settled(self) -> bool:
        """Whether nothing hints at a missed row: the announced total came, and no row moved."""
        return self.keys == self.total if self.total else not self.repeats

    def after(self, page: PageFacts, *, verify_last_page: bool) -> Reading:
        """Take in a page and decide what to ask next.

        Args:
            page: What came for the current ``limit`` and ``offset``.
            verify_last_page: Whether a short page must be followed by an empty one.

        Returns:
            The reading with the next ``limit`` and ``offset``, or done.

        Raises:
            KapturePagingError: The account ignores ``offset`` and fills even the largest page.
        """
        short = page.rows < self.limit
        now = replace(
            self,
            offset=self.offset + page.rows,
            keys=self.keys + page.new_keys,
            total=page.total or self.total,
            last_was_short=short,
        )
        whole = replace(now, done=True)
        if page.rows == 0 or page.rows > self.limit:
            return whole
        if self.offset_ignored or (page.new_keys == 0 and page.repeats == self.keys):
            # The same rows again. They are the whole day, unless they fill the page to its limit.
            return whole if short or self.last_was_short else _widened(now)
        now = replace(now, repeats=self.repeats + page.repeats)
        if page.new_keys == 0:
            # Only some of the rows again: they moved, or came twice, and others may follow.
            return replace(now, stale=self.stale + 1, done=self.stale + 1 == MAX_STALE)
        now = replace(now, stale=0)
        # A full page may be one of many: it takes a short one to believe the total, which some
        # servers fill with the rows of the page.
        reached = now.total is not None and now.keys >= now.total
        return replace(now, done=short and (reached or not verify_last_page))


def _widened(reading: Reading) -> Reading:
    """Ask from the start for twice as many rows."""
    if reading.limit >= MAX_LIMIT:
        msg = (
            f"the account ignores 'offset' and the day fills the largest page ({MAX_LIMIT} "
            "records), so the rest of it cannot be reached. Ask Kapture support to switch "
            "pagination on for the account, then run again"
        )
        raise KapturePagingError(msg)
    return replace(
        reading,
        limit=min(reading.limit * 2, MAX_LIMIT),
        offset=0,
        last_was_short=False,
        offset_ignored=True,
    )
