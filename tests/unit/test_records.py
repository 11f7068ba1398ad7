"""Shaping loses nothing: each wire key is in its column, or kept as it was sent."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from singer_sdk.contrib.msgspec import encoder
from wire_samples import CALENDAR, CONTACT, CUSTOMER, OLDER_TICKET, TICKET

from tap_kapture.schemas import (
    CONTACTS,
    CUSTOMERS,
    EXTRA_FIELDS,
    TICKETS,
    Column,
    Kind,
    json_schema,
)
from tap_kapture.shape.cleaning import clean, without_nul
from tap_kapture.shape.json import decode_record
from tap_kapture.shape.numbers import with_held_numbers
from tap_kapture.shape.odd_records import OddShaper

KOLKATA = pendulum.timezone("Asia/Kolkata")
STREAMS = {"ticketId": TICKETS, "id": CUSTOMERS}
VALIDATORS = {
    key: Draft202012Validator(json_schema(columns, key)) for key, columns in STREAMS.items()
}


def shaper(columns: tuple[Column, ...], *, clean_text: bool = True) -> OddShaper:
    """Return a shaper in the zone of the samples."""
    return OddShaper(columns, KOLKATA, clean_text=clean_text)


def shape_ticket(*, clean_text: bool = True, **raw: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Shape a ticket."""
    return shaper(TICKETS, clean_text=clean_text).shape({"ticketId": "1", **raw})


def shape_customer(**raw: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Shape a customer."""
    return shaper(CUSTOMERS).shape({"id": 1, **raw})


def wire(raw: dict[str, Any]) -> dict[str, Any]:
    """Send a record over the wire: fractions become Decimal."""
    return decode_record(json.dumps(raw).encode())


@pytest.mark.parametrize("columns", [TICKETS, CUSTOMERS, CONTACTS])
@pytest.mark.parametrize("raw", [{}, {"zzz": 1}, {"id": 1, "phone": "5"}])
def test_every_column_is_there_in_the_order_of_the_schema(
    columns: tuple[Column, ...], raw: dict[str, Any]
) -> None:
    shaped = shaper(columns).shape(raw)
    assert list(shaped) == [*(column.name for column in columns), EXTRA_FIELDS]


@pytest.mark.parametrize(
    ("key", "raw"), [("ticketId", TICKET), ("ticketId", OLDER_TICKET), ("id", CUSTOMER)]
)
@pytest.mark.parametrize("clean_text", [True, False])
def test_the_samples_fit_their_columns(
    key: str,
    raw: dict[str, Any],
    clean_text: bool,  # noqa: FBT001 - a case
) -> None:
    shapes = shaper(STREAMS[key], clean_text=clean_text)
    shaped = shapes.shape(wire(raw))
    VALIDATORS[key].validate(shaped)
    unknown, unconvertible = shapes.misfits()
    assert set(unknown) == ({"sla status"} if raw is OLDER_TICKET else set())
    assert not unconvertible


def test_a_ticket_is_shaped() -> None:
    shaped = shape_ticket(**TICKET)
    assert shaped["ticketId"] == "713516551148"
    assert shaped["date"] == "2024-04-19T08:49:00+00:00"
    assert shaped["taskEnddate"] is None
    assert shaped["creatorName"] == "Asha 'A' Rao"
    assert shaped["taskId"] == 530348198
    assert shaped["tat"] is None
    assert shaped["attachments"] == []
    assert shaped["additional_info"] == {}
    assert shaped["customerName"] is None
    assert shaped["extra_fields"] is None


def test_an_older_ticket_has_the_same_types() -> None:
    shaped = shape_ticket(**OLDER_TICKET)
    assert shaped["date"] == "2020-05-23T06:41:08+00:00"
    assert shaped["taskEnddate"] == "2020-05-23T07:07:00+00:00"
    assert shaped["contactId"] == 47895486
    assert shaped["total_conversations"] == 1
    assert shaped["disposition"] == "Customer Support|Query|Refunds "
    assert shaped["extra_fields"] == {"sla status": "out of sla"}


def test_a_customer_and_its_contacts_are_shaped() -> None:
    shaped = shape_customer(**wire(CUSTOMER))
    (contact,) = shaped["contacts"]
    instant = "2024-05-02T10:45:42+00:00"
    assert shaped["generationDate"] == shaped["lastModificationTime"] == instant
    assert contact["generationDate"] == instant
    assert shaped["feedbackOnCustomer"] == 0
    assert str(shaped["maxCreditAmt"]) == "0.0"
    assert shaped["address"] is None
    assert contact["gender"] is None
    assert contact["isPrimaryContact"] is True
    assert shaped["extra_fields"] is None
    assert contact["extra_fields"] is None


def test_text_is_verbatim_without_clean_text() -> None:
    raw = {
        "detail": "",
        "taskTitle": "&lt;",
        "queueName": " ",
        "newField": "&amp;\0",
        "phone": "\0",
    }
    shaped = shape_ticket(clean_text=False, **raw)
    assert {name: shaped[name] for name in raw if name != "newField"} == {
        name: value for name, value in raw.items() if name != "newField"
    }
    assert shaped["extra_fields"] == {"newField": "&amp;\0"}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("taskId", "x1"),
        ("taskId", True),
        ("taskId", Decimal("1.5")),
        ("date", "&lt;soon&gt;"),
        ("date", 1713516540),
        ("date", {**CALENDAR, "month": 12}),
        ("detail", {"a": ["&amp;"]}),
        ("attachments", {"a": 1}),
        ("additional_info", ["a"]),
    ],
)
def test_a_value_that_does_not_fit_is_null_and_kept_as_sent(column: str, value: object) -> None:
    shapes = shaper(TICKETS)
    shaped = shapes.shape({"ticketId": "1", column: value})
    assert shaped[column] is None
    assert shaped["extra_fields"] == {column: value}
    assert shapes.misfits()[1] == {column: 1}


@pytest.mark.parametrize("clean_text", [True, False])
@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (b"9223372036854775807", b"9223372036854775807"),
        (b"-9223372036854775807", b"-9223372036854775807"),
        (b"9223372036854775808", b'"9223372036854775808"'),
        (b"-9223372036854775808", b'"-9223372036854775808"'),
        (b"12345678901234567890e0", b'"12345678901234567890"'),
        (b"1e400", b'"1E+400"'),
        (b"-1e400", b'"-1E+400"'),
        (b"1e-400", b'"1E-400"'),
        (b"1e30", b"1E+30"),
        (b"10000000000000000000.0", b"10000000000000000000.0"),
    ],
)
def test_a_number_that_readers_cannot_hold_is_kept_as_its_text_at_every_depth(
    value: bytes,
    kept: bytes,
    clean_text: bool,  # noqa: FBT001 - a case
) -> None:
    nested = b'{"a": [%b, {"b": %b}], "c": %b}' % (value, value, value)
    row = b'{"id": 1, "zone": [%b], "n": %b, "o": %b, "contacts": [{"x": %b}]}' % (
        *(value, value, nested, value),
    )
    shaped = shaper(CUSTOMERS, clean_text=clean_text).shape_row(row)
    written = b'{"a":[%b,{"b":%b}],"c":%b}' % (kept, kept, kept)
    extra = b'{"zone":[%b],"n":%b,"o":%b}' % (kept, kept, written)
    assert encoder.encode(shaped["extra_fields"]) == extra
    assert encoder.encode(shaped["contacts"][0]["extra_fields"]) == b'{"x":%b}' % kept
    info = b'{"ticketId": "1", "additional_info": %b}' % nested
    ticket = shaper(TICKETS, clean_text=clean_text).shape_row(info)
    assert encoder.encode(ticket["additional_info"]) == written


@pytest.mark.parametrize(
    "value", [b"9223372036854775808", b"-9223372036854775808", b"1e400", b'"1e400"', b"1e-400"]
)
@pytest.mark.parametrize("column", ["maxCreditAmt", "zone"])
def test_a_number_that_readers_cannot_hold_fits_no_column(column: str, value: bytes) -> None:
    shapes = shaper(CUSTOMERS)
    shaped = shapes.shape_row(b'{"id": 1, "%b": %b}' % (column.encode(), value))
    assert shaped[column] is None
    assert isinstance(shaped["extra_fields"][column], str)
    assert shapes.misfits()[1] == {column: 1}


def test_an_unknown_key_is_kept_and_cleaned() -> None:
    shaped = shape_ticket(region={"name": "&lt;N&gt;", "tags": ["", "x\0"]}, vip=True, empty=" ")
    assert shaped["extra_fields"] == {
        "region": {"name": "<N>", "tags": [None, "x"]},
        "vip": True,
        "empty": None,
    }


def test_a_key_named_extra_fields_is_kept_inside_it() -> None:
    assert shape_ticket(extra_fields=7)["extra_fields"] == {"extra_fields": 7}


def test_nothing_of_a_contact_is_dropped_either() -> None:
    raw = {**CONTACT, "age": "old", "isActive": "1", "nickname": "A&amp;B", "extra_fields": [1]}
    shapes = shaper(CUSTOMERS)
    shaped = shapes.shape({"id": 1, "contacts": [raw, {}, raw]})
    first, empty, _ = shaped["contacts"]
    assert first["age"] is None
    assert first["isActive"] is True
    assert first["extra_fields"] == {"age": "old", "nickname": "A&B", "extra_fields": [1]}
    assert list(empty) == list(first)
    assert set(empty.values()) == {None}
    assert shaped["extra_fields"] is None
    unknown, unconvertible = shapes.misfits()
    assert unknown == {"contacts.nickname": 2, "contacts.extra_fields": 2}
    assert unconvertible == {"contacts.age": 2}


@pytest.mark.parametrize("contacts", [CONTACT, [CONTACT, None], [CONTACT, "x"], "x", 7])
def test_contacts_of_another_form_are_kept_whole(contacts: object) -> None:
    shaped = shape_customer(contacts=contacts)
    assert shaped["contacts"] is None
    assert shaped["extra_fields"] == {"contacts": contacts}


def test_records_do_not_share_what_they_hold() -> None:
    shapes = shaper(TICKETS)
    first = shapes.shape({"ticketId": "1", "x": 1})
    second = shapes.shape({"ticketId": "2", "y": 2})
    assert first["extra_fields"] == {"x": 1}
    assert second["extra_fields"] == {"y": 2}


def test_the_wire_record_is_left_as_it_was() -> None:
    raw = wire({**CUSTOMER, "x": {"a": "&lt;"}})
    before = repr(raw)
    shaper(CUSTOMERS).shape(raw)
    assert repr(raw) == before


def test_a_date_met_before_is_the_same_again() -> None:
    shapes = shaper(TICKETS)
    raw = {"ticketId": "1", "date": "19-04-2024 14:19", "nextFollowUp": " 19-04-2024 14:19"}
    assert shapes.shape(raw) == shapes.shape(raw)
    bad = {"ticketId": "1", "date": "soon"}
    assert shapes.shape(bad) == shapes.shape(bad)
    assert shapes.unconvertible == {"date": 2}


# Any JSON object

KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.sampled_from(
        ["", " ", "&nbsp;", "&lt;", "\0", "0", "1", "true", "FALSE", "1.50", "NaN", "1e999"]
    ),
    st.sampled_from(["19-04-2024 14:19", "May 2, 2024 4:15:42 PM", "2020-05-23 12:37", "soon"]),
    st.just(CALENDAR),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


def objects_of(columns: tuple[Column, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw objects whose keys are columns and others, each with any value at all."""
    names = st.sampled_from([column.name for column in columns])
    return st.dictionaries(names | KEYS, VALUES, max_size=12)


def is_blank(value: object) -> bool:
    """Whether a value says nothing."""
    return value is None or (isinstance(value, str) and clean(value) is None)


def check_nothing_is_lost(
    raw: dict[str, Any], shaped: dict[str, Any], columns: tuple[Column, ...]
) -> None:
    """Check that each wire key is found in the record, by rules of its own."""
    kinds = {column.name: column for column in columns if not column.made}
    extra = shaped[EXTRA_FIELDS] or {}
    for name, value in raw.items():
        column = kinds.get(name)
        if column is None:
            assert extra[name] == clean(value)
        elif name in extra:
            assert shaped[name] is None
            assert extra[name] == without_nul(value)
        elif is_blank(value):
            assert shaped[name] is None
        else:
            check_value(value, shaped[name], column)
    assert extra.keys() <= raw.keys()
    assert all(shaped[name] is None for name in kinds if name not in raw)


def check_value(value: Any, found: Any, column: Column) -> None:  # noqa: ANN401 - any JSON
    """Check that a column holds what the wire said."""
    assert found is not None
    if column.kind is Kind.OBJECTS:
        for raw, shaped in zip(value, found, strict=True):
            check_nothing_is_lost(raw, shaped, column.columns)
    elif column.kind is Kind.OBJECT:
        assert found == clean(value)
    elif column.kind is Kind.TEXTS:
        assert len(found) == len([each for each in value if not is_blank(each)])
    elif column.kind is Kind.INSTANT:
        assert found.endswith("+00:00")
    elif column.kind is Kind.BOOLEAN:
        assert found is (str(value).strip().lower() in {"true", "1"})
    elif column.kind in {Kind.NUMBER, Kind.INTEGER}:
        assert Decimal(str(value).strip()) == found
    elif isinstance(value, str):
        assert found == clean(value)
    else:
        assert json.loads(found, parse_float=Decimal) == value


@given(raw=objects_of(TICKETS))
def test_no_key_of_a_ticket_is_ever_lost(raw: dict[str, Any]) -> None:
    raw["ticketId"] = "1"
    shaped = shaper(TICKETS).shape(raw)
    check_nothing_is_lost(raw, shaped, TICKETS)
    VALIDATORS["ticketId"].validate(shaped)


@given(raw=objects_of(CUSTOMERS), contacts=st.lists(objects_of(CONTACTS), max_size=2) | VALUES)
def test_no_key_of_a_customer_or_contact_is_ever_lost(
    raw: dict[str, Any], contacts: object
) -> None:
    raw.update(id=1, contacts=contacts)
    shaped = shaper(CUSTOMERS).shape(raw)
    check_nothing_is_lost(raw, shaped, CUSTOMERS)
    VALIDATORS["id"].validate(shaped)


@given(raw=objects_of(TICKETS))
def test_verbatim_text_is_never_changed(raw: dict[str, Any]) -> None:
    raw["ticketId"] = "1"
    shaped = shaper(TICKETS, clean_text=False).shape(raw)
    VALIDATORS["ticketId"].validate(shaped)
    texts = {column.name for column in TICKETS if column.kind is Kind.TEXT}
    for name, value in raw.items():
        if name in texts and isinstance(value, str):
            assert shaped[name] == value
        elif name not in shaped:
            assert shaped[EXTRA_FIELDS][name] == with_held_numbers(value)
