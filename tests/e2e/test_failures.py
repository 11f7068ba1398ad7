"""What fails for good ends the run with one line to act on, and shows no secret.

A failure that is the account's stops the run at once; one that is a day's stops only that day.
"""

from __future__ import annotations

import datetime as dt
import json
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from effort import soak
from failing_account import (
    API_KEY,
    BAD_DAY,
    FIRST,
    FOR_EVER,
    LAST,
    NOW,
    TODAY,
    TOKEN,
    assert_incomplete,
    assert_stopped,
    config_of,
    unread,
)
from tap_process import (
    KEYS,
    Json,
    Output,
    asked,
    days,
    leaked,
    not_the_truth,
    pull,
    run_tap,
    untruths,
)

from sandbox import Account, Fault, Quirks, Sandbox
from tap_kapture.errors import KaptureError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEBUG = {"LOGLEVEL": "DEBUG"}
STATE_LIMIT = 16 * 1024
BODIES = ("We will be back soon", "<html>", "Not Found</", '"message":')
"""What stands in the bodies of bad answers."""


@pytest.fixture(scope="module")
def secrets(failing: Sandbox) -> set[str]:
    """Everything that no log may show."""
    return {TOKEN, API_KEY, *BODIES, *failing.personal_texts()}


def assert_all_before_is_out(output: Output, sandbox: Sandbox, stream: str, day: dt.date) -> None:
    """All days before a day are out and in the state, and no record of the day or of later ones."""
    truth = {
        key: record
        for before in days(FIRST, day - dt.timedelta(days=1))
        for key, record in sandbox.truth_of_day(stream, before).items()
    }
    assert untruths(output.table(stream), truth) == []
    assert output.bookmark(stream).get("replication_key_value") == (
        day.isoformat() if day > FIRST else None
    )


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


OF_THE_ACCOUNT: list[tuple[Fault, list[str]]] = [
    (Fault("redirect"), ["302", "login.example.com", "'api_url'"]),
    (Fault("403"), ["HTTP 403", "'auth_token'"]),
    (Fault("404"), ["HTTP 404", "_path'"]),
    *[
        (Fault("failed", text=text), [text.rstrip("."), advice])
        for text, advice in {
            "Invalid Auth Key": "'auth_token'",
            "AuthKeyInvalid": "'auth_token'",
            "APIExpired": "Kapture support for a new one",
            "Auth Key Expired": "Kapture support for a new one",
        }.items()
    ],
]
OF_A_DAY: list[tuple[Fault, list[str]]] = [
    (Fault("400"), ["HTTP 400"]),
    (Fault("bad_message"), ["is a number", "Kapture support"]),
    (Fault("no_key"), ["has no usable '", "Kapture support"]),
    (Fault("echo_token"), ["[secret]", "Kapture support"]),
    *[
        (Fault("failed", text=text), [text.rstrip("."), advice])
        for text, advice in {
            "No valid customer found": "'no_data_messages'",
            "No permitted records": "'no_data_messages'",
            "Invalid Json.": "'tickets_body'",
            "ticket_ids are missing.": "'tickets_body'",
            "ReqFieldMissing": "'customers_body'",
            "either start_date is null or blank": "cm_id",
            "The moon is in the wrong phase": "'no_data_messages'",
        }.items()
    ],
]


def in_turn(cases: list[tuple[Fault, list[str]]]) -> list[Any]:
    """Each case in one of the streams, and in the other one as well where tests repeat."""
    return [
        pytest.param(
            *case,
            stream,
            id=f"{case[0].text or case[0].action}-{stream}",
            marks=soak if (number + place) % len(KEYS) else (),
        )
        for number, case in enumerate(cases)
        for place, stream in enumerate(KEYS)
    ]


@pytest.mark.parametrize(("fault", "words", "stream"), in_turn(OF_THE_ACCOUNT))
def test_a_fatal_answer_stops_the_run_before_its_day_and_shows_no_secret(  # noqa: PLR0913, PLR0917 - fixtures and cases
    ill: Sandbox, secrets: set[str], tmp_path: Path, fault: Fault, words: list[str], stream: str
) -> None:
    ill.quirks = Quirks(failure_keys="capital" if stream == "customers" else "lower")
    ill.faults = [Fault(fault.action, stream=stream, day=BAD_DAY, times=FOR_EVER, text=fault.text)]
    output = run_tap(tmp_path, config_of(ill), at=NOW, environment=DEBUG)
    assert_stopped(output, stream, BAD_DAY, 0, *words)
    assert_all_before_is_out(output, ill, stream, BAD_DAY)
    assert leaked(output.chatter(), secrets) == []
    hit = [seen for seen in ill.requests if seen.fault]
    assert len(hit) == 1


@pytest.mark.parametrize(("fault", "words", "stream"), in_turn(OF_A_DAY))
def test_a_day_that_cannot_be_read_stops_only_itself_and_shows_no_secret(  # noqa: PLR0913, PLR0917 - fixtures and cases
    ill: Sandbox, secrets: set[str], tmp_path: Path, fault: Fault, words: list[str], stream: str
) -> None:
    ill.quirks = Quirks(failure_keys="capital" if stream == "customers" else "lower")
    ill.faults = [Fault(fault.action, stream=stream, day=BAD_DAY, times=FOR_EVER, text=fault.text)]
    output = run_tap(tmp_path, config_of(ill), at=NOW, environment=DEBUG)
    assert_incomplete(output, stream, BAD_DAY, 0, *words)
    assert_all_but_one_day_is_out(output, ill, stream, BAD_DAY)
    assert leaked(output.chatter(), secrets) == []
    hit = [seen for seen in ill.requests if seen.fault]
    assert len(hit) == 1
    assert_the_next_run_mends(output, ill)


@pytest.mark.parametrize("style", ["200", "401"])
def test_a_bad_token_says_how_to_fix_it(
    ill: Sandbox,
    secrets: set[str],
    tmp_path: Path,
    style: Any,  # noqa: ANN401 - a Literal
) -> None:
    ill.quirks = Quirks(bad_token=style)
    wrong = "d3Jvbmc6d3Jvbmc="
    output = run_tap(tmp_path, config_of(ill, auth_token=wrong), at=NOW, environment=DEBUG)
    assert_stopped(output, "customers", LAST, 0, "'auth_token'", "expired", "Kapture support")
    assert output.records("customers") == output.records("tickets") == []
    assert output.states == []
    assert leaked(output.chatter(), {wrong, *secrets}) == []


NO_ANSWER = [
    pytest.param(Fault("429", retry_after=0), "HTTP 429", id="429"),
    pytest.param(Fault("503", retry_after=0), "HTTP 503", id="503"),
    pytest.param(Fault("reset"), "the connection failed", id="reset"),
    pytest.param(Fault("cut"), "the answer broke off", id="cut"),
    pytest.param(Fault("hang"), "no answer within request_timeout", id="hang"),
]


SERVER_FAILURES = [
    pytest.param(Fault("html"), "not JSON", id="html"),
    pytest.param(Fault("500"), "HTTP 500", id="500"),
    pytest.param(Fault("502"), "HTTP 502", id="502"),
    pytest.param(Fault("504"), "HTTP 504", id="504"),
    pytest.param(Fault("408"), "HTTP 408", id="408"),
    pytest.param(Fault("server_failure"), "ServerFailure", id="server_failure"),
]


@pytest.mark.parametrize(("fault", "reason"), NO_ANSWER)
def test_a_failure_that_persists_stops_the_run_after_the_retries(
    ill: Sandbox, secrets: set[str], tmp_path: Path, fault: Fault, reason: str
) -> None:
    ill.faults = [
        Fault(
            fault.action,
            stream="tickets",
            day=BAD_DAY,
            times=FOR_EVER,
            retry_after=fault.retry_after,
        )
    ]
    config = config_of(ill, max_retries=1, request_timeout=1)
    output = run_tap(tmp_path, config, at=NOW, environment=DEBUG)
    assert_stopped(output, "tickets", BAD_DAY, 0, reason, "2 tries", "'max_retries'")
    assert_all_before_is_out(output, ill, "tickets", BAD_DAY)
    assert leaked(output.chatter(), secrets) == []
    assert len([seen for seen in ill.requests if seen.fault]) == 2


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


def test_a_404_names_the_path_and_the_other_one_that_customers_may_have(
    ill: Sandbox, tmp_path: Path
) -> None:
    config = config_of(ill, customers_path="/nowhere.html")
    output = run_tap(tmp_path, config, at=NOW)
    assert_stopped(
        output,
        "customers",
        LAST,
        0,
        "/nowhere.html",
        "/select-customer-between-start-and-end-dates.html",
        "/ms/customer-search/customer-search/api/v1",
        "'customers_path'",
    )


def test_a_redirect_is_never_followed(ill: Sandbox) -> None:
    ill.faults = [Fault("redirect", times=FOR_EVER)]
    with pytest.raises(KaptureError, match=r"redirects to login\.example\.com"):
        pull(config_of(ill), NOW)
    assert {seen.method for seen in ill.requests} == {"POST"}
    assert {seen.stream for seen in ill.requests} == {"customers"}


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


@pytest.mark.parametrize(("fault", "words"), [*OF_THE_ACCOUNT, *OF_A_DAY])
def test_no_exception_carries_a_secret_in_any_of_its_parts(
    ill: Sandbox, secrets: set[str], fault: Fault, words: list[str]
) -> None:
    ill.faults = [Fault(fault.action, stream="tickets", times=FOR_EVER, text=fault.text)]
    with pytest.raises(KaptureError) as caught:
        pull(config_of(ill), NOW)
    text = "".join(traceback.format_exception(caught.value))
    for error in chain(caught.value):
        text += f"{error!s}{error!r}{error.args}{vars(error)}"
    assert [word for word in words if word not in text] == []
    assert leaked(text, secrets) == []


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception with all that stand behind it, those that are not shown too."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def test_a_text_that_quotes_people_is_masked_and_cut(ill: Sandbox, tmp_path: Path) -> None:
    text = f"Mail asha.rao@example.com or call +91 98450 12345, key {TOKEN}. {'x' * 5000}"
    ill.faults = [Fault("failed", text=text, times=FOR_EVER)]
    output = run_tap(tmp_path, config_of(ill), at=NOW, environment=DEBUG)
    assert_stopped(output, "customers", LAST, 0, "Mail [masked] or call [masked]", "[secret]")
    assert leaked(output.chatter(), {TOKEN, "asha.rao", "98450", "12345", "x" * 200}) == []


def test_a_clean_run_shows_no_secret_either(
    ill: Sandbox, secrets: set[str], tmp_path: Path
) -> None:
    ill.quirks = Quirks(unknown_keys=True, bad_dates=True, bad_numbers=True)
    output = run_tap(tmp_path, config_of(ill), at=NOW, environment=DEBUG)
    assert output.code == 0
    assert output.errors() == []
    assert not_the_truth(output, ill) == []
    assert leaked(output.chatter(), secrets) == []


def test_a_configured_text_is_an_empty_day(ill: Sandbox) -> None:
    ill.faults = [Fault("failed", text="Nichts da.", times=FOR_EVER)]
    output = pull(config_of(ill, no_data_messages=["^nichts da"]), NOW)
    assert output.records("tickets") == output.records("customers") == []
    assert output.bookmark("tickets")["replication_key_value"] == TODAY.isoformat()


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


@pytest.mark.parametrize("stream", KEYS)
def test_an_account_that_fails_leaves_the_days_of_the_stream_before_alone(
    ill: Sandbox, tmp_path: Path, stream: str
) -> None:
    """Customers come first: their failure ends the run, that of tickets leaves customers done."""
    ill.faults = [Fault("404", stream=stream, day=BAD_DAY, times=FOR_EVER)]
    output = run_tap(tmp_path, config_of(ill), at=NOW)
    done = stream == "tickets"
    assert (asked(ill, "tickets") != []) is done
    assert (untruths(output.table("customers"), ill.truth("customers")) == []) is done
