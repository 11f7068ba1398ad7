"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("tap-kapture", "singer-sdk", "msgspec", "requests", "urllib3")


def description() -> str:
    """Return the machine and the versions, in one line of Markdown."""
    cores = os.cpu_count() or 1
    packages = ", ".join(f"{package} {version(package)}" for package in _PACKAGES)
    return (
        f"{_processor()}, {cores} cores, {platform.system()} {platform.machine()}; "
        f"{platform.python_implementation()} {platform.python_version()}; {packages}."
    )


def load_average() -> str:
    """Return how busy the machine has been with other things."""
    return f"{os.getloadavg()[0]:.1f}"


def _processor() -> str:
    if sys.platform == "darwin":
        command = ("/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string")
        return subprocess.check_output(command, text=True).strip()
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown processor"
