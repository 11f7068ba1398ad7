"""`python -m sandbox`: one line, then service, until it is told to stop."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from sandbox_client import TICKETS

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "sandbox")


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def announced(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout
    line: dict[str, Any] = json.loads(process.stdout.readline())
    return line


def test_it_announces_serves_and_stops_with_its_stdin() -> None:
    with start("--days", "5", "--behind", "2", "--quirk", "total_count=filled") as process:
        line = announced(process)
        assert set(line) == {"url", "auth_token", "cm_id", "timezone", "start_date", "today"}
        url = line["url"]
        answer = requests.post(
            url + TICKETS,
            json=[{"start_date": line["start_date"], "end_date": line["start_date"]}],
            headers={"Authorization": f"Basic {line['auth_token']}"},
            timeout=5,
        ).json()
        truth = requests.get(f"{url}/_sandbox/truth?stream=tickets", timeout=5).json()
        assert answer["totalCount"] == len(answer["message"]) > 0
        assert {record["ticketId"] for record in answer["message"]} <= set(truth)
        (seen,) = requests.get(f"{url}/_sandbox/requests", timeout=5).json()
        assert (seen["day"], seen["status"]) == (line["start_date"], 200)
        moved = requests.post(f"{url}/_sandbox/advance", json={"days": 1}, timeout=5).json()
        assert moved["today"] > line["today"]
        assert requests.post(f"{url}/_sandbox/clear", timeout=5).json() == {}
        assert requests.get(f"{url}/_sandbox/requests", timeout=5).json() == []
        assert requests.get(f"{url}/_sandbox/truth?stream=x", timeout=5).status_code == 400
        assert (
            requests.post(f"{url}/_sandbox/advance", json={"weeks": 1}, timeout=5).status_code
            == 400
        )
        begin = time.monotonic()
        output, errors = process.communicate(timeout=10)
        assert (output, errors, process.returncode) == ("", "", 0)
        assert time.monotonic() - begin < 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes without asking")
def test_it_stops_when_terminated() -> None:
    with start("--keep-open") as process:
        announced(process)
        process.terminate()
        assert process.wait(5) == 0


def test_it_stops_after_its_lifetime() -> None:
    with start("--lifetime", "0.3", "--keep-open") as process:
        announced(process)
        assert process.wait(5) == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--quirk", "order=sideways"], "order is one of ascending"),
        (["--quirk", "colour=blue"], "there is no quirk 'colour'"),
        (["--timezone", "Asia/Nowhere"], "there is no time zone"),
    ],
)
def test_errors_are_clear(arguments: list[str], text: str) -> None:
    with start(*arguments) as process:
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 2
    assert text in errors
    assert "Traceback" not in errors
