"""Run the source as if it were started at another instant: ``python source_at.py read ...``.

These variables take the place of what the source would use:

- ``SOURCE_STARTED_AT``: the run's one reading of the clock, as ISO 8601
- ``SOURCE_LONGEST_WAIT``: upper bound of the random wait between two tries, in seconds
- ``SOURCE_BROKEN_DAY``: a day for which a worker raises what nobody expects
"""

from __future__ import annotations

import datetime as dt
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING
from unittest.mock import patch

from tap_kapture.airbyte.main import main
from tap_kapture.wire import transport
from tap_kapture.wire.transport import Transport

if TYPE_CHECKING:
    import requests

    from tap_kapture.wire.answers import Answer
    from tap_kapture.wire.request import Request

ASK = Transport.ask


def broken_ask(self: Transport, session: requests.Session, page: Request) -> Answer:
    if page.day.isoformat() == os.environ["SOURCE_BROKEN_DAY"]:
        message = "nobody expects this, nor Asha Rao in it"
        raise ZeroDivisionError(message)
    return ASK(self, session, page)


if __name__ == "__main__":
    with ExitStack() as bent:
        if "SOURCE_LONGEST_WAIT" in os.environ:
            longest = float(os.environ["SOURCE_LONGEST_WAIT"])
            bent.enter_context(patch.object(transport, "LONGEST_WAIT", longest))
        if "SOURCE_BROKEN_DAY" in os.environ:
            bent.enter_context(patch.object(Transport, "ask", broken_ask))
        main(now=dt.datetime.fromisoformat(os.environ["SOURCE_STARTED_AT"]))
