"""Where Airbyte's programs are, and how they are run; they live in an environment of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
BIN = "Scripts" if sys.platform == "win32" else "bin"
PYTHON = ROOT / ".venv-airbyte" / BIN / "python"
SOURCE = Path(sys.executable).with_name("source-kapture")
TIMEOUT = 300


def run(folder: Path, *arguments: str) -> str:
    """Run a Python program of that environment, offline; return what it prints.

    Raises:
        AssertionError: It failed.
    """
    # No usage data is sent, and no registry of connectors is asked.
    offline = {"DO_NOT_TRACK": "1", "AIRBYTE_OFFLINE_MODE": "1"}
    ended = subprocess.run(
        [str(PYTHON), *arguments],
        cwd=folder,
        env={**os.environ, **offline, "HOME": str(folder), "SOURCE_KAPTURE": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    return ended.stdout
