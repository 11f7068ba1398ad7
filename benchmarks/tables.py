"""Markdown tables, and the figures in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LOST = "lost in noise"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, its columns aligned for those who read it as text.

    Args:
        titles: Of the columns; the first is text, the others are numbers.
        rows: Of cells.
    """
    lines = [list(titles), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = [
        " | ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    rule = " | ".join(
        "-" * (width - 1) + ":" if index else "-" * width for index, width in enumerate(widths)
    )
    return "\n".join(f"| {line} |" for line in (shown[0], rule, *shown[1:]))


def rate(count: int, seconds: float) -> str:
    """Return a number per second.

    Args:
        count: What was done.
        seconds: In which time; a difference of two measurements may come out negative.
    """
    return f"{count / seconds:,.0f}" if seconds > 0 else _LOST


def times(reference: float, seconds: float, form: str = ".2f") -> str:
    """Return how many times faster something is than a reference.

    Args:
        reference: Seconds of the reference.
        seconds: Its own seconds.
        form: How to write it.
    """
    return format(reference / seconds, form) if reference > 0 and seconds > 0 else _LOST


def lasting(seconds: float, form: str = ".2f") -> str:
    """Return a time.

    Args:
        seconds: It; a difference of two measurements may come out negative.
        form: How to write it.
    """
    return format(seconds, form) if seconds > 0 else _LOST
