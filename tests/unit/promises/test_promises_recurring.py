"""Recurrence rules (RFC 5545, 3.3.10), held against dateutil where that is right, and by example where it is not."""

from datetime import date, datetime, time, timedelta
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import vRecur

from services.promises.recurring import FREQUENCIES, WEEKDAYS, NotUnderstood, occurrences, read_rule

FIRST, LAST = date(2023, 1, 1), date(2027, 12, 31)


def dates(rule: str, start: date, first: date = FIRST, last: date = LAST) -> list[date]:
    """The dates of a rule as it is written."""
    return list(occurrences(read_rule(vRecur.from_ical(rule)), start, first, last))


def numbers(*choices: int) -> st.SearchStrategy[str]:
    """Some of these, as a rule lists them."""
    return st.lists(st.sampled_from(choices), min_size=1, max_size=3, unique=True).map(lambda n: ",".join(map(str, n)))


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Rules that dateutil follows rightly: BYDAY with numbers or without, never both."""
    frequency = draw(st.sampled_from(FREQUENCIES))
    parts = [f"FREQ={frequency}", f"INTERVAL={draw(st.integers(1, 4))}"]
    if draw(st.booleans()):
        parts.append(f"BYMONTH={draw(numbers(1, 2, 6, 10, 12))}")
    if frequency != "WEEKLY" and draw(st.booleans()):
        parts.append(f"BYMONTHDAY={draw(numbers(1, 13, 29, 31, -1, -30))}")
    if frequency == "YEARLY" and draw(st.booleans()):
        parts.append(f"BYYEARDAY={draw(numbers(1, 60, 100, 200, 366, -1, -366))}")
    if draw(st.booleans()):
        nth = draw(st.sampled_from(["", "1", "-1", "5"])) if frequency in {"MONTHLY", "YEARLY"} else ""
        days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=3, unique=True))
        parts.append("BYDAY=" + ",".join(nth + day for day in days))
    return ";".join(parts)


@settings(max_examples=60, deadline=None)
@given(rules(), st.dates(date(2021, 1, 1), date(2024, 12, 31)), st.integers(1, 30))
def test_rules_mean_what_they_mean_to_another_reader(rule: str, start: date, most: int) -> None:
    # Without an end, dateutil looks for a rule that never comes true until the year 9999.
    ended = f"{rule};UNTIL={LAST:%Y%m%d}T000000"
    theirs = [at.date() for at in rrulestr(ended, dtstart=datetime.combine(start, time()))]
    assert dates(rule, start) == [day for day in theirs if day >= FIRST]
    assert dates(f"{rule};COUNT={most}", start) == [day for day in islice(theirs, most) if day >= FIRST]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([1, 2, 20, 52, 53, -1, -2, -52, -53]), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=3, unique=True),
    st.dates(date(2019, 1, 1), date(2024, 12, 31)),
)
def test_weeks_are_numbered_as_in_iso_8601(weeks: list[int], days: list[str], start: date) -> None:
    rule = f"FREQ=YEARLY;BYWEEKNO={','.join(map(str, weeks))};BYDAY={','.join(days)}"

    def is_meant(day: date) -> bool:
        year, week, weekday = day.isocalendar()
        from_the_end = week - date(year, 12, 28).isocalendar().week - 1
        return WEEKDAYS[weekday - 1] in days and bool({week, from_the_end} & set(weeks))

    begins = max(start, FIRST)
    every_day = (begins + timedelta(n) for n in range((LAST - begins).days + 1))
    assert dates(rule, start) == [day for day in every_day if is_meant(day)]


def test_numbered_and_plain_weekdays_may_stand_together() -> None:
    assert dates("FREQ=MONTHLY;BYDAY=2TH,WE", date(2023, 1, 1), last=date(2023, 1, 31)) == [
        date(2023, 1, day) for day in (4, 11, 12, 18, 25)
    ]


def test_a_yearly_rule_long_begun_is_read_from_the_window_on() -> None:
    assert dates("FREQ=YEARLY", date(1949, 10, 1)) == [date(year, 10, 1) for year in range(2023, 2028)]
    assert dates("FREQ=YEARLY", date(2020, 2, 29)) == [date(2024, 2, 29)]
    assert dates("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", date(2000, 11, 23))[:2] == [date(2023, 11, 23), date(2024, 11, 28)]
    assert dates("FREQ=YEARLY;INTERVAL=4;BYMONTH=1;BYMONTHDAY=20", date(1937, 1, 20)) == [date(2025, 1, 20)]


def test_positions_choose_among_the_days_of_a_period() -> None:
    last_workdays = dates("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", date(2023, 1, 1), last=date(2023, 3, 31))
    assert last_workdays == [date(2023, 1, 31), date(2023, 2, 28), date(2023, 3, 31)]
    assert dates("FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=2", date(2023, 1, 1)) == []


def test_numbered_weeks_and_days_of_the_year_are_those_of_the_calendar_on_the_wall() -> None:
    window = (date(1997, 1, 1), date(2006, 12, 31))
    # Both are examples of RFC 5545.
    assert dates("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=3", date(1997, 5, 12), *window) == [
        date(1997, 5, 12), date(1998, 5, 11), date(1999, 5, 17),
    ]  # fmt: skip
    assert dates("FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200", date(1997, 1, 1), *window) == [
        date(1997, 1, 1), date(1997, 4, 10), date(1997, 7, 19), date(2000, 1, 1), date(2000, 4, 9), date(2000, 7, 18),
        date(2003, 1, 1), date(2003, 4, 10), date(2003, 7, 19), date(2006, 1, 1),
    ]  # fmt: skip
    # 2020 and 2026 have 53 weeks; the last of 2026 reaches into 2027.
    assert dates("FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH,FR", date(2020, 1, 1), date(2020, 1, 1)) == [
        date(2020, 12, 31), date(2021, 1, 1), date(2026, 12, 31), date(2027, 1, 1),
    ]  # fmt: skip


def test_a_week_is_of_the_year_that_has_most_of_its_days_wherever_weeks_begin() -> None:
    rule = "FREQ=YEARLY;BYWEEKNO=1,52;BYDAY=MO"
    # 2 January 2023 ends a week that began on Tuesday, 27 December, and begins one on a Monday.
    assert dates(f"{rule};WKST=TU", date(2022, 1, 1), last=date(2023, 1, 31)) == [date(2023, 1, 2), date(2023, 1, 9)]
    assert dates(f"{rule};WKST=MO", date(2022, 1, 1), last=date(2023, 1, 31)) == [date(2023, 1, 2)]
    assert dates(f"{rule};WKST=SU", date(2022, 1, 1), last=date(2023, 1, 31)) == [date(2023, 1, 2)]


def test_a_week_without_weekdays_means_the_weekday_on_which_the_rule_begins() -> None:
    assert dates("FREQ=YEARLY;BYWEEKNO=10", date(2023, 3, 8), last=date(2025, 12, 31)) == [
        date(2023, 3, 8), date(2024, 3, 6), date(2025, 3, 5),
    ]  # fmt: skip


def test_weeks_begin_where_the_rule_says() -> None:
    # The example of RFC 5545: the week's first day decides which days are of one week.
    start, rule = date(1997, 8, 5), "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU"
    window = (date(1997, 1, 1), date(1997, 12, 31))
    assert [day.day for day in dates(f"{rule};WKST=MO", start, *window)] == [5, 10, 19, 24]
    assert [day.day for day in dates(f"{rule};WKST=SU", start, *window)] == [5, 17, 19, 31]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=HOURLY", "FREQ=SECONDLY;COUNT=99999999", "FREQ=WEEKLY;BYWEEKNO=20", "FREQ=MONTHLY;BYYEARDAY=100",
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=2MO", "FREQ=YEARLY;BYWEEKNO=54", "FREQ=YEARLY;BYYEARDAY=0",
        "FREQ=DAILY;BYHOUR=9,10", "FREQ=WEEKLY;BYDAY=2MO", "FREQ=DAILY;INTERVAL=0", "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=YEARLY;BYMONTH=13", "INTERVAL=2",
    ],
)  # fmt: skip
def test_a_rule_that_is_not_supported_is_refused_and_not_guessed_at(rule: str) -> None:
    with pytest.raises(NotUnderstood):
        dates(rule, FIRST)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;COUNT=2147483647;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=5",
        "FREQ=YEARLY;INTERVAL=9999",
        "FREQ=YEARLY;BYWEEKNO=1;BYMONTH=6;BYDAY=MO",
        "FREQ=DAILY;INTERVAL=999999999",
    ],
)
def test_a_rule_that_never_comes_true_has_an_end(rule: str) -> None:
    assert [day for day in dates(rule, date(1970, 1, 1)) if day > date(1970, 1, 1)] == []


def test_a_count_from_long_ago_and_the_end_of_time_are_refused() -> None:
    with pytest.raises(NotUnderstood):
        dates("FREQ=DAILY;COUNT=5", date(1969, 12, 31))
    assert dates("FREQ=YEARLY;BYWEEKNO=52;BYDAY=FR", date(9999, 1, 1), date(9999, 1, 1), date.max) == [date.max]
    assert dates("FREQ=DAILY", date(9999, 12, 30), date(9999, 1, 1), date.max) == [date.max - timedelta(1), date.max]
