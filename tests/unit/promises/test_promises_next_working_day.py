"""The midnight from which on it is another working day (product.md 3.6)."""

from datetime import datetime

import pytest

from services.contracts.policy import CalendarDraft, StoredCalendar
from services.promises.calendars import Calendar, CalendarExhausted
from services.promises.policies import built_in

CN = Calendar.compile(next(it for it in built_in().calendars if it.id == "cn"))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-02T10:00+08:00", "2026-03-03T00:00+08:00"),
        ("2026-03-02T00:00+08:00", "2026-03-03T00:00+08:00"),
        ("2026-03-02T23:59:59+08:00", "2026-03-03T00:00+08:00"),
        ("2026-03-06T17:00+08:00", "2026-03-09T00:00+08:00"),
        ("2026-03-07T10:00+08:00", "2026-03-10T00:00+08:00"),
        ("2026-09-30T10:00+08:00", "2026-10-08T00:00+08:00"),
        ("2026-10-03T10:00+08:00", "2026-10-09T00:00+08:00"),
        ("2026-10-09T10:00+08:00", "2026-10-10T00:00+08:00"),
    ],
    ids=["monday", "at midnight", "before midnight", "friday", "saturday", "eve of a holiday", "in it", "make-up day"],
)
def test_it_is_the_one_after_the_working_day_of_an_instant(at: str, expected: str) -> None:
    assert CN.next_working_day(datetime.fromisoformat(at)) == datetime.fromisoformat(expected)


def test_a_midnight_that_the_zone_skips_is_the_instant_of_the_change() -> None:
    hours = {day: {"09:00": "17:00"} for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    beirut = Calendar.compile(CalendarDraft(time_zone="Asia/Beirut", hours=hours))
    found = beirut.next_working_day(datetime.fromisoformat("2026-03-28T12:00+02:00"))
    assert found == datetime.fromisoformat("2026-03-29T00:00+02:00")


def test_a_calendar_that_never_opens_has_none() -> None:
    shut = Calendar.compile(StoredCalendar(id="shut", version=1, time_zone="UTC"))
    with pytest.raises(CalendarExhausted):
        shut.next_working_day(datetime.fromisoformat("2026-03-02T10:00+08:00"))
