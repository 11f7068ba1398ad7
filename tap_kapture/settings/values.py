"""One setting at a time: the checks that no schema can make, and the value that the code needs.

Each raises ValueError with the rest of a line that begins with the setting's name. A value that may
be secret is never shown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tap_kapture.settings.dates import local_day

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, tzinfo

_SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_OWN_HEADERS = {
    **dict.fromkeys(
        ("authorization", "content-type", "content-length", "host"),
        "the credential is 'auth_token'",
    ),
    "user-agent": "its setting is 'user_agent'",
}
"""Headers that are no further ones, and what is said of them."""
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_FAILURES = ("Permission denied", "Unknown branch 7", "Login first!")
"""Texts that have nothing in common but what any text has."""


def base_url(config: Mapping[str, Any], errors: list[str]) -> str:
    """Return scheme and host, from the one of two settings that is set; else add an error."""
    subdomain, api_url = config.get("subdomain"), config.get("api_url")
    if bool(subdomain) == bool(api_url):
        state = "both are set" if subdomain else "neither is set"
        errors.append(f"subdomain, api_url: exactly one of the two is needed, but {state}")
        return ""
    try:
        return _host_of_subdomain(subdomain) if subdomain else _checked_url(str(api_url))
    except ValueError as error:
        errors.append(f"{'subdomain' if subdomain else 'api_url'}: {error}")
        return ""


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


def token(value: object) -> str:
    """Return a credential as it stands behind ``Basic``."""
    token = str(value).strip()
    token = re.sub(r"^basic(\s+|$)", "", token, flags=re.IGNORECASE)
    if not token or " " in token or not _PRINTABLE.fullmatch(token):
        msg = "must be the token as Kapture issued it: printable ASCII, without blanks inside"
        raise ValueError(msg)
    return token


def headers(value: Mapping[str, Any]) -> dict[str, str]:
    """Return further headers."""
    for name, content in value.items():
        if not _HEADER_NAME.fullmatch(name):
            msg = "holds a header name that HTTP does not allow"
            raise ValueError(msg)
        if name.lower() in _OWN_HEADERS:
            msg = f"{name} is set by the tap itself; {_OWN_HEADERS[name.lower()]}"
            raise ValueError(msg)
        if not isinstance(content, str) or not _PRINTABLE.fullmatch(content):
            msg = f"the value of {name} must be text of printable ASCII characters"
            raise ValueError(msg)
    return dict(value)


def zone(name: str) -> tzinfo:
    """Return the zone of an IANA name."""
    import pendulum  # noqa: PLC0415 - a quarter of the start-up, and --discover needs no zone

    try:
        return pendulum.timezone(name.strip())
    except (ValueError, KeyError, OSError):
        msg = f"'{name[:60]}' is no IANA time zone; write it as Asia/Kolkata or Europe/Paris"
        raise ValueError(msg) from None


def day(text: str, zone: tzinfo) -> date:
    """Return the day of a date or date-time."""
    try:
        return local_day(text, zone)
    except ValueError:
        msg = f"'{text[:40]}' is no date; write it as YYYY-MM-DD"
        raise ValueError(msg) from None


def path(value: str) -> str:
    """Return the path of an endpoint, which stays on the account's host."""
    if not re.fullmatch(r"/[\x21-\x7e]*", value) or value.startswith("//"):
        msg = "must be a path that begins with one slash"
        raise ValueError(msg)
    return value


def user_agent(value: str | None) -> str:
    """Return the header to send."""
    if value is None:
        from importlib.metadata import version  # noqa: PLC0415 - not for --discover

        return f"tap-kapture/{version('tap-kapture')}"
    if not _PRINTABLE.fullmatch(value):
        msg = "must be text of printable ASCII characters"
        raise ValueError(msg)
    return value


def patterns(
    values: list[str], otherwise: str, *, blank: bool = False
) -> tuple[re.Pattern[str], ...]:
    """Return compiled patterns, none of which matches whatever an account may say.

    Args:
        values: Regular expressions.
        otherwise: What every failure would be if one matched any text.
        blank: Whether one may match an empty text and hardly any other, such as ``^$``.

    Raises:
        ValueError: One does not compile, or matches any text.
    """
    try:
        compiled = tuple(re.compile(value, re.IGNORECASE) for value in values)
    except re.error as error:
        msg = f"holds a regular expression that does not compile: {error}"
        raise ValueError(msg) from None
    for pattern in compiled:
        if (not blank and pattern.search("")) or all(map(pattern.search, _FAILURES)):
            msg = f"holds a pattern that matches any text, so that every failure {otherwise}"
            raise ValueError(msg)
    return compiled
