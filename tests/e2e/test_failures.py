"""What fails for the whole account ends the run with one line to act on, and shows no secret."""

from __future__ import annotations

import datetime as dt
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from failing_account import (
    BAD_DAY,
    DEBUG,
    FIRST,
    FOR_EVER,
    LAST,
    NOW,
    OF_A_DAY,
    TODAY,
    TOKEN,
    assert_stopped,
    assert_told_once,
    config_of,
    in_turn,
    run_into,
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

from sandbox import Fault, Quirks, Sandbox
from tap_kapture.errors import KaptureError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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


@pytest.mark.parametrize(("fault", "words", "stream"), in_turn(OF_THE_ACCOUNT))
def test_a_fatal_answer_stops_the_run_before_its_day_and_shows_no_secret(  # noqa: PLR0913, PLR0917 - fixtures and cases
    ill: Sandbox, secrets: set[str], tmp_path: Path, fault: Fault, words: list[str], stream: str
) -> None:
    output = run_into(fault, stream, ill, tmp_path)
    assert_stopped(output, stream, BAD_DAY, 0, *words)
    assert_all_before_is_out(output, ill, stream, BAD_DAY)
    assert_told_once(output, ill, secrets)


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
    ill.faults = [Fault("bad_header", times=FOR_EVER)]
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
