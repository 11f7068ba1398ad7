"""Which texts of a record are about people, and so must never be logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.account.columns import names
from sandbox.wire.escaping import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandbox.account.columns import Row

_PERSONAL = frozenset(
    names(
        """creatorName assignedToName taskTitle detail email phone customerName customerPhone
        customerEmail companyName name address remarks contactPerson additionalPhone""",
    ),
)
_SHORTEST = 5


def texts_of(rows: Iterable[Row]) -> set[str]:
    """The personal texts of records, as meant and as sent, that are long enough to search for."""
    meant = {text for row in rows for text in _personal(row)}
    return {text for plain in meant for text in (plain, escaped(plain)) if len(text) >= _SHORTEST}


def _personal(row: Row) -> Iterator[str]:
    for name, value in row.items():
        if name in _PERSONAL and isinstance(value, str):
            yield value
    contacts = row.get("contacts")
    if isinstance(contacts, list):
        for contact in contacts:
            yield from _personal(contact)
