"""`python -m benchmarks`: what the tap costs, beside a plain tap and the physical limit."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import cpu, latency, machine, pipe, scale, start
from benchmarks.process import BenchmarkError, tell
from benchmarks.sizes import QUICK, Sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

_MODES = {
    "cpu": cpu.measure,
    "latency": latency.measure,
    "scale": scale.measure,
    "start": start.measure,
    "pipe": pipe.measure,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the tables.

    Args:
        arguments: Of the command line; those of the process by default.

    Returns:
        The exit code.
    """
    options = _parser().parse_args(arguments)
    sizes = QUICK if options.quick else Sizes()
    if options.runs:
        sizes = replace(sizes, runs=options.runs)
    names = list(_MODES) if options.mode == "all" else [options.mode]
    busy = machine.load_average()
    sections = []
    try:
        for name in names:
            tell(f"{name} ...")
            with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
                section = _MODES[name](sizes, Path(folder))
            print(section, end="\n\n", flush=True)
            sections.append(section)
    except BenchmarkError as error:
        tell(str(error))
        return 1
    footer = f"Measured on {machine.description()} Load average before: {busy}."
    if options.quick:
        footer += " With --quick, so the figures mean nothing."
    print(footer)
    if options.markdown:
        text = "\n\n".join([*sections, footer]) + "\n"
        options.markdown.write_text(text, encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "mode", nargs="?", default="all", choices=[*_MODES, "all"], help="(default: all)"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: does it work at all?")
    parser.add_argument("--runs", type=int, metavar="N", help="of each command (default: 3)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there too")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
