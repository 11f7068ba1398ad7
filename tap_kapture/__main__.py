"""Command line: ``tap-kapture`` and ``python -m tap_kapture``."""

from __future__ import annotations

import logging
import sys

from singer_sdk.exceptions import ConfigValidationError

from tap_kapture.errors import KaptureError, KaptureOutputError
from tap_kapture.process.ends import collect_garbage_seldom, forget_stdout
from tap_kapture.singer.tap import TapKapture

logger = logging.getLogger("tap-kapture")


def main() -> None:
    """Run the tap; an expected failure is one line that says what to do, and exit code 1."""
    collect_garbage_seldom()
    try:
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


if __name__ == "__main__":
    main()
