"""`make demo`: a fake Kapture account, loaded into DuckDB by Meltano twice, a day apart.

Everything it writes goes to demo/output/, which each run starts afresh: the warehouse, Meltano's
state and the logs. The account is the sandbox of this repository, on a free port of this machine,
with made-up people.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from arrived import (
    DAYS_READ,
    DELETED,
    KEYS,
    LATEST,
    Tables,
    chart,
    difference,
    queried,
    tables,
)
from processes import (
    HISTORY_DAYS,
    LOG,
    OUTPUT,
    PIPELINE,
    ROOT,
    WAREHOUSE,
    Account,
    DemoError,
    ask,
    load,
    meltano,
    sandbox,
)

if TYPE_CHECKING:
    from types import FrameType

STATE_ID = "demo:tap-kapture-to-target-duckdb"
QUERY = "select status, count(*) from kapture.tickets group by 1 order by 2 desc"


# --- both ends ------------------------------------------------------------------------------------


def state(account: Account) -> str:
    """Where Meltano's state says the next run goes on, a line per stream."""
    bookmarks = json.loads(meltano(account, "state", "get", STATE_ID))["singer_state"]["bookmarks"]
    lines = []
    for stream, bookmark in bookmarks.items():
        line = f"{stream}: the next new day is {bookmark.get('replication_key_value')}"
        if days := bookmark.get("days"):
            line += f"; {len(days)} days before it are read again"
        lines.append(line)
    return "\n".join(lines)


def comparison(account: Account, held: Tables) -> str:
    """How the warehouse compares with the account, a line per stream."""
    lines = []
    for stream, records in held.items():
        truth = ask(account, "GET", f"truth?stream={stream}")
        missing = len(truth.keys() - {str(key) for key in records})
        line = f"{stream}: {len(truth)} in the account, {len(records)} in the warehouse"
        line += f", {missing} missing" if missing else ""
        deleted = len({str(key) for key in records} - truth.keys())
        line += f", of which {deleted} was deleted in the account" if deleted else ""
        if stream == "tickets":
            stale = sum(
                str(key) in truth and truth[str(key)]["status"] != record["status"]
                for key, record in records.items()
            )
            line += f", {stale} with another status" if stale else ", every status the same"
        lines.append(line)
    return "\n".join(lines)


# --- telling --------------------------------------------------------------------------------------


def say(text: str = "") -> None:
    """Print at once, whatever reads it."""
    print(text, flush=True)


def show(title: str, text: str) -> None:
    """Print a titled, indented block."""
    say(f"\n{title}\n")
    say("\n".join(f"  {line}".rstrip() for line in text.splitlines()))


def reading(seconds: float, requests: list[dict[str, Any]]) -> str:
    """How much a run asked for."""
    asked = {
        stream: len({each["day"] for each in requests if each["stream"] == stream})
        for stream in KEYS
    }
    days = " and ".join(f"{count} days of {stream}" for stream, count in asked.items())
    return f"{len(requests)} requests for {days}, {seconds:.0f} s"


def demo() -> None:
    """Load, show, move a day on, load again, show."""
    if OUTPUT.exists():
        say("A demo ran in this clone before: its tables and state are removed, this one is new.")
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    with sandbox() as account:
        say(f"A fake Kapture account is up at {account['url']}: {HISTORY_DAYS} days of tickets and")
        say(f"customers until {account['today']}. Its people are made up.")
        say("\nThe tap and the loader get an environment each: `meltano install` (some 15 s)")
        meltano(account, "install", *PIPELINE)

        say(f"\n\nFirst run: `meltano --environment=demo run {' '.join(PIPELINE)}`")
        first, requests = load(account)
        before = tables(WAREHOUSE)
        say(f"  {reading(first, requests)}.")
        say("  Kapture is asked day by day, and once more behind the last page of each.")
        show(
            "Tickets by day of creation and status:", chart(before["tickets"], account["timezone"])
        )
        show("The latest tickets with their customers:", queried(WAREHOUSE, LATEST))
        show("Account and warehouse:", comparison(account, before))
        show("State that Meltano keeps:", state(account))

        today = ask(account, "POST", "advance", {"days": 1})["today"]
        deleted = delete_a_ticket(account, before)
        say(f"\nA day goes by: it is {today} now. Tickets came in, others were worked on,")
        say(f"and ticket {deleted} was deleted.")
        say("\nSecond run, the same command")
        second, again = load(account | {"today": today})
        after = tables(WAREHOUSE)
        say(f"  {reading(second, again)}, where the first run took {len(requests)} requests.")
        say("  Read again were the days that may have changed: the latest, and those of open")
        say("  tickets.")
        show("What it changed:", difference(before, after))
        show("Account and warehouse:", comparison(account, after))
        say("\n  Kapture does not tell of deletions, so a deleted ticket stays in the table. But")
        say("  pulled_days has a row for each day that was read, and shows what was left behind:")
        show("The latest days of tickets, by pulled_days:", queried(WAREHOUSE, DAYS_READ))
        show("Deleted in the account, by pulled_days:", queried(WAREHOUSE, DELETED))
        show("State that Meltano keeps:", state(account))
    farewell()


def delete_a_ticket(account: Account, held: Tables) -> str:
    """Delete the latest ticket that the warehouse holds; its key."""
    key: str = max(held["tickets"], key=lambda key: held["tickets"][key]["date"])
    ask(account, "POST", "delete", {"stream": "tickets", "key": key})
    return key


def farewell() -> None:
    """Say what is left, and what to do next."""
    programs = Path(sys.executable).parent.relative_to(ROOT)
    warehouse = WAREHOUSE.relative_to(ROOT)
    say(f"\nThe account is gone, the warehouse stays: {warehouse}. A query to paste:\n")
    look = f"import duckdb; duckdb.connect('{warehouse}').sql('{QUERY}').show()"
    say(f'  {programs}/python -c "{look}"\n')
    say("Your own account, into output/warehouse.duckdb:\n")
    say("  cp .env.example .env     # and fill it in")
    say(f"  {programs}/meltano run {' '.join(PIPELINE)}\n")
    say(f"The runs' log: {LOG.relative_to(ROOT)}")


def interrupted(number: int, _: FrameType | None) -> NoReturn:
    """Take one way out of Ctrl-C and of a request to end, so that nothing is left running."""
    raise KeyboardInterrupt(number)


def main() -> int:
    """Run the demo.

    Returns:
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    started = time.monotonic()
    try:
        demo()
    except DemoError as error:
        print(f"\nThe demo stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.", file=sys.stderr)
        return 130
    say(f"Done in {time.monotonic() - started:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
