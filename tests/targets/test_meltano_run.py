"""The Meltano project, as a user gets it: `meltano install`, `meltano run`, state and settings."""

from __future__ import annotations

import datetime as dt

import pytest
from loading import ROOT, Visit, assert_a_day_went_by
from meltano_project import (
    ON_MELTANO,
    PIPELINE,
    Project,
    a_day_behind,
    block,
    filled,
    run,
    today,
    variables,
)

pytestmark = ON_MELTANO


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A clone."""
    return Project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def visits(project: Project) -> tuple[Visit, Visit]:
    """The commands of the README for a clone, and the nightly job a day later."""
    with a_day_behind() as sandbox:
        commands = block("README.md", "meltano install tap-kapture target-duckdb")
        # To the tap, the account's today is yesterday: it begins to look back a day too late.
        run(commands, project.folder, filled(sandbox, further="TAP_KAPTURE_LOOKBACK_DAYS=3"))
        first = project.visit(sandbox)
        sandbox.advance(days=1)
        sandbox.clear()
        project.meltano("run", "kapture-daily")
        return first, project.visit(sandbox)


def test_after_the_first_run_the_warehouse_is_the_truth(visits: tuple[Visit, Visit]) -> None:
    assert visits[0].untruths(str.lower) == []


def test_after_the_nightly_job_new_rows_are_there_and_changed_ones_are_updated(
    visits: tuple[Visit, Visit],
) -> None:
    assert_a_day_went_by(*visits)
    assert visits[1].untruths(str.lower) == []


def test_meltano_keeps_the_state_of_both_streams(visits: tuple[Visit, Visit]) -> None:
    for visit in visits:
        for bookmark in visit.state["bookmarks"].values():
            day = dt.date.fromisoformat(bookmark["replication_key_value"])
            assert today() - dt.timedelta(days=1) <= day <= today()
            assert bookmark["pulled_from"] == visits[0].asked["customers"][0].isoformat()
    assert visits[1].state["bookmarks"].keys() == {"tickets", "customers"}


def test_the_nightly_job_reads_only_what_may_have_changed(visits: tuple[Visit, Visit]) -> None:
    first, second = visits
    assert len(first.asked["customers"]) >= 21
    assert len(second.asked["customers"]) <= 5
    assert len(second.asked["tickets"]) < len(first.asked["tickets"])


@pytest.mark.usefixtures("visits")
def test_settings_reach_the_account_as_they_were_written(project: Project) -> None:
    with a_day_behind() as sandbox:
        settings = sandbox.config(
            end_date=sandbox.account.first_day.isoformat(),
            http_headers={"x-api-key": "k-1"},
            page_size=7,
            tickets_body={"status": "P"},
            customers_body={"query": "आशा"},
            user_agent="night/1.0",
            verify_last_page=False,
        )
        project.meltano("invoke", "tap-kapture", settings=variables(settings))
        requests = sandbox.requests
    bodies = {seen.stream: seen.body for seen in requests if seen.offset == 0}
    day = settings["start_date"]
    assert bodies == {
        "tickets": [{"status": "P", "start_date": day, "end_date": day, "limit": 7, "offset": 0}],
        "customers": {
            "query": "आशा",
            "cm_id": sandbox.account.cm_id,
            "createStartDate": day,
            "createEndDate": day,
            "limit": "7",
            "offset": "0",
        },
    }
    headers = {(seen.headers["User-Agent"], seen.headers["x-api-key"]) for seen in requests}
    assert headers == {("night/1.0", "k-1")}


@pytest.mark.usefixtures("visits")
def test_meltano_leaves_the_project_file_as_it_is(project: Project) -> None:
    kept = (project.folder / "meltano.yml").read_text(encoding="utf-8")
    assert kept == (ROOT / "meltano.yml").read_text(encoding="utf-8")


@pytest.mark.usefixtures("visits")
def test_meltano_shows_no_secret(project: Project) -> None:
    secrets = {"auth_token": "t-0123456789", "http_headers": {"x-api-key": "k-0123456789"}}
    settings = variables({**secrets, "page_size": 7})
    shown = project.meltano("config", "list", "tap-kapture", settings=settings)
    assert "page_size" in shown
    assert "current value: 7" in shown
    assert "auth_token" in shown
    assert "http_headers" in shown
    assert "0123456789" not in shown


@pytest.mark.usefixtures("visits")
def test_a_wrong_setting_is_told_as_an_error(project: Project) -> None:
    settings = {"TAP_KAPTURE_TIMEZONE": "Europe/Nowhere"}
    printed = project.meltano("run", *PIPELINE, settings=settings, fails=True)
    (told,) = {line for line in printed.splitlines() if "is no IANA time zone" in line}
    assert "[error" in told
    assert "timezone" in told
