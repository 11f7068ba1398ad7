"""Runs the source as a process, or in this one, and reads what it wrote as a platform would."""

from __future__ import annotations

import itertools
import json
import logging
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO, TextIOWrapper
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import forked
from protocol import not_the_protocol

from tap_kapture.airbyte.main import main

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

from tap_process import KEYS, Table, asked, exact, leaked, signals_kept, untruths, without_time

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from typing_extensions import Self

    from sandbox import Sandbox

__all__ = ["KEYS", "Json", "Messages", "Process", "Table", "asked", "exact", "leaked", "untruths"]

Json = dict[str, Any]
SOURCE_AT = Path(__file__).with_name("source_at.py")
TIMEOUT = 60
PATIENCE = 30.0
"""Seconds that anything that should happen soon may take on a busy machine."""
ENOUGH = 5
"""Differences that are worth showing."""
_serial = itertools.count()


@dataclass(frozen=True)
class Messages:
    """What a run wrote, and how it ended.

    Attributes:
        lines: of stdout, as they are.
        stderr: all of it; empty for a run in this process.
        code: the exit code.
    """

    lines: tuple[str, ...]
    stderr: str = ""
    code: int = 0

    @cached_property
    def all(self) -> list[Json]:
        """The messages, in order."""
        return [json.loads(line) for line in self.lines]

    def of(self, kind: str) -> list[Json]:
        """The bodies of all messages of a kind."""
        names = {"CONNECTION_STATUS": "connectionStatus"}
        return [m[names.get(kind, kind.lower())] for m in self.all if m["type"] == kind]

    def records(self, stream: str) -> list[Json]:
        """All records of a stream, in order."""
        sent = [record["data"] for record in self.of("RECORD") if record["stream"] == stream]
        return [without_time(record) for record in sent]

    def table(self, stream: str) -> Table:
        """What a destination that replaces records by their key holds afterwards."""
        return {record[KEYS[stream]]: record for record in self.records(stream)}

    def states(self, stream: str) -> list[Json]:
        """The bodies of a stream's STATE messages."""
        return [state for state in self.of("STATE") if _stream_of(state["stream"]) == stream]

    @property
    def state(self) -> list[Json]:
        """What a platform keeps for the next run: the last state of each stream."""
        last = {_stream_of(state["stream"]): state for state in self.of("STATE")}
        kept = ("type", "stream")
        return [{name: state[name] for name in kept} for state in last.values()]

    def statuses(self, stream: str) -> list[str]:
        """The statuses of a stream, in order."""
        statuses = [
            trace["stream_status"] for trace in self.of("TRACE") if "stream_status" in trace
        ]
        return [status["status"] for status in statuses if _stream_of(status) == stream]

    @property
    def errors(self) -> list[Json]:
        """The bodies of the error traces."""
        return [trace["error"] for trace in self.of("TRACE") if "error" in trace]

    @property
    def log(self) -> str:
        """The text of the log, a line for each message."""
        return "\n".join(log["message"] for log in self.of("LOG"))

    def chatter(self) -> str:
        """All that was written besides records: what operators and log stores get to see."""
        return "\n".join([*(line for line in self.lines if '"RECORD"' not in line), self.stderr])

    def then(self, later: Messages) -> Messages:
        """This run's lines followed by those of a later one, for one and the same destination."""
        return Messages((*self.lines, *later.lines), self.stderr + later.stderr, later.code)

    def upto(self, line: int) -> Messages:
        """The run as it would have been if it had been cut behind so many lines."""
        return Messages(self.lines[:line])


def _stream_of(body: Json) -> str:
    name: str = body["stream_descriptor"]["name"]
    return name


def not_airbyte(run: Messages) -> list[str]:
    """What a strict platform would refuse, message by message and in their order."""
    found = [
        f"line {number}: {error}"
        for number, message in enumerate(run.all)
        for error in not_the_protocol(message)
    ]
    counts: Counter[str] = Counter()
    runs: dict[str, str] = {}
    last: dict[str, Json] = {}
    for number, (line, message) in enumerate(zip(run.lines, run.all, strict=True)):
        kind = message["type"]
        if kind == "RECORD":
            stream = message["record"]["stream"]
            counts[stream] += 1
        elif kind == "STATE":
            stream = _stream_of(message["state"]["stream"])
            count = message["state"]["sourceStats"]["recordCount"]
            state = message["state"]["stream"]["stream_state"]
            if count != counts[stream]:
                found.append(f"line {number}: {count} instead of {counts[stream]} records")
            if '"recordCount":' + f"{counts[stream]}.0" not in line:
                found.append(f"line {number}: the count has no decimal point")
            if counts[stream] and last.get(stream) == state:
                found.append(f"line {number}: the same state as before the records")
            last[stream], counts[stream] = state, 0
        elif kind == "TRACE" and "stream_status" in message["trace"]:
            told = message["trace"]["stream_status"]
            runs[_stream_of(told)] = told["status"]
            continue
        else:
            continue
        if runs.get(stream) != "RUNNING":
            found.append(f"line {number}: {stream} is not RUNNING")
    return found[:ENOUGH]


def not_the_truth(
    run: Messages,
    sandbox: Sandbox,
    *,
    streams: Sequence[str] = tuple(KEYS),
) -> list[str]:
    """Where the tables of the streams differ from what the sandbox holds now."""
    return [
        f"{stream} {found}"
        for stream in streams
        for found in untruths(run.table(stream), sandbox.truth(stream))
    ]


def configured(
    streams: Sequence[Json], mode: str = "incremental", **more: object
) -> dict[str, list[Json]]:
    """A configured catalog of discovered streams."""
    destination = "append_dedup" if mode == "incremental" else "overwrite"
    return {
        "streams": [
            {
                "stream": stream,
                "sync_mode": mode,
                "destination_sync_mode": destination,
                "cursor_field": stream["default_cursor_field"],
                "primary_key": stream["source_defined_primary_key"],
                **more,
            }
            for stream in streams
        ]
    }


def discover(folder: Path, config: Mapping[str, object]) -> list[Json]:
    """The streams that the source discovers."""
    run = call(folder, "discover", {"config": config})
    assert run.code == 0, run.lines
    (catalog,) = run.of("CATALOG")
    streams: list[Json] = catalog["streams"]
    return streams


def usual(folder: Path, config: Mapping[str, object]) -> list[Json]:
    """The streams that nearly every test is about."""
    return [stream for stream in discover(folder, config) if stream["name"] in KEYS]


def read(  # noqa: PLR0913 - each is an option of the command line, or the clock
    folder: Path,
    config: Mapping[str, object],
    at: dt.datetime,
    *,
    mode: str = "incremental",
    state: object = None,
    catalog: object = None,
) -> Messages:
    """Read in this process, as if at an instant; the usual streams by default."""
    catalog = catalog or configured(usual(folder, config), mode)
    return call(folder, "read", {"config": config, "catalog": catalog, "state": state}, at=at)


def call(
    folder: Path, command: str, files: Mapping[str, object], *, at: dt.datetime | None = None
) -> Messages:
    """Run a command in this process."""
    arguments = [command, *_arguments(folder, files)]
    stdout = TextIOWrapper(BytesIO(), encoding="utf-8")
    code: Any = 0
    with signals_kept(), _log_kept(), redirect_stdout(stdout):
        try:
            main(arguments, now=at)
        except SystemExit as end:
            code = end.code
    stdout.seek(0)
    return Messages(tuple(stdout.read().splitlines()), code=code)


def run_source(
    folder: Path,
    command: str,
    files: Mapping[str, object] | None = None,
    *more: str,
    at: dt.datetime | None = None,
    environment: Mapping[str, str] | None = None,
) -> Messages:
    """Run a command as a process, to its end."""
    program = [*_program(at)[1:], command, *_arguments(folder, files or {}), *more]
    ended = forked.run(program, folder, _environment(at, environment), TIMEOUT)
    return Messages(tuple(ended.stdout.splitlines()), ended.stderr, ended.returncode)


def _program(at: dt.datetime | None) -> list[str]:
    return [
        sys.executable,
        *(["-m", "tap_kapture.airbyte.main"] if at is None else [str(SOURCE_AT)]),
    ]


def _arguments(folder: Path, files: Mapping[str, object]) -> list[str]:
    """Write the files of a command line, and return its options."""
    options: list[str] = []
    for option, content in files.items():
        if content is not None:
            path = folder / f"{option}.json"
            path.write_text(
                content if isinstance(content, str) else json.dumps(content), encoding="utf-8"
            )
            options += [f"--{option}", str(path)]
    return options


def _environment(at: dt.datetime | None, more: Mapping[str, str] | None) -> dict[str, str]:
    started = {} if at is None else {"SOURCE_STARTED_AT": at.isoformat()}
    return {**os.environ, "PYTHONUTF8": "1", **started, **(more or {})}


@contextmanager
def _log_kept() -> Iterator[None]:
    """Give the log back to pytest: the source takes it over."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    tap = logging.getLogger("tap-kapture")
    tap_level = tap.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        tap.setLevel(tap_level)


class Process:
    """A read as a process; whatever it writes is read at once.

    Attributes:
        raw: What came from stdout so far.
        popen: The process.
    """

    def __init__(  # noqa: PLR0913 - each is a thing of its own that a run is given
        self,
        folder: Path,
        config: Mapping[str, object],
        catalog: object,
        at: dt.datetime,
        *,
        state: object = None,
        reading: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it.

        Args:
            folder: For the files of its command line.
            config: Its configuration.
            catalog: What it reads.
            at: The instant that it takes for now.
            state: What it goes on from.
            reading: Whether somebody reads the pipe.
            environment: Further variables, as of ``source_at.py``.
        """
        own = folder / f"run-{next(_serial)}"
        own.mkdir()
        files = {"config": config, "catalog": catalog, "state": state}
        self.raw = bytearray()
        self._stderr = own / "stderr"
        with self._stderr.open("wb") as stderr:
            self.popen = subprocess.Popen(
                [*_program(at), "read", *_arguments(own, files)],
                cwd=own,
                env=_environment(at, {"SOURCE_LONGEST_WAIT": "0.2", **(environment or {})}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        self._reader = Thread(target=self._read, daemon=True)
        if reading:
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
    def messages(self) -> Messages:
        """Its whole lines so far, and its exit code."""
        whole = self.raw[: self.raw.rfind(b"\n") + 1]
        stderr = self._stderr.read_text(encoding="utf-8", errors="replace")
        return Messages(tuple(whole.decode().splitlines()), stderr, self.popen.returncode or 0)

    def ended(self, within: float = PATIENCE) -> float:
        """Wait until it has ended and all it wrote is read; return the seconds that it took."""
        began = time.monotonic()
        self.popen.wait(within)
        took = time.monotonic() - began
        if self._reader.is_alive():
            self._reader.join()
        return took

    def _read(self) -> None:
        pipe = self.popen.stdout
        while pipe and (piece := os.read(pipe.fileno(), 65536)):
            self.raw += piece
