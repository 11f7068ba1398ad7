"""One run of `tap-kapture | target-postgres`, and the states that it leaves."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

State = dict[str, Any]


class RunFailedError(Exception):
    """The tap or the target failed; what they logged is in Dagster's log of the run."""


def load(tap: Mapping[str, object], target: Mapping[str, object], state: State, kept: Path) -> None:
    """Pull and load, and keep the state that the target confirmed.

    Args:
        tap: Settings of tap-kapture.
        target: Settings of target-postgres.
        state: What to go on from; empty to begin afresh.
        kept: File for the new state. What it stands for is stored, even if the run failed later.

    Raises:
        RunFailedError: One of the two ended badly. To the tap that includes days that are not
            whole.
    """
    with tempfile.TemporaryDirectory() as name:
        for each, content in (("tap", tap), ("target", target), ("state", state)):
            Path(name, f"{each}.json").write_text(json.dumps(content), encoding="utf-8")
        pull = ["tap-kapture", "--config", f"{name}/tap.json", "--state", f"{name}/state.json"]
        push = ["target-postgres", "--config", f"{name}/target.json"]
        with subprocess.Popen(pull, stdout=subprocess.PIPE) as pulling:
            pushed = subprocess.run(push, stdin=pulling.stdout, stdout=subprocess.PIPE, check=False)
    if confirmed := pushed.stdout.splitlines():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(confirmed[-1])
    if pulling.returncode or pushed.returncode:
        msg = f"exit codes: tap-kapture {pulling.returncode}, target-postgres {pushed.returncode}"
        raise RunFailedError(msg)


def handed_over(states: Sequence[State]) -> State:
    """Return the state from which a run goes on after several have loaded a period each.

    The ledgers are left out: a state without one has every day that is young enough to hold an
    open ticket read once more, see docs/state.md.

    Args:
        states: Of periods that follow one another without a gap, each loaded to its end.
    """
    first, last = states[0]["bookmarks"], states[-1]["bookmarks"]
    bookmarks = {}
    for stream, bookmark in last.items():
        kept = {key: value for key, value in bookmark.items() if key not in {"days", "followed"}}
        bookmarks[stream] = {**kept, "pulled_from": first[stream]["pulled_from"]}
    return {"bookmarks": bookmarks}
