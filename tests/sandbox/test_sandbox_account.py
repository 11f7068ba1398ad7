"""What the account holds, when it changes, and that its truth is what it says."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from sandbox_client import UTC, ask, days, page, read

from sandbox import Account, Quirks, Sandbox
from sandbox.account.account import STREAMS, Stream
from sandbox.wire.view import View, memory_of

if TYPE_CHECKING:
    from sandbox.account.columns import Row

NOON = dt.datetime(2024, 4, 12, 6, 30, tzinfo=UTC)
ZONES = ("Asia/Kolkata", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe")


def small(**settings: object) -> Account:
    values = {"first_day": dt.date(2024, 3, 20), "now": NOON, **settings}
    return Account(**values)  # type: ignore[arg-type]  # the tests' own keywords


def test_the_same_seed_is_the_same_account() -> None:
    with Sandbox(small(seed=7)) as one, Sandbox(small(seed=7)) as same, Sandbox(small()) as other:
        day = one.today - dt.timedelta(2)
        told = [ask(sandbox, "tickets", day, limit=50).content for sandbox in (one, same, other)]
        assert told[0] == told[1] != told[2]
        assert one.truth("customers") == same.truth("customers") != other.truth("customers")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("stream", ["tickets", "customers"])
def test_the_truth_is_what_the_wire_means(stream: str, zone: str) -> None:
    with Sandbox(small(timezone=zone, tickets_per_day=30, customers_per_day=15)) as sandbox:
        records = [
            record
            for day in days(sandbox)
            for record in page(sandbox, stream, day, limit=500, offset=0)
        ]
        truth = sandbox.truth(stream)
        key = "ticketId" if stream == "tickets" else "id"
        found = {record[key]: read(record, sandbox.account.zone) for record in records}
        assert len(truth) == len(records) > 200
        assert found == {
            identity: {n: value for n, value in record.items() if n not in {"extra_fields", "day"}}
            for identity, record in truth.items()
        }
        assert all(record["extra_fields"] is None for record in truth.values())
        for day in days(sandbox):
            told = sandbox.truth_of_day(stream, day).values()
            assert {record["day"] for record in told} <= {day.isoformat()}


def test_verbatim_truth_is_the_text_of_the_wire() -> None:
    with Sandbox(small()) as sandbox:
        day = sandbox.today - dt.timedelta(1)
        truth = sandbox.truth_of_day("tickets", day, clean_text=False)
        for record in page(sandbox, "tickets", day):
            expected = truth[record["ticketId"]]
            for name in ("creatorName", "detail", "callBack", "customerName", "additional_info"):
                assert expected[name] == record[name]
            assert expected["contactId"] == (
                None if record["contactId"] == "" else record["contactId"]
            )


def test_columns_are_those_of_the_samples() -> None:
    with Sandbox(small()) as sandbox:
        ticket = next(iter(sandbox.truth("tickets").values()))
        customer = next(iter(sandbox.truth("customers").values()))
    assert len(ticket) == 44 + 4 + 2
    assert {"companyName", "lastConvesationTime", "extra_fields"} <= set(ticket)
    assert "sla status" not in ticket
    assert len(customer) == 50 + 2


def test_hard_text_is_there() -> None:
    with Sandbox(small(tickets_per_day=60)) as sandbox:
        texts = json.dumps(list(sandbox.truth("tickets").values()), ensure_ascii=False)
        wire = "".join(ask(sandbox, "tickets", day).text for day in days(sandbox))
    for plain in ("आशा", "தமிழ்", "AT&amp;T", "&copy Chips", "😡", "\\r\\n", "\\t"):
        assert plain in texts
    for sent in ("AT&amp;amp;T", "&copy Chips", "&apos;", "&#39;", "&quot;", "&lt;"):
        assert sent in wire


def test_a_record_is_visible_from_its_creation_on() -> None:
    with Sandbox(small(tickets_per_day=50)) as sandbox:
        day = sandbox.today
        seen = len(page(sandbox, "tickets", day))
        sandbox.advance(hours=6)
        later = sandbox.truth_of_day("tickets", day)
        assert seen < len(later) == len(page(sandbox, "tickets", day))
        now = sandbox.now.isoformat()
        assert all(str(record["date"]) <= now for record in later.values())
        assert page(sandbox, "tickets", day + dt.timedelta(5)) == []


def test_exact_counts_and_low_rates() -> None:
    busy, quiet = dt.date(2024, 3, 21), dt.date(2024, 3, 22)
    counts = {"tickets": {busy: 1234, quiet: 0}}
    with Sandbox(small(counts=counts, customers_per_day=1 / 7)) as sandbox:
        assert len(sandbox.truth_of_day("tickets", busy)) == 1234
        assert sandbox.truth_of_day("tickets", quiet) == {}
        per_day = [len(sandbox.truth_of_day("customers", day)) for day in days(sandbox)]
        assert max(per_day) <= 1 < per_day.count(0)
        assert sandbox.truth_of_day("tickets", dt.date(2024, 3, 19)) == {}


def test_telling_times_are_among_the_creations() -> None:
    with Sandbox(small(customers_per_day=20)) as sandbox:
        told = "".join(ask(sandbox, "customers", day).text for day in days(sandbox))
    for time in (" 12:00:00 AM", " 12:00:00 PM", " 12:59:07 PM", " 11:59:59 PM"):
        assert time in told


def test_clock_changes_leave_no_doubt() -> None:
    autumn = dt.date(2024, 10, 27)
    account = small(
        timezone="Europe/Berlin",
        first_day=autumn,
        now=dt.datetime(2024, 11, 20, tzinfo=UTC),
        tickets_per_day=200,
    )
    with Sandbox(account) as sandbox:
        dates = [str(record["date"]) for record in sandbox.truth_of_day("tickets", autumn).values()]
        assert any(date.startswith("2024-10-27T00:") for date in dates)  # 02:xx, the first time
        assert not any(date.startswith("2024-10-27T01:") for date in dates)  # and the second


def test_most_tickets_close_soon_and_some_reopen() -> None:
    account = small(first_day=dt.date(2024, 1, 1), tickets_per_day=40)
    with Sandbox(account) as sandbox:
        closed_then_open: set[object] = set()
        history: dict[object, object] = {}
        for _ in range(40):
            for day in days(sandbox)[-4:]:
                for key, record in sandbox.truth_of_day("tickets", day).items():
                    if record["taskEnddate"] is None and history.get(key):
                        closed_then_open.add(key)
                    history[key] = record["taskEnddate"]
            sandbox.advance(hours=6)
        assert 3 < len(closed_then_open) < len(history) * 0.06
        old = [
            record
            for day in days(sandbox)[-60:-4]
            for record in sandbox.truth_of_day("tickets", day).values()
        ]
        ongoing = [record for record in old if record["status"] in {"Pending", "Open"}]
        assert 0 < len(ongoing) < len(old) * 0.02


def test_few_old_days_hold_open_tickets() -> None:
    with Sandbox(small(first_day=dt.date(2024, 1, 1))) as sandbox:
        ongoing = [
            day
            for day in days(sandbox)[-90:-3]
            if any(
                record["status"] in {"Pending", "Open"}
                for record in sandbox.truth_of_day("tickets", day).values()
            )
        ]
    assert len(ongoing) <= 10


def test_closed_tickets_and_customers_rest_after_their_third_day() -> None:
    with Sandbox(small(tickets_per_day=60, customers_per_day=60)) as sandbox:
        old = [day for day in days(sandbox) if day <= sandbox.today - dt.timedelta(3)]
        closed = {
            key: record
            for day in old
            for key, record in sandbox.truth_of_day("tickets", day).items()
            if record["taskEnddate"]
        }
        customers = {day: sandbox.truth_of_day("customers", day) for day in days(sandbox)}
        sandbox.advance(days=90)
        now = sandbox.truth("tickets")
        assert {key: now[key] for key in closed} == closed
        edited = {
            day for day in customers if sandbox.truth_of_day("customers", day) != customers[day]
        }
        assert edited
        assert not edited & set(old)


def test_a_static_account_never_changes() -> None:
    with Sandbox(small(static=True)) as sandbox:
        day = sandbox.today - dt.timedelta(1)
        before = [sandbox.truth_of_day(stream, day) for stream in ("tickets", "customers")]
        sandbox.advance(days=30)
        after = [sandbox.truth_of_day(stream, day) for stream in ("tickets", "customers")]
    assert before == after


def test_personal_texts_are_found_in_what_is_sent() -> None:
    with Sandbox(small(long_text=True)) as sandbox:
        texts = sandbox.personal_texts()
        wire = ask(sandbox, "tickets", sandbox.today - dt.timedelta(1)).json()["message"]
    assert {wire[0]["creatorName"], wire[0]["detail"]} <= texts
    assert min(map(len, texts)) >= 5
    assert len(wire[0]["detail"]) > 1500


def test_a_naive_clock_is_refused() -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(ValueError, match="aware"):
        Account(now=naive)
    with Sandbox(small()) as sandbox, pytest.raises(ValueError, match="aware"):
        sandbox.now = naive


def test_an_account_seen_before_tells_what_it_tells_one_who_comes_new() -> None:
    """What was made of a day is kept, and must not outlive what it depends on."""
    account = Account(seed=6, first_day=dt.date(2024, 3, 25), tickets_per_day=20)
    view = View(account, account.now, Quirks())
    changes: list[dict[str, Any]] = [
        {"now": account.now + dt.timedelta(hours=9)},
        {"quirks": Quirks(bad_dates=True, order="descending")},
        {"now": account.now + dt.timedelta(days=2)},
        {"quirks": Quirks(duplicates=True)},
        {"gone": frozenset({("tickets", next(iter(truth_of(view, "tickets"))))})},
    ]
    for change in changes:
        view = view.but(**change)
        told = {stream: (truth_of(view, stream), listed(view, stream)) for stream in STREAMS}
        memory_of.cache_clear()
        new = View(account, view.now, view.quirks, view.gone)
        for stream in STREAMS:
            assert told[stream] == (truth_of(new, stream), listed(new, stream))


def truth_of(view: View, stream: Stream) -> dict[object, Row]:
    days = (view.truth_of_day(stream, day, clean_text=True) for day in view.days())
    return {key: record for day in days for key, record in day.items()}


def listed(view: View, stream: Stream) -> list[list[str]]:
    return [view.listing(stream, day) for day in view.days()]
