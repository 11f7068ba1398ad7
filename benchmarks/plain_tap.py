"""A tap for the same account as the SDK's template suggests it: what tap-kapture is compared with.

It asks for one day after another, page by page, and writes the same columns and values. Dates are
read with pendulum, the date library of this project. Everything else is the SDK's default: retries,
state by record, type conformance and the message writer.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING, Any, ClassVar, cast
from zoneinfo import ZoneInfo

import pendulum
import singer_sdk.typing as th
from singer_sdk import RESTStream, Tap
from singer_sdk.pagination import BaseAPIPaginator

from benchmarks import plain_schemas

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.streams.rest import JSONPayload

_ENTITY = re.compile(r"&#?\w+;")

DayPage = tuple[date, int]
"""A day, and how many of its rows to skip."""


class DayPaginator(BaseAPIPaginator[DayPage | None]):
    """Goes from day to day, and inside a day from page to page until one is short.

    Attributes:
        rows: Rows of the last answer.
    """

    def __init__(self, first: date, last: date, page_size: int) -> None:
        """Begin with the first page of the first day."""
        super().__init__((first, 0))
        self.rows = 0
        self._last = last
        self._page_size = page_size

    def continue_if_empty(self, response: requests.Response) -> bool:  # noqa: ARG002 - the SDK's signature
        """Go on after a day without records."""
        return True

    def get_next(self, response: requests.Response) -> DayPage | None:  # noqa: ARG002 - the SDK's signature
        """Return the day's next page, or the next day's first one."""
        day, offset = cast("DayPage", self.current_value)
        if self.rows >= self._page_size:
            return day, offset + self._page_size
        return (day + timedelta(days=1), 0) if day < self._last else None


class KaptureStream(RESTStream[DayPage | None]):
    """What both endpoints have in common."""

    records_jsonpath = "$.message[*]"
    dates: ClassVar[tuple[str, ...]] = ()
    date_format = ""
    numbers_sent_as_text: ClassVar[tuple[str, ...]] = ()

    def __init__(self, tap: Tap) -> None:
        """Ask by POST."""
        super().__init__(tap, http_method="POST")
        self.zone = ZoneInfo(self.config["timezone"])

    @property
    def url_base(self) -> str:
        """Return the API's address."""
        return str(self.config["api_url"])

    @property
    def http_headers(self) -> dict[str, str]:
        """Return the credential."""
        return {"Authorization": f"Basic {self.config['auth_token']}"}

    def get_new_paginator(self) -> DayPaginator:
        """Return a paginator from the bookmark's day, or the first one, to the last."""
        bookmark = self.stream_state.get("replication_key_value")
        first = (
            datetime.fromisoformat(bookmark).astimezone(self.zone).date()
            if bookmark
            else date.fromisoformat(self.config["start_date"])
        )
        end = self.config.get("end_date")
        last = date.fromisoformat(end) if end else datetime.now(self.zone).date()
        self._paginator = DayPaginator(first, last, self.config["page_size"])
        return self._paginator

    def parse_response(self, response: requests.Response) -> Iterable[Record]:
        """Return the records, and let the paginator know how many, so that it need not parse.

        Args:
            response: The answer.
        """
        records = list(super().parse_response(response))
        self._paginator.rows = len(records)
        return records

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:  # noqa: ARG002 - the SDK's signature
        """Turn wire values into those of the schema.

        Args:
            row: A record as sent.
            context: Not used.
        """
        row = _clean(row)
        for name in self.dates:
            if row[name] is not None:
                row[name] = self.instant(row[name])
        for name in self.numbers_sent_as_text:
            if row[name] is not None:
                row[name] = int(row[name])
        return row

    def instant(self, text: str) -> str:
        """Return the instant of a local time, in UTC.

        Args:
            text: In the form of the stream.
        """
        local = pendulum.from_format(text, self.date_format, tz=self.config["timezone"])
        return local.in_timezone("UTC").isoformat()

    def instant_of(self, calendar: dict[str, int]) -> str:
        """Return the instant of a local time, in UTC.

        Args:
            calendar: A Java calendar, whose months count from zero.
        """
        local = pendulum.datetime(
            calendar["year"],
            calendar["month"] + 1,
            calendar["dayOfMonth"],
            calendar["hourOfDay"],
            calendar["minute"],
            calendar["second"],
            tz=self.config["timezone"],
        )
        return local.in_timezone("UTC").isoformat()


def _clean(value: Any) -> Any:  # noqa: ANN401 - any JSON value passes
    """Undo HTML escaping, and turn blank text into null, however deep."""
    if isinstance(value, str):
        if "&" in value:
            value = _ENTITY.sub(lambda match: unescape(match[0]), value)
        return value if value.strip() else None
    if isinstance(value, list):
        return [_clean(element) for element in value]
    if isinstance(value, dict):
        return {name: _clean(element) for name, element in value.items()}
    return value


class TicketsStream(KaptureStream):
    """Tickets by the day of their creation."""

    name = "tickets"
    path = "/select-ticket-between-start-and-end-dates.html/v.2.0"
    primary_keys = ("ticketId",)
    replication_key = "date"
    schema = plain_schemas.TICKETS
    dates = ("date", "nextFollowUp", "lastFollowUp", "lastConvesationTime", "taskEnddate")
    date_format = "DD-MM-YYYY HH:mm"

    def prepare_request_payload(
        self,
        context: Context | None,  # noqa: ARG002 - the SDK's signature
        next_page_token: DayPage | None,
    ) -> JSONPayload:
        """Return an array of one object, as the endpoint wants it.

        Args:
            context: Not used.
            next_page_token: The page.
        """
        day, offset = cast("DayPage", next_page_token)
        page = {"limit": self.config["page_size"], "offset": offset}
        return cast("JSONPayload", [{"start_date": str(day), "end_date": str(day), **page}])

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        """Write attachments that are not text as JSON text.

        Args:
            row: A record as sent.
            context: Not used.
        """
        row["attachments"] = [
            element
            if isinstance(element, str)
            else json.dumps(element, ensure_ascii=False, separators=(",", ":"))
            for element in row["attachments"]
        ]
        return super().post_process(row, context)


class CustomersStream(KaptureStream):
    """Customers by the day of their creation, with their contacts."""

    name = "customers"
    path = "/select-customer-between-start-and-end-dates.html"
    primary_keys = ("id",)
    replication_key = "generationDate"
    schema = plain_schemas.CUSTOMERS
    dates = ("generationDate",)
    date_format = "MMM D, YYYY h:mm:ss A"
    numbers_sent_as_text = ("feedbackOnCustomer", "syncdLocationId")

    def prepare_request_payload(
        self,
        context: Context | None,  # noqa: ARG002 - the SDK's signature
        next_page_token: DayPage | None,
    ) -> JSONPayload:
        """Return an object with numbers as text, as the endpoint wants it.

        Args:
            context: Not used.
            next_page_token: The page.
        """
        day, offset = cast("DayPage", next_page_token)
        window = {"createStartDate": str(day), "createEndDate": str(day)}
        page = {"limit": str(self.config["page_size"]), "offset": str(offset)}
        return {"cm_id": self.config["cm_id"], **window, **page}

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        """Read the calendar objects.

        Args:
            row: A record as sent.
            context: Not used.
        """
        row["lastModificationTime"] = self.instant_of(row["lastModificationTime"])
        for contact in row["contacts"]:
            contact["generationDate"] = self.instant_of(contact["generationDate"])
        return super().post_process(row, context)


class PlainTap(Tap):
    """The plain tap."""

    name = "tap-plain"
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True),
        th.Property("auth_token", th.StringType, required=True, secret=True),
        th.Property("cm_id", th.IntegerType),
        th.Property("timezone", th.StringType, default="Asia/Kolkata"),
        th.Property("start_date", th.DateType, required=True),
        th.Property("end_date", th.DateType),
        th.Property("page_size", th.IntegerType, default=500),
    ).to_dict()

    def discover_streams(self) -> list[KaptureStream]:
        """Return both streams."""
        return [CustomersStream(self), TicketsStream(self)]


if __name__ == "__main__":
    PlainTap.cli()
