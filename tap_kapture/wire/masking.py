"""Secrets in a server's text, masked in every form in which a server may say them back."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHORT = 8
"""Characters below which a secret is masked only as a word of its own: a header's value such as
``TICKET`` is no secret, and stands inside ordinary words."""
SHORTEST_HALF = 4
"""Characters below which the user or the password inside a token is not looked for."""

_MASK = "[secret]"
_LETTER_BEFORE = r"(?:(?<![^\W_])|(?<=%[0-9A-Fa-f]{2}))"
_LETTER_BEHIND = r"(?![^\W_])"
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return a text with its secrets masked.

    A secret is found with any of its characters percent-encoded or escaped for HTML, with or
    without the padding of base64, and without the scheme before it, such as ``Bearer``. So are the
    user and the password of a secret that is base64 of the two.

    Args:
        text: The text.
        secrets: Tokens and values of headers.
    """
    said = {form for secret in secrets for form in _forms(secret)}
    if not said:
        return text
    # At each place the longest one: others may begin like it.
    longest_first = sorted(said, key=len, reverse=True)
    return re.sub("|".join(map(_pattern, longest_first)), _MASK, text)


def _forms(secret: str) -> Iterator[str]:
    """Yield what must not be shown of a secret, without padding at the end."""
    for whole in (secret, secret.partition(" ")[2].strip()):
        bare = whole.rstrip("=")
        if not bare:
            continue
        yield bare
        user, colon, password = _decoded(bare).partition(":")
        if colon:
            yield f"{user}:{password}"
            yield from (half for half in (user, password) if len(half) >= SHORTEST_HALF)


def _decoded(bare: str) -> str:
    """Return the text of which something is base64, or nothing."""
    try:
        raw = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except binascii.Error:
        return ""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _pattern(form: str) -> str:
    spelled = "".join(map(_spelled, form)) + f"{_spelled('=')}*"
    return spelled if len(form) >= SHORT else f"{_LETTER_BEFORE}{spelled}{_LETTER_BEHIND}"


def _spelled(character: str) -> str:
    """Return a pattern of a character as it is, percent-encoded, or escaped for HTML."""
    percent = "".join(f"%(?:25)*{byte:02X}" for byte in character.encode())
    code = ord(character)
    escaped = rf"{percent}|&#0*{code};|&#x0*{code:x};"
    if character in _NAMED:
        escaped += f"|{_NAMED[character]}"
    return rf"(?:{re.escape(character)}|(?i:{escaped}))"
