"""A token of an API opens its stream, is named by its setting when refused, and is never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from failing_account import FOR_EVER, LAST, NOW, TOKEN, assert_stopped, config_of
from tap_process import asked, catalog_of, leaked, not_the_truth, pull, run_tap, select, untruths

from sandbox import Fault, Sandbox
from tap_kapture.errors import KaptureConfigError

if TYPE_CHECKING:
    from pathlib import Path

WRONG = "d3Jvbmc6dG9rZW4="
DEBUG = {"LOGLEVEL": "DEBUG"}


def config_with(sandbox: Sandbox, **tokens: str) -> dict[str, object]:
    """Return settings with these tokens only."""
    return {name: v for name, v in config_of(sandbox).items() if name != "auth_token"} | tokens


@pytest.mark.parametrize(
    "tokens",
    [
        {"tickets_auth_token": TOKEN, "customers_auth_token": f"Basic {TOKEN}"},
        {"auth_token": TOKEN, "customers_auth_token": TOKEN},
        {"auth_token": WRONG, "tickets_auth_token": TOKEN, "customers_auth_token": TOKEN},
    ],
)
def test_each_stream_is_opened_by_its_own_token(ill: Sandbox, tokens: dict[str, str]) -> None:
    output = pull(config_with(ill, **tokens), NOW)
    assert not_the_truth(output, ill) == []
    assert {seen.headers["Authorization"] for seen in ill.requests} == {f"Basic {TOKEN}"}


@pytest.mark.parametrize("stream", ["customers", "tickets"])
def test_the_setting_of_a_refused_token_is_named_and_no_token_shown(
    ill: Sandbox, tmp_path: Path, stream: str
) -> None:
    config = config_with(ill, **{"auth_token": TOKEN, f"{stream}_auth_token": WRONG})
    output = run_tap(tmp_path, config, at=NOW, environment=DEBUG)
    assert_stopped(output, stream, LAST, 0, f"Check '{stream}_auth_token'", "Kapture support")
    assert leaked(output.chatter(), {TOKEN, WRONG}) == []


def test_a_token_that_is_echoed_is_masked_whichever_it_is(ill: Sandbox, tmp_path: Path) -> None:
    tokens = {"auth_token": WRONG, "tickets_auth_token": TOKEN, "customers_auth_token": TOKEN}
    text = f"not {WRONG}, not {TOKEN}"
    ill.faults = [Fault("failed", text=text, times=FOR_EVER)]
    output = run_tap(tmp_path, config_with(ill, **tokens), at=NOW, environment=DEBUG)
    assert_stopped(output, "customers", LAST, 0, "not [secret], not [secret]")
    assert leaked(output.chatter(), {TOKEN, WRONG}) == []


def test_customers_without_a_token_are_named_before_any_request(
    ill: Sandbox, tmp_path: Path
) -> None:
    config = config_with(ill, tickets_auth_token=TOKEN)
    output = run_tap(tmp_path, config, at=NOW)
    assert output.code == 1
    (line,) = output.errors()
    assert line.startswith("customers_auth_token: customers is selected, but has no token.")
    assert list(ill.requests) == []
    with pytest.raises(KaptureConfigError, match="customers_auth_token"):
        pull(config, NOW)


def test_customers_that_are_deselected_need_no_token(ill: Sandbox) -> None:
    config = config_with(ill, tickets_auth_token=TOKEN)
    catalog = catalog_of(config)
    select(catalog, "customers", None, selected=False)
    output = pull(config, NOW, catalog=catalog)
    assert untruths(output.table("tickets"), ill.truth("tickets")) == []
    assert asked(ill, "customers") == []
