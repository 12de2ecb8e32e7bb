"""Recurrence rules of iCalendar (RFC 5545, 3.3.10) as dates, by days and coarser; every walk is bounded."""

from calendar import isleap, monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
EARLIEST = date(1970, 1, 1)
MOST_PERIODS = 50_000
"""Days, weeks, months or years that one rule may walk through: there are fewer days from 1970 to 2100."""

_UNDERSTOOD = frozenset({
    "FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYWEEKNO", "BYYEARDAY", "BYSETPOS",
})  # fmt: skip
_OF_YEARS_ALONE = frozenset({"BYWEEKNO", "BYYEARDAY"})
_DECEMBER = 12
_DAY = timedelta(days=1)

Days = tuple[tuple[int, int], ...]
"""Ordinal (0 for every) and weekday, Monday being 0."""


class NotUnderstood(ValueError):
    """A rule that cannot be followed; the text says which part."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule by days, weeks, months or years."""

    frequency: str
    interval: int = 1
    count: int | None = None
    until: date | None = None
    week_starts: int = 0
    days: Days = ()
    months: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    weeks: tuple[int, ...] = ()
    year_days: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()


def read_rule(parts: Mapping[str, Sequence[Any]]) -> Rule:
    """Read the parts of an RRULE as the `icalendar` package gives them.

    Raises:
        NotUnderstood: a part that is not supported here, or is none at all.
    """
    given = {name.upper(): values for name, values in parts.items()}
    if unknown := given.keys() - _UNDERSTOOD:
        raise NotUnderstood(", ".join(sorted(unknown)))
    try:
        return _rule(given)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise NotUnderstood("a value that no rule can have") from error


def occurrences(rule: Rule, start: date, first: date, last: date) -> Iterator[date]:
    """The dates of a rule that begins at `start`, from `first` to `last`, in order.

    Raises:
        NotUnderstood: it would have to be walked too far.
    """
    if rule.count is not None and start < EARLIEST:
        raise NotUnderstood("COUNT since before 1970")
    end = min(last, rule.until) if rule.until else last
    skipped = 0 if rule.count is not None else max(0, _periods_between(rule, start, first) // rule.interval - 1)
    found = 0
    for walked in count():
        if walked > MOST_PERIODS:
            raise NotUnderstood("more repetitions than are read")
        period = _period(rule, start, (skipped + walked) * rule.interval)
        if period is None or period[0] > end:
            return
        for day in _positioned(rule, [day for day in period if _matches(rule, start, day)]):
            if day < start:
                continue
            found += 1
            if day > end or (rule.count is not None and found > rule.count):
                return
            if day >= first:
                yield day


def _rule(given: Mapping[str, Sequence[Any]]) -> Rule:
    frequency = str(given["FREQ"][0]).upper()
    interval = int(given.get("INTERVAL", [1])[0])
    if frequency not in FREQUENCIES or interval < 1:
        raise ValueError(frequency)
    if frequency != "YEARLY" and (foreign := given.keys() & _OF_YEARS_ALONE):
        raise NotUnderstood(f"{', '.join(sorted(foreign))}: {frequency}")
    counted = given.get("COUNT")
    until = given.get("UNTIL")
    rule = Rule(
        frequency=frequency,
        interval=interval,
        count=int(counted[0]) if counted else None,
        until=whole_date(until[0]) if until else None,
        week_starts=WEEKDAYS.index(str(given.get("WKST", ["MO"])[0]).upper()),
        days=tuple(_weekday(str(text), frequency) for text in given.get("BYDAY", ())),
        months=tuple(_within(value, 1, _DECEMBER) for value in given.get("BYMONTH", ())),
        month_days=tuple(_within(value, -31, 31) for value in given.get("BYMONTHDAY", ())),
        weeks=tuple(_within(value, -53, 53) for value in given.get("BYWEEKNO", ())),
        year_days=tuple(_within(value, -366, 366) for value in given.get("BYYEARDAY", ())),
        positions=tuple(_within(value, -366, 366) for value in given.get("BYSETPOS", ())),
    )
    if rule.weeks and any(ordinal for ordinal, _ in rule.days):
        raise NotUnderstood("BYDAY, BYWEEKNO")
    return rule


def _weekday(text: str, frequency: str) -> tuple[int, int]:
    ordinal = int(text[:-2] or 0)
    if ordinal and frequency in {"DAILY", "WEEKLY"}:
        raise ValueError(text)
    return ordinal, WEEKDAYS.index(text[-2:].upper())


def _within(value: Any, lowest: int, highest: int) -> int:
    number = int(value)
    if number == 0 or not lowest <= number <= highest:
        raise ValueError(value)
    return number


def whole_date(value: date | datetime) -> date:
    """A date, or the one of a time as it is written."""
    return value.date() if isinstance(value, datetime) else value


def _periods_between(rule: Rule, start: date, first: date) -> int:
    """Whole periods from the start's to the one of `first`, or less."""
    if rule.frequency == "DAILY":
        return (first - start).days
    if rule.frequency == "WEEKLY":
        return (first - start).days // 7
    if rule.frequency == "MONTHLY":
        return (first.year - start.year) * _DECEMBER + first.month - start.month
    return first.year - start.year


def _period(rule: Rule, start: date, ahead: int) -> list[date] | None:
    """The days of the period that many after the start's; None past the last date there is."""
    try:
        return _days_of_period(rule, start, ahead)
    except (OverflowError, ValueError):
        return None


def _days_of_period(rule: Rule, start: date, ahead: int) -> list[date]:
    if rule.frequency == "DAILY":
        return [start + ahead * _DAY]
    if rule.frequency == "WEEKLY":
        begins = start - ((start.weekday() - rule.week_starts) % 7) * _DAY + 7 * ahead * _DAY
        return [begins + n * _DAY for n in range(7)]
    if rule.frequency == "MONTHLY":
        years, month = divmod(start.month - 1 + ahead, _DECEMBER)
        return _month(start.year + years, month + 1)
    months = _months_of_year(rule, start)
    return [day for month in months for day in _month(start.year + ahead, month)]


def _months_of_year(rule: Rule, start: date) -> Sequence[int]:
    """The months to look through: a yearly rule that names no days means its start's."""
    if rule.months:
        return sorted(rule.months)
    names_days = rule.days or rule.month_days or rule.weeks or rule.year_days
    return range(1, _DECEMBER + 1) if names_days else (start.month,)


def _month(year: int, month: int) -> list[date]:
    return [date(year, month, day) for day in range(1, monthrange(year, month)[1] + 1)]


def _matches(rule: Rule, start: date, day: date) -> bool:
    if rule.months and day.month not in rule.months:
        return False
    if rule.month_days and not _is_month_day(rule.month_days, day):
        return False
    if rule.year_days and not _is_year_day(rule.year_days, day):
        return False
    if rule.weeks and not _is_in_week(rule, day):
        return False
    if rule.days:
        return any(weekday == day.weekday() and _is_nth(rule, ordinal, day) for ordinal, weekday in rule.days)
    return bool(rule.month_days or rule.year_days) or _is_like_start(rule, start, day)


def _is_month_day(wanted: tuple[int, ...], day: date) -> bool:
    return day.day in wanted or day.day - monthrange(day.year, day.month)[1] - 1 in wanted


def _is_year_day(wanted: tuple[int, ...], day: date) -> bool:
    number = day.timetuple().tm_yday
    return number in wanted or number - 365 - isleap(day.year) - 1 in wanted


def _is_in_week(rule: Rule, day: date) -> bool:
    """Whether a day's week is among those of the rule. A week is of the year in which it has four days or more, so that
    the first days of a year may be of the last week of the year before."""
    days_left = date.max - day
    fourth_of_week = day + min((3 - (day.weekday() - rule.week_starts) % 7) * _DAY, days_left)
    year = fourth_of_week.year
    number, weeks = (_week_of_year(rule, year, each) for each in (day, date(year, _DECEMBER, 28)))
    return number in rule.weeks or number - weeks - 1 in rule.weeks


def _week_of_year(rule: Rule, year: int, day: date) -> int:
    """Number of the week of a day, counted from 1; the first has the fourth of January."""
    fourth = date(year, 1, 4)
    begins = fourth - ((fourth.weekday() - rule.week_starts) % 7) * _DAY
    return (day - begins).days // 7 + 1


def _is_like_start(rule: Rule, start: date, day: date) -> bool:
    if rule.frequency == "DAILY":
        return True
    if rule.frequency == "WEEKLY" or rule.weeks:
        return day.weekday() == start.weekday()
    return day.day == start.day


def _is_nth(rule: Rule, ordinal: int, day: date) -> bool:
    """Whether a day is the n-th of its weekday in the month, or in the year of a yearly rule without months."""
    if not ordinal:
        return True
    if rule.frequency == "YEARLY" and not rule.months:
        before, length = day.timetuple().tm_yday - 1, 365 + isleap(day.year)
    else:
        before, length = day.day - 1, monthrange(day.year, day.month)[1]
    return ordinal in {before // 7 + 1, -((length - 1 - before) // 7 + 1)}


def _positioned(rule: Rule, days: list[date]) -> list[date]:
    if not rule.positions:
        return days
    wanted = {position - 1 if position > 0 else len(days) + position for position in rule.positions}
    return [day for index, day in enumerate(days) if index in wanted]
