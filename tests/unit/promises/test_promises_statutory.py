"""semantics.md 2: Chinese holidays and make-up days, held against an independent table of the official notices."""

from datetime import date, timedelta

import chinese_calendar
import pytest

from services.promises.statutory import names, official_until, statutory_year
from tests.unit.promises.instants import CN, local


@pytest.mark.parametrize("year", range(2018, 2027))
def test_every_day_is_a_workday_exactly_when_the_official_notices_say_so(year: int) -> None:
    day, wrong = date(year, 1, 1), []
    while day.year == year:
        if CN.is_open(local(f"{day} 10:00")) != chinese_calendar.is_workday(day):
            wrong.append(day)
        day += timedelta(days=1)
    assert wrong == []


@pytest.mark.parametrize("year", range(2018, 2027))
def test_make_up_days_are_the_weekend_days_that_the_notices_name_and_holidays_their_days_off(year: int) -> None:
    first, known = date(year, 1, 1), statutory_year("CN", year)
    days = [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]
    weekend = [day for day in days if day.weekday() >= 5]
    assert known.make_up_days == {day for day in weekend if chinese_calendar.is_workday(day)}
    weekdays_off = {day for day in days if day.weekday() < 5 and chinese_calendar.is_holiday(day)}
    assert {day for day in known.holidays if day.weekday() < 5} == weekdays_off
    assert not known.holidays & known.make_up_days
    assert names("CN", year).keys() == known.holidays | known.make_up_days


@pytest.mark.parametrize("country", ["CN", "HK", "JP", "DE", "US", "FR", "EG", "IN"])
def test_every_holiday_has_a_name_in_both_languages(country: str) -> None:
    for day, called in names(country, 2026).items():
        assert called["zh-CN"], day
        assert called["en"], day
    assert not names(country, 2200)


def test_names_are_in_their_language_and_write_dates_so_that_everybody_reads_them() -> None:
    called = names("CN", 2026)
    assert called[date(2026, 10, 1)] == {"zh-CN": "国庆节", "en": "National Day"}
    assert called[date(2026, 10, 10)] == {"zh-CN": "调休上班", "en": "Make-up workday"}
    assert called[date(2026, 10, 7)]["en"] == "Day off (substituted from 2026-10-10)"


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
