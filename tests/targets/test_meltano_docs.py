"""The commands for Meltano in the docs, as they stand, from a clone to the tables."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from loading import KEYS, NEEDS_POSTGRESQL, ROOT, duckdb_table, environment, postgresql, untruths
from test_meltano_run import FOREIGN, PROJECT, a_day_behind, copied

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Sandbox

pytestmark = [
    pytest.mark.skipif(
        sys.platform == "win32", reason="the Meltano project is for Linux and macOS"
    ),
    # `meltano install` downloads, which may take its time.
    pytest.mark.timeout(600),
    *NEEDS_POSTGRESQL,
]

FILL_IN = re.compile(r"^(cp .*\.env).*$", re.MULTILINE)
"""Where a reader copies .env.example and fills it in."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL server, by its URL."""
    with postgresql() as url:
        yield url


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


def test_the_commands_for_a_clone_load_duckdb(tmp_path: Path) -> None:
    copied(tmp_path, [*PROJECT, ".env.example"])
    with a_day_behind() as sandbox:
        commands = block("README.md", "meltano install tap-kapture target-duckdb")
        run(commands, tmp_path, filled(sandbox))
        assert in_duckdb(sandbox, tmp_path / "output" / "warehouse.duckdb") == []

        again = "meltano run tap-kapture target-duckdb"
        with (tmp_path / ".env").open("a", encoding="utf-8") as file:
            file.write("TAP_KAPTURE_TIMEZONE=Europe/Nowhere\n")
        printed = run(again, tmp_path, "", fails=True)
        (told,) = {line for line in printed.splitlines() if "is no IANA time zone" in line}
        assert "[error" in told
        assert "timezone" in told


def test_the_commands_for_a_project_of_ones_own_load_postgresql(
    tmp_path: Path, server: str
) -> None:
    url = server.replace("postgresql:", "postgresql+psycopg:", 1)
    with a_day_behind() as sandbox:
        commands = block("README.md", "meltano init warehouse")
        further = (
            f"TARGET_POSTGRES_SQLALCHEMY_URL={url}\nTARGET_POSTGRES_DEFAULT_TARGET_SCHEMA=docs"
        )
        run(commands, tmp_path, filled(sandbox, further=further))
        with psycopg.connect(server) as connection:
            loaded = {
                str(key): status
                for key, status in connection.execute('select "ticketId", status from docs.tickets')
            }
        truth = sandbox.truth("tickets")
    assert loaded == {key: record["status"] for key, record in truth.items()}


def test_the_commands_for_all_plugins_load_duckdb(tmp_path: Path) -> None:
    with a_day_behind() as sandbox:
        commands = block("docs/meltano.md", "meltano init warehouse")
        run(f"{commands}\nmeltano run tap-kapture target-duckdb", tmp_path, filled(sandbox))
        assert in_duckdb(sandbox, tmp_path / "warehouse" / "output" / "warehouse.duckdb") == []
