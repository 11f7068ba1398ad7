"""What the state says is out is out, whatever happens; and no run asks for more than it must."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from still_account import ACCOUNT, DAY, FIRST, NOW, TODAY, UTC
from tap_process import (
    KEYS,
    Json,
    Output,
    asked,
    catalog_of,
    claimed,
    command_line,
    days,
    missing_at_a_state,
    not_singer,
    not_the_truth,
    pull,
    untruths,
)

from sandbox import Account, Quirks, Sandbox
from sandbox.account import lifecycle

if TYPE_CHECKING:
    from pathlib import Path

CLOSED = {"complete", "completed", "closed", "resolved", "solved", "junk", "merged"}


def days_with_open_tickets(sandbox: Sandbox) -> list[dt.date]:
    return [
        day
        for day in days(FIRST, sandbox.today)
        if any(
            str(ticket["status"]).lower() not in CLOSED
            for ticket in sandbox.truth_of_day("tickets", day).values()
        )
    ]


@pytest.mark.parametrize("concurrency", [1, 6])
@pytest.mark.parametrize("page_size", [2, 500])
@pytest.mark.parametrize("order", ["oldest_first", "newest_first"])
def test_at_every_state_all_that_it_claims_is_out(
    still: Sandbox, order: str, page_size: int, concurrency: int
) -> None:
    config = still.config(page_size=page_size, concurrency=concurrency, backfill_order=order)
    output = pull(config, NOW)
    assert missing_at_a_state(output, still) == []
    assert len(output.states) >= len(days(FIRST, TODAY))
    assert not_the_truth(output, still) == []


def test_a_state_follows_every_finished_day(still: Sandbox) -> None:
    output = pull(still.config(), NOW)
    values = [
        state["bookmarks"]["tickets"]["replication_key_value"]
        for state in output.states
        if "tickets" in state["bookmarks"]
    ]
    assert list(dict.fromkeys(values)) == [
        (day + DAY).isoformat() for day in days(FIRST, TODAY - DAY)
    ]


@pytest.fixture(scope="module")
def whole() -> Output:
    """One run to its end, to be cut at any line."""
    with Sandbox(ACCOUNT) as sandbox:
        return pull(sandbox.config(page_size=4), NOW)


@examples(8, many=120)
@given(data=st.data())
def test_cutting_the_output_at_any_line_and_resuming_loses_nothing(
    shared: Sandbox, whole: Output, data: st.DataObject
) -> None:
    cut = whole.upto(data.draw(st.integers(0, len(whole.lines) - 1), label="lines"))
    rest = pull(shared.config(page_size=4), NOW, state=cut.state)
    assert not_the_truth(cut.then(rest), shared) == []
    assert missing_at_a_state(cut.then(rest), shared) == []


@examples(4, many=50)
@given(data=st.data())
def test_an_account_that_changes_between_cut_runs_is_still_the_truth_in_the_end(
    data: st.DataObject,
) -> None:
    """Several runs, each cut anywhere, hours or days apart, then one to its end."""
    with Sandbox(ACCOUNT) as sandbox:
        output = Output(())
        for _ in range(data.draw(st.integers(1, 3), label="cut runs")):
            run = pull(sandbox.config(), sandbox.now, state=output.state)
            lines = data.draw(st.integers(0, len(run.lines)), label="lines")
            output = output.then(run.upto(lines))
            sandbox.advance(hours=data.draw(st.integers(0, 60), label="hours"))
        last = pull(sandbox.config(), sandbox.now, state=output.state)
        assert not_the_truth(output.then(last), sandbox) == []


def test_nightly_runs_hold_the_truth_every_night() -> None:
    with Sandbox(ACCOUNT) as sandbox:
        output = Output(())
        for _ in range(10):
            output = output.then(pull(sandbox.config(), sandbox.now, state=output.state))
            assert not_the_truth(output, sandbox) == []
            sandbox.advance(days=1, hours=1)


def test_a_job_that_did_not_run_for_weeks_catches_up() -> None:
    with Sandbox(ACCOUNT) as sandbox:
        first = pull(sandbox.config(), sandbox.now)
        sandbox.advance(days=24, hours=5)
        assert not_the_truth(first, sandbox) != []
        second = pull(sandbox.config(), sandbox.now, state=first.state)
        assert not_the_truth(first.then(second), sandbox) == []


@pytest.mark.parametrize("lines", [1, 25, 60, 110])
def test_killing_the_process_loses_nothing(tmp_path: Path, lines: int) -> None:
    with Sandbox(ACCOUNT, latency=0.04) as sandbox:
        config = sandbox.config(page_size=5, concurrency=3)
        cut = killed_after(lines, tmp_path, config)
        rest = pull(config, NOW, state=cut.state)
        assert not_the_truth(cut, sandbox) != []
        assert not_the_truth(cut.then(rest), sandbox) == []
        assert missing_at_a_state(cut.then(rest), sandbox) == []


def killed_after(lines: int, folder: Path, config: dict[str, object]) -> Output:
    """What a target has read of a run that was killed without warning."""
    command, variables = command_line(folder, {"config": config}, at=NOW)
    with subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        read = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        read += process.stdout.readlines()
    assert process.returncode != 0
    # The last line may be half of one: no target can use it.
    return Output(tuple(line.decode() for line in read if line.endswith(b"\n")))


@pytest.mark.parametrize("lookback", [0, 1, 2, 5])
def test_a_second_run_without_news_asks_for_the_lookback_and_today_only(
    still: Sandbox, lookback: int
) -> None:
    """And, where it reads no day again, once for a day whose answer is known."""
    config = still.config(lookback_days=lookback, open_ticket_refresh_days=0)
    first = pull(config, NOW)
    still.clear()
    second = pull(config, NOW, state=first.state)
    expected = days(TODAY - lookback * DAY, TODAY)
    for stream in KEYS:
        witness = dt.date.fromisoformat(first.bookmark(stream)["dialect"]["witness"]["day"])
        assert asked(still, stream) == (expected if lookback else [witness, TODAY])
        shown = [one for one in still.requests if (one.stream, one.day) == (stream, witness)]
        assert len(shown) == (2 if lookback else 1)  # where it is read again, so is its end
    assert not_the_truth(first.then(second), still) == []


def test_days_with_open_tickets_are_asked_for_again_as_well(still: Sandbox) -> None:
    first = pull(still.config(), NOW)
    still.clear()
    pull(still.config(), NOW, state=first.state)
    lookback = days(TODAY - 2 * DAY, TODAY)
    followed = sorted({*days_with_open_tickets(still), *lookback})
    assert len(followed) > len(lookback)
    assert asked(still, "tickets") == followed
    assert asked(still, "customers") == lookback


def test_open_tickets_are_followed_until_they_are_too_old(still: Sandbox) -> None:
    config = still.config(open_ticket_refresh_days=6)
    first = pull(config, NOW)
    still.clear()
    pull(config, NOW, state=first.state)
    young = {day for day in days_with_open_tickets(still) if TODAY - day <= 6 * DAY}
    assert young != set(days_with_open_tickets(still))
    assert asked(still, "tickets") == sorted({*young, *days(TODAY - 2 * DAY, TODAY)})


def test_the_ledger_counts_the_open_tickets_of_a_day(still: Sandbox) -> None:
    ledger = pull(still.config(), NOW).bookmark("tickets")["days"]
    counts = {
        day.isoformat(): sum(
            str(ticket["status"]).lower() not in CLOSED
            for ticket in still.truth_of_day("tickets", day).values()
        )
        for day in days(FIRST, TODAY - DAY)
    }
    assert {day: entry["open"] for day, entry in ledger.items() if entry["open"]} == {
        day: count for day, count in counts.items() if count
    }


def test_closed_statuses_of_the_account_are_not_followed(still: Sandbox) -> None:
    config = still.config(closed_statuses=["pending", "OPEN", *sorted(CLOSED)])
    first = pull(config, NOW)
    still.clear()
    pull(config, NOW, state=first.state)
    assert asked(still, "tickets") == days(TODAY - 2 * DAY, TODAY)


def test_a_closed_status_is_known_however_it_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "CLOSINGS", [("Solved & Closed", "Solved", "SO")])
    with Sandbox(replace(ACCOUNT, seed=4711)) as sandbox:
        config = sandbox.config(closed_statuses=["pending", "open", "Solved & Closed"])
        first = pull(config, NOW)
        assert "Solved & Closed" in {row["status"] for row in first.records("tickets")}
        sandbox.clear()
        pull(config, NOW, state=first.state)
        assert asked(sandbox, "tickets") == days(TODAY - 2 * DAY, TODAY)


def test_a_day_that_did_not_change_is_not_written_again(still: Sandbox) -> None:
    first = pull(still.config(), NOW)
    second = pull(still.config(), NOW, state=first.state)
    for stream in KEYS:
        assert untruths(second.table(stream), still.truth_of_day(stream, TODAY)) == []
        assert of_days(second.bookmark(stream)) == of_days(first.bookmark(stream))


def of_days(bookmark: Json) -> Json:
    """A bookmark without what speaks for its dialect, which grows with every day that is read."""
    return {name: value for name, value in bookmark.items() if name != "dialect"}


def test_a_state_without_a_ledger_reads_every_day_that_may_hold_an_open_ticket(
    still: Sandbox,
) -> None:
    state = {"bookmarks": {"tickets": {"replication_key_value": "2024-03-30T19:00:00Z"}}}
    output = pull(still.config(open_ticket_refresh_days=5), NOW, state=state)
    assert asked(still, "tickets") == days(TODAY - 5 * DAY, TODAY)
    assert output.bookmark("tickets")["replication_key_value"] == "2024-03-31"


def test_keys_of_others_in_the_state_are_kept(still: Sandbox) -> None:
    foreign = {"replication_key_value": "2024-03-30", "note": {"by": "someone"}}
    state = {"bookmarks": {"tickets": foreign, "elsewhere": {"replication_key_value": 7}}}
    output = pull(still.config(), NOW, state=state)
    assert output.bookmark("tickets")["note"] == {"by": "someone"}
    assert output.state["bookmarks"]["elsewhere"] == {"replication_key_value": 7}


@pytest.mark.parametrize("empty_day", ["list", "null", "blank", "text_success", "text_failed"])
def test_quiet_days_advance_the_bookmark(empty_day: Any) -> None:  # noqa: ANN401 - a Literal
    counts = {**dict.fromkeys(days(FIRST, TODAY), 0), FIRST: 2}
    account = Account(first_day=FIRST, now=NOW, counts=dict.fromkeys(KEYS, counts))
    with Sandbox(account, quirks=Quirks(empty_day=empty_day)) as sandbox:
        output = pull(sandbox.config(), NOW)
        assert not_the_truth(output, sandbox) == []
    for stream in KEYS:
        assert len(output.records(stream)) == 2
        assert output.bookmark(stream)["replication_key_value"] == TODAY.isoformat()


@pytest.mark.parametrize(
    ("after_midnight", "bookmark"),
    [
        (dt.timedelta(minutes=14, seconds=59), "2024-03-30"),
        (dt.timedelta(minutes=15), "2024-03-31"),
        (dt.timedelta(hours=23, minutes=59), "2024-03-31"),
    ],
)
def test_a_day_is_closed_a_quarter_of_an_hour_after_its_end(
    after_midnight: dt.timedelta, bookmark: str
) -> None:
    midnight = dt.datetime(2024, 3, 30, 18, 30, tzinfo=UTC)
    with Sandbox(ACCOUNT) as sandbox:
        sandbox.now = midnight + after_midnight
        output = pull(sandbox.config(), sandbox.now)
        assert asked(sandbox, "tickets")[-1] == TODAY
        assert not_the_truth(output, sandbox) == []
    for stream in KEYS:
        assert output.bookmark(stream)["replication_key_value"] == bookmark


def test_today_is_the_day_of_the_accounts_zone_not_of_utc() -> None:
    account = Account(timezone="America/New_York", first_day=dt.date(2024, 3, 9), now=NOW)
    with Sandbox(account) as sandbox:
        sandbox.now = dt.datetime(2024, 3, 13, 3, 0, tzinfo=UTC)  # still 12 March, 23:00
        output = pull(sandbox.config(), sandbox.now)
        assert asked(sandbox, "tickets") == days(dt.date(2024, 3, 9), dt.date(2024, 3, 12))
    assert output.bookmark("tickets")["replication_key_value"] == "2024-03-12"


def test_the_bookmark_ends_behind_the_end_date(still: Sandbox) -> None:
    config = still.config(end_date="2024-03-24", open_ticket_refresh_days=0)
    first = pull(config, NOW)
    last = dt.date(2024, 3, 24)
    assert asked(still, "tickets") == days(FIRST, last)
    for stream in KEYS:
        assert first.bookmark(stream)["replication_key_value"] == "2024-03-25"
        truth = {
            key: record
            for day in days(FIRST, last)
            for key, record in still.truth_of_day(stream, day).items()
        }
        assert untruths(first.table(stream), truth) == []
    still.clear()
    pull(config, NOW, state=first.state)
    assert asked(still, "tickets") == days(last - DAY, last)


def test_an_end_date_in_the_future_is_today(still: Sandbox) -> None:
    output = pull(still.config(end_date="2031-01-01"), NOW)
    assert asked(still, "tickets") == days(FIRST, TODAY)
    assert output.bookmark("tickets")["replication_key_value"] == TODAY.isoformat()


def full_table(config: dict[str, object]) -> Json:
    catalog = catalog_of(config)
    for stream in catalog["streams"]:
        stream["replication_method"] = "FULL_TABLE"
        for metadata in stream["metadata"]:
            if not metadata["breadcrumb"]:
                metadata["metadata"]["replication-method"] = "FULL_TABLE"
    return catalog


def test_full_table_writes_everything_and_ignores_the_bookmark(still: Sandbox) -> None:
    first = pull(still.config(), NOW)
    still.clear()
    catalog = full_table(still.config())
    again = pull(still.config(), NOW, state=first.state, catalog=catalog)
    assert {stream: asked(still, stream) for stream in KEYS} == dict.fromkeys(
        KEYS, days(FIRST, TODAY)
    )
    assert not_the_truth(again, still) == []
    assert not_singer(again) == []


def test_full_table_respects_the_end_date(still: Sandbox) -> None:
    config = still.config(start_date="2024-03-20", end_date="2024-03-22")
    pull(config, NOW, catalog=full_table(config))
    assert asked(still, "tickets") == days(dt.date(2024, 3, 20), dt.date(2024, 3, 22))


def test_a_start_date_moved_back_pulls_the_days_before_newest_first(still: Sandbox) -> None:
    later = dt.date(2024, 3, 26)
    first = pull(still.config(start_date=later.isoformat()), NOW)
    still.clear()
    second = pull(still.config(concurrency=1), NOW, state=first.state)
    froms = [state["bookmarks"]["tickets"]["pulled_from"] for state in second.states]
    walked = sorted({dt.date.fromisoformat(day) for day in froms}, reverse=True)
    assert walked == days(FIRST, later)[::-1]
    assert froms == sorted(froms, reverse=True)
    before = [
        seen.day
        for seen in still.requests
        if seen.stream == "tickets" and seen.offset == 0 and seen.day and seen.day < later
    ]
    assert before == days(FIRST, later - DAY)[::-1]
    assert not_the_truth(first.then(second), still) == []


@examples(4, many=40)
@given(data=st.data())
def test_an_interrupted_backfill_simply_goes_on(shared: Sandbox, data: st.DataObject) -> None:
    first = pull(shared.config(start_date="2024-03-27"), NOW)
    second = pull(shared.config(), NOW, state=first.state)
    cut = first.then(second.upto(data.draw(st.integers(0, len(second.lines)), label="lines")))
    shared.clear()
    third = pull(shared.config(), NOW, state=cut.state)
    done = set(claimed(cut.bookmark("customers"))) if cut.state else set()
    again = set(asked(shared, "customers")) & done
    assert again <= set(days(TODAY - 2 * DAY, TODAY))
    assert missing_at_a_state(cut.then(third), shared) == []
    assert not_the_truth(cut.then(third), shared) == []


def test_a_start_date_moved_forward_pulls_nothing_twice_and_loses_nothing(still: Sandbox) -> None:
    first = pull(still.config(open_ticket_refresh_days=0), NOW)
    still.clear()
    moved = still.config(start_date="2024-03-28", open_ticket_refresh_days=0)
    second = pull(moved, NOW, state=first.state)
    assert asked(still, "tickets") == days(TODAY - 2 * DAY, TODAY)
    assert second.bookmark("tickets") == first.bookmark("tickets")


def without_note(message: Json) -> Json:
    if message["type"] != "RECORD":
        return message
    record = {name: value for name, value in message["record"].items() if name != "note"}
    return {**message, "record": record}


def test_a_mapped_stream_keeps_its_state_in_step_with_its_records(still: Sandbox) -> None:
    maps = {"tickets": {"note": "'x'"}, "customers": {"note": "'x'"}}
    output = pull(still.config(stream_maps=maps, page_size=3), NOW)
    bare = Output(tuple(json.dumps(without_note(message)) for message in output.messages))
    assert all(record["note"] == "x" for record in output.records("tickets"))
    assert missing_at_a_state(bare, still) == []
    assert not_the_truth(bare, still) == []
