"""Reading a day hands on every record of it, or says that it could not."""

from __future__ import annotations

import datetime as dt
import json
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from paged_account import PagedAccount, row, rows, warnings_logged

from tap_kapture import converters
from tap_kapture.cleaning import clean
from tap_kapture.errors import KapturePagingError, KaptureRecordError, KaptureResponseError
from tap_kapture.readings import MAX_READINGS, DayFacts, DayReader, Page
from tap_kapture.responses import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

DAY = dt.date(2024, 4, 19)
CLOSED = frozenset({"complete", "closed"})


def reader(page_size: int = 10, *, verify: bool = True, status: str | None = "status") -> DayReader:
    """Return a reader of tickets."""
    return DayReader(
        "tickets",
        key="ticketId",
        convert_key=partial(converters.text, cleaner=clean),
        status=status,
        closed_statuses=CLOSED,
        page_size=page_size,
        verify_last_page=verify,
    )


def read(account: PagedAccount, days: DayReader) -> tuple[list[bytes], DayFacts]:
    """Read a day to its end: the rows that were handed on, and the facts."""
    *pages, facts = days.read(DAY, account.ask)
    assert isinstance(facts, DayFacts)
    handed: list[bytes] = []
    for page in pages:
        assert isinstance(page, Page)
        assert page.rows
        assert page.size == sum(len(bytes(each)) for each in page.rows)
        handed += map(bytes, page.rows)
    return handed, facts


def digest_of(listed: Sequence[bytes], page_size: int = 10) -> str:
    """Return the digest of a day."""
    return read(PagedAccount(listed), reader(page_size))[1].digest


ACCOUNTS = st.builds(
    PagedAccount,
    rows=st.integers(0, 120).map(rows),
    paging=st.sampled_from(["honoured", "offset_ignored", "none"]),
    cap=st.none() | st.integers(1, 130),
    ragged=st.booleans(),
    total=st.sampled_from(["null", "filled", "wrong", "wrong_once", "page"]),
    order=st.sampled_from(["stable", "unstable"]),
    seed=st.integers(0, 2**16),
)
PAGE_SIZES = st.integers(1, 130)


def comes_short(account: PagedAccount) -> bool:
    """Whether pages before the last one may hold fewer rows than were asked for."""
    if account.paging == "none":
        return False
    return account.ragged or (account.cap is not None and account.cap < len(account.rows))


def cannot_tell(account: PagedAccount, *, verify: bool) -> bool:
    """Whether nothing in the answers can show that rows are missing.

    These are the documented limits: short pages that end a day because the settings or a false
    total say so, and pages that are cut and repeat themselves at once.
    """
    if not comes_short(account) or account.total in {"filled", "wrong", "wrong_once"}:
        return False
    return (
        not verify
        or account.total == "page"
        or account.paging == "offset_ignored"
        or account.order == "unstable"
    )


@settings(deadline=None, max_examples=400)
@given(account=ACCOUNTS, page_size=PAGE_SIZES, verify=st.booleans())
def test_every_record_is_handed_on_or_the_day_is_reported(
    account: PagedAccount,
    page_size: int,
    verify: bool,  # noqa: FBT001 - drawn
) -> None:
    with warnings_logged() as warnings:
        handed, facts = read(account, reader(page_size, verify=verify))
    assert len(set(handed)) == len(handed), "a record came twice"
    assert set(handed) <= set(account.rows)
    assert facts.records == facts.open_count == len(handed)
    assert len(account.asked) <= MAX_READINGS * (len(account.rows) + 10)
    whole = len(handed) == len(account.rows)
    event("whole" if whole else "reported" if warnings else "cannot be told")
    assert whole or warnings or cannot_tell(account, verify=verify)


@settings(deadline=None, max_examples=250)
@given(account=ACCOUNTS, page_size=PAGE_SIZES)
def test_a_day_in_stable_order_is_whole_with_each_record_once(
    account: PagedAccount, page_size: int
) -> None:
    assume(account.order == "stable" and account.total in {"null", "filled", "wrong_once"})
    assume(account.paging != "offset_ignored" or not comes_short(account))
    with warnings_logged() as warnings:
        handed, facts = read(account, reader(page_size))
    assert sorted(handed) == sorted(account.rows)
    assert facts.digest == digest_of(account.rows)
    assert not warnings
    readings = 2 if account.total == "wrong_once" else 1
    assert len(account.asked) <= readings * (len(account.rows) + 10)


@settings(deadline=None, max_examples=200)
@given(count=st.integers(0, 120), page_size=PAGE_SIZES, cap=st.none() | st.integers(1, 130))
def test_a_plain_day_costs_no_more_requests_than_its_pages_and_one(
    count: int, page_size: int, cap: int | None
) -> None:
    account = PagedAccount(rows(count), cap=cap)
    read(account, reader(page_size))
    size = min(page_size, cap or page_size)
    assert len(account.asked) <= -(-count // size) + 1
    assert account.asked == [(page_size, min(size * n, count)) for n in range(len(account.asked))]


def test_a_moved_row_is_found_by_reading_the_day_again() -> None:
    listed = rows(3)
    answers = iter([listed[:2], listed[:1], listed[:2], listed[2:], []])

    def ask(_: int, __: int) -> Answer:
        return Answer([msgspec.Raw(each) for each in next(answers)])

    first, second, facts = reader(2).read(DAY, ask)
    assert isinstance(first, Page)
    assert isinstance(second, Page)
    assert [bytes(each) for each in first.rows + second.rows] == listed
    assert facts == DayFacts(3, 3, digest_of(listed))


@settings(deadline=None, max_examples=150)
@given(
    count=st.integers(1, 60),
    first=PAGE_SIZES,
    second=PAGE_SIZES,
    chance=st.randoms(use_true_random=False),
)
def test_the_digest_depends_on_neither_order_nor_page_size(
    count: int,
    first: int,
    second: int,
    chance: Random,
) -> None:
    listed = rows(count)
    shuffled = list(listed)
    chance.shuffle(shuffled)
    assert digest_of(listed, first) == digest_of(shuffled, second)


@settings(deadline=None, max_examples=100)
@given(count=st.integers(1, 60), changed=st.integers(0, 59), page_size=PAGE_SIZES)
def test_the_digest_changes_with_a_record_that_changes_comes_or_goes(
    count: int, changed: int, page_size: int
) -> None:
    changed %= count
    listed = rows(count)
    other = list(listed)
    other[changed] = row(str(changed), detail="changed")
    before = digest_of(listed, page_size)
    assert before != digest_of(other, page_size)
    assert before != digest_of([*listed, row("new")], page_size)
    assert before != digest_of(listed[:changed] + listed[changed + 1 :], page_size)


@settings(deadline=None, max_examples=100)
@given(account=ACCOUNTS, page_size=PAGE_SIZES)
def test_a_day_that_is_never_compared_is_read_alike_but_without_a_digest(
    account: PagedAccount, page_size: int
) -> None:
    again = replace(account, asked=[])
    handed, facts = read(account, reader(page_size))
    *same, without = reader(page_size).read(DAY, again.ask, digest=False)
    assert handed == [bytes(each) for page in same if isinstance(page, Page) for each in page.rows]
    assert without == replace(facts, digest="")
    assert account.asked == again.asked


def test_the_digest_is_64_bits_wide() -> None:
    digests = {digest_of([row(str(number))]) for number in range(50)}
    assert all(len(digest) == 16 for digest in digests)
    assert len({digest[:4] for digest in digests}) > 40
    assert len({digest[-4:] for digest in digests}) > 40


def test_a_record_met_twice_is_handed_on_once_unless_it_differs() -> None:
    listed = [row("1"), row("2"), row("1"), row("1", detail="later"), row("3")]
    handed, facts = read(PagedAccount(listed), reader())
    assert handed == [row("1"), row("2"), row("1", detail="later"), row("3")]
    assert facts.records == 3


def test_the_later_one_of_two_contents_is_handed_on_last() -> None:
    listed = [row("1"), row("1", detail="b"), row("1")]
    handed, _ = read(PagedAccount(listed), reader())
    assert handed == listed


def test_a_key_is_the_same_as_number_and_as_text() -> None:
    handed, facts = read(PagedAccount([row("12"), row(12), row(" 12 ")]), reader())
    assert len(handed) == 3
    assert facts.records == 1


@pytest.mark.parametrize(("size", "weight"), [(0, 1), (2**20 - 1, 1), (2**20, 2), (2**25, 33)])
def test_a_page_weighs_one_for_each_mib_begun(size: int, weight: int) -> None:
    assert Page([], size).weight == weight


def references_of_pages(listed: list[bytes]) -> int:
    """Return how often what is handed on of an answer refers to the body of all of it."""
    body = b"[" + b",".join(listed) + b"]"
    before = sys.getrefcount(body)
    answers = [Answer(msgspec.json.decode(body, type=list[msgspec.Raw])), Answer([])]
    items = list(reader(1000).read(DAY, lambda _, __: answers.pop(0)))
    assert [len(item.rows) for item in items if isinstance(item, Page)] == [10]
    return sys.getrefcount(body) - before


def test_rows_do_not_keep_an_answer_in_memory_that_weighs_more_than_they_do() -> None:
    assert references_of_pages(rows(10) * 50) == 0


def test_rows_of_an_answer_that_is_all_new_are_not_copied() -> None:
    assert references_of_pages(rows(10)) == 10


def test_a_key_with_invalid_bytes_is_a_key_and_its_row_stays_as_it_was() -> None:
    listed = [
        b'{"ticketId": "1\xff", "status": "Closed"}',
        b'{"ticketId": "2\xff", "status": "Open"}',
        b'{"ticketId": "3", "status": "Closed", "detail": "\xff"}',
    ]
    handed, facts = read(PagedAccount(listed), reader())
    assert handed == listed
    assert (facts.records, facts.open_count) == (3, 1)


def test_open_tickets_are_those_that_are_not_closed_now() -> None:
    listed = [
        row("1", status="Pending"),
        row("2", status=" COMPLETE "),
        row("3", status="Closed"),
        row("4", status=None),
        row("5", status="Open"),
        row("5", status="Closed"),
        row("6", status="Closed"),
        row("6", status="Open"),
    ]
    assert read(PagedAccount(listed), reader())[1].open_count == 3
    assert read(PagedAccount(listed), reader(status=None))[1].open_count == 0


@pytest.mark.parametrize("count", [5000, 6000])
def test_a_day_that_cannot_be_reached_to_its_end_stops_the_run(count: int) -> None:
    account = PagedAccount(rows(count), paging="offset_ignored")
    with pytest.raises(KapturePagingError, match="5000"):
        read(account, reader(500))
    limits = [500, 500, 1000, 2000, 4000, 5000]
    assert account.asked == [(limit, 500 if n == 1 else 0) for n, limit in enumerate(limits)]


def test_the_longest_day_of_an_account_that_ignores_offset_is_whole() -> None:
    account = PagedAccount(rows(4999), paging="offset_ignored")
    assert read(account, reader(500))[1].records == 4999


def test_a_count_that_never_comes_out_is_read_thrice_and_told_with_day_and_counts() -> None:
    account = PagedAccount(rows(5), total="wrong")
    with warnings_logged() as warnings:
        handed, _ = read(account, reader())
    assert len(handed) == 5
    assert [offset for _, offset in account.asked] == [0, 5] * MAX_READINGS
    (line,) = warnings
    assert all(part in line for part in ("tickets", "2024-04-19", "8 records", "sends 5"))


def test_a_count_that_comes_out_at_the_second_reading_is_no_doubt() -> None:
    answers = iter([(rows(5)[:4], 5), ([], 5), (rows(5), 5)])

    def ask(_: int, __: int) -> Answer:
        listed, total = next(answers)
        return Answer([msgspec.Raw(each) for each in listed], total)

    with warnings_logged() as warnings:
        items = list(reader().read(DAY, ask))
    assert items[-1] == DayFacts(5, 5, digest_of(rows(5)))
    assert not warnings


@pytest.mark.parametrize("total", ["wrong", "null"])
def test_after_three_doubtful_days_counts_are_not_trusted(total: str) -> None:
    days = reader(2)
    listed = [*rows(5), row("0")]  # one row that always comes twice
    with warnings_logged() as warnings:
        for _ in range(3):
            doubtful = PagedAccount(listed, total=total)
            read(doubtful, days)
            assert len(doubtful.asked) == 12
        assert len(warnings) == 4
        for _ in range(2):
            account = PagedAccount(listed, total=total)
            handed, facts = read(account, days)
            assert sorted(handed) == rows(5)
            assert facts.records == 5
            assert [offset for _, offset in account.asked] == [0, 2, 4, 6]
    assert len(warnings) == 4
    assert "rest of the run" in warnings[-1]


def test_untrusted_counts_still_leave_no_row_behind() -> None:
    days = reader(2)
    for _ in range(3):
        read(PagedAccount(rows(3), total="wrong"), days)
    ignoring = PagedAccount(rows(9), paging="offset_ignored", total="wrong")
    assert read(ignoring, days)[1].records == 9
    assert read(PagedAccount(rows(9), total="page", cap=1), days)[1].records == 9


@pytest.mark.parametrize("key", [None, "", "  ", "\0", True, False, 1.5, [], {}, ["1"]])
def test_a_record_without_its_key_stops_the_run_naming_the_place(key: object) -> None:
    listed = [*rows(10), row(key)]
    with pytest.raises(KaptureRecordError, match="no usable 'ticketId'") as caught:
        read(PagedAccount(listed), reader(10))
    assert str(caught.value).startswith("tickets, day 2024-04-19, offset 10: ")


def test_a_record_whose_key_is_left_out_stops_the_run() -> None:
    with pytest.raises(KaptureRecordError):
        read(PagedAccount([b'{"id": "1"}']), reader())


@pytest.mark.parametrize("element", ["text", 7, None, [], True])
def test_an_element_that_is_no_record_stops_the_run(element: object) -> None:
    with pytest.raises(KaptureResponseError, match="no record") as caught:
        read(PagedAccount([json.dumps(element).encode()]), reader())
    assert "offset 0" in str(caught.value)


def test_pages_come_while_the_day_is_still_being_read() -> None:
    account = PagedAccount(rows(30))
    items = reader(10).read(DAY, account.ask)
    assert isinstance(next(items), Page)
    assert len(account.asked) == 1
