"""A client of the sandbox as plain as can be, and a reading of its records of its own."""

from __future__ import annotations

import datetime as dt
import html
import json
import re
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sandbox import Sandbox

UTC = dt.timezone.utc
TICKETS = "/select-ticket-between-start-and-end-dates.html/v.2.0"
CUSTOMERS = "/select-customer-between-start-and-end-dates.html"
CUSTOMERS_TOO = "/ms/customer-search/customer-search/api/v1"
CALENDAR = ("year", "month", "dayOfMonth", "hourOfDay", "minute", "second")
TICKET_DATES = ("date", "nextFollowUp", "lastFollowUp", "lastConvesationTime", "taskEnddate")
NUMBERS = re.compile(
    r"(task|folder|contact|product|creator|customer|assigned|reference|pendingTask|"
    r"lastConversation)Id|customer_rating|total_conversations|feedbackOnCustomer|syncdLocationId|"
    r"maxCreditPeriod|age",
)


def body(stream: str, day: dt.date, **keys: object) -> object:
    if stream == "tickets":
        return [{"start_date": str(day), "end_date": str(day), **keys}]
    cm_id = keys.pop("cm_id", 1000298)
    return {"cm_id": cm_id, "createStartDate": str(day), "createEndDate": str(day), **keys}


def window(stream: str, first: dt.date, last: dt.date, **keys: object) -> object:
    ends = {"end_date" if stream == "tickets" else "createEndDate": str(last)}
    return body(stream, first, **ends, **keys)


def ask(sandbox: Sandbox, stream: str, day: dt.date, **keys: object) -> requests.Response:
    path = TICKETS if stream == "tickets" else CUSTOMERS
    return send(sandbox, path, body(stream, day, **keys))


def send(sandbox: Sandbox, path: str, content: object, token: str = "") -> requests.Response:
    return requests.post(
        sandbox.url + path,
        json=content,
        headers={"Authorization": f"Basic {token or sandbox.account.auth_token}"},
        timeout=20,
        allow_redirects=False,
    )


def page(sandbox: Sandbox, stream: str, day: dt.date, **keys: object) -> Any:  # noqa: ANN401 - JSON
    return ask(sandbox, stream, day, **keys).json()["message"]


def days(sandbox: Sandbox) -> list[dt.date]:
    first = sandbox.account.first_day
    return [first + dt.timedelta(n) for n in range((sandbox.today - first).days + 1)]


def read(record: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """A wire record of a friendly account, understood without any of the sandbox's code."""
    return {name: _read(name, value, zone) for name, value in record.items()}


def _read(name: str, value: Any, zone: ZoneInfo) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return _read_object(value, zone)
    if name == "attachments":
        return [item if isinstance(item, str) else _compact(item) for item in _plain(value)]
    if name == "contacts":
        return [{**read(item, zone), "extra_fields": None} for item in value]
    if isinstance(value, list):
        return [_read("", item, zone) for item in value]
    return _read_text(name, value, zone) if isinstance(value, str) else value


def _read_object(value: dict[str, Any], zone: ZoneInfo) -> object:
    if tuple(value) != CALENDAR:
        return {key: _read("", item, zone) for key, item in value.items()}
    numbers = list(value.values())
    local = dt.datetime(numbers[0], numbers[1] + 1, *numbers[2:])  # noqa: DTZ001 - zone follows
    return _utc(local.replace(tzinfo=zone))


def _read_text(name: str, text: str, zone: ZoneInfo) -> str | int | None:
    if not text.strip():
        return None
    if name == "generationDate":
        return _utc(dt.datetime.strptime(text, "%b %d, %Y %I:%M:%S %p").replace(tzinfo=zone))
    if name in TICKET_DATES:
        return _utc(dt.datetime.strptime(text, "%d-%m-%Y %H:%M").replace(tzinfo=zone))
    return int(text) if NUMBERS.fullmatch(name) else _unescaped(text)


def _plain(values: list[Any]) -> list[Any]:
    return [_unescaped(value) if isinstance(value, str) else value for value in values]


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _unescaped(text: str) -> str:
    return re.sub(r"&#?\w+;", lambda entity: html.unescape(entity.group()), text)


def _utc(shown: dt.datetime) -> str:
    return shown.astimezone(UTC).isoformat()
