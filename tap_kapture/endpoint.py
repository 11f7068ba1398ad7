"""What a pull has to know of its stream, and who is told what happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests
    from singer_sdk.streams.rest import HTTPRequest

    from tap_kapture.bookmarks import Bookmark
    from tap_kapture.paging.dialect import Request
    from tap_kapture.schemas import Column


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a pull has to know of its stream.

    Attributes:
        stream: Name of the stream.
        key: Name of the primary key.
        status_column: Name of the column that tells open from closed, or None.
        columns: The columns.
        other_paths: Other known paths of the endpoint.
        build: Makes the HTTP request for rows.
        auth: Adds the credential to a request.
    """

    stream: str
    key: str
    status_column: str | None
    columns: tuple[Column, ...]
    other_paths: tuple[str, ...]
    build: Callable[[Request], HTTPRequest]
    auth: Callable[[requests.PreparedRequest], requests.PreparedRequest]


@dataclass(frozen=True, slots=True)
class Observer:
    """Who is told what while a pull goes on.

    Attributes:
        checkpoint: Is given the new bookmark behind every day's last record.
        tick: Called at least every 0.2 s while waiting, and for every page; it may raise.
        response: Is told each response; called by the workers.
    """

    checkpoint: Callable[[Bookmark], None]
    tick: Callable[[], None]
    response: Callable[[requests.Response], None]
