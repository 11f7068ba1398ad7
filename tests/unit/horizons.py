"""The horizon of a run at an instant."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pendulum

from tap_kapture.plan.days import Horizon


def at(now: dt.datetime, zone: str, **more: Any) -> Horizon:  # noqa: ANN401 - as Horizon.at
    """Return the horizon of an instant."""
    given_settings: dict[str, Any] = {
        "start": dt.date(2000, 1, 1),
        "end": None,
        "lookback_days": 2,
        "refresh_days": 90,
        "newest_first": False,
    }
    return Horizon.at(now, pendulum.timezone(zone), **{**given_settings, **more})
