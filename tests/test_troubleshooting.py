"""docs/troubleshooting.md names each error of the tap, and quotes only what the tap prints."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from typing import TYPE_CHECKING, TypeGuard

from pages import PACKAGE, SOURCES, codes, read, table_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPEATED = PACKAGE / "settings" / "values.py"
"""The module whose ValueErrors reach the user, behind a setting's name; those of others do not."""


def spoken(node: ast.AST) -> str | None:
    """A text of the code as the docs quote it: what is filled in later stands as …."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"%(?:\.\d)?[sdf]", "…", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(spoken(part) or "…" for part in node.values)
    return None


def all_texts() -> set[str]:
    """Every text in the code."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES)
    return {text for tree in trees for node in ast.walk(tree) if (text := spoken(node))}


def error_texts() -> set[str]:
    """Every text in the code that an error is made of, in whatever module."""
    found = {text for path in SOURCES for text in texts_of_errors(path)}
    return {text for text in found if text and re.search("[a-z]", text)}


def texts_of_errors(path: Path) -> Iterator[str | None]:
    """The texts of a module that end a run, or a line of the settings that are refused."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for before, statement in pairwise(statements_of(node)):
            if isinstance(before, ast.Assign) and ends_a_run(statement, path):
                yield spoken(before.value)
        if is_call(node) and re.search(r"Kapture\w+Error$|errors\.append$", ast.unparse(node.func)):
            yield from map(spoken, node.args[:1])
        if isinstance(node, ast.Return) and isinstance(node.value, ast.List):
            yield from map(spoken, node.value.elts)


def ends_a_run(statement: ast.stmt, path: Path) -> bool:
    """Whether a statement raises, or returns to be raised, an error whose text the user sees."""
    error = getattr(statement, "exc", None) or getattr(statement, "value", None)
    if not isinstance(statement, (ast.Raise, ast.Return)) or not is_call(error):
        return False
    kind = ast.unparse(error.func)
    if isinstance(statement, ast.Return):
        return kind.startswith("Kapture")
    return kind != "ConfigValidationError" and (kind != "ValueError" or path == REPEATED)


def statements_of(node: ast.AST) -> list[ast.stmt]:
    """The statements right inside a node, in order."""
    parts = (getattr(node, name, []) for name in ("body", "orelse", "finalbody"))
    return [each for part in parts if isinstance(part, list) for each in part]


def is_call(node: ast.AST | None) -> TypeGuard[ast.Call]:
    """Whether a node calls something."""
    return isinstance(node, ast.Call)


def quoted_fragments() -> list[str]:
    """The texts that the page on troubleshooting quotes."""
    rows = table_rows(read("docs/troubleshooting.md"))
    return [text for row in rows for text in codes(row[0])]


def test_each_text_in_troubleshooting_is_one_that_the_tap_prints() -> None:
    texts = all_texts()

    assert len(quoted_fragments()) > 50
    for fragment in quoted_fragments():
        assert any(fragment in text for text in texts), fragment


def test_troubleshooting_has_each_error_of_the_tap() -> None:
    fragments = quoted_fragments()
    missing = [
        text
        for text in sorted(error_texts())
        if not any(fragment in text for fragment in fragments)
    ]
    assert len(error_texts()) > 50
    assert missing == []
