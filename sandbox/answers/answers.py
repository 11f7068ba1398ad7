"""From a request's body to the account's answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from sandbox.answers.asking import days_of, problem
from sandbox.answers.paging import addresses_rows, page_of
from sandbox.wire.record import encoded

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence

    from sandbox.account.account import Stream
    from sandbox.answers.asking import Asked
    from sandbox.quirks import Quirks
    from sandbox.wire.view import View

PATHS: Mapping[str, Stream] = {
    "/select-ticket-between-start-and-end-dates.html/v.2.0": "tickets",
    "/select-customer-between-start-and-end-dates.html": "customers",
    "/ms/customer-search/customer-search/api/v1": "customers",
}
_BOUND = 10
_NOTHING = {"tickets": "No tickets found", "customers": "No customers found"}


@dataclass(frozen=True)
class Answer:
    """An answer before anything goes wrong with it."""

    body: bytes
    rows: int | None = None
    status: int = 200
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(view: View, asked: Asked, authorization: str, reading: int, serial: int) -> Answer:
    """Answer a request.

    Args:
        view: of the account.
        asked: the request.
        authorization: the header.
        reading: how often the day has been asked from its beginning, this time included.
        serial: the request's number, which an unstable order and short pages depend on.
    """
    quirks = view.quirks
    if authorization != f"Basic {view.account.auth_token}":
        return failure("Invalid Auth Key", quirks, status=int(quirks.bad_token))
    wrong = problem(asked, quirks)
    if wrong or asked.first is None or asked.last is None:
        return failure(wrong or "ReqFieldMissing", quirks)
    days = days_of(asked.first, asked.last, quirks)
    if asked.fields and str(asked.fields.get("cm_id", view.account.cm_id)) != str(
        view.account.cm_id,
    ):
        days = ()
    surplus = {"wrong": 1, "wrong_once": int(reading == 1)}.get(quirks.total_count, 0)

    def make() -> tuple[bytes, int]:
        page = _page(view, asked, days, serial)
        total = sum(view.count(asked.stream, day) for day in days) + surplus
        if quirks.total_count == "reached":
            listed = sum(len(view.listing(asked.stream, day)) for day in days)
            total = min(total, page_of(asked, listed, quirks).stop)
        elif quirks.total_count == "bounded":
            total = min(total, _BOUND)
        return success(asked.stream, page, total, quirks)

    return _typed(*_kept(view, asked, days, surplus, make), quirks)


def _page(view: View, asked: Asked, days: tuple[dt.date, ...], serial: int) -> list[str]:
    """The records of a request's page."""
    quirks, rng = view.quirks, Random(f"{view.account.seed}/{serial}")
    listing = [record for day in days for record in view.listing(asked.stream, day)]
    if quirks.order == "unstable":
        rng.shuffle(listing)
    page = listing[page_of(asked, len(listing), quirks)]
    is_short = quirks.short_pages and addresses_rows(quirks) and page
    return page[: rng.randint(1, len(page))] if is_short else page


def _kept(
    view: View,
    asked: Asked,
    days: tuple[dt.date, ...],
    surplus: int,
    make: Callable[[], tuple[bytes, int]],
) -> tuple[bytes, int]:
    """A body made before, unless the request's number tells in it."""
    if view.quirks.order == "unstable" or view.quirks.short_pages:
        return make()
    key = (asked.stream, days, asked.offset, asked.limit, surplus)
    return view.bodies.get(key, make)


def _typed(body: bytes, rows: int, quirks: Quirks) -> Answer:
    return Answer(body, rows, content_type=f"application/json; charset={quirks.charset}")


def failure(text: str, quirks: Quirks, status: int = 200) -> Answer:
    """The service's way to say no."""
    status_key, message_key = (
        ("Status", "Message") if quirks.failure_keys == "capital" else ("status", "message")
    )
    body = encoded(json.dumps({status_key: "failed", message_key: text}), quirks)
    return Answer(body, status=status, content_type=f"application/json; charset={quirks.charset}")


def success(
    stream: Stream,
    records: Sequence[str],
    total: int,
    quirks: Quirks,
) -> tuple[bytes, int]:
    """A page as a body, and the number of its records."""
    if not records and quirks.empty_day == "text_failed":
        return failure(_NOTHING[stream], quirks).body, 0
    if records:
        alone = len(records) == 1 and quirks.single_object
        message = records[0] if alone else f"[{','.join(records)}]"
    else:
        empty: dict[str, object] = {
            "list": [],
            "null": None,
            "blank": "",
            "object": {},
            "text_success": _NOTHING[stream],
        }
        message = json.dumps(empty[quirks.empty_day])
    if quirks.total_count == "page":
        total = len(records)
    announced = "null" if quirks.total_count == "null" else str(total)
    head = f'"totalCount":{announced},' if stream == "tickets" else ""
    return encoded(f'{{{head}"message":{message},"status":"success"}}', quirks), len(records)
