"""Accounts that nobody has seen: each pages in a way of its own, and none loses a record.

The tap is told nothing. It must find out by a few requests, read everything, remember what it found
out, and notice when it is no longer so; where nothing can be read, it must say so.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from effort import soak
from tap_process import (
    KEYS,
    Json,
    Output,
    attempt,
    days,
    missing_at_a_state,
    not_singer,
    not_the_truth,
    pull,
    run_tap,
)

from sandbox import Account, Quirks, Sandbox
from tap_kapture.errors import KaptureIncompleteError

if TYPE_CHECKING:
    from pathlib import Path

UTC = dt.timezone.utc
FIRST = dt.date(2024, 3, 20)
TODAY = dt.date(2024, 3, 31)
DAY = dt.timedelta(days=1)
NOW = dt.datetime(2024, 3, 31, 6, 30, tzinfo=UTC)
ELEVEN = dict(
    zip(days(FIRST, TODAY - DAY), (70, 0, 1, 150, 69, 93, 12, 80, 94, 100, 100), strict=True)
)
"""The days, and how many records each has: 769."""
ACCOUNT = Account(
    seed=1,
    first_day=FIRST,
    now=NOW,
    static=True,
    counts={stream: {**ELEVEN, TODAY: 0} for stream in KEYS},
)
GROWING = Account(seed=2, first_day=FIRST, now=NOW, tickets_per_day=60, customers_per_day=60)
LEARNING = 6
"""Requests that learning may cost in a stream."""
TWO_AT_ONCE = 4
"""Requests that may be spent besides where two odd habits together hide every record."""
STATE_LIMIT = 16 * 1024

READABLE = [
    pytest.param({"offset": "pages", "page_cap": 15}, 20, "pages", id="pages_from_0"),
    pytest.param({"offset": "pages"}, 20, "pages", id="pages_from_0-no_cap"),
    pytest.param({"offset": "pages_from_1", "page_cap": 15}, 20, "pages", id="pages_from_1"),
    pytest.param({"offset": "pages_from_1"}, 20, "pages", id="pages_from_1-no_cap"),
    pytest.param(
        {"offset": "pages_from_1_strict", "page_cap": 15}, 20, "pages", id="pages_from_1_strict"
    ),
    pytest.param({"limit": "page"}, 500, "limit", id="limit_is_a_page"),
    pytest.param({"limit": "page_from_0"}, 500, "limit", id="limit_is_a_page_from_0"),
    pytest.param({"limit": "ignored", "page_cap": 20}, 10, "rows", id="limit_ignored"),
    pytest.param({"total_count": "page", "page_cap": 10}, 500, "rows", id="total_of_the_page"),
    pytest.param({"limit": "last_row"}, 500, "range", id="first_and_last_row"),
    pytest.param({"limit": "last_row"}, 20, "range", id="first_and_last_row-pages"),
    pytest.param({"order": "unstable"}, 500, "rows", id="no_order"),
    pytest.param({"order": "unstable"}, 20, "rows", id="no_order-pages"),
    pytest.param({"window": "end_exclusive"}, 500, "rows", id="end_exclusive"),
    pytest.param({"window": "end_exclusive", "offset": "pages"}, 20, "pages", id="end_and_pages"),
    pytest.param({"window": "end_exclusive", "limit": "page"}, 500, "limit", id="end_and_limit"),
    pytest.param({"offset": "refused"}, 500, "none", id="offset_refused"),
    pytest.param({"offset": "refused_beyond_0"}, 500, "none", id="offset_refused_beyond_0"),
    pytest.param({"offset": "ignored"}, 20, "none", id="offset_ignored"),
    pytest.param({}, 500, "rows", id="usual"),
    pytest.param({}, 20, "rows", id="usual-pages"),
]


def spent(sandbox: Sandbox) -> dict[str, int]:
    """The requests of each stream since the last look."""
    counts = {stream: sum(one.stream == stream for one in sandbox.requests) for stream in KEYS}
    sandbox.clear()
    return counts


def knowing(output: Output) -> Json:
    """A state that knows the dialects of a run, and nothing of its days."""
    return {
        "bookmarks": {
            stream: {
                "replication_key_value": FIRST.isoformat(),
                "pulled_from": FIRST.isoformat(),
                "days": {},
                "dialect": output.bookmark(stream)["dialect"],
            }
            for stream in KEYS
        }
    }


@pytest.mark.parametrize(("quirks", "page_size", "turn"), READABLE)
def test_an_account_is_read_whole_for_a_few_requests_more_and_later_for_none(
    quirks: dict[str, Any], page_size: int, turn: str
) -> None:
    with Sandbox(ACCOUNT, quirks=Quirks(**quirks)) as sandbox:
        config = sandbox.config(page_size=page_size)
        first = pull(config, NOW)
        assert not_singer(first) == []
        assert not_the_truth(first, sandbox) == []
        contact = spent(sandbox)
        dialects = {stream: first.bookmark(stream)["dialect"] for stream in KEYS}
        assert {dialect["turn"] for dialect in dialects.values()} == {turn}
        again = pull(config, NOW, state=knowing(first))
        assert not_the_truth(again, sandbox) == []
        plain = spent(sandbox)
        hidden_twice = {"limit", "window"} <= quirks.keys()
        for stream in KEYS:
            assert contact[stream] <= plain[stream] + LEARNING + TWO_AT_ONCE * hidden_twice
        pull(config, NOW, state=first.state)
        asked = {(one.stream, one.day) for one in sandbox.requests}
        assert asked == {(stream, day) for stream in KEYS for day in days(TODAY - 2 * DAY, TODAY)}
        probes = [one for one in sandbox.requests if one.day == TODAY]
        assert len(probes) == len(KEYS)  # an empty day takes one request


@pytest.mark.parametrize(
    ("runs", "apart"),
    [
        pytest.param(4, 8 * DAY, id="every_8_days"),
        pytest.param(16, 2 * DAY, id="every_2_days", marks=soak),
    ],
)
def test_no_run_of_a_month_learns_anything_and_then_a_day_shows_it_again(
    runs: int, apart: dt.timedelta
) -> None:
    """What is known is good for 30 days; then it is learned once more from a day that is read."""
    quirks = Quirks(offset="pages", page_cap=15)
    with Sandbox(GROWING, quirks=quirks) as sandbox:
        config = sandbox.config(page_size=20)
        output = pull(config, NOW)
        learned = {output.bookmark(stream)["dialect"]["learned"] for stream in KEYS}
        for _ in range(runs):
            sandbox.now += apart
            output = output.then(pull(config, sandbox.now, state=output.state))
            assert not_the_truth(output, sandbox) == []
            learned |= {output.bookmark(stream)["dialect"]["learned"] for stream in KEYS}
    assert learned == {TODAY.isoformat(), (TODAY + 32 * DAY).isoformat()}


# What cannot be read


@pytest.mark.parametrize("page_size", [20, 500])
def test_pages_that_do_not_turn_below_a_cap_fail_and_name_the_days(
    page_size: int, tmp_path: Path
) -> None:
    large = [day for day, count in ELEVEN.items() if count > 15]
    with Sandbox(ACCOUNT, quirks=Quirks(offset="ignored", page_cap=15)) as sandbox:
        output = run_tap(tmp_path, sandbox.config(page_size=page_size), at=NOW)
        assert output.code == 1
        (line,) = output.errors()
        for stream in KEYS:
            named = ", ".join(map(str, large))
            assert f"{stream}, {len(large)} days ({named}): nothing turns the page" in line
            ledger = output.bookmark(stream)["days"]
            troubled = [day for day in ledger if ledger[day].get("trouble") == "unsettled"]
            assert troubled == [day.isoformat() for day in large]
            for day in set(ELEVEN) - set(large):
                assert sandbox.truth_of_day(stream, day).keys() <= output.table(stream).keys()
        assert "Ask Kapture support to switch pagination on" in line
        sandbox.quirks = Quirks()
        later = pull(sandbox.config(page_size=page_size), NOW, state=output.state)
        assert not_the_truth(output.then(later), sandbox) == []
        assert all("trouble" not in entry for s in KEYS for entry in ledger_of(later, s).values())


def test_pages_of_rows_in_no_order_below_a_cap_fail_and_name_the_cause() -> None:
    with Sandbox(ACCOUNT, quirks=Quirks(order="unstable", page_cap=15)) as sandbox:
        _, error = attempt(sandbox.config(), NOW)
    assert re.search("fit no known way of paging|rows moved between pages", str(error))


def ledger_of(output: Output, stream: str) -> Json:
    """A stream's ledger in the last state."""
    ledger: Json = output.bookmark(stream)["days"]
    return ledger


# An account that shows nothing


@pytest.mark.parametrize(
    "empty_day",
    ["list", *(pytest.param(kind, marks=soak) for kind in ("text_failed", "text_success", "null"))],
)
def test_a_wrong_account_id_is_a_warning_and_the_next_run_loads_everything(
    empty_day: Any,  # noqa: ANN401 - a Literal
    tmp_path: Path,
) -> None:
    quirks = Quirks(empty_day=empty_day)
    with Sandbox(ACCOUNT, quirks=quirks) as sandbox:
        wrong = run_tap(tmp_path, sandbox.config(cm_id=17), at=NOW)
        assert (wrong.code, wrong.errors()) == (0, [])
        (warning,) = [line for line in wrong.log.splitlines() if "nothing came at all" in line]
        place = f"customers: nothing came at all from {FIRST} to {TODAY}"
        assert [
            w for w in (place, "'cm_id'", "'start_date'", "'auth_token'") if w not in warning
        ] == []
        assert wrong.records("customers") == []
        assert wrong.bookmark("customers")["empty"] is True
        assert "empty" not in wrong.bookmark("tickets")
        assert spent(sandbox)["customers"] <= len(ELEVEN) + 1 + 2 * LEARNING
        still_wrong = run_tap(tmp_path, sandbox.config(cm_id=17), at=NOW, state=wrong.state)
        assert "nothing came at all" in still_wrong.log
        right = run_tap(tmp_path, sandbox.config(), at=NOW, state=still_wrong.state)
        assert right.code == 0
        assert "nothing came at all" not in right.log
        assert not_the_truth(wrong.then(right), sandbox) == []
        assert "empty" not in right.bookmark("customers")


def test_an_account_that_is_empty_until_its_first_record_comes() -> None:
    """Empty accounts are no failure, and nothing is lost however late the first record comes."""
    start = FIRST - 30 * DAY
    with Sandbox(ACCOUNT) as sandbox:
        config = sandbox.config(start_date=start.isoformat())
        sandbox.now = NOW - 25 * DAY
        output = Output(())
        for _ in range(26):
            output = output.then(pull(config, sandbox.now, state=output.state))
            assert not_the_truth(output, sandbox) == []
            sandbox.advance(days=1)
        assert all("empty" not in output.bookmark(stream) for stream in KEYS)


def test_an_account_that_had_nothing_on_its_newest_days_is_found_all_the_same() -> None:
    """The newest days are asked first and are empty; the search behind the load must find it."""
    old = {day: 40 if day < FIRST + 3 * DAY else 0 for day in days(FIRST, TODAY)}
    account = Account(seed=4, first_day=FIRST, now=NOW, counts=dict.fromkeys(KEYS, old))
    for quirks in (
        Quirks(),
        Quirks(window="end_exclusive"),
        Quirks(offset="pages_from_1_strict"),
        Quirks(window="end_exclusive", offset="pages_from_1_strict", page_cap=15),
        Quirks(limit="page"),
    ):
        with Sandbox(account, quirks=quirks) as sandbox:
            output = pull(sandbox.config(page_size=20), NOW)
            assert not_the_truth(output, sandbox) == [], quirks


def test_no_state_claims_a_day_that_came_empty_before_it_was_known_how_to_ask() -> None:
    """Such days are read again behind the others; a run that is killed before has lost nothing."""
    for large in (3, 7):
        counts = {day: 40 if day < FIRST + large * DAY else 0 for day in days(FIRST, TODAY)}
        account = Account(seed=4, first_day=FIRST, now=NOW, counts=dict.fromkeys(KEYS, counts))
        for quirks in (
            Quirks(window="end_exclusive"),
            Quirks(offset="pages_from_1_strict"),
            Quirks(limit="page"),
            Quirks(limit="page_from_0"),
        ):
            with Sandbox(account, quirks=quirks) as sandbox:
                config = sandbox.config(page_size=20)
                whole = pull(config, NOW)
                assert missing_at_a_state(whole, sandbox) == []
                cut = whole.upto(len(whole.lines) // 3)
                rest = pull(config, NOW, state=cut.state)
                assert not_the_truth(cut.then(rest), sandbox) == []


def test_days_that_came_empty_are_named_where_the_records_of_today_teach_nothing() -> None:
    """Records come on one day in no known way: that nothing came on the others means nothing."""
    closed = days(FIRST, TODAY - DAY)
    counts = {**dict.fromkeys(closed, 3), TODAY: 87}
    account = Account(seed=4, first_day=FIRST, now=NOW, counts=dict.fromkeys(KEYS, counts))
    with Sandbox(account, quirks=Quirks(limit="page_from_0", order="unstable")) as sandbox:
        output, error = attempt(sandbox.config(page_size=1), NOW)
        assert "it was read by a guess, because how the account pages could not be learned" in str(
            error
        )
        for stream in KEYS:
            ledger = ledger_of(output, stream)
            assert [day.isoformat() for day in closed] == list(ledger)
            assert {entry.get("trouble") for entry in ledger.values()} == {"unsettled"}
        sandbox.quirks = Quirks()
        after = output.then(pull(sandbox.config(page_size=1), NOW, state=output.state))
        assert not_the_truth(after, sandbox) == []


# Learning again


CHANGES = [
    pytest.param({}, {"offset": "pages"}, id="rows-pages"),
    pytest.param({"offset": "pages"}, {}, id="pages-rows"),
    pytest.param({}, {"offset": "pages_from_1"}, id="rows-pages_from_1"),
    pytest.param({"offset": "pages"}, {"offset": "pages_from_1"}, id="pages-pages_from_1"),
    pytest.param({"limit": "last_row"}, {}, id="range-rows"),
    pytest.param({}, {"page_cap": 15}, id="no_cap-cap"),
    pytest.param({"page_cap": 15}, {}, id="cap-no_cap"),
    pytest.param({}, {"offset": "ignored"}, id="rows-ignored"),
    pytest.param({"offset": "ignored"}, {}, id="ignored-rows"),
    pytest.param({}, {"limit": "ignored", "page_cap": 20}, id="rows-limit_ignored"),
    pytest.param({}, {"offset": "pages_from_1_strict"}, id="rows-pages_from_1_strict"),
    pytest.param({}, {"limit": "page"}, id="rows-limit"),
    pytest.param({}, {"limit": "last_row"}, id="rows-range"),
    pytest.param({"offset": "pages_from_1"}, {"offset": "pages"}, id="pages_from_1-pages"),
    pytest.param({"total_count": "filled"}, {"total_count": "page"}, id="total-total_of_the_page"),
    pytest.param(
        {"total_count": "filled"}, {"total_count": "page", "page_cap": 10}, id="total-of_the_cap"
    ),
    pytest.param({}, {"window": "end_exclusive"}, id="inclusive-end_exclusive"),
    pytest.param({"window": "end_exclusive"}, {}, id="end_exclusive-inclusive"),
    pytest.param({}, {"offset": "refused"}, id="rows-refused"),
]


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_an_account_that_pages_in_another_way_from_one_day_to_the_next_is_read_whole(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    account = replace(GROWING, static=True)
    with Sandbox(account, quirks=Quirks(**before)) as sandbox:
        config = sandbox.config(page_size=20)
        first = pull(config, NOW)
        assert not_the_truth(first, sandbox) == []
        sandbox.quirks = Quirks(**after)
        sandbox.advance(days=3)
        second = pull(config, sandbox.now, state=first.state)
        assert not_the_truth(first.then(second), sandbox) == []
        sandbox.advance(days=1)
        third = pull(config, sandbox.now, state=second.state)
        assert not_the_truth(first.then(second).then(third), sandbox) == []


def test_an_account_that_comes_to_cut_days_which_it_turned_no_pages_of_is_named() -> None:
    with Sandbox(replace(GROWING, static=True), quirks=Quirks(offset="ignored")) as sandbox:
        config = sandbox.config(page_size=20)
        first = pull(config, NOW)
        sandbox.quirks = Quirks(offset="ignored", page_cap=15)
        sandbox.advance(days=3)
        _, error = attempt(config, sandbox.now, state=first.state)
    assert isinstance(error, KaptureIncompleteError)
    for stream in KEYS:
        named = ", ".join(map(str, days(TODAY - 2 * DAY, TODAY + 2 * DAY)))
        assert f"{stream}, 5 days ({named}): nothing turns the page, and 15 records" in str(error)


def test_records_that_are_gone_on_a_later_day_are_asked_for_in_other_ways_and_named() -> None:
    """An account that is suddenly empty: the days are not claimed, and come later."""
    with Sandbox(replace(GROWING, static=True)) as sandbox:
        config = sandbox.config(page_size=20)
        first = pull(config, NOW)
        sandbox.advance(days=2)
        after, error = attempt({**config, "cm_id": 17}, sandbox.now, state=first.state)
        assert isinstance(error, KaptureIncompleteError)
        assert "customers, 4 days" in str(error)
        assert "it came empty like all others, although there were records" in str(error)
        last = pull(config, sandbox.now, state=after.state)
        assert not_the_truth(first.then(after).then(last), sandbox) == []


# The earlier release


def test_a_state_of_the_earlier_release_is_carried_over() -> None:
    """It knows neither dialect nor since when open tickets are followed, but has a ledger."""
    account = Account(seed=6, first_day=FIRST, now=NOW, tickets_per_day=40)
    with Sandbox(account) as sandbox:
        first = pull(sandbox.config(), NOW)
        older = older_state(first)
        sandbox.clear()
        sandbox.advance(days=2)
        output = pull(sandbox.config(), sandbox.now, state=older)
        assert not_the_truth(first.then(output), sandbox) == []
        asked = {one.day for one in sandbox.requests if one.stream == "customers"}
        assert asked == set(days(TODAY - 2 * DAY, TODAY + 2 * DAY))
        for stream in KEYS:
            assert output.bookmark(stream)["dialect"]["turn"] == "rows"
        assert output.bookmark("tickets")["followed"]["from"]


def older_state(output: Output) -> Json:
    """A state as the earlier release would have written it."""
    state: Json = json.loads(json.dumps(output.state))
    for bookmark in state["bookmarks"].values():
        for name in ("dialect", "followed"):
            bookmark.pop(name, None)
    return state


def test_a_state_of_the_earlier_release_of_an_odd_account_says_to_load_afresh(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """That release took pages for rows: what it loaded may lack records, and nobody knows which."""
    with Sandbox(ACCOUNT, quirks=Quirks(offset="pages", page_cap=15)) as sandbox:
        config = sandbox.config(page_size=20)
        pull(config, NOW, state=older_state(pull(config, NOW)))
    for stream in KEYS:
        told = f"{stream}: 'offset' counts pages from 0. The state did not know that, so days that"
        assert told in caplog.text


def test_a_state_with_fifty_bad_days_is_small() -> None:
    """Unsettled days of both streams, with the ledger of open tickets beside them."""
    many = days(TODAY - 120 * DAY, TODAY)
    counts = {day: 20 if number % 2 and number < 100 else 3 for number, day in enumerate(many)}
    account = Account(first_day=many[0], now=NOW, counts=dict.fromkeys(KEYS, counts))
    with Sandbox(account, quirks=Quirks(offset="ignored", page_cap=15)) as sandbox:
        config = sandbox.config(closed_statuses=["never"])
        output, error = attempt(config, NOW)
        assert isinstance(error, KaptureIncompleteError)
        for stream in KEYS:
            ledger = ledger_of(output, stream)
            assert sum(entry.get("trouble") == "unsettled" for entry in ledger.values()) == 50
        assert max(len(json.dumps(state)) for state in output.states) < STATE_LIMIT
