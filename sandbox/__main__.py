"""`python -m sandbox`: a fake Kapture account as a process of its own."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import signal
import stat
import sys
import time
from threading import Event, Thread
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox import Account, Quirks, Sandbox
from sandbox.account.clock import DAY, UTC

if TYPE_CHECKING:
    from collections.abc import Sequence

_STDIN = 0
_TICK = 0.25  # seconds; short enough for a signal to be noticed soon on every system


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop.

    Args:
        arguments: of the command line; those of the process by default.

    Returns:
        The exit code.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        account, quirks = _account(options), Quirks.parse(options.quirk)
    except ValueError as error:
        parser.error(str(error))
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with Sandbox(account, quirks=quirks, latency=options.latency, port=options.port) as sandbox:
            _announce(sandbox)
            if not options.keep_open:
                _stop_with_stdin(stop)
            _wait(stop, options.lifetime)
    except OSError as error:
        parser.error(f"cannot listen on port {options.port}: {error}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Serve a fake Kapture account on 127.0.0.1. One line of JSON on standard "
        "output says where, and with which token. Its clock moves only when told: "
        'POST /_sandbox/advance {"days": 1}. GET /_sandbox/truth?stream=tickets shows what a '
        "warehouse should hold, GET /_sandbox/requests what was asked; "
        "POST /_sandbox/clear forgets that. "
        'POST /_sandbox/delete {"stream": "tickets", "key": "123"} takes a record away.',
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="port to listen on (default: any free one)")
    add("--seed", type=int, default=0, help="another seed is another account (default: 0)")
    add("--days", type=int, default=60, help="days of history before today (default: 60)")
    add("--tickets-per-day", type=float, default=8.0, metavar="X", help="mean (default: 8)")
    add("--customers-per-day", type=float, default=3.0, metavar="X", help="mean (default: 3)")
    add("--timezone", default="Asia/Kolkata", metavar="ZONE", help="(default: Asia/Kolkata)")
    add("--latency", type=float, default=0.0, metavar="SECONDS", help="before each answer")
    add("--behind", type=int, default=0, metavar="DAYS", help="set the clock back by days")
    add("--lifetime", type=float, default=3600.0, metavar="SECONDS", help="(default: 3600)")
    add(
        "--quirk",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="how the account differs from a friendly one, such as order=shuffled; repeatable",
    )
    add("--static", action="store_true", help="nothing changes after its creation")
    add("--keep-open", action="store_true", help="go on when a piped standard input closes")
    return parser


def _account(options: argparse.Namespace) -> Account:
    try:
        zone = ZoneInfo(options.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"there is no time zone {options.timezone!r}"
        raise ValueError(message) from error
    now = dt.datetime.now(UTC).replace(microsecond=0) - options.behind * DAY
    return Account(
        seed=options.seed,
        timezone=options.timezone,
        first_day=now.astimezone(zone).date() - options.days * DAY,
        now=now,
        tickets_per_day=options.tickets_per_day,
        customers_per_day=options.customers_per_day,
        static=options.static,
    )


def _announce(sandbox: Sandbox) -> None:
    account = sandbox.account
    line = {
        "url": sandbox.url,
        "auth_token": account.auth_token,
        "cm_id": account.cm_id,
        "timezone": account.timezone,
        "start_date": account.first_day.isoformat(),
        "today": sandbox.today.isoformat(),
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _stop_with_stdin(stop: Event) -> None:
    try:
        piped = stat.S_ISFIFO(os.fstat(_STDIN).st_mode)
    except OSError:  # there is no standard input
        return
    if piped:
        Thread(target=_drain, args=(stop,), daemon=True).start()


def _drain(stop: Event) -> None:
    # Not sys.stdin: a thread that holds its lock would break the interpreter's exit.
    while os.read(_STDIN, 4096):
        pass
    stop.set()


def _wait(stop: Event, lifetime: float) -> None:
    end = time.monotonic() + lifetime
    while (left := end - time.monotonic()) > 0 and not stop.wait(min(_TICK, left)):
        pass


if __name__ == "__main__":
    sys.exit(main())
