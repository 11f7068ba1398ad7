"""How often tests repeat: `make test` shows each promise, `make soak` wears at it.

A test that only repeats what another one shows is marked `soak`. Tests of hypothesis run in both,
with few examples or many.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import coverage
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEST, SOAK = "test", "soak"
soak = pytest.mark.soak
UNMEASURED = {
    *("resilience", "targets"),
    *("test_bad_days", "test_bad_settings", "test_failures", "test_retries", "test_settling"),
    *("test_source_ends", "test_source_read", "test_state", "test_strangers", "test_truth"),
}
"""Folders and modules of many whole runs, which coverage would make three times as long.

They cover nothing that the others leave out, as the gate shows.
"""


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


@contextmanager
def measured(module: Path) -> Iterator[None]:
    """Measure coverage while the tests of a module run, unless it is one of `UNMEASURED`.

    Args:
        module: its file.
    """
    measuring = coverage.Coverage.current()
    if measuring is None or UNMEASURED.isdisjoint({module.stem, module.parent.name}):
        yield
        return
    measuring.stop()
    with pytest.MonkeyPatch.context() as variables:
        variables.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # for processes of the tests
        yield
    measuring.start()
