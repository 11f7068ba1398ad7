"""The settings that say which account is read, and what opens it."""

from __future__ import annotations

from typing import Any

import singer_sdk.typing as th

ACCESS: tuple[th.Property[Any], ...] = (
    th.Property(
        "subdomain",
        th.StringType,
        title="Subdomain",
        description=(
            "The part before .kapturecrm.com in your Kapture address, such as acme; give "
            "this or api_url, not both."
        ),
    ),
    th.Property(
        "api_url",
        th.StringType,
        title="API URL",
        description=(
            "The full base URL, if your account is not at <subdomain>.kapturecrm.com; it "
            "must be https:// unless it is this machine."
        ),
    ),
    th.Property(
        "auth_token",
        th.StringType,
        secret=True,
        title="Auth token",
        description=(
            "The token of every stream that has none of its own, as Kapture issued it, with or "
            'without a leading "Basic".'
        ),
    ),
    th.Property(
        "tickets_auth_token",
        th.StringType,
        secret=True,
        title="Tickets auth token",
        description=(
            "The token for tickets, where Kapture issued one for each API; it takes the place of "
            "auth_token."
        ),
    ),
    th.Property(
        "customers_auth_token",
        th.StringType,
        secret=True,
        title="Customers auth token",
        description=(
            "The token for customers, where Kapture issued one for each API; it takes the place "
            "of auth_token."
        ),
    ),
    th.Property(
        "http_headers",
        th.ObjectType(additional_properties=True),
        secret=True,
        default={},
        title="HTTP headers",
        description=(
            "Further headers to send with every request, as an object, for accounts that "
            "ask for one such as x-api-key."
        ),
    ),
    th.Property(
        "cm_id",
        th.IntegerType(minimum=1),
        title="Account id (cm_id)",
        description=(
            "The number of your Kapture account, which the customers stream needs; without "
            "it only tickets are pulled."
        ),
    ),
)
"""The first part of the settings, see :mod:`tap_kapture.config`."""
