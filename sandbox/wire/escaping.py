"""HTML escaping as Kapture does it: once, in more than one style."""

from __future__ import annotations

import re
from zlib import crc32

_SPECIAL = re.compile(r"[&<>\"']")
_AMBIGUOUS = re.compile(r"&(?=#?\w+;)|[<>]")  # all that must be escaped to be read back
_STYLES = (
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"},
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"},
)


def escaped(plain: str) -> str:
    """The wire form of a text; the same text is always written alike."""
    if not _SPECIAL.search(plain):
        return plain
    style = crc32(plain.encode()) % 3
    if style < len(_STYLES):
        return _SPECIAL.sub(lambda found: _STYLES[style][found.group()], plain)
    return _AMBIGUOUS.sub(lambda found: _STYLES[0][found.group()], plain)
