"""Whether an account can be read with a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_kapture.airbyte.config import settings_of
from tap_kapture.airbyte.messages import ConnectionStatusBody
from tap_kapture.errors import KaptureError
from tap_kapture.pull.probe import probe
from tap_kapture.wire.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from datetime import datetime


def check(config: str, *, now: datetime) -> ConnectionStatusBody:
    """Ask for a page of each stream that the settings offer.

    Args:
        config: Path of the configuration.
        now: The reading of the clock.

    Returns:
        Whether all of them answer, and else the text with which a run would fail.
    """
    try:
        settings = settings_of(config)
        for endpoint in ENDPOINTS:
            if settings.offers(endpoint.stream):
                settings.require(endpoint.stream)
                probe(endpoint, settings, now=now)
    except KaptureError as error:
        return ConnectionStatusBody("FAILED", str(error))
    return ConnectionStatusBody("SUCCEEDED")
