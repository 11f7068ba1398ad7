"""What `offset`, `limit` and the dates of a request mean, in every way that an account may."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from sandbox_client import CUSTOMERS, TICKETS, UTC, ask, page, send, window

from sandbox import Account, Quirks, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Sent = int | str | None  # as `offset` or `limit`; None for not at all
    Walk = Callable[[int], tuple[int, int]]  # `offset` and `limit` by the number of a page

DAY, NEXT = dt.date(2024, 4, 10), dt.date(2024, 4, 11)
ROWS, NEXT_ROWS = 40, 2
STREAMS = ("tickets", "customers")
PATHS = {"tickets": TICKETS, "customers": CUSTOMERS}
KEYS = {"tickets": "ticketId", "customers": "id"}
ACCOUNT = Account(
    first_day=DAY,
    now=dt.datetime(2024, 4, 12, 6, 30, tzinfo=UTC),
    counts={stream: {DAY: ROWS, NEXT: NEXT_ROWS} for stream in STREAMS},
)
WHOLE = [0, ROWS]
REFUSED = "offset is not allowed"
# Some quirks, and under them: `offset` and `limit` of a request, the first row of its page and
# that behind it.
PAGES: list[tuple[dict[str, Any], list[tuple[Sent, Sent, list[int]]]]] = [
    (
        {},
        [
            (None, None, WHOLE),
            (0, 15, [0, 15]),
            (30, 15, [30, 40]),
            ("30", "15", [30, 40]),
            (40, 15, []),
            (5, 0, []),
        ],
    ),
    ({"page_cap": 7}, [(3, 15, [3, 10]), (3, 5, [3, 8]), (None, None, [0, 7])]),
    ({"offset": "pages"}, [(0, 15, [0, 15]), (2, 15, [30, 40]), (3, 15, []), (1, None, [])]),
    ({"offset": "pages", "page_cap": 7}, [(2, 15, [14, 21]), (2, 5, [10, 15])]),
    (
        {"offset": "pages_from_1"},
        [(None, 15, [0, 15]), (0, 15, [0, 15]), (1, 15, [0, 15]), (3, 15, [30, 40])],
    ),
    ({"offset": "pages_from_1", "page_cap": 7}, [(3, 15, [14, 21])]),
    (
        {"offset": "pages_from_1_strict"},
        [(None, 15, []), (0, 15, []), (1, 15, [0, 15]), (3, 15, [30, 40])],
    ),
    ({"offset": "pages_from_1_strict", "page_cap": 7}, [(6, 15, [35, 40]), (0, 15, [])]),
    ({"offset": "ignored"}, [(30, 15, [0, 15])]),
    ({"offset": "ignored", "page_cap": 7}, [(30, 15, [0, 7])]),
    ({"offset": "refused"}, [(None, 15, [0, 15]), (None, None, WHOLE)]),
    ({"offset": "refused", "page_cap": 7}, [(None, 15, [0, 7])]),
    ({"offset": "refused_beyond_0"}, [(0, 15, [0, 15]), (None, 15, [0, 15])]),
    ({"offset": "refused_beyond_0", "page_cap": 7}, [("0", 15, [0, 7])]),
    (
        {"limit": "page"},
        [(None, None, [0, 20]), (0, 0, [0, 20]), (9, 1, [0, 20]), (0, 2, [20, 40]), (0, 100, [])],
    ),
    ({"limit": "page", "page_cap": 30}, [(0, 2, [30, 40])]),
    ({"limit": "page", "page_cap": 7}, [(0, 3, [14, 21])]),
    ({"limit": "page", "offset": "pages_from_1_strict"}, [(0, 2, [20, 40])]),
    ({"limit": "page", "offset": "refused"}, [(None, 2, [20, 40])]),
    (
        {"limit": "page_from_0"},
        [(None, None, [0, 20]), (9, 0, [0, 20]), (0, 1, [20, 40]), (0, 2, [])],
    ),
    ({"limit": "page_from_0", "page_cap": 7}, [(0, 5, [35, 40])]),
    (
        {"limit": "last_row"},
        [
            (None, None, WHOLE),
            (0, 15, [0, 15]),
            (15, 30, [15, 30]),
            (30, 45, [30, 40]),
            (15, 15, []),
            (30, 15, []),
            (45, 60, []),
        ],
    ),
    (
        {"limit": "last_row", "page_cap": 7},
        [(15, 30, [15, 22]), (15, 18, [15, 18]), (None, None, [0, 7])],
    ),
    ({"limit": "last_row", "offset": "pages"}, [(15, 30, [15, 30])]),
    ({"limit": "last_row", "offset": "pages_from_1_strict"}, [(0, 30, [0, 30])]),
    ({"limit": "last_row", "offset": "ignored"}, [(15, 30, [15, 30])]),
    ({"limit": "last_row", "offset": "refused"}, [(None, 30, [0, 30])]),
    ({"limit": "ignored"}, [(0, 15, WHOLE), (30, 5, [30, 40]), (None, None, WHOLE)]),
    ({"limit": "ignored", "page_cap": 7}, [(30, 5, [30, 37]), (38, 1, [38, 40])]),
    ({"limit": "ignored", "offset": "pages"}, [(0, 15, WHOLE), (1, 15, [])]),
    ({"limit": "ignored", "offset": "pages", "page_cap": 7}, [(2, 15, [14, 21])]),
    ({"limit": "ignored", "offset": "pages_from_1", "page_cap": 7}, [(2, 15, [7, 14])]),
    ({"limit": "ignored", "offset": "pages_from_1_strict"}, [(1, 15, WHOLE)]),
    ({"limit": "ignored", "offset": "ignored"}, [(30, 15, WHOLE)]),
    ({"limit": "ignored", "offset": "ignored", "page_cap": 7}, [(30, 15, [0, 7])]),
    ({"paging_required": True}, [(30, 15, [30, 40])]),
    ({"paging_required": True, "page_cap": 7}, [(30, 15, [30, 37])]),
    ({"paging_required": True, "offset": "refused"}, [(None, 15, [0, 15])]),
]


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    """Serves all of these tests; each sets the quirks that it needs."""
    with Sandbox(ACCOUNT) as sandbox:
        yield sandbox


def paging(offset: object, limit: object) -> dict[str, object]:
    """The keys of a request, without those that are None."""
    keys = {"offset": offset, "limit": limit}
    return {name: value for name, value in keys.items() if value is not None}


def keys_of(stream: str, records: list[dict[str, Any]]) -> list[object]:
    return [record[KEYS[stream]] for record in records]


@cache
def listing(stream: str) -> list[object]:
    """The keys of the whole day, in the order of a friendly account."""
    return list(Sandbox(ACCOUNT).truth_of_day(stream, DAY))


def named(quirks: dict[str, Any]) -> str:
    """The quirks as the name of a test."""
    return "-".join(f"{name}={value}" for name, value in quirks.items()) or "friendly"


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize(("quirks", "pages"), PAGES, ids=[named(case[0]) for case in PAGES])
def test_a_request_gets_the_rows_that_its_account_means(
    account: Sandbox,
    quirks: dict[str, Any],
    pages: list[tuple[Sent, Sent, list[int]]],
    stream: str,
) -> None:
    account.quirks = Quirks(**quirks)
    for offset, limit, rows in pages * 2:  # those of the second round are answers that were kept
        expected = listing(stream)[slice(*rows)] if rows else []
        found = page(account, stream, DAY, **paging(offset, limit))
        assert keys_of(stream, found) == expected, (offset, limit)
        seen = account.requests[-1]
        asked = [None if sent is None else int(sent) for sent in (offset, limit)]
        assert ([seen.offset, seen.limit], seen.rows) == (asked, len(expected))


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("cap", [None, 7])
@pytest.mark.parametrize("limit", ["size", "page", "page_from_0", "last_row", "ignored"])
def test_an_offset_that_is_not_allowed_fails_with_http_200(
    account: Sandbox, limit: str, cap: int | None, stream: str
) -> None:
    others: dict[str, Any] = {"limit": limit, "page_cap": cap}
    for offset, refused, taken in (
        ("refused", [0, "0", 3, "", "x"], None),
        ("refused_beyond_0", [1, "20"], 0),
    ):
        account.quirks = Quirks(**others, offset=offset)  # type: ignore[arg-type]  # literals
        for sent in refused:
            answer = ask(account, stream, DAY, offset=sent, limit=1)
            assert answer.status_code == 200
            assert answer.json() == {"status": "failed", "message": REFUSED}
        assert page(account, stream, DAY, **paging(taken, 1))


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("cap", [None, 7])
def test_paging_that_is_required_cannot_be_left_out(
    account: Sandbox, stream: str, cap: int | None
) -> None:
    account.quirks = Quirks(paging_required=True, page_cap=cap)
    for keys in ({}, {"limit": 5}, {"offset": 0}, {"limit": "", "offset": 0}):
        assert page(account, stream, DAY, **keys) == "ReqFieldMissing"
    assert len(page(account, stream, DAY, limit=5, offset=0)) == 5
    account.quirks = Quirks(paging_required=True, page_cap=cap, offset="refused")
    assert page(account, stream, DAY) == "ReqFieldMissing"
    assert page(account, stream, DAY, limit=5, offset=0) == REFUSED
    assert len(page(account, stream, DAY, limit=5)) == 5
    account.quirks = Quirks(paging_required=True, page_cap=cap, offset="refused_beyond_0")
    assert page(account, stream, DAY, limit=5) == "ReqFieldMissing"


# How a client that knows what an account means gets at page `number`, counted from 0, of 6 rows.
WALKS: list[tuple[dict[str, Any], Walk]] = [
    ({"offset": "rows"}, lambda number: (6 * number, 6)),
    ({"offset": "pages"}, lambda number: (number, 6)),
    ({"offset": "pages_from_1"}, lambda number: (number + 1, 6)),
    ({"offset": "pages_from_1_strict"}, lambda number: (number + 1, 6)),
    ({"limit": "page"}, lambda number: (0, number + 1)),
    ({"limit": "page_from_0"}, lambda number: (0, number)),
    ({"limit": "last_row"}, lambda number: (6 * number, 6 * number + 6)),
    ({"limit": "ignored"}, lambda number: (6 * number, 1)),
    ({"limit": "ignored", "offset": "pages"}, lambda number: (number, 1)),
]


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize(("quirks", "request_for"), WALKS, ids=[named(walk[0]) for walk in WALKS])
def test_pages_make_up_the_day(
    account: Sandbox, quirks: dict[str, Any], request_for: Walk, stream: str
) -> None:
    for order in ("ascending", "descending", "shuffled"):
        account.quirks = Quirks(**quirks, order=order, page_cap=6)
        pages = [
            keys_of(stream, page(account, stream, DAY, **paging(*request_for(number))))
            for number in range(8)
        ]
        assert [len(keys) for keys in pages] == [6, 6, 6, 6, 6, 6, 4, 0]
        assert {key for keys in pages for key in keys} == set(listing(stream))


@pytest.mark.parametrize(("quirks", "request_for"), WALKS, ids=[named(walk[0]) for walk in WALKS])
def test_a_total_that_is_wrong_once_is_so_in_the_first_reading(
    quirks: dict[str, Any], request_for: Walk
) -> None:
    told = Quirks(**quirks, page_cap=6, total_count="wrong_once")
    with Sandbox(ACCOUNT, quirks=told) as sandbox:
        totals = [
            ask(sandbox, "tickets", DAY, **paging(*request_for(number))).json()["totalCount"]
            for number in (0, 1, 2, 0, 1)
        ]
    assert totals == [41, 41, 41, 40, 40]


@pytest.mark.parametrize("cap", [None, 7])
def test_customers_without_a_limit_come_by_the_hundred(cap: int | None) -> None:
    counts = {stream: {DAY: 130} for stream in STREAMS}
    many = Account(first_day=DAY, now=ACCOUNT.now, counts=counts)
    expected = {"size": 100, "last_row": 100, "ignored": 130, "page": 20, "page_from_0": 20}
    with Sandbox(many) as sandbox:
        for limit, count in expected.items():
            sandbox.quirks = Quirks(limit=limit, page_cap=cap)  # type: ignore[arg-type]  # literals
            assert len(page(sandbox, "customers", DAY)) == (cap or count)
        sandbox.quirks = Quirks(page_cap=cap)
        assert len(page(sandbox, "tickets", DAY)) == (cap or 130)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("cap", [None, 7])
def test_short_pages_are_random_but_never_empty_before_the_end(
    account: Sandbox, stream: str, cap: int | None
) -> None:
    account.quirks = Quirks(short_pages=True, page_cap=cap)
    day, size = listing(stream), cap or 15
    lengths = set()
    for _ in range(2):
        for start in range(ROWS):
            found = keys_of(stream, page(account, stream, DAY, offset=start, limit=15))
            assert 1 <= len(found) <= size
            assert found == day[start : start + len(found)]
            lengths.add(len(found))
    assert len(lengths) > size // 2
    assert page(account, stream, DAY, offset=ROWS, limit=15) == []


def test_short_pages_are_the_same_for_a_seed() -> None:
    runs = []
    for seed in (1, 1, 2):
        account = Account(seed=seed, first_day=DAY, now=ACCOUNT.now, counts=ACCOUNT.counts)
        with Sandbox(account, quirks=Quirks(short_pages=True)) as sandbox:
            runs.append([len(page(sandbox, "tickets", DAY, limit=30)) for _ in range(9)])
    assert runs[0] == runs[1] != runs[2]
    assert len(set(runs[0])) > 2


# Some quirks, and the rows from the day to itself, to the next and to the one after that.
WINDOWS: list[tuple[dict[str, Any], list[int | None]]] = [
    ({}, [ROWS, ROWS + NEXT_ROWS]),
    ({"host_window": True}, [ROWS, None]),
    ({"window": "end_exclusive"}, [0, ROWS, ROWS + NEXT_ROWS]),
    ({"window": "end_exclusive", "host_window": True}, [0, ROWS, None]),
]


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize(("switches", "rows"), WINDOWS)
def test_windows_hold_the_days_that_their_account_means(
    account: Sandbox, switches: dict[str, Any], rows: list[int | None], stream: str
) -> None:
    account.quirks = Quirks(**switches)
    for days, count in enumerate(rows):
        last = DAY + dt.timedelta(days)
        answer = send(account, PATHS[stream], window(stream, DAY, last, limit=100)).json()
        if count is None:
            assert "24 hours" in answer["message"]
        else:
            assert (answer["status"], len(answer["message"])) == ("success", count)
        assert (account.requests[-1].day, account.requests[-1].last) == (DAY, last)
    backwards = window(stream, NEXT, DAY)
    message = send(account, PATHS[stream], backwards).json()["message"]
    assert "24 hours" in message if account.quirks.host_window else message == []


@pytest.mark.parametrize("cap", [None, 7])
def test_windows_of_several_days_are_paged_as_one_listing(
    account: Sandbox, cap: int | None
) -> None:
    account.quirks = Quirks(window="end_exclusive", page_cap=cap)
    asked = window("tickets", DAY, NEXT + dt.timedelta(1), offset=36, limit=30)
    expected = [*account.truth_of_day("tickets", DAY), *account.truth_of_day("tickets", NEXT)]
    found = send(account, TICKETS, asked).json()["message"]
    assert keys_of("tickets", found) == expected[36 : 36 + (cap or 30)]
