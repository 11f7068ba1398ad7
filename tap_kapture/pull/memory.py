"""What the state remembers of an account's dialect, and when that is to be learned again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from tap_kapture.dialect import dialect as dialects
from tap_kapture.dialect import witness as witnesses
from tap_kapture.dialect.dialect import Dialect, Turn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tap_kapture.dialect.witness import Witness
    from tap_kapture.settings.groups import Settings

GOOD_FOR = timedelta(days=30)
"""How long a dialect is taken as known; then a day shows it again."""

STATED = {
    "rows": Dialect(Turn.ROWS, confirmed=True),
    "pages": Dialect(Turn.PAGES, confirmed=True),
    "pages_from_1": Dialect(Turn.PAGES, base=1, confirmed=True),
    "whole_day": Dialect(Turn.NONE, confirmed=True),
}
"""Dialects that the settings may state, by their name there."""


class Memory:
    """The dialect as a state holds it."""

    def __init__(
        self, kept: Mapping[str, Any] | None, settings: Settings, stream: str, today: date
    ) -> None:
        """Read what is kept.

        Args:
            kept: The state's part, or None.
            settings: The configuration; what bears on the dialect is compared with then.
            stream: Name of the stream.
            today: The account's day.
        """
        self._kept = kept or {}
        self._stated = STATED.get(settings.paging.stated_of(stream))
        self._today = today
        self._settings = _fingerprint(settings, stream)
        cm_id = None if stream == "tickets" else settings.account.cm_id
        self._account = _digest((settings.account.base_url, cm_id))

    @property
    def stated(self) -> bool:
        """Whether the settings state the dialect."""
        return self._stated is not None

    def dialect(self) -> Dialect:
        """Return the dialect to begin with; a first guess where nothing is known."""
        known = dialects.from_state(self._kept) or Dialect()
        if self._stated is not None:
            return replace(
                self._stated,
                end_exclusive=known.end_exclusive,
                sends_offset=known.sends_offset,
                largest=known.largest,
            )
        fresh = self.knows and not self._is_old()
        return known if fresh else replace(known, confirmed=False)

    @property
    def knows(self) -> bool:
        """Whether the state knows how the account is to be asked, by these settings."""
        return bool(self._kept) and self._kept.get("settings") == self._settings

    @property
    def is_of_another_account(self) -> bool:
        """Whether what is kept was learned at another address, or for another ``cm_id``."""
        return self._kept.get("account") not in {None, self._account}

    @property
    def witness(self) -> Witness | None:
        """The day that shows whether the dialect still holds."""
        return witnesses.from_state(self._kept.get("witness"))

    def to_state(
        self, dialect: Dialect, witness: Witness | None, *, anew: bool
    ) -> Mapping[str, Any] | None:
        """Return what the state keeps of a dialect; a guess is not kept.

        Args:
            dialect: What is known now.
            witness: The day that shall show whether it still holds, or None.
            anew: Whether it was learned in this run.
        """
        if not dialect.confirmed:
            return self._kept or None
        known = self.knows and not anew and self.dialect().confirmed
        learned = self._kept.get("learned") if known else self._today.isoformat()
        facts = {"learned": learned, "settings": self._settings, "account": self._account}
        kept = {**dialect.to_state(), **facts}
        return {**kept, "witness": witness.to_state()} if witness else kept

    def _is_old(self) -> bool:
        learned = self._kept.get("learned")
        return not isinstance(learned, str) or learned < (self._today - GOOD_FOR).isoformat()


def _fingerprint(settings: Settings, stream: str) -> str:
    """Return a digest of the settings that bear on how an account pages."""
    facts = (
        (settings.account.path_of(stream), dict(settings.account.body_of(stream))),
        (settings.account.cm_id, settings.paging.page_size, settings.paging.stated_of(stream)),
    )
    return _digest(facts)


def _digest(facts: object) -> str:
    text = json.dumps(facts, sort_keys=True, default=str)
    return blake2b(text.encode(), digest_size=4).hexdigest()
