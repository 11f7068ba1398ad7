"""How the process of a command is tuned when it begins, and kept quiet when it ends."""

from __future__ import annotations

import gc
import os
import sys


def collect_garbage_seldom() -> None:
    """Look for cycles seldom: records hold none, so looking after every 700 objects is wasted."""
    gc.set_threshold(100_000, 20, 100)


def forget_stdout() -> None:
    """Send to nowhere what the interpreter still wants to flush: nobody reads stdout any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
