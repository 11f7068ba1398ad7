"""Run the tap at another instant, with shorter waits or a fault inside: ``python tap_bent.py ...``.

These variables take the place of what the tap would use:

- ``TAP_STARTED_AT``: the run's one reading of the clock, in milliseconds since 1970
- ``TAP_LONGEST_WAIT``: upper bound of the random wait between two tries, in seconds
- ``TAP_PROGRESS_EVERY``: seconds between two lines of progress
- ``TAP_BROKEN_DAY``: a day for which a worker raises what nobody expects
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING
from unittest.mock import patch

from tap_kapture.__main__ import main
from tap_kapture.pull import progress
from tap_kapture.singer.tap import TapKapture
from tap_kapture.wire import transport
from tap_kapture.wire.transport import Transport

if TYPE_CHECKING:
    import requests

    from tap_kapture.wire.answers import Answer
    from tap_kapture.wire.request import Request

ASK = Transport.ask


def broken_ask(self: Transport, session: requests.Session, page: Request) -> Answer:
    if page.day.isoformat() == os.environ["TAP_BROKEN_DAY"]:
        message = "nobody expects this"
        raise ZeroDivisionError(message)
    return ASK(self, session, page)


if __name__ == "__main__":
    with ExitStack() as bent:
        started_at = int(os.environ["TAP_STARTED_AT"])
        bent.enter_context(patch.object(TapKapture, "initialized_at", started_at))
        if "TAP_LONGEST_WAIT" in os.environ:
            longest = float(os.environ["TAP_LONGEST_WAIT"])
            bent.enter_context(patch.object(transport, "LONGEST_WAIT", longest))
        if "TAP_PROGRESS_EVERY" in os.environ:
            interval = float(os.environ["TAP_PROGRESS_EVERY"])
            bent.enter_context(patch.object(progress, "INTERVAL", interval))
        if "TAP_BROKEN_DAY" in os.environ:
            bent.enter_context(patch.object(Transport, "ask", broken_ask))
        main()
