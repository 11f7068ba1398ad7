"""`make demo`: a fake Kapture account, loaded into DuckDB by Meltano twice, a day apart.

Everything it writes goes to demo/output/, which each run starts afresh: the warehouse, Meltano's
state and the logs. The account is the sandbox of this repository, on a free port of this machine,
with made-up people.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from arrived import KEYS, Tables, chart, difference, joined_rows, tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "demo" / "output"
LOG = OUTPUT / "meltano.log"
WAREHOUSE = OUTPUT / "warehouse.duckdb"

PIPELINE = ("tap-kapture", "target-duckdb")
STATE_ID = "demo:tap-kapture-to-target-duckdb"

HISTORY_DAYS = 45
TICKETS_PER_DAY = 12
LOG_TAIL = 30
COLOR = re.compile(r"\x1b\[[0-9;]*m")

QUERY = "select status, count(*) from kapture.tickets group by 1 order by 2 desc"

Account = dict[str, Any]


class DemoError(Exception):
    """Something that the demo needs did not work; the text says what and shows the log's end."""


# --- the fake account -----------------------------------------------------------------------------


@contextlib.contextmanager
def sandbox() -> Iterator[Account]:
    """A fake Kapture account; it stops, and its port is free again, when the block ends."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--behind", "2"]
    command += ["--days", str(HISTORY_DAYS), "--tickets-per-day", str(TICKETS_PER_DAY)]
    log = OUTPUT / "sandbox.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                raise DemoError(failure("the sandbox did not start", log))
            yield json.loads(line)
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process: by closing its input, then by asking, then by force."""
    if process.stdin:
        with contextlib.suppress(OSError):
            process.stdin.close()
    for number in (None, signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        if number:
            process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
            return


def ask(account: Account, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401  # whatever JSON comes
    """Talk to the sandbox's own endpoints, which Kapture does not have."""
    address = urlsplit(account["url"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    try:
        connection.request(method, f"/_sandbox/{path}", json.dumps(body or {}))
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        message = f"the sandbox answered {response.status} to {method} {path}"
        raise DemoError(message)
    return json.loads(content)


# --- Meltano --------------------------------------------------------------------------------------


def environment(account: Account) -> dict[str, str]:
    """The variables that Meltano runs with: the account's, and none left over from elsewhere."""
    ours = ("TAP_KAPTURE_", "TARGET_DUCKDB_", "MELTANO_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return inherited | {
        # A .env file in the project counts too. Blank means not set, and wins over the file.
        "TAP_KAPTURE_SUBDOMAIN": "",
        # The account's clock is behind this machine's, which is the tap's.
        "TAP_KAPTURE_END_DATE": account["today"],
        "TAP_KAPTURE_API_URL": account["url"],
        "TAP_KAPTURE_AUTH_TOKEN": account["auth_token"],
        "TAP_KAPTURE_CM_ID": str(account["cm_id"]),
        "TAP_KAPTURE_START_DATE": account["start_date"],
        "TAP_KAPTURE_TIMEZONE": account["timezone"],
        "TARGET_DUCKDB_PATH": str(WAREHOUSE),
        # State of its own, so that neither yours nor an earlier demo's is touched.
        "MELTANO_DATABASE_URI": f"sqlite:///{(OUTPUT / 'meltano.db').as_posix()}",
        "MELTANO_STATE_BACKEND_URI": "systemdb",
        "MELTANO_CLI_LOG_FORMAT": "uncolored",
        "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
        # virtualenv would look for newer versions of itself now and then.
        "VIRTUALENV_NO_PERIODIC_UPDATE": "1",
        "NO_COLOR": "1",
    }


def meltano(account: Account, *arguments: str) -> str:
    """Run a Meltano command in the demo environment.

    Returns:
        What it printed. Its log goes to a file.

    Raises:
        DemoError: It failed.
    """
    command = [str(Path(sys.executable).with_name("meltano")), "--environment=demo", *arguments]
    with (
        LOG.open("ab") as log,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(account),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
        ) as process,
    ):
        try:
            printed = waited_for(process)
        except BaseException:
            stop(process)
            raise
        log.write(printed)
    if process.returncode:
        raise DemoError(failure(f"`meltano {' '.join(arguments)}` failed", LOG))
    return printed.decode()


def waited_for(process: subprocess.Popen[bytes]) -> bytes:
    """What a process prints until it ends; a dot each second says that it is at work."""
    with ThreadPoolExecutor(1) as pool:
        printed = pool.submit(process.communicate)
        while not wait([printed], timeout=1).done:
            print(".", end="", flush=True)
    return printed.result()[0]


def load(account: Account) -> tuple[float, list[dict[str, Any]]]:
    """Pull both streams into the warehouse.

    Returns:
        Seconds it took, and the requests that the account saw.
    """
    ask(account, "POST", "clear")
    started = time.monotonic()
    meltano(account, "run", *PIPELINE)
    say()
    return time.monotonic() - started, ask(account, "GET", "requests")


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


def failure(what: str, log: Path) -> str:
    """A message with the end of a log."""
    text = COLOR.sub("", log.read_text(encoding="utf-8", errors="replace"))
    lines = text.splitlines()[-LOG_TAIL:]
    end = "\n".join(f"  | {line}" for line in lines)
    return f"{what}. The end of {log.relative_to(ROOT)}:\n{end}"


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
        show("The latest tickets with their customers:", joined_rows(WAREHOUSE))
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
        say("\n  Kapture does not tell of deletions, so a deleted ticket stays in the warehouse.")
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
