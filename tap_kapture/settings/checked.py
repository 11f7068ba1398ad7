"""Config -> one frozen :class:`Settings`; every bad value is named before any request.

The JSON Schema of the declarations has checked types and ranges; here the values get the types that
the code needs, and the checks that no schema can make. A value that may be secret is
never shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timezone
from typing import TYPE_CHECKING, Any

from tap_kapture.errors import KaptureConfigError
from tap_kapture.settings import values as setting_values

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping
    from datetime import date, tzinfo

TOKENS = ("auth_token", "tickets_auth_token", "customers_auth_token")
"""The settings that hold a credential."""

STREAMS = ("tickets", "customers")
_SERVED_BY = {"customer_contacts": "customers"}
"""Streams that are read from the endpoint of another one, and so by its settings."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of a run, each value in the type that the code needs.

    Attributes:
        base_url: Scheme and host, without a slash at the end.
        tokens: Credentials by the name of their setting, each as it stands behind ``Basic``.
        http_headers: Further headers; their values are secret as well.
        cm_id: Account id, or None.
        start_day: First day to pull.
        end_day: Last day to pull, or None for today.
        zone: The account's zone.
        closed_statuses: Statuses that count as closed, in lower case.
        paging: How each stream pages, as far as the settings state it.
        paths: Path of each stream's endpoint.
        no_data: Patterns of further texts that mean "no records".
        retry: Patterns of further texts after which all wait and try again.
    """

    base_url: str
    tokens: Mapping[str, str] = field(repr=False)
    http_headers: Mapping[str, str] = field(repr=False)
    cm_id: int | None
    start_day: date
    end_day: date | None
    zone: tzinfo
    lookback_days: int
    open_ticket_refresh_days: int
    backfill_order: str
    closed_statuses: frozenset[str]
    page_size: int
    verify_last_page: bool
    concurrency: int
    max_retries: int
    request_timeout: int
    unsettled_days: str
    paging: Mapping[str, str]
    paths: Mapping[str, str]
    tickets_body: Mapping[str, Any]
    customers_body: Mapping[str, Any]
    no_data: tuple[re.Pattern[str], ...]
    retry: tuple[re.Pattern[str], ...]
    clean_text: bool
    user_agent: str

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
        own = f"{_SERVED_BY.get(stream, stream)}_auth_token"
        return own if own in self.tokens else "auth_token"

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

    def paging_of(self, stream: str) -> str:
        """Return how a stream pages as the settings state it, ``learn`` if they do not."""
        return self.paging[_SERVED_BY.get(stream, stream)]

    def path_of(self, stream: str) -> str:
        """Return the path of a stream's endpoint."""
        return self.paths[_SERVED_BY.get(stream, stream)]

    def body_of(self, stream: str) -> Mapping[str, Any]:
        """Return the further keys in the body of a stream's requests."""
        return self.tickets_body if stream == "tickets" else self.customers_body


def paging_setting(stream: str) -> str:
    """Return the name of the setting that states how a stream pages."""
    return f"{_SERVED_BY.get(stream, stream)}_paging"


def parse(config: Mapping[str, Any]) -> Settings:
    """Return the settings of a configuration whose types and ranges the schema has checked.

    Args:
        config: The configuration, defaults filled in.

    Returns:
        The settings.

    Raises:
        KaptureConfigError: Values that no schema can check; the text holds one line for each.
    """
    errors = missing_tokens(config)

    def checked(name: str, read: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - as read returns
        try:
            return read(config.get(name))
        except ValueError as error:
            errors.append(f"{name}: {error}")
            return None

    zone = checked("timezone", setting_values.zone)
    day_zone = zone or timezone.utc
    values = {
        "base_url": setting_values.base_url(config, errors),
        "tokens": {
            name: checked(name, setting_values.token)
            for name in TOKENS
            if config.get(name) is not None
        },
        "http_headers": checked("http_headers", setting_values.headers),
        "start_day": checked("start_date", lambda text: setting_values.day(text, day_zone)),
        "end_day": checked("end_date", lambda text: text and setting_values.day(text, day_zone)),
        "user_agent": checked("user_agent", setting_values.user_agent),
        "no_data": checked(
            "no_data_messages",
            lambda texts: setting_values.patterns(texts, "would be an empty day"),
        ),
        "retry": checked(
            "retry_messages",
            lambda texts: setting_values.patterns(texts, "would be tried again for nothing"),
        ),
        "zone": zone,
        "cm_id": config.get("cm_id"),
        "paging": {stream: config[f"{stream}_paging"] for stream in STREAMS},
        "paths": {stream: config[f"{stream}_path"] for stream in STREAMS},
        "closed_statuses": frozenset(s.strip().lower() for s in config["closed_statuses"]),
    }
    for name in ("tickets_path", "customers_path"):
        checked(name, setting_values.check_path)
    start, end = values["start_day"], values["end_day"]
    if start and end and end < start:
        errors.append(f"end_date: {end} lies before start_date {start}; swap or correct them")
    if errors:
        raise KaptureConfigError("\n".join(errors))
    same = (
        "lookback_days open_ticket_refresh_days backfill_order page_size verify_last_page "
        "unsettled_days concurrency max_retries request_timeout tickets_body customers_body "
        "clean_text"
    )
    return Settings(**values, **{name: config[name] for name in same.split()})


def missing_tokens(config: Mapping[str, Any]) -> list[str]:
    """Return what is wrong if a configuration holds no credential for tickets.

    That of customers is looked for when they are read: they may be deselected.

    Args:
        config: The configuration.

    Returns:
        A line, or nothing.
    """
    if config.get("auth_token") is not None or config.get("tickets_auth_token") is not None:
        return []
    needed = "'tickets_auth_token' is"
    if config.get("cm_id") is not None and config.get("customers_auth_token") is None:
        needed = "'tickets_auth_token' and 'customers_auth_token' are"
    return [f"auth_token: required, unless {needed} set"]
