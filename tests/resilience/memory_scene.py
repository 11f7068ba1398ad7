"""Peak memory of the tap as a process of its own, and an account served by another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

from resilience_kit import TAP_BENT, milliseconds

from sandbox import Account, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

# A process starts out with the peak of the one that starts it, so a small one does that here.
# Its answer: the exit code, and the peak of the only child, in KiB (on macOS in bytes).
MEASURE = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([code, peak * (1 if sys.platform == "darwin" else 1024)]))
"""


@dataclass(frozen=True)
class Measured:
    """How a run ended, what it logged, and its peak of resident memory in bytes."""

    code: int
    log: str
    peak: int


def measure(folder: Path, account: Account, **overrides: object) -> Measured:
    """Run the tap over an account's tickets."""
    with served(account) as config:
        path = folder / "config.json"
        path.write_text(json.dumps({**config, "cm_id": None, **overrides}), encoding="utf-8")
        command = [sys.executable, str(TAP_BENT), "--config", str(path)]
        ended = subprocess.run(
            [sys.executable, "-c", MEASURE, *command],
            cwd=folder,
            env={**os.environ, "TAP_STARTED_AT": str(milliseconds(account.now))},
            capture_output=True,
            timeout=800,
            check=True,
        )
    code, peak = json.loads(ended.stdout)
    return Measured(code, ended.stderr.decode(), peak)


@contextmanager
def served(account: Account) -> Iterator[dict[str, object]]:
    """Serve an account from a process of its own; gives the settings with which to pull it."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(account, there), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        here.send("done")
        process.join()


def serve(account: Account, pipe: Connection) -> None:
    """Serve until told that it is done."""
    with Sandbox(account) as sandbox:
        pipe.send(sandbox.config())
        pipe.recv()
