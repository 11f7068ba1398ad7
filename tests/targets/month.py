"""Daily runs into several targets at once: changes, deletions, kills, a moved start."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from loading import ROOT, TIMEOUT, Row, Target, environment

from sandbox import Account, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

UTC = dt.timezone.utc
DAY = dt.timedelta(days=1)
STREAMS = ("tickets", "customers")
FIRST = dt.date(2024, 3, 1)
ACCOUNT = Account(
    seed=11,
    first_day=FIRST,
    now=dt.datetime(2024, 3, 8, 3, 30, tzinfo=UTC),
    tickets_per_day=6,
    customers_per_day=3,
)


@dataclass
class Month:
    """What happened.

    Attributes:
        sandbox: the account as it stands now.
        deleted: keys that were loaded and then deleted on a day that was over, by stream.
        before: the truth when the run before the last one began, by stream.
        previous: the account's now at that time.
        last_run: when the last run began, by this machine's clock.
        logs: what each target logged in the first run, by its name.
    """

    sandbox: Sandbox
    deleted: dict[str, set[object]] = field(default_factory=lambda: {s: set() for s in STREAMS})
    before: dict[str, dict[object, Any]] = field(default_factory=dict)
    previous: dt.datetime = ACCOUNT.now
    last_run: dt.datetime = ACCOUNT.now
    logs: dict[str, str] = field(default_factory=dict)


def live(targets: Sequence[Target], folder: Path, *, nights: int) -> Iterator[Month]:
    """Load the account night by night; it stands still once the month is yielded."""
    rng = Random(5)  # noqa: S311 - a seeded generator is the point
    with Sandbox(ACCOUNT) as sandbox:
        month, catalog = Month(sandbox), _catalog(sandbox.config(), folder)
        state: Row = {}
        loaded: dict[str, dict[object, Any]] = {}
        for number in range(nights):
            # Days are read again for as long as this goes on, so that the whole truth is known.
            start = FIRST if number >= nights // 2 else FIRST + 4 * DAY
            settings = sandbox.config(lookback_days=60, start_date=start.isoformat())
            truth = {stream: sandbox.truth(stream) for stream in STREAMS}
            month.last_run = dt.datetime.now(UTC)
            files = {"config": settings, "state": state, "catalog": catalog}
            lines = _lines(sandbox, files, folder)
            is_killed = number % 5 == 2
            if is_killed:
                lines = lines[: rng.randrange(len(lines))]
            with ThreadPoolExecutor() as pool:
                logs = list(pool.map(partial(_push, lines=lines, folder=folder), targets))
            month.logs = month.logs or dict(zip([t.name for t in targets], logs, strict=True))
            states = [json.loads(line)["value"] for line in lines if '"type":"STATE"' in line]
            state = states[-1] if states else state
            if number == nights - 1:
                break
            month.before, month.previous = truth, sandbox.now
            if not is_killed:
                loaded = {stream: _since(truth[stream], start) for stream in STREAMS}
            sandbox.advance(days=1, hours=rng.choice((-2, 0, 2)))
            for stream in STREAMS:
                month.deleted[stream].add(_delete(rng, sandbox, stream, loaded[stream]))
        yield month


def _since(truth: Mapping[object, Any], start: dt.date) -> dict[object, Any]:
    return {key: record for key, record in truth.items() if record["day"] >= start.isoformat()}


def _delete(rng: Random, sandbox: Sandbox, stream: str, loaded: dict[object, Any]) -> object:
    truth: Mapping[object, Any] = sandbox.truth(stream)
    there = [
        key
        for key, record in truth.items()
        if key in loaded and record["day"] < sandbox.today.isoformat()
    ]
    key = rng.choice(there)
    sandbox.delete(stream, key)
    return key


def _lines(sandbox: Sandbox, files: Mapping[str, Row], folder: Path) -> list[str]:
    """What the tap writes at the account's now."""
    arguments = []
    for name, content in files.items():
        path = folder / f"tap-{name}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        arguments += [f"--{name}", str(path)]
    now = str(int(sandbox.now.timestamp() * 1000))
    tap_at = ROOT / "tests" / "e2e" / "tap_at.py"
    output = _run([sys.executable, str(tap_at), *arguments], {"TAP_STARTED_AT": now})
    return output.stdout.decode().splitlines(keepends=True)


def _catalog(settings: Row, folder: Path) -> Row:
    """Everything selected."""
    path = folder / "tap-discover.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "tap_kapture", "--config", str(path), "--discover"]
    catalog: Row = json.loads(_run(command, {}).stdout)
    for stream in catalog["streams"]:
        for part in stream["metadata"]:
            if part["breadcrumb"] == []:
                part["metadata"]["selected"] = True
    return catalog


def _push(target: Target, lines: list[str], folder: Path) -> str:
    """Load lines into a target, and return what it logged."""
    path = folder / f"{target.name}.json"
    path.write_text(json.dumps(target.settings()), encoding="utf-8")
    command = [str(target.executable), "--config", str(path)]
    pushed = _run(command, target.environment(), "".join(lines).encode())
    return pushed.stderr.decode(errors="replace")


def _run(
    command: list[str], variables: dict[str, str], given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    ended = subprocess.run(
        command,
        env={**environment(), **variables},
        input=given,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode(errors="replace")[-3000:]
    return ended
