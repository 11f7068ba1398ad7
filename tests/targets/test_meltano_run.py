"""The Meltano project, as a user gets it: `meltano install`, `meltano run`, state and settings."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from loading import (
    ACCOUNT,
    QUIRKS,
    ROOT,
    TIMEOUT,
    Visit,
    assert_a_day_went_by,
    duckdb_table,
    environment,
    program,
)

from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(
        sys.platform == "win32",
        reason="the Meltano project is for Linux and macOS",
    ),
    # `meltano install` downloads, which may take its time.
    pytest.mark.timeout(600),
]

PROJECT = (
    "LICENSE",
    "README.md",
    "loaders",
    "meltano.yml",
    "output",
    "pyproject.toml",
    "requirements",
    "tap_kapture",
)
"""What Meltano needs of the repository: the project, and the tap that it installs."""
PIPELINE = ("tap-kapture", "target-duckdb")
STATE_ID = "dev:tap-kapture-to-target-duckdb"
LEFTOVERS = shutil.ignore_patterns("__pycache__", "*.duckdb*", "*.jsonl")
FOREIGN = ("TAP_KAPTURE_", "TARGET_DUCKDB_", "MELTANO_")
"""How the variables begin with which a user may have set up another project."""


def copied(folder: Path, names: Sequence[str]) -> None:
    """Copy files and folders of the repository."""
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=LEFTOVERS)
        else:
            shutil.copy(ROOT / name, folder / name)


class Project:
    """A copy of the Meltano project, with its plugins installed, and an account to load."""

    def __init__(self, folder: Path) -> None:
        """Copy the project."""
        self.folder = folder
        self.warehouse = folder / "output" / "warehouse.duckdb"
        copied(folder, PROJECT)

    def meltano(self, *arguments: str, settings: dict[str, str] | None = None) -> str:
        """Run a Meltano command in the project; it must end well.

        Returns:
            What it printed.
        """
        own = {
            "MELTANO_CLI_LOG_FORMAT": "uncolored",
            "NO_COLOR": "1",
            "VIRTUALENV_NO_PERIODIC_UPDATE": "1",
        }
        ended = subprocess.run(
            [str(program("meltano")), *arguments],
            cwd=self.folder,
            env={**environment(*FOREIGN), **own, **(settings or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=2 * TIMEOUT,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr.decode(errors="replace")[-3000:]
        return ended.stdout.decode()

    def visit(self, sandbox: Sandbox) -> Visit:
        """What the warehouse and Meltano's state hold now."""
        state = json.loads(self.meltano("state", "get", STATE_ID))["singer_state"]
        return Visit.of(sandbox, lambda stream: duckdb_table(self.warehouse, stream), state)


def variables(config: dict[str, Any]) -> dict[str, str]:
    """Settings of the tap as environment variables."""
    return {
        f"TAP_KAPTURE_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in config.items()
    }


def a_day_behind() -> Sandbox:
    """An account whose clock can move on a day without passing that of this machine.

    Meltano starts the tap itself, so that its now is the real one.
    """
    now = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1)
    first_day = now.date() - dt.timedelta(days=20)
    busy = replace(ACCOUNT, tickets_per_day=40, customers_per_day=20, counts={})
    return Sandbox(replace(busy, now=now, first_day=first_day), quirks=QUIRKS)


def today() -> dt.date:
    """The account's day by the clock of this machine."""
    return dt.datetime.now(ZoneInfo(ACCOUNT.timezone)).date()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project after `meltano install`."""
    project = Project(tmp_path_factory.mktemp("project"))
    project.meltano("install", *PIPELINE)
    return project


@pytest.fixture(scope="module")
def visits(project: Project) -> tuple[Visit, Visit]:
    """A run by hand, and the nightly job a day later."""
    with a_day_behind() as sandbox:
        # To the tap, the account's today is yesterday: it begins to look back a day too late.
        settings = variables(sandbox.config(lookback_days=3))
        project.meltano("run", *PIPELINE, settings=settings)
        first = project.visit(sandbox)
        sandbox.advance(days=1)
        sandbox.clear()
        project.meltano("run", "kapture-daily", settings=settings)
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


def test_meltano_leaves_the_project_file_as_it_is(
    project: Project, visits: tuple[Visit, Visit]
) -> None:
    assert visits
    kept = (project.folder / "meltano.yml").read_text(encoding="utf-8")
    assert kept == (ROOT / "meltano.yml").read_text(encoding="utf-8")


def test_meltano_shows_no_secret(project: Project) -> None:
    secrets = {"auth_token": "t-0123456789", "http_headers": {"x-api-key": "k-0123456789"}}
    settings = variables({**secrets, "page_size": 7})
    shown = project.meltano("config", "list", "tap-kapture", settings=settings)
    assert "page_size" in shown
    assert "current value: 7" in shown
    assert "auth_token" in shown
    assert "http_headers" in shown
    assert "0123456789" not in shown
