"""Load an account with PyAirbyte: ``python pyairbyte_load.py config.json cache.duckdb``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import airbyte as ab
from airbyte.caches import DuckDBCache


def main(config: str, database: str) -> None:
    """Check the account, read all its streams, and print how many records came."""
    source = ab.get_source(
        "source-kapture",
        config=json.loads(Path(config).read_text(encoding="utf-8")),
        local_executable=os.environ["SOURCE_KAPTURE"],
    )
    source.check()
    source.select_all_streams()
    result = source.read(cache=DuckDBCache(db_path=database))
    sys.stdout.write(f"{result.processed_records}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
