"""The process that serves an account: `python -m benchmarks.server LOAD FOLDER`.

It asks itself for every page once, so that all answers are made before anything is measured, and
keeps their bytes in files. Then it prints the settings of a tap, and serves until its standard
input ends.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from benchmarks.load import FIRST_DAY, Load
from sandbox import Account, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

_PATHS = {
    "tickets": "/select-ticket-between-start-and-end-dates.html/v.2.0",
    "customers": "/select-customer-between-start-and-end-dates.html",
}
_WORKERS = 16
_PATIENCE = 600.0


def main(load_json: str, folder: str) -> None:
    """Serve an account.

    Args:
        load_json: A :class:`Load`, as JSON.
        folder: Where to keep the answers.
    """
    load = Load(**json.loads(load_json))
    with Sandbox(_account(load), latency=load.latency) as sandbox:
        config = sandbox.config(page_size=load.page_size, end_date=str(load.last_day))
        for stream in _PATHS:
            _warm(load, stream, config, Path(folder))
        print(json.dumps(config), flush=True)
        sys.stdin.read()


def _account(load: Load) -> Account:
    days = [FIRST_DAY + timedelta(days=number) for number in range(load.days)]
    return Account(
        first_day=FIRST_DAY,
        now=datetime(*load.last_day.timetuple()[:3], tzinfo=timezone.utc) + timedelta(days=7),
        tickets_per_day=0,
        customers_per_day=0,
        static=True,
        counts={
            "tickets": dict.fromkeys(days, load.tickets),
            "customers": dict.fromkeys(days, load.customers),
        },
    )


def _warm(load: Load, stream: str, config: dict[str, Any], folder: Path) -> None:
    """Ask for every page as the taps will."""
    (folder / stream).mkdir()

    def day_pages(number: int) -> None:
        day = FIRST_DAY + timedelta(days=number)
        ask = _asker(stream, day, config)
        offset = 0
        while rows := len(json.loads(body := ask(offset))["message"]):
            (folder / stream / f"{day}-{offset:07}.json").write_bytes(body)
            offset += rows

    with ThreadPoolExecutor(_WORKERS) as pool:
        list(pool.map(day_pages, range(load.days)))


def _asker(stream: str, day: date, config: dict[str, Any]) -> Callable[[int], bytes]:
    def ask(offset: int) -> bytes:
        limit = config["page_size"]
        body: object = [
            {"start_date": str(day), "end_date": str(day), "limit": limit, "offset": offset}
        ]
        if stream == "customers":
            body = {
                "cm_id": config["cm_id"],
                "createStartDate": str(day),
                "createEndDate": str(day),
                "limit": str(limit),
                "offset": str(offset),
            }
        response = requests.post(
            config["api_url"] + _PATHS[stream],
            json=body,
            headers={"Authorization": f"Basic {config['auth_token']}"},
            timeout=_PATIENCE,
        )
        response.raise_for_status()
        return response.content

    return ask


if __name__ == "__main__":
    main(*sys.argv[1:])
