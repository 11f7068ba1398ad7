"""What leaves in whole pages is what the SDK's loop over single records would have written."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import hypothesis.strategies as st
import pytest
from effort import examples
from hypothesis import given
from tap_process import Output, catalog_of, pull, select, without_time

from sandbox import Account, Quirks, Sandbox
from tap_kapture.singer.streams import KaptureStream

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = dt.datetime(2024, 3, 20, 6, 30, tzinfo=dt.timezone.utc)
ACCOUNT = Account(seed=11, first_day=dt.date(2024, 3, 17), now=NOW, tickets_per_day=6)
COLUMNS = ("detail", "date", "taskId", "additional_info", "extra_fields", "attachments", "status")
QUIRKS = st.builds(
    Quirks,
    ticket_dates=st.sampled_from(["v2", "v1"]),
    customer_dates=st.sampled_from(["java", "java_comma", "java_narrow"]),
    numbers_as_text=st.booleans(),
    text_as_numbers=st.booleans(),
    booleans=st.sampled_from(["json", "text", "digits"]),
    unknown_keys=st.booleans(),
    missing_keys=st.booleans(),
    bad_dates=st.booleans(),
    bad_numbers=st.booleans(),
    nul_characters=st.booleans(),
    ascii_json=st.booleans(),
)
MAPS: list[dict[str, Any]] = [
    {},
    {},
    {"clean_text": False},
    {"flattening_enabled": True, "flattening_max_depth": 2},
    {"stream_maps": {"tickets": {"queueKey": None, "who": "assignedToName"}}},
    {"stream_maps": {"tickets": {"__filter__": "priority == 'low'"}}},
    {"stream_maps": {"customers": {"__alias__": "clients"}, "tickets": None}},
]
"""Settings that leave records alone, and some that do not."""


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    with Sandbox(ACCOUNT) as sandbox:
        yield sandbox


def lines(output: Output) -> list[str]:
    """The output, each line as JSON in one form, without times and how far workers are ahead."""
    messages = [json.loads(line) for line in output.lines]
    for message in messages:
        for bookmark in message.get("value", {}).get("bookmarks", {}).values():
            bookmark.pop("dialect", None)
            for day in bookmark.get("days", {}).values():
                day.pop("emitted_at", None)
        for passing in ("emitted_at", "read_at", "requests"):
            message.get("record", {}).pop(passing, None)
    return [
        json.dumps({k: v for k, v in message.items() if k != "time_extracted"}, ensure_ascii=True)
        for message in messages
    ]


def by_the_sdk(
    config: dict[str, Any], catalog: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Output:
    """Run with the shortcut switched off."""
    with monkeypatch.context() as patch:
        patch.setattr(KaptureStream, "_as_they_are", property(lambda _: False))
        return pull(config, NOW, catalog=catalog)


@examples(12, many=120)
@given(
    quirks=QUIRKS,
    maps=st.sampled_from(MAPS),
    deselected=st.sets(st.sampled_from(COLUMNS), max_size=3),
    method=st.sampled_from(["INCREMENTAL", "FULL_TABLE"]),
)
def test_pages_and_single_records_give_the_same_messages(
    account: Sandbox,
    quirks: Quirks,
    maps: dict[str, Any],
    deselected: set[str],
    method: str,
) -> None:
    account.quirks = quirks
    config = account.config(**maps)
    catalog = catalog_of(config)
    for column in deselected:
        select(catalog, "tickets", column, selected=False)
    for stream in catalog["streams"]:
        stream["replication_method"] = method
    with pytest.MonkeyPatch.context() as monkeypatch:
        slow = by_the_sdk(config, catalog, monkeypatch)
    assert lines(pull(config, NOW, catalog=catalog)) == lines(slow)
    assert len(slow.lines) > 2


def test_an_untouched_catalog_takes_the_shortcut_and_a_touched_one_does_not(
    account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.quirks = Quirks()
    taken: list[str] = []
    whole = KaptureStream._sync_pages  # noqa: SLF001 - what is looked for

    def noted(stream: KaptureStream) -> None:
        taken.append(stream.name)
        whole(stream)

    monkeypatch.setattr(KaptureStream, "_sync_pages", noted)
    config = account.config()
    catalog = catalog_of(config)
    pull(config, NOW, catalog=catalog)
    assert taken == ["customers", "tickets"]
    taken.clear()
    select(catalog, "tickets", "detail", selected=False)
    pull(config, NOW, catalog=catalog)
    assert taken == ["customers"]


@examples(6, many=50)
@given(
    quirks=QUIRKS,
    size=st.integers(1, 30),
    compression=st.sampled_from(["gzip", "none"]),
)
def test_pages_and_single_records_fill_the_same_batch_files(
    account: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
    quirks: Quirks,
    size: int,
    compression: str,
) -> None:
    account.quirks = quirks

    def files(by_sdk: bool) -> list[list[Any]]:  # noqa: FBT001 - which way
        folder = tmp_path_factory.mktemp("batches")
        batch_config = {
            "encoding": {"format": "jsonl", "compression": compression},
            "storage": {"root": folder.as_uri()},
            "batch_size": size,
        }
        config = account.config(batch_config=batch_config)
        with pytest.MonkeyPatch.context() as monkeypatch:
            if by_sdk:
                output = by_the_sdk(config, catalog_of(config), monkeypatch)
            else:
                output = pull(config, NOW)
        written = []
        for message in output.messages:
            for uri in message.get("manifest", []):
                content = Path(url2pathname(urlsplit(uri).path)).read_bytes()
                plain = gzip.decompress(content) if compression == "gzip" else content
                written.append([without_time(json.loads(line)) for line in plain.splitlines()])
        return written

    at_once = files(by_sdk=False)
    assert at_once == files(by_sdk=True)
    assert at_once
    assert all(0 < len(records) <= size for records in at_once)
