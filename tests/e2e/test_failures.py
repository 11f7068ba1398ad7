"""What fails for good stops the run with one line to act on, and shows no secret."""

from __future__ import annotations

import datetime as dt
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from failing_account import (
    API_KEY,
    BAD_DAY,
    FIRST,
    FOR_EVER,
    NOW,
    TODAY,
    TOKEN,
    assert_stopped,
    config_of,
)
from tap_process import (
    KEYS,
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


FATAL = [
    pytest.param(Fault("redirect"), ["302", "login.example.com", "'api_url'"], id="redirect"),
    pytest.param(Fault("400"), ["HTTP 400"], id="400"),
    pytest.param(Fault("403"), ["HTTP 403", "'auth_token'"], id="403"),
    pytest.param(Fault("404"), ["HTTP 404", "_path'"], id="404"),
    pytest.param(Fault("bad_message"), ["is a number", "Kapture support"], id="bad_message"),
    pytest.param(Fault("no_key"), ["has no usable '", "Kapture support"], id="no_key"),
    pytest.param(Fault("echo_token"), ["[secret]", "Kapture support"], id="echo_token"),
    *[
        pytest.param(Fault("failed", text=text), [text.rstrip("."), advice], id=text)
        for text, advice in {
            "Invalid Auth Key": "'auth_token'",
            "AuthKeyInvalid": "'auth_token'",
            "APIExpired": "Kapture support for a new one",
            "Auth Key Expired": "Kapture support for a new one",
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


@pytest.mark.parametrize("stream", KEYS)
@pytest.mark.parametrize(("fault", "words"), FATAL)
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
    assert_stopped(output, "customers", FIRST, 0, "'auth_token'", "expired", "Kapture support")
    assert output.records("customers") == output.records("tickets") == []
    assert output.states == []
    assert leaked(output.chatter(), {wrong, *secrets}) == []


PERSISTENT = [
    pytest.param(Fault("html"), "not JSON", id="html"),
    pytest.param(Fault("500"), "HTTP 500", id="500"),
    pytest.param(Fault("429", retry_after=0), "HTTP 429", id="429"),
    pytest.param(Fault("503", retry_after=0), "HTTP 503", id="503"),
    pytest.param(Fault("408"), "HTTP 408", id="408"),
    pytest.param(Fault("server_failure"), "ServerFailure", id="server_failure"),
    pytest.param(Fault("reset"), "the connection failed", id="reset"),
    pytest.param(Fault("cut"), "the answer broke off", id="cut"),
    pytest.param(Fault("hang"), "no answer within request_timeout", id="hang"),
]


@pytest.mark.parametrize(("fault", "reason"), PERSISTENT)
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


def test_a_404_names_the_path_and_the_other_one_that_customers_may_have(
    ill: Sandbox, tmp_path: Path
) -> None:
    config = config_of(ill, customers_path="/nowhere.html")
    output = run_tap(tmp_path, config, at=NOW)
    assert_stopped(
        output,
        "customers",
        FIRST,
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
    assert_stopped(output, "tickets", BAD_DAY, 6, "message is a number")
    assert output.bookmark("tickets")["replication_key_value"] == BAD_DAY.isoformat()
    assert leaked(output.chatter(), secrets) == []
    ill.faults = []
    rest = pull(config_of(ill), NOW, state=output.state)
    assert not_the_truth(output.then(rest), ill) == []


def test_a_failure_on_a_day_that_is_read_again_leaves_the_bookmark_where_it_was(
    ill: Sandbox, tmp_path: Path
) -> None:
    first = pull(config_of(ill), NOW)
    ill.faults = [Fault("400", stream="tickets", day=BAD_DAY, times=FOR_EVER)]
    second = run_tap(tmp_path, config_of(ill), at=NOW, state=first.state)
    assert_stopped(second, "tickets", BAD_DAY, 0, "HTTP 400")
    assert second.records("tickets") == []
    bookmark = {**first.state, **second.state}["bookmarks"]["tickets"]
    assert bookmark == first.bookmark("tickets")


def test_what_failed_is_pulled_by_the_next_run(ill: Sandbox, tmp_path: Path) -> None:
    ill.faults = [Fault("400", stream="customers", day=BAD_DAY, times=FOR_EVER)]
    first = run_tap(tmp_path, config_of(ill), at=NOW)
    ill.faults = []
    second = run_tap(tmp_path, config_of(ill), at=NOW, state=first.state)
    assert (first.code, second.code) == (1, 0)
    assert not_the_truth(first.then(second), ill) == []


@pytest.mark.parametrize(("fault", "words"), FATAL)
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
    assert_stopped(output, "customers", FIRST, 0, "Mail [masked] or call [masked]", "[secret]")
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
    assert output.code == 1
    (line,) = output.errors()
    assert line.startswith(f"tickets, day {BAD_DAY}, offset ")
    assert "ignores 'offset'" in line
    assert "Kapture support" in line
    assert output.bookmark("tickets") == {}


@pytest.mark.parametrize("stream", KEYS)
def test_a_failing_stream_leaves_the_days_of_the_other_alone(
    ill: Sandbox, tmp_path: Path, stream: str
) -> None:
    """Customers come first: their failure ends the run, that of tickets leaves customers done."""
    ill.faults = [Fault("400", stream=stream, day=BAD_DAY, times=FOR_EVER)]
    output = run_tap(tmp_path, config_of(ill), at=NOW)
    done = stream == "tickets"
    assert (asked(ill, "tickets") != []) is done
    assert (untruths(output.table("customers"), ill.truth("customers")) == []) is done
