"""Command line: ``tap-kapture`` and ``python -m tap_kapture``."""

from __future__ import annotations

import gc
import logging
import os
import sys

from singer_sdk.exceptions import ConfigValidationError

from tap_kapture.errors import KaptureError, KaptureOutputError
from tap_kapture.singer.tap import TapKapture

logger = logging.getLogger("tap-kapture")


def main() -> None:
    """Run the tap; an expected failure is one line that says what to do, and exit code 1."""
    # Records hold no cycles, so looking for some after every 700 new objects is wasted time.
    gc.set_threshold(100_000, 20, 100)
    try:
        TapKapture.cli()
    except ConfigValidationError as error:
        for line in error.errors:
            logger.error(line)  # noqa: TRY400 - the line says it all
    except KaptureError as error:
        logger.error(error)  # noqa: TRY400 - the line says it all
        if isinstance(error, KaptureOutputError):
            # Whatever the interpreter still wants to flush has nowhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    else:
        return
    sys.exit(1)


if __name__ == "__main__":
    main()
