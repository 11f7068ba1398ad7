"""A record that was deleted is gone from all that the account tells."""

from __future__ import annotations

import datetime as dt

import pytest
import requests
from sandbox_client import UTC, ask, page

from sandbox import Account, Quirks, Sandbox

DAY = dt.date(2024, 4, 10)
KEYS = {"tickets": "ticketId", "customers": "id"}
ACCOUNT = Account(
    first_day=DAY,
    now=dt.datetime(2024, 4, 12, 6, 30, tzinfo=UTC),
    counts={stream: {DAY: 12} for stream in KEYS},
)


@pytest.mark.parametrize("stream", KEYS)
@pytest.mark.parametrize("quirks", [Quirks(), Quirks(text_as_numbers=True, numbers_as_text=True)])
def test_a_deleted_record_is_gone_from_answers_and_truth(stream: str, quirks: Quirks) -> None:
    with Sandbox(ACCOUNT, quirks=quirks) as sandbox:
        before = sandbox.truth(stream)
        assert len(page(sandbox, stream, DAY)) == 12
        key = list(sandbox.truth_of_day(stream, DAY))[5]
        sandbox.delete(stream, key)
        found = {str(record[KEYS[stream]]) for record in page(sandbox, stream, DAY)}
        assert found == {str(left) for left in sandbox.truth_of_day(stream, DAY)}
        assert sandbox.truth(stream) == {
            left: record for left, record in before.items() if left != key
        }


def test_a_deleted_record_is_not_counted() -> None:
    with Sandbox(ACCOUNT, quirks=Quirks(total_count="filled", duplicates=True)) as sandbox:
        sandbox.delete("tickets", next(iter(sandbox.truth("tickets"))))
        assert ask(sandbox, "tickets", DAY).json()["totalCount"] == 11


def test_a_deleted_record_stays_away() -> None:
    with Sandbox(ACCOUNT) as sandbox:
        keys = list(sandbox.truth_of_day("tickets", DAY))
        sandbox.delete("tickets", keys[0])
        sandbox.delete("tickets", keys[1])
        sandbox.advance(days=2)
        sandbox.quirks = Quirks(order="descending")
        assert list(sandbox.truth_of_day("tickets", DAY)) == keys[2:]
        assert len(page(sandbox, "tickets", DAY)) == 10
        assert len(page(sandbox, "customers", DAY)) == 12


def test_only_a_record_that_is_there_can_be_deleted() -> None:
    with Sandbox(ACCOUNT) as sandbox:
        key = next(iter(sandbox.truth("tickets")))
        sandbox.delete("tickets", key)
        with pytest.raises(ValueError, match="tickets has no record"):
            sandbox.delete("tickets", key)
        with pytest.raises(ValueError, match="no stream 'orders'"):
            sandbox.delete("orders", key)


@pytest.mark.parametrize("stream", KEYS)
def test_another_process_can_delete_a_record(stream: str) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        url = f"{sandbox.url}/_sandbox/delete"
        key = next(iter(sandbox.truth_of_day(stream, DAY)))
        answer = requests.post(url, json={"stream": stream, "key": str(key)}, timeout=5)
        assert (answer.status_code, answer.json()) == (200, {})
        assert key not in sandbox.truth(stream)
        assert len(page(sandbox, stream, DAY)) == 11


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "the body is such as"),
        (b"[]", "the body is such as"),
        (b'{"stream": "tickets"}', "'key'"),
        (b'{"stream": "orders", "key": "1"}', "there is no stream 'orders'"),
        (b'{"stream": ["tickets"], "key": "1"}', "there is no stream"),
        (b'{"stream": "tickets", "key": "1"}', "tickets has no record '1'"),
    ],
)
def test_a_wrong_deletion_is_refused(content: bytes, text: str) -> None:
    with Sandbox(ACCOUNT) as sandbox:
        answer = requests.post(f"{sandbox.url}/_sandbox/delete", data=content, timeout=5)
    assert answer.status_code == 400
    assert text in answer.json()["error"]
