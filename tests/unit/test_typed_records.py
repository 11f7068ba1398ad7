"""The shortcut for usual records writes, byte for byte, what the general way writes."""

from __future__ import annotations

import json
import keyword
from typing import Any

import msgspec
import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.contrib.msgspec import encoder
from wire_samples import CALENDAR, CONTACT, CUSTOMER, OLDER_TICKET, TICKET

from tap_kapture.errors import KaptureRecordError
from tap_kapture.schemas import CONTACTS, CUSTOMERS, TICKETS, Column
from tap_kapture.shape.odd_records import OddShaper
from tap_kapture.shape.records import RecordShaper

KOLKATA = pendulum.timezone("Asia/Kolkata")
STREAMS: dict[str, tuple[tuple[Column, ...], dict[str, Any]]] = {
    "tickets": (TICKETS, TICKET),
    "customers": (CUSTOMERS, CUSTOMER),
}


def written(columns: tuple[Column, ...], rows: list[bytes], *, clean_text: bool) -> list[Any]:
    """Shape rows in both ways, compare them, and return the records as they are written."""
    general = OddShaper(columns, KOLKATA, clean_text=clean_text)
    typed = RecordShaper(columns, KOLKATA, clean_text=clean_text)
    behind = typed.odd
    found = []
    for row in rows:
        usual = encoder.encode(typed.shape(msgspec.Raw(row)))
        assert usual == encoder.encode(general.shape_row(row))
        found.append(json.loads(usual))
    assert behind.misfits() == general.misfits()
    return found


def changed(sample: dict[str, Any], **changes: object) -> bytes:
    """Return a record's JSON."""
    return json.dumps({**sample, **changes}).encode()


@pytest.mark.parametrize("clean_text", [True, False])
@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"extra_fields": None},
        {"extra_fields": {"a": 1}},
        {"unknown": "x&amp;"},
        {"day": "1", "emitted_at": None},
        {"status": 7, "name": 7},
        {"status": True, "name": Ellipsis},
        {"taskTitle": "a\0b", "name": "&lt;\0"},
        {"taskId": "42", "creatorId": " 42 "},
        {"taskId": "", "creatorId": " "},
        {"taskId": 2**63, "creatorId": -(2**63)},
        {"taskId": 2**63 - 1, "creatorId": 2**70},
        {"taskId": 1.0, "creatorId": 1.5},
        {"date": " 19-04-2024 14:19 ", "generationDate": CALENDAR},
        {"date": "soon", "generationDate": {**CALENDAR, "month": 12}},
        {"date": None, "generationDate": ""},
        {"date": 5, "generationDate": []},
        {"attachments": [1, "a", None], "contacts": [CONTACT, {**CONTACT, "age": "x"}]},
        {"attachments": None, "contacts": None},
        {"attachments": "", "contacts": [None]},
        {"attachments": {}, "contacts": {}},
        {"additional_info": {"a": ["&lt;"]}, "contacts": [{**CONTACT, "unknown": 1}]},
        {"additional_info": [], "contacts": [{**CONTACT, "isGuest": "1"}]},
        {"additional_info": "x", "contacts": [{}]},
        {"maxCreditAmt": "12.50", "isApi": 1, "deleted": "false"},
        {"maxCreditAmt": [], "isApi": "maybe"},
        {"maxCreditAmt": 2**70, "outStandingAmount": 2**63},
        {"maxCreditAmt": 2**63 - 1, "outStandingAmount": 2**53 + 1},
        {"maxCreditAmt": str(2**63), "outStandingAmount": str(2**53 + 1)},
        {"maxCreditAmt": "1e400", "outStandingAmount": "1e30", "unknown": 2**64},
        {"additional_info": {"a": [2**63, {"b": -(2**64)}]}, "contacts": [{"x": 2**63}]},
        {"attachments": ["", None, " ", "a"]},
    ],
)
def test_odd_values_take_the_general_way(
    stream: str,
    changes: dict[str, object],
    clean_text: bool,  # noqa: FBT001 - a case
) -> None:
    columns, sample = STREAMS[stream]
    changes = {name: value for name, value in changes.items() if value is not ...}
    row = changed(sample, **changes)
    written(columns, [row, row], clean_text=clean_text)


@pytest.mark.parametrize("value", ["1e400", "1e30", "1e19", "12345678901234567890e0", "1.5e308"])
def test_odd_numbers_of_customers_are_written_alike(value: str) -> None:
    amounts = f'"maxCreditAmt": {value}, "outStandingAmount": "{value}"'
    row = f'{{"id": 1, {amounts}, "contacts": [{{"age": {value}}}]}}'.encode()
    written(CUSTOMERS, [row], clean_text=True)


@pytest.mark.parametrize("columns", [TICKETS, CUSTOMERS, CONTACTS])
def test_every_column_may_be_written_in_generated_code(columns: tuple[Column, ...]) -> None:
    assert all(c.name.isidentifier() and not keyword.iskeyword(c.name) for c in columns)


def test_an_older_ticket_is_written_alike() -> None:
    (record,) = written(TICKETS, [changed(OLDER_TICKET)], clean_text=True)
    assert record["extra_fields"] == {"sla status": "out of sla"}
    assert record["contactId"] == 47895486


@pytest.mark.parametrize(
    "row",
    [
        b'{"ticketId": "1", "ticketId": "2", "taskId": "x", "taskId": 3}',
        b'{"ticketId": "1", "status": "a", "status": null}',
        b'{"ticketId": "1", "taskId": 1e2, "total_conversations": -0}',
        b'{"ticketId": "1", "additional_info": {"a": 1e99999999999999999999, "b": 0.10}}',
        b'{"ticketId": "1", "additional_info": {"a": -0.0, "b": 1E5, "c": 1e-400}}',
        b'{"ticketId": "1", "additional_info": {"a": 1e400, "b": 12345678901234567890e0}}',
        b'{"ticketId": "1", "total_conversations": 1e400, "unknown": [1e400]}',
        b"{}",
    ],
)
def test_odd_json_is_written_alike(row: bytes) -> None:
    written(TICKETS, [row], clean_text=True)


def test_numbers_keep_their_digits() -> None:
    row = b'{"id": 1, "maxCreditAmt": 0.10, "outStandingAmount": 12345678901234567890.125}'
    typed = RecordShaper(CUSTOMERS, KOLKATA, clean_text=True)
    text = encoder.encode(typed.shape(row))
    assert b'"maxCreditAmt":0.10,' in text
    assert b'"outStandingAmount":12345678901234567890.125,' in text


def test_invalid_bytes_are_left_to_the_caller() -> None:
    typed = RecordShaper(TICKETS, KOLKATA, clean_text=True)
    with pytest.raises(UnicodeDecodeError):
        typed.shape(b'{"ticketId": "\xff"}')


def test_a_record_beyond_what_parsers_take_is_named() -> None:
    typed = RecordShaper(TICKETS, KOLKATA, clean_text=True)
    value = b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(KaptureRecordError):
        typed.shape(b'{"ticketId": "1", "additional_info": {"a": ' + value + b"}}")


@pytest.mark.parametrize("clean_text", [True, False])
@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("number", [b"9" * 5000, b"-" + b"9" * 5000])
def test_a_number_too_long_for_parsers_is_kept_as_text(
    stream: str, number: bytes, *, clean_text: bool
) -> None:
    columns, sample = STREAMS[stream]
    names = ["taskId", "additional_info", "own"] if stream == "tickets" else ["creatorId", "own"]
    row = changed(sample, **dict.fromkeys(names, "?")).replace(b'"?"', b'{"a": [%b]}' % number)
    (record,) = written(columns, [row], clean_text=clean_text)
    kept = record["extra_fields"]
    assert [kept[name] for name in names] == [f'{{"a": [{number.decode()}]}}'] * len(names)
    assert [record[name] for name in names if name != "own"] == [None] * (len(names) - 1)
    (usual,) = written(columns, [changed(sample)], clean_text=clean_text)
    assert {name: record[name] for name in record.keys() - {*names, "extra_fields"}} == {
        name: usual[name] for name in usual.keys() - {*names, "extra_fields"}
    }


@pytest.mark.parametrize("clean_text", [True, False])
@pytest.mark.parametrize("depth", range(50, 1500, 50))
def test_a_deep_value_is_kept_or_its_record_named(depth: int, *, clean_text: bool) -> None:
    shaper = RecordShaper(TICKETS, KOLKATA, clean_text=clean_text)
    deep = b"[" * depth + b"]" * depth
    row = b'{"ticketId": "1", "detail": "x", "additional_info": {"a":%b}, "own":%b}' % (deep, deep)
    try:
        record = json.loads(encoder.encode(shaper.shape(row)))
    except KaptureRecordError:
        assert depth > 700
        return
    assert (record["ticketId"], record["detail"]) == ("1", "x")
    kept = record["extra_fields"]
    info = record["additional_info"] or kept["additional_info"]
    for value, sent in ((info, b'{"a":%b}' % deep), (kept["own"], deep)):
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        assert text.encode() == sent
    assert isinstance(kept["own"], list) or depth > 200
    unknown, unfit = shaper.odd.misfits()
    assert unknown == {"own": 1}
    assert unfit == ({} if record["additional_info"] else {"additional_info": 1})


def test_a_deep_value_in_a_contact_costs_nothing_else() -> None:
    shaper = RecordShaper(CUSTOMERS, KOLKATA, clean_text=True)
    deep = "[" * 600 + "]" * 600
    contact = json.dumps({**CONTACT, "own": "?"}).replace('"?"', deep)
    row = json.dumps({**CUSTOMER, "contacts": ["here"]}).replace('"here"', contact)
    record = json.loads(encoder.encode(shaper.shape(row.encode())))
    (shaped,) = record["contacts"]
    assert shaped["extra_fields"]["own"] in (deep, json.loads(deep))
    (usual,) = written(CUSTOMERS, [changed(CUSTOMER, contacts=[CONTACT])], clean_text=True)
    assert shaped == {**usual["contacts"][0], "extra_fields": shaped["extra_fields"]}


TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.floats(-1e9, 1e9, allow_nan=False)
    | TEXT
    | st.sampled_from(["", " ", "&lt;", "\0", "1", "true", "1.50", "19-04-2024 14:19", CALENDAR]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)


def records_like(
    sample: dict[str, Any], columns: tuple[Column, ...]
) -> st.SearchStrategy[dict[str, Any]]:
    """Draw records that differ from a sample in a few values."""
    names = st.sampled_from([column.name for column in columns])
    usual = st.dictionaries(names, TEXT | st.integers() | st.none(), max_size=4)
    odd = st.dictionaries(names | TEXT, VALUES, max_size=2)
    return st.builds(lambda *changes: sample | changes[0] | changes[1], usual, odd)


@given(
    tickets=st.lists(records_like(TICKET, TICKETS), min_size=1, max_size=3),
    clean_text=st.booleans(),
)
def test_tickets_are_written_alike(
    tickets: list[dict[str, Any]],
    clean_text: bool,  # noqa: FBT001 - drawn
) -> None:
    written(TICKETS, [json.dumps(each).encode() for each in tickets], clean_text=clean_text)


@given(
    customer=records_like(CUSTOMER, CUSTOMERS),
    contacts=st.none() | st.lists(records_like(CONTACT, CONTACTS), max_size=3),
    clean_text=st.booleans(),
)
def test_customers_are_written_alike(
    customer: dict[str, Any],
    contacts: list[dict[str, Any]] | None,
    clean_text: bool,  # noqa: FBT001 - drawn
) -> None:
    customer |= {} if contacts is None else {"contacts": contacts}
    written(CUSTOMERS, [json.dumps(customer).encode()], clean_text=clean_text)
