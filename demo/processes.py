"""The processes of the demo: the fake account, and Meltano."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "demo" / "output"
LOG = OUTPUT / "meltano.log"
WAREHOUSE = OUTPUT / "warehouse.duckdb"
PIPELINE = ("tap-kapture", "target-duckdb")

HISTORY_DAYS = 45
TICKETS_PER_DAY = 12
LOG_TAIL = 30
COLOR = re.compile(r"\x1b\[[0-9;]*m")

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
    print(flush=True)
    return time.monotonic() - started, ask(account, "GET", "requests")


def failure(what: str, log: Path) -> str:
    """A message with the end of a log."""
    text = COLOR.sub("", log.read_text(encoding="utf-8", errors="replace"))
    lines = text.splitlines()[-LOG_TAIL:]
    end = "\n".join(f"  | {line}" for line in lines)
    return f"{what}. The end of {log.relative_to(ROOT)}:\n{end}"
