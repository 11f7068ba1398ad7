"""Text as tables want it, or as it was sent: the three ways in which a JSON value is kept.

In all of them a number that some readers cannot hold becomes its text, see
:mod:`tap_kapture.shape.numbers`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from html import unescape
from html.entities import html5
from typing import Any

from tap_kapture.shape.numbers import held, with_held_numbers

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[0-9A-Za-z]{1,32});")
_COMMON_ENTITIES = {
    "&amp;": "&",
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&apos;": "'",
    "&#39;": "'",
}
_MEMO_SIZE = 4_000
_SHORT = 64
_NUMBERS: set[type] = {int, Decimal}
_DEEP: set[type] = {str, list, dict, *_NUMBERS}


def clean(value: Any) -> Any:  # noqa: ANN401 - any JSON value passes
    """Clean every text in a JSON value, see :func:`clean_text`."""
    kind = value.__class__
    if kind is str:
        return clean_text(value)
    if kind is list:
        return [clean(element) for element in value]
    if kind is dict:
        return {
            name.replace("\0", "") if "\0" in name else name: (
                clean(element) if element.__class__ in _DEEP else element
            )
            for name, element in value.items()
        }
    return held(value) if kind in _NUMBERS else value


def clean_text(text: str) -> str | None:
    """Return text without HTML escaping, or None where nothing is left.

    HTML escaping is undone once, for entities that end in ``;``; U+0000, which PostgreSQL stores
    neither in text nor in JSON, is dropped; text that is then blank becomes null.
    """
    if "&" in text:
        text = (_unescaped if len(text) <= _SHORT else _unescape)(text)
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text and not text.isspace() else None


def without_nul(value: Any) -> Any:  # noqa: ANN401 - any JSON value passes
    """Drop U+0000 from every text in a JSON value, and nothing else."""
    kind = value.__class__
    if kind is str:
        return value.replace("\0", "") if "\0" in value else value
    if kind is list:
        return [without_nul(element) for element in value]
    if kind is dict:
        return {name.replace("\0", ""): without_nul(element) for name, element in value.items()}
    return held(value) if kind in _NUMBERS else value


def verbatim(value: Any) -> Any:  # noqa: ANN401 - any JSON value passes
    """Return the value with its texts as they were sent."""
    return with_held_numbers(value)


def _unescape(escaped: str) -> str:
    return _ENTITY.sub(_character, escaped)


_unescaped = lru_cache(_MEMO_SIZE)(_unescape)
"""Short texts, such as the names of employees, come again and again."""


def _character(match: re.Match[str]) -> str:
    """Return the character of an entity; what is none (``&nosuch;``, ``&#1;``) stays as it is."""
    entity = match[0]
    known = _COMMON_ENTITIES.get(entity)
    if known is None:
        is_entity = entity[1] == "#" or entity[1:] in html5
        known = (unescape(entity) if is_entity else "") or entity
    return known
