"""What several of these modules start from, and how much they repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import effort
import failing_account
import pytest
from still_account import ACCOUNT

from sandbox import Quirks, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

effort.register()


@pytest.fixture(scope="module", autouse=True)
def _measured(request: pytest.FixtureRequest) -> Iterator[None]:
    with effort.measured(request.path):
        yield


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """An account whose clock stands still: tests change nothing but what was asked."""
    with Sandbox(ACCOUNT) as sandbox:
        yield sandbox


@pytest.fixture
def still(shared: Sandbox) -> Sandbox:
    """The same account, which no test of the module has asked yet."""
    shared.clear()
    return shared


@pytest.fixture
def untouched(shared: Sandbox) -> Iterator[Sandbox]:
    """An account that must not be asked anything."""
    shared.clear()
    yield shared
    assert shared.requests == []


@pytest.fixture(scope="module")
def failing() -> Iterator[Sandbox]:
    """An account in which nothing goes wrong yet."""
    with Sandbox(failing_account.ACCOUNT) as sandbox:
        yield sandbox


@pytest.fixture
def ill(failing: Sandbox) -> Iterator[Sandbox]:
    """An account in which a test lets something go wrong."""
    failing.clear()
    yield failing
    failing.faults = []
    failing.quirks = Quirks()


@pytest.fixture(scope="module")
def secrets(failing: Sandbox) -> set[str]:
    """Everything that no log may show of the account in which something goes wrong."""
    account = failing_account
    return {account.TOKEN, account.API_KEY, *account.BODIES, *failing.personal_texts()}
