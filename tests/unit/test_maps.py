"""A stream map that cannot work is named before any request; neither it nor a record is shown."""

from __future__ import annotations

from typing import Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tap_kapture.errors import KaptureConfigError
from tap_kapture.singer.tap import TapKapture

SALT = "s4lt-of-ours"
BASE = {"subdomain": "acme", "auth_token": "token", "start_date": "2024-01-01"}


def tap_with(maps: object, **more: Any) -> TapKapture:  # noqa: ANN401 - settings by name
    """Return the tap with stream maps."""
    return TapKapture(config={**BASE, "stream_maps": maps, **more})


@pytest.mark.parametrize(
    ("maps", "place"),
    [
        ({"tickets": {"a": f"'{SALT}' +"}}, "tickets: the expression of 'a' is not valid"),
        ({"tickets": {"a": ""}}, "tickets: the expression of 'a' is not valid"),
        ({"tickets": {"a": "\0"}}, "tickets: the expression of 'a' is not valid"),
        ({"tickets": {"a": "(" * 500}}, "tickets: the expression of 'a' is not valid"),
        ({"tickets": {"__filter__": "((("}}, "tickets: the expression of '__filter__' is not"),
        ({"tickets": {"__alias__": "a +"}}, "tickets: the expression of '__alias__' is not"),
        ({"cust*": {"a": "1 +"}}, "cust*: the expression of 'a' is not valid"),
        ({"copy": {"__source__": "tickets", "a": "1 +"}}, "copy: the expression of 'a' is not"),
        ({"tickets": {"a": "x = 1"}}, "tickets: an expression is a statement"),
        ({"tickets": {"a": f"md6('{SALT}')"}}, "tickets: the expression of 'a' calls 'md6', which"),
        ({"tickets": {"a": "md5(sha1(phone))"}}, "tickets: the expression of 'a' calls 'sha1'"),
        (
            {"tickets": {"__filter__": "len(phone)"}},
            "tickets: the expression of '__filter__' calls",
        ),
        ({"tickets": {"a": "phon"}}, "tickets: the expression of 'a' names 'phon', which is no"),
        ({"tickets": {"a": "self"}}, "tickets: the expression of 'a' names 'self'"),
        ({"tickets": {"ticketId": None}}, "tickets: Removing key property 'ticketId'"),
        ({"tickets": {"__key_properties__": ["zz"]}}, "tickets: Invalid key properties"),
        ({"__foo__": {"a": f"'{SALT}'"}}, "__foo__: the SDK cannot use it (StreamMapConfigError)"),
        ({"ticket": {"a": "phone"}}, "'ticket' is no stream; there are customer_contacts, cust"),
        ({"copy": {"__source__": "ticket"}}, "'ticket' is no stream; there are"),
    ],
)
def test_a_map_that_cannot_work_is_named_and_not_shown(maps: object, place: str) -> None:
    with pytest.raises(KaptureConfigError) as caught:
        tap_with(maps, cm_id=1)
    assert str(caught.value).startswith(f"stream_maps: {place}")
    assert SALT not in f"{caught.value!r} {caught.value.__cause__}"
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("maps", "line"),
    [
        ({"tickets": 7}, "stream_maps.tickets: must be an object of expressions in text"),
        ({"tickets": "x"}, "stream_maps.tickets: must be an object of expressions in text"),
        ({"tickets": {"a": 7}}, "stream_maps.tickets: must be an object of expressions in text"),
        ({"tickets": {"__else__": "x"}}, "stream_maps.tickets: must be an object of"),
        ({"__else__": "x"}, "stream_maps.__else__: must be '__NULL__'"),
        ([], "stream_maps: must be of type object"),
    ],
)
def test_a_map_of_another_type_is_named(maps: object, line: str) -> None:
    with pytest.raises(ConfigValidationError) as caught:
        tap_with(maps)
    (error,) = caught.value.errors
    assert error.startswith(line)


@pytest.mark.parametrize(
    "maps",
    [
        {"tickets": None, "customers": "__NULL__"},
        {"tickets": {"a": "md5(phone) if phone else None", "phone": None}},
        {"tickets": {"phone": "str(self)", "b": "[x for x in attachments][0]"}},
        {"tickets": {"a": "config['salt']", "b": "_['sla status']", "c": "record['phone']"}},
        {"tickets": {"a": "__stream_name__", "b": "json.dumps(record)", "c": "True"}},
        {"tickets": {"a": "datetime.date.today()", "__filter__": "bool(status == 'Open')"}},
        {"tick*": {"__alias__": "mine"}, "copy": {"__source__": "customers", "a": "name.upper()"}},
        {"__else__": None, "tickets": {"__else__": "__NULL__", "ticketId": "ticketId"}},
        {"customers": {"a": "name"}},  # deselected, because cm_id is not set
    ],
)
def test_a_map_that_can_work_is_taken(maps: object) -> None:
    tap_with(maps, stream_map_config={"salt": SALT})


def test_a_stream_that_is_not_read_has_no_map() -> None:
    tap = tap_with({"*": {"a": "'x'"}})
    (mapped,), (plain,) = (tap.streams[name].stream_maps for name in ("tickets", "customers"))
    assert "a" in mapped.transformed_schema["properties"]
    assert "a" not in plain.transformed_schema["properties"]


def test_a_map_of_a_deselected_column_is_named() -> None:
    catalog = TapKapture(config=BASE).catalog_dict
    (tickets,) = [entry for entry in catalog["streams"] if entry["tap_stream_id"] == "tickets"]
    for each in tickets["metadata"]:
        if list(each["breadcrumb"]) == ["properties", "phone"]:
            each["metadata"]["selected"] = False
    config = {**BASE, "stream_maps": {"tickets": {"a": "phone"}}}
    with pytest.raises(KaptureConfigError, match=r"names 'phone'.*a deselected one"):
        TapKapture(config=config, catalog=catalog)


def test_an_expression_that_fails_on_a_record_shows_nothing_of_it() -> None:
    tap = tap_with({"tickets": {"a": "int(phone)", "__filter__": "phone.upper()"}})
    (stream_map,) = tap.streams["tickets"].stream_maps
    with pytest.raises(KaptureConfigError) as caught:
        stream_map.transform({"ticketId": "1", "phone": "Asha Rao"})
    assert str(caught.value).startswith(
        "stream_maps: tickets: the expression of 'a' fails on a record (ValueError)."
    )
    assert "Asha" not in f"{caught.value!r} {caught.value.__cause__}"
    with pytest.raises(KaptureConfigError, match="'__filter__' fails on a record"):
        stream_map.transform({"ticketId": "1", "phone": None})
