"""semantics.md 2: Chinese holidays and make-up days, held against an independent table of the official notices."""

from datetime import date, timedelta

import chinese_calendar
import pytest

from services.promises.statutory import official_until, statutory_year
from tests.unit.promises.instants import CN, local


@pytest.mark.parametrize("year", range(2018, 2027))
def test_every_day_is_a_workday_exactly_when_the_official_notices_say_so(year: int) -> None:
    day, wrong = date(year, 1, 1), []
    while day.year == year:
        if CN.is_open(local(f"{day} 10:00")) != chinese_calendar.is_workday(day):
            wrong.append(day)
        day += timedelta(days=1)
    assert wrong == []


def test_a_january_holiday_worked_in_december_belongs_to_the_december_year() -> None:
    assert date(2011, 12, 31) in statutory_year("CN", 2011).make_up_days
    assert date(2011, 12, 31) not in statutory_year("CN", 2012).make_up_days


def test_china_is_official_until_the_end_of_an_announced_year_and_laws_elsewhere_have_no_end() -> None:
    announced = official_until("CN")
    assert announced is not None
    assert announced >= date(2026, 12, 31)
    assert (announced.month, announced.day) == (12, 31)
    assert official_until("GB") is None


def test_years_beyond_the_tables_have_no_holidays() -> None:
    assert not statutory_year("CN", 5000).holidays
