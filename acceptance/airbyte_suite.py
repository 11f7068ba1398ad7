"""Airbyte's own suite for connectors, looking at ``source-kapture`` as a process.

Run by ``test_airbyte_suite.py`` with the pytest of Airbyte's environment. The suite would import a
connector written with Airbyte's own kit; here, each command that it wants run is run as a process,
and the suite judges every line of its output.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from airbyte_cdk.test import entrypoint_wrapper
from airbyte_cdk.test.entrypoint_wrapper import EntrypointOutput
from airbyte_cdk.test.models import ConnectorTestScenario
from airbyte_cdk.test.standard_tests import SourceTestSuiteBase


def run_command(source: object, args: list[str], **_: object) -> EntrypointOutput:
    """Run a command of the source, in the place of what runs one inside of this process."""
    assert isinstance(source, Executable)
    command = [os.environ["SOURCE_KAPTURE"], *args]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    return EntrypointOutput(ended.stdout.splitlines(), command=command, stderr=ended.stderr)


@pytest.fixture(autouse=True)
def _as_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrypoint_wrapper, "_run_command", run_command)


class Executable:
    """Stands for the source; what the suite asks of it is done by :func:`run_command`."""

    def spec(self, *_: object) -> None:
        """Be there: by this the suite knows a connector."""


class TestSourceKapture(SourceTestSuiteBase):
    """The suite, with a good account and a refused one."""

    connector: ClassVar[Any] = Executable

    @classmethod
    def get_connector_root_dir(cls) -> Path:
        """Return the working folder, whose name is the connector's."""
        return Path.cwd()

    @classmethod
    def get_scenarios(cls) -> list[ConnectorTestScenario]:
        """Return what is tried: a configuration by the status that a check of it has."""
        statuses: tuple[Literal["succeed", "failed"], ...] = ("succeed", "failed")
        return [
            ConnectorTestScenario(config_path=Path(f"{status}.json"), status=status)
            for status in statuses
        ]
