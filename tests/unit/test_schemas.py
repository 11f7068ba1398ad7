"""Every column is described, nullable but for the key, and of the type that the samples show."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from wire_samples import CONTACT, CUSTOMER, OLDER_TICKET, TICKET

from tap_kapture.schemas import (
    CONTACTS,
    CUSTOMER_CONTACTS,
    CUSTOMERS,
    EXTRA_FIELDS,
    PULLED_DAYS,
    TICKETS,
    Column,
    Kind,
    json_schema,
)

SNAPSHOTS = Path(__file__).parent / "snapshots"
STREAMS = {
    "tickets": (TICKETS, ["ticketId"]),
    "customers": (CUSTOMERS, ["id"]),
    "customer_contacts": (CUSTOMER_CONTACTS, ["id"]),
    "pulled_days": (PULLED_DAYS, ["stream", "day"]),
}
TABLES = {"tickets": TICKETS, "customers": CUSTOMERS, "contacts": CONTACTS}
CUSTOMER_DETAILS = {"customerName", "customerPhone", "customerEmail", "companyName"}
NUMBERS_SENT_AS_TEXT = {"feedbackOnCustomer", "syncdLocationId"}
DATES = {
    "tickets": {"date", "nextFollowUp", "lastFollowUp", "lastConvesationTime", "taskEnddate"},
    "customers": {"generationDate", "lastModificationTime"},
    "contacts": {"generationDate"},
}
SAMPLES = {"tickets": TICKET, "customers": CUSTOMER, "contacts": CONTACT}


def schema_of(stream: str) -> dict[str, Any]:
    """Return the JSON Schema of a stream."""
    columns, keys = STREAMS[stream]
    return json_schema(columns, *keys)


def properties_of(schema: dict[str, Any], path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Return every property with its path, nested ones too."""
    found = []
    for name, definition in schema["properties"].items():
        found.append((f"{path}{name}", definition))
        items = definition.get("items", {})
        if "properties" in items:
            found += properties_of(items, f"{path}{name}.")
    return found


EVERY = [(stream, *each) for stream in STREAMS for each in properties_of(schema_of(stream))]


@pytest.mark.parametrize(("stream", "path", "definition"), EVERY)
def test_every_column_is_described_and_of_one_type(
    stream: str, path: str, definition: dict[str, Any]
) -> None:
    described = definition["description"]
    assert described == described.strip()
    assert len(described) > 3
    assert described[0].isupper()
    assert described.endswith(".")
    is_key = path in STREAMS[stream][1]
    assert [each for each in definition["type"] if each != "null"] == definition["type"][:1]
    assert ("null" in definition["type"]) is not is_key


@pytest.mark.parametrize("stream", STREAMS)
def test_only_the_key_is_required(stream: str) -> None:
    schema = schema_of(stream)
    keys = STREAMS[stream][1]
    assert schema["required"] == keys
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    nothing = dict.fromkeys(schema["properties"])
    assert not validator.is_valid(nothing)
    kinds = {"string": "1", "integer": 1}
    given = {key: kinds[schema["properties"][key]["type"][0]] for key in keys}
    assert validator.is_valid({**nothing, **given})


@pytest.mark.parametrize("table", TABLES)
def test_no_column_is_defined_twice(table: str) -> None:
    names = [column.name for column in TABLES[table]]
    assert len(set(names)) == len(names)
    assert EXTRA_FIELDS not in names


def test_every_key_of_the_samples_has_its_column() -> None:
    sent = {table: {c.name for c in columns if not c.made} for table, columns in TABLES.items()}
    assert sent["tickets"] == TICKET.keys() | CUSTOMER_DETAILS
    assert OLDER_TICKET.keys() - {"sla status"} <= sent["tickets"]
    assert sent["customers"] == CUSTOMER.keys()
    assert sent["contacts"] == CONTACT.keys()


@pytest.mark.parametrize("table", ["tickets", "customers"])
def test_what_the_tap_adds_comes_last(table: str) -> None:
    columns = TABLES[table]
    assert [column.name for column in columns if column.made] == ["day", "emitted_at"]
    assert [column.made for column in columns] == sorted(column.made for column in columns)


def kind_of(table: str, name: str, value: object) -> Kind:
    """Return the kind that a value in a sample speaks for."""
    if name in DATES[table]:
        return Kind.INSTANT
    if name in NUMBERS_SENT_AS_TEXT:
        return Kind.INTEGER
    if name == "contacts":
        return Kind.OBJECTS
    kinds = {
        str: Kind.TEXT,
        bool: Kind.BOOLEAN,
        int: Kind.INTEGER,
        float: Kind.NUMBER,
        list: Kind.TEXTS,
        dict: Kind.OBJECT,
    }
    return kinds[type(value)]


@pytest.mark.parametrize("table", TABLES)
def test_types_are_those_of_the_samples(table: str) -> None:
    expected = {name: kind_of(table, name, value) for name, value in SAMPLES[table].items()}
    expected |= dict.fromkeys(CUSTOMER_DETAILS if table == "tickets" else (), Kind.TEXT)
    sent = [column for column in TABLES[table] if not column.made]
    assert {column.name: column.kind for column in sent} == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.TEXT, {"type": ["string", "null"]}),
        (Kind.INTEGER, {"type": ["integer", "null"]}),
        (Kind.NUMBER, {"type": ["number", "null"]}),
        (Kind.BOOLEAN, {"type": ["boolean", "null"]}),
        (Kind.DAY, {"type": ["string", "null"], "format": "date"}),
        (Kind.INSTANT, {"type": ["string", "null"], "format": "date-time"}),
        (Kind.TEXTS, {"type": ["array", "null"], "items": {"type": ["string", "null"]}}),
        (Kind.OBJECT, {"type": ["object", "null"], "additionalProperties": True}),
    ],
)
def test_each_kind_has_its_json_schema(kind: Kind, expected: dict[str, Any]) -> None:
    columns = (Column("id", Kind.TEXT, "Key."), Column("a", kind, "What it is."))
    schema = json_schema(columns, "id")
    assert schema["properties"]["a"] == {**expected, "description": "What it is."}


@pytest.mark.parametrize("stream", STREAMS)
def test_what_has_no_column_of_its_own_has_a_place(stream: str) -> None:
    every = dict(properties_of(schema_of(stream)))
    places = [path for path in every if path.split(".")[-1] == EXTRA_FIELDS]
    assert (
        places
        == {
            "tickets": ["extra_fields"],
            "customers": ["contacts.extra_fields", "extra_fields"],
            "customer_contacts": ["extra_fields"],
            "pulled_days": [],
        }[stream]
    )
    assert all(every[path]["additionalProperties"] is True for path in places)


def test_a_schema_is_not_shared() -> None:
    schema_of("tickets")["properties"]["date"]["type"].append("integer")
    assert schema_of("tickets")["properties"]["taskEnddate"]["type"] == ["string", "null"]


@pytest.mark.parametrize("stream", STREAMS)
def test_the_schema_is_the_reviewed_one(stream: str) -> None:
    """A column that changes is a change for every table out there: it shows in review.

    ``UPDATE_SNAPSHOTS=1 pytest tests/unit/test_schemas.py`` takes the new schema over.
    """
    found = json.dumps(schema_of(stream), indent=2) + "\n"
    snapshot = SNAPSHOTS / f"{stream}.json"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        snapshot.write_text(found, encoding="utf-8")
    reviewed = snapshot.read_text(encoding="utf-8")
    assert found == reviewed, "review the change, then run this test with UPDATE_SNAPSHOTS=1"
