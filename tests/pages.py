"""The pages that users read, the code that they tell of, and what stands in them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tap_kapture"
SOURCES = sorted(PACKAGE.rglob("*.py"))
PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
"""What users read."""


def read(path: str) -> str:
    """A file of the project, as text."""
    return (ROOT / path).read_text(encoding="utf-8")


def table_rows(text: str) -> list[list[str]]:
    """The rows of the Markdown tables in a text, cells unescaped, headings left out."""
    rows = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and cells[0].startswith("`"):
            rows.append([cell.replace("\\|", "|").replace("&lt;", "<") for cell in cells])
    return rows


def marked(name: str) -> str:
    """A generated part of a page."""
    (text,) = [text for text in map(read, PAGES) if f"<!-- {name}:begin -->" in text]
    return text.partition(f"<!-- {name}:begin -->")[2].partition(f"<!-- {name}:end -->")[0]


def codes(text: str) -> list[str]:
    """What stands in backticks."""
    found: list[str] = re.findall(r"`([^`]+)`", text)
    return found
