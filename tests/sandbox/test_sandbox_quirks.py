"""Each quirk shows on the wire as documented, and the truth takes it into account."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest
from sandbox_client import CUSTOMERS_TOO, TICKETS, UTC, ask, body, page, send

from sandbox import Account, Quirks, Sandbox

DAY, EMPTY, SINGLE = dt.date(2024, 4, 10), dt.date(2024, 4, 9), dt.date(2024, 4, 8)
COUNTS = {
    "tickets": {DAY: 40, EMPTY: 0, SINGLE: 1},
    "customers": {DAY: 40, EMPTY: 0, SINGLE: 1},
}
ACCOUNT = Account(
    first_day=dt.date(2024, 4, 8),
    now=dt.datetime(2024, 4, 12, 6, 30, tzinfo=UTC),
    counts=COUNTS,
)
Records = list[dict[str, Any]]


def told(stream: str = "tickets", day: dt.date = DAY, **quirks: Any) -> Any:  # noqa: ANN401 - JSON
    with Sandbox(ACCOUNT, quirks=Quirks(**quirks)) as sandbox:
        return ask(sandbox, stream, day, limit=100, offset=0).json()


def truth(stream: str = "tickets", **quirks: Any) -> Records:  # noqa: ANN401 - quirks by name
    sandbox = Sandbox(ACCOUNT, quirks=Quirks(**quirks))
    return list(sandbox.truth_of_day(stream, DAY).values())


def keys(records: Records) -> list[str]:
    return [record["ticketId"] for record in records]


@pytest.mark.parametrize(
    ("total_count", "announced"),
    [
        ("null", [None, None, None]),
        ("filled", [40, 40, 40]),
        ("wrong_once", [41, 41, 40]),
        ("wrong", [41, 41, 41]),
        ("page", [30, 15, 30]),
        ("reached", [30, 40, 30]),
        ("bounded", [10, 10, 10]),
    ],
)
def test_total_count(total_count: Any, announced: list[int | None]) -> None:  # noqa: ANN401 - a Literal
    quirks = Quirks(total_count=total_count, duplicates=True)
    with Sandbox(ACCOUNT, quirks=quirks) as sandbox:
        found = [
            ask(sandbox, "tickets", DAY, limit=30, offset=offset).json()["totalCount"]
            for offset in (0, 30, 0)
        ]
    assert found == announced


def test_order() -> None:
    ascending = keys(told()["message"])
    assert keys(told(order="descending")["message"]) == ascending[::-1]
    shuffled = keys(told(order="shuffled")["message"])
    assert shuffled != ascending
    assert shuffled == keys(told(order="shuffled")["message"])
    with Sandbox(ACCOUNT, quirks=Quirks(order="unstable")) as sandbox:
        first, second = (keys(page(sandbox, "tickets", DAY)) for _ in range(2))
    assert first != second
    assert sorted(first) == sorted(second) == sorted(ascending)


def test_duplicates() -> None:
    found = told(duplicates=True)["message"]
    assert len(found) > len(set(keys(found))) == 40
    assert len({json.dumps(record) for record in found}) == 40


@pytest.mark.parametrize(
    ("empty_day", "status", "message"),
    [
        ("list", "success", []),
        ("null", "success", None),
        ("blank", "success", ""),
        ("object", "success", {}),
        ("text_success", "success", "No tickets found"),
        ("text_failed", "failed", "No tickets found"),
    ],
)
def test_empty_day(empty_day: str, status: str, message: object) -> None:
    answer = told(day=EMPTY, empty_day=empty_day)
    assert (answer["status"], answer["message"]) == (status, message)


def test_single_object() -> None:
    assert len(told(day=SINGLE)["message"]) == 1
    assert told(day=SINGLE, single_object=True)["message"]["ticketId"]


def test_first_version_of_tickets() -> None:
    record = told(ticket_dates="v1")["message"][0]
    assert re.fullmatch(r"2024-04-10 \d\d:\d\d:\d\d", record["date"])
    assert isinstance(record["total_conversations"], str)
    expected = truth(ticket_dates="v1")
    assert expected[0]["extra_fields"] == {"sla status": record["sla status"]}
    assert expected[0]["taskId"] is None
    assert any(not str(known["date"]).endswith(":00+00:00") for known in expected)


@pytest.mark.parametrize(
    ("customer_dates", "pattern"),
    [
        ("java", r"Apr 10, 2024 \d+:\d\d:\d\d [AP]M"),
        ("java_comma", r"Apr 10, 2024, \d+:\d\d:\d\d [AP]M"),
        ("java_narrow", r"Apr 10, 2024, \d+:\d\d:\d\d\u202f[AP]M"),
    ],
)
def test_customer_dates(customer_dates: str, pattern: str) -> None:
    for charset in ("utf-8", "iso-8859-1"):
        records = told("customers", customer_dates=customer_dates, charset=charset)["message"]
        assert all(re.fullmatch(pattern, record["generationDate"]) for record in records)


def test_types_sent_as_others_leave_the_truth_alone() -> None:
    quirks: dict[str, Any] = {
        "numbers_as_text": True,
        "text_as_numbers": True,
        "booleans": "digits",
    }
    customer = told("customers", **quirks)["message"][0]
    assert (customer["cmId"], customer["deleted"]) == ("1000298", "0")
    assert isinstance(customer["maxCreditAmt"], str)
    ticket = told(**quirks)["message"][0]
    assert isinstance(ticket["ticketId"], int)
    assert isinstance(ticket["taskId"], str)
    assert told("customers", booleans="text")["message"][0]["deleted"] == "false"
    for stream in ("tickets", "customers"):
        assert truth(stream, **quirks) == truth(stream)


@pytest.mark.parametrize("stream", ["tickets", "customers"])
def test_unknown_keys_are_in_extra_fields(stream: str) -> None:
    known = set(truth(stream)[0])
    records = told(stream, unknown_keys=True)["message"]
    for record, expected in zip(records, truth(stream, unknown_keys=True), strict=True):
        unknown = {name: value for name, value in record.items() if name not in known}
        assert expected["extra_fields"] == (unknown or None)
    contacts = [
        contact
        for record in truth("customers", unknown_keys=True)
        for contact in record["contacts"]
    ]
    assert any(contact["extra_fields"] for contact in contacts)


def test_missing_keys_are_none() -> None:
    records = told(missing_keys=True)["message"]
    columns = set(truth()[0]) - {"extra_fields", "day"}
    assert any(columns - set(record) for record in records)
    for record, expected in zip(records, truth(missing_keys=True), strict=True):
        assert all(expected[name] is None for name in columns - set(record))
        assert {"ticketId", "date", "status"} <= set(record)


@pytest.mark.parametrize(
    ("stream", "quirk", "column"),
    [
        ("tickets", "bad_dates", "lastConvesationTime"),
        ("tickets", "bad_numbers", "total_conversations"),
        ("customers", "bad_dates", "lastModificationTime"),
        ("customers", "bad_numbers", "outStandingAmount"),
    ],
)
def test_what_cannot_be_read_is_kept_raw(stream: str, quirk: str, column: str) -> None:
    bad = 0
    quirks: dict[str, Any] = {quirk: True}
    records = told(stream, **quirks)["message"]
    for record, expected in zip(records, truth(stream, **quirks), strict=True):
        if column in (expected["extra_fields"] or {}):
            bad += 1
            assert expected[column] is None
            assert expected["extra_fields"][column] == record[column]
        else:
            assert expected[column] is not None
    assert 0 < bad < 40


def test_nul_characters_are_sent_but_not_true() -> None:
    assert any("\0" in record["creatorName"] for record in told(nul_characters=True)["message"])
    assert truth(nul_characters=True) == truth()
    verbatim = Sandbox(ACCOUNT, quirks=Quirks(nul_characters=True)).truth(
        "tickets", clean_text=False
    )
    assert any("\0" in str(record["creatorName"]) for record in verbatim.values())


def test_charset_and_ascii() -> None:
    answers = {}
    for charset in ("utf-8", "iso-8859-1"):
        with Sandbox(ACCOUNT, quirks=Quirks(charset=charset)) as sandbox:
            answer = ask(sandbox, "tickets", DAY)
        assert answer.headers["Content-Type"] == f"application/json; charset={charset}"
        answers[charset] = json.loads(answer.content.decode(charset))
    assert answers["utf-8"] == answers["iso-8859-1"]
    assert "ü".encode("latin-1") in answer.content
    with Sandbox(ACCOUNT, quirks=Quirks(ascii_json=True)) as sandbox:
        answer = ask(sandbox, "tickets", DAY)
    assert answer.content.isascii()
    assert answer.json() == answers["utf-8"]


@pytest.mark.parametrize(
    ("path", "content", "text"),
    [
        (TICKETS, {"start_date": "2024-04-10"}, "Invalid Json."),
        (CUSTOMERS_TOO, [{"cm_id": 1000298}], "Invalid Json."),
        (TICKETS, [{"limit": 5}], "either start_date is null or blank"),
        (CUSTOMERS_TOO, {"createStartDate": "2024-04-10"}, "ReqFieldMissing"),
        (TICKETS, [{"start_date": "2024-04-10", "limit": "all"}], "ReqFieldMissing"),
        (CUSTOMERS_TOO, body("customers", DAY, cm_id="7"), []),
    ],
)
def test_wrong_requests(path: str, content: object, text: object) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        assert send(sandbox, path, content).json()["message"] == text


@pytest.mark.parametrize("empty_day", ["list", "null", "object", "text_failed"])
def test_another_account_id_is_answered_like_an_account_without_records(empty_day: Any) -> None:  # noqa: ANN401 - a Literal
    with Sandbox(ACCOUNT, quirks=Quirks(empty_day=empty_day)) as sandbox:
        assert len(page(sandbox, "customers", DAY)) == 40
        for cm_id in (7, "7", 0):
            wrong = ask(sandbox, "customers", DAY, cm_id=cm_id)
            assert wrong.content == ask(sandbox, "customers", EMPTY).content
        assert len(page(sandbox, "customers", DAY, cm_id="1000298")) == 40


def test_wrong_token() -> None:
    content = body("tickets", DAY)
    with Sandbox(ACCOUNT) as sandbox:
        answer = send(sandbox, TICKETS, content, token="wrong")  # noqa: S106 - it is wrong
        assert (answer.status_code, answer.json()["message"]) == (200, "Invalid Auth Key")
        sandbox.quirks = Quirks(bad_token="401", failure_keys="capital")  # noqa: S106 - a status
        answer = send(sandbox, TICKETS, content, token="wrong")  # noqa: S106 - it is wrong
        assert answer.status_code == 401
        assert answer.json() == {"Status": "failed", "Message": "Invalid Auth Key"}


def test_other_paths_and_methods() -> None:
    with Sandbox(ACCOUNT) as sandbox:
        assert send(sandbox, "/elsewhere", {}).status_code == 404
        assert sandbox.requests[-1].stream is None
        assert send(sandbox, CUSTOMERS_TOO, body("customers", DAY)).json()["message"]
        assert sandbox.requests[-1].stream == "customers"


def test_quirks_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="ascending, descending"):
        Quirks(order="sideways")  # type: ignore[arg-type]  # the point
    with pytest.raises(ValueError, match="no quirk 'colour'"):
        Quirks.parse(["colour=blue"])
    assert Quirks.parse(["page_cap=50", "duplicates=true", "order=shuffled"]) == Quirks(
        page_cap=50,
        duplicates=True,
        order="shuffled",
    )
