"""`pipe`: the whole way, from the account into a table, beside dlt."""

from __future__ import annotations

import shlex
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.destination import SCHEMA
from benchmarks.load import serve
from benchmarks.process import ROOT, BenchmarkError, compare, module, run, tell
from benchmarks.tables import rate, table, times
from benchmarks.taps import KAPTURE, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.load import Served
    from benchmarks.process import Command
    from benchmarks.sizes import Sizes

_DLT = ROOT / ".venv-dlt" / "bin" / "python"
_PROGRAMS = Path(sys.executable).parent
_TITLES = ("rows", "records/s", "times", "vs dlt", "CPU seconds", "peak MiB")


@dataclass(frozen=True, slots=True)
class Way:
    """One way from the account into a table.

    Attributes:
        name: For the table of figures.
        database: Path of the DuckDB file, or URL of the PostgreSQL database.
        command: Loads everything.
        exact: Whether it loads every record.
    """

    name: str
    database: str
    command: Command
    exact: bool = True


def measure(sizes: Sizes, folder: Path) -> str:
    """Load all tickets into empty tables, by records, by batch files and by dlt.

    Args:
        sizes: How much.
        folder: An empty folder for files.

    Returns:
        A Markdown table for each database.
    """
    if not _DLT.exists():
        msg = "dlt is not installed: `make bench BENCH_ARGS=pipe` makes its environment"
        raise BenchmarkError(msg)
    load = sizes.pipe
    records = load.tickets * load.days
    sections = []
    with serve(load, folder / "account") as served, _postgres() as url:
        for database, ways in (
            ("DuckDB", _into_duckdb(served, folder)),
            ("PostgreSQL", _into_postgres(served, folder, url)),
        ):
            rows = {way.name: _rows_loaded(way, records, folder) for way in ways}
            usages = compare(
                {way.name: way.command for way in ways},
                sizes.runs,
                before={way.name: _destination("empty", way) for way in ways},
            )
            first, dlt = usages[ways[0].name], usages[ways[-1].name]
            cells = [
                [
                    name,
                    f"{rows[name]:,}",
                    rate(records, usage.wall),
                    times(first.wall, usage.wall, ".1f"),
                    times(dlt.wall, usage.wall, ".1f"),
                    f"{usage.cpu:.1f}",
                    f"{usage.peak:.0f}",
                ]
                for name, usage in usages.items()
            ]
            title = (
                f"**pipe**: {load.days} days of {load.tickets:,} tickets into an empty table of "
                f"{database}, whole processes, no latency; medians of {sizes.runs} runs"
            )
            sections.append(f"{title}\n\n{table((f'into {database}', *_TITLES), cells)}")
    return "\n\n".join(sections)


def _into_duckdb(served: Served, folder: Path) -> list[Way]:
    def piped(name: str, target: str, *, files: bool = False, exact: bool = True) -> Way:
        database = str(folder / f"{target}{'-files' * files}.duckdb")
        config = {"path": database, "default_target_schema": SCHEMA, "delete_batch_files": True}
        return Way(name, database, _pipe(served, folder, target, config, files=files), exact)

    return [
        piped("target-duckdb 0.8.0", "target-duckdb", exact=False),
        piped("target-duckdb-exact, records", "target-duckdb-exact"),
        piped("target-duckdb-exact, BATCH", "target-duckdb-exact", files=True),
        _dlt(served, folder, str(folder / "dlt.duckdb")),
    ]


def _into_postgres(served: Served, folder: Path, url: str) -> list[Way]:
    def piped(name: str, *, files: bool = False, **settings: object) -> Way:
        config = {
            "sqlalchemy_url": url.replace("postgresql:", "postgresql+psycopg:", 1),
            "default_target_schema": SCHEMA,
            **settings,
        }
        return Way(name, url, _pipe(served, folder, "target-postgres", config, files=files))

    return [
        piped("target-postgres, records", files=False),
        piped("target-postgres, BATCH", files=True, validate_records=False),
        piped("target-postgres, BATCH, COPY", files=True, validate_records=False, use_copy=True),
        _dlt(served, folder, url),
    ]


def _pipe(
    served: Served, folder: Path, target: str, config: dict[str, Any], *, files: bool
) -> Command:
    """Return the command `tap | target`."""
    settings = {}
    if files:
        batches = folder / "batches"
        batches.mkdir(exist_ok=True)
        settings["batch_config"] = {
            "encoding": {"format": "jsonl", "compression": "none"},
            "storage": {"root": batches.as_uri()},
        }
    workshop = Workshop(folder)
    tap = workshop.command(KAPTURE, served.config, "tickets", **settings)
    load = (str(_PROGRAMS / target), "--config", str(workshop.written(config)))
    return ("bash", "-c", f"set -o pipefail; {shlex.join(tap)} | {shlex.join(load)}")


def _dlt(served: Served, folder: Path, database: str) -> Way:
    """Return dlt's way into a database."""
    config = str(Workshop(folder).written(served.config))
    script = str(ROOT / "benchmarks" / "dlt_pipeline.py")
    return Way("dlt", database, (str(_DLT), script, config, database))


def _rows_loaded(way: Way, records: int, folder: Path) -> int:
    """Load once, untimed, and count.

    Raises:
        BenchmarkError: Records are missing, or too many, though the way is exact.
    """
    tell(f"pipe: checking that {way.name} loads every record")
    run(_destination("empty", way))
    run(way.command)
    counted = folder / "count.txt"
    run(_destination("count", way), counted)
    rows = int(counted.read_text(encoding="utf-8"))
    if way.exact and rows != records:
        msg = f"{way.name} loaded {rows} of {records} records"
        raise BenchmarkError(msg)
    return rows


def _destination(what: str, way: Way) -> Command:
    return module("benchmarks.destination", what, way.database)


@contextmanager
def _postgres() -> Iterator[str]:
    """Serve a PostgreSQL while the block lasts; its URL."""
    command = module("benchmarks.postgres")
    server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with server:
        try:
            url = server.stdout.readline().decode().strip() if server.stdout else ""
            if not url:
                msg = "PostgreSQL did not start"
                raise BenchmarkError(msg)
            yield url
        finally:
            if server.stdin:
                server.stdin.close()
            server.wait()
