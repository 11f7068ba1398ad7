"""What an account holds, and how it writes it, at one instant and under one set of quirks."""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Generic, TypeVar

from sandbox.account.clock import DAY
from sandbox.account.columns import COLUMNS, KEYS, Row
from sandbox.account.customers import customers_of
from sandbox.account.tickets import tickets_of
from sandbox.wire.oddities import as_sent
from sandbox.wire.record import record_json
from sandbox.wire.truth import warehouse_record

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Hashable

    from sandbox.account.account import Account, Stream
    from sandbox.quirks import Quirks

_KEPT_RECORDS = 30_000
_KEPT_BODY_BYTES = 256 * 1024 * 1024

V = TypeVar("V")


class Kept(Generic[V]):
    """The values used last, up to a total size, and always the newest."""

    def __init__(self, room: int) -> None:
        """Start empty, with room for values of that total size."""
        self._left = room
        self._values: OrderedDict[Hashable, tuple[int, V]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], V], size: Callable[[V], int]) -> V:
        """The value for a key, made when it is not there."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key][1]
        value = make()
        self._values[key] = size(value), value
        self._left -= size(value)
        while self._left < 0 and len(self._values) > 1:
            self._left += self._values.popitem(last=False)[1][0]
        return value


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
        self.bodies: Kept[tuple[bytes, int]] = Kept(_KEPT_BODY_BYTES)
        self._listings: Kept[list[str]] = Kept(_KEPT_RECORDS)

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
        lives = (tickets_of if stream == "tickets" else customers_of)(self.account, day)
        rows = (life.at(now, zone) for life in lives if life.created <= now)
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
        records = (
            {
                **warehouse_record(COLUMNS[stream], row, clean_text=clean_text),
                "day": day.isoformat(),
            }
            for row in self.rows(stream, day)
        )
        return {record[KEYS[stream]]: record for record in records}

    def listing(self, stream: Stream, day: dt.date) -> list[str]:
        """A day's records as JSON, duplicates included, in the account's order."""
        return self._listings.get((stream, day), lambda: self._listed(stream, day), len)

    def count(self, stream: Stream, day: dt.date) -> int:
        """How many different records a day has."""
        return len(set(self.listing(stream, day)))

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
