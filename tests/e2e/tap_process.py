"""Runs the tap, as a process or in this one, and reads what it wrote as a target would."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import signal
import sys
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import forked
import msgspec
from jsonschema import Draft202012Validator

from tap_kapture.errors import KaptureError
from tap_kapture.singer.tap import TapKapture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sandbox import Sandbox

Json = dict[str, Any]
Table = dict[object, Json]

KEYS = {"customers": "id", "tickets": "ticketId"}
"""The primary key of each stream."""
MESSAGE_TYPES = {"SCHEMA", "RECORD", "STATE", "BATCH", "ACTIVATE_VERSION"}
TAP_AT = Path(__file__).with_name("tap_at.py")
TIMEOUT = 60
ENOUGH = 5
"""Differences that are worth showing."""


@dataclass(frozen=True)
class Output:
    """What a run wrote, and how it ended.

    Attributes:
        lines: of stdout, as they are.
        log: all of stderr; empty for a run in this process.
        code: the exit code.
    """

    lines: tuple[str, ...]
    log: str = ""
    code: int = 0

    @cached_property
    def messages(self) -> list[Json]:
        """The Singer messages, in order."""
        return [msgspec.json.decode(line) for line in self.lines]

    @property
    def states(self) -> list[Json]:
        """The value of every STATE message."""
        return [message["value"] for message in self.messages if message["type"] == "STATE"]

    @property
    def state(self) -> Json:
        """The value of the last STATE message; empty when there is none."""
        return self.states[-1] if self.states else {}

    def bookmark(self, stream: str) -> Json:
        """A stream's part of the last state."""
        bookmark: Json = self.state.get("bookmarks", {}).get(stream, {})
        return bookmark

    def schema(self, stream: str) -> Json:
        """The only schema of a stream."""
        (message,) = [m for m in self.messages if m["type"] == "SCHEMA" and m["stream"] == stream]
        schema: Json = message["schema"]
        return schema

    def records(self, stream: str) -> list[Json]:
        """All records of a stream, in order, without the time when they left."""
        return [
            without_time(message["record"])
            for message in self.messages
            if message["type"] == "RECORD" and message["stream"] == stream
        ]

    def table(self, stream: str) -> Table:
        """What a target that replaces records by their key holds afterwards."""
        return {record[KEYS[stream]]: record for record in self.records(stream)}

    def errors(self) -> list[str]:
        """The tap's own ERROR lines, without time and level."""
        marker = f"| ERROR    | {'tap-kapture':30s} | "
        return [line.split(marker)[1] for line in self.log.splitlines() if marker in line]

    def chatter(self) -> str:
        """All that was written besides records: what operators and log stores get to see."""
        return "\n".join([*(line for line in self.lines if '"RECORD"' not in line), self.log])

    def then(self, later: Output) -> Output:
        """This run's lines followed by those of a later one, for one and the same target."""
        return Output((*self.lines, *later.lines), self.log + later.log, later.code)

    def upto(self, line: int) -> Output:
        """The run as it would have been if it had been cut behind so many lines."""
        return Output(self.lines[:line])


def without_time(record: Json) -> Json:
    """A record without the time when it left, which no account knows."""
    return {name: value for name, value in record.items() if name != "emitted_at"}


def timeless(record: Json) -> Json:
    """A record with no digit in the time when it left, which makes no difference to a schema."""
    return {
        name: re.sub(r"\d", "0", value) if name == "emitted_at" and value else value
        for name, value in record.items()
    }


def untruths(table: Mapping[Any, Json], truth: Mapping[Any, Any]) -> list[str]:
    """Where a table differs from the truth, types and digits included; empty when it does not."""
    found = [f"{key!r} is missing" for key in truth.keys() - table.keys()]
    found += [f"{key!r} does not exist" for key in table.keys() - truth.keys()]
    for key in truth.keys() & table.keys():
        got, wanted = table[key], truth[key]
        if got != wanted or exact(got) != exact(wanted):
            found += [f"{key!r}.{difference}" for difference in _differences(got, wanted)]
    return sorted(found)[:ENOUGH]


def _differences(got: Json, wanted: Json) -> Iterator[str]:
    for column in got.keys() | wanted.keys():
        if column not in got or column not in wanted:
            yield f"{column}: in one of the two only"
        elif exact(got[column]) != exact(wanted[column]):
            yield f"{column}: {got[column]!r} instead of {wanted[column]!r}"


def exact(value: object) -> bytes:
    """A value as JSON to compare: to Python, 1, 1.0 and true are all the same."""
    return msgspec.json.encode(value, order="sorted")


def not_the_truth(output: Output, sandbox: Sandbox, *, clean_text: bool = True) -> list[str]:
    """Where the tables of both streams differ from what the sandbox holds now."""
    return [
        f"{stream} {found}"
        for stream in KEYS
        for found in untruths(output.table(stream), sandbox.truth(stream, clean_text=clean_text))
    ]


def not_singer(output: Output) -> list[str]:
    """What a strict target would refuse: no message, no schema before, or not as in the schema."""
    schemas: dict[str, bytes] = {}
    found = []
    for number, message in enumerate(output.messages):
        kind = message.get("type")
        if kind not in MESSAGE_TYPES:
            found.append(f"line {number} is no Singer message")
        elif kind == "SCHEMA":
            schemas[message["stream"]] = exact(message["schema"])
            validator(schemas[message["stream"]])
        elif kind == "RECORD" and message["stream"] not in schemas:
            found.append(f"line {number} is a record before its schema")
        elif kind == "RECORD":
            errors = misfits(schemas[message["stream"]], exact(timeless(message["record"])))
            found += [f"line {number}: {error}" for error in errors]
    return found[:ENOUGH]


@lru_cache(maxsize=64)
def validator(schema: bytes) -> Draft202012Validator:
    """What checks records against a schema, which is checked itself."""
    Draft202012Validator.check_schema(json.loads(schema))
    return Draft202012Validator(json.loads(schema))


@lru_cache(maxsize=20_000)
def misfits(schema: bytes, record: bytes) -> tuple[str, ...]:
    """In what a record is not as in its schema; most tests write records that others wrote too."""
    return tuple(error.message for error in validator(schema).iter_errors(json.loads(record)))


def catalog_of(config: Mapping[str, object]) -> Json:
    """The catalog as discovery gives it, everything of its defaults."""
    with signals_kept():
        catalog: Json = json.loads(TapKapture(config=dict(config)).catalog_json_text)
    return catalog


def entry(catalog: Json, stream: str) -> Json:
    """A stream's entry in a catalog."""
    (found,) = [found for found in catalog["streams"] if found["tap_stream_id"] == stream]
    result: Json = found
    return result


def select(catalog: Json, stream: str, column: str | None, *, selected: bool) -> None:
    """Select or deselect a stream, or a column of it, as Meltano does it."""
    breadcrumb = [] if column is None else ["properties", column]
    for metadata in entry(catalog, stream)["metadata"]:
        if metadata["breadcrumb"] == breadcrumb:
            metadata["metadata"]["selected"] = selected


def pull(
    config: Mapping[str, object],
    at: dt.datetime,
    *,
    state: Mapping[str, Any] | None = None,
    catalog: Json | None = None,
) -> Output:
    """Run the tap in this process, as if it were started at an instant.

    Raises:
        KaptureError: The run failed.
    """
    output, error = attempt(config, at, state=state, catalog=catalog)
    if error:
        raise error
    return output


def attempt(
    config: Mapping[str, object],
    at: dt.datetime,
    *,
    state: Mapping[str, Any] | None = None,
    catalog: Json | None = None,
) -> tuple[Output, KaptureError | None]:
    """Run the tap in this process; return what it wrote, and the error by which it ended."""
    stdout, failure = TextIOWrapper(BytesIO(), encoding="utf-8"), None
    with signals_kept(), redirect_stdout(stdout):
        tap = tap_at(at)(
            config=dict(config),
            state=json.loads(json.dumps(state)) if state else None,
            catalog=catalog,
        )
        try:
            tap.sync_all()
        except KaptureError as error:
            failure = error
    stdout.seek(0)
    return Output(tuple(stdout.read().splitlines()), code=int(failure is not None)), failure


def tap_at(at: dt.datetime) -> type[TapKapture]:
    """The tap with the run's one reading of the clock replaced."""

    class TapAt(TapKapture):
        @property
        def initialized_at(self) -> int:
            return milliseconds(at)

    return TapAt


def milliseconds(at: dt.datetime) -> int:
    """An instant as the tap counts it."""
    return int(at.timestamp() * 1000)


@contextmanager
def signals_kept() -> Iterator[None]:
    """Give the signals back to pytest: making a tap takes them over."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.getsignal(number) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)


def run_tap(  # noqa: PLR0913 - each is an option of the command line, or the clock
    folder: Path,
    config: Mapping[str, object] | None = None,
    *arguments: str,
    at: dt.datetime | None = None,
    state: object = None,
    catalog: object = None,
    environment: Mapping[str, str] | None = None,
) -> Output:
    """Run the tap as a process, to its end.

    Args:
        folder: For the files of its command line.
        config: Given as a file, unless it is None.
        arguments: Further ones of the command line.
        at: The instant that the tap takes for now.
        state: Given as a file, unless it is None.
        catalog: Given as a file, unless it is None.
        environment: Further variables.
    """
    files = {"config": config, "state": state, "catalog": catalog}
    command, variables = command_line(folder, files, at=at)
    program, variables = [*command[1:], *arguments], {**variables, **(environment or {})}
    ended = forked.run(program, folder, variables, TIMEOUT)
    return Output(tuple(ended.stdout.splitlines()), ended.stderr, ended.returncode)


def command_line(
    folder: Path, files: Mapping[str, object], *, at: dt.datetime | None
) -> tuple[list[str], dict[str, str]]:
    """The command that starts the tap, its files written, and its environment."""
    command = [sys.executable, *(["-m", "tap_kapture"] if at is None else [str(TAP_AT)])]
    for option, content in files.items():
        if content is not None:
            path = folder / f"{option}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            command += [f"--{option}", str(path)]
    variables = {**os.environ, "PYTHONUTF8": "1"}
    if at is not None:
        variables["TAP_STARTED_AT"] = str(milliseconds(at))
    return command, variables


def days(first: dt.date, last: dt.date) -> list[dt.date]:
    """The days from first to last, both included."""
    return [first + dt.timedelta(days=offset) for offset in range((last - first).days + 1)]


def asked(sandbox: Sandbox, stream: str) -> list[dt.date]:
    """The days that a stream was asked for, each once, ascending."""
    return sorted({seen.day for seen in sandbox.requests if seen.stream == stream and seen.day})


def missing_at_a_state(output: Output, sandbox: Sandbox) -> list[str]:
    """Records that a STATE line claims to be out although they are not, or not as they are."""
    truths = {
        (stream, day): {k: exact(r) for k, r in sandbox.truth_of_day(stream, day).items()}
        for stream in KEYS
        for day in days(sandbox.account.first_day, sandbox.today)
    }
    out: dict[tuple[str, object], bytes] = {}
    found = []
    for number, message in enumerate(output.messages):
        if message["type"] == "RECORD":
            stream, record = message["stream"], without_time(message["record"])
            if stream in KEYS:
                out[stream, record[KEYS[stream]]] = exact(record)
        elif message["type"] == "STATE":
            found += [
                f"line {number}: {stream} {key} of {day}"
                for stream, bookmark in message["value"]["bookmarks"].items()
                for day in claimed(bookmark)
                if not bookmark.get("empty")
                for key, text in truths[stream, day].items()
                if out.get((stream, key)) != text
            ]
    return found


def claimed(bookmark: Json) -> list[dt.date]:
    """The days that a bookmark says are in the target."""
    first = dt.date.fromisoformat(bookmark["pulled_from"])
    return days(
        first, dt.date.fromisoformat(bookmark["replication_key_value"]) - dt.timedelta(days=1)
    )


def leaked(text: str, secrets: Iterable[str]) -> list[str]:
    """The secrets that a text shows; a number inside a longer one, such as a duration, is none."""
    return [
        secret
        for secret in secrets
        if (re.search(rf"(?<![\d.]){secret}(?!\d)", text) if secret.isdigit() else secret in text)
    ]
