"""target-snowflake's own code, on a stand-in for Snowflake; fake_snowflake.py tells its limits."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from loading import ROOT, Rows, Target, Visit, assert_a_day_went_by, load_twice, program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="fakesnow 0.12 needs Python 3.11; an older one lacks more"
)

SHIM = str(ROOT / "tests" / "targets" / "fake_snowflake.py")


def target_snowflake(folder: Path) -> Target:
    """The loader, set up to write to databases in a folder."""
    database, files = folder / "databases", folder / "loader-files"
    for each in (database, files):
        each.mkdir()
    python = program("python", ".venv-targets")

    def read(stream: str) -> Rows:
        command = [str(python), SHIM, str(database), "--show", stream]
        shown = subprocess.run(command, capture_output=True, check=True)
        rows = [json.loads(line) for line in shown.stdout.splitlines()]
        return [
            {name: value for name, value in row.items() if not name.startswith("_SDC_")}
            for row in rows
        ]

    config = {
        "account": "local",
        "user": "loader",
        "password": "none",
        "database": "ACCOUNT",
        "default_target_schema": "KAPTURE",
        "batch_config": batches(files),
        "clean_up_batch_files": True,
    }
    return Target("target-snowflake", python, config, read, (SHIM, str(database)))


def batches(folder: Path) -> dict[str, object]:
    """Files in a folder, as target-snowflake stages them."""
    return {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": folder.as_uri()},
    }


@pytest.mark.parametrize("travel", ["records", "files"])
def test_both_loads_are_the_truth(tmp_path: Path, travel: str) -> None:
    tap: dict[str, Any] = {}
    if travel == "files":
        (tmp_path / "tap-files").mkdir()
        tap["batch_config"] = {**batches(tmp_path / "tap-files"), "batch_size": 50}
    first, second = load_twice(target_snowflake(tmp_path), tmp_path, **tap)

    assert_a_day_went_by(first, second)
    assert first.rows["tickets"] != second.rows["tickets"]
    assert in_upper_case(first) == in_upper_case(second) == []
    assert not any((tmp_path / "loader-files").iterdir())


def in_upper_case(visit: Visit) -> list[str]:
    """Where the tables differ from the truth: their columns are in capitals."""
    return visit.untruths(str.upper)
