"""A year of a calendar ready to be drawn: months of weeks, each day with its mark and a sentence that says it."""

from calendar import monthcalendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from services.console.promises.calendar_forms import WEEKDAYS
from services.wording import Words

_MARKED = ("holiday", "make_up", "shift")

Item = Mapping[str, Any]


@dataclass(frozen=True)
class CalendarDay:
    """One day. `mark` is a letter that says with the colour what kind it is; `label` says everything."""

    date: str
    number: int
    kind: str
    mark: str
    label: str
    name: str
    hours: str
    breaks: str
    own: bool
    is_today: bool


@dataclass(frozen=True)
class Month:
    """A month; None stands for a day of another month."""

    number: int
    name: str
    weeks: Sequence[Sequence[CalendarDay | None]]


@dataclass(frozen=True)
class Totals:
    """Sums of a year."""

    working_days: int
    hours: float
    holidays: int
    make_up: int
    own: int


class CalendarYear:
    """The answer of `/v1/calendars/{id}/days` in the words of one reader."""

    def __init__(self, found: Item, words: Words, today: date) -> None:
        self.number = int(found["year"])
        self.official_until: str | None = found.get("official_until")
        self._items: Sequence[Item] = found["days"]
        self._words = words
        self._today = today.isoformat()

    def months(self) -> list[Month]:
        """The twelve months, Monday first."""
        months: dict[int, dict[int, CalendarDay]] = {}
        for item in self._items:
            day = self._day(item)
            months.setdefault(date.fromisoformat(day.date).month, {})[day.number] = day
        return [
            Month(month, self._words.of("month", str(month)), _weeks(self.number, month, days))
            for month, days in months.items()
        ]

    def day(self, asked: str) -> CalendarDay | None:
        """One of its days."""
        return next((self._day(item) for item in self._items if item["date"] == asked), None)

    def totals(self) -> Totals:
        """Count the days and hours that are worked, and the days that are special."""
        return Totals(
            working_days=sum(bool(item["hours"]) for item in self._items),
            hours=round(sum(_minutes(item["hours"]) for item in self._items) / 60, 1),
            holidays=sum(item["kind"] == "holiday" for item in self._items),
            make_up=sum(item["kind"] == "make_up" for item in self._items),
            own=sum(bool(item["own"]) for item in self._items),
        )

    def _day(self, item: Item) -> CalendarDay:
        at = date.fromisoformat(item["date"])
        name = self._name(item)
        hours = spans(item["hours"])
        breaks = spans(item["breaks"])
        return CalendarDay(
            date=item["date"],
            number=at.day,
            kind=item["kind"],
            mark=self._words.of("day_mark", item["kind"]) if item["kind"] in _MARKED else "",
            label=self._label(item, at, (name, hours, breaks)),
            name=name,
            hours=hours,
            breaks=breaks,
            own=bool(item["own"]),
            is_today=item["date"] == self._today,
        )

    def _label(self, item: Item, at: date, said: tuple[str, str, str]) -> str:
        name, hours, breaks = said
        text = self._words.text
        parts = [
            self.date(at),
            name,
            self._words.of("day_kind", item["kind"]),
            hours,
            text("calendars.label.break", hours=breaks) if breaks else "",
            text("calendars.label.own") if item["own"] else "",
        ]
        return " · ".join(part for part in parts if part)

    def date(self, at: date) -> str:
        """A date in words, with its weekday."""
        weekday = self._words.of("weekday", WEEKDAYS[at.weekday()])
        month = self._words.of("month", str(at.month))
        return self._words.text("calendars.date", month=month, day=at.day, weekday=weekday)

    def _name(self, item: Item) -> str:
        names: Mapping[str, str] = item.get("name") or {}
        return names.get(self._words.language) or next(iter(names.values()), "")


def spans(intervals: Sequence[Sequence[str]]) -> str:
    """Intervals as they are read: `09:00–12:00, 13:30–18:00`."""
    return ", ".join(f"{start}–{end}" for start, end in intervals)


def usual_hours(calendar: Item, at: date) -> Mapping[str, str]:
    """Hours to begin with for a working day: its weekday's, else Monday's, else the first that the week has."""
    week: Mapping[str, Mapping[str, str]] = calendar["hours"]
    tried = (WEEKDAYS[at.weekday()], *WEEKDAYS)
    return next((week[each] for each in tried if week.get(each)), {})


def days_left(official_until: str | None, today: date) -> int | None:
    """Days until due times become provisional, negative once they are; None where nothing has to be announced."""
    return (date.fromisoformat(official_until) - today).days if official_until else None


def _weeks(year: int, month: int, days: Mapping[int, CalendarDay]) -> list[list[CalendarDay | None]]:
    return [[days.get(number) for number in week] for week in monthcalendar(year, month)]


def _minutes(intervals: Sequence[Sequence[str]]) -> int:
    return sum(_minute(end) - _minute(start) for start, end in intervals)


def _minute(time: str) -> int:
    hours, minutes = time.split(":")
    return int(timedelta(hours=int(hours), minutes=int(minutes)).total_seconds()) // 60
