"""Meltano as users run it: a copy of the project, and the commands that the docs give."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from loading import (
    ACCOUNT,
    KEYS,
    QUIRKS,
    ROOT,
    TIMEOUT,
    Visit,
    duckdb_table,
    environment,
    program,
    untruths,
)

from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

ON_MELTANO = [
    pytest.mark.skipif(
        sys.platform == "win32", reason="the Meltano project is for Linux and macOS"
    ),
    # `meltano install` downloads, which may take its time.
    pytest.mark.timeout(600),
]
PROJECT = (
    ".env.example",
    "LICENSE",
    "README.md",
    "loaders",
    "meltano.yml",
    "output",
    "pyproject.toml",
    "requirements",
    "tap_kapture",
)
"""What Meltano needs of the repository: the project, and the tap that it installs."""
PIPELINE = ("tap-kapture", "target-duckdb")
STATE_ID = "dev:tap-kapture-to-target-duckdb"
LEFTOVERS = shutil.ignore_patterns("__pycache__", "*.duckdb*", "*.jsonl")
FOREIGN = ("TAP_KAPTURE_", "TARGET_DUCKDB_", "MELTANO_")
"""How the variables begin with which a user may have set up another project."""


FILL_IN = re.compile(r"^(cp .*\.env).*$", re.MULTILINE)
"""Where a reader copies .env.example and fills it in."""


def copied(folder: Path, names: Sequence[str]) -> None:
    """Copy files and folders of the repository."""
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=LEFTOVERS)
        else:
            shutil.copy(ROOT / name, folder / name)


class Project:
    """A copy of the Meltano project, with its plugins installed, and an account to load."""

    def __init__(self, folder: Path) -> None:
        """Copy the project."""
        self.folder = folder
        self.warehouse = folder / "output" / "warehouse.duckdb"
        copied(folder, PROJECT)

    def meltano(
        self, *arguments: str, settings: dict[str, str] | None = None, fails: bool = False
    ) -> str:
        """Run a Meltano command in the project.

        Args:
            arguments: Those of the command.
            settings: Further variables.
            fails: Whether it must fail; otherwise it must end well.

        Returns:
            What it printed: its output, or what a command that fails says instead.
        """
        own = {
            "MELTANO_CLI_LOG_FORMAT": "uncolored",
            "NO_COLOR": "1",
            "VIRTUALENV_NO_PERIODIC_UPDATE": "1",
        }
        ended = subprocess.run(
            [str(program("meltano")), *arguments],
            cwd=self.folder,
            env={**environment(*FOREIGN), **own, **(settings or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=2 * TIMEOUT,
            check=False,
        )
        log = ended.stderr.decode(errors="replace")
        assert bool(ended.returncode) == fails, log[-3000:]
        return log if fails else ended.stdout.decode()

    def visit(self, sandbox: Sandbox) -> Visit:
        """What the warehouse and Meltano's state hold now."""
        state = json.loads(self.meltano("state", "get", STATE_ID))["singer_state"]
        return Visit.of(sandbox, lambda stream: duckdb_table(self.warehouse, stream), state)


def variables(config: dict[str, Any]) -> dict[str, str]:
    """Settings of the tap as environment variables."""
    return {
        f"TAP_KAPTURE_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in config.items()
    }


def a_day_behind() -> Sandbox:
    """An account whose clock can move on a day without passing that of this machine.

    Meltano starts the tap itself, so that its now is the real one.
    """
    now = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1)
    first_day = now.date() - dt.timedelta(days=20)
    busy = replace(ACCOUNT, tickets_per_day=40, customers_per_day=20, counts={})
    return Sandbox(replace(busy, now=now, first_day=first_day), quirks=QUIRKS)


def today() -> dt.date:
    """The account's day by the clock of this machine."""
    return dt.datetime.now(ZoneInfo(ACCOUNT.timezone)).date()


def block(page: str, part: str) -> str:
    """The one block of commands of a page that holds a text."""
    text = (ROOT / page).read_text(encoding="utf-8")
    (found,) = [
        each
        for each in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        if part in each
    ]
    commands: str = found
    return commands.replace("/path/to/tap-kapture", str(ROOT))


def filled(sandbox: Sandbox, *, further: str = "") -> str:
    """The lines of .env.example, filled in for the account as its comments say."""
    config = sandbox.config()
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    for old, new in (
        ("TAP_KAPTURE_SUBDOMAIN=acme", "# no subdomain"),
        (r"# TAP_KAPTURE_API_URL=\S+", f"TAP_KAPTURE_API_URL={config['api_url']}"),
        ("=YOUR-TOKEN$", f"={config['auth_token']}"),
        (r"(TAP_KAPTURE_START_DATE)=\S+", rf"\1={config['start_date']}"),
        (r"# (TAP_KAPTURE_CM_ID)=\d+", rf"\1={config['cm_id']}"),
    ):
        text, count = re.subn(old, new, text, flags=re.MULTILINE)
        assert count == 1, old
    return f"{text}\n{further}\n"


def run(commands: str, folder: Path, env_file: str, *, fails: bool = False) -> str:
    """Run a block; where it copies .env.example, go on with it filled in. What was printed."""
    source = folder / "filled.env"
    source.write_text(env_file, encoding="utf-8")
    commands = FILL_IN.sub(rf'\1; cp "{source}" .env', commands)
    variables = environment(*FOREIGN, "TARGET_POSTGRES_")
    variables |= {
        "PATH": f"{Path(sys.executable).parent}:{variables['PATH']}",
        "MELTANO_CLI_LOG_FORMAT": "uncolored",
        "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
        "NO_COLOR": "1",
        "VIRTUALENV_NO_PERIODIC_UPDATE": "1",
    }
    ended = subprocess.run(
        ["/usr/bin/env", "bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    printed = ended.stdout.decode()
    assert bool(ended.returncode) == fails, printed[-3000:]
    return printed


def in_duckdb(sandbox: Sandbox, warehouse: Path) -> list[str]:
    """Where the warehouse differs from the account."""
    found = []
    for stream, key in KEYS.items():
        truth = {
            identity: {name.lower(): value for name, value in record.items()}
            for identity, record in sandbox.truth(stream).items()
        }
        found += untruths(duckdb_table(warehouse, stream), truth, key.lower())
    return found
