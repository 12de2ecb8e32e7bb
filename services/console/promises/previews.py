"""A preview ready to be drawn: the clocks that would move, and how far, as a histogram."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.console.rendering.present import Moment, Present

HEIGHT = 100
WIDTH = 60
_STEPS = (3600, 4 * 3600, 24 * 3600, 3 * 24 * 3600)
"""Where the columns part, in seconds, to either side of no shift."""
_AHEAD = len(_STEPS) + 1
"""How many columns there are to either side."""


@dataclass(frozen=True)
class PreviewMove:
    """One clock that would move."""

    item: Mapping[str, Any]
    due_from: Moment | None
    due_to: Moment | None
    shift: str


@dataclass(frozen=True)
class HistogramColumn:
    """One column of the histogram; `x`, `y` and `height` in units of the drawing, `step` what stands below it."""

    label: str
    step: str
    count: int
    x: int
    y: float
    height: float
    ahead: bool


def moves(items: Sequence[Mapping[str, Any]], present: Present) -> list[PreviewMove]:
    """The listed clocks in words."""
    return [
        PreviewMove(
            each,
            present.moment(each["due_from"]),
            present.moment(each["due_to"]),
            shift(each["shift_seconds"], present),
        )
        for each in items
    ]


def shift(seconds: float | None, present: Present) -> str:
    """The length by which a clock would move, in words; empty where it would not, or a due time is missing."""
    if not seconds:
        return ""
    length = present.length(timedelta(seconds=seconds))
    return present.words.text("preview.ahead" if seconds < 0 else "preview.behind", length=length)


def columns(items: Sequence[Mapping[str, Any]], present: Present) -> list[HistogramColumn]:
    """Histogram of the clocks by how far they move, from the earliest to the latest; empty where nothing moves."""
    shifts = [each["shift_seconds"] for each in items if each["shift_seconds"]]
    if not shifts:
        return []
    bounds = [*(-step for step in reversed(_STEPS)), 0, *_STEPS]
    counts = [0] * (len(bounds) + 1)
    for seconds in shifts:
        counts[sum(seconds > bound if seconds > 0 else seconds >= bound for bound in bounds)] += 1
    most = max(counts)
    return [
        HistogramColumn(
            label=present.words.text("preview.ahead" if place < _AHEAD else "preview.behind", length=step),
            step=step,
            count=count,
            x=place * WIDTH,
            y=round(HEIGHT * (1 - count / most), 1),
            height=round(HEIGHT * count / most, 1),
            ahead=place < _AHEAD,
        )
        for place, (count, step) in enumerate(zip(counts, _steps(present), strict=True))
    ]


def _steps(present: Present) -> list[str]:
    """Labels of the columns: shifts up to a length, and beyond the longest."""
    up_to = [f"≤ {_length(step, present)}" for step in _STEPS]
    beyond = f"> {_length(_STEPS[-1], present)}"
    return [beyond, *reversed(up_to), *up_to, beyond]


def _length(seconds: int, present: Present) -> str:
    hours = abs(seconds) // 3600
    days = hours // 24
    return present.words.text("length.days", count=days) if days else present.words.text("length.hours", count=hours)
