"""How the records of a day leave: shaped, at one time of extraction, and only if they changed."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from tap_kapture.day.tally import NEVER, DayFacts, Page, UnreadDay
from tap_kapture.pull.events import DayRead, Records, instant
from tap_kapture.schemas import EXTRA_FIELDS
from tap_kapture.shape.json import valid_utf8
from tap_kapture.shape.records import RecordShaper, as_dict, stamp

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator

    import msgspec

    from tap_kapture.errors import KaptureError
    from tap_kapture.plan.planned import PlannedDay
    from tap_kapture.settings.groups import Account
    from tap_kapture.wire.endpoints import Elements, Endpoint
    from tap_kapture.wire.transport import Traffic

REREAD_BUFFER = 32 * 1024 * 1024
"""Bytes of a re-read day that are held back until it is known whether the day changed."""
RECORDS_AT_ONCE = 100
"""Records that are shaped before they are handed on: few, so that the processor still has them at
hand when they are encoded."""
TICK = timedelta(milliseconds=1)


class Emission:
    """The records of one day on their way out.

    Attributes:
        day: The day.
        changed: Whether its records leave anew.
        emitted_at: Their time of extraction; of the last emission until they leave anew.
        shaped: How many have left by now.
        failure: Why the others cannot leave, or None.
    """

    def __init__(self, day: PlannedDay) -> None:
        """Begin with nothing.

        Args:
            day: The day, and what is known of its last reading.
        """
        self.day = day
        self.changed = False
        self.emitted_at = datetime.fromisoformat(day.emitted_at) if day.emitted_at else NEVER
        self.shaped = 0
        self.failure: KaptureError | None = None
        self._held: list[Page] | None = [] if day.digest else None
        self._size = 0

    def take(self, page: Page) -> list[Page]:
        """Take a page, and return the pages that leave now."""
        if self.failure:
            return []
        if self._held is None:
            return self._leaving([page])
        self._held.append(page)
        self._size += page.size
        return self._leaving(self._held) if self._size > REREAD_BUFFER else []

    def end(self, facts: DayFacts | UnreadDay) -> list[Page]:
        """Take what the day came to, and return the pages that still have to leave."""
        known = self.day.digest
        same = not self._held if isinstance(facts, UnreadDay) else facts.digest == known
        if self.failure or (self._held is not None and same):
            return []
        return self._leaving(self._held or [])

    def told(self, stream: str, facts: DayFacts, *, closed: bool, opens: bool) -> DayRead:
        """Return the row about the day.

        Args:
            stream: Name of the stream.
            facts: What the day came to.
            closed: Whether it can get no more records.
            opens: Whether records of this stream are open or closed.
        """
        return DayRead(
            stream=stream,
            day=self.day.day,
            records=facts.records,
            open=facts.open_count if opens else None,
            announced=facts.announced,
            reason=self.day.reason.value,
            closed=closed,
            settled=facts.doubt is None,
            changed=self.changed,
            requests=facts.requests,
            digest=facts.digest or None,
            read_at=facts.read_at,
            emitted_at=self.emitted_at,
        )

    def _leaving(self, pages: list[Page]) -> list[Page]:
        """Note when the first pages leave: later than the last time, even if a clock went back."""
        if not self.changed:
            now = datetime.now(timezone.utc)
            now = now.replace(microsecond=now.microsecond // 1000 * 1000)
            self.emitted_at = max(now, self.emitted_at + TICK)
        self.changed, self._held = True, None
        return pages


class Shaping:
    """Makes records of the pages of one stream."""

    def __init__(self, endpoint: Endpoint, account: Account, traffic: Traffic) -> None:
        """Compile the columns.

        Args:
            endpoint: Where the pages come from.
            account: In which zone its dates are, and whether its texts are cleaned.
            traffic: Counts characters that had to be replaced.
        """
        self._shaper = RecordShaper(endpoint.columns, account.zone, clean_text=account.clean_text)
        elements = endpoint.elements
        self._rows = _Rows(elements, endpoint.key) if elements else None
        self._traffic = traffic

    def records(self, pages: Iterable[Page], emission: Emission) -> Iterator[Records]:
        """Yield the records of pages, some at a time.

        Args:
            pages: Pages of one day.
            emission: Their day, and its time of extraction.

        Raises:
            KaptureRecordError: A record cannot be loaded; those before it are out.
        """
        day, emitted_at = emission.day.day.isoformat(), instant(emission.emitted_at)
        for page in pages:
            # Records take several times the room of their JSON, so a page is never decoded whole.
            for start in range(0, len(page.rows), RECORDS_AT_ONCE):
                rows = page.rows[start : start + RECORDS_AT_ONCE]
                records = [self._shaped(row) for row in rows]
                emission.shaped += len(rows)
                if self._rows:
                    records = [row for record in records for row in self._rows.within(record)]
                for record in records:
                    stamp(record, day, emitted_at)
                yield Records(records, emission.emitted_at)

    def misfits(self) -> tuple[Counter[str], Counter[str]]:
        """Return the counts of unknown keys and unconvertible columns of the stream's rows."""
        odd = self._shaper.odd
        return (odd.nested[self._rows.elements.column] if self._rows else odd).misfits()

    def left_out(self) -> str:
        """Return what could be no row, in words; empty if there is nothing."""
        lost = self._rows
        if lost is None or not (lost.without_key or lost.unread):
            return ""
        return (
            f"{lost.without_key} without an id, and those of {lost.unread} records that are no "
            "list of objects, could be no rows; the records of the customers stream hold them"
        )

    def _shaped(self, row: msgspec.Raw) -> Any:  # noqa: ANN401 - what msgspec encodes
        try:
            return self._shaper.shape(row)
        except UnicodeDecodeError:
            valid, replaced = valid_utf8(bytes(row))
            self._traffic.add(replaced=replaced)
            return self._shaper.shape(valid)


class _Rows:
    """Makes rows of the objects in a column of records, each with the key of its record.

    Attributes:
        elements: Where the rows are.
        without_key: Objects that have no key, so that they cannot be rows.
        unread: Records whose column holds something else than objects.
    """

    def __init__(self, elements: Elements, key: str) -> None:
        self.elements = elements
        self._key = key
        self.without_key = 0
        self.unread = 0

    def within(self, record: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a struct, or a dict
        plain = record if isinstance(record, dict) else as_dict(record)
        self.unread += self.elements.column in (plain[EXTRA_FIELDS] or ())
        for element in plain[self.elements.column] or ():
            row = {column.name: element.get(column.name) for column in self.elements.columns}
            row |= {self.elements.owner: plain[self._key], EXTRA_FIELDS: element[EXTRA_FIELDS]}
            if row[self._key] is None:
                self.without_key += 1
            else:
                yield row
