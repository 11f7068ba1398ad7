"""The loader of the Meltano project loads every record and changes no text."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import target_duckdb_exact

SCHEMA = {
    "properties": {
        "id": {"type": "integer"},
        "created": {"type": ["null", "string"], "format": "date-time"},
        "text": {"type": ["null", "string"]},
        "extra": {"type": ["null", "object"]},
    }
}
TEXTS = (
    "'hello'",
    "it's",
    "a,b;c|d\te",
    "line\r\nbreak\nand\rmore",
    'say "x"',
    "back\\slash\\",
    "#no comment",
    "  spaces  ",
    "NULL",
    '""',
    "नमस्ते 🙂",
    None,
)


@pytest.mark.skipif(sys.platform == "win32", reason="target-duckdb writes CSV that Windows garbles")
def test_every_record_arrives_as_it_was(tmp_path: Path) -> None:
    database = tmp_path / "warehouse.duckdb"
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"path": str(database), "default_target_schema": "kapture"}))
    records = [
        {"id": i, "created": "2024-04-19T08:49:00+00:00", "text": text, "extra": {"text": text}}
        for i, text in enumerate(TEXTS)
    ]
    messages = [
        {"type": "SCHEMA", "stream": "texts", "schema": SCHEMA, "key_properties": ["id"]},
        *({"type": "RECORD", "stream": "texts", "record": record} for record in records),
    ]

    subprocess.run(
        [str(Path(sys.executable).with_name("target-duckdb-exact")), "--config", str(config)],
        input="\n".join(map(json.dumps, messages)).encode(),
        env={"PYTHONUTF8": "1"},
        capture_output=True,
        check=True,
    )

    with duckdb.connect(str(database), read_only=True) as connection:
        loaded = connection.sql(
            "select text, extra->>'text', strftime(created, '%Y-%m-%d %H:%M:%S')"
            " from kapture.texts order by id"
        ).fetchall()
    assert loaded == [(text, text, "2024-04-19 08:49:00") for text in TEXTS]


def test_a_copy_that_is_worded_otherwise_is_refused() -> None:
    with duckdb.connect() as connection:
        exact = target_duckdb_exact.ExactConnection(connection)
        with pytest.raises(RuntimeError, match="not known to be safe"):
            exact.execute("COPY texts FROM 'texts.csv'")
