"""A setting, file or variable that is wrong stops the tap before any request, and is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from effort import soak
from singer_sdk.exceptions import ConfigValidationError
from tap_process import Output, leaked, pull, run_tap

from sandbox import Account, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "bm90LWEtc2VjcmV0-tok"  # noqa: S105 - opens the sandbox of these tests only
HEADER = "h3ader-s3cret"
ABSENT: Any = object()
NOW = Account().now


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox(Account(auth_token=TOKEN)) as sandbox:
        yield sandbox


def config_of(sandbox: Sandbox, **changes: object) -> dict[str, object]:
    changed = {**sandbox.config(), **changes}
    return {name: value for name, value in changed.items() if value is not ABSENT}


def errors_of(output: Output) -> list[str]:
    """The tap's own lines, without the one with which the SDK closes them."""
    return [line for line in output.errors() if line != "Config validation failed"]


def assert_refused(output: Output, *words: str) -> None:
    assert output.code == 1
    assert output.lines == ()
    assert "Traceback" not in output.log
    assert len(errors_of(output)) == 1, errors_of(output)
    (line,) = errors_of(output)
    assert [word for word in words if word not in line] == []
    assert TOKEN not in output.log
    assert HEADER not in output.log


BAD = [
    ({"auth_token": ABSENT}, ["auth_token: required"]),
    ({"auth_token": None}, ["auth_token: required"]),
    ({"auth_token": ""}, ["auth_token: must be the token"]),
    ({"auth_token": "Basic "}, ["auth_token: must be the token"]),
    ({"auth_token": f"{TOKEN} {TOKEN}"}, ["auth_token: must be the token"]),
    ({"auth_token": f"{TOKEN}\r\nX-Evil: 1"}, ["auth_token: must be the token"]),
    ({"auth_token": 12345678}, ["auth_token: must be of type string"]),
    ({"api_url": ABSENT}, ["subdomain", "api_url", "neither is set"]),
    ({"subdomain": "acme"}, ["subdomain", "api_url", "both are set"]),
    ({"api_url": ABSENT, "subdomain": "acme.kapturecrm.com"}, ["subdomain: ", "such as acme"]),
    ({"api_url": ABSENT, "subdomain": "evil.example/x?"}, ["subdomain: ", "such as acme"]),
    ({"api_url": "http://acme.kapturecrm.com"}, ["api_url: ", "only https://"]),
    ({"api_url": "http://127.0.0.1.evil.example"}, ["api_url: ", "only https://"]),
    ({"api_url": "ftp://acme.kapturecrm.com"}, ["api_url: ", "https://acme.kapturecrm.com"]),
    ({"api_url": "acme.kapturecrm.com"}, ["api_url: ", "https://acme.kapturecrm.com"]),
    ({"api_url": f"https://user:{TOKEN}@acme.example"}, ["api_url: ", "'auth_token'"]),
    ({"start_date": ABSENT}, ["start_date: required"]),
    ({"start_date": "01-05-2024"}, ["start_date: '01-05-2024' is no date", "YYYY-MM-DD"]),
    ({"start_date": "2024-02-30"}, ["start_date: '2024-02-30' is no date"]),
    ({"start_date": "yesterday"}, ["start_date: 'yesterday' is no date"]),
    ({"start_date": 20240101}, ["start_date: must be of type string"]),
    ({"end_date": "soon"}, ["end_date: 'soon' is no date"]),
    ({"start_date": "2024-03-02", "end_date": "2024-03-01"}, ["end_date: 2024-03-01 lies before"]),
    ({"timezone": "India"}, ["timezone: 'India' is no IANA time zone", "Asia/Kolkata"]),
    ({"timezone": ""}, ["timezone: "]),
    ({"page_size": 0}, ["page_size: must be at least 1"]),
    ({"page_size": 5001}, ["page_size: must be at most 5000"]),
    ({"page_size": "500"}, ["page_size: must be of type integer"]),
    ({"page_size": 10.5}, ["page_size: must be of type integer"]),
    ({"concurrency": 0}, ["concurrency: must be at least 1"]),
    ({"concurrency": 33}, ["concurrency: must be at most 32"]),
    ({"lookback_days": -1}, ["lookback_days: must be at least 0"]),
    ({"open_ticket_refresh_days": -1}, ["open_ticket_refresh_days: must be at least 0"]),
    ({"max_retries": -1}, ["max_retries: must be at least 0"]),
    ({"request_timeout": 0}, ["request_timeout: must be at least 1"]),
    ({"cm_id": 0}, ["cm_id: must be at least 1"]),
    ({"cm_id": "1000298x"}, ["cm_id: must be of type integer"]),
    ({"clean_text": "yes"}, ["clean_text: must be of type boolean"]),
    ({"page_size": "10.0"}, ["page_size: ", "not string; write it without quotes"]),
    ({"page_size": " 10 "}, ["page_size: ", "not string; write it without quotes"]),
    ({"clean_text": "True"}, ["clean_text: ", "not string; write it without quotes"]),
    ({"no_data_messages": "[]"}, ["no_data_messages: ", "not string; write it without quotes"]),
    ({"verify_last_page": 1}, ["verify_last_page: must be of type boolean"]),
    ({"closed_statuses": "Complete"}, ["closed_statuses: must be of type array"]),
    ({"closed_statuses": [1]}, ["closed_statuses.0: must be of type string"]),
    ({"tickets_body": [1]}, ["tickets_body: must be of type object"]),
    ({"customers_path": "ms/x"}, ["customers_path: must be a path"]),
    ({"tickets_path": "//evil.example/x"}, ["tickets_path: must be a path"]),
    ({"no_data_messages": ["("]}, ["no_data_messages: ", "regular expression"]),
    ({"retry_messages": [".*"]}, ["retry_messages: ", "any text", "tried again for nothing"]),
    ({"customers_auth_token": f"{TOKEN} x"}, ["customers_auth_token: must be the token"]),
    ({"request_timeout": 10**10}, ["request_timeout: must be at most 86400"]),
    ({"backfill_order": "random"}, ["backfill_order: must be one of", "newest_first"]),
    ({"user_agent": "a\nb"}, ["user_agent: "]),
    ({"http_headers": {"x-api-key": 7}}, ["http_headers: ", "x-api-key"]),
    ({"http_headers": {"x-api-key": f"{HEADER}\n"}}, ["http_headers: ", "x-api-key"]),
    ({"http_headers": {"a b": HEADER}}, ["http_headers: ", "header name"]),
    ({"http_headers": {"Authorization": HEADER}}, ["http_headers: ", "'auth_token'"]),
    ({"page_sise": 5}, ["page_sise: there is no such setting", "'page_size'"]),
    ({"api_key": HEADER}, ["api_key: there is no such setting"]),
    ({"zzz": HEADER}, ["zzz: there is no such setting", "--about"]),
]


@pytest.mark.parametrize(
    ("changes", "words"), BAD, ids=[f"{number}-{'-'.join(c)}" for number, (c, _) in enumerate(BAD)]
)
def test_a_bad_setting_is_named_before_any_request(
    untouched: Sandbox, changes: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(ConfigValidationError) as caught:
        pull(config_of(untouched, **changes), NOW)
    (line,) = caught.value.errors
    assert [word for word in words if word not in line] == []
    assert leaked(f"{caught.value!s}{caught.value!r}{line}", {TOKEN, HEADER}) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"auth_token": ABSENT}, ["auth_token: required"]),
        ({"auth_token": f"{TOKEN} {TOKEN}"}, ["auth_token: must be the token"]),
        ({"subdomain": "acme"}, ["subdomain", "api_url", "both are set"]),
        ({"api_url": f"http://{TOKEN}@acme.example"}, ["api_url: ", "'auth_token'"]),
        ({"http_headers": {"a b": HEADER}}, ["http_headers: ", "header name"]),
        ({"page_size": 0}, ["page_size: must be at least 1"]),
        ({"page_sise": 5}, ["page_sise: there is no such setting", "'page_size'"]),
    ],
    ids=["missing", "token", "both", "url", "headers", "range", "unknown"],
)
def test_a_process_with_a_bad_setting_ends_with_one_line_of_ours(
    untouched: Sandbox, tmp_path: Path, changes: dict[str, object], words: list[str]
) -> None:
    assert_refused(run_tap(tmp_path, config_of(untouched, **changes)), *words)


def test_all_bad_settings_are_named_at_once(untouched: Sandbox) -> None:
    config = config_of(untouched, page_size=0, concurrency=99, auth_token=ABSENT, lookbak_days=1)
    assert named(config) == {"page_size", "concurrency", "auth_token", "lookbak_days"}


def test_all_bad_values_that_have_the_right_type_are_named_at_once(untouched: Sandbox) -> None:
    config = config_of(untouched, start_date="x", timezone="Mars", api_url="http://example.com")
    assert named(config) == {"start_date", "timezone", "api_url"}


def named(config: dict[str, object]) -> set[str]:
    """The settings that a refused configuration is told about."""
    with pytest.raises(ConfigValidationError) as caught:
        pull(config, NOW)
    return {line.split(":")[0] for line in caught.value.errors}


def test_a_variable_that_is_no_number_is_named(untouched: Sandbox, tmp_path: Path) -> None:
    output = run_tap(
        tmp_path,
        config_of(untouched),
        "--config=ENV",
        environment={"TAP_KAPTURE_PAGE_SIZE": HEADER},
    )
    assert_refused(output, "page_size: ", "TAP_KAPTURE_PAGE_SIZE", "integer")


def test_a_variable_that_is_no_boolean_is_named(untouched: Sandbox, tmp_path: Path) -> None:
    given = {"TAP_KAPTURE_VERIFY_LAST_PAGE": HEADER}
    output = run_tap(tmp_path, config_of(untouched), "--config=ENV", environment=given)
    assert_refused(output, "verify_last_page: ", "TAP_KAPTURE_VERIFY_LAST_PAGE", "true or false")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"auth_token": "' + TOKEN + '",}', ["is not JSON", "line 1"]),
        ("auth_token: " + TOKEN, ["is not JSON"]),
        ('["' + TOKEN + '"]', ["must hold a JSON object"]),
        ("", ["the file is empty"]),
        (" \n", ["the file is empty"]),
        ('{"a": "NaN \\" NaN",\n "b": [1, NaN]}', ["is not JSON", "line 2"]),
        ('{"a":\n\n-Infinity, "a": 1}', ["is not JSON", "line 3"]),
        ('{"a": ' * 100_000, ["is nested beyond what can be read"]),
    ],
)
@pytest.mark.parametrize("option", ["--config", "--state", "--catalog"])
def test_a_file_that_is_no_json_object_is_named_and_not_quoted(
    untouched: Sandbox, tmp_path: Path, option: str, text: str, words: list[str]
) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text, encoding="utf-8")
    config = None if option == "--config" else config_of(untouched)
    output = run_tap(tmp_path, config, f"{option}={path}")
    assert_refused(output, option, *words)
    assert ("`{}` starts afresh" in output.log) == (not text.strip() and option == "--state")


@pytest.mark.parametrize("value", ["10.0", "1e1", "5000.0", "10"])
def test_a_file_may_hold_a_whole_number_with_a_point(
    shared: Sandbox, tmp_path: Path, value: str
) -> None:
    path = tmp_path / "config.json"
    rest = json.dumps(config_of(shared, page_size=ABSENT))
    path.write_text(f'{{"page_size": {value}, {rest[1:]}', encoding="utf-8")
    assert run_tap(tmp_path, None, f"--config={path}", at=NOW).code == 0


def test_a_variable_may_hold_a_whole_number_with_a_point(shared: Sandbox, tmp_path: Path) -> None:
    shared.clear()
    known = {"tickets_paging": "rows", "customers_paging": "rows"}
    config, environment = config_of(shared, **known), {"TAP_KAPTURE_PAGE_SIZE": "7.0"}
    output = run_tap(tmp_path, config, "--config=ENV", at=NOW, environment=environment)
    assert output.code == 0
    assert {seen.limit for seen in shared.requests} <= {7, 14}  # twice behind one full page


@pytest.mark.parametrize(
    "name",
    ["lookback_days", "open_ticket_refresh_days", "max_retries", "flattening_max_depth"],
)
@pytest.mark.parametrize(
    "value", [10**300, *(pytest.param(value, marks=soak) for value in (10**10, 2**63))]
)
def test_no_number_is_so_large_that_the_tap_breaks(shared: Sandbox, name: str, value: int) -> None:
    config = config_of(shared, **{name: value}, flattening_enabled=name.startswith("flat"))
    first = pull(config, NOW)
    assert pull(config, NOW, state=first.state).state


def test_the_longest_timeout_can_be_waited_for(shared: Sandbox) -> None:
    assert pull(config_of(shared, request_timeout=86_400), NOW).state


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        ({"tickets": {"a": "1 +"}}, ["stream_maps: tickets: ", "'a' is not valid"]),
        ({"tickets": {"a": "md6(phone)"}}, ["stream_maps: tickets: ", "'md6'", "md5"]),
        ({"tickets": 7}, ["stream_maps.tickets: must be"]),
        ({"nosuch": {"a": "phone"}}, ["stream_maps: 'nosuch'", "pulled_days, tickets"]),
    ],
)
def test_a_bad_stream_map_is_named_before_any_request(
    untouched: Sandbox, tmp_path: Path, maps: object, words: list[str]
) -> None:
    assert_refused(run_tap(tmp_path, config_of(untouched, stream_maps=maps)), *words)


def test_an_expression_that_fails_on_a_record_ends_with_one_line(
    shared: Sandbox, tmp_path: Path
) -> None:
    config = config_of(shared, stream_maps={"customers": {"a": "int(name)"}})
    output = run_tap(tmp_path, config, at=NOW, environment={"LOGLEVEL": "DEBUG"})
    assert output.code == 1
    (line,) = output.errors()
    assert line.startswith("stream_maps: customers: the expression of 'a' fails on a record")
    assert "Traceback" not in output.log
    assert leaked(output.chatter(), {TOKEN, *shared.personal_texts()}) == []


def test_a_config_file_in_another_encoding_is_named(untouched: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "latin.json"
    path.write_bytes(json.dumps({"user_agent": "é"}, ensure_ascii=False).encode("latin-1"))
    assert untouched.url
    assert_refused(run_tap(tmp_path, None, f"--config={path}"), "--config", "latin.json", "UTF-8")


@pytest.mark.parametrize("option", ["--config", "--state", "--catalog"])
def test_a_file_that_is_missing_is_named(untouched: Sandbox, tmp_path: Path, option: str) -> None:
    config = None if option == "--config" else config_of(untouched)
    output = run_tap(tmp_path, config, f"{option}={tmp_path / 'absent.json'}")
    assert output.code not in {0, None}
    assert output.lines == ()
    assert "absent.json" in output.log
    assert "Traceback" not in output.log
    assert TOKEN not in output.log


BAD_STATES = [
    pytest.param({"bookmarks": []}, ["'bookmarks'"], id="list"),
    pytest.param({"bookmarks": {"tickets": "2024-01-01"}}, ["'bookmarks'"], id="text"),
    pytest.param(
        {"bookmarks": {"tickets": {"replication_key_value": "last week"}}},
        ["replication_key_value", "'last week'", "YYYY-MM-DD"],
        id="no_date",
    ),
    pytest.param(
        {"bookmarks": {"tickets": {"replication_key_value": 20240101}}},
        ["replication_key_value"],
        id="number",
    ),
    pytest.param(
        {"bookmarks": {"tickets": {"replication_key_value": "2024-01-02", "pulled_from": "?"}}},
        ["pulled_from", "'?'"],
        id="pulled_from",
    ),
    pytest.param(
        {"bookmarks": {"tickets": {"replication_key_value": "2024-01-02", "days": {"x": {}}}}},
        ["'days'", "'x'"],
        id="ledger",
    ),
    pytest.param(
        {"bookmarks": {"tickets": {"replication_key_value": "2999-01-01"}}},
        ["2999-01-01", "after today", "start_date"],
        id="future",
    ),
]


@pytest.mark.parametrize(("state", "words"), BAD_STATES)
def test_a_state_that_cannot_be_continued_from_is_refused(
    untouched: Sandbox, tmp_path: Path, state: dict[str, object], words: list[str]
) -> None:
    # Customers, which come first, are left out: a state is read when its stream begins.
    output = run_tap(tmp_path, config_of(untouched, cm_id=ABSENT), state=state)
    assert output.code == 1
    assert "RECORD" not in "".join(output.lines)
    assert [written for written in output.states if written != state] == []
    assert len(output.errors()) == 1
    (line,) = output.errors()
    assert [word for word in ["state: ", *words] if word not in line] == []
    assert "Traceback" not in output.log


def test_the_friendly_forms_of_settings_are_accepted(shared: Sandbox) -> None:
    """The other side of the fence: what must not be refused."""
    shared.clear()
    config = config_of(
        shared,
        auth_token=f"  basic {TOKEN} ",
        api_url=f"{shared.url}/",
        start_date="2024-03-30T20:00:00Z",
        end_date="2024-03-31",
        timezone=" Asia/Kolkata ",
        user_agent=None,
        http_headers=None,
        lookback_days=0,
        max_retries=0,
    )
    output = pull(config, shared.now)
    assert output.state
    assert {str(seen.day) for seen in shared.requests} == {"2024-03-31"}
    assert {seen.headers["Authorization"] for seen in shared.requests} == {f"Basic {TOKEN}"}
    assert {seen.path[:2] for seen in shared.requests} == {"/s"}
