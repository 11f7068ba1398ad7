"""Runs programs of the tap in processes that have it imported when they begin.

To start an interpreter and import the tap takes most of a second of a processor, and tests run
hundreds of programs. Here each is a process of its own all the same, with its own arguments,
variables, folder, output and exit code, but forked from one that has imported everything. Variables
that the interpreter itself reads when it starts, such as PYTHONUNBUFFERED, have no effect: what is
about those, or about the start itself, starts a process in the usual way. Where a system can't
fork, every process is started.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import coverage
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

IMPORTED = [
    *("tap_kapture.singer.tap", "tap_kapture.advice.command"),
    *("tap_kapture.airbyte.check", "tap_kapture.airbyte.read", "tap_kapture.airbyte.spec"),
    *("dateutil.parser", "pendulum", "unittest.mock"),  # the SDK imports them late
]
if sys.platform == "win32":
    CONTEXT = multiprocessing.get_context("spawn")
else:
    CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(IMPORTED)


def run(
    program: Sequence[str], folder: Path, variables: Mapping[str, str], timeout: float
) -> CompletedProcess[str]:
    """Run a program to its end, as `subprocess.run` does.

    Args:
        program: `-m` and a module, or a file; then its arguments.
        folder: where it runs.
        variables: its environment, all of it.
        timeout: seconds after which it is killed.

    Raises:
        TimeoutExpired: it was killed.
    """
    with TemporaryDirectory() as written:
        stdout, stderr = (Path(written, name) for name in ("stdout", "stderr"))
        arguments = (list(program), str(folder), dict(variables), str(stdout), str(stderr))
        process = CONTEXT.Process(target=_become, args=arguments)
        with pytest.MonkeyPatch.context() as own:
            # For the process that all are forked from. Its imports need no measure.
            own.setenv("PYTHONUTF8", "1")
            own.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
            process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutExpired(list(program), timeout)
        log = stderr.read_bytes().decode(errors="replace")
        return CompletedProcess(program, process.exitcode, stdout.read_bytes().decode(), log)


def _become(
    program: list[str], folder: str, variables: dict[str, str], stdout: str, stderr: str
) -> None:
    for number, path in ((1, stdout), (2, stderr)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    if sys.platform != "win32":
        time.tzset()
    with _measured():
        if program[0] == "-m":
            sys.argv = program[1:]
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            sys.argv = program
            runpy.run_path(sys.argv[0], run_name="__main__")


@contextmanager
def _measured() -> Iterator[None]:
    """Measure coverage if the variables say so, as a process that was started would."""
    measuring = coverage.process_startup()
    try:
        yield
    finally:
        if measuring is not None:
            measuring.stop()
            measuring.save()
