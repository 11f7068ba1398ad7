"""A variable means what it says, or is named; it is never shown."""

from __future__ import annotations

from typing import Any

import pytest

from tap_kapture.errors import KaptureConfigError
from tap_kapture.singer.tap import TapKapture

SECRET = "s3cret"  # noqa: S105 - made up
GOOD = {"subdomain": "acme", "auth_token": SECRET, "start_date": "2024-01-01"}


def config(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, Any]:
    """The configuration with variables by the names of their settings."""
    for name, text in variables.items():
        monkeypatch.setenv(f"TAP_KAPTURE_{name.upper()}", text)
    return dict(TapKapture(config=dict(GOOD), parse_env_config=True, setup_mapper=False).config)


def refusal(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    """Why the variables are refused."""
    with pytest.raises(KaptureConfigError) as caught:
        config(monkeypatch, **variables)
    assert SECRET not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("texts", "value"),
    [
        (("true", " true", "true\n", "TRUE", "1", "yes", "On"), True),
        (("false", "False ", "\t0", "NO", "off"), False),
    ],
)
@pytest.mark.parametrize("name", ["verify_last_page", "clean_text", "flattening_enabled"])
def test_a_boolean_may_have_blanks_around_it_and_any_letter_case(
    monkeypatch: pytest.MonkeyPatch, name: str, texts: tuple[str, ...], value: object
) -> None:
    for text in texts:
        assert config(monkeypatch, **{name: text})[name] is value, text


@pytest.mark.parametrize("name", ["verify_last_page", "clean_text", "flattening_enabled"])
@pytest.mark.parametrize("text", ["ture", "2", "y", "t", "null", '"true"', "true,", SECRET])
def test_a_text_that_is_no_boolean_is_not_taken_for_false(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    assert refusal(monkeypatch, **{name: text}) == (
        f"{name}: the environment variable TAP_KAPTURE_{name.upper()} holds no boolean; write true "
        "or false, or unset it"
    )


@pytest.mark.parametrize("text", ["", " ", "\n"])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("verify_last_page", "boolean"),
        ("page_size", "integer"),
        ("closed_statuses", "array"),
        ("http_headers", "object"),
    ],
)
def test_a_blank_variable_is_no_value(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: str, text: str
) -> None:
    told = refusal(monkeypatch, **{name: text})
    assert f"TAP_KAPTURE_{name.upper()} is blank, and so no {kind}; write " in told


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('["Complete", "Closed"]', ["Complete", "Closed"]),
        (' ["Complete"]\n', ["Complete"]),
        ("[]", []),
        ("Complete, Closed", ["Complete", "Closed"]),
        ("Complete", ["Complete"]),
    ],
)
def test_a_list_is_json_or_words_between_commas(
    monkeypatch: pytest.MonkeyPatch, text: str, value: list[str]
) -> None:
    assert config(monkeypatch, closed_statuses=text)["closed_statuses"] == value


@pytest.mark.parametrize(
    "text",
    [
        f'["{SECRET}", "Closed"',
        f"['{SECRET}']",
        f" [{SECRET}]",
        f"{SECRET},,Closed",
        f"{SECRET},",
        "[" * 100_000,
    ],
)
def test_a_list_that_is_none_is_not_taken_for_a_word(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    told = refusal(monkeypatch, closed_statuses=text)
    assert "TAP_KAPTURE_CLOSED_STATUSES holds no array; write a JSON list such as [" in told


@pytest.mark.parametrize("text", [f'{{"x-api-key": "{SECRET}"', SECRET, '{"a": NaN}'])
def test_an_object_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    told = refusal(monkeypatch, http_headers=text)
    assert "TAP_KAPTURE_HTTP_HEADERS holds no object; write a JSON object such as {" in told


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was warned of."""
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("LOOKBAK_DAYS", "lookbak_days: there is no such setting; did you mean 'lookback_days'?"),
        ("page_size", "page_size: there is no such setting; did you mean 'page_size'?"),
        ("ZZZ", "zzz: there is no such setting; see tap-kapture --about for the settings"),
    ],
)
def test_a_variable_that_names_no_setting_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str, told: str
) -> None:
    monkeypatch.setenv(f"TAP_KAPTURE_{name}", SECRET)
    assert "lookbak_days" not in config(monkeypatch)
    assert warnings(caplog) == [f"the environment variable TAP_KAPTURE_{name} is not read: {told}"]
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "variable",
    [
        "TAP_KAPTURE_LOGLEVEL",
        "TAP_KAPTURE__SELECT",
        "TAP_KAPTURE__LOAD_SCHEMA",
        "TAP_KAPTURE_METADATA",
        "TAP_KAPTURE_PAGE_SIZE",
        "TAP_KAPTURES",
        "KAPTURE_CLONE",
    ],
)
def test_a_variable_of_the_sdk_of_meltano_or_of_others_is_none_of_the_tap(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, variable: str
) -> None:
    monkeypatch.setenv(variable, "INFO" if variable.endswith("LOGLEVEL") else "7")
    config(monkeypatch)
    assert warnings(caplog) == []


def test_no_variable_is_told_of_that_nobody_asked_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TAP_KAPTURE_LOOKBAK_DAYS", "30")
    TapKapture(config=dict(GOOD))
    assert warnings(caplog) == []
