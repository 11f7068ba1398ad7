"""Command line: ``source-kapture spec``, ``check``, ``discover`` and ``read``."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from tap_kapture.airbyte.messages import Catalog, ConnectionStatus, Spec, Specification
from tap_kapture.airbyte.output import LogHandler, Output
from tap_kapture.errors import KaptureOutputError
from tap_kapture.process.ends import collect_garbage_seldom, forget_stdout
from tap_kapture.process.interruption import Interruption

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger("tap-kapture")


def main(arguments: Sequence[str] | None = None, *, now: datetime | None = None) -> None:
    """Run a command, and exit.

    Args:
        arguments: Those of the command line by default.
        now: The run's one reading of the clock, in UTC; the present by default.
    """
    options = _parser().parse_args(arguments)
    collect_garbage_seldom()
    output = Output()
    logging.basicConfig(handlers=[LogHandler(output)], level=logging.WARNING, force=True)
    logger.setLevel(logging.DEBUG if options.debug else logging.INFO)
    try:
        code = _run(options, output, now or datetime.now(timezone.utc))
        output.flush()
    except KaptureOutputError as error:
        sys.stderr.write(f"{error}\n")
        forget_stdout()
        code = 1
    sys.exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="source-kapture",
        description="Airbyte source for Kapture CX. Messages of the Airbyte protocol leave by "
        "standard output, one in each line.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    helps = {
        "spec": "tell what can be set",
        "check": "look whether the account answers",
        "discover": "tell what can be read",
        "read": "read the streams of a catalog",
    }
    for name, text in helps.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--debug", action="store_true", help="log more")
        if name != "spec":
            command.add_argument("--config", required=True, help="file with the settings")
        if name == "read":
            command.add_argument("--catalog", required=True, help="file with what to read, and how")
            command.add_argument("--state", help="file with what the last run ended with")
    return parser


def _run(options: argparse.Namespace, output: Output, now: datetime) -> int:
    """Run a command, its failure a message; return the exit code."""
    if options.command == "read":
        return _read(options, output, now)
    try:
        # Each command loads only what it needs.
        if options.command == "spec":
            from tap_kapture.airbyte.spec import connection_specification  # noqa: PLC0415

            output.write(Spec(Specification(connection_specification())))
        elif options.command == "check":
            from tap_kapture.airbyte.check import check  # noqa: PLC0415

            output.write(ConnectionStatus(check(options.config, now=now)))
        else:
            from tap_kapture.airbyte.catalog import discovered  # noqa: PLC0415
            from tap_kapture.airbyte.config import settings_of  # noqa: PLC0415

            output.write(Catalog(discovered(settings_of(options.config).account)))
    except KaptureOutputError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        output.failure(error)
        return 1
    return 0


def _read(options: argparse.Namespace, output: Output, now: datetime) -> int:
    """Read; return the exit code.

    Raises:
        SystemExit: A signal came.
    """
    from tap_kapture.airbyte.catalog import ConfiguredCatalog, configured  # noqa: PLC0415
    from tap_kapture.airbyte.config import settings_of  # noqa: PLC0415
    from tap_kapture.airbyte.read import Sync  # noqa: PLC0415
    from tap_kapture.airbyte.states import states_in  # noqa: PLC0415

    interruption = Interruption()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: interruption.told(number, busy=output.busy))
    with interruption.between_events():
        catalog = ConfiguredCatalog([])
        try:
            catalog = configured(options.catalog)
            settings = settings_of(options.config)
            states = states_in(options.state) if options.state else {}
            sync = Sync(settings, output, interruption, now=now)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            output.failure(error)
            for stream in catalog.streams:
                output.status(stream.name, "INCOMPLETE")
            return 1
        is_whole = sync.read(catalog, states)
    return 0 if is_whole else 1


if __name__ == "__main__":
    main()
