"""Every way in which an account may differ from a friendly one, each alone."""

from __future__ import annotations

from dataclasses import fields
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from sandbox import Quirks


def values(hint: object) -> list[Any]:
    """Every value of a switch; of a cap on pages, some that cut a day into several."""
    if get_origin(hint) is not None and NoneType not in get_args(hint):
        return list(get_args(hint))
    return [False, True] if hint is bool else [None, 1, 3, 11]


HINTS = get_type_hints(Quirks)
SWITCHES = [
    pytest.param({quirk.name: value}, id=f"{quirk.name}={value}")
    for quirk in fields(Quirks)
    for value in values(HINTS[quirk.name])
]
