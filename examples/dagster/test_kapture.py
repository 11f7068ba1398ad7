"""A year's history, four months at a time, in a real Dagster: into one table, and on from there."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from dagster import DagsterInstance, DagsterRunStatus
from loading import State, handed_over

from sandbox import Account, Fault, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
PROGRAMS = ROOT / ".venv" / "bin"
"""The tap, the target and a PostgreSQL: in the environment of the project."""
NOW = dt.datetime.now(dt.timezone.utc)
FIRST_DAY = dt.date(NOW.year - 1, NOW.month, 1)
BAD_DAY = FIRST_DAY + dt.timedelta(days=100)
"""A day that Kapture does not serve at first."""
AT_A_TIME = 4
LONGEST = 900.0
"""Seconds that a backfill may take, on a machine that has other things to do."""


@contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL of its own, by its URL."""
    command = [str(PROGRAMS / "python"), "-m", "benchmarks.postgres"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin
        assert server.stdout
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()


class Deployment:
    """Dagster with the example, as its README sets it up."""

    def __init__(self, home: Path, config: Mapping[str, object], url: str) -> None:
        """Write the settings."""
        shutil.copy(FOLDER / "dagster.yaml", home)
        target = {
            "sqlalchemy_url": url.replace("postgresql:", "postgresql+psycopg:", 1),
            "default_target_schema": "kapture",
        }
        for name, content in (("tap", config), ("target", target)):
            (home / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        self.home = home
        self.environment = {
            **os.environ,
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "DAGSTER_HOME": str(home),
            "KAPTURE_HOME": str(home),
        }

    @contextmanager
    def daemon(self) -> Iterator[None]:
        """Run what takes runs out of the queue while the block lasts."""
        command = [sys.executable, "-m", "dagster._daemon", "run", "-f", "kapture.py"]
        with (
            (self.home / "daemon.log").open("wb") as log,
            subprocess.Popen(
                command, cwd=FOLDER, env=self.environment, stdout=log, stderr=log
            ) as daemon,
        ):
            try:
                yield
            finally:
                daemon.terminate()

    def dagster(self, *arguments: str) -> None:
        """Run a command of Dagster; it must end well."""
        ended = subprocess.run(
            [sys.executable, "-m", "dagster", *arguments, "-f", "kapture.py"],
            cwd=FOLDER,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr[-3000:]

    def backfill(self, *partitions: str, runs: int) -> list[DagsterRunStatus]:
        """Load months; wait until as many runs have ended. How the last of them ended."""
        self.dagster("job", "backfill", "-j", "backfill", "--noprompt", *partitions)
        end = time.monotonic() + LONGEST
        with DagsterInstance.from_config(str(self.home)) as instance:
            while time.monotonic() < end:
                found = instance.get_runs()
                if len(found) >= runs and all(run.is_finished for run in found):
                    return [run.status for run in found]
                time.sleep(1)
        pytest.fail((self.home / "daemon.log").read_text(encoding="utf-8")[-3000:])

    def most_at_a_time(self) -> int:
        """The most runs that were under way at once."""
        with DagsterInstance.from_config(str(self.home)) as instance:
            records = instance.get_run_records()
        begun = [(record.start_time or 0, 1) for record in records]
        ended = [(record.end_time or 0, -1) for record in records]
        under_way = most = 0
        for _, change in sorted(begun + ended):
            under_way += change
            most = max(most, under_way)
        return most


def statuses(url: str) -> dict[str, str]:
    """The status of each ticket in the table."""
    with psycopg.connect(url) as connection:
        rows = connection.execute('select "ticketId", status from kapture.tickets')
        return dict(rows.fetchall())


def customers(url: str) -> set[int]:
    """The customers in the table."""
    with psycopg.connect(url) as connection:
        return {key for (key,) in connection.execute("select id from kapture.customers")}


def assert_true(sandbox: Sandbox, url: str) -> None:
    """The tables hold what the account holds."""
    truth = sandbox.truth("tickets")
    assert statuses(url) == {key: record["status"] for key, record in truth.items()}
    assert customers(url) == set(sandbox.truth("customers"))


def test_a_year_by_the_month_and_every_night_after_it(tmp_path: Path) -> None:
    account = Account(
        first_day=FIRST_DAY,
        now=NOW - dt.timedelta(days=1),
        tickets_per_day=2,
        customers_per_day=1,
    )
    with Sandbox(account) as sandbox, postgresql() as url:
        config = sandbox.config(max_retries=0, lookback_days=3)
        deployment = Deployment(tmp_path, config, url)
        sandbox.faults = [Fault("500", stream="tickets", day=BAD_DAY, times=math.inf)]
        with deployment.daemon():
            ended = deployment.backfill("--all", "all", runs=12)
            assert sorted(status.value for status in ended) == ["FAILURE", *["SUCCESS"] * 11]
            assert 2 <= deployment.most_at_a_time() <= AT_A_TIME

            sandbox.faults = ()
            ended = deployment.backfill("--partitions", f"{BAD_DAY:%Y-%m-01}", runs=13)
        assert ended[0] == DagsterRunStatus.SUCCESS
        deployment.dagster("job", "execute", "-j", "nightly")
        assert_true(sandbox, url)

        sandbox.advance(days=1)
        sandbox.clear()
        deployment.dagster("job", "execute", "-j", "nightly")
        assert_true(sandbox, url)
        asked = {seen.day for seen in sandbox.requests if seen.stream == "customers"}
        assert len(asked) <= 5, "the nightly run went on from its state"


def test_what_is_handed_over_begins_with_the_first_and_goes_on_behind_the_last() -> None:
    def state(first: str, value: str) -> State:
        bookmark = {"replication_key_value": value, "pulled_from": first, "days": {first: {}}}
        return {"bookmarks": {"tickets": {**bookmark, "dialect": {"turn": "rows"}}}}

    months = [state("2024-01-01", "2024-02-01"), state("2024-02-01", "2024-03-01")]
    assert handed_over(months)["bookmarks"]["tickets"] == {
        "replication_key_value": "2024-03-01",
        "pulled_from": "2024-01-01",
        "dialect": {"turn": "rows"},
    }
