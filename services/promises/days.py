"""A calendar's year, day by day, as people look at it: what each day is, what it is called, and when it is worked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.promises import statutory
from services.promises.drafts import DayKind, Intervals, LocalHours

FIRST_YEAR, LAST_YEAR = 1970, statutory.LAST_YEAR
_DAY = timedelta(days=1)
_NOON = time(12)


@dataclass(frozen=True, slots=True)
class ScheduleDay:
    """One date of a calendar. `hours` are worked: the breaks are cut out of them."""

    date: date
    kind: DayKind
    name: Mapping[str, str] | None
    """What the law calls it, by language; None where the law has no name for it."""
    hours: Intervals
    breaks: Intervals
    own: bool
    """Whether the calendar's own dates say so, and not its week or its country."""


def days_of(hours: LocalHours, year: int) -> Iterator[ScheduleDay]:
    """Every date of a year, 1970 to 2100."""
    names = statutory.names(hours.country, year) if hours.country else {}
    day = date(year, 1, 1)
    while day.year == year:
        yield _day(hours, day, names.get(day))
        day += _DAY


def text_of(intervals: Intervals) -> list[tuple[str, str]]:
    """Intervals as drafts write them."""
    return [(_time(start), _time(end)) for start, end in intervals]


def exists(day: date, zone: ZoneInfo) -> bool:
    """Whether the zone has this date: a country that crosses the date line skips one."""
    return datetime.combine(day, _NOON, zone).astimezone(UTC).astimezone(zone).date() == day


def _day(hours: LocalHours, day: date, name: Mapping[str, str] | None) -> ScheduleDay:
    kind, _ = hours.planned(day)
    worked = hours.on(day) if exists(day, hours.zone) else ()
    own = day in hours.holidays or day in hours.shifts or day in hours.breaks
    is_shut = kind is DayKind.OPEN and not worked
    return ScheduleDay(
        date=day,
        kind=DayKind.CLOSED if is_shut else kind,
        name=name,
        hours=worked,
        breaks=hours.breaks.get(day, ()),
        own=own,
    )


def _time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
