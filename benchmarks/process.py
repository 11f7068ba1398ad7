"""Runs processes one after another, and says what each took.

This process must stay small: on Linux the peak memory of a child counts from its parent's, because
the child is a copy of it until it becomes another program. So no tap and no sandbox is imported
here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

ROOT = Path(__file__).parent.parent
LONGEST_RUN = 1800.0
"""Seconds after which a process is ended, for one that hangs."""
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes; getrusage(2) of either system
_MIB = 1024 * 1024
_TAIL = 2000
# An installed program is compiled to bytecode; so are these, in the untimed runs before all others.
_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

Command = tuple[str, ...]


class BenchmarkError(Exception):
    """The figures would mean nothing."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process took.

    Attributes:
        wall: Seconds from its start to its end.
        cpu: Seconds of processor time, in user and system mode.
        peak: Most memory that was resident at once, in MiB.
    """

    wall: float
    cpu: float
    peak: float

    def beyond(self, start: Usage) -> Usage:
        """Return what is left when a run without work is taken off.

        Args:
            start: What the same program takes when there is nothing to do.
        """
        return Usage(self.wall - start.wall, self.cpu - start.cpu, self.peak)


def module(name: str, *arguments: str) -> Command:
    """Return the command that runs a module with this interpreter.

    Args:
        name: Of the module.
        arguments: On its command line.
    """
    return (sys.executable, "-m", name, *arguments)


def run(command: Command, output: Path = Path(os.devnull)) -> Usage:
    """Run a process to its end.

    Args:
        command: The program and its arguments.
        output: File for its standard output.

    Raises:
        BenchmarkError: The process failed; the text ends with what it logged last.
    """
    with output.open("wb") as stdout, tempfile.TemporaryFile() as stderr:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
        watch = threading.Timer(LONGEST_RUN, process.kill)
        watch.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - began
        except BaseException:
            process.kill()
            raise
        finally:
            watch.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            msg = f"{' '.join(command[1:3])} ended with {process.returncode}:\n{_tail(stderr)}"
            raise BenchmarkError(msg)
    return Usage(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _PEAK_UNIT / _MIB)


def compare(
    commands: Mapping[str, Command], runs: int, before: Mapping[str, Command] | None = None
) -> dict[str, Usage]:
    """Run several commands in turn, several times each, so that all meet the same disturbances.

    Args:
        commands: By name.
        runs: Of each command.
        before: Commands by the same names, each run untimed before its own.

    Returns:
        The medians, by name.
    """
    usages: dict[str, list[Usage]] = {name: [] for name in commands}
    for number in range(1, runs + 1):
        for name, command in commands.items():
            if before:
                run(before[name])
            usage = run(command)
            usages[name].append(usage)
            tell(
                f"  {number}/{runs} {name}: {usage.wall:.2f} s, CPU {usage.cpu:.2f} s, "
                f"{usage.peak:.0f} MiB"
            )
    return {name: _median(measured) for name, measured in usages.items()}


def tell(line: str) -> None:
    """Print a line of progress.

    Args:
        line: The text.
    """
    print(line, file=sys.stderr, flush=True)


def _median(usages: list[Usage]) -> Usage:
    return Usage(
        median(usage.wall for usage in usages),
        median(usage.cpu for usage in usages),
        median(usage.peak for usage in usages),
    )


def _tail(file: BinaryIO) -> str:
    file.seek(0)
    return file.read()[-_TAIL:].decode(errors="replace")
