"""Which rows a request gets: every way in which `offset` and `limit` could be meant.

How many rows a page has, and so what a page is where pages are counted:

| `limit` quirk | rows of a page, at most `page_cap` |
|---|---|
| `size` | `limit`; without one all rows for tickets, 100 for customers |
| `ignored` | all rows |
| `last_row` | those before row `limit`; without one as many as with `size` |
| `page`, `page_from_0` | 20, or `page_cap` even if it is more |

Where the page starts, counting rows from 0:

| `limit` quirk | `offset` quirk | first row |
|---|---|---|
| `page` | any | (`limit` - 1) * rows of a page; `limit` 0 and none are like 1 |
| `page_from_0` | any | `limit` * rows of a page; no `limit` is like 0 |
| `last_row` | any | `offset` |
| others | `rows` | `offset` |
| others | `pages` | `offset` * rows of a page |
| others | `pages_from_1` | (`offset` - 1) * rows of a page; 0 is like 1 |
| others | `pages_from_1_strict` | the same, but 0 is a page without rows |
| others | `ignored`, `refused`, `refused_beyond_0` | 0 |

No `offset` is like 0. What is refused does not come here: see `sandbox.asking`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.answers.asking import Asked
    from sandbox.quirks import Quirks

_CUSTOMERS_LIMIT = 100
_NUMBERED_PAGE = 20


def page_of(asked: Asked, rows: int, quirks: Quirks) -> slice:
    """Which slice of a listing a request gets.

    Args:
        asked: the request.
        rows: in the whole listing.
        quirks: of the account.
    """
    if quirks.limit in {"page", "page_from_0"}:
        size = quirks.page_cap or _NUMBERED_PAGE
        start = size * _number(asked.limit, 1 if quirks.limit == "page" else 0)
    else:
        size = _size(asked, rows, quirks)
        start = _start(asked, rows, size, quirks)
    return slice(start, start + size)


def addresses_rows(quirks: Quirks) -> bool:
    """Whether a request says with which row its page begins, of rows that keep their places.

    Only then can a page come short without the rest of it being lost to every client.
    """
    if quirks.order == "unstable":
        return False
    if quirks.limit == "last_row":
        return quirks.offset not in {"refused", "refused_beyond_0"}
    return quirks.offset == "rows" and quirks.limit in {"size", "ignored"}


def begins(asked: Asked, quirks: Quirks) -> bool:
    """Whether a request is one with which a client begins to read a day.

    Where the offset is ignored this goes by what the client means.
    """
    if quirks.limit in {"page", "page_from_0"}:
        return _number(asked.limit, 1 if quirks.limit == "page" else 0) == 0
    if quirks.limit != "last_row":
        if quirks.offset == "pages_from_1":
            return _number(asked.offset, 1) == 0
        if quirks.offset == "pages_from_1_strict":
            return asked.offset == 1
    return not asked.offset


def _size(asked: Asked, rows: int, quirks: Quirks) -> int:
    """How many rows a page has, unless the listing ends in it."""
    if quirks.limit == "ignored":
        size = rows
    elif asked.limit is None:
        size = _CUSTOMERS_LIMIT if asked.stream == "customers" else rows
    elif quirks.limit == "last_row":
        size = max(asked.limit - (asked.offset or 0), 0)
    else:
        size = asked.limit
    return min(size, quirks.page_cap or size)


def _start(asked: Asked, rows: int, size: int, quirks: Quirks) -> int:
    """The first row of a page; the number of rows for a page beyond them."""
    if quirks.limit == "last_row" or quirks.offset == "rows":
        return asked.offset or 0
    if quirks.offset == "pages_from_1_strict" and not asked.offset:
        return rows
    if quirks.offset in {"pages_from_1", "pages_from_1_strict"}:
        return size * _number(asked.offset, 1)
    return size * (asked.offset or 0) if quirks.offset == "pages" else 0


def _number(asked: int | None, first: int) -> int:
    """A page's number counted from 0, whatever the first one's number is."""
    return max((asked or 0) - first, 0)
