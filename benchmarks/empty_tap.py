"""The smallest tap that the SDK allows, to measure what the SDK itself costs at start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import singer_sdk.typing as th
from singer_sdk import Stream, Tap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.helpers.types import Context, Record


class EmptyStream(Stream):
    """A stream of one column and no records."""

    name = "empty"
    primary_keys = ("id",)
    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("id", th.StringType, required=True)
    ).to_dict()

    def get_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002 - the SDK's signature
        """Return nothing.

        Args:
            context: Not used.
        """
        return ()


class EmptyTap(Tap):
    """A tap of one empty stream."""

    name = "tap-empty"
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList().to_dict()

    def discover_streams(self) -> list[Stream]:
        """Return the one stream."""
        return [EmptyStream(self)]


if __name__ == "__main__":
    EmptyTap.cli()
