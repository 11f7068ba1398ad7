"""What the source sends, folded by key, is what the account holds, and what Singer gets."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from source_kit import (
    KEYS,
    Messages,
    configured,
    discover,
    exact,
    leaked,
    not_airbyte,
    not_the_truth,
    read,
    run_source,
    untruths,
    usual,
)
from switches import SWITCHES
from tap_process import pull

from sandbox import Account, Fault, Quirks, Sandbox

if TYPE_CHECKING:
    from pathlib import Path

UTC = dt.timezone.utc
NOW = dt.datetime(2024, 3, 31, 6, 30, tzinfo=UTC)
ACCOUNT = Account(
    seed=3,
    first_day=dt.date(2024, 3, 25),
    now=NOW,
    tickets_per_day=7,
    customers_per_day=4,
    counts={s: {dt.date(2024, 3, 27): 0, dt.date(2024, 3, 29): 12} for s in KEYS},
)
MODES = ["full_refresh", "incremental"]
API_KEY = "k3y-of-the-account"
WHOLE = ["STARTED", "RUNNING", "COMPLETE"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("switch", SWITCHES)
def test_every_switch_of_an_account_leads_to_the_truth_and_to_what_singer_gets(
    switch: dict[str, Any], mode: str, tmp_path: Path
) -> None:
    quirks = Quirks(**switch)
    with Sandbox(ACCOUNT, quirks=quirks) as sandbox:
        run = read(tmp_path, sandbox.config(), NOW, mode=mode)
        assert (run.code, run.errors) == (0, [])
        assert not_airbyte(run) == []
        assert not_the_truth(run, sandbox) == []
    with Sandbox(ACCOUNT, quirks=quirks) as sandbox:  # which nobody has asked yet
        singer = pull(sandbox.config(), NOW)
    for stream in KEYS:
        assert run.statuses(stream) == WHOLE
        assert untruths(run.table(stream), singer.table(stream)) == []
        if not quirks.short_pages and quirks.order != "unstable":  # there, every run differs
            assert run.records(stream) == singer.records(stream)


def test_days_of_several_pages_are_whole(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        run = read(tmp_path, sandbox.config(page_size=4), NOW)
        assert not_the_truth(run, sandbox) == []


def test_a_second_run_goes_on_from_the_states_and_asks_little(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        first = read(tmp_path, sandbox.config(), NOW)
        sandbox.advance(1)
        sandbox.clear()
        second = read(tmp_path, sandbox.config(), sandbox.now, state=first.state)
        few = len(sandbox.requests)
        both = first.then(second)
        assert not_the_truth(both, sandbox) == []
        assert (second.code, not_airbyte(second)) == (0, [])
        sandbox.clear()
        afresh = read(tmp_path, sandbox.config(), sandbox.now)
        assert few < len(sandbox.requests)
        for stream in KEYS:
            assert len(second.records(stream)) < len(afresh.records(stream))


def test_states_differ_behind_records_although_the_bookmark_stands_still(tmp_path: Path) -> None:
    """Today is read in every run, and no run can say that it is over: so each state counts."""
    with Sandbox(ACCOUNT) as sandbox:
        catalog = configured(usual(tmp_path, sandbox.config()))
        state: Any = None
        sent = dict.fromkeys(KEYS, 0)
        for _ in range(3):
            run = read(tmp_path, sandbox.config(), NOW, catalog=catalog, state=state)
            assert not_airbyte(run) == []
            for stream in KEYS:
                assert run.records(stream)
                for body in run.states(stream):
                    sent[stream] += int(body["sourceStats"]["recordCount"])
                    assert body["stream"]["stream_state"]["sent"] == sent[stream]
            state = run.state


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_stream_gets_all_statuses_and_a_state(mode: str, tmp_path: Path) -> None:
    account = Account(first_day=dt.date(2024, 3, 30), now=NOW, customers_per_day=0)
    with Sandbox(account) as sandbox:
        run = read(tmp_path, sandbox.config(), NOW, mode=mode)
    assert run.records("customers") == []
    assert run.statuses("customers") == WHOLE
    assert run.states("customers")
    assert (run.code, not_airbyte(run)) == (0, [])


def test_a_full_refresh_that_broke_off_goes_on_from_its_state(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        config = sandbox.config(concurrency=1)
        catalog = configured(usual(tmp_path, config), "full_refresh", generation_id=7)
        whole = read(tmp_path, config, NOW, catalog=catalog)
        number = whole.all.index({"type": "STATE", "state": whole.states("tickets")[4]})
        broken = whole.upto(number + 1)
        resumed = read(tmp_path, config, NOW, catalog=catalog, state=broken.state)
        assert not_the_truth(broken.then(resumed), sandbox) == []
        assert len(resumed.records("tickets")) < len(whole.records("tickets"))
        assert resumed.state[-1]["stream"]["stream_state"]["refresh"]["done"] is True


@pytest.mark.parametrize("change", ["done", "another_generation", "incremental"])
def test_a_full_refresh_sends_everything_unless_it_is_its_own_that_broke_off(
    change: str, tmp_path: Path
) -> None:
    """The destination may have been emptied."""
    with Sandbox(ACCOUNT) as sandbox:
        streams = usual(tmp_path, sandbox.config())
        catalog = configured(streams, "full_refresh", generation_id=7)
        if change == "incremental":
            before = read(tmp_path, sandbox.config(), NOW)
        else:
            before = read(tmp_path, sandbox.config(), NOW, catalog=catalog)
        if change == "another_generation":
            catalog = configured(streams, "full_refresh", generation_id=8)
            number = before.all.index({"type": "STATE", "state": before.states("tickets")[4]})
            before = before.upto(number + 1)
        again = read(tmp_path, sandbox.config(), NOW, catalog=catalog, state=before.state)
        assert not_the_truth(again, sandbox) == []


def test_a_run_cut_at_any_line_and_resumed_loses_nothing(tmp_path: Path) -> None:
    """Whatever a destination had taken, with the states that it had seen."""
    with Sandbox(ACCOUNT) as sandbox:
        catalog = configured(usual(tmp_path, sandbox.config()))
        whole = read(tmp_path, sandbox.config(), NOW, catalog=catalog)
        resumed: dict[bytes, Messages] = {}
        for line in range(len(whole.lines)):
            cut = whole.upto(line)
            key = exact(cut.state)
            if key not in resumed:
                resumed[key] = read(
                    tmp_path, sandbox.config(), NOW, catalog=catalog, state=cut.state
                )
            assert not_the_truth(cut.then(resumed[key]), sandbox) == []
    assert len(resumed) > 10


# Fields


def test_fields_that_a_catalog_leaves_out_are_not_sent(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        streams = usual(tmp_path, sandbox.config())
        properties = {stream["name"]: stream["json_schema"]["properties"] for stream in streams}
        for name in ("customerEmail", "extra_fields", "ticketId"):
            del properties["tickets"][name]
        contact = properties["customers"]["contacts"]["items"]["properties"]
        kept = sorted(contact)[:2]
        for name in contact.keys() - kept:
            del contact[name]
        run = read(tmp_path, sandbox.config(), NOW, catalog=configured(streams))
        truth = sandbox.truth("tickets")
    assert (run.code, not_airbyte(run)) == (0, [])
    left = {
        key: {k: v for k, v in row.items() if k not in {"customerEmail", "extra_fields"}}
        for key, row in truth.items()
    }
    assert untruths(run.table("tickets"), left) == [], "but the key is always sent"
    contacts = [c for row in run.records("customers") for c in row["contacts"]]
    assert contacts
    assert {name for one in contacts for name in one} == set(kept)


def test_a_catalog_without_schemas_wants_every_field(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        streams = usual(tmp_path, sandbox.config())
        for stream in streams:
            stream["json_schema"] = {}
        run = read(tmp_path, sandbox.config(), NOW, catalog=configured(streams))
        assert not_the_truth(run, sandbox) == []


def test_only_the_streams_of_the_catalog_are_read(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        streams = [s for s in usual(tmp_path, sandbox.config()) if s["name"] == "tickets"]
        sandbox.clear()
        run = read(tmp_path, sandbox.config(), NOW, catalog=configured(streams))
        assert {seen.stream for seen in sandbox.requests} == {"tickets"}
        assert not_the_truth(run, sandbox, streams=["tickets"]) == []
    assert run.statuses("customers") == []


# Contacts, and rows about days


def test_contacts_are_rows_of_a_stream_of_their_own(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        streams = discover(tmp_path, sandbox.config())
        contacts = [stream for stream in streams if stream["name"] == "customer_contacts"]
        run = read(tmp_path, sandbox.config(), NOW, catalog=configured(contacts))
        customers = sandbox.truth("customers")
    assert (run.code, not_airbyte(run)) == (0, [])
    lists: list[Any] = [row["contacts"] for row in customers.values()]
    expected = {contact["id"] for contacts in lists for contact in contacts}
    assert {row["id"] for row in run.records("customer_contacts")} == expected
    assert run.statuses("customer_contacts") == WHOLE


def test_each_day_that_is_read_is_a_row(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        catalog = configured(discover(tmp_path, sandbox.config()))
        run = read(tmp_path, sandbox.config(), NOW, catalog=catalog)
        later = read(tmp_path, sandbox.config(), NOW, catalog=catalog, state=run.state)
        truth = sandbox.truth_of_day("tickets", ACCOUNT.first_day)
    for one in (run, later):
        assert (one.code, not_airbyte(one)) == (0, [])
        assert one.statuses("pulled_days") == WHOLE
        assert [m for m in one.all if m["type"] == "TRACE"][-1]["trace"]["stream_status"] == {
            "stream_descriptor": {"name": "pulled_days"},
            "status": "COMPLETE",
        }, "it ends behind those that it tells of"
    rows = {(row["stream"], row["day"]): row for row in run.records("pulled_days")}
    assert len(rows) == 3 * 7
    assert rows["tickets", ACCOUNT.first_day.isoformat()]["records"] == len(truth)
    assert {row["stream"] for row in later.records("pulled_days")} == {*KEYS, "customer_contacts"}
    assert len(later.records("pulled_days")) < len(rows)
    assert later.state != run.state


def test_the_time_of_extraction_is_that_of_the_day(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        run = read(tmp_path, sandbox.config(), NOW)
    for record in run.of("RECORD"):
        told = dt.datetime.fromisoformat(record["data"]["emitted_at"]).timestamp() * 1000
        assert record["emitted_at"] == round(told)


def test_rows_about_days_are_not_whole_if_a_stream_is_not(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT, faults=[Fault("403", stream="customers", times=999)]) as sandbox:
        catalog = configured(discover(tmp_path, sandbox.config()))
        run = read(tmp_path, sandbox.config(), NOW, catalog=catalog)
    assert (run.code, not_airbyte(run)) == (1, [])
    assert run.statuses("pulled_days") == ["STARTED", "RUNNING", "INCOMPLETE"]
    assert {row["stream"] for row in run.records("pulled_days")} == {"tickets"}


def test_rows_about_days_need_a_stream_to_tell_of(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        days = [s for s in discover(tmp_path, sandbox.config()) if s["name"] == "pulled_days"]
        run = read(tmp_path, sandbox.config(), NOW, catalog=configured(days))
        assert sandbox.requests == []
    assert run.code == 1
    (error,) = run.errors
    assert error["message"].startswith("pulled_days: it is the only selected stream")
    assert error["stream_descriptor"] == {"name": "pulled_days"}
    assert run.statuses("pulled_days") == ["STARTED", "INCOMPLETE"]


# As a process


def test_a_process_writes_nothing_but_messages_and_nothing_personal_outside_of_records(
    tmp_path: Path,
) -> None:
    quirks = Quirks(unknown_keys=True, bad_dates=True, bad_numbers=True, charset="iso-8859-1")
    faults = [Fault("502"), Fault("bad_bytes", stream="tickets"), Fault("bad_header", times=999)]
    with Sandbox(ACCOUNT, quirks=quirks, faults=faults) as sandbox:
        config = sandbox.config(http_headers={"x-api-key": API_KEY})
        catalog = configured(usual(tmp_path, config))
        files = {"config": config, "catalog": catalog}
        run = run_source(tmp_path, "read", files, "--debug", at=NOW)
        assert (run.code, run.stderr, not_airbyte(run)) == (0, "", [])
        token, personal = sandbox.account.auth_token, sandbox.personal_texts()
    assert "try 2 of 9" in run.log, "by a worker"
    assert "'loyalty_tier'" in run.log
    assert leaked(run.chatter(), [token, API_KEY, *personal]) == []
    assert leaked("\n".join(run.lines), [token, API_KEY]) == []
