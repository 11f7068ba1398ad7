"""HTTP answer -> raw records, or one of the errors of :mod:`tap_kapture.errors`.

Kapture answers failures with HTTP 200 as well, in two spellings of the envelope, and has many ways
to say that a day is empty. What is none of the known forms is an error: never "no records".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tap_kapture.envelopes import (
    decode_envelope,
    decode_usual,
    rows_of,
    text_of,
    to_utf8,
    total_of,
)
from tap_kapture.errors import (
    KaptureAuthError,
    KaptureRequestError,
    KaptureResponseError,
    KaptureThrottledError,
    KaptureTransientError,
)
from tap_kapture.gate import asked_pause

if TYPE_CHECKING:
    from collections.abc import Mapping

    import msgspec

MAX_QUOTE = 200
"""Characters of a server's message that an error may quote."""

_AUTH_TEXTS = ("invalid auth key", "authkeyinvalid", "apiexpired")
_REQUEST_TEXTS = (
    "invalid json",
    "ticket_ids are missing",
    "reqfieldmissing",
    "either start_date is null or blank",
)
_RETRY_TEXT = "serverfailure"
_CHECK_REQUEST = (
    "Check cm_id, and whether the account needs further keys in 'tickets_body' or "
    "'customers_body'; otherwise ask Kapture support"
)
_NO_DATA = re.compile(
    r"no\s+(?:\w+\s+)?(?:tickets?|customers?|records?|data|results?)(?:\s+(?:was|were))?"
    r"(?:\s+(?:found|available|exists?))?[.!]?",
    re.IGNORECASE,
)
_PERSONAL = re.compile(r"[^\s@\"'<>]+@[^\s@\"'<>]+|\+?\d[\d\s().-]{5,}\d")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one request.

    Attributes:
        status: HTTP status.
        headers: Headers, by name in lower case.
        body: The body's bytes, decompressed.
        path: Path that was asked.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    path: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The records of one page, still as JSON.

    Attributes:
        rows: Each record's JSON, in UTF-8.
        total: ``totalCount`` when it is positive, else None.
        replaced: Characters that were not valid in the body's charset and became U+FFFD.
    """

    rows: list[msgspec.Raw]
    total: int | None = None
    replaced: int = 0


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads answers by the rules of one configuration.

    Attributes:
        no_data: Further texts that mean "no records".
        secrets: What is masked wherever a server's text is quoted.
        other_paths: Other known paths of the endpoint, named when the one in use is not found.
    """

    no_data: tuple[re.Pattern[str], ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)
    other_paths: tuple[str, ...] = ()

    def read(self, reply: Reply) -> Answer:
        """Return the records of an answer.

        Args:
            reply: The answer.

        Returns:
            The page; without rows for every known form of an empty day.

        Raises:
            KaptureAuthError: The credential is not accepted.
            KaptureRequestError: The request is refused, or redirected.
            KaptureResponseError: The answer has no known shape.
            KaptureThrottledError: 429 or 503.
            KaptureTransientError: Another try may succeed.
        """
        if reply.status != HTTPStatus.OK:
            self._refuse_status(reply)
        body, replaced = to_utf8(reply.body, reply.headers.get("content-type", ""))
        usual = decode_usual(body)
        if usual is not None and _is_success(usual.status):
            return Answer(usual.message, total_of(usual.totalCount), replaced)
        envelope = decode_envelope(body)
        status = text_of(envelope.get("status"))
        message = envelope.get("message")
        if status is None:
            msg = "the answer has no 'status': is this address a Kapture API?"
            raise KaptureResponseError(msg)
        if not _is_success(status):
            return self._read_failure(text_of(message))
        return Answer(self._rows(message), total_of(envelope.get("totalcount")), replaced)

    def quote(self, text: str) -> str:
        """Return a server's text as an error may show it: short, without secrets or addresses."""
        for secret in self.secrets:
            text = text.replace(secret, "[secret]")
        text = _PERSONAL.sub("[masked]", " ".join(text.split()))
        return text[:MAX_QUOTE]

    def _rows(self, message: msgspec.Raw | None) -> list[msgspec.Raw]:
        first = bytes(message or b"null")[:1]
        if message is not None and first == b"[":
            return rows_of(message)
        if message is not None and first == b"{":
            return [message]
        text = text_of(message)
        if first == b"n" or (text is not None and self._means_no_data(text)):
            return []
        what = f"the text '{self.quote(text)}'" if text is not None else "a number or a boolean"
        msg = (
            f"status is success, but message is {what} instead of records. If this means 'no "
            "records', add a pattern for it to 'no_data_messages'"
        )
        raise KaptureResponseError(msg)

    def _means_no_data(self, text: str) -> bool:
        stripped = text.strip()
        return (
            not stripped
            or _NO_DATA.fullmatch(stripped) is not None
            or any(pattern.search(stripped) for pattern in self.no_data)
        )

    def _read_failure(self, text: str | None) -> Answer:
        text = text or ""
        known = text.strip().lower()
        if known.startswith(_AUTH_TEXTS):
            msg = f"Kapture answered '{self.quote(text)}'"
            raise self._auth_error(msg)
        if known.startswith(_RETRY_TEXT):
            msg = "Kapture answered 'ServerFailure'"
            raise KaptureTransientError(msg)
        if known.startswith(_REQUEST_TEXTS):
            msg = f"Kapture refused the request with '{self.quote(text)}'. {_CHECK_REQUEST}"
            raise KaptureRequestError(msg)
        if text.strip() and self._means_no_data(text):
            return Answer([])
        msg = (
            f"Kapture answered status failed with the unknown text '{self.quote(text)}'. If it "
            "means 'no records', add a pattern for it to 'no_data_messages'; otherwise ask Kapture "
            "support"
        )
        raise KaptureRequestError(msg)

    def _refuse_status(self, reply: Reply) -> None:
        status = reply.status
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            msg = f"Kapture answered HTTP {status}"
            raise self._auth_error(msg)
        if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
            msg = f"HTTP {status}"
            raise KaptureThrottledError(msg, asked_pause(reply.headers))
        if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            msg = f"HTTP {status}"
            raise KaptureTransientError(msg)
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            host = _host(reply.headers.get("location", "")) or "another page"
            msg = (
                f"HTTP {status} redirects to {self.quote(host)}, which is not followed. Check "
                "'subdomain' or 'api_url' and the endpoint's path"
            )
            raise KaptureRequestError(msg)
        if status == HTTPStatus.NOT_FOUND:
            others = " or ".join(self.other_paths)
            other = f" Some accounts serve it at {others}." if others else ""
            msg = (
                f"HTTP 404: nothing at {reply.path}.{other} Check 'subdomain' or 'api_url', and "
                "'tickets_path' or 'customers_path'"
            )
            raise KaptureRequestError(msg)
        hint = _failure_text(reply)
        if hint.strip().lower().startswith(_AUTH_TEXTS):
            msg_0 = f"Kapture answered '{self.quote(hint)}'"
            raise self._auth_error(msg_0)
        said = f" and '{self.quote(hint)}'" if hint else ""
        msg = f"Kapture refused the request with HTTP {status}{said}. {_CHECK_REQUEST}"
        raise KaptureRequestError(msg)

    @staticmethod
    def _auth_error(what: str) -> KaptureAuthError:
        return KaptureAuthError(
            f"{what}: the credential is wrong, expired or not permitted to use this API. Check "
            "'auth_token' (and 'http_headers' if the account needs an API key there), or ask "
            "Kapture support for a new one"
        )


def _is_success(status: str) -> bool:
    return status.strip().lower() == "success"


def _failure_text(reply: Reply) -> str:
    """Return the message of a failure envelope, if the body is one; never any other body."""
    try:
        body, _ = to_utf8(reply.body, reply.headers.get("content-type", ""))
        return text_of(decode_envelope(body).get("message")) or ""
    except (KaptureResponseError, KaptureTransientError):
        return ""


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
