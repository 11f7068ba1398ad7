"""The settings as the code uses them: a few groups, so that a room is given what it needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_kapture.errors import KaptureConfigError

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping
    from datetime import date, tzinfo

_SERVED_BY = {"customer_contacts": "customers"}
"""Streams that are read from the endpoint of another one, and so by its settings."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where the account is, how it is asked, and how its answers are to be understood.

    Attributes:
        base_url: Scheme and host, without a slash at the end.
        tokens: Credentials by the name of their setting, each as it stands behind ``Basic``.
        http_headers: Further headers; their values are secret as well.
        user_agent: How the tap names itself.
        cm_id: Account id, or None.
        zone: The account's zone: its days and dates are in it.
        paths: Path of each endpoint, by its stream.
        bodies: Further keys in the body of each endpoint's requests, by its stream.
        no_data: Patterns of further texts that mean "no records".
        retry: Patterns of further texts after which all wait and try again.
        clean_text: Whether HTML escaping is undone and blank text becomes null.
    """

    base_url: str
    tokens: Mapping[str, str] = field(repr=False)
    http_headers: Mapping[str, str] = field(repr=False)
    user_agent: str
    cm_id: int | None
    zone: tzinfo
    paths: Mapping[str, str]
    bodies: Mapping[str, Mapping[str, Any]]
    no_data: tuple[re.Pattern[str], ...]
    retry: tuple[re.Pattern[str], ...]
    clean_text: bool

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return every value that must be masked, longest first."""
        values = {*self.tokens.values(), *self.http_headers.values()}
        return tuple(sorted(filter(None, values), key=len, reverse=True))

    def token_of(self, stream: str) -> str:
        """Return the credential of a stream: its own, or that of all; empty if there is none."""
        return self.tokens.get(self.token_setting(stream), "")

    def token_setting(self, stream: str) -> str:
        """Return the name of the setting that holds the credential of a stream."""
        own = f"{served_by(stream)}_auth_token"
        return own if own in self.tokens else "auth_token"

    def path_of(self, stream: str) -> str:
        """Return the path of a stream's endpoint."""
        return self.paths[served_by(stream)]

    def body_of(self, stream: str) -> Mapping[str, Any]:
        """Return the further keys in the body of a stream's requests."""
        return self.bodies[served_by(stream)]

    def offers(self, stream: str) -> bool:
        """Return whether a stream is there by default: that of customers needs the account id."""
        return stream == "tickets" or self.cm_id is not None

    def require(self, stream: str) -> None:
        """Make sure that a stream that is selected can be read.

        Args:
            stream: Name of the stream.

        Raises:
            KaptureConfigError: Its endpoint requires what is not set.
        """
        if not self.offers(stream):
            msg = (
                f"cm_id: {stream} is selected, but its endpoint requires the account id. Set "
                f"'cm_id', or deselect the stream (Meltano: select '!{stream}.*')"
            )
            raise KaptureConfigError(msg)
        if not self.token_of(stream):
            msg = (
                f"customers_auth_token: {stream} is selected, but has no token. Set it or "
                f"'auth_token', or deselect the stream (Meltano: select '!{stream}.*')"
            )
            raise KaptureConfigError(msg)


@dataclass(frozen=True, slots=True)
class Window:
    """Which days of creation are wanted.

    Attributes:
        start_day: First of them.
        end_day: Last of them, or None for today.
        backfill_order: Which end of the days before the bookmark is pulled first.
    """

    start_day: date
    end_day: date | None
    backfill_order: str

    def last_day(self, today: date) -> date:
        """Return the last day that can be pulled now."""
        return min(today, self.end_day or today)


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long days that were pulled are read again, and what becomes of those that move.

    Attributes:
        lookback_days: Days before the bookmark that are read in every run.
        open_ticket_refresh_days: Age up to which days with open tickets are read again.
        closed_statuses: Statuses that count as closed, in lower case.
        unsettled_days: Whether days that do not settle make the run fail.
    """

    lookback_days: int
    open_ticket_refresh_days: int
    closed_statuses: frozenset[str]
    unsettled_days: str


@dataclass(frozen=True, slots=True)
class Paging:
    """How a day is turned page by page.

    Attributes:
        page_size: Rows to ask for in a request.
        verify_last_page: Whether a short page is followed by one that must come back empty.
        stated: How each endpoint pages, by its stream; ``learn`` if the settings do not say.
    """

    page_size: int
    verify_last_page: bool
    stated: Mapping[str, str]

    def stated_of(self, stream: str) -> str:
        """Return how a stream pages as the settings state it, ``learn`` if they do not."""
        return self.stated[served_by(stream)]


@dataclass(frozen=True, slots=True)
class Pace:
    """How hard the account is asked.

    Attributes:
        concurrency: Requests in flight at most.
        max_retries: Tries of a request after the first.
        request_timeout: Seconds that an answer may take, and those to connect.
    """

    concurrency: int
    max_retries: int
    request_timeout: int


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of a run, each value in the type that the code needs."""

    account: Account
    window: Window
    freshness: Freshness
    paging: Paging
    pace: Pace


def served_by(stream: str) -> str:
    """Return the stream whose endpoint serves a stream, and whose settings it follows."""
    return _SERVED_BY.get(stream, stream)


def paging_setting(stream: str) -> str:
    """Return the name of the setting that states how a stream pages."""
    return f"{served_by(stream)}_paging"
