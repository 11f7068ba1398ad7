"""What a pull says, in order: whoever drives it writes, checkpoints, and stops between two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tap_kapture.plan.bookmarks import Bookmark


@dataclass(frozen=True, slots=True)
class Records:
    """Records to emit.

    Attributes:
        rows: Each is what msgspec encodes as an object of the schema: a struct, or a dict.
    """

    rows: list[Any]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All records before this are those that a bookmark speaks of.

    Attributes:
        bookmark: What may be written once they are out.
    """

    bookmark: Bookmark


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing came for a moment: time to write what waits, and to look whether to stop."""


Event = Records | Checkpoint | Idle
