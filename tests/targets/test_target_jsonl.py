"""target-jsonl, which only appends: the last line of each key is the truth."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from loading import (
    KEYS,
    Rows,
    Target,
    Visit,
    assert_a_day_went_by,
    load_twice,
    program,
    updated,
)

if TYPE_CHECKING:
    from pathlib import Path


def lines(path: Path) -> Rows:
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the target writes to."""
    return tmp_path_factory.mktemp("output")


@pytest.fixture(scope="module")
def visits(output: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Visit, Visit]:
    """Two loads, a day apart."""

    def folded(stream: str) -> Rows:
        key = KEYS[stream]
        return list({row[key]: row for row in lines(output / f"{stream}.jsonl")}.values())

    target = Target(
        "target-jsonl",
        program("target-jsonl", ".venv-target-jsonl"),
        {"destination_path": str(output)},
        folded,
    )
    return load_twice(target, tmp_path_factory.mktemp("run"))


def test_folded_by_key_the_first_load_is_the_truth(visits: tuple[Visit, Visit]) -> None:
    assert visits[0].untruths() == []


def test_folded_by_key_the_second_load_is_the_truth(visits: tuple[Visit, Visit]) -> None:
    assert_a_day_went_by(*visits)
    assert visits[1].untruths() == []


def test_older_versions_of_a_ticket_stay_before_the_latest(
    visits: tuple[Visit, Visit], output: Path
) -> None:
    for key in updated(*visits, "tickets"):
        rows = [row for row in lines(output / "tickets.jsonl") if row["ticketId"] == key]
        assert [row["emitted_at"] for row in rows] == sorted({row["emitted_at"] for row in rows})
        versions = [{n: row[n] for n in row if n != "emitted_at"} for row in rows]
        assert versions == [visits[0].truth["tickets"][key], visits[1].truth["tickets"][key]]
