"""The catalog that a run is given: what it asks for in vain is told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

logger = logging.getLogger("tap-kapture")


def tell_in_vain(named: Iterable[str], known: Iterable[str], selected: Iterable[object]) -> None:
    """Warn of streams that there are not, and of a run that loads nothing.

    Args:
        named: The streams that the catalog names.
        known: Those that there are.
        selected: Those that are read.
    """
    known = sorted(known)
    if unknown := sorted(set(named).difference(known)):
        names = ", ".join(f"'{name[:60]}'" for name in unknown[:10])
        there_are = ", ".join(known)
        logger.warning("catalog: there is no stream %s; there are %s", names, there_are)
    if not list(selected):
        logger.warning(
            "catalog: no stream is selected, so nothing is loaded. Select tickets, customers or "
            "customer_contacts (Meltano: select 'tickets.*'), or run without --catalog"
        )
