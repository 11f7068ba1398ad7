"""What a configured catalog holds is understood, or told as an error of the configuration."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from source_kit import read

from sandbox import Account, Sandbox

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime(2024, 3, 31, 6, 30, tzinfo=dt.timezone.utc)
ACCOUNT = Account(seed=5, first_day=dt.date(2024, 3, 28), now=NOW)


def test_a_catalog_without_streams_is_told(tmp_path: Path) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        run = read(tmp_path, sandbox.config(), NOW, catalog={"streams": []})
        assert sandbox.requests == []
    assert (run.code, run.errors) == (0, [])
    warnings = [log["message"] for log in run.of("LOG") if log["level"] == "WARN"]
    assert warnings == [
        "--catalog: it holds no stream, so nothing is read. Select streams in Airbyte"
    ]
