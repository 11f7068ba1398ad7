"""Each query of docs/sql.md gives, in each warehouse, what the account knows."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import duckdb
import month as a_month
import psycopg
import pytest
from effort import soak
from loading import NEEDS_POSTGRESQL, ROOT, Target, postgresql, program
from month import DAY, FIRST, STREAMS, UTC, Month

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

# So many runs of three loaders take minutes on a busy machine.
pytestmark = [*NEEDS_POSTGRESQL, pytest.mark.timeout(900)]
JSONL = ROOT / ".venv-target-jsonl" / "bin" / "target-jsonl"
WAREHOUSES = ("duckdb", "postgres", "jsonl")
CLOSED = {"complete", "completed", "closed", "resolved", "solved", "junk", "merged"}
ANY_INSTANT = "2024-05-02 21:00:00"
ANY_DAY = "2024-05-14"

Tuples = list[tuple[Any, ...]]
Query = Any  # runs SQL and returns its rows


def documented() -> dict[str, list[str]]:
    """The SQL of the page, by the heading that it stands under."""
    text = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    found = {
        heading: re.findall(r"```sql\n(.*?)```", body, flags=re.DOTALL)
        for heading, body in zip(parts[::2], parts[1::2], strict=True)
    }
    return {heading: blocks for heading, blocks in found.items() if blocks}


SQL = documented()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("month")


@pytest.fixture(
    scope="module",
    params=[pytest.param(10, id="nights"), pytest.param(30, id="month", marks=soak)],
)
def month(request: pytest.FixtureRequest, folder: Path, server: str) -> Iterator[Month]:
    def unread(_: str) -> list[dict[str, Any]]:
        return []

    url = server.replace("postgresql:", "postgresql+psycopg:", 1)
    targets = [
        Target(
            "target-duckdb", program("target-duckdb-exact"), {"path": _database(folder)}, unread
        ),
        Target("target-postgres", program("target-postgres"), {"sqlalchemy_url": url}, unread),
        Target("target-jsonl", JSONL, {"destination_path": str(folder)}, unread),
    ]
    yield from a_month.live(targets, folder, nights=request.param)


def _database(folder: Path) -> str:
    return str(folder / "warehouse.duckdb")


@pytest.fixture(scope="module")
def warehouses(month: Month, folder: Path, server: str) -> Iterator[Mapping[str, Query]]:
    """What runs a query in each of the warehouses, the page's views in place."""
    assert month.deleted
    with (
        duckdb.connect(_database(folder)) as database,
        duckdb.connect() as files,
        psycopg.connect(server) as postgres,
    ):
        (jsonl,) = SQL["Files of target-jsonl"]
        files.execute(re.sub(r"read_json\('", f"read_json('{folder}/", jsonl))
        run: dict[str, Callable[[Any], Any]] = {
            "duckdb": database.execute,
            "postgres": postgres.execute,
            "jsonl": files.execute,
        }
        for execute in run.values():
            for view in SQL["What is there now"][0].split(";"):
                if view.strip():
                    execute(view)
        yield {
            name: lambda sql, execute=execute: execute(sql).fetchall()
            for name, execute in run.items()
        }


@pytest.fixture(params=WAREHOUSES)
def query(request: pytest.FixtureRequest, warehouses: Mapping[str, Query]) -> Query:
    return warehouses[request.param]


def tickets(month: Month) -> dict[Any, Any]:
    return dict(month.sandbox.truth("tickets"))


def test_every_query_of_the_page_is_run_here() -> None:
    source = (ROOT / "tests" / "targets" / "test_sql.py").read_text(encoding="utf-8")
    assert len(SQL) >= 12
    for heading in SQL:
        assert f'SQL["{heading}"]' in source, heading


@pytest.mark.parametrize("stream", STREAMS)
def test_the_tables_hold_what_the_account_holds(month: Month, query: Query, stream: str) -> None:
    key = {"tickets": '"ticketId"', "customers": "id"}[stream]
    found = query(f"select {key}, day from kapture.{stream}_now")  # noqa: S608 - names of ours
    truth = month.sandbox.truth(stream)
    assert sorted((key, str(day)) for key, day in found) == sorted(
        (key, record["day"]) for key, record in truth.items()
    )


def test_tickets_by_day_and_status(month: Month, query: Query) -> None:
    (sql,) = SQL["Tickets by local day and status"]
    told = Counter((t["day"], t["status"]) for t in tickets(month).values())
    assert {(str(day), status): count for day, status, count in query(sql)} == told


def test_how_many_were_created_yesterday(month: Month, query: Query) -> None:
    (sql,) = SQL["How many were created yesterday"]
    yesterday = (month.sandbox.today - DAY).isoformat()
    assert query(sql) == [(sum(t["day"] == yesterday for t in tickets(month).values()),)]


def is_open(ticket: Any) -> bool:  # noqa: ANN401 - a record
    return str(ticket["status"]).lower() not in CLOSED


def test_what_is_open_now(month: Month, query: Query) -> None:
    (sql,) = SQL["What is open now"]
    told = {
        (key, t["day"], t["status"], t["substatus"], t["priority"], t["assignedToName"])
        for key, t in tickets(month).items()
        if is_open(t)
    }
    assert told
    assert {(row[0], str(row[1]), *row[2:]) for row in query(sql)} == told


def test_backlog_by_assignee(month: Month, query: Query) -> None:
    (sql,) = SQL["Backlog by assignee"]
    waiting: dict[str, list[dt.date]] = {}
    for ticket in filter(is_open, tickets(month).values()):
        day = dt.date.fromisoformat(ticket["day"])
        waiting.setdefault(ticket["assignedToName"], []).append(day)
    today = month.sandbox.today
    told = {who: (len(days), (today - min(days)).days) for who, days in waiting.items()}
    assert {who: (count, oldest) for who, count, oldest in query(sql)} == told


def test_what_changed_since_yesterday(month: Month, query: Query) -> None:
    sql, of_customers = SQL["What changed since yesterday"]
    since = month.last_run.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    found = {row[0] for row in query(sql.replace(ANY_INSTANT, since))}
    before, now = month.before["tickets"], tickets(month)
    changed = {key for key in now if now[key] != before.get(key)}
    days = {now[key]["day"] for key in changed}
    days |= {before[key]["day"] for key in before.keys() - now.keys()}
    last_seen = month.previous.astimezone(month.sandbox.account.zone).date().isoformat()
    assert changed <= found < now.keys()
    assert {now[key]["day"] for key in found} <= days | {
        ticket["day"] for ticket in now.values() if ticket["day"] >= last_seen
    }
    instant = month.previous.astimezone(UTC)
    customers = month.sandbox.truth("customers")
    told = [
        key
        for key, customer in sorted(customers.items(), key=str)
        if dt.datetime.fromisoformat(str(customer["lastModificationTime"])) >= instant
    ]
    given = of_customers.replace(ANY_INSTANT, instant.strftime("%Y-%m-%d %H:%M:%S"))
    assert told
    assert [row[0] for row in query(given)] == told


def test_durations_are_intervals(month: Month, query: Query) -> None:
    (sql,) = SQL["Turn-around and SLA as intervals"]
    told = {
        key: (interval(t["tat"]), interval(t["sla"]), t["slaStatus"])
        for key, t in tickets(month).items()
    }
    assert any("Day" in str(t["tat"]) for t in tickets(month).values())
    assert any(":" in str(t["tat"]) for t in tickets(month).values())
    assert {row[0]: tuple(row[1:]) for row in query(sql)} == told


def interval(text: str | None) -> dt.timedelta | None:
    """A duration, read by a rule of its own."""
    if not text:
        return None
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if ":" in text:
        return dt.timedelta(hours=numbers[0], minutes=numbers[1], seconds=numbers[2])
    return dt.timedelta(days=numbers[0], hours=numbers[1], minutes=numbers[2])


def test_tickets_with_customer_and_contact(month: Month, query: Query) -> None:
    (sql,) = SQL["Tickets with their customer and contact"]
    customers: dict[Any, Any] = dict(month.sandbox.truth("customers"))
    contacts = {c["id"]: c for one in customers.values() for c in one["contacts"] or ()}
    found = {row[0]: row[1:] for row in query(sql)}
    assert found.keys() == tickets(month).keys()
    met = 0
    for key, ticket in tickets(month).items():
        name = customers.get(ticket["customerId"], {}).get("name")
        assert found[key][0] == name
        if (contact := contacts.get(ticket["contactId"])) is not None:
            met += 1
            assert found[key][1:] == (contact["contactPerson"], contact["email"])
    assert met > 10


def test_no_day_was_missed(month: Month, query: Query) -> None:
    sql, _ = SQL["Was a day missed"]
    days = (month.sandbox.today - FIRST).days + 1
    ((told,),) = query(
        "select count(*) from (select distinct stream, day from kapture.pulled_days)q"
    )
    assert told == (len(STREAMS) + 1) * days  # customer_contacts has days of its own
    assert query(sql) == []


def test_a_missing_day_and_one_that_did_not_settle_are_found(
    warehouses: Mapping[str, Query],
) -> None:
    sql, _ = SQL["Was a day missed"]
    lost, doubtful = FIRST + 3 * DAY, FIRST + 9 * DAY
    with duckdb.connect() as copy:
        rows = warehouses["jsonl"]("select stream, day, settled from kapture.pulled_days")
        copy.execute("create schema kapture")
        copy.execute("create table kapture.pulled_days (stream text, day date, settled boolean)")
        copy.executemany("insert into kapture.pulled_days values (?, ?, ?)", rows)
        copy.execute("delete from kapture.pulled_days where stream='tickets' and day = ?", [lost])
        copy.execute("update kapture.pulled_days set settled = false where day = ?", [doubtful])
        found = copy.execute(sql).fetchall()
    streams = ("customer_contacts", "customers", "tickets")
    assert sorted(found) == sorted(
        [
            ("tickets", "no row", lost, lost),
            *((stream, "not settled", doubtful, doubtful) for stream in streams),
        ]
    )


def test_one_day(month: Month, query: Query) -> None:
    _, sql = SQL["Was a day missed"]
    day = FIRST + 12 * DAY
    found = {row[0]: row[1:] for row in query(sql.replace(ANY_DAY, day.isoformat()))}
    for stream in STREAMS:
        records, announced, closed, settled, reason, read_at, emitted_at = found[stream]
        assert records == len(month.sandbox.truth_of_day(stream, day))
        assert (announced, closed, settled, reason) == (None, True, True, "re-read")
        assert read_at.replace(tzinfo=UTC) >= month.last_run
        assert emitted_at.replace(tzinfo=UTC) < month.last_run + dt.timedelta(minutes=5)


def test_how_fresh_the_table_is(month: Month, query: Query) -> None:
    (sql,) = SQL["How fresh is the table"]
    found = {row[0]: row[1:] for row in query(sql)}
    assert set(found) == {*STREAMS, "customer_contacts"}
    for as_of, whole_until in found.values():
        assert as_of.replace(tzinfo=UTC) >= month.last_run
        assert str(whole_until) == (month.sandbox.today - DAY).isoformat()


def test_what_kapture_deleted(month: Month, query: Query) -> None:
    (sql,) = SQL["What Kapture deleted"]
    assert len(month.deleted["tickets"]) > 8
    assert {row[0] for row in query(sql)} == month.deleted["tickets"]
    of_customers = sql.replace("'tickets'", "'customers'").replace(
        "kapture.tickets", "kapture.customers"
    )
    of_customers = of_customers.replace('"ticketId"', "id").replace("t.status", "t.name")
    assert {row[0] for row in query(of_customers)} == month.deleted["customers"]


def test_the_time_of_extraction_is_the_same_column_and_metadata(
    warehouses: Mapping[str, Query],
) -> None:
    for stream in (*STREAMS, "customer_contacts", "pulled_days"):
        sql = f"select count(*), count(*) filter (where _sdc_extracted_at = emitted_at) from kapture.{stream}"  # noqa: S608, E501 - names of ours
        ((every, same),) = warehouses["postgres"](sql)
        assert every == same > 0


def test_no_table_is_made_once_a_day(month: Month) -> None:
    """The first run reads four days; each table is made once."""
    duck = month.logs["target-duckdb"]
    assert "pulled_days" in duck
    for stream in ("tickets", "customers", "pulled_days"):
        assert len(re.findall(rf"""Table '"{stream}"' does not exist""", duck)) == 1
