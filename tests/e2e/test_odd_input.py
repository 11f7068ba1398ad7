"""What a user may get wrong at the edges is understood, or said in one line."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from tap_process import Json, Output, catalog_of, not_the_truth, pull, run_tap

from sandbox import Account, Sandbox
from tap_kapture.errors import KaptureConfigError, KaptureStateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = dt.datetime(2024, 3, 20, 6, 30, tzinfo=dt.timezone.utc)
KEYS_OF_TABLE = "table-key-properties"
ACCOUNT = Account(seed=4, first_day=dt.date(2024, 3, 12), now=NOW, static=True)


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    with Sandbox(ACCOUNT) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def loaded(account: Sandbox) -> Output:
    return pull(account.config(), NOW)


def test_a_whole_state_message_is_a_state(account: Sandbox, loaded: Output) -> None:
    message = {"type": "STATE", "value": loaded.state}
    again = pull(account.config(), NOW, state=message)
    assert again.bookmark("tickets") == loaded.bookmark("tickets")
    assert len(again.records("tickets")) < len(loaded.records("tickets"))
    assert not_the_truth(loaded.then(again), account) == []


WRAPPED = ["singer_state", "completed", "partial", "both", "with null"]


def wrapped(state: Json, how: str) -> Json:
    """A state as Meltano prints or keeps it."""
    printed = {"singer_state": state}
    older = {"singer_state": {"bookmarks": {"tickets": {"replication_key_value": "2024-03-12"}}}}
    forms: Json = {
        "singer_state": printed,
        "completed": {"completed": printed, "partial": {}},
        "partial": {"completed": {}, "partial": printed},
        "both": {"completed": older, "partial": printed},
        "with null": {"completed": printed, "partial": None},
    }
    form: Json = forms[how]
    return form


@pytest.mark.parametrize("how", WRAPPED)
def test_a_state_as_meltano_prints_or_keeps_it_is_a_state(
    account: Sandbox, loaded: Output, how: str
) -> None:
    again = pull(account.config(), NOW, state=wrapped(loaded.state, how))
    assert again.bookmark("tickets") == loaded.bookmark("tickets")
    assert len(again.records("tickets")) < len(loaded.records("tickets"))


NO_BOOKMARKS: list[Json] = [
    {"tickets": "2024-01-01"},
    {"singer_state": None},
    {"singer_state": {"tickets": {}}},
    {"singer_state": "x"},
    {"value": {"bookmarks": {}}},
    {"type": "STATE", "value": None},
    {"type": "STATE"},
    {"completed": 7},
    {"completed": {"singer_state": {"bookmarks": {}}}, "partial": "x"},
    {"dev:tap-to-target": {"completed": {}, "partial": {}}},
]


@pytest.mark.parametrize("state", NO_BOOKMARKS, ids=map(str, NO_BOOKMARKS))
def test_a_state_without_bookmarks_does_not_load_everything_afresh(
    account: Sandbox, state: Json
) -> None:
    account.clear()
    with pytest.raises(KaptureStateError, match=r"^state: it has no 'bookmarks'.*`{}` starts"):
        pull(account.config(), NOW, state=state)
    assert list(account.requests) == []


def test_a_process_with_a_foreign_state_ends_with_one_line(
    account: Sandbox, tmp_path: Path
) -> None:
    output = run_tap(tmp_path, account.config(), at=NOW, state={"tickets": "2024-01-01"})
    assert (output.code, output.lines) == (1, ())
    (line,) = output.errors()
    assert line.startswith("state: it has no 'bookmarks'")
    assert "2024-01-01" not in output.log


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"bookmarks": {}},
        {"bookmarks": {"tickets": {}}, "currently_syncing": None},
        {"type": "STATE", "value": {}},
        {"singer_state": {}},
        {"completed": {}, "partial": {}},
    ],
    ids=str,
)
def test_an_empty_state_starts_afresh(account: Sandbox, tmp_path: Path, state: Json) -> None:
    output = run_tap(tmp_path, account.config(), at=NOW, state=state)
    assert output.code == 0
    assert not_the_truth(output, account) == []


def test_a_start_date_in_the_future_is_said_and_asks_for_nothing(
    account: Sandbox, tmp_path: Path
) -> None:
    account.clear()
    output = run_tap(tmp_path, account.config(start_date="2024-03-21"), at=NOW)
    assert output.code == 0
    assert "start_date 2024-03-21 lies after the last day to pull, 2024-03-20" in output.log
    assert list(account.requests) == []


def test_a_stream_mapped_to_several_is_no_batch(account: Sandbox, tmp_path: Path) -> None:
    config = account.config(
        stream_maps={"tickets_copy": {"__source__": "tickets"}},
        batch_config={
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": tmp_path.as_uri()},
        },
    )
    with pytest.raises(KaptureConfigError, match="'tickets' is mapped to several streams"):
        pull(config, NOW)


def test_a_bad_setting_of_a_connection_test_is_named_without_a_traceback(
    account: Sandbox, tmp_path: Path
) -> None:
    account.clear()
    output = run_tap(tmp_path, account.config(page_size=0), "--test", at=NOW)
    assert output.code == 1
    assert "page_size: must be at least 1" in output.log
    assert "Traceback" not in output.log
    assert list(account.requests) == []


def test_a_catalog_without_keys_loads_the_same(account: Sandbox, loaded: Output) -> None:
    catalog = catalog_of(account.config())
    for entry in catalog["streams"]:
        entry["key_properties"] = []
        entry["metadata"] = [
            {**item, "metadata": {k: v for k, v in item["metadata"].items() if k != KEYS_OF_TABLE}}
            for item in entry["metadata"]
        ]
    output = pull(account.config(), NOW, catalog=catalog)
    assert output.table("tickets") == loaded.table("tickets")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"batch_size": 0}, "batch_config.batch_size: must be at least 1"),
        ({"batch_size": "many"}, "batch_config.batch_size: must be of type integer"),
        ({"encoding": {"format": "csv"}}, "batch_config.encoding.format: must be one of"),
        ({"encoding": {}}, "format: required"),
        ({"storage": {}}, "root: required"),
        ({"storage": {"root": "nope://there"}}, "batch_config: Unsupported filesystem"),
        ({"storage": {"root": "s3://there"}}, "batch_config: Install s3fs"),
        ({"encoding": {"format": "parquet"}}, "batch_config: parquet needs pyarrow"),
    ],
)
def test_files_that_could_not_be_written_are_refused(
    account: Sandbox, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    batch_config = {"encoding": {"format": "jsonl"}, "storage": {"root": tmp_path.as_uri()}}
    output = run_tap(tmp_path, account.config(batch_config=batch_config | change), at=NOW)
    assert output.code == 1
    assert words in output.errors()[0]
    assert "Traceback" not in output.log


def test_a_folder_that_is_none_is_said_and_leaves_the_state(
    account: Sandbox, tmp_path: Path
) -> None:
    folder = tmp_path / "file" / "folder"
    folder.parent.touch()
    batch_config = {"encoding": {"format": "jsonl"}, "storage": {"root": folder.as_uri()}}
    output = run_tap(tmp_path, account.config(batch_config=batch_config), at=NOW)
    assert output.code == 1
    (line,) = output.errors()
    assert "batch_config.storage.root: a file cannot be written there" in line
    assert "Traceback" not in output.log
    assert not any(output.bookmark(stream) for stream in ("customers", "tickets"))
