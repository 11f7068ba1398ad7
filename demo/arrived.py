"""What arrived in the warehouse, in words and bars."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEYS = {"tickets": "ticketid", "customers": "id"}
CHART_DAYS = 14
CHART_WIDTH = 40
FILLS = "█▓▒░#=+-"

LATEST = """
    select t.ticketid, strftime(t.date, '%Y-%m-%d %H:%M') as created_utc, t.status,
           c.name as customer, json_extract_string(c.contacts, '$[0].email') as contact
    from kapture.tickets t join kapture.customers c on c.id = t.customerid
    order by t.date desc, t.ticketid limit 5
"""
"""A few of the latest tickets beside their customers."""
DAYS_READ = """
    select day, records, open, reason, changed from kapture.pulled_days
    where stream = 'tickets' order by day desc limit 6
"""
"""What the last run read of the latest days."""
DELETED = """
    select t.ticketid, t.day, t.status from kapture.tickets t
    join kapture.pulled_days p on p.stream = 'tickets' and p.day = t.day
    where t.emitted_at < p.emitted_at and p.closed and p.settled
"""
"""Tickets that did not leave again with the others of their day."""

Tables = dict[str, dict[Any, dict[str, Any]]]


def tables(warehouse: Path) -> Tables:
    """The warehouse's tables, by stream, key and column."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found: Tables = {}
        for stream, key in KEYS.items():
            rows = connection.table(f"kapture.{stream}")
            records = [dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()]
            found[stream] = {record[key]: record for record in records}
    return found


def chart(tickets: Mapping[Any, Mapping[str, Any]], timezone: str) -> str:
    """Tickets by day of creation and status, one line per day, the latest days only."""
    zone = ZoneInfo(timezone)
    counts: dict[dt.date, Counter[str]] = {}
    for ticket in tickets.values():
        if created := ticket["date"]:  # a timestamp without zone, in UTC
            day = created.replace(tzinfo=dt.timezone.utc).astimezone(zone).date()
            # Accounts write one status in several ways; the tap keeps each as it came.
            status = (ticket["status"] or "(none)").capitalize()
            counts.setdefault(day, Counter())[status] += 1
    latest = sorted(counts)[-CHART_DAYS:]
    total = sum((counts[day] for day in latest), Counter[str]())
    fills = {
        status: FILLS[min(i, len(FILLS) - 1)] for i, (status, _) in enumerate(total.most_common())
    }
    scale = min(1.0, CHART_WIDTH / max((counts[day].total() for day in latest), default=1))

    lines = ["  ".join(f"{fill} {status}" for status, fill in fills.items())]
    for day in latest:
        bar = "".join(fill * round(counts[day][status] * scale) for status, fill in fills.items())
        lines.append(f"{day:%a %d %b}  {counts[day].total():>3}  {bar}")
    return "\n".join(lines)


def queried(warehouse: Path, query: str) -> str:
    """The rows of a query, in columns."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.sql(query)
        rows = [found.columns, *([shown(value) for value in row] for row in found.fetchall())]
    if len(rows) == 1:
        return "(none)"
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def shown(value: object) -> str:
    """A value as SQL shows it."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def difference(before: Tables, after: Tables) -> str:
    """What a run changed, a line per stream."""
    lines = []
    for stream, rows in after.items():
        old = before[stream]
        new = len(rows.keys() - old.keys())
        # All records of a day that changed leave again, each with the new emitted_at.
        updated = sum(
            key in old and {**old[key], "emitted_at": None} != {**row, "emitted_at": None}
            for key, row in rows.items()
        )
        lines.append(
            f"{stream}: {new} new rows, {updated} updated, {len(rows) - new - updated} untouched"
        )
    return "\n".join(lines)
