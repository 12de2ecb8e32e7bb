"""The reference judged by hand, minute by minute, and against the calendars that are used."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.contracts.durations import Duration, Measure
from services.contracts.policy import CalendarDraft
from tests.reference import builders
from tests.reference.slow_hours import Hours, Target
from tests.reference.ticket_driver import compiled
from tests.unit.promises.slow_calendar import SlowCalendar

DAY = timedelta(days=1)
API_EXAMPLE = {
    "time_zone": "Asia/Shanghai",
    "hours": {"mon": {"09:00": "12:00", "13:30": "18:00"}, "tue": {"09:00": "18:00"}},
    "shifts": {"2026-10-10": {"09:00": "18:00"}},
    "holidays": ["2026-10-01"],
    "breaks": {"2026-10-09": {"15:00": "16:00"}},
}
SLOW = {key: Hours(stored) for key, stored in builders.STORED.items()}
INSTANTS = st.tuples(st.sampled_from(builders.STARTS), st.integers(-20 * 86_400, 20 * 86_400))


def utc(written: str) -> datetime:
    """An instant, told with its offset."""
    return datetime.fromisoformat(written).astimezone(UTC)


def test_the_example_of_the_api_comes_out_as_it_is_written_there() -> None:
    hours = Hours(CalendarDraft.model_validate(API_EXAMPLE))
    at = utc("2026-09-30T17:30:00+08:00")
    assert hours.add(at, timedelta(hours=2)) == utc("2026-10-05T11:00:00+08:00")
    assert hours.subtract(at, timedelta(minutes=90)) == utc("2026-09-29T16:30:00+08:00")
    assert hours.between(utc("2026-09-28T09:00:00+08:00"), utc("2026-09-30T17:00:00+08:00")).total_seconds() == 59_400


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-09-30T17:59:59+08:00", 1, "2026-10-08T18:00:00+08:00"),  # the National Day's week is no working day
        ("2026-09-30T18:00:00+08:00", 1, "2026-10-09T18:00:00+08:00"),  # closed: it starts on the eighth
        ("2026-10-09T12:30:00+08:00", 1, "2026-10-10T18:00:00+08:00"),  # lunch belongs to its day; a Saturday is worked
    ],
)
def test_working_days_end_at_closing_and_start_at_the_next_opening(start: str, days: int, end: str) -> None:
    assert Target(f"P{days}WD", SLOW["office", 1]).after(utc(start)) == utc(end)


@pytest.mark.parametrize("key", sorted(builders.STORED))
def test_what_is_open_is_open_minute_by_minute(key: tuple[str, int]) -> None:
    """Also on the days of 23 and 25 hours."""
    for first in (utc("2026-03-28T00:00:00Z"), utc("2026-10-24T00:00:00Z"), utc("2026-10-09T16:00:00Z")):
        counted = SlowCalendar(builders.STORED[key]).between(first, first + 2 * DAY)
        assert SLOW[key].between(first, first + 2 * DAY) == counted


@settings(max_examples=150, deadline=None)
@given(key=st.sampled_from(sorted(SLOW)), start=INSTANTS, seconds=st.integers(0, 200_000), days=st.integers(0, 9))
def test_the_calendars_that_are_used_say_the_same(
    key: tuple[str, int], start: tuple[datetime, int], seconds: int, days: int
) -> None:
    slow, fast = SLOW[key], compiled(builders.STORED[key])
    at, length = start[0] + timedelta(seconds=start[1]), timedelta(seconds=seconds)
    assert fast.add(at, Duration(Measure.WORKING_TIME, length=length)) == slow.add(at, length)
    assert fast.subtract(at, Duration(Measure.WORKING_TIME, length=length)) == slow.subtract(at, length)
    assert fast.add(at, Duration(Measure.WORKING_DAYS, days=days)) == slow.end_of_working_day(at, days)
    assert fast.between(at, at + 2 * length) == slow.between(at, at + 2 * length)
