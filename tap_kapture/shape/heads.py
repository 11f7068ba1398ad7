"""What a reading has to know of each row without decoding the rest: its key, and if it is open."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from tap_kapture.errors import KaptureRecordError, KaptureResponseError
from tap_kapture.shape.cleaning import clean_text
from tap_kapture.shape.json import valid_utf8
from tap_kapture.shape.numbers import MAX_INTEGER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MIDNIGHT = re.compile(r"(?<![\d:])(?:0?0:00(?::00)?(?!:?\d)|12:00(?::00)?\sAM)")
"""The stroke of midnight in a text; as far as it tells, for Kapture leaves seconds out."""


def is_closed(status: str, closed_statuses: frozenset[str]) -> bool:
    """Return whether a status counts as closed, as it was sent or as the table shows it.

    Args:
        status: As it was sent, perhaps escaped for HTML.
        closed_statuses: Statuses that count as closed, in lower case.
    """
    spellings = (status, clean_text(status) or "")
    return any(spelling.strip().lower() in closed_statuses for spelling in spellings)


class Heads:
    """Reads keys and statuses of one stream."""

    def __init__(
        self,
        key: str,
        convert_key: Callable[[object], object],
        status: str | None,
        closed_statuses: frozenset[str],
        created: str = "",
    ) -> None:
        """Compile what is needed of each row.

        Args:
            key: Name of the primary key.
            convert_key: Turns the key on the wire into that of the table; null or ValueError if it
                is none.
            status: Name of the column that tells open from closed, or None.
            closed_statuses: Statuses that count as closed, in lower case.
            created: Name of the column that says when the record was created, or empty.
        """
        self._key = key
        self._convert_key = convert_key
        self._is_number = isinstance(convert_key("1"), int)
        names = {"key": key, "status": status} if status else {"key": key}
        head = msgspec.defstruct(
            "Head", [("key", Any, None), ("status", Any, None)], rename=names.get, gc=False
        )
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(head)

        moment = msgspec.defstruct(
            "Moment", [("created", Any, None)], rename={"created": created or None}.get
        )
        self._moments: msgspec.json.Decoder[Any] = msgspec.json.Decoder(moment)

        @lru_cache(maxsize=1000)
        def is_open(text: str) -> bool:
            return not is_closed(text, closed_statuses)

        self._is_open = is_open if status else None

    def of(self, row: msgspec.Raw | bytes) -> tuple[str, bool]:
        """Return a row's key, and whether it is open.

        Args:
            row: The record's JSON.

        Raises:
            KaptureRecordError: The record has no key.
            KaptureResponseError: The row is no record.
        """
        try:
            head = self._decoder.decode(row)
        except UnicodeDecodeError:
            return self.of(valid_utf8(bytes(row))[0])
        except (msgspec.DecodeError, RecursionError):
            if not bytes(row).lstrip().startswith(b"{"):
                msg = "an element of message is no record"
                raise KaptureResponseError(msg) from None
            msg = "a record's key or status is nested, or holds a number, beyond what can be read"
            raise KaptureRecordError(msg) from None
        key = head.key
        kind = key.__class__
        if self._is_number:
            is_usual = kind is int and -MAX_INTEGER <= key <= MAX_INTEGER
        else:
            is_usual = kind is str and key.isalnum()
        key = str(key) if is_usual else self._text_of(key)
        if not key:
            msg = (
                f"a record has no usable '{self._key}', so it cannot be told from others. Ask "
                "Kapture support why the account's records come without it"
            )
            raise KaptureRecordError(msg)
        return key, self._is_open is not None and self._is_open(str(head.status))

    def keys_of(self, rows: Iterable[msgspec.Raw]) -> tuple[str, ...]:
        """Return the keys of rows.

        Args:
            rows: Each record's JSON.

        Raises:
            KaptureRecordError: A record has no key.
            KaptureResponseError: A row is no record.
        """
        return tuple(self.of(row)[0] for row in rows)

    def at_midnight(self, rows: Iterable[msgspec.Raw]) -> bool:
        """Whether every record says that it was created at the stroke of midnight.

        Args:
            rows: Each record's JSON; :meth:`of` read it already.
        """
        moments = (self._moments.decode(valid_utf8(bytes(row))[0]).created for row in rows)
        return all(isinstance(text, str) and _MIDNIGHT.search(text) for text in moments)

    def _text_of(self, key: object) -> str:
        """Return a key as text, the same for a number and its digits; empty if it is none."""
        if not isinstance(key, (str, int)) or isinstance(key, bool):
            return ""
        try:
            usable = self._convert_key(key)
        except ValueError:
            return ""
        return "" if usable is None else str(usable).replace("\0", "").strip()
