"""What the texts of Kapture's answers mean, and how much of one may be shown.

The same text may come with success or failure, with HTTP 200 or 400, in several spellings. What is
none of the known texts means nothing: never "no records".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tap_kapture.wire.masking import masked

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_QUOTE = 200
"""Characters of a server's message that an error may quote."""
CHECK_REQUEST = (
    "Check cm_id, and whether the account needs further keys in 'tickets_body' or "
    "'customers_body'; otherwise ask Kapture support"
)
ADD_PATTERN = (
    "If it means 'no records', add a pattern for it to 'no_data_messages'; if it passes after a "
    "while, to 'retry_messages'; otherwise ask Kapture support"
)
ADD_BLANK = (
    "If a failure without a text means 'no records', add the pattern '^$' to 'no_data_messages', "
    "which stands for it; otherwise ask Kapture support"
)
ASK_SUPPORT = "Ask Kapture support what the account answers"

_CREDENTIAL = ("invalidauthkey", "authkeyinvalid", "authkeyexpired", "apiexpired")
_SERVER = ("serverfailure",)
_REQUEST = (
    "invalidjson",
    "ticketidsaremissing",
    "reqfieldmissing",
    "eitherstartdateisnullorblank",
)
_NO_DATA = re.compile(
    # Another word in front may say anything: "no valid customer found" is about the request.
    r"no\s+(?:(?:such|more|further|matching)\s+)?(?:tickets?|customers?|records?|data|results?)"
    r"(?:\s+(?:was|were|is|are))?(?:\s+(?:found|available|exists?))?[.!]?"
    # In the singular, a customer that is not found may be the account itself.
    r"|(?:tickets|customers|records?|data|results?)\s+(?:(?:was|were)\s+)?not\s+found[.!]?",
    re.IGNORECASE,
)
_BUSY = re.compile(
    r"\btoo\s+many\s+(?:requests|calls|hits)\b"
    r"|\b(?:rate|request|call|api)[\s-]*limit\b.{0,20}\b(?:exceeded|reached)\b"
    r"|\b(?:try|retry)\s+(?:again\s+)?(?:later|after\s+some\s+time|in\s+(?:a|some|\d+)\b)"
    r"|\bservice\s+(?:is\s+)?(?:temporarily\s+|currently\s+)?unavailable\b"
    r"|\bserver\s+(?:is\s+)?(?:too\s+|currently\s+)?busy\b",
    re.IGNORECASE,
)
_PERSONAL = re.compile(r"[^\s@\"'<>]+@[^\s@\"'<>]+|\+?\d[\d\s().-]{5,}\d")
_JSON_AT_FIRST = re.compile(r"[\s\0\ufeff]*[\[{]")
_JSON_INSIDE = re.compile(r"[\[{]\s*[\[{\"'\\].*", re.DOTALL)
_NOT_SHOWN = "[not shown]"


def is_success(status: str) -> bool:
    """Whether a status says that the request succeeded."""
    return status.strip().lower() == "success"


class Meaning(Enum):
    """What a text says."""

    CREDENTIAL = "the credential is not accepted"
    SERVER = "a fault of the server"
    BUSY = "a failure that passes if all wait"
    REQUEST = "the request is wrong"
    NO_DATA = "no records"
    UNKNOWN = "anything else"


@dataclass(frozen=True, slots=True)
class Meanings:
    """What texts mean by one configuration.

    Attributes:
        no_data: Patterns of further texts that mean "no records"; one that matches an empty text
            stands for a failure without any.
        busy: Patterns of further texts after which all wait and try again.
    """

    no_data: tuple[re.Pattern[str], ...] = ()
    busy: tuple[re.Pattern[str], ...] = ()

    def of(self, text: str) -> Meaning:
        """Return what a text means.

        No setting turns a refused credential into anything else. Where two settings match, nothing
        is lost: another try comes before an empty day.

        Args:
            text: The text, in any letter case, blanks around it included.
        """
        said = text.strip()
        letters = re.sub(r"[^a-z0-9]", "", said.lower())
        is_empty = _NO_DATA.fullmatch(said) or _any_matches(self.no_data, said)
        rules = (
            (letters.startswith(_CREDENTIAL), Meaning.CREDENTIAL),
            (letters.startswith(_SERVER), Meaning.SERVER),
            (_any_matches(self.busy, said), Meaning.BUSY),
            (letters.startswith(_REQUEST), Meaning.REQUEST),
            (_BUSY.search(said), Meaning.BUSY),
            # What looks like JSON may hold records, with any text in them.
            (is_empty and not is_json(said), Meaning.NO_DATA),
        )
        return next((meaning for fits, meaning in rules if fits), Meaning.UNKNOWN)


def is_json(text: str) -> bool:
    """Whether a text begins as JSON that holds records does."""
    return _JSON_AT_FIRST.match(text) is not None


def quotable(text: str, secrets: Iterable[str]) -> str:
    """Return a server's text as an error may show it: short, on one line, nothing personal in it.

    Args:
        text: The text.
        secrets: What is masked in each of its forms, beside mail addresses, phone numbers, and
            JSON, which may hold records.
    """
    if is_json(text):
        return _NOT_SHOWN
    text = _JSON_INSIDE.sub(_NOT_SHOWN, text)
    text = masked(text, secrets)
    return _PERSONAL.sub("[masked]", " ".join(text.split()))[:MAX_QUOTE]


def host_of(address: str) -> str | None:
    """Return the host of an address, which is all of it that an error may show."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _any_matches(patterns: Iterable[re.Pattern[str]], text: str) -> bool:
    return any(pattern.search(text) for pattern in patterns)
