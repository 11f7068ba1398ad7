"""Keepers of a bookmark in the middle of May, and what they take in."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from one_run import CLOSED, settings_of, through_json

from tap_kapture.day.tally import DayFacts
from tap_kapture.dialect.dialect import Dialect
from tap_kapture.dialect.doubts import Doubt, Doubts
from tap_kapture.dialect.learned import Learned
from tap_kapture.errors import KaptureError, KaptureRecordError
from tap_kapture.plan.bookmarks import Bookmark, LedgerDay
from tap_kapture.plan.days import Horizon
from tap_kapture.pull.keeping import Keeper
from tap_kapture.pull.memory import Memory

if TYPE_CHECKING:
    from tap_kapture.plan.planned import PlannedDay, Reason

KNOWN = Dialect(confirmed=True)
COUNT = Doubt("count", "the count never comes out")


def day(text: str) -> dt.date:
    """Return a day of 2024 from month and day."""
    return dt.date.fromisoformat(f"2024-{text}")


def facts(open_count: int = 0, *, records: int = 5, doubt: Doubt | None = None) -> DayFacts:
    """Return what a day came to."""
    return DayFacts(records, open_count, "d", doubt)


def error(text: str) -> KaptureError:
    """Return the error of a day that has a record without a key."""
    return KaptureRecordError("a record has no key").at("tickets", day(text), 0)


def horizon(start: str = "05-01", today: str = "05-10", **more: Any) -> Horizon:  # noqa: ANN401 - of any field
    """Return the horizon of a run in the middle of a day."""
    return Horizon(day(start), day(today), day(today), day(today), **more)


def learned(dialect: Dialect = KNOWN) -> Doubts:
    """Return what is known of an account, and without doubts so far."""
    return Doubts("tickets", Learned("tickets", dialect, page_size=500))


def came_empty(account: Doubts, *days: str) -> None:
    """Note days that came empty by the dialect as it is taken to be now."""
    known = account.learned.dialect
    for text in days:
        account.learned.guessed.read(known.request(day(text), *known.first(500)), empty=True)


def keeper(
    bookmark: Bookmark | None,
    run: Horizon,
    *,
    known: Doubts | None = None,
    closed: frozenset[str] | None = CLOSED,
) -> Keeper:
    """Return what keeps a bookmark."""
    kept = bookmark.dialect if bookmark else None
    memory = Memory(kept, settings_of(), "tickets", run.today)
    known = known or learned()
    return Keeper(
        "tickets",
        bookmark,
        run,
        closed_statuses=closed,
        memory=memory,
        doubts=known,
        unsettled_fails=True,
    )


def names(days: list[PlannedDay], reason: Reason | None = None) -> list[str]:
    """Return planned days as month and day."""
    return [f"{one.day:%m-%d}" for one in days if reason in {None, one.reason}]


def read_all(keeps: Keeper, days: list[PlannedDay], open_count: int = 0) -> Bookmark:
    """Finish each day; return the last state."""
    written = None
    for planned in days:
        written = keeps.ended(planned.day, facts(open_count)) or written
    written = keeps.concluded() or written
    assert written is not None
    return through_json(written)


def after(value: str, days: dict[str, LedgerDay] | None = None, **more: Any) -> Bookmark:  # noqa: ANN401 - of any field
    """Return a bookmark that follows since long ago what the tests follow."""
    ledger = {day(name): entry for name, entry in (days or {}).items()}
    usual: dict[str, Any] = {"followed_from": day("01-01"), "closed_statuses": CLOSED}
    return Bookmark(day(value), day("01-01"), ledger, **{**usual, **more})
