"""What the resilience tests share: the tap as a process that can be watched, and its reading."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, TYPE_CHECKING, Any

from tap_process import KEYS, Output, Table, asked, days, milliseconds, pull, untruths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from typing_extensions import Self

    from sandbox import Sandbox

__all__ = [
    "KEYS",
    "Output",
    "Process",
    "Retry",
    "Table",
    "asked",
    "claimed",
    "days",
    "fold",
    "metrics",
    "milliseconds",
    "only_whole_lines",
    "pull",
    "retries",
    "show",
    "untruths",
    "untruths_of_days",
    "wait_until",
]

UTC = dt.timezone.utc
ONE_DAY = dt.timedelta(days=1)
TAP_BENT = Path(__file__).with_name("tap_bent.py")
PATIENCE = 30.0
"""Seconds that anything that should happen soon may take on a busy machine."""

_serial = itertools.count()
_RETRY = re.compile(
    r"(?P<stream>\w+), day (?P<day>[\d-]+), offset \d+: (?P<reason>.+); "
    r"try (?P<tries>\d+) of (?P<most>\d+) in (?P<wait>\d+\.\d) s$",
    re.MULTILINE,
)


class Process:
    """The tap as a process; whatever it writes is read at once, unless told otherwise.

    Attributes:
        raw: What came from stdout so far.
        popen: The process.
    """

    def __init__(  # noqa: PLR0913 - each is a thing of its own that a run is given
        self,
        folder: Path,
        config: Mapping[str, object],
        at: dt.datetime,
        *,
        state: Mapping[str, Any] | None = None,
        stdout: int | IO[bytes] = subprocess.PIPE,
        reading: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it.

        Args:
            folder: For the files of its command line, and its log.
            config: Its configuration.
            at: The instant that it takes for now.
            state: What it goes on from.
            stdout: Where it writes to; a pipe by default.
            reading: Whether somebody reads the pipe.
            environment: Further variables, such as those of ``tap_bent.py``.
        """
        own = folder / f"run-{next(_serial)}"
        own.mkdir()
        command = [sys.executable, str(TAP_BENT)]
        for option, content in (("config", config), ("state", state)):
            if content is not None:
                path = own / f"{option}.json"
                path.write_text(json.dumps(content), encoding="utf-8")
                command += [f"--{option}", str(path)]
        self.raw = bytearray()
        self._log = own / "log"
        with self._log.open("wb") as log:
            self.popen = subprocess.Popen(
                command,
                cwd=own,
                env={
                    **os.environ,
                    "PYTHONUTF8": "1",
                    "TAP_STARTED_AT": str(milliseconds(at)),
                    "TAP_LONGEST_WAIT": "0.2",
                    **(environment or {}),
                },
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=log,
            )
        self._reader = Thread(target=self._read, daemon=True)
        if reading and self.popen.stdout:
            self._reader.start()

    def __enter__(self) -> Self:
        """Nothing: it runs already."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, should it still run."""
        self.popen.kill()
        self.popen.wait()
        if self._reader.is_alive():
            self._reader.join()
        if self.popen.stdout:
            self.popen.stdout.close()

    @property
    def log(self) -> str:
        """What it logged so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def output(self) -> Output:
        """Its whole lines so far, its log and its exit code."""
        whole = self.raw[: self.raw.rfind(b"\n") + 1]
        lines = tuple(whole.decode().splitlines())
        return Output(lines, self.log, self.popen.returncode or 0)

    def ended(self, within: float = PATIENCE) -> float:
        """Wait until it has ended and all it wrote is read; return the seconds that it took."""
        began = time.monotonic()
        self.popen.wait(within)
        took = time.monotonic() - began
        if self._reader.is_alive():
            self._reader.join()
        return took

    def read_the_rest(self, size: int = 65536, pause: float = 0.0) -> None:
        """Read the pipe of a process that nobody has read, to its end.

        Args:
            size: Bytes at a time.
            pause: Seconds after each.
        """
        pipe = self.popen.stdout
        while pipe and (piece := os.read(pipe.fileno(), size)):
            self.raw += piece
            time.sleep(pause)

    def _read(self) -> None:
        pipe = self.popen.stdout
        while pipe and (piece := os.read(pipe.fileno(), 65536)):
            self.raw += piece


@dataclass(frozen=True)
class Retry:
    """A line that announces another try."""

    stream: str
    day: str
    reason: str
    tries: int
    most: int
    wait: float


def retries(log: str) -> list[Retry]:
    """Every announced retry, in order."""
    return [
        Retry(
            found["stream"],
            found["day"],
            found["reason"],
            int(found["tries"]),
            int(found["most"]),
            float(found["wait"]),
        )
        for found in _RETRY.finditer(log)
    ]


def metrics(log: str) -> Iterator[dict[str, Any]]:
    """Every metric that the SDK logged."""
    for line in log.splitlines():
        _, marker, point = line.partition("METRIC: ")
        if marker:
            yield json.loads(point)


def wait_until(condition: Callable[[], bool], within: float = PATIENCE) -> None:
    """Wait for something that happens elsewhere.

    Raises:
        TimeoutError: It did not happen.
    """
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            message = f"not within {within} s"
            raise TimeoutError(message)
        time.sleep(0.01)


def only_whole_lines(process: Process) -> bool:
    """Whether stdout holds Singer messages and no part of one."""
    kinds = {json.loads(line)["type"] for line in process.raw.decode().splitlines()}
    return process.raw.endswith(b"\n") and kinds <= {"SCHEMA", "RECORD", "STATE"}


def fold(tables: dict[str, Table], output: Output) -> None:
    """Load an output into the tables as a target does: by key, in order."""
    for stream in KEYS:
        tables.setdefault(stream, {}).update(output.table(stream))


def claimed(state: Mapping[str, Any], stream: str) -> list[dt.date]:
    """The days of which a state says that they are in the target."""
    bookmark = state.get("bookmarks", {}).get(stream, {})
    if "pulled_from" not in bookmark:
        return []
    value = dt.date.fromisoformat(bookmark["replication_key_value"])
    return days(dt.date.fromisoformat(bookmark["pulled_from"]), value - ONE_DAY)


def untruths_of_days(
    table: Table, sandbox: Sandbox, stream: str, wanted: list[dt.date]
) -> list[str]:
    """Where a table differs from what the sandbox holds of some days; other days do not count."""
    truth: dict[object, Any] = {}
    for day in wanted:
        truth |= sandbox.truth_of_day(stream, day)
    return untruths({key: table[key] for key in truth.keys() & table.keys()}, truth)


def show(text: str) -> None:
    """Print a line of numbers (``pytest -rP`` shows it)."""
    sys.stdout.write(f"{text}\n")
