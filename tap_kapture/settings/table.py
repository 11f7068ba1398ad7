"""Every setting once: its name, type, bounds, default and meaning, for the person who sets it.

``docs/settings.md``, ``meltano.yml`` and ``tap-kapture --about`` all say what stands here; a test
compares them.
"""

from __future__ import annotations

from tap_kapture.settings.account import ACCOUNT
from tap_kapture.settings.declared import Setting

TABLE = (
    *ACCOUNT,
    Setting(
        "lookback_days",
        "integer",
        "Lookback days",
        "How many days before the bookmark every run reads again, to catch what reached the API "
        "late.",
        minimum=0,
        default=2,
    ),
    Setting(
        "open_ticket_refresh_days",
        "integer",
        "Open ticket refresh days",
        "How old, in days, an open ticket may be and still have its day read again for changes; "
        "0 turns this off.",
        minimum=0,
        default=90,
    ),
    Setting(
        "closed_statuses",
        "array",
        "Closed statuses",
        "The ticket statuses, in any letter case, after which a ticket is not expected to "
        "change any more.",
        default=["Complete", "Completed", "Closed", "Resolved", "Solved", "Junk", "Merged"],
    ),
    Setting(
        "backfill_order",
        "string",
        "Backfill order",
        "Which days a first load pulls first, the oldest or the newest.",
        choices=("oldest_first", "newest_first"),
        default="oldest_first",
    ),
    Setting(
        "page_size",
        "integer",
        "Page size",
        "How many records to ask for in one request, from 1 to 5000.",
        minimum=1,
        maximum=5000,
        default=500,
    ),
    Setting(
        "verify_last_page",
        "boolean",
        "Verify last page",
        "Whether the end of a day is shown by one more request behind a short page; false halves "
        "the requests where short pages are known to be the last.",
        default=True,
    ),
    Setting(
        "tickets_paging",
        "string",
        "Tickets paging",
        "What offset counts for tickets: learn finds out, the others say that it counts rows, "
        "pages from 0, pages from 1, or that every answer is a whole day.",
        choices=("learn", "rows", "pages", "pages_from_1", "whole_day"),
        default="learn",
    ),
    Setting(
        "customers_paging",
        "string",
        "Customers paging",
        "What offset counts for customers: learn finds out, the others say that it counts rows, "
        "pages from 0, pages from 1, or that every answer is a whole day.",
        choices=("learn", "rows", "pages", "pages_from_1", "whole_day"),
        default="learn",
    ),
    Setting(
        "unsettled_days",
        "string",
        "Unsettled days",
        "What a run does that loaded everything, but met days whose rows or counts did not come "
        "out: fail ends it with exit code 1, warn only warns.",
        choices=("fail", "warn"),
        default="fail",
    ),
    Setting(
        "concurrency",
        "integer",
        "Concurrency",
        "How many requests may be under way at once, from 1 to 32; fewer are sent while Kapture "
        "asks for patience.",
        minimum=1,
        maximum=32,
        default=4,
    ),
    Setting(
        "max_retries",
        "integer",
        "Maximum retries",
        "How many times a request that failed for a passing reason is sent again before it is "
        "given up.",
        minimum=0,
        default=8,
    ),
    Setting(
        "request_timeout",
        "integer",
        "Request timeout",
        "How many seconds a request may take to connect, and after that until its whole answer "
        "is there, before it counts as failed.",
        minimum=1,
        maximum=86400,
        default=120,
    ),
    Setting(
        "tickets_path",
        "string",
        "Tickets path",
        "The path of the endpoint that lists tickets, if your account uses another one.",
        default="/select-ticket-between-start-and-end-dates.html/v.2.0",
    ),
    Setting(
        "customers_path",
        "string",
        "Customers path",
        "The path of the endpoint that lists customers, if your account uses another one.",
        default="/select-customer-between-start-and-end-dates.html",
    ),
    Setting(
        "tickets_body",
        "object",
        "Tickets body",
        "Further keys for the body of tickets requests, such as a status filter; the keys for "
        "day and page cannot be replaced.",
        default={},
        example={"status": "Pending"},
    ),
    Setting(
        "customers_body",
        "object",
        "Customers body",
        "Further keys for the body of customers requests, such as a search filter; the keys for "
        "day and page cannot be replaced.",
        default={},
        example={"isOrganisation": True},
    ),
    Setting(
        "no_data_messages",
        "array",
        "No-data messages",
        "Regular expressions for texts with which your account says that a day has no records, "
        "beside those the tap knows. ^$ stands for a failure whose message is null or empty.",
        default=[],
        example=["nothing to show"],
    ),
    Setting(
        "retry_messages",
        "array",
        "Retry messages",
        "Regular expressions for texts with which your account asks for patience, beside those "
        "the tap knows; all requests then pause, and the failed one is sent again.",
        default=[],
        example=["come back soon"],
    ),
    Setting(
        "clean_text",
        "boolean",
        "Clean text",
        "Whether to undo HTML escaping in text and turn blank text into null; false keeps every "
        "text as sent.",
        default=True,
    ),
    Setting(
        "user_agent",
        "string",
        "User agent",
        "The User-Agent header to send, tap-kapture and its version unless given.",
        example="acme-warehouse/1.0",
    ),
)
