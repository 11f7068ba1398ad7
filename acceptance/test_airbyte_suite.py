"""Airbyte's own suite for connectors passes against the source."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING

import pytest
from airbyte_programs import HERE, run

from sandbox import Account, Sandbox

if TYPE_CHECKING:
    from pathlib import Path

UTC = dt.timezone.utc
PLUGIN = "airbyte_cdk.test.standard_tests.pytest_hooks"
# What the suite would do with an image needs Docker, so it is left out by its own mark.
OPTIONS = ["-v", "-p", PLUGIN, "-p", "no:cacheprovider", "-m", "not image_tests"]
PASSED = {
    "test_spec": 1,
    "test_check": 2,
    "test_config_matches_spec": 2,
    "test_discover": 1,
    "test_basic_read": 2,
    "test_fail_read_with_bad_catalog": 2,
}
"""Tests of the suite that must pass; with a refused account, ``discover`` is skipped by it."""


@pytest.mark.timeout(600)
def test_the_suite_passes_with_a_good_account_and_a_refused_one(tmp_path: Path) -> None:
    now = dt.datetime.now(UTC).replace(microsecond=0)
    account = Account(seed=4, first_day=now.date() - dt.timedelta(days=5), now=now)
    root = tmp_path / "source-kapture"
    root.mkdir()
    with Sandbox(account) as sandbox:
        refused = {**sandbox.config(), "auth_token": "wr0ng-t0ken"}
        for status, config in (("succeed", sandbox.config()), ("failed", refused)):
            (root / f"{status}.json").write_text(json.dumps(config), encoding="utf-8")
        # Warnings are failures: by them, the suite tells what it will refuse some day.
        warnings = ["-W", "error::airbyte_cdk.test.standard_tests.DiscoveredCatalogWarning"]
        arguments = [*OPTIONS, *warnings, "-c", "/dev/null", f"--rootdir={root}"]
        said = run(root, "-m", "pytest", *arguments, str(HERE / "airbyte_suite.py"))
    passed = re.findall(r"::(test_\w+).* PASSED", said)
    assert {name: passed.count(name) for name in set(passed)} == PASSED, said
