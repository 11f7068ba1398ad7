"""The taps that are measured: their command lines, and the proof that they do the same work."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.process import BenchmarkError, Command, module, run

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAIN = "benchmarks.plain_tap"
STRPTIME = "benchmarks.plain_tap_strptime"
KAPTURE = "tap_kapture"
EMPTY = "benchmarks.empty_tap"

_KEYS = {"tickets": "ticketId", "customers": "id"}


@dataclass(frozen=True, slots=True)
class Output:
    """What a tap wrote.

    Attributes:
        records: RECORD messages.
        keys: Digest of their primary keys, in any order.
        content: Digest of the records, in any order.
    """

    records: int
    keys: int
    content: int


class Workshop:
    """Makes commands, with their configuration and catalog files."""

    def __init__(self, folder: Path) -> None:
        """Work in a folder.

        Args:
            folder: An existing folder for files.
        """
        self._folder = Path(tempfile.mkdtemp(dir=folder))
        self._numbers = count()

    def command(
        self, tap: str, config: Mapping[str, Any], stream: str, **settings: object
    ) -> Command:
        """Return the command that reads one stream.

        Args:
            tap: Module of the tap.
            config: Its configuration.
            stream: The stream to select; no other one is.
            settings: Further settings.
        """
        config_file = self.written({**config, **settings})
        catalog = self._discovered(tap, config_file)
        for entry in catalog["streams"]:
            for item in entry["metadata"]:
                if not item["breadcrumb"]:
                    item["metadata"]["selected"] = entry["tap_stream_id"] == stream
        catalog_file = self.written(catalog)
        return module(tap, "--config", str(config_file), "--catalog", str(catalog_file))

    def discovery(self, tap: str, config: Mapping[str, Any]) -> Command:
        """Return the command that discovers a tap's streams.

        Args:
            tap: Module of the tap.
            config: Its configuration.
        """
        return module(tap, "--config", str(self.written(config)), "--discover")

    def output(self, command: Command, stream: str) -> Output:
        """Run a tap once, untimed, and read what it writes.

        Args:
            command: The command of the tap.
            stream: The stream that it reads.
        """
        file = self._folder / "output.jsonl"
        run(command, file)
        records, keys, content = 0, 0, 0
        with file.open("rb") as lines:
            for line in lines:
                message = json.loads(line)
                if message["type"] == "RECORD" and message["stream"] == stream:
                    records += 1
                    keys += _digest(message["record"][_KEYS[stream]])
                    content += _digest(_shared(message["record"]))
        file.unlink()
        return Output(records, keys, content)

    def expect(self, command: Command, stream: str, records: int) -> Output:
        """Run a tap once, untimed, and check how many records it writes.

        Args:
            command: The command of the tap.
            stream: The stream that it reads.
            records: That there are.

        Raises:
            BenchmarkError: There are more or fewer.
        """
        output = self.output(command, stream)
        if output.records != records:
            msg = f"{command[2]} wrote {output.records} {stream} instead of {records}"
            raise BenchmarkError(msg)
        return output

    def expect_same(self, commands: Mapping[str, Command], stream: str, records: int) -> None:
        """Run several taps once, untimed, and check that they write the same records.

        Args:
            commands: By name.
            stream: The stream that they read.
            records: That there are.

        Raises:
            BenchmarkError: A tap writes others.
        """
        outputs = {self.expect(command, stream, records) for command in commands.values()}
        if len(outputs) > 1:
            same_keys = len({output.keys for output in outputs}) == 1
            what = "values" if same_keys else "keys"
            msg = f"{', '.join(commands)}: the {stream} differ in their {what}"
            raise BenchmarkError(msg)

    def _discovered(self, tap: str, config_file: Path) -> dict[str, Any]:
        file = self._folder / "catalog.json"
        run(module(tap, "--config", str(config_file), "--discover"), file)
        catalog: dict[str, Any] = json.loads(file.read_bytes())
        return catalog

    def written(self, content: Mapping[str, Any]) -> Path:
        """Write a configuration or catalog to a file of its own.

        Args:
            content: It.
        """
        file = self._folder / f"{next(self._numbers)}.json"
        file.write_text(json.dumps(content), encoding="utf-8")
        return file


def _shared(value: Any) -> Any:  # noqa: ANN401 - any JSON value passes
    """Leave out the columns that the plain tap lacks, one of them as long as it is empty."""
    if isinstance(value, list):
        return [_shared(element) for element in value]
    if isinstance(value, dict):
        return {
            name: _shared(element)
            for name, element in value.items()
            if name not in {"day", "emitted_at"} and (name, element) != ("extra_fields", None)
        }
    return value


def _digest(value: object) -> int:
    text = json.dumps(value, sort_keys=True).encode()
    return int.from_bytes(blake2b(text, digest_size=16).digest(), "big")
