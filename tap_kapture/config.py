"""The settings as users write them: names, types, ranges, defaults and descriptions.

README, ``meltano.yml`` and ``tap-kapture --about`` all say what stands here; a test compares them.
"""

from __future__ import annotations

from typing import Any

import singer_sdk.typing as th

from tap_kapture.config_access import ACCESS

TICKETS_PATH = "/select-ticket-between-start-and-end-dates.html/v.2.0"
CUSTOMERS_PATH = "/select-customer-between-start-and-end-dates.html"
OTHER_CUSTOMERS_PATH = "/ms/customer-search/customer-search/api/v1"


def config_jsonschema() -> dict[str, Any]:
    """Return the JSON Schema of the tap's own settings; the SDK adds its built-in ones."""
    return th.PropertiesList(
        *ACCESS,
        th.Property(
            "start_date",
            th.StringType,
            required=True,
            title="Start date",
            description=(
                "The first day of creation to pull, such as 2024-01-01; moving it back later "
                "pulls the days in between."
            ),
        ),
        th.Property(
            "end_date",
            th.StringType,
            title="End date",
            description=(
                "The last day of creation to pull, inclusive; leave it out to pull up to today."
            ),
        ),
        th.Property(
            "timezone",
            th.StringType,
            default="Asia/Kolkata",
            title="Time zone",
            description=(
                "The time zone that your Kapture account is set to, as an IANA name; days and "
                "dates are read in it."
            ),
        ),
        th.Property(
            "lookback_days",
            th.IntegerType(minimum=0),
            default=2,
            title="Lookback days",
            description=(
                "How many days before the bookmark every run reads again, to catch what reached "
                "the API late."
            ),
        ),
        th.Property(
            "open_ticket_refresh_days",
            th.IntegerType(minimum=0),
            default=90,
            title="Open ticket refresh days",
            description=(
                "How old, in days, an open ticket may be and still have its day read again for "
                "changes; 0 turns this off."
            ),
        ),
        th.Property(
            "closed_statuses",
            th.ArrayType(th.StringType),
            default=["Complete", "Completed", "Closed", "Resolved", "Solved", "Junk", "Merged"],
            title="Closed statuses",
            description=(
                "The ticket statuses, in any letter case, after which a ticket is not expected "
                "to change any more."
            ),
        ),
        th.Property(
            "backfill_order",
            th.StringType,
            allowed_values=["oldest_first", "newest_first"],
            default="oldest_first",
            title="Backfill order",
            description="Which days a first load pulls first, the oldest or the newest.",
        ),
        th.Property(
            "page_size",
            th.IntegerType(minimum=1, maximum=5000),
            default=500,
            title="Page size",
            description="How many records to ask for in one request, from 1 to 5000.",
        ),
        th.Property(
            "verify_last_page",
            th.BooleanType,
            default=True,
            title="Verify last page",
            description=(
                "Whether a short page is followed by one more request that must come back "
                "empty; false halves the requests where short pages are known to be the last."
            ),
        ),
        *(
            th.Property(
                f"{stream}_paging",
                th.StringType,
                allowed_values=["learn", "rows", "pages", "pages_from_1", "whole_day"],
                default="learn",
                title=f"{stream.capitalize()} paging",
                description=(
                    f"What offset counts for {stream}: learn finds out, the others say that it "
                    "counts rows, pages from 0, pages from 1, or that every answer is a whole day."
                ),
            )
            for stream in ("tickets", "customers")
        ),
        th.Property(
            "unsettled_days",
            th.StringType,
            allowed_values=["fail", "warn"],
            default="fail",
            title="Unsettled days",
            description=(
                "What a run does that loaded everything, but met days whose rows or counts did "
                "not come out: fail ends it with exit code 1, warn only warns."
            ),
        ),
        th.Property(
            "concurrency",
            th.IntegerType(minimum=1, maximum=32),
            default=4,
            title="Concurrency",
            description=(
                "How many requests may be under way at once, from 1 to 32; fewer are sent while "
                "Kapture asks for patience."
            ),
        ),
        th.Property(
            "max_retries",
            th.IntegerType(minimum=0),
            default=8,
            title="Maximum retries",
            description=(
                "How many times a request that failed for a passing reason is sent again before "
                "the run stops."
            ),
        ),
        th.Property(
            "request_timeout",
            th.IntegerType(minimum=1, maximum=86_400),
            default=120,
            title="Request timeout",
            description=(
                "How many seconds a request may take to connect, and after that until its whole "
                "answer is there, before it counts as failed."
            ),
        ),
        th.Property(
            "tickets_path",
            th.StringType,
            default=TICKETS_PATH,
            title="Tickets path",
            description=(
                "The path of the endpoint that lists tickets, if your account uses another one."
            ),
        ),
        th.Property(
            "customers_path",
            th.StringType,
            default=CUSTOMERS_PATH,
            title="Customers path",
            description=(
                "The path of the endpoint that lists customers, if your account uses another one."
            ),
        ),
        th.Property(
            "tickets_body",
            th.ObjectType(additional_properties=True),
            default={},
            title="Tickets body",
            description=(
                "Further keys for the body of tickets requests, such as a status filter; the "
                "keys for day and page cannot be replaced."
            ),
        ),
        th.Property(
            "customers_body",
            th.ObjectType(additional_properties=True),
            default={},
            title="Customers body",
            description=(
                "Further keys for the body of customers requests, such as a search filter; the "
                "keys for day and page cannot be replaced."
            ),
        ),
        th.Property(
            "no_data_messages",
            th.ArrayType(th.StringType),
            default=[],
            title="No-data messages",
            description=(
                "Regular expressions for texts with which your account says that a day has no "
                "records, beside those the tap knows."
            ),
        ),
        th.Property(
            "retry_messages",
            th.ArrayType(th.StringType),
            default=[],
            title="Retry messages",
            description=(
                "Regular expressions for texts with which your account asks for patience, beside "
                "those the tap knows; all requests then pause, and the failed one is sent again."
            ),
        ),
        th.Property(
            "clean_text",
            th.BooleanType,
            default=True,
            title="Clean text",
            description=(
                "Whether to undo HTML escaping in text and turn blank text into null; false "
                "keeps every text as sent."
            ),
        ),
        th.Property(
            "user_agent",
            th.StringType,
            title="User agent",
            description=(
                "The User-Agent header to send, tap-kapture and its version unless given."
            ),
        ),
        additional_properties=False,
    ).to_dict()
