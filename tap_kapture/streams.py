"""The two streams: only what differs between them."""

from __future__ import annotations

import logging
import typing as t

from tap_kapture.client import KaptureStream
from tap_kapture.config import CUSTOMERS_PATH, OTHER_CUSTOMERS_PATH
from tap_kapture.errors import KaptureConfigError
from tap_kapture.schemas import CUSTOMERS, TICKETS

if t.TYPE_CHECKING:
    from singer_sdk.streams.rest import JSONPayload

    from tap_kapture.paging.dialect import Request
    from tap_kapture.tap import TapKapture


logger = logging.getLogger("tap-kapture")


class TicketsStream(KaptureStream):
    """Tickets by the day of their creation."""

    name = "tickets"
    primary_keys = ("ticketId",)
    replication_key = "date"
    columns = TICKETS
    status_column = "status"

    def request_body(self, page: Request) -> JSONPayload:
        """Return an array of one object, as the endpoint wants it.

        Args:
            page: The page to ask for.
        """
        body: dict[str, t.Any] = {
            **self.settings.tickets_body,
            "start_date": page.day.isoformat(),
            "end_date": page.end.isoformat(),
            "limit": page.limit,
            "offset": page.offset,
        }
        return t.cast("JSONPayload", [_as_asked(body)])


class CustomersStream(KaptureStream):
    """Customers by the day of their creation, with their contacts."""

    name = "customers"
    primary_keys = ("id",)
    replication_key = "generationDate"
    columns = CUSTOMERS

    known_paths = (CUSTOMERS_PATH, OTHER_CUSTOMERS_PATH)

    def __init__(self, tap: TapKapture) -> None:
        """Deselect the stream by default as long as the account id, which it requires, is unknown.

        Args:
            tap: The tap.
        """
        super().__init__(tap)
        self.selected_by_default = tap.config.get("cm_id") is not None

    def request_body(self, page: Request) -> JSONPayload:
        """Return an object with numbers as text, as Kapture's own samples send it.

        Args:
            page: The page to ask for.
        """
        return _as_asked(
            {
                **self.settings.customers_body,
                "cm_id": self.settings.cm_id,
                "createStartDate": page.day.isoformat(),
                "createEndDate": page.end.isoformat(),
                "limit": str(page.limit),
                "offset": None if page.offset is None else str(page.offset),
            }
        )

    def _can_be_read(self) -> bool:
        if self.settings.cm_id is not None:
            if self.settings.token_of(self.name):
                return True
            msg = (
                "customers_auth_token: customers is selected, but has no token. Set it or "
                "'auth_token', or deselect the stream (Meltano: select '!customers.*')"
            )
            raise KaptureConfigError(msg)
        if self.ABORT_AT_RECORD_COUNT is not None:
            logger.warning("customers: not tested, because 'cm_id' is not set")
            return False
        msg = (
            "cm_id: customers is selected, but its endpoint requires the account id. Set 'cm_id', "
            "or deselect the stream (Meltano: select '!customers.*')"
        )
        raise KaptureConfigError(msg)


def _as_asked(body: dict[str, t.Any]) -> dict[str, t.Any]:
    """Leave ``offset`` out where the account does not take it."""
    return {name: value for name, value in body.items() if name != "offset" or value is not None}
