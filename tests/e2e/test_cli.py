"""The command line: what operators and orchestrators call besides a plain run."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
from tap_process import KEYS, not_the_truth, run_tap

from sandbox import Account, Fault, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = dt.datetime(2024, 3, 31, 6, 30, tzinfo=dt.timezone.utc)
KNOWN = {"tickets_paging": "rows", "customers_paging": "rows"}
"""Settings with which every request is for a page."""
ACCOUNT = Account(first_day=dt.date(2024, 3, 28), now=NOW)
SETTINGS = [
    "subdomain",
    "api_url",
    "auth_token",
    "tickets_auth_token",
    "customers_auth_token",
    "http_headers",
    "cm_id",
    "start_date",
    "end_date",
    "timezone",
    "lookback_days",
    "open_ticket_refresh_days",
    "closed_statuses",
    "page_size",
    "verify_last_page",
    "tickets_paging",
    "customers_paging",
    "unsettled_days",
    "concurrency",
    "max_retries",
    "request_timeout",
    "tickets_path",
    "customers_path",
    "tickets_body",
    "customers_body",
    "no_data_messages",
    "retry_messages",
    "clean_text",
    "user_agent",
]


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox(ACCOUNT) as sandbox:
        yield sandbox


@pytest.fixture
def account(shared: Sandbox) -> Sandbox:
    shared.clear()
    shared.faults = []
    return shared


def test_about_as_text_names_the_tap_and_every_setting(tmp_path: Path) -> None:
    output = run_tap(tmp_path, None, "--about")
    text = "\n".join(output.lines)
    assert output.code == 0
    assert "tap-kapture" in text
    assert [name for name in SETTINGS if name not in text] == []


def test_about_as_json_holds_settings_with_defaults_and_capabilities(tmp_path: Path) -> None:
    output = run_tap(tmp_path, None, "--about", "--format=json")
    about = json.loads("\n".join(output.lines))
    properties = about["settings"]["properties"]
    assert output.code == 0
    assert about["name"] == "tap-kapture"
    assert set(SETTINGS) <= set(properties)
    assert {name for name, setting in properties.items() if setting.get("secret")} >= {
        "auth_token",
        "tickets_auth_token",
        "customers_auth_token",
        "http_headers",
    }
    assert properties["page_size"]["default"] == 500
    assert about["settings"]["required"] == ["start_date"]
    assert {"catalog", "discover", "state", "stream-maps", "batch"} <= set(about["capabilities"])


def test_about_as_markdown_is_a_page(tmp_path: Path) -> None:
    output = run_tap(tmp_path, None, "--about", "--format=markdown")
    text = "\n".join(output.lines)
    assert output.code == 0
    assert text.startswith("# ")
    assert [name for name in SETTINGS if name not in text] == []


def test_version_is_that_of_the_package(tmp_path: Path) -> None:
    output = run_tap(tmp_path, None, "--version")
    assert output.code == 0
    assert version("tap-kapture") in output.lines[0]


def test_help_names_every_option(tmp_path: Path) -> None:
    output = run_tap(tmp_path, None, "--help")
    options = set(re.findall(r"--[a-z]+", "\n".join(output.lines)))
    assert output.code == 0
    assert options >= {
        "--about",
        "--catalog",
        "--config",
        "--discover",
        "--format",
        "--state",
        "--test",
        "--version",
    }


def test_discovery_needs_no_config_and_finds_every_stream(tmp_path: Path) -> None:
    output = run_tap(tmp_path, None, "--discover")
    catalog = json.loads("\n".join(output.lines))
    assert output.code == 0
    keys = {stream["tap_stream_id"]: stream["key_properties"] for stream in catalog["streams"]}
    assert keys == {
        **{stream: [key] for stream, key in KEYS.items()},
        "customer_contacts": ["id"],
        "pulled_days": ["stream", "day"],
    }
    for stream in catalog["streams"]:
        of_days = stream["tap_stream_id"] == "pulled_days"
        assert stream["replication_method"] == ("FULL_TABLE" if of_days else "INCREMENTAL")


def test_a_discovered_catalog_gives_the_truth(account: Sandbox, tmp_path: Path) -> None:
    discovered = run_tap(tmp_path, account.config(), "--discover")
    assert account.requests == []
    catalog = json.loads("\n".join(discovered.lines))
    output = run_tap(tmp_path, account.config(), catalog=catalog, at=NOW)
    assert output.code == 0
    assert not_the_truth(output, account) == []


def test_test_asks_both_endpoints(account: Sandbox, tmp_path: Path) -> None:
    output = run_tap(tmp_path, account.config(), "--test", at=NOW)
    assert output.code == 0
    assert output.lines == ()
    assert {seen.stream for seen in account.requests} == set(KEYS)
    for stream in KEYS:
        (day,) = {seen.day for seen in account.requests if seen.stream == stream and seen.rows}
        assert f"{stream}: OK, read one record of {day}" in output.log


@pytest.mark.parametrize("fault", [Fault("bad_bytes"), Fault("odd_field", text="9" * 5000)])
def test_test_passes_where_a_run_loads_what_is_damaged(
    account: Sandbox, tmp_path: Path, fault: Fault
) -> None:
    account.faults = [replace(fault, times=math.inf)]
    output = run_tap(tmp_path, account.config(), "--test", at=NOW)
    assert (output.code, output.errors()) == (0, [])
    assert "Traceback" not in output.log
    assert all(f"{stream}: OK, read one record of" in output.log for stream in KEYS)


def test_test_names_the_day_of_a_record_that_no_run_loads(account: Sandbox, tmp_path: Path) -> None:
    account.faults = [Fault("no_key", times=math.inf)]
    output = run_tap(tmp_path, account.config(), "--test", at=NOW)
    assert output.code == 1
    (line,) = output.errors()
    assert re.match(r"customers, day 2024-03-\d\d, offset 0: a record has no usable 'id'", line)


def test_test_gives_up_a_host_that_is_gone(account: Sandbox, tmp_path: Path) -> None:
    config = account.config(api_url="http://127.0.0.1:9", max_retries=8)
    output = run_tap(tmp_path, config, "--test", at=NOW)
    assert output.code == 1
    assert "the connection failed, and so it stayed for 1 tries" in "".join(output.errors())
    assert "0 records" not in output.log


def test_test_fails_when_the_token_is_wrong(account: Sandbox, tmp_path: Path) -> None:
    output = run_tap(tmp_path, account.config(auth_token="wr0ng"), "--test", at=NOW)  # noqa: S106 - made up
    assert output.code == 1
    assert "'auth_token'" in "".join(output.errors())
    assert "wr0ng" not in output.log


def test_test_passes_for_tickets_when_the_account_id_is_not_set(
    account: Sandbox, tmp_path: Path
) -> None:
    config = {name: value for name, value in account.config().items() if name != "cm_id"}
    output = run_tap(tmp_path, config, "--test", at=NOW)
    assert output.code == 0
    assert {seen.stream for seen in account.requests} == {"tickets"}


def test_test_schema_writes_schemas_and_asks_nothing(account: Sandbox, tmp_path: Path) -> None:
    output = run_tap(tmp_path, account.config(), "--test=schema", at=NOW)
    assert output.code == 0
    assert [(m["type"], m["stream"]) for m in output.messages] == [
        ("SCHEMA", "pulled_days"),
        ("SCHEMA", "customer_contacts"),
        ("SCHEMA", "customers"),
        ("SCHEMA", "tickets"),
    ]
    assert account.requests == []


def test_the_environment_configures_the_tap(account: Sandbox, tmp_path: Path) -> None:
    variables = {
        f"TAP_KAPTURE_{name.upper()}": str(value) for name, value in account.config(**KNOWN).items()
    }
    more = {
        "TAP_KAPTURE_PAGE_SIZE": "7",
        "TAP_KAPTURE_CLEAN_TEXT": "false",
        "TAP_KAPTURE_TICKETS_BODY": '{"status": "Open"}',
    }
    output = run_tap(tmp_path, None, "--config=ENV", environment={**variables, **more}, at=NOW)
    assert output.code == 0
    assert not_the_truth(output, account, clean_text=False) == []
    tickets = [seen.body for seen in account.requests if seen.stream == "tickets"]
    assert all(isinstance(body, list) and body[0]["status"] == "Open" for body in tickets)
    assert {seen.limit for seen in account.requests} <= {7, 14}  # twice behind one full page


def test_a_misspelled_variable_is_told_and_stops_nothing(account: Sandbox, tmp_path: Path) -> None:
    given = {"TAP_KAPTURE_LOOKBAK_DAYS": "30"}
    output = run_tap(tmp_path, account.config(**KNOWN), "--config=ENV", environment=given, at=NOW)
    assert output.code == 0
    assert output.log.count("TAP_KAPTURE_LOOKBAK_DAYS is not read") == 1


def test_the_environment_is_left_alone_unless_asked_for(account: Sandbox, tmp_path: Path) -> None:
    config = account.config(**KNOWN)
    output = run_tap(tmp_path, config, environment={"TAP_KAPTURE_PAGE_SIZE": "7"}, at=NOW)
    assert output.code == 0
    assert {seen.limit for seen in account.requests} == {500}


def test_later_config_files_add_to_earlier_ones(account: Sandbox, tmp_path: Path) -> None:
    more = tmp_path / "more.json"
    more.write_text(json.dumps({"page_size": 9}), encoding="utf-8")
    config = account.config(page_size=3, **KNOWN)
    output = run_tap(tmp_path, config, f"--config={more}", at=NOW)
    assert output.code == 0
    assert {seen.limit for seen in account.requests} <= {9, 18}


def test_a_misspelt_option_is_refused(tmp_path: Path) -> None:
    output = run_tap(tmp_path, None, "--discovery")
    assert output.code == 2
    assert "--discovery" in output.log
