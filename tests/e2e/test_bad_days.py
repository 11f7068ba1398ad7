"""A day that cannot be read stops only itself: it is named, and read again; all else is loaded."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest
from effort import soak
from failing_account import (
    BAD_DAY,
    DEBUG,
    FIRST,
    FOR_EVER,
    LAST,
    NOW,
    OF_A_DAY,
    REST,
    TODAY,
    assert_incomplete,
    assert_stopped,
    assert_told_once,
    config_of,
    in_turn,
    run_into,
    unread,
)
from tap_process import (
    KEYS,
    Json,
    Output,
    attempt,
    catalog_of,
    days,
    leaked,
    not_the_truth,
    pull,
    run_tap,
    select,
    untruths,
)

from sandbox import Account, Fault, Quirks, Sandbox
from tap_kapture.errors import KaptureIncompleteError, KaptureRecordError
from tap_kapture.shape import odd_records
from tap_kapture.shape.json import decode_record

if TYPE_CHECKING:
    from pathlib import Path

STATE_LIMIT = 16 * 1024


def assert_all_but_one_day_is_out(
    output: Output, sandbox: Sandbox, stream: str, day: dt.date
) -> None:
    """Everything is out but a day of a stream, and the bookmark is past it."""
    for name in KEYS:
        bad = sandbox.truth_of_day(name, day).keys() if name == stream else set()
        truth = {key: row for key, row in sandbox.truth(name).items() if key not in bad}
        assert untruths(output.table(name), truth) == []
        assert output.bookmark(name)["replication_key_value"] == TODAY.isoformat()


def assert_the_next_run_mends(output: Output, sandbox: Sandbox) -> None:
    """Without the fault, one more run ends in the truth and a ledger without trouble."""
    sandbox.faults = []
    rest = pull(config_of(sandbox), NOW, state=output.state)
    assert not_the_truth(output.then(rest), sandbox) == []
    assert troubles(rest) == {}


def troubles(output: Output) -> Json:
    """The troubled days of the last state: stream and day -> trouble."""
    return {
        f"{stream} {day}": entry["trouble"]
        for stream in KEYS
        for day, entry in output.bookmark(stream).get("days", {}).items()
        if "trouble" in entry
    }


@pytest.mark.parametrize(("fault", "words", "stream"), in_turn(OF_A_DAY))
def test_a_day_that_cannot_be_read_stops_only_itself_and_shows_no_secret(  # noqa: PLR0913, PLR0917 - fixtures and cases
    ill: Sandbox, secrets: set[str], tmp_path: Path, fault: Fault, words: list[str], stream: str
) -> None:
    output = run_into(fault, stream, ill, tmp_path)
    assert_incomplete(output, stream, BAD_DAY, 0, *words)
    assert_all_but_one_day_is_out(output, ill, stream, BAD_DAY)
    assert_told_once(output, ill, secrets)
    assert_the_next_run_mends(output, ill)


SERVER_FAILURES = [
    pytest.param(Fault("html"), "not JSON", id="html"),
    pytest.param(Fault("500"), "HTTP 500", id="500"),
    pytest.param(Fault("502"), "HTTP 502", id="502"),
    pytest.param(Fault("504"), "HTTP 504", id="504"),
    pytest.param(Fault("408"), "HTTP 408", id="408"),
    pytest.param(Fault("server_failure"), "ServerFailure", id="server_failure"),
]


@pytest.mark.parametrize(("fault", "reason"), SERVER_FAILURES)
def test_a_server_that_fails_on_one_day_stops_only_that_day_after_the_retries(
    ill: Sandbox, secrets: set[str], tmp_path: Path, fault: Fault, reason: str
) -> None:
    ill.faults = [Fault(fault.action, stream="tickets", day=BAD_DAY, times=FOR_EVER)]
    output = run_tap(tmp_path, config_of(ill, max_retries=1), at=NOW, environment=DEBUG)
    assert_incomplete(output, "tickets", BAD_DAY, 0, reason, "2 tries", "Kapture support")
    assert_all_but_one_day_is_out(output, ill, "tickets", BAD_DAY)
    assert leaked(output.chatter(), secrets) == []
    assert len([seen for seen in ill.requests if seen.fault]) == 2
    assert_the_next_run_mends(output, ill)


def test_a_server_that_fails_on_three_days_in_a_row_stops_the_run(
    ill: Sandbox, tmp_path: Path
) -> None:
    """Then it is the server; on days apart, it may be the days."""
    in_a_row = days(FIRST, FIRST + dt.timedelta(days=2))
    ill.faults = [Fault("500", stream="tickets", day=day, times=FOR_EVER) for day in in_a_row]
    output = run_tap(tmp_path, config_of(ill, max_retries=0), at=NOW)
    assert_stopped(output, "tickets", in_a_row[2], 0, "HTTP 500", "for 1 tries")
    assert output.records("tickets") == []
    assert unread(output, "tickets") == in_a_row[:2]
    assert untruths(output.table("customers"), ill.truth("customers")) == []
    apart = days(FIRST, LAST)[::2]
    ill.faults = [Fault("500", stream="tickets", day=day, times=FOR_EVER) for day in apart]
    output = run_tap(tmp_path, config_of(ill, max_retries=0), at=NOW)
    assert output.code == 1
    (line,) = output.errors()
    assert line.startswith(f"tickets, 3 days ({', '.join(map(str, apart))}): HTTP 500")
    assert unread(output, "tickets") == apart
    assert_the_next_run_mends(output, ill)


def test_a_failure_behind_the_first_page_names_its_offset(
    ill: Sandbox, secrets: set[str], tmp_path: Path
) -> None:
    ill.faults = [Fault("bad_message", stream="tickets", day=BAD_DAY, after=2, times=FOR_EVER)]
    output = run_tap(tmp_path, config_of(ill, page_size=3), at=NOW, environment=DEBUG)
    # Each page begins with the last row of the one before: 0, 2, 4.
    assert_incomplete(output, "tickets", BAD_DAY, 4, "message is a number")
    assert leaked(output.chatter(), secrets) == []
    assert_the_next_run_mends(output, ill)


def test_a_failure_on_a_day_that_is_read_again_keeps_what_is_known_of_it(
    ill: Sandbox, tmp_path: Path
) -> None:
    first = pull(config_of(ill), NOW)
    ill.faults = [Fault("400", stream="tickets", day=BAD_DAY, times=FOR_EVER)]
    second = run_tap(tmp_path, config_of(ill), at=NOW, state=first.state)
    assert_incomplete(second, "tickets", BAD_DAY, 0, "HTTP 400")
    assert not_the_truth(first.then(second), ill) == []
    before, after = (one.bookmark("tickets")["days"] for one in (first, second))
    known = before[BAD_DAY.isoformat()]
    assert after == {**before, BAD_DAY.isoformat(): {**known, "trouble": "unread"}}
    ill.faults = []
    third = pull(config_of(ill), NOW, state=second.state)
    assert third.bookmark("tickets")["days"] == before


def test_a_day_stays_unread_until_it_can_be_read(ill: Sandbox, tmp_path: Path) -> None:
    """However long that takes: far beyond the lookback and the age of open tickets."""
    fault = Fault("no_key", stream="customers", day=BAD_DAY, times=FOR_EVER)
    output = Output(())
    for week in range(3):
        ill.faults = [fault]
        now = NOW + dt.timedelta(weeks=week)
        config = config_of(ill, open_ticket_refresh_days=3)
        output = output.then(run_tap(tmp_path, config, at=now, state=output.state or None))
        assert (output.code, unread(output, "customers")) == (1, [BAD_DAY])
    ill.faults = []
    output = output.then(pull(config, now, state=output.state))
    assert not_the_truth(output, ill) == []
    assert BAD_DAY.isoformat() not in output.bookmark("customers")["days"]


def test_what_failed_is_pulled_by_the_next_run(ill: Sandbox, tmp_path: Path) -> None:
    ill.faults = [Fault("400", stream="customers", day=BAD_DAY, times=FOR_EVER)]
    first = run_tap(tmp_path, config_of(ill), at=NOW)
    ill.faults = []
    second = run_tap(tmp_path, config_of(ill), at=NOW, state=first.state)
    assert (first.code, second.code) == (1, 0)
    assert not_the_truth(first.then(second), ill) == []


def test_a_day_larger_than_the_largest_page_without_offset_is_never_cut(tmp_path: Path) -> None:
    account = Account(
        first_day=BAD_DAY,
        now=NOW,
        static=True,
        customers_per_day=1,
        counts={"tickets": {BAD_DAY: 5100}},
    )
    with Sandbox(account, quirks=Quirks(offset="ignored")) as sandbox:
        output = run_tap(tmp_path, sandbox.config(page_size=3000), at=NOW)
        words = "nothing turns the page", "the rest of it cannot be reached", "Kapture support"
        assert_incomplete(output, "tickets", BAD_DAY, 0, *words)
        known = sandbox.truth_of_day("tickets", BAD_DAY)
        rest = {key: row for key, row in sandbox.truth("tickets").items() if key not in known}
        assert untruths({k: r for k, r in output.table("tickets").items() if k in rest}, rest) == []


def test_both_streams_may_have_days_that_cannot_be_read(ill: Sandbox, tmp_path: Path) -> None:
    two = [BAD_DAY - dt.timedelta(days=1), BAD_DAY]
    ill.faults = [
        Fault("400", stream="customers", day=BAD_DAY, times=FOR_EVER),
        Fault("bad_message", stream="tickets", day=two[0], times=FOR_EVER),
        Fault("no_key", stream="tickets", day=two[1], times=FOR_EVER),
    ]
    output = run_tap(tmp_path, config_of(ill), at=NOW)
    assert output.code == 1
    (line,) = output.errors()
    assert line.startswith(f"customers, day {BAD_DAY}, offset 0: Kapture refused the request")
    assert f"; and tickets, 2 days ({two[0]}, {two[1]}): " in line
    assert "message is a number" in line
    assert "has no usable 'ticketId'" in line
    assert unread(output, "customers") == [BAD_DAY]
    assert unread(output, "tickets") == two
    assert_the_next_run_mends(output, ill)


def test_more_than_fifty_bad_days_stop_the_run_and_the_state_stays_small(tmp_path: Path) -> None:
    """Fifty are noted and left for the next run; then something larger is wrong."""
    account = Account(first_day=FIRST - dt.timedelta(days=120), now=NOW, static=True)
    some = days(account.first_day, account.first_day + dt.timedelta(days=50))
    with Sandbox(account) as sandbox:
        sandbox.faults = [Fault("400", "tickets", day, FOR_EVER) for day in some[:50]]
        output = run_tap(tmp_path, sandbox.config(), at=NOW)
        assert output.code == 1
        assert len(output.errors()) == 1
        assert unread(output, "tickets") == some[:50]
        assert output.bookmark("tickets")["replication_key_value"] == TODAY.isoformat()
        assert max(len(json.dumps(state)) for state in output.states) < STATE_LIMIT
        sandbox.faults = [Fault("400", "tickets", day, FOR_EVER) for day in some]
        stopped = run_tap(tmp_path, sandbox.config(), at=NOW)
        assert stopped.code == 1
        (line,) = stopped.errors()
        assert line.startswith("tickets: more than 50 days could not be read")
        assert "HTTP 400" in line
        assert max(len(json.dumps(state)) for state in stopped.states) < STATE_LIMIT
        sandbox.faults = []
        for before in (output, stopped):
            after = before.then(pull(sandbox.config(), NOW, state=before.state))
            assert not_the_truth(after, sandbox) == []
            assert troubles(after) == {}


NESTED = "a record is nested beyond what can be read"


def test_a_value_that_is_nested_deep_costs_no_day(ill: Sandbox, tmp_path: Path) -> None:
    """Readers stumble over so many brackets, or over so many digits: they leave as text."""
    texts = {"tickets": "[" * 600 + "]" * 600, "customers": "9" * 5000}
    ill.faults = [
        Fault("odd_field", stream=stream, day=BAD_DAY, text=text, times=FOR_EVER)
        for stream, text in texts.items()
    ]
    output = run_tap(tmp_path, config_of(ill), at=NOW, environment=DEBUG)
    assert (output.code, output.errors(), troubles(output)) == (0, [], {})
    for stream, text in texts.items():
        records = output.table(stream)
        odd = [key for key, row in records.items() if row["extra_fields"]]
        assert [records[key]["extra_fields"] for key in odd] == [{"odd_field": text}]
        records[odd[0]]["extra_fields"] = None
        assert untruths(records, ill.truth(stream)) == []
    assert leaked(output.chatter(), {"[" * 50, "9" * 50}) == []


@pytest.mark.parametrize("selected", [True, False])
def test_a_record_that_cannot_be_loaded_costs_only_its_day(
    ill: Sandbox, monkeypatch: pytest.MonkeyPatch, *, selected: bool
) -> None:
    """How deep that is depends on where it is read: a worker may take what the run cannot."""

    def refuse(row: bytes) -> Json:
        if b"odd_field" in bytes(row):
            raise KaptureRecordError(NESTED)
        return decode_record(row)

    monkeypatch.setattr(odd_records, "decode_record", refuse)
    ill.faults = [
        Fault("odd_field", stream="tickets", day=day, text="1", times=FOR_EVER)
        for day in (BAD_DAY, LAST)
    ]
    catalog = catalog_of(config_of(ill))
    select(catalog, "tickets", "detail", selected=selected)
    output, error = attempt(config_of(ill), NOW, catalog=catalog)
    assert isinstance(error, KaptureIncompleteError)
    assert str(error).startswith(f"tickets, 2 days ({BAD_DAY}, {LAST}): {NESTED}. {REST}")
    assert unread(output, "tickets") == [BAD_DAY, LAST]
    assert output.bookmark("tickets")["replication_key_value"] == TODAY.isoformat()
    bad = {key for day in (BAD_DAY, LAST) for key in ill.truth_of_day("tickets", day)}
    assert output.table("tickets").keys() >= ill.truth("tickets").keys() - bad
    ill.faults = []
    rest = pull(config_of(ill), NOW, state=output.state, catalog=catalog)
    assert output.then(rest).table("tickets").keys() == ill.truth("tickets").keys()
    assert troubles(rest) == {}


@soak
@pytest.mark.parametrize("depth", [100, 400, 450, 500, 900, 940, 960, 970, 980, 990, 1000, 5000])
def test_however_deep_a_value_is_nested_only_its_day_is_at_stake(
    ill: Sandbox, tmp_path: Path, depth: int
) -> None:
    text = '{"a":' * depth + "1" + "}" * depth
    ill.faults = [Fault("odd_field", stream="tickets", day=BAD_DAY, text=text, times=FOR_EVER)]
    output = run_tap(tmp_path, config_of(ill, max_retries=0), at=NOW)
    if output.code:
        assert depth > 800
        (line,) = output.errors()
        assert line.startswith(f"tickets, day {BAD_DAY}, offset 0: ")
        assert unread(output, "tickets") == [BAD_DAY]
    bad = ill.truth_of_day("tickets", BAD_DAY).keys() if output.code else set()
    assert output.table("tickets").keys() == ill.truth("tickets").keys() - bad
