"""Laws of every calendar: the arithmetic against a slow reference, and its own laws."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.contracts.durations import Duration, Measure
from services.contracts.policy import CalendarDraft
from services.promises.calendars import Calendar
from tests.unit.promises.instants import MINUTE
from tests.unit.promises.slow_calendar import SlowCalendar

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CHANGES = {
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),
    "America/Havana": (date(2026, 3, 8), date(2026, 11, 1)),
    "Africa/Cairo": (date(2026, 4, 24), date(2026, 10, 30)),
    "Africa/Casablanca": (date(2026, 2, 15), date(2026, 3, 22)),
    "Pacific/Apia": (date(2011, 12, 30), date(2012, 1, 1)),
    "Asia/Shanghai": (date(2026, 10, 1), date(2026, 10, 10)),
    "Asia/Kathmandu": (date(2026, 1, 1), date(2026, 12, 31)),
    "Pacific/Kiritimati": (date(2026, 1, 1), date(2026, 12, 31)),
}
"""Zones with a week in which their clocks change both ways, or a new year begins."""

# Where clocks change, hours begin and end on the full hour: examples pin what a skipped or repeated time means.
_times = st.one_of(st.integers(0, 5).map(lambda hour: hour * 60), st.integers(5 * 60, 24 * 60))
# Cairo repeats the hour before midnight.
_times_in_cairo = st.one_of(
    st.sampled_from((0, 1, 2, 3, 4, 5, 23, 24)).map(lambda hour: hour * 60), st.integers(5 * 60, 23 * 60)
)


def _text(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@st.composite
def spans(draw: st.DrawFn, zone: str) -> dict[str, str]:
    """Up to three intervals of a day, in order."""
    one = _times_in_cairo if zone == "Africa/Cairo" else _times
    times = sorted(draw(st.lists(one, max_size=6, unique=True)))
    return {_text(start): _text(end) for start, end in zip(times[::2], times[1::2], strict=False)}


@st.composite
def situations(draw: st.DrawFn) -> tuple[CalendarDraft, datetime]:
    """A calendar and an instant in a week in which something happens."""
    zone = draw(st.sampled_from(sorted(CHANGES)))
    middle = draw(st.sampled_from(CHANGES[zone]))
    days = [(middle + timedelta(days=n)).isoformat() for n in range(-4, 5)]
    some_days = st.sampled_from(days)
    draft = CalendarDraft(
        time_zone=zone,
        hours=draw(st.dictionaries(st.sampled_from(WEEKDAYS), spans(zone), min_size=3)),
        shifts=draw(st.dictionaries(some_days, spans(zone), max_size=3)),
        holidays=tuple(draw(st.lists(some_days, max_size=2))),
        breaks=draw(st.dictionaries(some_days, spans(zone), max_size=3)),
    )
    start = datetime.combine(middle, datetime.min.time(), UTC) - timedelta(days=3)
    return draft, start + draw(st.integers(0, 5 * 24 * 60)) * MINUTE


lengths = st.integers(0, 2_000).map(lambda minutes: minutes * MINUTE)


def compiled(draft: CalendarDraft) -> Calendar:
    """Compile a calendar that opens ten hours a week, so that a few weeks of looking are enough."""
    calendar = Calendar.compile(draft)
    week = datetime(2027, 2, 1, tzinfo=UTC)
    assume(calendar.between(week, week + timedelta(days=7)) >= timedelta(hours=10))
    return calendar


@settings(max_examples=60, deadline=None)
@given(situations(), st.integers(0, 4 * 24 * 60))
def test_measuring_agrees_with_looking_at_every_minute(situation: tuple[CalendarDraft, datetime], minutes: int) -> None:
    draft, at = situation
    calendar, slow, until = Calendar.compile(draft), SlowCalendar(draft), at + minutes * MINUTE
    assert calendar.is_open(at) == slow.is_open(at)
    assert calendar.between(at, until) == slow.between(at, until)


@settings(max_examples=40, deadline=None)
@given(situations(), lengths)
def test_adding_and_subtracting_agree_with_stepping_minute_by_minute(
    situation: tuple[CalendarDraft, datetime], length: timedelta
) -> None:
    draft, at = situation
    calendar, slow = compiled(draft), SlowCalendar(draft)
    assert calendar.add_open(at, length) == slow.add(at, length)
    assert calendar.subtract_open(at, length) == slow.subtract(at, length)


@settings(max_examples=100, deadline=None)
@given(situations(), lengths)
def test_what_was_added_lies_between_and_is_subtracted_again(
    situation: tuple[CalendarDraft, datetime], length: timedelta
) -> None:
    draft, at = situation
    calendar = compiled(draft)
    later, earlier = calendar.add_open(at, length), calendar.subtract_open(at, length)
    assert calendar.between(at, later) == calendar.between(earlier, at) == length
    if length and calendar.is_open(at):
        assert calendar.subtract_open(later, length) == at
    assert calendar.add_open(earlier, length) <= at


@settings(max_examples=100, deadline=None)
@given(situations(), lengths, lengths)
def test_adding_twice_is_adding_the_sum(
    situation: tuple[CalendarDraft, datetime], first: timedelta, second: timedelta
) -> None:
    draft, at = situation
    calendar = compiled(draft)
    assume(second)
    assert calendar.add_open(calendar.add_open(at, first), second) == calendar.add_open(at, first + second)
    assert calendar.subtract_open(calendar.subtract_open(at, first), second) == calendar.subtract_open(
        at, first + second
    )


@settings(max_examples=100, deadline=None)
@given(situations(), lengths, st.integers(0, 3_000))
def test_who_starts_later_is_never_due_earlier(
    situation: tuple[CalendarDraft, datetime], length: timedelta, minutes: int
) -> None:
    draft, at = situation
    calendar, later = compiled(draft), at + minutes * MINUTE
    assert calendar.add_open(at, length) <= calendar.add_open(later, length)
    assert calendar.add_open(at, length) <= calendar.add_open(at, length + MINUTE)
    assert calendar.between(at, later) <= later - at


@settings(max_examples=100, deadline=None)
@given(situations(), st.integers(1, 8))
def test_working_days_add_up_and_end_with_the_last_opening_of_their_day(
    situation: tuple[CalendarDraft, datetime], days: int
) -> None:
    draft, at = situation
    calendar = compiled(draft)
    slow_days = _working_days(calendar, at)
    start = next(index for index, (_, closing) in enumerate(slow_days) if closing > at)
    due = calendar.add(at, Duration(Measure.WORKING_DAYS, days=days))
    assert due == slow_days[start + days][1]


def _working_days(calendar: Calendar, at: datetime) -> list[tuple[datetime, datetime]]:
    """First opening and last closing of every local date with hours, for ten weeks around `at`."""
    by_date: dict[date, tuple[datetime, datetime]] = {}
    for opens, closes in calendar.openings(at - timedelta(days=3), at + timedelta(days=70)):
        day = opens.astimezone(calendar.zone).date()
        by_date[day] = (by_date.get(day, (opens, closes))[0], closes)
    return [by_date[day] for day in sorted(by_date)]
