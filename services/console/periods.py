"""Periods of a report: whole months, quarters and days of the business, half-open."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

NAMES = ("this_month", "last_month", "this_quarter", "last_quarter", "last_30_days", "this_year")
DEFAULT = "last_30_days"
_QUARTER = 3
_LAST_YEAR = 9998


@dataclass(frozen=True)
class Period:
    """From `first` up to, not including, `end`. `name` is one of `NAMES`, or empty for dates of the reader's own."""

    name: str
    first: date
    end: date

    @property
    def last(self) -> date:
        """The last day that belongs to it."""
        return self.end - timedelta(days=1)

    def within(self, other: "Period") -> "Period":
        """The part of it that lies in `other`."""
        return Period("", max(self.first, other.first), min(self.end, other.end))


def period_of(asked: Mapping[str, str], today: date) -> Period:
    """The period that an address names: by its name, else by dates as the API takes them, `to` not included; the last
    30 days when it names none.

    Raises:
        ValueError: a date cannot be read, or the period ends before it begins.
    """
    if asked.get("period") not in NAMES and (asked.get("from") or asked.get("to")):
        first = date.fromisoformat(asked.get("from") or "2000-01-01")
        end = date.fromisoformat(asked["to"]) if asked.get("to") else today + timedelta(days=1)
        if end <= first or end.year > _LAST_YEAR:
            raise ValueError("the period ends before it begins, or after all time")
        return Period("", first, end)
    name = asked.get("period", DEFAULT)
    return _named(name if name in NAMES else DEFAULT, today)


def month_of(key: str) -> Period:
    """A month by its key, `2026-11`."""
    first = date.fromisoformat(f"{key}-01")
    return Period("", first, _month(first, 1))


def months_of(year: Period) -> list[str]:
    """The keys of its months, in order; those without answers too, so that a trend shows its gaps."""
    months = (year.end.year - year.first.year) * 12 + year.end.month - year.first.month
    return [f"{_month(year.first, ahead):%Y-%m}" for ahead in range(months)]


def year_until(end: date) -> Period:
    """The twelve months up to and with the one that the day before `end` lies in: for a trend."""
    following = _month(end - timedelta(days=1), 1)
    return Period("", _month(following, -12), following)


def _named(name: str, today: date) -> Period:
    tomorrow, month = today + timedelta(days=1), today.replace(day=1)
    quarter = month.replace(month=(month.month - 1) // _QUARTER * _QUARTER + 1)
    periods = {
        "this_month": (month, tomorrow),
        "last_month": (_month(month, -1), month),
        "this_quarter": (quarter, tomorrow),
        "last_quarter": (_month(quarter, -_QUARTER), quarter),
        "last_30_days": (tomorrow - timedelta(days=30), tomorrow),
        "this_year": (today.replace(month=1, day=1), tomorrow),
    }
    return Period(name, *periods[name])


def _month(day: date, ahead: int) -> date:
    """The first of the month that lies so many months ahead."""
    number = day.year * 12 + day.month - 1 + ahead
    return date(number // 12, number % 12 + 1, 1)
