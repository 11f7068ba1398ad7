"""What a user may get wrong at the edges is understood, or said in one line."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from tap_process import Output, catalog_of, not_the_truth, pull, run_tap

from sandbox import Account, Sandbox
from tap_kapture.errors import KaptureConfigError

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
