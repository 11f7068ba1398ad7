"""HTTP answer -> raw records, or one of the errors of :mod:`tap_kapture.errors`.

Kapture answers failures with HTTP 200 as well, in two spellings of the envelope, and has many ways
to say that a day is empty. What is none of the known forms is an error: never "no records".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn

from tap_kapture.errors import (
    KaptureAuthError,
    KaptureRefusedError,
    KaptureRequestError,
    KaptureResponseError,
    KaptureThrottledError,
    KaptureTransientError,
)
from tap_kapture.shape.json import valid_utf8
from tap_kapture.wire.envelopes import (
    decode_envelope,
    decode_usual,
    holds_nothing,
    holds_objects,
    message_in,
    rows_in_text,
    rows_of,
    text_of,
    to_utf8,
    total_of,
)
from tap_kapture.wire.gate import asked_pause
from tap_kapture.wire.texts import (
    ADD_BLANK,
    ADD_PATTERN,
    ASK_SUPPORT,
    CHECK_REQUEST,
    Meaning,
    Meanings,
    host_of,
    is_json,
    is_success,
    quotable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import msgspec

    from tap_kapture.settings.groups import Account
    from tap_kapture.wire.request import Reply


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
class AnswerParser:
    """Reads answers by the rules of one configuration.

    Attributes:
        meanings: What the texts of answers mean.
        secrets: What is masked wherever a server's text is quoted.
        token_setting: Name of the setting that holds the credential in use.
        other_paths: Other known paths of the endpoint, named when the one in use is not found.
    """

    meanings: Meanings = field(default_factory=Meanings)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    token_setting: str = "auth_token"  # noqa: S105 - the name of the setting
    other_paths: tuple[str, ...] = ()

    @classmethod
    def of(cls, account: Account, stream: str, other_paths: tuple[str, ...]) -> AnswerParser:
        """Return a parser of one stream's answers.

        Args:
            account: What is known of the account.
            stream: Name of the stream.
            other_paths: Other known paths of its endpoint.
        """
        meanings = Meanings(no_data=account.no_data, busy=account.retry)
        return cls(meanings, account.secrets, account.token_setting(stream), other_paths)

    def parse(self, reply: Reply) -> Answer:
        """Return the records of an answer.

        Args:
            reply: The answer.

        Returns:
            The page; without rows for every known form of an empty day.

        Raises:
            KaptureAuthError: The credential is not accepted.
            KaptureRequestError: The request is refused, or redirected.
            KaptureResponseError: The answer has no known shape.
            KaptureThrottledError: 429 or 503, or a text that asks for patience.
            KaptureTransientError: Another try may succeed.
        """
        if reply.status != HTTPStatus.OK:
            self._refuse_status(reply)
        body, replaced = to_utf8(reply.body, reply.headers.get("content-type", ""))
        usual = decode_usual(body)
        if usual is not None and is_success(usual.status):
            return Answer(usual.message, total_of(usual.totalCount), replaced)
        envelope = decode_envelope(body)
        status = text_of(envelope.get("status"))
        message = envelope.get("message")
        if status is None:
            msg = "the answer has no 'status': is this address a Kapture API?"
            raise KaptureResponseError(msg)
        if not is_success(status):
            text = text_of(message)
            if message is None or (text is None and not holds_nothing(message)):
                _refuse_failure("", ASK_SUPPORT)
            self._refuse_unless_empty(reply, text or "")
            return Answer([])
        rows, more_replaced = self._rows(reply, message)
        if not rows:
            self._refuse_unless_alone(reply, envelope)
        return Answer(rows, total_of(envelope.get("totalcount")), replaced + more_replaced)

    def quote(self, text: str) -> str:
        """Return a server's text as an error may show it: short, without secrets or addresses."""
        return quotable(text, self.secrets)

    def _rows(self, reply: Reply, message: msgspec.Raw | None) -> tuple[list[msgspec.Raw], int]:
        """Return the rows of a success, and the replaced characters of rows that came as text."""
        if message is None or holds_nothing(message):
            return [], 0
        text = text_of(message)
        if text is None:
            if bytes(message)[:1] in {b"[", b"{"}:
                return rows_of(message), 0
            _refuse_success("a number or a boolean", ASK_SUPPORT)
        if not is_json(text):
            self._refuse_unless_empty(reply, text, succeeded=True)
            return [], 0
        rows = rows_in_text(text)
        if rows is None:
            _refuse_success("a text that begins like JSON but is none", ASK_SUPPORT)
        return rows, valid_utf8(bytes(message))[1]

    def _refuse_unless_empty(self, reply: Reply, text: str, *, succeeded: bool = False) -> None:
        """Return if a text in place of records means that there are none; else raise."""
        meaning = self.meanings.of(text)
        if meaning is Meaning.NO_DATA:
            return
        if meaning is Meaning.CREDENTIAL:
            msg = f"Kapture answered '{self.quote(text)}'"
            raise self._auth_error(msg)
        if meaning is Meaning.BUSY:
            raise self._asked_for_patience(reply, text)
        if meaning is Meaning.SERVER:
            msg = "Kapture answered 'ServerFailure'"
            raise KaptureTransientError(msg)
        if meaning is Meaning.REQUEST:
            msg = f"Kapture refused the request with '{self.quote(text)}'. {CHECK_REQUEST}"
            raise KaptureRefusedError(msg)
        if succeeded:
            _refuse_success(f"the text '{self.quote(text)}'", ADD_PATTERN)
        _refuse_failure(self.quote(text), ADD_PATTERN if text.strip() else ADD_BLANK)

    def _refuse_unless_alone(self, reply: Reply, envelope: Mapping[str, msgspec.Raw]) -> None:
        """Raise if an answer without records says in another key that it failed, or holds some."""
        for name in envelope.keys() - {"status", "message"}:
            text = text_of(envelope[name]) or ""
            if self.meanings.of(text) not in {Meaning.NO_DATA, Meaning.UNKNOWN}:
                self._refuse_unless_empty(reply, text, succeeded=True)
            if holds_objects(envelope[name]):
                msg = f"message holds no records, but another key holds some. {ASK_SUPPORT}"
                raise KaptureResponseError(msg)

    def _refuse_status(self, reply: Reply) -> None:
        status = reply.status
        is_server_fault = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        hint = "" if is_server_fault else message_in(reply.body, reply.headers)
        meaning = self.meanings.of(hint)
        if meaning is Meaning.BUSY:
            raise self._asked_for_patience(reply, hint)
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            msg = f"Kapture answered HTTP {status}"
            raise self._auth_error(msg)
        if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
            msg = f"HTTP {status}"
            raise KaptureThrottledError(msg, asked_pause(reply.headers))
        if status == HTTPStatus.REQUEST_TIMEOUT or is_server_fault:
            msg = f"HTTP {status}"
            raise KaptureTransientError(msg)
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            host = host_of(reply.headers.get("location", "")) or "another page"
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
        if meaning is Meaning.CREDENTIAL:
            msg_0 = f"Kapture answered '{self.quote(hint)}'"
            raise self._auth_error(msg_0)
        said = f" and '{self.quote(hint)}'" if hint else ""
        msg = f"Kapture refused the request with HTTP {status}{said}. {CHECK_REQUEST}"
        raise KaptureRefusedError(msg)

    def _auth_error(self, what: str) -> KaptureAuthError:
        return KaptureAuthError(
            f"{what}: the credential is wrong, expired or not permitted to use this API. Check "
            f"'{self.token_setting}' (and 'http_headers' if the account needs an API key there), "
            "or ask Kapture support for a new one"
        )

    def _asked_for_patience(self, reply: Reply, text: str) -> KaptureThrottledError:
        msg = f"Kapture asks for patience with '{self.quote(text)}'"
        return KaptureThrottledError(msg, asked_pause(reply.headers))


def _refuse_failure(text: str, advice: str) -> NoReturn:
    msg = f"Kapture answered status failed with the unknown text '{text}'. {advice}"
    raise KaptureRefusedError(msg)


def _refuse_success(what: str, advice: str) -> NoReturn:
    msg = f"status is success, but message is {what} instead of records. {advice}"
    raise KaptureResponseError(msg)
