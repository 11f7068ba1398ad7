"""The command lines of `tap-kapture doctor` and `tap-kapture plan`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from tap_kapture.advice.doctor import diagnose
from tap_kapture.advice.plan import plans
from tap_kapture.settings import inputs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from tap_kapture.advice.doctor import Diagnosis
    from tap_kapture.advice.plan import StreamPlan
    from tap_kapture.settings.groups import Settings

_MARKS = {"ok": "ok     ", "note": "note   ", "warning": "WARNING", "error": "ERROR  "}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read a command line.

    Args:
        arguments: What stands behind the program's name.
    """
    parser = argparse.ArgumentParser(prog="tap-kapture")
    commands = parser.add_subparsers(dest="command", required=True)
    doctor = commands.add_parser(
        "doctor", help="ask the account a few requests, and say what to set"
    )
    plan = commands.add_parser("plan", help="say which days a run would read; nothing is asked")
    for command in (doctor, plan):
        command.add_argument(
            "--config", action="append", required=True, help="configuration file, or ENV"
        )
        command.add_argument("--json", action="store_true", help="for machines")
        command.set_defaults(state=None)
    plan.add_argument("--state", help="state file, as for a run")
    return parser.parse_args(arguments)


def state_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the state file holds; nothing where there is none.

    Args:
        options: As :func:`parse` returns them.

    Raises:
        KaptureConfigError: The file cannot be read, or is no JSON object.
    """
    if options.state is None:
        return {}
    text = inputs.text_of(options.state, "--state")
    state: dict[str, Any] = json.loads(inputs.json_object(text, f"--state {options.state}"))
    return state


def run(
    options: argparse.Namespace, settings: Settings, state: Mapping[str, Any], now: datetime
) -> int:
    """Run a command, and return its exit code: 1 where a load would fail.

    Args:
        options: As :func:`parse` returns them.
        settings: The configuration.
        state: The Singer state.
        now: The run's one reading of the clock.

    Raises:
        KaptureStateError: The state cannot be gone on from.
    """
    if options.command == "plan":
        found = plans(settings, state, now)
        _say(_plans_as_json(found) if options.json else _plan_for_people(found))
        return 0
    diagnosis = diagnose(settings, now)
    _say(_as_json(diagnosis) if options.json else _screen(diagnosis))
    return int(diagnosis.fails)


def _plan_for_people(found: list[StreamPlan]) -> str:
    return "\n".join(line for plan in found for line in plan.lines())


def _plans_as_json(found: list[StreamPlan]) -> str:
    return json.dumps([plan.to_json() for plan in found], indent=2)


def _screen(diagnosis: Diagnosis) -> str:
    lines = []
    for finding in diagnosis.findings:
        lines.append(f"{_MARKS[finding.level]} {finding.about}: {finding.text}")
        if finding.advice:
            lines.append(f"        -> {finding.advice}")
    end = "a load would fail" if diagnosis.fails else "a load should succeed"
    lines += [
        f"{diagnosis.requests} requests sent; {end}",
        "",
        "Report without values, to attach to an issue:",
        json.dumps(diagnosis.report),
    ]
    return "\n".join(lines)


def _as_json(diagnosis: Diagnosis) -> str:
    findings = [
        {
            "level": finding.level,
            "about": finding.about,
            "text": finding.text,
            "advice": finding.advice,
        }
        for finding in diagnosis.findings
    ]
    whole = {
        "fails": diagnosis.fails,
        "requests": diagnosis.requests,
        "findings": findings,
        "report": diagnosis.report,
    }
    return json.dumps(whole, indent=2)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
