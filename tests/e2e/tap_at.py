"""Run the tap as if it were started at another instant: ``python tap_at.py --config ...``.

The tap reads the clock once, in ``initialized_at``. ``TAP_STARTED_AT`` takes its place here, in
milliseconds since 1970, so that the tap's today is the sandbox's.
"""

from __future__ import annotations

import os
from unittest.mock import patch

from tap_kapture.__main__ import main
from tap_kapture.singer.tap import TapKapture

if __name__ == "__main__":
    started_at = int(os.environ["TAP_STARTED_AT"])
    with patch.object(TapKapture, "initialized_at", started_at):
        main()
