"""The benchmarks run; what they measure is for `make bench` to print."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(sys.platform == "win32", reason="os.wait4, which measures, is POSIX's")
def test_a_quick_benchmark_prints_its_table(tmp_path: Path) -> None:
    markdown = tmp_path / "start.md"
    command = [sys.executable, "-m", "benchmarks", "start", "--quick", "--markdown", str(markdown)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    table = markdown.read_text(encoding="utf-8")
    assert "tap-kapture, --discover" in table
    assert "empty SDK tap, --discover" in table
