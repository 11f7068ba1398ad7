"""target-csv: a file for each run, flattened by the tap; the last row of each key is the truth."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from loading import (
    KEYS,
    Row,
    Rows,
    Target,
    assert_a_day_went_by,
    load_twice,
    program,
)

from tap_kapture.singer.tap import TapKapture

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = {"subdomain": "acme", "auth_token": "t", "cm_id": 1, "start_date": "2024-01-01"}
FLAT = {"flattening_enabled": True, "flattening_max_depth": 1}
A_FILE_EACH = {
    "file_naming_scheme": "{stream_name}-{timestamp}.csv",
    "timestamp_format": "%Y%m%dT%H%M%S%f",
}


def schemas() -> dict[str, Row]:
    """The properties of each stream."""
    tap = TapKapture(config=CONFIG)
    return {name: stream.schema["properties"] for name, stream in tap.streams.items()}


def parsed(text: str, definition: Row) -> Any:  # noqa: ANN401 - any JSON value
    """A cell as the value of its column; an empty one is null."""
    if not text:
        return None
    if definition.get("format") == "date-time":
        return dt.datetime.fromisoformat(text)
    if "string" in definition["type"]:
        return text
    return text == "True" if "boolean" in definition["type"] else json.loads(text)


def cells(path: Path) -> Rows:
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def target_csv(folder: Path, **settings: object) -> Target:
    """The loader, set up to write to a folder."""
    columns = schemas()

    def folded(stream: str) -> Rows:
        rows = [row for path in sorted(folder.glob(f"{stream}*.csv")) for row in cells(path)]
        values = [
            {name: parsed(text, columns[stream][name]) for name, text in row.items()}
            for row in rows
        ]
        return list({row[KEYS[stream]]: row for row in values}.values())

    config = {"output_path": str(folder), **settings}
    return Target("target-csv", program("target-csv", ".venv-targets"), config, folded)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """The folder that the target writes to."""
    folder = tmp_path / "output"
    folder.mkdir()
    return folder


def test_flattened_and_folded_by_key_both_loads_are_the_truth(tmp_path: Path, output: Path) -> None:
    first, second = load_twice(target_csv(output, **A_FILE_EACH), tmp_path, **FLAT)  # type: ignore[arg-type] # settings of the tap

    assert_a_day_went_by(first, second)
    assert first.untruths() == second.untruths() == []
    assert len(list(output.glob("tickets-*.csv"))) == 2


def test_with_its_default_name_the_file_holds_only_the_last_run(
    tmp_path: Path, output: Path
) -> None:
    first, second = load_twice(target_csv(output), tmp_path, **FLAT)  # type: ignore[arg-type] # likewise

    assert first.untruths() == []
    assert len(second.rows["tickets"]) < len(first.rows["tickets"])


def test_without_flattening_nested_values_are_no_json(tmp_path: Path, output: Path) -> None:
    try:
        first, _ = load_twice(target_csv(output, **A_FILE_EACH), tmp_path)
    except json.JSONDecodeError:
        return
    pytest.fail(f"nested values can be read: {first.untruths()}")


@pytest.mark.parametrize(("depth", "kinds"), [(0, {"array", "object"}), (1, set())])
def test_only_a_depth_of_1_flattens(depth: int, kinds: set[str]) -> None:
    tap = TapKapture(config={**CONFIG, **FLAT, "flattening_max_depth": depth})
    found = {
        kind
        for stream in tap.streams.values()
        for definition in stream.stream_maps[0].transformed_schema["properties"].values()
        for kind in definition["type"]
    }
    assert found & {"array", "object"} == kinds


def test_a_schema_with_empty_properties_loses_its_column_when_it_is_flattened() -> None:
    catalog = TapKapture(config=CONFIG).catalog_dict
    (tickets,) = [entry for entry in catalog["streams"] if entry["tap_stream_id"] == "tickets"]
    tickets["schema"]["properties"]["additional_info"]["properties"] = {}

    tap = TapKapture(config={**CONFIG, **FLAT}, catalog=catalog)
    flattened = tap.streams["tickets"].stream_maps[0].transformed_schema["properties"]

    assert "extra_fields" in flattened
    assert "additional_info" not in flattened
