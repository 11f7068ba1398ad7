"""Days that are not whole in the target: told when met, and again on the last line of the run."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_kapture.errors import KaptureError, KaptureIncompleteError, KaptureServerError
from tap_kapture.plan.bookmarks import UNREAD, UNSETTLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from tap_kapture.dialect.doubts import Doubt

MOST_DAYS = 50
"""Days with trouble beyond which a run stops: something larger is wrong."""
SERVER_FAILURES = 3
"""Days in a row in which the server failed, after which it is the server and not the day."""

logger = logging.getLogger("tap-kapture")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a day.

    Attributes:
        day: The day.
        kind: ``unread`` or ``unsettled``, as in the state.
        text: Why, in words.
        doubt: Kind of the doubt about an unsettled day.
    """

    day: date
    kind: str
    text: str
    doubt: str = ""


@dataclass
class Troubles:
    """The days of one stream that are not whole.

    Attributes:
        stream: Name of the stream.
        unsettled_fails: Whether days that did not settle are a failure, or a warning only.
        found: What was found, by day.
    """

    stream: str
    unsettled_fails: bool = True
    found: dict[date, Trouble] = field(default_factory=dict)
    _server_failures: int = 0

    def unread(self, day: date, error: KaptureError) -> None:
        """Note a day that could not be read.

        Args:
            day: The day.
            error: Why.

        Raises:
            KaptureError: It is no longer one day that is to blame.
        """
        failed = isinstance(error, KaptureServerError)
        self._server_failures = self._server_failures + 1 if failed else 0
        if self._server_failures >= SERVER_FAILURES:
            raise error
        logger.warning("%s; the other days are read, and this one again in the next run", error)
        self._add(Trouble(day, UNREAD, str(error)))

    def unsettled(self, day: date, doubt: Doubt, *, at_the_end: bool = False) -> None:
        """Note a day that was read, but may not be whole.

        Args:
            day: The day.
            doubt: Why.
            at_the_end: Whether all days are read: then however many days there are stop nothing.

        Raises:
            KaptureIncompleteError: There are too many such days.
        """
        self._server_failures = 0
        text = f"{self.stream}, day {day}: {doubt.text}"
        logger.warning("%s; what came is loaded", text)
        self._add(Trouble(day, UNSETTLED, text, doubt.kind), stops=not at_the_end)

    def fine(self, day: date) -> None:
        """Note a day that was read and is whole."""
        self._server_failures = 0
        self.found.pop(day, None)

    def clear(self, kinds: Iterable[str]) -> set[date]:
        """Drop the doubts of some kinds, and return their days."""
        days = {day for day, trouble in self.found.items() if trouble.doubt in set(kinds)}
        for day in days:
            del self.found[day]
        return days

    def failures(self) -> list[Trouble]:
        """Return what makes the run a failure, by day."""
        days = sorted(self.found.values(), key=lambda trouble: trouble.day)
        return [one for one in days if self.unsettled_fails or one.kind == UNREAD]

    def _add(self, trouble: Trouble, *, stops: bool = True) -> None:
        self.found[trouble.day] = trouble
        if stops and len(self.found) > MOST_DAYS:
            msg = (
                f"{self.stream}: more than {MOST_DAYS} days could not be read or did not settle, "
                f"the last one because: {trouble.text}"
            )
            raise KaptureIncompleteError(msg)


def incomplete(found: Sequence[Troubles]) -> KaptureIncompleteError | None:
    """Return the error that ends a run whose days are not all whole, or None.

    Args:
        found: The troubles of each stream.
    """
    parts = []
    for troubles in found:
        days = troubles.failures()
        if len(days) == 1:
            parts.append(days[0].text)
        elif days:
            reasons = {one.text.split(": ", 1)[-1]: None for one in days}
            listed = ", ".join(one.day.isoformat() for one in days)
            parts.append(f"{troubles.stream}, {len(days)} days ({listed}): {'; '.join(reasons)}")
    if not parts:
        return None
    return KaptureIncompleteError(
        f"{'; and '.join(parts)}. All other days are loaded; these are read again in the next run"
    )
