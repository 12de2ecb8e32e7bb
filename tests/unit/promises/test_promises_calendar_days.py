"""A calendar's year day by day: what each date is, and when it is worked (semantics.md 2)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.contracts.policy import CalendarDraft, StoredCalendar
from services.promises.calendars import Calendar
from services.promises.days import ScheduleDay, days_of, text_of
from services.promises.drafts import DayKind, read_draft
from tests.unit.promises.instants import MINUTE, WORKDAY, draft
from tests.unit.promises.test_promises_calendar_properties import situations


def year(number: int = 2026, **values: Any) -> dict[date, ScheduleDay]:
    """The days of a calendar of weekdays."""
    stored = StoredCalendar(**{**draft().model_dump(), **values}, id="desk", version=1)
    return {day.date: day for day in days_of(read_draft(stored), number)}


def test_the_week_decides_where_nothing_else_does() -> None:
    days = year()
    assert len(days) == 365
    friday, saturday = days[date(2026, 11, 20)], days[date(2026, 11, 21)]
    assert (friday.kind, text_of(friday.hours), friday.own) == (DayKind.OPEN, [*WORKDAY.items()], False)
    assert (saturday.kind, saturday.hours, saturday.name) == (DayKind.CLOSED, (), None)


def test_own_dates_win_over_the_countrys_and_keep_its_names() -> None:
    days = year(country="CN", holidays=("2026-10-10",), shifts={"2026-10-05": WORKDAY})
    worked, off = days[date(2026, 10, 5)], days[date(2026, 10, 10)]
    assert (worked.kind, worked.own, bool(worked.hours), worked.name is None) == (DayKind.SHIFT, True, True, False)
    assert (off.kind, off.own, off.hours) == (DayKind.HOLIDAY, True, ())
    assert (days[date(2026, 10, 1)].kind, days[date(2026, 9, 20)].kind) == (DayKind.HOLIDAY, DayKind.MAKE_UP)


def test_a_holiday_wins_over_a_shift_and_a_break_over_the_whole_day_closes_it() -> None:
    days = year(
        holidays=("2026-11-20",),
        shifts={"2026-11-20": WORKDAY, "2026-11-21": {}},
        breaks={"2026-11-19": {"08:00": "20:00"}},
    )
    assert (days[date(2026, 11, 20)].kind, days[date(2026, 11, 20)].hours) == (DayKind.HOLIDAY, ())
    assert (days[date(2026, 11, 21)].kind, days[date(2026, 11, 21)].own) == (DayKind.SHIFT, True)
    assert (days[date(2026, 11, 19)].kind, days[date(2026, 11, 19)].own) == (DayKind.CLOSED, True)


def test_a_date_that_the_zone_skipped_is_not_worked() -> None:
    days = year(2011, time_zone="Pacific/Apia")
    assert (date(2011, 12, 30).weekday(), days[date(2011, 12, 30)].hours) == (4, ())
    assert days[date(2011, 12, 29)].hours


@settings(max_examples=15, deadline=None)
@given(situations(), st.integers(0, 364))
def test_the_days_hours_are_what_the_calendar_counts(situation: tuple[CalendarDraft, datetime], n: int) -> None:
    drafted, day = situation[0].model_copy(update={"time_zone": "UTC"}), date(2026, 1, 1) + timedelta(days=n)
    shown = {each.date: each for each in days_of(read_draft(drafted), 2026)}
    begins = datetime.combine(day, datetime.min.time(), UTC)
    counted = Calendar.compile(drafted).between(begins, begins + timedelta(days=1))
    assert counted == sum(end - start for start, end in shown[day].hours) * MINUTE
