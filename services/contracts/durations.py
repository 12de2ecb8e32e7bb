"""Lengths as the API spells them: `PT2H` and `P3D` by the wall clock, `PT2WH` of working time, `P1WD` working days."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator

from services.contracts.base import Unreadable


class Measure(StrEnum):
    """The measure in which a length is counted (semantics.md 4)."""

    WALL = "wall"
    WORKING_TIME = "working_time"
    WORKING_DAYS = "working_days"


@dataclass(frozen=True, slots=True)
class Duration:
    """A parsed length: `length` for wall and working time, `days` for working days."""

    measure: Measure
    length: timedelta = timedelta(0)
    days: int = 0

    @property
    def is_working(self) -> bool:
        """Whether the length passes only while the calendar is open."""
        return self.measure is not Measure.WALL


_WALL = re.compile(
    r"P(?:(?P<weeks>\d{1,6})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?:(?P<hours>\d{1,8})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,12}(?:\.\d{1,6})?)S)?)?"
)
_WORKING_TIME = re.compile(
    r"PT(?:(?P<hours>\d{1,6})WH)?(?:(?P<minutes>\d{1,8})WM)?(?:(?P<seconds>\d{1,9}(?:\.\d{1,6})?)WS)?"
)
_WORKING_DAYS = re.compile(r"P(?P<days>\d{1,4})WD")


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> Duration:
    """Parse an ISO 8601 duration with the working units of api.md; months and years have no fixed length.

    Raises:
        Unreadable: the text is none.
    """
    if days := _WORKING_DAYS.fullmatch(text):
        return Duration(Measure.WORKING_DAYS, days=int(days["days"]))
    for pattern, measure in ((_WORKING_TIME, Measure.WORKING_TIME), (_WALL, Measure.WALL)):
        match = pattern.fullmatch(text)
        if match and any(match.groupdict().values()):
            parts = {unit: float(number) for unit, number in match.groupdict().items() if number}
            return Duration(measure, length=timedelta(**parts))
    raise Unreadable(
        zh="不是时长：请写 PT2H、P3D、PT2WH（工作小时）或 P1WD（工作日）",
        en="not a duration: write PT2H, P3D, PT2WH (working hours) or P1WD (working days)",
    )


def _check(text: str) -> str:
    parse_duration(text)
    return text


def _check_wall(text: str) -> str:
    if parse_duration(text).is_working:
        raise Unreadable(
            zh="此处按自然时间计：请写 PT10M 或 P1D", en="count this by the wall clock: write PT10M or P1D"
        )
    return text


DurationText = Annotated[str, AfterValidator(_check)]
"""A duration kept as its author wrote it."""

WallDurationText = Annotated[str, AfterValidator(_check_wall)]
"""The same, by the wall clock only."""
