"""Time that a clock stood still, in its own time (semantics.md 6)."""

from datetime import datetime, timedelta

import pytest

from services.promises.calendars import Calendar
from services.promises.clocks import paused_time
from services.promises.policies import built_in

CN = Calendar.compile(next(it for it in built_in().calendars if it.id == "cn"))
HOUR = timedelta(hours=1)


def at(day: int, hour: int) -> datetime:
    """An hour of March 2026 in Shanghai; the 2nd is a Monday."""
    return datetime.fromisoformat(f"2026-03-{day:02}T{hour:02}:00+08:00")


@pytest.mark.parametrize(
    ("pauses", "working", "wall"),
    [
        ([], 0.0, 0.0),
        ([(at(2, 10), at(2, 11))], 1.0, 1.0),
        ([(at(2, 11), at(2, 15))], 2.5, 4.0),
        ([(at(2, 19), at(3, 8))], 0.0, 13.0),
        ([(at(6, 17), at(9, 10))], 2.0, 65.0),
        ([(at(2, 10), at(2, 12)), (at(2, 11), at(2, 14))], 2.5, 4.0),
        ([(at(1, 10), at(2, 10))], 1.0, 1.0),
    ],
    ids=["none", "in hours", "over lunch", "over night", "over a weekend", "overlapping", "begun before it"],
)
def test_a_pause_counts_in_the_time_of_the_clock(
    pauses: list[tuple[datetime, datetime]], working: float, wall: float
) -> None:
    assert paused_time(at(2, 9), pauses, CN, working=True) == working * HOUR
    assert paused_time(at(2, 9), pauses, CN, working=False) == wall * HOUR
