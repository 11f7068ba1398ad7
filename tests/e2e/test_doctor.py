"""`tap-kapture doctor` names what an account is like, in few requests, and shows no value."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import forked
import pytest
from still_account import FIRST, NOW, TODAY
from tap_process import TIMEOUT, Json, command_line, days, leaked, pull, tap_at

from sandbox import Account, Fault, Quirks, Sandbox
from sandbox.account import lifecycle
from tap_kapture.advice.doctor import Diagnosis, diagnose
from tap_kapture.advice.report import form
from tap_kapture.wire.transport import Transport

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import CompletedProcess

    from tap_kapture.wire.request import Reply

ACCOUNT = Account(seed=3, first_day=FIRST, now=NOW, tickets_per_day=40, customers_per_day=20)
MOST = 30
ROWS, NOTHING = "'offset' counts rows", "nothing turns the page"
DIALECTS: list[tuple[dict[str, Any], str]] = [
    ({}, ROWS),
    ({"offset": "pages"}, "'offset' counts pages from 0"),
    ({"offset": "pages_from_1"}, "'offset' counts pages from 1"),
    ({"offset": "pages_from_1_strict"}, "'offset' counts pages from 1"),
    ({"offset": "ignored"}, NOTHING),
    ({"offset": "refused"}, NOTHING),
    ({"offset": "refused_beyond_0"}, NOTHING),
    ({"offset": "refused", "paging_required": True}, NOTHING),
    ({"limit": "page"}, "'limit' is the number of the page, from 1"),
    ({"limit": "page_from_0"}, "'limit' is the number of the page, from 0"),
    ({"limit": "last_row"}, "'offset' and 'limit' are the first and the last row, from 0"),
    ({"limit": "ignored"}, "'limit' is ignored"),
    ({"short_pages": True}, "pages come short before the last one"),
    ({"order": "unstable"}, "rows come in another order each time"),
    ({"order": "shuffled"}, ROWS),
    ({"order": "descending"}, ROWS),
    ({"window": "end_exclusive"}, "the end date does not belong to the window"),
    ({"host_window": True}, ROWS),
    ({"paging_required": True}, ROWS),
    ({"duplicates": True}, ROWS),
    ({"total_count": "filled"}, ROWS),
    ({"total_count": "wrong_once"}, ROWS),
    ({"total_count": "page"}, ROWS),
    ({"single_object": True}, ROWS),
    ({"empty_day": "text_failed", "failure_keys": "capital"}, ROWS),
    ({"offset": "pages", "page_cap": 7}, "'offset' counts pages from 0"),
]


def examined(sandbox: Sandbox, **settings: object) -> Diagnosis:
    tap = tap_at(sandbox.now)(config=sandbox.config(**settings))
    return diagnose(tap.settings, sandbox.now)


def texts(diagnosis: Diagnosis, about: str) -> str:
    return "\n".join(finding.text for finding in diagnosis.findings if finding.about == about)


@pytest.mark.parametrize(("switches", "words"), DIALECTS, ids=str)
def test_each_dialect_is_named_in_few_requests(switches: dict[str, Any], words: str) -> None:
    with Sandbox(ACCOUNT, quirks=Quirks(**switches)) as sandbox:
        diagnosis = examined(sandbox)
        sent = len(sandbox.requests)
    assert sent == diagnosis.requests < MOST
    for stream in ("tickets", "customers"):
        assert words in texts(diagnosis, stream)
        assert "is not known yet" not in texts(diagnosis, stream)
    assert not diagnosis.fails


def test_a_cap_on_pages_is_told() -> None:
    with Sandbox(ACCOUNT, quirks=Quirks(page_cap=7)) as sandbox:
        diagnosis = examined(sandbox)
    assert "a page holds at most 7 rows, of 500 asked for" in texts(diagnosis, "tickets")


def test_an_account_that_cuts_its_days_fails() -> None:
    with Sandbox(ACCOUNT, quirks=Quirks(offset="ignored", page_cap=7)) as sandbox:
        assert examined(sandbox).fails
        assert not examined(sandbox, unsettled_days="warn").fails


def test_statuses_and_what_does_not_fit_are_named() -> None:
    quirks = Quirks(unknown_keys=True, bad_dates=True)
    with Sandbox(ACCOUNT, quirks=quirks) as sandbox:
        diagnosis = examined(sandbox, closed_statuses=["Complete"])
        statuses = {str(row["status"]) for row in sandbox.truth("tickets").values()}
    told = texts(diagnosis, "tickets")
    (line,) = [line for line in told.splitlines() if "statuses that count as open" in line]
    opened, closed = line.split("; as closed: ")
    assert "Complete (" in closed
    assert "COMPLETE" not in opened
    named = {status for status in statuses if f"{status} (" in line}
    assert len(named) > 3
    assert "loyalty_tier" in told
    assert "that do not fit their column: " in told
    assert "text a" in json.dumps(diagnosis.report["tickets"]["fields"]["lastFollowUp"])


@pytest.mark.parametrize(("clean_text", "shown"), [(True, "&"), (False, "&amp;")])
def test_a_status_is_named_as_the_table_shows_it(
    monkeypatch: pytest.MonkeyPatch, shown: str, *, clean_text: bool
) -> None:
    monkeypatch.setattr(lifecycle, "CLOSINGS", [("Solved & Closed", "Solved", "SO")])
    with Sandbox(replace(ACCOUNT, seed=4711)) as sandbox:
        names = ["solved & closed"]
        diagnosis = examined(sandbox, closed_statuses=names, clean_text=clean_text)
    told = texts(diagnosis, "tickets")
    (line,) = [line for line in told.splitlines() if "statuses that count as open" in line]
    assert f"; as closed: Solved {shown} Closed (" in line


def test_a_first_load_costs_about_what_is_told() -> None:
    with Sandbox(ACCOUNT) as sandbox:
        told = texts(examined(sandbox), "tickets")
        (words,) = [line for line in told.splitlines() if line.startswith("a first load")]
        sandbox.clear()
        pull(sandbox.config(), sandbox.now)
        sent = sum(seen.stream == "tickets" for seen in sandbox.requests)
    found = re.search(r"reads (\d+) days in about (\d+) requests", words)
    assert found is not None
    assert int(found[1]) == len(days(FIRST, TODAY))
    assert abs(int(found[2]) - sent) <= 3


def test_a_passing_failure_is_asked_again_and_a_lasting_one_is_told() -> None:
    with Sandbox(ACCOUNT, faults=[Fault("500", "tickets")]) as sandbox:
        assert not examined(sandbox).fails
    with Sandbox(ACCOUNT, faults=[Fault("500", "tickets", times=99)]) as sandbox:
        diagnosis = examined(sandbox)
        assert diagnosis.fails
        assert "HTTP 500" in texts(diagnosis, "tickets")
        assert ROWS in texts(diagnosis, "customers")


@pytest.mark.parametrize("fault", [Fault("bad_bytes"), Fault("odd_field", text="9" * 5000)])
def test_what_a_run_loads_although_it_is_damaged_is_no_failure(fault: Fault) -> None:
    with Sandbox(ACCOUNT, faults=[replace(fault, times=math.inf)]) as sandbox:
        diagnosis = examined(sandbox)
    assert not diagnosis.fails
    for stream in ("tickets", "customers"):
        assert ROWS in texts(diagnosis, stream)
    assert ("odd_field" in texts(diagnosis, "tickets")) is (fault.action == "odd_field")


@pytest.mark.parametrize(("zone", "told"), [("GMT", True), ("+99999999999999999999", False)])
def test_the_clock_of_the_server_is_told_where_it_can_be_read(
    zone: str, monkeypatch: pytest.MonkeyPatch, *, told: bool
) -> None:
    send = Transport._send  # noqa: SLF001 - where the header comes in

    def dated(transport: Transport, *given: Any) -> Reply:  # noqa: ANN401 - as they are
        reply = send(transport, *given)
        transport.server_date = f"Wed, 21 Oct 2015 07:28:00 {zone}", sandbox.now
        return reply

    monkeypatch.setattr(Transport, "_send", dated)
    with Sandbox(ACCOUNT) as sandbox:
        found = texts(examined(sandbox), "tickets")
    assert ("the server's clock is" in found) is told
    assert ROWS in found


def test_without_the_account_id_tickets_alone_are_looked_at() -> None:
    with Sandbox(ACCOUNT) as sandbox:
        config = {name: value for name, value in sandbox.config().items() if name != "cm_id"}
        diagnosis = diagnose(tap_at(sandbox.now)(config=config).settings, sandbox.now)
        assert {seen.stream for seen in sandbox.requests} == {"tickets"}
    assert "'cm_id' is not set" in texts(diagnosis, "customers")
    assert not diagnosis.fails


def test_a_quiet_account_is_a_warning() -> None:
    with Sandbox(replace(ACCOUNT, tickets_per_day=0, customers_per_day=0)) as sandbox:
        diagnosis = examined(sandbox)
        assert len(sandbox.requests) < MOST
    assert "nothing came for the newest days" in texts(diagnosis, "tickets")
    assert not diagnosis.fails


# As a command


def command(
    folder: Path, sandbox: Sandbox, *arguments: str, **settings: object
) -> CompletedProcess[str]:
    """Run a command that loads nothing, to its end."""
    files = {"config": sandbox.config(**settings)}
    (_, script, *options), variables = command_line(folder, files, at=sandbox.now)
    return forked.run([script, "doctor", *options, *arguments], folder, variables, TIMEOUT)


def test_the_report_holds_no_value(tmp_path: Path) -> None:
    quirks = Quirks(unknown_keys=True, bad_dates=True, bad_numbers=True, numbers_as_text=True)
    secrets = ["sandbox-token", "127.0.0.1", "kapturecrm"]
    with Sandbox(replace(ACCOUNT, long_text=True), quirks=quirks) as sandbox:
        ended = command(tmp_path, sandbox, "--json", http_headers={"x-api-key": "another-secret"})
        personal = sandbox.personal_texts()
        port = sandbox.url.rsplit(":", 1)[1]
        ids = {str(key) for stream in ("tickets", "customers") for key in sandbox.truth(stream)}
    whole: Json = json.loads(ended.stdout)
    report = json.dumps(whole["report"], ensure_ascii=False)
    assert ended.returncode == 0
    assert len(personal) > 100
    assert whole["report"]["tickets"]["fields"]["date"] == {"text 99-99-9999 99:99": 31}
    assert leaked(report, [*secrets, "another-secret", port, *personal, *ids]) == []
    # Nor does the screen show any of a person, nor a secret.
    assert leaked(ended.stdout + ended.stderr, [*personal, "sandbox-token", "another-secret"]) == []


def test_the_screen_ends_with_the_report(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        ended = command(tmp_path, sandbox)
    lines = ended.stdout.splitlines()
    assert ended.returncode == 0
    assert lines[-2] == "Report without values, to attach to an issue:"
    assert set(json.loads(lines[-1])) == {"tickets", "customers"}
    assert len(lines) < 40


@pytest.mark.parametrize(
    "settings", [{"auth_token": "wr0ng-token"}, {"api_url": "http://127.0.0.1:9"}]
)
def test_where_a_load_would_fail_the_exit_code_is_1(
    tmp_path: Path, settings: dict[str, object]
) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        began = dt.datetime.now(dt.timezone.utc)
        ended = command(tmp_path, sandbox, **settings)
    assert ended.returncode == 1
    assert "a load would fail" in ended.stdout
    assert "wr0ng-token" not in ended.stdout + ended.stderr
    assert dt.datetime.now(dt.timezone.utc) - began < dt.timedelta(seconds=45)


def test_a_bad_setting_is_named_as_in_a_run(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        ended = command(tmp_path, sandbox, page_size=0)
        assert sandbox.requests == []
    assert ended.returncode == 1
    assert "page_size" in ended.stderr


@pytest.mark.parametrize(
    ("value", "patterned", "told"),
    [
        ("01-02-2024 10:20", True, "text 99-99-9999 99:99"),
        ("May 2, 2024 4:15:42 PM", True, "text a 9, 9999 9:99:99 a"),
        ("Asha Rao", True, "text a a"),
        ("Asha Rao", False, "text"),
        ("98765", False, "text of digits"),
        ("  ", False, "blank text"),
        (None, False, "null"),
        (True, False, "boolean"),
        (7, False, "integer"),
        ([], False, "empty list"),
        (["x", 1, None], False, "list of integer or null or text"),
        ({"year": 2024, "month": 1, "dayOfMonth": 2}, True, "calendar object"),
        ({"Asha": 1}, True, "object"),
    ],
)
def test_the_form_of_a_value(value: object, patterned: bool, told: str) -> None:  # noqa: FBT001 - a parameter
    assert form(value, patterned=patterned) == told
