"""A dialect is known for a month, and only to those who ask in the same way."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from one_run import settings_of

from tap_kapture.dialect.dialect import Dialect, Total, Turn
from tap_kapture.pull.memory import GOOD_FOR, STATED, Memory

TODAY = dt.date(2024, 5, 10)
ONE_DAY = dt.timedelta(days=1)
KNOWN = Dialect(
    Turn.PAGES, base=1, size=50, total=Total.DAY, end_exclusive=True, largest=50, confirmed=True
)


def memory(
    kept: dict[str, Any] | None = None,
    today: dt.date = TODAY,
    stream: str = "tickets",
    **config: Any,  # noqa: ANN401 - settings by name
) -> Memory:
    """Return a memory of what a state keeps."""
    through = json.loads(json.dumps(kept))
    return Memory(through, settings_of(**config), stream, today)


def state_of(remembers: Memory, dialect: Dialect, *, anew: bool = False) -> dict[str, Any]:
    """Return what a run leaves in the state."""
    return dict(remembers.to_state(dialect, None, anew=anew) or {})


def kept_on(today: dt.date = TODAY, **config: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """Return what is kept of a dialect that was learned on a day."""
    return state_of(memory(None, today, **config), KNOWN, anew=True)


def test_of_a_stranger_there_is_a_first_guess() -> None:
    assert memory().dialect() == Dialect()
    assert not memory().dialect().confirmed


def test_what_was_learned_is_known_to_the_next_run() -> None:
    assert memory(kept_on(), TODAY + ONE_DAY).dialect() == KNOWN


def test_after_a_month_a_dialect_is_learned_again_from_what_was_known() -> None:
    kept = kept_on()
    assert memory(kept, TODAY + GOOD_FOR).dialect() == KNOWN
    old = memory(kept, TODAY + GOOD_FOR + ONE_DAY).dialect()
    assert not old.confirmed
    assert (old.way, old.end_exclusive, old.size) == (KNOWN.way, True, 50)


@pytest.mark.parametrize(
    ("stream", "config", "is_other"),
    [
        ("tickets", {}, False),
        ("tickets", {"subdomain": "other"}, True),
        ("tickets", {"cm_id": 17}, False),
        ("customers", {"cm_id": 17}, True),
    ],
)
def test_a_state_knows_of_which_account_it_is(
    stream: str,
    config: dict[str, Any],
    is_other: bool,  # noqa: FBT001 - drawn
) -> None:
    kept = state_of(memory(None, TODAY, stream), KNOWN, anew=True)
    assert memory(kept, TODAY, stream, **config).is_of_another_account is is_other
    del kept["account"]  # as earlier releases left it
    assert not memory(kept, TODAY, stream, **config).is_of_another_account


def test_runs_in_between_do_not_make_it_younger() -> None:
    kept = kept_on()
    for day in range(1, GOOD_FOR.days + 1):
        today = memory(kept, TODAY + day * ONE_DAY)
        kept = state_of(today, today.dialect())
    assert kept["learned"] == TODAY.isoformat()
    assert not memory(kept, TODAY + GOOD_FOR + ONE_DAY).dialect().confirmed


def test_what_is_learned_again_is_young_again() -> None:
    later = memory(kept_on(), TODAY + GOOD_FOR + ONE_DAY)
    assert state_of(later, KNOWN, anew=True)["learned"] == (TODAY + GOOD_FOR + ONE_DAY).isoformat()


def test_a_guess_is_not_known_to_the_next_run() -> None:
    for guess in (Dialect(), Dialect(Turn.LIMIT, base=1)):
        kept = state_of(memory(), guess)
        assert not memory(kept, TODAY + ONE_DAY).dialect().confirmed


def test_what_grew_old_and_was_not_learned_again_stays_unknown() -> None:
    later = TODAY + GOOD_FOR + ONE_DAY
    old = memory(kept_on(), later)
    kept = state_of(old, old.dialect())
    assert not memory(kept, later + ONE_DAY).dialect().confirmed


@pytest.mark.parametrize("learned", [None, 20240510, "", [], True])
def test_a_state_that_does_not_say_when_is_old(learned: object) -> None:
    assert not memory({**kept_on(), "learned": learned}).dialect().confirmed


@pytest.mark.parametrize(
    "config",
    [
        {"page_size": 499},
        {"tickets_path": "/other"},
        {"tickets_body": {"type": "x"}},
        {"cm_id": 7, "customers_auth_token": "x"},
    ],
)
def test_other_requests_may_be_answered_in_another_dialect(config: dict[str, Any]) -> None:
    assert memory(kept_on()).dialect().confirmed
    assert not memory(kept_on(), **config).dialect().confirmed


@pytest.mark.parametrize(
    "config",
    [
        {"auth_token": "renewed"},
        {"subdomain": "other"},
        {"lookback_days": 7},
        {"concurrency": 1},
        {"customers_path": "/other"},
        {"customers_paging": "pages"},
        {"closed_statuses": ["done"]},
    ],
)
def test_settings_that_change_no_answer_forget_nothing(config: dict[str, Any]) -> None:
    assert memory(kept_on(), **config).dialect() == KNOWN


@pytest.mark.parametrize("kept", [None, {}, {"turn": "spiral"}])
def test_a_state_that_keeps_nothing_usable_begins_anew(kept: dict[str, Any] | None) -> None:
    assert memory(kept).dialect() == Dialect()


# What the settings state


@pytest.mark.parametrize("paging", list(STATED))
def test_what_the_settings_state_is_not_learned(paging: str) -> None:
    stated = memory(tickets_paging=paging)
    assert stated.stated
    assert stated.dialect() == STATED[paging]
    assert stated.dialect().confirmed


def test_what_is_stated_keeps_what_no_setting_says() -> None:
    stated = memory(kept_on(), tickets_paging="rows").dialect()
    assert stated.turn is Turn.ROWS
    assert (stated.end_exclusive, stated.largest) == (True, 50)
    assert stated.size is None


def test_what_was_stated_is_not_known_once_it_is_no_more() -> None:
    kept = state_of(memory(tickets_paging="pages"), STATED["pages"])
    assert not memory(kept, TODAY + ONE_DAY).dialect().confirmed
    assert not memory(kept, TODAY + ONE_DAY).stated


def test_one_stream_states_nothing_for_the_other() -> None:
    assert not memory(stream="customers", tickets_paging="pages").stated
