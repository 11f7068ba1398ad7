"""What an account holds, and how it writes it, at one instant and under one set of quirks."""

from __future__ import annotations

from functools import cached_property, lru_cache
from random import Random
from typing import TYPE_CHECKING

from sandbox.account.clock import DAY
from sandbox.account.columns import COLUMNS, KEYS, Row
from sandbox.account.customers import customers_of
from sandbox.account.tickets import tickets_of
from sandbox.wire.kept import Kept
from sandbox.wire.oddities import as_sent, telling
from sandbox.wire.record import record_json
from sandbox.wire.truth import warehouse_record

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Hashable, Sequence

    from sandbox.account.account import Account, Stream
    from sandbox.account.customers import Customer
    from sandbox.account.tickets import Ticket
    from sandbox.quirks import Quirks

_KEPT_RECORDS = 30_000
_KEPT_BODY_BYTES = 256 * 1024 * 1024


class Memory:
    """What was made of an account's days.

    Making a record costs far more than looking it up, and most days have not changed since the
    last view. What depends on the instant is kept by how far each life has come.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.lives: Kept[Sequence[Ticket | Customer]] = Kept(_KEPT_RECORDS, len)
        self.listings: Kept[list[str]] = Kept(_KEPT_RECORDS, len)
        self.truths: Kept[dict[object, Row]] = Kept(_KEPT_RECORDS, len)


@lru_cache(maxsize=2)
def memory_of(_: str) -> Memory:
    """What is shared by all views of accounts that hold the same, however many were opened."""
    return Memory()


class View:
    """An account while nothing about it changes; a new instant or quirk needs a new view."""

    def __init__(
        self,
        account: Account,
        now: dt.datetime,
        quirks: Quirks,
        gone: frozenset[tuple[Stream, str]] = frozenset(),
    ) -> None:
        """Look at the account at an aware instant.

        Args:
            account: what it holds.
            now: where its clock stands.
            quirks: how it answers.
            gone: stream and key, as text, of the records that were deleted.
        """
        self.account = account
        self.now = now
        self.quirks = quirks
        self.gone = gone
        self.bodies: Kept[tuple[bytes, int]] = Kept(_KEPT_BODY_BYTES, lambda page: len(page[0]))
        self._memory = memory_of(account.content)

    def but(
        self,
        *,
        now: dt.datetime | None = None,
        quirks: Quirks | None = None,
        gone: frozenset[tuple[Stream, str]] | None = None,
    ) -> View:
        """The same account, at another instant, with other quirks, or without more records."""
        without = self.gone if gone is None else gone
        return View(self.account, now or self.now, quirks or self.quirks, without)

    @cached_property
    def today(self) -> dt.date:
        """The local day."""
        return self.now.astimezone(self.account.zone).date()

    def days(self) -> list[dt.date]:
        """All days that can hold a record."""
        first = self.account.first_day
        return [first + index * DAY for index in range((self.today - first).days + 1)]

    def rows(self, stream: Stream, day: dt.date) -> list[Row]:
        """A day's visible records as the account tells them, by creation."""
        if not self.account.first_day <= day <= self.today:
            return []
        zone, now, key = self.account.zone, self.now, KEYS[stream]
        rows = (life.at(now, zone) for life in self._lives(stream, day) if life.created <= now)
        return [
            as_sent(stream, row, self.quirks)
            for row in rows
            if (stream, str(row[key])) not in self.gone
        ]

    def holds(self, stream: Stream, key: str) -> bool:
        """Whether a record with that key, as text, is visible."""
        name = KEYS[stream]
        return any(str(row[name]) == key for day in self.days() for row in self.rows(stream, day))

    def truth_of_day(self, stream: Stream, day: dt.date, *, clean_text: bool) -> dict[object, Row]:
        """What a warehouse should hold of a day: primary key -> record."""
        columns, key = COLUMNS[stream], KEYS[stream]

        def make() -> dict[object, Row]:
            records = (
                {
                    **warehouse_record(columns, row, clean_text=clean_text),
                    "day": day.isoformat(),
                }
                for row in self.rows(stream, day)
            )
            return {record[key]: record for record in records}

        told = (*self._told(stream, day), telling(self.quirks), clean_text)
        return dict(self._memory.truths.get(told, make))

    def listing(self, stream: Stream, day: dt.date) -> list[str]:
        """A day's records as JSON, duplicates included, in the account's order."""
        told = (*self._told(stream, day), self.quirks)
        return self._memory.listings.get(told, lambda: self._listed(stream, day))

    def count(self, stream: Stream, day: dt.date) -> int:
        """How many different records a day has."""
        return len(set(self.listing(stream, day)))

    def _lives(self, stream: Stream, day: dt.date) -> Sequence[Ticket | Customer]:
        """All records that are ever created on a day."""
        make = tickets_of if stream == "tickets" else customers_of
        return self._memory.lives.get((stream, day), lambda: make(self.account, day))

    def _told(self, stream: Stream, day: dt.date) -> tuple[Hashable, ...]:
        """All on which depends what there is to tell of a day, but for quirks."""
        stages = tuple(life.stage(self.now) for life in self._lives(stream, day))
        return stream, day, self.gone, stages

    def _listed(self, stream: Stream, day: dt.date) -> list[str]:
        records = [record_json(stream, row, self.quirks) for row in self.rows(stream, day)]
        rng = Random(f"{self.account.seed}/{stream}/{day}/order")
        if self.quirks.order == "descending":
            records.reverse()
        elif self.quirks.order == "shuffled":
            rng.shuffle(records)
        if self.quirks.duplicates and records:
            again = rng.sample(records, 1 + len(records) // 10)
            for record in again:
                records.insert(rng.randrange(len(records) + 1), record)
        return records
