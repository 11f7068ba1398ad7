"""Only Singer's door knows Singer, and it says what it takes of the SDK."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from singer_sdk import Stream, Tap
from singer_sdk.contrib.msgspec import MsgSpecWriter

import tap_kapture
from tap_kapture import singer
from tap_kapture.singer.messages import MessageWriter
from tap_kapture.singer.pulled_days import PulledDaysStream
from tap_kapture.singer.streams import CustomersStream, TicketsStream
from tap_kapture.singer.tap import TapKapture

PACKAGE = Path(tap_kapture.__file__).parent
WITHOUT_SINGER = [
    "tap_kapture.pull.run",
    *(
        f"tap_kapture.airbyte.{path.stem}"
        for path in sorted((PACKAGE / "airbyte").glob("[a-z]*.py"))
    ),
]
USUAL = {"name", "config_jsonschema"}
"""What every tap and stream gives."""
MOST_LINES, MOST_MODULES = 255, 9


def test_neither_the_engine_nor_the_door_for_airbyte_loads_anything_of_singer() -> None:
    loaded = "[name for name in sys.modules if name.startswith(('singer', 'tap_kapture.singer'))]"
    program = f"import {', '.join(WITHOUT_SINGER)}, sys; sys.exit(str({loaded} or '') or None)"
    subprocess.run([sys.executable, "-c", program], check=True)


def own(kind: type, base: type) -> set[str]:
    """Return what classes of the tap take over from a class of the SDK."""
    mine = {
        name
        for ancestor in kind.__mro__
        if ancestor.__module__.startswith("tap_kapture")
        for name in vars(ancestor)
    }
    return {name for name in mine if hasattr(base, name) and not name.startswith("__")}


@pytest.mark.parametrize(
    ("kind", "base", "as_named"),
    [
        (TapKapture, Tap, "Tap"),
        (TicketsStream, Stream, "Stream"),
        (CustomersStream, Stream, "Stream"),
        (PulledDaysStream, Stream, "Stream"),
        (MessageWriter, MsgSpecWriter, "MsgSpecWriter"),
    ],
)
def test_the_door_lists_what_it_takes_over(kind: type, base: type, as_named: str) -> None:
    listed = set(re.findall(rf"`{as_named}\.(\w+)`", singer.__doc__ or ""))
    inherited = {"_abc_impl", "selected_by_default"}
    assert own(kind, base) - USUAL - inherited <= listed


def test_the_door_lists_each_private_part_of_the_sdk_that_it_imports() -> None:
    used = set()
    for path in (PACKAGE / "singer").glob("*.py"):
        text = path.read_text(encoding="utf-8").replace(singer.__doc__ or "-", "")
        used |= set(re.findall(r"from (singer_sdk[\w.]*\._\w+) import", text))
        used |= {
            f"{module}.{name}"
            for module, name in re.findall(r"from (singer_sdk[\w.]*) import (_\w+)", text)
        }
    assert used
    assert all(f"`{name}`" in (singer.__doc__ or "") for name in used)


def test_each_room_says_what_it_is_for_and_is_small() -> None:
    rooms = [path for path in PACKAGE.iterdir() if (path / "__init__.py").exists()]
    assert len(rooms) >= 8
    for room in rooms:
        assert inspect.getdoc(importlib.import_module(f"tap_kapture.{room.name}"))
        assert len(list(room.glob("[a-z]*.py"))) <= MOST_MODULES
    for path in PACKAGE.rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES, path.name
