"""One request, politely: through the gate, with retries, and without a secret in any message."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import count
from typing import TYPE_CHECKING, Any

import backoff
import requests
from requests.auth import AuthBase

from tap_kapture.errors import (
    KaptureConnectionError,
    KaptureError,
    KaptureRequestError,
    KaptureServerError,
    KaptureThrottledError,
    KaptureTransientError,
)
from tap_kapture.wire.answers import Answer, AnswerParser
from tap_kapture.wire.request import Reply

if TYPE_CHECKING:
    from collections.abc import Generator

    from tap_kapture.settings.groups import Account, Pace
    from tap_kapture.wire.endpoints import Endpoint
    from tap_kapture.wire.gate import Gate
    from tap_kapture.wire.request import Request

LONGEST_WAIT = 60.0
"""Upper bound of the random wait between two tries, in seconds."""

logger = logging.getLogger("tap-kapture")


@dataclass(slots=True)
class Traffic:
    """What a run sent and waited for, counted by all workers together."""

    requests: int = 0
    retries: int = 0
    waited: float = 0.0
    replaced: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(
        self, *, requests: int = 0, retries: int = 0, waited: float = 0.0, replaced: int = 0
    ) -> None:
        """Count under the lock that all workers share."""
        with self._lock:
            self.requests += requests
            self.retries += retries
            self.waited += waited
            self.replaced += replaced


class _Credential(AuthBase):
    """Adds the credential; a ``.netrc`` of the user's does not count then."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Basic {self._token}"
        return request


class Transport:
    """Asks for pages of one stream; one instance serves all its workers.

    Attributes:
        traffic: What was sent and waited for so far.
        server_date: The ``Date`` of the last answer, and when it was here; None before.
    """

    def __init__(self, endpoint: Endpoint, account: Account, pace: Pace, gate: Gate) -> None:
        """Keep the collaborators.

        Args:
            endpoint: What to ask.
            account: Where to ask, and with which credential.
            pace: How often and how long a request is tried.
            gate: The gate shared by the workers.
        """
        self.traffic = Traffic()
        self.server_date: tuple[str, datetime] | None = None
        self._stream = endpoint.stream
        self._endpoint = endpoint
        self._account = account
        self._timeout = pace.request_timeout
        path = account.path_of(endpoint.stream)
        self._url = f"{account.base_url}{path}"
        self._headers = {**account.http_headers, "User-Agent": account.user_agent}
        self._auth = _Credential(account.token_of(endpoint.stream))
        other_paths = [each for each in endpoint.paths if each != path]
        self._parser = AnswerParser.of(account, endpoint.stream, tuple(other_paths))
        self._gate = gate
        self._max_retries = pace.max_retries
        self._settings: dict[str, Any] = {}

    def ask(self, session: requests.Session, page: Request) -> Answer:
        """Return a page, trying again as long as that may help.

        Args:
            session: The worker's own HTTP session.
            page: What to ask for.

        Returns:
            The page.

        Raises:
            KaptureError: A failure that another try cannot cure, or one try too many; it names the
                stream, the day and the offset.
            StoppedError: The run ends.
        """
        waits: Generator[float, None, None] = backoff.expo(max_value=LONGEST_WAIT)
        next(waits)  # the generator's first value primes it
        for tries in count(1):
            outcome = self._try(session, page)
            if isinstance(outcome, Answer):
                return outcome
            error, pauses = outcome
            if tries > self._max_retries:
                raise self._given_up(error, tries).at(self._stream, page.day, page.offset or 0)
            self._wait(error, next(waits), page, tries, pauses)
        raise AssertionError  # count() does not end

    def _try(
        self, session: requests.Session, page: Request
    ) -> Answer | tuple[KaptureTransientError, int]:
        """Ask once; return the page, or why another try may help and the pauses before this one."""
        pauses = 0
        try:
            with self._gate.slot() as pauses:
                reply = self._send(session, page)
            answer = self._parser.parse(reply)
        except KaptureTransientError as error:
            return error, pauses
        except KaptureError as error:
            raise error.at(self._stream, page.day, page.offset or 0) from None
        self._gate.clean_answer()
        self.traffic.add(replaced=answer.replaced)
        return answer

    def _send(self, session: requests.Session, page: Request) -> Reply:
        self.traffic.add(requests=1)
        try:
            prepared = session.prepare_request(
                requests.Request(
                    "POST",
                    self._url,
                    json=self._endpoint.body(self._account, page),
                    headers=self._headers,
                    auth=self._auth,
                )
            )
            response = session.send(
                prepared,
                timeout=self._timeout,
                allow_redirects=False,
                **self._environment(session, prepared.url),
            )
            # As it comes: in one piece if its length is known, not in requests' 10 KiB.
            body = b"".join(response.iter_content(None))
        except requests.exceptions.RequestException as error:
            # The class says enough; the text may hold anything.
            if "CERTIFICATE_VERIFY_FAILED" in repr(error):
                raise KaptureRequestError(_NOT_TRUSTED) from None
            raise KaptureConnectionError(_reason(error)) from None
        headers = {name.lower(): value for name, value in response.headers.items()}
        self.server_date = headers.get("date", ""), datetime.now(timezone.utc)
        path = response.request.path_url
        return Reply(response.status_code, headers, body, path)

    def _environment(self, session: requests.Session, url: str | None) -> dict[str, Any]:
        """Return proxies and certificates as the environment wants them, looked up once a run."""
        if not self._settings:
            self._settings = {
                **session.merge_environment_settings(
                    url, proxies={}, stream=True, verify=None, cert=None
                )
            }
        return self._settings

    def _wait(
        self, error: KaptureTransientError, bound: float, page: Request, tries: int, pauses: int
    ) -> None:
        """Log why, and wait: all workers after 429 and 503, this one alone after anything else."""
        wait = backoff.full_jitter(bound)
        if isinstance(error, KaptureThrottledError):
            wait = max(wait, error.retry_after or 0.0)  # never less: many servers ask for 0
        self.traffic.add(retries=1, waited=wait)
        logger.warning(
            "%s, day %s, offset %d: %s; try %d of %d in %.1f s",
            self._stream,
            page.day,
            page.offset or 0,
            error.message,
            tries + 1,
            self._max_retries + 1,
            wait,
        )
        if isinstance(error, KaptureThrottledError):
            self._gate.pause(wait, pauses)
        else:
            self._gate.wait(wait)

    @staticmethod
    def _given_up(error: KaptureTransientError, tries: int) -> KaptureError:
        what = f"{error.message}, and so it stayed for {tries} tries"
        if isinstance(error, (KaptureConnectionError, KaptureThrottledError)):
            return KaptureTransientError(
                f"{what}. Everything before this day is safe; run again later, or raise "
                "'max_retries' or 'request_timeout'"
            )
        return KaptureServerError(f"{what}. If other days come, ask Kapture support about this one")


_NOT_TRUSTED = (
    "the server's TLS certificate cannot be verified. Check 'subdomain' or 'api_url'; behind a "
    "proxy with its own authority, point REQUESTS_CA_BUNDLE to its certificate"
)
_REASONS = (
    (requests.exceptions.ConnectTimeout, "no connection within request_timeout"),
    (requests.exceptions.Timeout, "no answer within request_timeout"),
    (requests.exceptions.ProxyError, "the proxy refused the connection"),
    (requests.exceptions.SSLError, "the TLS connection failed"),
    (requests.exceptions.ChunkedEncodingError, "the answer broke off"),
    (requests.exceptions.ContentDecodingError, "the answer broke off"),
)


def _reason(error: requests.exceptions.RequestException) -> str:
    """Return a failure of the connection in words, without addresses or content."""
    for kind, words in _REASONS:
        if isinstance(error, kind):
            return words
    if "ReadTimeoutError" in repr(error):  # inside a body, requests has no class for it
        return "no answer within request_timeout"
    if "NameResolutionError" in repr(error):
        return "the host's name cannot be resolved (check 'subdomain' or 'api_url')"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "the connection failed"
    return f"the request failed ({type(error).__name__})"
