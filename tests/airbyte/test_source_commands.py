"""The commands that read nothing: what can be set and read, and whether the account answers."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator
from protocol import not_the_protocol
from source_kit import KEYS, Json, call, discover, leaked, run_source

from sandbox import Account, Fault, Quirks, Sandbox
from tap_kapture.settings.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UTC = dt.timezone.utc
NOW = dt.datetime(2024, 3, 31, 6, 30, tzinfo=UTC)
ACCOUNT = Account(seed=5, first_day=dt.date(2024, 3, 28), now=NOW)
SECRET = {"auth_token", "tickets_auth_token", "customers_auth_token", "http_headers"}
PATIENCE = 10
TABLES = {
    "customer_contacts": ["id"],
    "customers": ["id"],
    "tickets": ["ticketId"],
    "pulled_days": ["stream", "day"],
}
"""The primary key of each stream."""


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Json:
    """The connection specification."""
    run = run_source(tmp_path_factory.mktemp("spec"), "spec")
    assert (run.code, run.stderr, len(run.lines)) == (0, "", 1)
    assert not_the_protocol(run.all[0]) == []
    assert run.of("SPEC")[0]["protocol_version"].startswith("0.18.")
    specification: Json = run.of("SPEC")[0]["connectionSpecification"]
    return specification


# spec


def test_the_spec_shows_every_setting_of_the_tap_as_forms_want_it(spec: Json) -> None:
    Draft7Validator.check_schema(spec)
    properties = spec["properties"]
    assert list(properties) == [setting.name for setting in TABLE]
    assert sorted(p["order"] for p in properties.values()) == list(range(len(TABLE)))
    for name, definition in properties.items():
        assert definition["type"] in {"string", "integer", "boolean", "array"}, name
        assert all(definition[key] for key in ("title", "description")), name
        assert len(definition["examples"]) == 1, name
        Draft7Validator({"properties": {name: definition}}).validate(
            {name: definition["examples"][0]}
        )
    assert {name for name, d in properties.items() if d.get("airbyte_secret") is True} == SECRET
    assert spec["required"] == ["start_date"]
    assert [word for word in ("allOf", "anyOf", "oneOf", "$ref") if word in json.dumps(spec)] == []


def test_the_examples_and_defaults_of_the_spec_are_a_good_configuration(
    spec: Json, tmp_path: Path
) -> None:
    values = {
        name: definition.get("default", definition["examples"][0])
        for name, definition in spec["properties"].items()
        if name != "api_url"
    }
    Draft7Validator(spec).validate(values)
    assert [stream["name"] for stream in discover(tmp_path, values)] == list(TABLES)


def test_the_spec_needs_nothing_that_a_run_needs() -> None:
    """Platforms ask for it often, and it costs a fraction of the tap's own start."""
    program = (
        "import sys; from tap_kapture.airbyte.main import main\n"
        "try: main(['spec'])\n"
        "except SystemExit: sys.exit(str(sys.modules.keys() & set(sys.argv[1:]) or '') or None)"
    )
    heavy = ["requests", "pendulum", "jsonschema", "backoff", "singer_sdk"]
    subprocess.run([sys.executable, "-c", program, *heavy], check=True, stdout=subprocess.DEVNULL)


# discover


def test_all_streams_are_described_in_full(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        run = call(tmp_path, "discover", {"config": sandbox.config()})
        assert sandbox.requests == []
    assert not_the_protocol(run.all[-1]) == []
    (catalog,) = run.of("CATALOG")
    streams = {stream["name"]: stream for stream in catalog["streams"]}
    assert list(streams) == list(TABLES)
    for name, stream in streams.items():
        assert stream["source_defined_primary_key"] == [[key] for key in TABLES[name]]
        # A refresh of rows about days would hold only those of the days that a run reads.
        modes = ["incremental"] if name == "pulled_days" else ["full_refresh", "incremental"]
        assert stream["supported_sync_modes"] == modes
        assert stream["is_resumable"] is ("full_refresh" in modes)
        assert stream["source_defined_cursor"] is True
        (cursor,) = stream["default_cursor_field"]
        assert stream["json_schema"]["properties"][cursor]["format"] in {"date", "date-time"}
        Draft7Validator.check_schema(stream["json_schema"])
        found = list(properties_of(stream["json_schema"]))
        assert all("type" in definition for _, definition in found)
        instants = [d for _, d in found if d.get("format") == "date-time"]
        assert {d["airbyte_type"] for d in instants} == {"timestamp_with_timezone"}
        assert not [n for n, d in found if "airbyte_type" in d and "format" not in d]
    contact = streams["customers"]["json_schema"]["properties"]["contacts"]["items"]["properties"]
    assert contact["generationDate"]["airbyte_type"] == "timestamp_with_timezone"


def properties_of(schema: Json) -> Iterator[tuple[str, Json]]:
    """Every property of a schema, nested ones too."""
    for name, definition in schema.get("properties", {}).items():
        yield name, definition
        yield from properties_of(definition)
        yield from properties_of(definition.get("items", {}))


def test_customers_are_offered_only_with_the_account_id(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        streams = discover(tmp_path, sandbox.config(cm_id=None))
    assert [stream["name"] for stream in streams] == ["tickets", "pulled_days"]


def test_a_wrong_configuration_fails_discovery(tmp_path: Path) -> None:
    run = run_source(tmp_path, "discover", {"config": {"start_date": "2024-01-01"}})
    assert (run.code, run.stderr) == (1, "")
    (error,) = run.errors
    assert error["failure_type"] == "config_error"
    assert error["message"].splitlines() == [
        "auth_token: required, unless 'tickets_auth_token' is set",
        "subdomain, api_url: exactly one of the two is needed, but neither is set",
    ]


# check


def checked(folder: Path, config: object) -> tuple[str, str]:
    """The status of a check, and why; its exit code is 0 whatever comes out."""
    run = call(folder, "check", {"config": config}, at=NOW)
    assert run.code == 0
    assert [error for message in run.all for error in not_the_protocol(message)] == []
    (status,) = run.of("CONNECTION_STATUS")
    return status["status"], status.get("message", "")


def test_a_good_account_is_checked_with_a_request_for_each_stream(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        assert checked(tmp_path, sandbox.config()) == ("SUCCEEDED", "")
        assert [seen.stream for seen in sandbox.requests] == sorted(KEYS)
        sandbox.clear()
        assert checked(tmp_path, sandbox.config(cm_id=None)) == ("SUCCEEDED", "")
        assert [seen.stream for seen in sandbox.requests] == ["tickets"]


@pytest.mark.parametrize("quirks", [{"offset": "refused"}, {"empty_day": "text_failed"}])
def test_an_account_of_another_kind_is_checked_as_a_run_would_ask_it(
    quirks: dict[str, Any], tmp_path: Path
) -> None:
    account = Account(first_day=dt.date(2024, 3, 28), now=NOW, tickets_per_day=0)
    with Sandbox(account, quirks=Quirks(**quirks)) as sandbox:
        assert checked(tmp_path, sandbox.config()) == ("SUCCEEDED", "")


def test_a_passing_fault_is_tried_once_more(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT, faults=[Fault("502", stream="tickets")]) as sandbox:
        assert checked(tmp_path, sandbox.config())[0] == "SUCCEEDED"
        sandbox.faults = [Fault("502", stream="tickets", times=99)]
        sandbox.clear()
        status, why = checked(tmp_path, sandbox.config())
        tries = Counter(seen.day for seen in sandbox.requests if seen.stream == "tickets")
    assert list(tries.values()) == [2, 2], "another day might have been answered"
    assert status == "FAILED"
    assert "HTTP 502, and so it stayed for 2 tries" in why


@pytest.mark.parametrize(
    ("more", "faults", "words"),
    [
        pytest.param({"auth_token": "wr0ng-t0ken"}, [], "Auth Key", id="token"),
        pytest.param({"start_date": "soon"}, [], "start_date: 'soon' is no date", id="setting"),
        pytest.param({}, [Fault("403", times=99)], "403", id="permission"),
        pytest.param({}, [Fault("404", times=99)], "404", id="path"),
        pytest.param({}, [Fault("400", times=99)], "400", id="refused"),
        pytest.param({}, [Fault("echo_token", times=99)], "[secret]", id="echo"),
        pytest.param({"api_url": "http://127.0.0.1:9"}, [], "connection failed", id="nobody"),
    ],
)
def test_a_bad_account_is_told_in_the_words_of_a_run(
    more: dict[str, Any], faults: list[Fault], words: str, tmp_path: Path
) -> None:
    with Sandbox(ACCOUNT, faults=faults) as sandbox:
        config = sandbox.config(**more)
        status, why = checked(tmp_path, config)
    assert status == "FAILED"
    assert words in why
    assert leaked(why, [sandbox.account.auth_token, "wr0ng-t0ken"]) == []


def test_a_customers_token_that_is_missing_is_named(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        token = sandbox.account.auth_token
        config = sandbox.config(auth_token=None, tickets_auth_token=token)
        status, why = checked(tmp_path, config)
    assert status == "FAILED"
    assert why.startswith("customers_auth_token: ")


@pytest.mark.parametrize("fault", [Fault("hang"), Fault("429", retry_after=600)], ids=str)
def test_a_check_lasts_no_longer_than_its_limit(
    fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_kapture.airbyte.check.PATIENCE", 1)
    with Sandbox(ACCOUNT, faults=[fault]) as sandbox:
        began = time.monotonic()
        status, why = checked(tmp_path, sandbox.config())
        took = time.monotonic() - began
    assert status == "FAILED"
    assert "no usable answer within 1 s" in why
    assert took < PATIENCE


def test_a_missing_file_fails_a_check_too(tmp_path: Path) -> None:
    run = run_source(tmp_path, "check", None, "--config", "nowhere.json")
    assert run.code == 0
    (status,) = run.of("CONNECTION_STATUS")
    assert status["status"] == "FAILED"
    assert "nowhere.json: the file cannot be read" in status["message"]


# A configuration


def test_a_singer_configuration_and_a_form_lead_to_the_same_requests(tmp_path: Path) -> None:
    """Objects may be objects, or JSON text as Airbyte's forms give it."""
    bodies: list[list[object]] = []
    with Sandbox(ACCOUNT) as sandbox:
        given = {"tickets_body": {"status": "Open"}, "http_headers": {"x-api-key": "k3y"}}
        for config in (given, {name: json.dumps(value) for name, value in given.items()}):
            sandbox.clear()
            assert checked(tmp_path, sandbox.config(**config))[0] == "SUCCEEDED"
            bodies.append([seen.body for seen in sandbox.requests])
        blank = sandbox.config(tickets_body=" ", customers_body="")
        assert checked(tmp_path, blank)[0] == "SUCCEEDED"
    assert bodies[0] == bodies[1]
    assert "Open" in json.dumps(bodies)


def test_what_no_object_is_is_refused_without_being_shown(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        config = sandbox.config(http_headers='{"x-api-key": "k3y-in-bad-json"', tickets_body="[]")
        status, why = checked(tmp_path, config)
    assert status == "FAILED"
    assert [line.split(":")[0] for line in why.splitlines()] == ["http_headers", "tickets_body"]
    assert "k3y" not in why
