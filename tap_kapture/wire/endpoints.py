"""The endpoints as data: path, body, key and columns, and what a request of theirs needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tap_kapture.schemas import CUSTOMER_CONTACTS, CUSTOMERS, TICKETS, Column

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_kapture.settings.groups import Account
    from tap_kapture.wire.request import Request

CUSTOMERS_PATHS = (
    "/select-customer-between-start-and-end-dates.html",
    "/ms/customer-search/customer-search/api/v1",
)
"""Where accounts serve customers."""


@dataclass(frozen=True, slots=True)
class Elements:
    """The objects in a column of the records, each of which is a row of the stream.

    Attributes:
        column: Name of the column that holds them.
        owner: Name of their column that holds the key of the record.
        columns: Their columns.
    """

    column: str
    owner: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint that serves the records created on one day.

    Attributes:
        stream: Name of the stream that it feeds.
        key: Name of the primary key.
        created: Name of the column that says when the record was created.
        columns: The columns of a record.
        body: Makes the JSON body of a request.
        status: Name of the column that tells open from closed, or None.
        paths: Known paths, if there are several.
        elements: What of a record is a row of the stream, or None for the record itself.
    """

    stream: str
    key: str
    created: str
    columns: tuple[Column, ...]
    body: Callable[[Account, Request], object]
    status: str | None = None
    paths: tuple[str, ...] = ()
    elements: Elements | None = None

    @property
    def table(self) -> tuple[Column, ...]:
        """The columns of a row."""
        return self.elements.columns if self.elements else self.columns


def _tickets_body(account: Account, request: Request) -> object:
    """Return an array of one object, as the endpoint wants it."""
    body = {
        **account.bodies["tickets"],
        "start_date": request.day.isoformat(),
        "end_date": request.end.isoformat(),
        "limit": request.limit,
        "offset": request.offset,
    }
    return [_as_asked(body)]


def _customers_body(account: Account, request: Request) -> object:
    """Return an object with numbers as text, as Kapture's own samples send it."""
    return _as_asked(
        {
            **account.bodies["customers"],
            "cm_id": account.cm_id,
            "createStartDate": request.day.isoformat(),
            "createEndDate": request.end.isoformat(),
            "limit": str(request.limit),
            "offset": None if request.offset is None else str(request.offset),
        }
    )


def _as_asked(body: Mapping[str, Any]) -> dict[str, Any]:
    """Leave ``offset`` out where the account does not take it."""
    return {name: value for name, value in body.items() if name != "offset" or value is not None}


TICKETS_ENDPOINT = Endpoint("tickets", "ticketId", "date", TICKETS, _tickets_body, status="status")
CUSTOMERS_ENDPOINT = Endpoint(
    "customers", "id", "generationDate", CUSTOMERS, _customers_body, paths=CUSTOMERS_PATHS
)
CONTACTS_ENDPOINT = replace(
    CUSTOMERS_ENDPOINT,
    stream="customer_contacts",
    created="day",
    elements=Elements("contacts", "customerId", CUSTOMER_CONTACTS),
)
ENDPOINTS = (CONTACTS_ENDPOINT, CUSTOMERS_ENDPOINT, TICKETS_ENDPOINT)
"""All of them, in the order of their streams' names."""
