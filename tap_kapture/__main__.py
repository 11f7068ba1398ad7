"""Command line: ``tap-kapture`` and ``python -m tap_kapture``."""

from __future__ import annotations

import logging
import sys
from datetime import datetime, timezone
from pathlib import Path, PurePath

from singer_sdk.exceptions import ConfigValidationError

from tap_kapture.errors import KaptureError, KaptureOutputError
from tap_kapture.process.ends import collect_garbage_seldom, forget_stdout
from tap_kapture.settings import inputs
from tap_kapture.singer.tap import TapKapture

ADVICE = ("doctor", "plan")
"""Commands that load nothing."""

logger = logging.getLogger("tap-kapture")


def main() -> None:
    """Run the tap; an expected failure is one line that says what to do, and exit code 1."""
    collect_garbage_seldom()
    try:
        if sys.argv[1:2] and sys.argv[1] in ADVICE:
            sys.exit(_advise(sys.argv[1:]))
        TapKapture.cli()
    except ConfigValidationError as error:
        for line in error.errors:
            logger.error(line)  # noqa: TRY400 - the line says it all
    except KaptureError as error:
        logger.error(error)  # noqa: TRY400 - the line says it all
        if isinstance(error, KaptureOutputError):
            forget_stdout()
    else:
        return
    sys.exit(1)


def _advise(arguments: list[str]) -> int:
    """Run a command that loads nothing, and return its exit code."""
    from tap_kapture.advice import command  # noqa: PLC0415 - not for a run

    options = command.parse(arguments)
    for path in options.config:
        if path != "ENV":
            inputs.check_json_object(path, "--config")
    files: list[PurePath | str] = [Path(path) for path in options.config if path != "ENV"]
    state = command.state_of(options)
    tap = TapKapture(config=files, state=state, parse_env_config="ENV" in options.config)
    now = datetime.fromtimestamp(tap.initialized_at / 1000, timezone.utc)
    return command.run(options, tap.settings, tap.state, now)


if __name__ == "__main__":
    main()
