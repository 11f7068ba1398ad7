"""Kapture in Dagster: history by the month, several months at a time, then a run every night.

The folder that ``KAPTURE_HOME`` names holds ``tap.json`` and ``target.json``, the settings of
tap-kapture and target-postgres, whose programs are on the PATH. States go into its folder
``states``. See README.md.
"""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from dagster import (
    AssetExecutionContext,
    Definitions,
    MonthlyPartitionsDefinition,
    ScheduleDefinition,
    asset,
    define_asset_job,
)
from loading import RunFailedError, State, handed_over, load

HOME = Path(os.environ.get("KAPTURE_HOME", "."))
STATES = HOME / "states"
NIGHTLY = STATES / "nightly.json"


def content(path: Path) -> dict[str, Any]:
    """Read a JSON file."""
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


TAP, TARGET = content(HOME / "tap.json"), content(HOME / "target.json")
# All whole months since start_date, which is the first day of one.
MONTHS = MonthlyPartitionsDefinition(start_date=TAP["start_date"])


def state_of(month: str) -> Path:
    """Where the state of a month is, once all of it is loaded."""
    return STATES / f"{month}.json"


@asset(partitions_def=MONTHS)
def history(context: AssetExecutionContext) -> None:
    """Tickets and customers of one month, in the tables that all months share."""
    window = context.partition_time_window
    period = {
        "start_date": str(window.start.date()),
        "end_date": str(window.end.date() - timedelta(days=1)),
        "concurrency": 1,  # the account's limit is for all months that load at the same time
    }
    kept = state_of(context.partition_key)
    try:
        load({**TAP, **period}, TARGET, {}, kept)
    except RunFailedError:
        kept.unlink(missing_ok=True)  # of a month that is not whole
        raise


@asset(deps=[history])
def kapture() -> None:
    """What came or changed since the last run; the first one goes on where the history ends."""
    load(TAP, TARGET, content(NIGHTLY) if NIGHTLY.exists() else state_of_history(), NIGHTLY)


def state_of_history() -> State:
    """Return the state behind the last month.

    Raises:
        RunFailedError: A month is missing.
    """
    paths = [state_of(month) for month in MONTHS.get_partition_keys()]
    if missing := [path.stem for path in paths if not path.exists()]:
        msg = f"load the history first: {', '.join(missing)}"
        raise RunFailedError(msg)
    return handed_over([content(path) for path in paths])


nightly = define_asset_job("nightly", [kapture])
definitions = Definitions(
    assets=[history, kapture],
    jobs=[define_asset_job("backfill", [history], partitions_def=MONTHS), nightly],
    # Half past two at night in India: yesterday is closed.
    schedules=[ScheduleDefinition(job=nightly, cron_schedule="0 21 * * *")],
)
