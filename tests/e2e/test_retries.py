"""What may pass is tried again, politely; a connection that cannot come about says why."""

from __future__ import annotations

import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from failing_account import (
    ACCOUNT,
    BAD_DAY,
    FIRST,
    LAST,
    NOW,
    TOKEN,
    assert_stopped,
    config_of,
)
from tap_process import not_the_truth, pull, run_tap

from sandbox import Fault, Sandbox, Storm
from sandbox.answers.faults import RETRYABLE

if TYPE_CHECKING:
    from pathlib import Path


def nobody() -> str:
    """Return an address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("action", RETRYABLE)
def test_a_passing_failure_is_tried_again_and_leads_to_the_truth(
    ill: Sandbox,
    action: Any,  # noqa: ANN401 - a Literal
) -> None:
    ill.faults = [
        Fault(action, stream="tickets", day=BAD_DAY),
        Fault(action, stream="customers", day=BAD_DAY, after=1),
    ]
    output = pull(config_of(ill, page_size=3), NOW)
    assert [seen.fault for seen in ill.requests if seen.fault] == [action, action]
    assert not_the_truth(output, ill) == []


def test_an_answer_that_never_comes_is_asked_for_again(ill: Sandbox) -> None:
    ill.faults = [Fault("hang", stream="tickets", day=BAD_DAY)]
    output = pull(config_of(ill, request_timeout=1), NOW)
    assert [seen.fault for seen in ill.requests if seen.fault] == ["hang"]
    assert not_the_truth(output, ill) == []


def test_a_slow_answer_is_waited_for(ill: Sandbox) -> None:
    ill.faults = [Fault("slow", stream="tickets", day=BAD_DAY, seconds=1.5)]
    output = pull(config_of(ill, request_timeout=60), NOW)
    assert len([seen for seen in ill.requests if seen.day == BAD_DAY]) == 4
    assert not_the_truth(output, ill) == []


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("Too many requests, please try again later.", {}),
        ("Quota of this minute is used up", {"retry_messages": ["quota of this"]}),
    ],
)
def test_a_text_that_asks_for_patience_is_obeyed(
    ill: Sandbox, tmp_path: Path, text: str, settings: dict[str, object]
) -> None:
    ill.faults = [Fault("failed", stream="tickets", day=BAD_DAY, text=text)]
    output = run_tap(tmp_path, config_of(ill, **settings), at=NOW)
    assert (output.code, output.errors()) == (0, [])
    assert (
        f"tickets, day {BAD_DAY}, offset 0: Kapture asks for patience with '{text}'" in output.log
    )
    assert not_the_truth(output, ill) == []


def test_an_answer_that_drips_beyond_request_timeout_is_asked_for_again(ill: Sandbox) -> None:
    ill.faults = [Fault("slow", stream="tickets", day=BAD_DAY, seconds=10)]
    output = pull(config_of(ill, request_timeout=1), NOW)
    assert [seen.fault for seen in ill.requests if seen.fault] == ["slow"]
    assert len([seen for seen in ill.requests if seen.day == BAD_DAY]) == 5
    assert not_the_truth(output, ill) == []


def test_a_storm_of_failures_leads_to_the_truth() -> None:
    storm = Storm(0.12, seed=4)
    with Sandbox(ACCOUNT, storm=storm) as sandbox:
        output = pull(sandbox.config(page_size=4), NOW)
        assert [seen.fault for seen in sandbox.requests if seen.fault]
        assert not_the_truth(output, sandbox) == []


@pytest.mark.parametrize("action", ["429", "429_date", "503"])
def test_a_pause_that_kapture_asks_for_is_kept_by_all_workers(
    action: Any,  # noqa: ANN401 - a Literal
) -> None:
    refusal = Fault(action, stream="tickets", day=FIRST, retry_after=1)
    with Sandbox(ACCOUNT, faults=[refusal], latency=0.1) as sandbox:
        output = pull(sandbox.config(concurrency=2), NOW)
        (refused,) = [seen for seen in sandbox.requests if seen.fault]
        assert refused.finished is not None
        # What was on its way already may arrive a moment later.
        later = [s.started for s in sandbox.requests if s.started > refused.finished + 0.05]
        assert len(later) > 8
        assert min(later) >= refused.finished + 0.9
        assert not_the_truth(output, sandbox) == []


def test_a_server_that_is_not_there_is_named_as_such(tmp_path: Path) -> None:
    config = {
        "api_url": nobody(),
        "auth_token": TOKEN,
        "start_date": FIRST.isoformat(),
        "max_retries": 0,
    }
    began = time.monotonic()
    output = run_tap(tmp_path, config, at=NOW)
    assert time.monotonic() - began < 20
    assert_stopped(output, "tickets", LAST, 0, "the connection failed", "'max_retries'")
    assert TOKEN not in output.log


def test_a_proxy_of_the_environment_is_used_and_its_exceptions_too(
    failing: Sandbox, tmp_path: Path
) -> None:
    config = config_of(failing, max_retries=0)
    proxy = {"http_proxy": nobody(), "no_proxy": ""}
    output = run_tap(tmp_path, config, at=NOW, environment=proxy)
    assert_stopped(output, "customers", LAST, 0, "the proxy refused the connection")
    around = {**proxy, "no_proxy": "127.0.0.1"}
    assert run_tap(tmp_path, config, at=NOW, environment=around).code == 0


def test_only_a_certificate_that_can_be_verified_is_trusted(tmp_path: Path) -> None:
    authority, bundle = trustme.CA(), tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(bundle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Sandbox(ACCOUNT, tls=context) as sandbox:
        output = run_tap(tmp_path, config_of(sandbox), at=NOW)
        words = ["TLS certificate cannot be verified", "REQUESTS_CA_BUNDLE"]
        assert_stopped(output, "customers", LAST, 0, *words)
        assert list(sandbox.requests) == []
        trusting = {"REQUESTS_CA_BUNDLE": str(bundle)}
        trusted = run_tap(tmp_path, config_of(sandbox), at=NOW, environment=trusting)
        assert not_the_truth(trusted, sandbox) == []


def test_a_tls_connection_that_fails_otherwise_is_tried_again(
    failing: Sandbox, tmp_path: Path
) -> None:
    config = {**config_of(failing, max_retries=1), "api_url": failing.url.replace("http", "https")}
    output = run_tap(tmp_path, config, at=NOW)
    assert_stopped(output, "customers", LAST, 0, "the TLS connection failed", "for 2 tries")
