"""Config -> one frozen :class:`Settings`; every bad value is named before any request.

The JSON Schema of :mod:`tap_kapture.config` has checked types and ranges; here the values get
the types that the code needs, and the checks that no schema can make. A value that may be secret is
never shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from singer_sdk.helpers._packaging import get_package_version

from tap_kapture.dates import local_day
from tap_kapture.errors import KaptureConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, tzinfo

_SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of a run, each value in the type that the code needs.

    Attributes:
        base_url: Scheme and host, without a slash at the end.
        auth_token: Credential, as it stands behind ``Basic``.
        http_headers: Further headers; their values are secret as well.
        cm_id: Account id, or None.
        start_day: First day to pull.
        end_day: Last day to pull, or None for today.
        zone: The account's zone.
        closed_statuses: Statuses that count as closed, in lower case.
        no_data: Patterns of further texts that mean "no records".
    """

    base_url: str
    auth_token: str = field(repr=False)
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
    tickets_body: Mapping[str, Any]
    customers_body: Mapping[str, Any]
    no_data: tuple[re.Pattern[str], ...]
    clean_text: bool
    user_agent: str

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return every value that must be masked, longest first."""
        values = {self.auth_token, *self.http_headers.values()}
        return tuple(sorted(filter(None, values), key=len, reverse=True))


def parse(config: Mapping[str, Any]) -> Settings:
    """Return the settings of a configuration whose types and ranges the schema has checked.

    Args:
        config: The configuration, defaults filled in.

    Returns:
        The settings.

    Raises:
        KaptureConfigError: Values that no schema can check; the text holds one line for each.
    """
    errors: list[str] = []

    def checked(name: str, read: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - as read returns
        try:
            return read(config.get(name))
        except ValueError as error:
            errors.append(f"{name}: {error}")
            return None

    zone = checked("timezone", _zone)
    day_zone = zone or timezone.utc
    values = {
        "base_url": _base_url(config, errors),
        "auth_token": checked("auth_token", _token),
        "http_headers": checked("http_headers", _headers),
        "start_day": checked("start_date", lambda text: _day(text, day_zone)),
        "end_day": checked("end_date", lambda text: text and _day(text, day_zone)),
        "user_agent": checked("user_agent", _user_agent),
        "no_data": checked("no_data_messages", _patterns),
        "zone": zone,
        "cm_id": _whole(config.get("cm_id")),
        "closed_statuses": frozenset(s.strip().lower() for s in config["closed_statuses"]),
    }
    for name in ("tickets_path", "customers_path"):
        checked(name, _check_path)
    start, end = values["start_day"], values["end_day"]
    if start and end and end < start:
        errors.append(f"end_date: {end} lies before start_date {start}; swap or correct them")
    if errors:
        raise KaptureConfigError("\n".join(errors))
    same = (
        "lookback_days open_ticket_refresh_days backfill_order page_size verify_last_page "
        "concurrency max_retries request_timeout tickets_body customers_body clean_text"
    )
    return Settings(**values, **{name: _whole(config[name]) for name in same.split()})


def _whole(value: Any) -> Any:  # noqa: ANN401 - a setting of any type
    """Return 5 for the 5.0 that JSON Schema takes for an integer."""
    return int(value) if isinstance(value, (float, Decimal)) else value


def _base_url(config: Mapping[str, Any], errors: list[str]) -> str | None:
    subdomain, api_url = config.get("subdomain"), config.get("api_url")
    if bool(subdomain) == bool(api_url):
        state = "both are set" if subdomain else "neither is set"
        errors.append(f"subdomain, api_url: exactly one of the two is needed, but {state}")
        return None
    try:
        return _host_of_subdomain(subdomain) if subdomain else _checked_url(str(api_url))
    except ValueError as error:
        errors.append(f"{'subdomain' if subdomain else 'api_url'}: {error}")
        return None


def _host_of_subdomain(subdomain: str) -> str:
    if not _SUBDOMAIN.fullmatch(subdomain):
        msg = "must be the account's name alone, such as acme for acme.kapturecrm.com"
        raise ValueError(msg)
    return f"https://{subdomain.lower()}.kapturecrm.com"


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or re.search(r"\s", url.strip()) or parts.scheme not in {"https", "http"}:
        msg = "must be an address such as https://acme.kapturecrm.com"
        raise ValueError(msg)
    if parts.username or parts.password or parts.query or parts.fragment:
        msg = "must hold no user, password, query or fragment; the credential is 'auth_token'"
        raise ValueError(msg)
    if parts.scheme == "http" and host not in _LOOPBACK:
        msg = "http:// would send the token in clear; only https:// is allowed beyond this machine"
        raise ValueError(msg)
    return url.strip().rstrip("/")


def _token(value: object) -> str:
    token = str(value).strip()
    token = re.sub(r"^basic(\s+|$)", "", token, flags=re.IGNORECASE)
    if not token or " " in token or not _PRINTABLE.fullmatch(token):
        msg = "must be the token as Kapture issued it: printable ASCII, without blanks inside"
        raise ValueError(msg)
    return token


def _headers(value: Mapping[str, Any]) -> dict[str, str]:
    for name, content in value.items():
        if not _HEADER_NAME.fullmatch(name):
            msg = "holds a header name that HTTP does not allow"
            raise ValueError(msg)
        if name.lower() in {"authorization", "content-type", "content-length", "host"}:
            msg = f"{name} is set by the tap itself; the credential is 'auth_token'"
            raise ValueError(msg)
        if not isinstance(content, str) or not _PRINTABLE.fullmatch(content):
            msg = f"the value of {name} must be text of printable ASCII characters"
            raise ValueError(msg)
    return dict(value)


def _zone(name: str) -> tzinfo:
    import pendulum  # noqa: PLC0415 - a quarter of the start-up, and --discover needs no zone

    try:
        return pendulum.timezone(name.strip())
    except (ValueError, KeyError, OSError):
        msg = f"'{name[:60]}' is no IANA time zone; write it as Asia/Kolkata or Europe/Paris"
        raise ValueError(msg) from None


def _day(text: str, zone: tzinfo) -> date:
    try:
        return local_day(text, zone)
    except ValueError:
        msg = f"'{text[:40]}' is no date; write it as YYYY-MM-DD"
        raise ValueError(msg) from None


def _check_path(value: str) -> None:
    if not re.fullmatch(r"/[\x21-\x7e]*", value) or value.startswith("//"):
        msg = "must be a path that begins with one slash"
        raise ValueError(msg)


def _user_agent(value: str | None) -> str:
    if value is None:
        return f"tap-kapture/{get_package_version('tap-kapture')}"
    if not _PRINTABLE.fullmatch(value):
        msg = "must be text of printable ASCII characters"
        raise ValueError(msg)
    return value


def _patterns(values: list[str]) -> tuple[re.Pattern[str], ...]:
    try:
        patterns = tuple(re.compile(value, re.IGNORECASE) for value in values)
    except re.error as error:
        msg = f"holds a regular expression that does not compile: {error}"
        raise ValueError(msg) from None
    if any(pattern.search("") for pattern in patterns):
        msg = "holds a pattern that matches any text, so that every failure would be an empty day"
        raise ValueError(msg)
    return patterns
