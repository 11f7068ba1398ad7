"""The SDK's standard tests over HTTP for both streams, and what they leave out."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class
from tap_process import KEYS, Json, catalog_of, not_the_truth, pull, select

from sandbox import Account, Quirks, Sandbox
from tap_kapture.singer.tap import TapKapture

if TYPE_CHECKING:
    from collections.abc import Iterator

UTC = dt.timezone.utc
# The suite runs by the real clock; noon in UTC keeps these tests clear of any day's first minutes.
NOW = dt.datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
FIRST = NOW.date() - dt.timedelta(days=9)
ACCOUNT = Account(seed=2, first_day=FIRST, now=NOW, tickets_per_day=9, customers_per_day=4)

# The suite asks for its streams before there is a server; the address follows with the fixture.
CONFIG: dict[str, Any] = {
    "api_url": "http://127.0.0.1",
    "auth_token": ACCOUNT.auth_token,
    "cm_id": ACCOUNT.cm_id,
    "timezone": ACCOUNT.timezone,
    "start_date": FIRST.isoformat(),
}


@pytest.fixture(scope="module", autouse=True)
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(ACCOUNT, quirks=Quirks(unknown_keys=True)) as sandbox:
        CONFIG["api_url"] = sandbox.url
        yield sandbox


def everything() -> Json:
    """A catalog in which each stream is selected: the suite reads them all."""
    catalog = catalog_of(CONFIG)
    for stream in catalog["streams"]:
        select(catalog, stream["tap_stream_id"], None, selected=True)
    return catalog


TestStandard = get_tap_test_class(
    TapKapture,
    config=CONFIG,
    catalog=everything(),
    suite_config=SuiteConfig(
        max_records_limit=60,
        # Its rows leave with the other streams, and the suite reads each stream alone.
        ignore_no_records_for_streams=["pulled_days"],
    ),
    parse_env_config=False,
)


@pytest.mark.parametrize("stream", KEYS)
def test_a_quiet_load_has_every_record_once(sandbox: Sandbox, stream: str) -> None:
    output = pull(sandbox.config(page_size=7), NOW)
    keys = Counter(record[KEYS[stream]] for record in output.records(stream))
    assert keys == Counter(sandbox.truth(stream).keys())
    assert not_the_truth(output, sandbox) == []


@pytest.mark.parametrize("page_size", [4, 500])
def test_a_record_that_kapture_sends_twice_is_written_once(page_size: int) -> None:
    with Sandbox(ACCOUNT, quirks=Quirks(duplicates=True)) as doubled:
        output = pull(doubled.config(page_size=page_size), NOW)
        rows = sum(seen.rows or 0 for seen in doubled.requests)
        for stream in KEYS:
            keys = Counter(record[KEYS[stream]] for record in output.records(stream))
            assert keys == Counter(doubled.truth(stream).keys())
            rows -= len(keys)
    assert rows > 0


@pytest.mark.parametrize(
    ("stream", "replication_key"), [("tickets", "date"), ("customers", "generationDate")]
)
def test_the_final_state_has_the_form_that_is_promised(
    sandbox: Sandbox, stream: str, replication_key: str
) -> None:
    output = pull(sandbox.config(), NOW)
    assert set(output.state) == {"bookmarks"}
    assert set(output.state["bookmarks"]) == set(KEYS)
    bookmark = output.bookmark(stream)
    ledger, dialect = bookmark.pop("days"), bookmark.pop("dialect")
    followed = bookmark.pop("followed", None)
    assert bookmark == {
        "replication_key": replication_key,
        "replication_key_value": sandbox.today.isoformat(),
        "pulled_from": FIRST.isoformat(),
    }
    recent = [(sandbox.today - dt.timedelta(days=age)).isoformat() for age in (2, 1)]
    assert list(ledger) == sorted(ledger)
    assert set(recent) <= set(ledger)
    young = (sandbox.today - dt.timedelta(days=90)).isoformat()
    closed = ["closed", "complete", "completed", "junk", "merged", "resolved", "solved"]
    assert followed == ({"from": young, "closed_statuses": closed} if stream == "tickets" else None)
    assert {"turn": "rows", "learned": sandbox.today.isoformat()}.items() <= dialect.items()
    for entry in ledger.values():
        assert set(entry) == {"open", "digest", "emitted_at"}
        assert isinstance(entry["open"], int)
        assert len(entry["digest"]) == 16


@pytest.mark.parametrize("stream", KEYS)
def test_every_column_is_described_and_nullable_but_the_key(sandbox: Sandbox, stream: str) -> None:
    schema = pull(sandbox.config(), NOW).schema(stream)
    assert schema["required"] == [KEYS[stream]]
    for name, definition in _columns(schema):
        assert definition["description"].endswith("."), name
        kind = definition["type"]
        if definition is schema["properties"][KEYS[stream]]:
            assert kind in (["string"], ["integer"])
        else:
            assert len(kind) == 2, name
            assert kind[1] == "null", name


def _columns(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of a schema, those of nested objects too."""
    for name, definition in schema["properties"].items():
        yield name, definition
        if "properties" in definition.get("items", {}):
            yield from _columns(definition["items"])
