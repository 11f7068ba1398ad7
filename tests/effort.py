"""How often tests repeat: `make test` shows each promise, `make soak` wears at it.

A test that only repeats what another one shows is marked `soak`. Tests of hypothesis run in both,
with few examples or many.
"""

from __future__ import annotations

import pytest
from hypothesis import settings

TEST, SOAK = "test", "soak"
soak = pytest.mark.soak


def register() -> None:
    """Set how many examples a test of a pure rule gets, unless it says otherwise."""
    settings.register_profile(TEST, deadline=None, max_examples=60, derandomize=True)
    settings.register_profile(SOAK, deadline=None, max_examples=600, derandomize=True)
    settings.load_profile(TEST)


def examples(few: int, *, many: int) -> settings:
    """The examples of a test of which each takes whole runs of the tap.

    Args:
        few: in `make test`.
        many: in `make soak`.
    """
    soaking = settings.get_current_profile_name() == SOAK
    return settings(max_examples=many if soaking else few)
