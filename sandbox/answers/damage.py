"""What a fault makes of a good answer, as far as the answer itself tells."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import time
from dataclasses import dataclass, replace
from email.utils import format_datetime
from typing import TYPE_CHECKING

from sandbox.account.clock import UTC
from sandbox.account.columns import KEYS
from sandbox.answers.answers import Answer, failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.answers.faults import Fault
    from sandbox.quirks import Quirks

_REASONS = {
    "400": "Bad Request",
    "403": "Forbidden",
    "404": "Not Found",
    "408": "Request Timeout",
    "429": "Too Many Requests",
    "429_date": "Too Many Requests",
    "500": "Internal Server Error",
    "502": "Bad Gateway",
    "503": "Service Unavailable",
    "504": "Gateway Timeout",
}
_LOGIN = "https://login.example.com/"
_TEXT_KEYS = (b'"taskTitle":"', b'"name":"', b'"imageReferenceId":"', b'"status":"')


@dataclass(frozen=True)
class Setting:
    """What an answer depends on besides the fault."""

    stream: str
    quirks: Quirks
    token: str


def damaged(answer: Answer, fault: Fault, setting: Setting) -> Answer:
    """The answer that a fault puts in place of a good one; connection faults leave it alone."""
    if fault.action in _REASONS:
        return http_error(fault.action, fault.retry_after)
    change = _CHANGES.get(fault.action)
    return change(answer, fault, setting) if change else answer


def http_error(action: str, retry_after: float | None = None) -> Answer:
    """An error page as proxies write them, perhaps with `Retry-After`."""
    status, reason = int(action[:3]), _REASONS[action]
    page = f"<html><head><title>{status} {reason}</title></head><body>{reason}</body></html>"
    return Answer(
        page.encode(),
        status=status,
        content_type="text/html; charset=utf-8",
        headers=_wait(retry_after, as_date=action == "429_date"),
    )


def _wait(retry_after: float | None, *, as_date: bool) -> Mapping[str, str]:
    if retry_after is None:
        return {}
    if not as_date:
        return {"Retry-After": f"{retry_after:g}"}
    until = dt.datetime.fromtimestamp(math.ceil(time.time() + retry_after), UTC)
    return {"Retry-After": format_datetime(until, usegmt=True)}


def _html(_: Answer, __: Fault, ___: Setting) -> Answer:
    page = b"<html><body>We will be back soon.</body></html>"
    return Answer(page, content_type="text/html; charset=utf-8")


def _redirect(_: Answer, __: Fault, ___: Setting) -> Answer:
    return Answer(b"", status=302, content_type="text/html", headers={"Location": _LOGIN})


def _server_failure(_: Answer, __: Fault, setting: Setting) -> Answer:
    return failure("ServerFailure", setting.quirks)


def _failed(_: Answer, fault: Fault, setting: Setting) -> Answer:
    return failure(fault.text or "Something is not right", setting.quirks)


def _echo_token(_: Answer, __: Fault, setting: Setting) -> Answer:
    return failure(f"Key {setting.token} may not do this", setting.quirks)


def _bad_message(answer: Answer, _: Fault, __: Setting) -> Answer:
    return replace(answer, body=b'{"message":42,"status":"success"}', rows=None)


def _no_key(answer: Answer, _: Fault, setting: Setting) -> Answer:
    body = json.loads(answer.body.decode(setting.quirks.charset))
    records = body["message"]
    record = records[len(records) // 2] if isinstance(records, list) else records
    del record[KEYS[setting.stream]]
    return replace(answer, body=json.dumps(body).encode())


def _bad_bytes(answer: Answer, _: Fault, __: Setting) -> Answer:
    key = next(key for key in _TEXT_KEYS if key in answer.body)
    return replace(answer, body=answer.body.replace(key, key + b"\xff", 1))


def _bad_header(answer: Answer, _: Fault, setting: Setting) -> Answer:
    """A header whose name HTTP does not allow, behind those that say how long the body is."""
    length = {"Content-Length": str(len(answer.body))}
    return replace(answer, headers={**length, "X Session": f"{setting.token}; Path=/"})


def _odd_field(answer: Answer, fault: Fault, _: Setting) -> Answer:
    field = f'"odd_field":{fault.text},'.encode()
    return replace(answer, body=re.sub(rb'"message":\[?{', lambda m: m[0] + field, answer.body))


_CHANGES: Mapping[str, Callable[[Answer, Fault, Setting], Answer]] = {
    "html": _html,
    "redirect": _redirect,
    "server_failure": _server_failure,
    "failed": _failed,
    "echo_token": _echo_token,
    "bad_message": _bad_message,
    "no_key": _no_key,
    "bad_bytes": _bad_bytes,
    "bad_header": _bad_header,
    "odd_field": _odd_field,
}
