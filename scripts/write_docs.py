"""Write what is told twice from the one place where it is true.

``python scripts/write_docs.py`` rewrites the tables of settings, streams and columns in ``docs/``,
between the markers ``<!-- name:begin -->`` and ``<!-- name:end -->``, from the tap; and
``plugins/``, definitions for ``meltano add --from-ref``, from ``meltano.yml``. With ``--check`` it
changes nothing and fails when something would change.
"""

# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tap_kapture.schemas import (
    CONTACTS,
    CUSTOMER_CONTACTS,
    CUSTOMERS,
    PULLED_DAYS,
    TICKETS,
    json_schema,
)
from tap_kapture.settings.declared import config_jsonschema
from tap_kapture.settings.table import TABLE
from tap_kapture.singer.streams import CustomerContactsStream, CustomersStream, TicketsStream
from tap_kapture.singer.tap import TapKapture

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "docs/settings.md": ("settings", "builtins"),
    "docs/streams.md": (
        *("streams", "tickets", "customers", "contacts"),
        *("customer_contacts", "pulled_days"),
    ),
}
"""The pages with generated parts, and the names of these."""
CLONE = "$KAPTURE_CLONE"
PIP_URLS = {
    # Until the first release; then tap-kapture.
    "extractors/tap-kapture": CLONE,
    "loaders/target-duckdb": f"{CLONE}/loaders/target-duckdb-exact",
    "loaders/target-postgres": "meltanolabs-target-postgres",
}
"""What `meltano install` installs for each definition in plugins/."""

Schema = dict[str, Any]


def tables() -> dict[str, str]:
    """Return the content of each marked part, by name."""
    return {
        "settings": settings_table(),
        "builtins": ", ".join(f"`{name}`" for name in builtin_settings()),
        "streams": streams_table(),
        "tickets": columns_table(json_schema(TICKETS, "ticketId")["properties"]),
        "customers": columns_table(json_schema(CUSTOMERS, "id")["properties"]),
        "customer_contacts": columns_table(json_schema(CUSTOMER_CONTACTS, "id")["properties"]),
        "pulled_days": columns_table(json_schema(PULLED_DAYS, "stream", "day")["properties"]),
        "contacts": columns_table(json_schema(CONTACTS, "id")["properties"]),
    }


def builtin_settings() -> list[str]:
    """Return the names of the settings that every tap of the SDK has."""
    schema: Schema = {"type": "object", "properties": {}}
    TapKapture.append_builtin_config(schema)
    return list(schema["properties"])


def settings_table() -> str:
    """Return a row for each of the tap's own settings."""
    schema = config_jsonschema(TABLE)
    rows = []
    for name, definition in schema["properties"].items():
        marks = ["**required**"] if name in schema["required"] else []
        marks += ["secret"] if definition.get("secret") else []
        kind = ", ".join([setting_type(definition), *marks])
        rows.append((f"`{name}`", kind, default(definition), definition["description"]))
    return table(("setting", "type", "default", "meaning"), rows)


def setting_type(definition: Schema) -> str:
    """Return a setting's type and range, in words."""
    if "enum" in definition:
        return " or ".join(f"`{value}`" for value in definition["enum"])
    kind: str = definition["type"][0]
    if "maximum" in definition:
        return f"{kind}, {definition['minimum']} to {definition['maximum']}"
    if "minimum" in definition:
        return f"{kind}, {definition['minimum']} or more"
    return f"{kind} of {definition['items']['type'][0]}s" if kind == "array" else kind


def default(definition: Schema) -> str:
    """Return a setting's default as JSON, or nothing."""
    return f"`{json.dumps(definition['default'])}`" if "default" in definition else ""


def streams_table() -> str:
    """Return a row for each stream: its keys, and what it can replicate."""
    rows = [
        (
            f"`{stream.name}`",
            f"`{stream.endpoint.key}`",
            f"`{stream.endpoint.created}`",
            "yes",
            "yes",
            needs,
        )
        for stream, needs in (
            (TicketsStream, ""),
            (CustomersStream, "`cm_id`"),
            (CustomerContactsStream, "`cm_id`"),
        )
    ]
    rows.append(("`pulled_days`", "`stream`, `day`", "", "yes", "yes", "another stream"))
    head = ("stream", "primary key", "replication key", "incremental", "full table", "needs")
    return table(head, rows)


def columns_table(properties: Schema) -> str:
    """Return a row for each column."""
    rows = [
        (f"`{name}`", column_type(definition), definition["description"])
        for name, definition in properties.items()
    ]
    return table(("column", "type", "meaning"), rows)


def column_type(definition: Schema) -> str:
    """Return a column's type, in words."""
    kind: str = definition["type"][0]
    if kind == "array":
        return "list of " + ("objects" if "properties" in definition["items"] else "text")
    if definition.get("format") == "date":
        return "date"
    if definition.get("format") == "date-time":
        return "timestamp, UTC"
    return {"string": "text"}.get(kind, kind)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a Markdown table; what Markdown would read as its own is escaped."""
    lines = [head, ("---",) * len(head), *rows]
    cells = [[cell.replace("|", "\\|").replace("<", "&lt;") for cell in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in cells).replace("|  |", "| |")


def rewritten(path: str) -> str:
    """Return a page's text with every marked part as the tap has it now."""
    text = (ROOT / path).read_text(encoding="utf-8")
    contents = tables()
    for name in PAGES[path]:
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            msg = f"{path} lacks the markers {begin} and {end}"
            raise SystemExit(msg)
        text = f"{before}{begin}\n\n{contents[name]}\n\n{end}{after}"
    return text


def definition(path: str) -> str:
    """Return a plugin's definition in the form of Meltano's Hub, as YAML."""
    kind, _, name = path.partition("/")
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    (plugin,) = [found for found in project["plugins"][kind] if found["name"] == name]
    known = {key: value for key, value in plugin.items() if key not in {"select", "pip_url"}}
    content = {"name": name, "variant": "tap-kapture", "pip_url": PIP_URLS[path], **known}
    return "# Written by scripts/write_docs.py from meltano.yml.\n" + yaml.safe_dump(
        content, sort_keys=False, allow_unicode=True, width=1000
    )


def contents() -> dict[str, str]:
    """Return all that this script writes, by path."""
    definitions = {f"plugins/{path}.yml": definition(path) for path in PIP_URLS}
    return {path: rewritten(path) for path in PAGES} | definitions


def main() -> None:
    """Write everything, or check it."""
    for path, wanted in contents().items():
        file = ROOT / path
        if "--check" not in sys.argv[1:]:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(wanted, encoding="utf-8", newline="\n")
        elif not file.exists() or file.read_text(encoding="utf-8") != wanted:
            sys.exit(f"{path} is out of date: run {sys.argv[0]}")


if __name__ == "__main__":
    main()
