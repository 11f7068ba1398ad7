"""What goes wrong goes wrong as ordered, and every request is accounted for."""

from __future__ import annotations

import datetime as dt
import math
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import pytest
import requests
from sandbox_client import UTC, ask

from sandbox import Account, Fault, Quirks, RateLimit, Sandbox, Storm

DAY, OTHER = dt.date(2024, 4, 10), dt.date(2024, 4, 9)
ACCOUNT = Account(
    first_day=dt.date(2024, 4, 8),
    now=dt.datetime(2024, 4, 12, 6, 30, tzinfo=UTC),
    counts={"tickets": {DAY: 200}},
)


@pytest.mark.parametrize("status", ["429", "503", "500", "502", "504", "408", "400", "403", "404"])
def test_http_errors(status: str) -> None:
    with Sandbox(ACCOUNT, faults=[Fault(status)]) as sandbox:  # type: ignore[arg-type]  # literals
        answers = [ask(sandbox, "tickets", DAY) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [int(status), 200]
        assert "Retry-After" not in answers[0].headers
        assert [seen.fault for seen in sandbox.requests] == [status, None]


def test_retry_after_as_seconds_and_as_date() -> None:
    faults = [Fault("429", retry_after=3), Fault("429_date", retry_after=60)]
    with Sandbox(ACCOUNT, faults=faults) as sandbox:
        seconds, date = (ask(sandbox, "tickets", DAY) for _ in range(2))
        assert seconds.headers["Retry-After"] == "3"
        until = parsedate_to_datetime(date.headers["Retry-After"]) - dt.datetime.now(UTC)
        assert 55 < until.total_seconds() <= 61
        assert [seen.retry_after for seen in sandbox.requests] == [3, 60]


@pytest.mark.parametrize("action", ["reset", "cut"])
def test_broken_connections(action: str) -> None:
    with Sandbox(ACCOUNT, faults=[Fault(action)]) as sandbox:  # type: ignore[arg-type]  # literals
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            ask(sandbox, "tickets", DAY)
        assert ask(sandbox, "tickets", DAY).status_code == 200
        assert all(seen.finished for seen in sandbox.requests)


def test_answers_that_are_not_records() -> None:
    faults = [
        Fault("html"),
        Fault("redirect"),
        Fault("server_failure"),
        Fault("failed", text="APIExpired"),
        Fault("echo_token"),
        Fault("bad_message"),
    ]
    with Sandbox(ACCOUNT, faults=faults) as sandbox:
        html, redirect, *others = (ask(sandbox, "tickets", DAY) for _ in faults)
    assert (html.status_code, html.headers["Content-Type"][:9]) == (200, "text/html")
    assert redirect.headers["Location"] == "https://login.example.com/"
    messages = [answer.json()["message"] for answer in others]
    assert messages[:2] == ["ServerFailure", "APIExpired"]
    assert ACCOUNT.auth_token in messages[2]
    assert messages[3] == 42


def test_a_record_without_its_key() -> None:
    with Sandbox(ACCOUNT, faults=[Fault("no_key"), Fault("no_key", stream="customers")]) as sandbox:
        for stream, key in (("tickets", "ticketId"), ("customers", "id")):
            records = ask(sandbox, stream, DAY).json()["message"]
            assert sum(key not in record for record in records) == 1


@pytest.mark.parametrize("stream", ["tickets", "customers"])
def test_bytes_that_are_no_text(stream: str) -> None:
    with Sandbox(ACCOUNT, faults=[Fault("bad_bytes")]) as sandbox:
        body = ask(sandbox, stream, DAY).content
    assert body.count(b"\xff") == 1
    with pytest.raises(UnicodeDecodeError):
        body.decode()


@pytest.mark.parametrize("stream", ["tickets", "customers"])
def test_a_field_as_ordered(stream: str) -> None:
    with Sandbox(ACCOUNT, faults=[Fault("odd_field", text="[[1]]")]) as sandbox:
        records = ask(sandbox, stream, DAY).json()["message"]
    assert [record["odd_field"] for record in records if "odd_field" in record] == [[[1]]]


def test_a_header_that_http_does_not_allow() -> None:
    with Sandbox(ACCOUNT, faults=[Fault("bad_header")]) as sandbox:
        answers = [ask(sandbox, "tickets", DAY) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert ["Server" in answer.headers for answer in answers] == [False, True], "it comes behind"


def test_faults_hit_what_they_name() -> None:
    faults = [Fault("500", stream="tickets", day=DAY, after=1, times=2)]
    with Sandbox(ACCOUNT, faults=faults) as sandbox:
        ask(sandbox, "tickets", OTHER)
        ask(sandbox, "customers", DAY)
        found = [ask(sandbox, "tickets", DAY).status_code for _ in range(4)]
        assert found == [200, 500, 500, 200]
        sandbox.faults = (Fault("503", times=math.inf),)
        assert {ask(sandbox, "tickets", DAY).status_code for _ in range(5)} == {503}
    with pytest.raises(ValueError, match="no fault"):
        Fault("fire")  # type: ignore[arg-type]  # the point


def test_slow_and_hanging_answers_come_in_the_end() -> None:
    faults = [Fault("slow", seconds=0.4), Fault("hang", seconds=0.4)]
    with Sandbox(ACCOUNT, faults=faults) as sandbox:
        good = ask(sandbox, "customers", DAY).content  # slowly
        for seen in (sandbox.requests[0], sandbox.requests[-1]):
            assert seen.finished
            assert seen.finished - seen.started > 0.3
        assert ask(sandbox, "customers", DAY).content == good  # after the hang
        assert sandbox.requests[1].fault == "hang"


def test_storms_are_the_same_for_a_seed_and_never_last() -> None:
    storm = Storm(0.7, seed=3, actions=("503", "500"))
    runs = []
    for _ in range(2):
        with Sandbox(ACCOUNT, storm=storm) as sandbox:
            runs.append([ask(sandbox, "customers", DAY).status_code for _ in range(40)])
    assert runs[0] == runs[1]
    hits = "".join("." if status == 200 else "x" for status in runs[0])
    assert "xxx" in hits
    assert "xxxx" not in hits


def test_rate_limit() -> None:
    with Sandbox(ACCOUNT, rate_limit=RateLimit(per_second=0.5, burst=3)) as sandbox:
        answers = [ask(sandbox, "customers", DAY) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[-1].headers["Retry-After"] == "2"
        assert (sandbox.requests[-1].fault, sandbox.requests[-1].retry_after) == ("rate_limit", 2)


def test_concurrency_is_counted_and_limited() -> None:
    def many(sandbox: Sandbox, workers: int) -> list[int]:
        with ThreadPoolExecutor(workers) as pool:
            answers = pool.map(lambda _: ask(sandbox, "tickets", DAY), range(workers * 5))
            return [answer.status_code for answer in answers]

    with Sandbox(ACCOUNT, latency=0.02, max_concurrency=4) as sandbox:
        assert set(many(sandbox, 4)) == {200}
        assert sandbox.peak_in_flight == max(seen.in_flight for seen in sandbox.requests) <= 4
        assert sandbox.peak_in_flight > 1
        sandbox.clear()
        assert (sandbox.requests, sandbox.peak_in_flight) == ([], 0)
        statuses = many(sandbox, 12)
        assert {200, 503} == set(statuses)
        refused = [seen for seen in sandbox.requests if seen.status == 503]
        assert {seen.retry_after for seen in refused} == {1}
        assert all(seen.in_flight > 4 for seen in refused)


def test_requests_are_noted() -> None:
    with Sandbox(ACCOUNT) as sandbox:
        ask(sandbox, "tickets", DAY, limit="50", offset="100", status="Open")
        (seen,) = sandbox.requests
        assert (seen.stream, seen.offset, seen.limit) == ("tickets", 100, 50)
        assert (seen.day, seen.last) == (DAY, DAY)
        assert (seen.status, seen.rows, seen.fault, seen.method) == (200, 50, None, "POST")
        assert isinstance(seen.body, list)
        assert seen.body[0]["status"] == "Open"
        assert seen.headers["Authorization"] == "Basic sandbox-token"
        assert seen.finished
        assert seen.finished >= seen.started
        assert requests.get(sandbox.url + seen.path, timeout=5).status_code == 405


def test_a_client_that_gives_up_is_no_longer_in_flight() -> None:
    with Sandbox(ACCOUNT, faults=[Fault("hang")]) as sandbox:
        with pytest.raises(requests.Timeout):
            requests.post(
                sandbox.url + "/select-ticket-between-start-and-end-dates.html/v.2.0",
                json=[],
                timeout=0.2,
            )
        ask(sandbox, "tickets", DAY)
        assert sandbox.requests[-1].in_flight == 1


def test_shutdown_is_prompt_while_a_request_hangs() -> None:
    with ThreadPoolExecutor(2) as pool:
        with Sandbox(ACCOUNT, faults=[Fault("hang", times=2)]) as sandbox:
            asked = [pool.submit(ask, sandbox, "tickets", DAY) for _ in range(2)]
            while len(sandbox.requests) < 2:
                time.sleep(0.01)
            assert sandbox.requests[0].finished is None
            start = time.monotonic()
        assert time.monotonic() - start < 1.5
        for answer in asked:
            assert isinstance(answer.exception(5), requests.ConnectionError)


def test_quirks_and_clock_change_while_it_serves() -> None:
    with Sandbox(ACCOUNT) as sandbox:
        first = ask(sandbox, "tickets", DAY).content
        sandbox.quirks = Quirks(order="descending")
        assert ask(sandbox, "tickets", DAY).content != first
        sandbox.quirks = Quirks()
        assert ask(sandbox, "tickets", DAY).content == first
        sandbox.now = dt.datetime(2024, 4, 10, 6, 30, tzinfo=UTC)
        assert sandbox.today == DAY
        assert len(ask(sandbox, "tickets", DAY).content) < len(first)
