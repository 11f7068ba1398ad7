"""Every bad setting is named before any request, and no secret is shown on the way."""

from __future__ import annotations

import datetime as dt
import json
import logging
from dataclasses import fields
from decimal import Decimal
from typing import Any

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.exceptions import ConfigValidationError

from tap_kapture.settings.groups import Settings
from tap_kapture.singer.tap import TapKapture

TOKEN = "dG9rZW46dmVyeS1zZWNyZXQ="  # noqa: S105 - made up
GOOD = {"subdomain": "acme", "auth_token": TOKEN, "start_date": "2024-01-01"}


def parsed(**config: Any) -> Settings:  # noqa: ANN401 - settings by name
    """Return the settings of a good configuration with changes; None leaves one out."""
    merged = {**GOOD, **config}
    given_config = {name: value for name, value in merged.items() if value is not None}
    return TapKapture(config=given_config).settings


def problems(**config: Any) -> list[str]:  # noqa: ANN401 - settings by name
    """Return what is wrong with a configuration."""
    try:
        parsed(**config)
    except ConfigValidationError as error:
        return error.errors
    return []


def test_a_minimal_configuration_has_the_documented_defaults() -> None:
    found = parsed()
    assert found.account.base_url == "https://acme.kapturecrm.com"
    assert found.window.start_day == dt.date(2024, 1, 1)
    assert found.window.end_day is None
    assert str(found.account.zone) == "Asia/Kolkata"
    assert (found.freshness.lookback_days, found.freshness.open_ticket_refresh_days) == (2, 90)
    assert (found.paging.page_size, found.paging.verify_last_page) == (500, True)
    assert (found.pace.concurrency, found.pace.max_retries, found.pace.request_timeout) == (
        4,
        8,
        120,
    )
    assert found.freshness.closed_statuses == {
        *("complete", "completed", "closed", "resolved", "solved", "junk", "merged"),
    }
    assert found.account.clean_text is True
    assert found.window.backfill_order == "oldest_first"
    assert found.account.cm_id is None
    assert found.account.http_headers == {}
    assert found.account.bodies == {"tickets": {}, "customers": {}}
    assert found.account.no_data == found.account.retry == ()
    assert found.account.user_agent.startswith("tap-kapture/")


def test_the_known_paths_are_the_default() -> None:
    config = TapKapture(config=dict(GOOD)).config
    assert config["tickets_path"] == "/select-ticket-between-start-and-end-dates.html/v.2.0"
    assert config["customers_path"] == "/select-customer-between-start-and-end-dates.html"


def test_null_means_not_set() -> None:
    config = {**GOOD, "end_date": None, "page_size": None, "api_url": None}
    assert TapKapture(config=config).settings == parsed()


def test_values_get_the_types_that_the_code_needs() -> None:
    found = parsed(
        cm_id=1000298.0,
        page_size=200.0,
        concurrency=2.0,
        closed_statuses=[" Done ", "SHUT"],
        no_data_messages=["nothing (here|there)"],
        retry_messages=["come back"],
        end_date="2024-02-01",
        user_agent="acme-etl/1.0",
    )
    assert [
        type(v) for v in (found.account.cm_id, found.paging.page_size, found.pace.concurrency)
    ] == [int] * 3
    assert found.freshness.closed_statuses == {"done", "shut"}
    assert found.account.no_data[0].search("NOTHING THERE")
    assert found.account.retry[0].search("Come back")
    assert found.window.end_day == dt.date(2024, 2, 1)
    assert found.account.user_agent == "acme-etl/1.0"


GROUPS = [field.name for field in fields(Settings)]
INTEGERS = [
    *("cm_id", "lookback_days", "open_ticket_refresh_days", "page_size", "concurrency"),
    *("max_retries", "request_timeout"),
]


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("value", [10.0, Decimal("10.0"), Decimal(10), Decimal("1e1")])
def test_an_integer_may_be_written_with_a_point(name: str, value: object) -> None:
    settings = parsed(**{name: value})
    group = next(group for group in GROUPS if hasattr(getattr(settings, group), name))
    found = getattr(getattr(settings, group), name)
    assert (type(found), found) == (int, 10)


def test_settings_of_the_sdk_may_be_written_with_a_point_too() -> None:
    config = {
        **GOOD,
        "flattening_enabled": True,
        "flattening_max_depth": Decimal("2.0"),
        "batch_config": {
            "encoding": {"format": "jsonl"},
            "storage": {"root": "file:///tmp"},
            "batch_size": 10.0,
        },
    }
    found = TapKapture(config=config).config
    assert type(found["flattening_max_depth"]) is int
    assert type(found["batch_config"]["batch_size"]) is int


@pytest.mark.parametrize(
    "value", [1.5, Decimal("1.5"), Decimal("1e999999999"), float("nan"), float("inf")]
)
@pytest.mark.parametrize("name", INTEGERS)
def test_a_number_that_is_not_whole_is_named(name: str, value: object) -> None:
    lines = problems(**{name: value})
    assert f"{name}: must be of type integer" in lines[0]
    assert all(line.startswith(f"{name}: ") for line in lines)


def test_a_missing_setting_is_named_once() -> None:
    assert problems(start_date=None) == ["start_date: required, but not set"]


def test_all_missing_settings_are_named_once() -> None:
    with pytest.raises(ConfigValidationError) as caught:
        TapKapture(config={})
    assert caught.value.errors == [
        "start_date: required, but not set",
        "auth_token: required, unless 'tickets_auth_token' is set",
    ]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("page_size", 0, "must be at least 1"),
        ("page_size", 5001, "must be at most 5000"),
        ("page_size", -1, "must be at least 1"),
        ("page_size", "100", "must be of type integer"),
        ("page_size", 1.5, "not number"),
        ("page_size", True, "not boolean"),
        ("lookback_days", -1, "must be at least 0"),
        ("open_ticket_refresh_days", -1, "must be at least 0"),
        ("concurrency", 0, "must be at least 1"),
        ("concurrency", 33, "must be at most 32"),
        ("max_retries", -1, "must be at least 0"),
        ("request_timeout", 0, "must be at least 1"),
        ("request_timeout", 86_401, "must be at most 86400"),
        ("request_timeout", 10**10, "must be at most 86400"),
        ("cm_id", 0, "must be at least 1"),
        ("cm_id", "1000298", "must be of type integer"),
        ("verify_last_page", "false", "must be of type boolean"),
        ("clean_text", 1, "must be of type boolean"),
        ("backfill_order", "newest", "must be one of ['oldest_first', 'newest_first']"),
        ("closed_statuses", "Closed", "must be of type array"),
        ("tickets_body", [], "must be of type object"),
        ("customers_body", "x", "must be of type object"),
        ("http_headers", "x-api-key: 1", "must be of type object"),
        ("auth_token", 12345, "must be of type string"),
        ("start_date", 20240101, "must be of type string"),
        # what no schema can say
        ("subdomain", "acme.kapturecrm.com", "the account's name alone"),
        ("subdomain", "https://acme", "the account's name alone"),
        ("subdomain", "acme/evil", "the account's name alone"),
        ("subdomain", "acme@evil.com#", "the account's name alone"),
        ("subdomain", "-acme", "the account's name alone"),
        ("start_date", "01-01-2024", "'01-01-2024' is no date; write it as YYYY-MM-DD"),
        ("start_date", "2024-02-30", "is no date"),
        ("start_date", "", "is no date"),
        ("start_date", "0001-01-01T00:00:00+14:00", "is no date"),
        ("end_date", "tomorrow", "is no date"),
        ("end_date", "2023-12-31", "2023-12-31 lies before start_date 2024-01-01"),
        ("timezone", "IST+5", "'IST+5' is no IANA time zone"),
        ("timezone", "", "is no IANA time zone"),
        ("timezone", "Asia", "is no IANA time zone"),
        ("timezone", "../../etc/passwd", "is no IANA time zone"),
        ("tickets_path", "tickets", "begins with one slash"),
        ("tickets_path", "//evil.example.com/x", "begins with one slash"),
        ("tickets_path", "/a b", "begins with one slash"),
        ("customers_path", "https://evil.example.com", "begins with one slash"),
        ("customers_path", "", "begins with one slash"),
        ("user_agent", "", "printable ASCII"),
        ("user_agent", "tap\n", "printable ASCII"),
        ("user_agent", " tap", "printable ASCII"),
        ("no_data_messages", ["("], "does not compile"),
        ("no_data_messages", [""], "so that every failure would be an empty day"),
        ("no_data_messages", ["nothing", ".*"], "so that every failure would be an empty day"),
        ("no_data_messages", ["."], "matches any text"),
        ("no_data_messages", ["(nothing)?"], "matches any text"),
        ("no_data_messages", ["$"], "matches any text"),
        ("retry_messages", ["^$"], "matches any text"),
        ("no_data_messages", [r"\w+"], "matches any text"),
        ("retry_messages", ["("], "does not compile"),
        ("retry_messages", [".*"], "so that every failure would be tried again for nothing"),
        ("retry_messages", ["[a-z]"], "matches any text"),
        ("retry_messages", "busy", "must be of type array"),
        ("auth_token", "", "the token as Kapture issued it"),
        ("auth_token", "   ", "the token as Kapture issued it"),
        ("auth_token", "Basic", "the token as Kapture issued it"),
        ("auth_token", "Basic ", "the token as Kapture issued it"),
    ],
)
def test_a_bad_value_is_named(name: str, value: object, says: str) -> None:
    (line,) = problems(**{name: value})
    assert line.startswith(f"{name}: ")
    assert says in line


def test_an_element_of_the_wrong_type_is_named() -> None:
    (line,) = problems(closed_statuses=["Closed", None])
    assert line == "closed_statuses.1: must be of type string, not null"
    (line,) = problems(no_data_messages=[7])
    assert line == "no_data_messages.0: must be of type string, not integer"


def test_every_bad_value_is_named_at_once() -> None:
    lines = problems(start_date="soon", timezone="nowhere", tickets_path="x", subdomain="a b")
    assert [line.split(":")[0] for line in lines] == [
        *("timezone", "subdomain", "start_date", "tickets_path"),
    ]
    lines = problems(page_size=0, concurrency=99, lookback=1)
    assert {line.split(":")[0] for line in lines} == {"page_size", "concurrency", "lookback"}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("pagesize", "did you mean 'page_size'?"),
        ("auth_tokn", "did you mean 'auth_token'?"),
        ("startdate", "did you mean 'start_date'?"),
        ("time_zone", "did you mean 'timezone'?"),
        ("AUTH_TOKEN", "tap-kapture --about"),
        ("zzz", "tap-kapture --about"),
    ],
)
def test_an_unknown_setting_is_named_with_a_hint(name: str, hint: str) -> None:
    (line,) = problems(**{name: "value-that-may-be-secret"})
    assert line.startswith(f"{name}: there is no such setting; ")
    assert hint in line
    assert "secret" not in line


@pytest.mark.parametrize("builtin", ["stream_maps", "stream_map_config", "faker_config"])
def test_the_settings_of_the_sdk_stay(builtin: str) -> None:
    assert problems(**{builtin: {}}) == []
    assert problems(flattening_enabled=True, flattening_max_depth=3) == []


# A token for each API


def test_one_token_opens_both_streams() -> None:
    found = parsed()
    assert [found.account.token_of(stream) for stream in ("tickets", "customers")] == [TOKEN, TOKEN]
    assert (
        found.account.token_setting("tickets")
        == found.account.token_setting("customers")
        == "auth_token"
    )


def test_a_token_of_a_stream_takes_the_place_of_the_common_one() -> None:
    found = parsed(customers_auth_token="Basic other")  # noqa: S106 - made up
    assert (found.account.token_of("tickets"), found.account.token_of("customers")) == (
        TOKEN,
        "other",
    )
    assert found.account.token_setting("tickets") == "auth_token"
    assert found.account.token_setting("customers") == "customers_auth_token"
    assert found.account.secrets == (TOKEN, "other")


def test_the_common_token_is_not_needed_beside_those_of_the_streams() -> None:
    tokens = {"tickets_auth_token": "one", "customers_auth_token": "two"}
    found = parsed(auth_token=None, cm_id=1, **tokens)
    assert (found.account.token_of("tickets"), found.account.token_of("customers")) == (
        "one",
        "two",
    )
    assert sorted(found.account.secrets) == ["one", "two"]


def test_a_stream_without_a_token_has_none() -> None:
    assert parsed(auth_token=None, tickets_auth_token=TOKEN).account.token_of("customers") == ""


@pytest.mark.parametrize(
    ("config", "needed"),
    [
        ({}, "'tickets_auth_token' is"),
        ({"cm_id": 7}, "'tickets_auth_token' and 'customers_auth_token' are"),
        ({"cm_id": 7, "customers_auth_token": "x"}, "'tickets_auth_token' is"),
        ({"customers_auth_token": "x"}, "'tickets_auth_token' is"),
    ],
)
def test_a_missing_token_says_which_settings_take_its_place(
    config: dict[str, Any], needed: str
) -> None:
    assert problems(auth_token=None, **config) == [f"auth_token: required, unless {needed} set"]


@pytest.mark.parametrize("name", ["tickets_auth_token", "customers_auth_token"])
@pytest.mark.parametrize("value", ["", "Basic ", "a b"])
def test_a_bad_token_of_a_stream_is_named(name: str, value: str) -> None:
    (line,) = problems(**{name: value})
    assert line.startswith(f"{name}: must be the token as Kapture issued it")


# Where to


@pytest.mark.parametrize(
    ("api_url", "base"),
    [
        ("https://crm.example.com", "https://crm.example.com"),
        ("https://crm.example.com/", "https://crm.example.com"),
        (" https://crm.example.com/api/ ", "https://crm.example.com/api"),
        ("HTTPS://crm.example.com:8443", "HTTPS://crm.example.com:8443"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://LOCALHOST", "http://LOCALHOST"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_is_taken(api_url: str, base: str) -> None:
    assert parsed(subdomain=None, api_url=api_url).account.base_url == base


@pytest.mark.parametrize(
    "api_url",
    [
        *("http://crm.example.com", "http://localhost.example.com", "http://127.0.0.1.example.com"),
        *("http://127.0.0.2", "http://10.0.0.1", "http://0.0.0.0", "http://[::2]", "http://acme"),
    ],
)
def test_a_token_never_travels_in_clear(api_url: str) -> None:
    (line,) = problems(subdomain=None, api_url=api_url)
    assert line.startswith("api_url: http:// would send the token in clear")


@pytest.mark.parametrize(
    "api_url",
    [
        *(
            "crm.example.com",
            "ftp://crm.example.com",
            "https://",
            "https:///x",
            "file:///etc/hosts",
        ),
        *("https://[::1", "https://a:port", "https://a:99999", "x", "https://user@a.com"),
        *(f"https://u:{TOKEN}@a.com", f"https://a.com/?token={TOKEN}", f"https://a.com/#{TOKEN}"),
    ],
)
def test_an_address_that_is_none_is_named_but_not_shown(api_url: str) -> None:
    (line,) = problems(subdomain=None, api_url=api_url)
    assert line.startswith("api_url: must ")
    assert TOKEN not in line


@pytest.mark.parametrize(
    ("config", "state"),
    [
        ({"subdomain": None}, "neither is set"),
        ({"subdomain": ""}, "neither is set"),
        ({"api_url": "https://crm.example.com"}, "both are set"),
    ],
)
def test_exactly_one_of_subdomain_and_address_is_needed(config: dict[str, Any], state: str) -> None:
    (line,) = problems(**config)
    assert line == f"subdomain, api_url: exactly one of the two is needed, but {state}"


def test_a_subdomain_may_have_capitals() -> None:
    assert parsed(subdomain="Acme-2").account.base_url == "https://acme-2.kapturecrm.com"


# Days


def test_a_date_time_counts_as_its_day_in_the_account_zone() -> None:
    assert parsed(start_date="2024-01-01T20:00:00Z").window.start_day == dt.date(2024, 1, 2)
    utc = parsed(start_date="2024-01-01T20:00:00Z", timezone="UTC")
    assert utc.window.start_day == dt.date(2024, 1, 1)
    assert parsed(end_date="2024-01-05T20:00:00Z").window.end_day == dt.date(2024, 1, 6)
    assert type(utc.window.start_day) is dt.date


def test_the_first_and_last_day_may_be_one() -> None:
    assert problems(end_date="2024-01-01") == []


def test_the_zone_is_the_accounts() -> None:
    assert parsed(timezone=" America/New_York ").account.zone == pendulum.timezone(
        "America/New_York"
    )


# Secrets


@pytest.mark.parametrize(
    "pasted", [TOKEN, f"Basic {TOKEN}", f"basic  {TOKEN} ", f" BASIC\t{TOKEN}\n", f"\n{TOKEN}"]
)
def test_a_pasted_basic_prefix_is_stripped(pasted: str) -> None:
    assert parsed(auth_token=pasted).account.token_of("tickets") == TOKEN


def test_only_a_prefix_is_stripped() -> None:
    token = "BasicToken"  # noqa: S105 - made up
    assert parsed(auth_token=token).account.token_of("tickets") == token


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"Authorization": TOKEN}, "Authorization is set by the tap itself"),
        ({"content-type": TOKEN}, "content-type is set by the tap itself"),
        ({"HOST": TOKEN}, "HOST is set by the tap itself"),
        ({"User-Agent": TOKEN}, "User-Agent is set by the tap itself; its setting is 'user_agent'"),
        ({"user-agent": TOKEN}, "user-agent is set by the tap itself; its setting is 'user_agent'"),
        ({"x-key": f"{TOKEN}\r\nx-evil: 1"}, "the value of x-key"),
        ({"x-key": f"\u0905{TOKEN}"}, "the value of x-key"),
        ({"x-key": f" {TOKEN}"}, "the value of x-key"),
        ({"x-key": 12345}, "the value of x-key"),
        ({"x-key": ""}, "the value of x-key"),
        ({f"x key {TOKEN}": "1"}, "a header name that HTTP does not allow"),
        ({"": "1"}, "a header name that HTTP does not allow"),
    ],
)
def test_a_bad_header_is_named_without_its_value(headers: dict[str, Any], says: str) -> None:
    (line,) = problems(http_headers=headers)
    assert line.startswith("http_headers: ")
    assert says in line
    assert TOKEN not in line
    assert "12345" not in line


def test_every_secret_is_masked_longest_first() -> None:
    found = parsed(http_headers={"x-api-key": "short", "x-other": TOKEN + "longer"})
    assert found.account.secrets == (TOKEN + "longer", TOKEN, "short")


def test_settings_do_not_show_their_secrets() -> None:
    shown = repr(parsed(http_headers={"x-api-key": "other-secret"}))
    assert TOKEN not in shown
    assert "other-secret" not in shown


@given(
    secret=st.text(max_size=30).map("Zq7xK2w{}".format),
    setting=st.sampled_from(["auth_token", "customers_auth_token", "http_headers"]),
    other=st.sampled_from([{}, {"page_size": 0}, {"timezone": "x"}, {"zzz": 1}]),
    listed=st.booleans(),
)
def test_no_message_and_no_log_line_shows_a_secret(
    secret: str,
    setting: str,
    other: dict[str, Any],
    listed: bool,  # noqa: FBT001 - drawn
) -> None:
    value: Any = [secret] if listed else secret
    config = {
        "auth_token": {"auth_token": value},
        "customers_auth_token": {"customers_auth_token": value},
        "http_headers": {"http_headers": {"x-api-key": value}},
    }[setting]
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign] # a probe
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        lines += problems(**config, **other)
    finally:
        root.removeHandler(handler)
    shown = "\n".join(lines)
    assert secret not in shown
    assert json.dumps(secret)[1:-1] not in shown
    assert repr(secret)[1:-1] not in shown
