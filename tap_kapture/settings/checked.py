"""Config -> one frozen ``Settings`` of a few groups; every bad value is named before any request.

The JSON Schema of the declarations has checked types and ranges; here the values get the types that
the code needs, and the checks that no schema can make. A value that may be secret is
never shown.
"""

from __future__ import annotations

from datetime import timezone
from typing import TYPE_CHECKING, Any

from tap_kapture.errors import KaptureConfigError
from tap_kapture.settings import values as setting_values
from tap_kapture.settings.groups import (
    Account,
    Freshness,
    Pace,
    Paging,
    Settings,
    Window,
    paging_setting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOKENS = ("auth_token", "tickets_auth_token", "customers_auth_token")
"""The settings that hold a credential."""

STREAMS = ("tickets", "customers")
"""The streams with an endpoint, and so with settings, of their own."""


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
    base_url = setting_values.base_url(config, errors)
    tokens = {
        name: checked(name, setting_values.token) for name in TOKENS if config.get(name) is not None
    }
    http_headers = checked("http_headers", setting_values.headers)
    start = checked("start_date", lambda text: setting_values.day(text, day_zone))
    end = checked("end_date", lambda text: text and setting_values.day(text, day_zone))
    account = Account(
        base_url=base_url,
        tokens=tokens,
        http_headers=http_headers,
        user_agent=checked("user_agent", setting_values.user_agent),
        cm_id=config.get("cm_id"),
        zone=zone,
        bodies={stream: config[f"{stream}_body"] for stream in STREAMS},
        no_data=checked(
            "no_data_messages",
            lambda texts: setting_values.patterns(texts, "would be an empty day", blank=True),
        ),
        retry=checked(
            "retry_messages",
            lambda texts: setting_values.patterns(texts, "would be tried again for nothing"),
        ),
        paths={stream: checked(f"{stream}_path", setting_values.path) for stream in STREAMS},
        clean_text=config["clean_text"],
    )
    if start and end and end < start:
        errors.append(f"end_date: {end} lies before start_date {start}; swap or correct them")
    if errors:
        raise KaptureConfigError("\n".join(errors))
    window = Window(start, end, config["backfill_order"])
    freshness = Freshness(
        lookback_days=config["lookback_days"],
        open_ticket_refresh_days=config["open_ticket_refresh_days"],
        closed_statuses=frozenset(each.strip().lower() for each in config["closed_statuses"]),
        unsettled_days=config["unsettled_days"],
    )
    paging = Paging(
        page_size=config["page_size"],
        verify_last_page=config["verify_last_page"],
        stated={stream: config[paging_setting(stream)] for stream in STREAMS},
    )
    pace = Pace(
        concurrency=config["concurrency"],
        max_retries=config["max_retries"],
        request_timeout=config["request_timeout"],
    )
    return Settings(account, window, freshness, paging, pace)


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
