"""Of a day, each record once; how many are open; and a digest that only its content changes."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_run import heads
from paged_account import row, rows

from tap_kapture.day.tally import DayFacts, Page, Tally
from tap_kapture.dialect.doubts import Doubt
from tap_kapture.errors import KaptureRecordError, KaptureResponseError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random


def tally(*, digest: bool = True, status: str | None = "status") -> Tally:
    """Return a tally of tickets."""
    return Tally(heads(status), digest=digest)


def take(into: Tally, listed: Sequence[bytes]) -> list[bytes]:
    """Take the rows of an answer; return those that are to be handed on."""
    keys, fresh = into.take([msgspec.Raw(each) for each in listed])
    assert len(keys) == len(listed)
    return [bytes(each) for each in fresh]


def facts_of(*answers: Sequence[bytes], status: str | None = "status") -> DayFacts:
    """Return what answers came to."""
    into = tally(status=status)
    for answer in answers:
        take(into, answer)
    return into.facts(None)


def in_pages(listed: Sequence[bytes], size: int) -> list[Sequence[bytes]]:
    """Return rows cut into answers."""
    return [listed[start : start + size] for start in range(0, len(listed), size)]


# Each record once


def test_a_record_met_twice_is_handed_on_once_unless_it_differs() -> None:
    into = tally()
    listed = [row("1"), row("2"), row("1"), row("1", detail="later"), row("3")]
    assert take(into, listed) == [row("1"), row("2"), row("1", detail="later"), row("3")]
    assert len(into) == into.facts(None).records == 3
    assert take(into, [row("1", detail="later"), row("4")]) == [row("4")]


def test_the_later_one_of_two_contents_is_handed_on_last() -> None:
    listed = [row("1"), row("1", detail="b"), row("1")]
    assert take(tally(), listed) == listed
    assert facts_of(listed) == facts_of([row("1")])


@given(count=st.integers(0, 60), size=st.integers(1, 30), digest=st.booleans())
def test_no_record_is_handed_on_twice_however_often_it_comes(
    count: int,
    size: int,
    digest: bool,  # noqa: FBT001 - drawn
) -> None:
    into = tally(digest=digest)
    answers = in_pages(rows(count), size)
    handed = [each for answer in [*answers, *answers[::-1]] for each in take(into, answer)]
    assert handed == rows(count)
    assert into.facts(None).records == count


def test_a_key_is_the_same_as_number_and_as_text() -> None:
    into = tally()
    assert len(take(into, [row("12"), row(12), row(" 12 ")])) == 3
    assert into.facts(None).records == 1
    assert into.keys_of([msgspec.Raw(row(12))]) == into.keys_of([msgspec.Raw(row("12"))]) == ("12",)


def test_the_keys_of_rows_are_told_without_taking_them() -> None:
    into = tally()
    assert into.keys_of([msgspec.Raw(each) for each in [row(7), *rows(2)]]) == ("7", "0", "1")
    assert len(into) == 0


def test_a_key_with_invalid_bytes_is_a_key_and_its_row_stays_as_it_was() -> None:
    listed = [
        b'{"ticketId": "1\xff", "status": "Closed"}',
        b'{"ticketId": "2\xff", "status": "Open"}',
        b'{"ticketId": "3", "status": "Closed", "detail": "\xff"}',
    ]
    into = tally()
    assert take(into, listed) == listed
    facts = into.facts(None)
    assert (facts.records, facts.open_count) == (3, 1)


@pytest.mark.parametrize("key", [None, "", "  ", "\0", True, False, 1.5, [], {}, ["1"]])
def test_a_record_without_a_usable_key_is_refused(key: object) -> None:
    with pytest.raises(KaptureRecordError, match="no usable 'ticketId'"):
        take(tally(), [row(key)])


def test_a_record_whose_key_is_left_out_is_refused() -> None:
    with pytest.raises(KaptureRecordError):
        take(tally(), [b'{"id": "1"}'])


@pytest.mark.parametrize("element", ["text", 7, None, [], True])
def test_an_element_that_is_no_record_is_refused(element: object) -> None:
    listed = [msgspec.Raw(json.dumps(element).encode())]
    with pytest.raises(KaptureResponseError, match="no record"):
        tally().take(listed)
    with pytest.raises(KaptureResponseError, match="no record"):
        tally().keys_of(listed)


def test_an_answer_with_a_bad_record_leaves_nothing_behind() -> None:
    into = tally()
    with pytest.raises(KaptureRecordError):
        take(into, [*rows(3), row(None)])
    assert into.facts(None) == tally().facts(None)


# Open tickets


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
    assert facts_of(listed).open_count == 3
    assert facts_of(listed, status=None).open_count == 0


# The digest


@given(
    count=st.integers(1, 60),
    first=st.integers(1, 60),
    second=st.integers(1, 60),
    chance=st.randoms(use_true_random=False),
)
def test_the_digest_depends_on_neither_order_nor_pages(
    count: int, first: int, second: int, chance: Random
) -> None:
    listed = rows(count)
    shuffled = list(listed)
    chance.shuffle(shuffled)
    assert facts_of(*in_pages(listed, first)) == facts_of(*in_pages(shuffled, second))


@given(count=st.integers(1, 60), changed=st.integers(0, 59))
def test_the_digest_changes_with_a_record_that_changes_comes_or_goes(
    count: int, changed: int
) -> None:
    changed %= count
    listed = rows(count)
    other = list(listed)
    other[changed] = row(str(changed), detail="changed")
    before = facts_of(listed).digest
    assert before != facts_of(other).digest
    assert before != facts_of([*listed, row("new")]).digest
    assert before != facts_of(listed[:changed] + listed[changed + 1 :]).digest


@given(listed=st.lists(st.integers(0, 20).map(row), max_size=60), size=st.integers(1, 30))
def test_a_day_that_is_never_compared_is_taken_alike_but_without_a_digest(
    listed: list[bytes], size: int
) -> None:
    compared, passing = tally(), tally(digest=False)
    for answer in in_pages(listed, size):
        assert take(compared, answer) == take(passing, answer)
    facts, without = compared.facts(None), passing.facts(None)
    assert without.digest == ""
    assert (facts.records, facts.open_count) == (without.records, without.open_count)


def test_the_digest_is_64_bits_wide() -> None:
    digests = {facts_of([row(str(number))]).digest for number in range(50)}
    assert all(len(digest) == 16 for digest in digests)
    assert len({digest[:4] for digest in digests}) > 40
    assert len({digest[-4:] for digest in digests}) > 40


def test_the_digest_of_a_record_is_the_same_in_every_run() -> None:
    assert facts_of([row("1")]).digest == facts_of([row("1")]).digest == "e3e87194ce311422"


def test_a_doubt_is_kept_with_the_facts() -> None:
    doubt = Doubt("moved", "rows moved")
    assert tally().facts(doubt).doubt is doubt


# Memory


@pytest.mark.parametrize(("size", "weight"), [(0, 1), (2**20 - 1, 1), (2**20, 2), (2**25, 33)])
def test_a_page_weighs_one_for_each_mib_begun(size: int, weight: int) -> None:
    assert Page([], size).weight == weight


def references_of(listed: list[bytes], known: Sequence[bytes] = ()) -> tuple[int, int]:
    """Return how many rows are handed on, and how often they refer to the body of the answer."""
    body = b"[" + b",".join(listed) + b"]"
    into = tally()
    take(into, known)
    before = sys.getrefcount(body)
    answer = msgspec.json.decode(body, type=list[msgspec.Raw])
    _, fresh = into.take(answer)
    del answer
    return len(fresh), sys.getrefcount(body) - before


def test_rows_do_not_keep_an_answer_in_memory_that_weighs_more_than_they_do() -> None:
    assert references_of(rows(10) * 50) == (10, 0)
    assert references_of(rows(10), rows(9)) == (1, 0)


def test_rows_of_an_answer_that_is_all_new_are_not_copied() -> None:
    assert references_of(rows(10)) == (10, 10)
