"""The settings that say which account is read, with what credentials, and which of its days."""

from __future__ import annotations

from tap_kapture.settings.declared import Setting

ACCOUNT = (
    Setting(
        "subdomain",
        "string",
        "Subdomain",
        "The part before .kapturecrm.com in your Kapture address, such as acme; give this or "
        "api_url, not both.",
        example="acme",
    ),
    Setting(
        "api_url",
        "string",
        "API URL",
        "The full base URL, if your account is not at <subdomain>.kapturecrm.com; it must be "
        "https:// unless it is this machine.",
        example="https://acme.int.kapturecrm.com",
    ),
    Setting(
        "auth_token",
        "string",
        "Auth token",
        "The token of every stream that has none of its own, as Kapture issued it, with or "
        'without a leading "Basic".',
        secret=True,
        example="token-as-issued-by-kapture",
    ),
    Setting(
        "tickets_auth_token",
        "string",
        "Tickets auth token",
        "The token for tickets, where Kapture issued one for each API; it takes the place of "
        "auth_token.",
        secret=True,
        example="token-of-the-tickets-api",
    ),
    Setting(
        "customers_auth_token",
        "string",
        "Customers auth token",
        "The token for customers, where Kapture issued one for each API; it takes the place of "
        "auth_token.",
        secret=True,
        example="token-of-the-customers-api",
    ),
    Setting(
        "http_headers",
        "object",
        "HTTP headers",
        "Further headers to send with every request, as an object, for accounts that ask for "
        "one such as x-api-key.",
        default={},
        secret=True,
        example={"x-api-key": "key-as-issued-by-kapture"},
    ),
    Setting(
        "cm_id",
        "integer",
        "Account id (cm_id)",
        "The number of your Kapture account, which the customers stream needs; without it only "
        "tickets are pulled.",
        minimum=1,
        example=1000298,
    ),
    Setting(
        "start_date",
        "string",
        "Start date",
        "The first day of creation to pull, such as 2024-01-01; moving it back later pulls the "
        "days in between.",
        required=True,
        example="2024-01-01",
    ),
    Setting(
        "end_date",
        "string",
        "End date",
        "The last day of creation to pull, inclusive; leave it out to pull up to today.",
        example="2024-12-31",
    ),
    Setting(
        "timezone",
        "string",
        "Time zone",
        "The time zone that your Kapture account is set to, as an IANA name; days and dates are "
        "read in it.",
        default="Asia/Kolkata",
    ),
)
