"""What a configured catalog holds is understood, or told as an error of the configuration."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from source_kit import Json, configured, discover, not_airbyte, read, run_source

from sandbox import Account, Sandbox
from tap_kapture.airbyte.read import Sync

if TYPE_CHECKING:
    from collections.abc import Iterator
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


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    with Sandbox(ACCOUNT) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def streams(account: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The streams that the source discovers, as JSON."""
    return json.dumps(discover(tmp_path_factory.mktemp("streams"), account.config()))


def catalog_with(streams: str, stream: str, path: tuple[str, ...], value: object) -> Json:
    """A configured catalog with another value at a place in a stream's schema."""
    catalog = configured(json.loads(streams))
    (node,) = (each for each in catalog["streams"] if each["stream"]["name"] == stream)
    place: Any = node["stream"]["json_schema"]
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return catalog


FIELDS = [
    ("tickets", ("properties", "taskTitle"), "taskTitle"),
    ("tickets", ("properties", "attachments", "items"), "attachments.items"),
    ("customers", ("properties", "contacts"), "contacts"),
    ("customers", ("properties", "contacts", "items", "properties", "email"), "email"),
    ("pulled_days", ("properties", "records"), "records"),
]


@pytest.mark.parametrize("value", [True, None, {}])
@pytest.mark.parametrize(("stream", "path", "_"), FIELDS)
def test_a_field_of_which_nothing_is_said_is_sent_whole(  # noqa: PLR0913, PLR0917 - a table
    account: Sandbox,
    tmp_path: Path,
    streams: str,
    stream: str,
    path: tuple[str, ...],
    _: str,
    value: object,
) -> None:
    run = read(tmp_path, account.config(), NOW, catalog=catalog_with(streams, stream, path, value))
    usual = read(tmp_path, account.config(), NOW, catalog=configured(json.loads(streams)))
    assert (run.code, run.errors, not_airbyte(run)) == (0, [], [])
    sent, expected = run.records(stream), usual.records(stream)
    assert len(sent) == len(expected) > 0
    assert [record.keys() for record in sent] == [record.keys() for record in expected]


@pytest.mark.parametrize("value", [False, 7, "text", [], [{}]])
@pytest.mark.parametrize(("stream", "path", "place"), FIELDS)
def test_what_is_no_schema_is_an_error_of_the_configuration(  # noqa: PLR0913, PLR0917 - a table
    account: Sandbox,
    tmp_path: Path,
    streams: str,
    stream: str,
    path: tuple[str, ...],
    place: str,
    value: object,
) -> None:
    account.clear()
    run = read(tmp_path, account.config(), NOW, catalog=catalog_with(streams, stream, path, value))
    assert (run.code, not_airbyte(run), list(account.requests)) == (1, [], [])
    (error,) = run.errors
    assert error["failure_type"] == "config_error"
    assert error["message"].startswith(f"--catalog: stream '{stream}'.")
    assert f"{place}: must be an object; refresh the schema" in error["message"]


def test_a_process_with_an_odd_schema_ends_with_a_message(
    account: Sandbox, tmp_path: Path, streams: str
) -> None:
    catalog = catalog_with(streams, "pulled_days", ("properties", "day"), value=False)
    run = run_source(tmp_path, "read", {"config": account.config(), "catalog": catalog}, at=NOW)
    assert (run.code, run.stderr, len(run.errors)) == (1, "", 1)
    assert run.errors[0]["failure_type"] == "config_error"


def test_a_stream_that_is_there_twice_is_refused(
    account: Sandbox, tmp_path: Path, streams: str
) -> None:
    catalog = configured([*json.loads(streams), *json.loads(streams)])
    run = read(tmp_path, account.config(), NOW, catalog=catalog)
    (error,) = run.errors
    assert (run.code, error["failure_type"]) == (1, "config_error")
    assert "is there twice; leave one of the two out" in error["message"]


@pytest.mark.parametrize("broken", ["_read", "_end_days"])
def test_whatever_breaks_a_read_is_told_and_ends_the_streams_that_began(
    account: Sandbox, tmp_path: Path, streams: str, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Sync, broken, breaking)
    run = read(tmp_path, account.config(), NOW, catalog=configured(json.loads(streams)))
    assert (run.code, not_airbyte(run)) == (1, [])
    (error,) = run.errors
    assert (error["failure_type"], error["internal_message"]) == (
        "system_error",
        "ZeroDivisionError",
    )
    assert run.statuses("pulled_days")[-1] == "INCOMPLETE"


ANY = st.recursive(
    st.sampled_from([None, True, 0, "", "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("x"), inner),
    max_leaves=3,
)
PLACES = [
    *[(name, path) for name, path, _ in FIELDS],
    *[("tickets", ("properties",)), ("pulled_days", ("properties",)), ("tickets", ("type",))],
]


@given(place=st.sampled_from(PLACES), value=ANY)
@examples(40, many=1_000)
def test_no_schema_breaks_a_read(
    account: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
    streams: str,
    place: tuple[str, tuple[str, ...]],
    value: object,
) -> None:
    config, folder = account.config(start_date="2024-03-31"), tmp_path_factory.mktemp("read")
    run = read(folder, config, NOW, catalog=catalog_with(streams, *place, value))
    assert not_airbyte(run) == []
    assert [error["failure_type"] for error in run.errors] == ["config_error"] * run.code
