"""A calendar's draft, checked and turned into local opening hours: minutes of the day, by weekday and by date."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from services.contracts.policy import WEEKDAYS, CalendarDraft, StoredCalendar
from services.promises.calendar_faults import CalendarError, CalendarErrors
from services.promises.statutory import LAST_YEAR, countries, statutory_year

Intervals = tuple[tuple[int, int], ...]
"""Half-open, in minutes since local midnight; sorted, neither overlapping nor touching."""

MONDAY = 0
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY_END = 24 * 60
MOST_INTERVALS = 48
"""Of a day: every one of them is computed for more than a hundred years."""


class DayKind(StrEnum):
    """The kind of a date that decides its hours, before breaks."""

    OPEN = "open"
    CLOSED = "closed"
    HOLIDAY = "holiday"
    MAKE_UP = "make_up"
    SHIFT = "shift"


@dataclass(frozen=True, slots=True)
class LocalHours:
    """Opening hours of a local date."""

    zone: ZoneInfo
    weekly: tuple[Intervals, ...]
    shifts: Mapping[date, Intervals]
    holidays: frozenset[date]
    breaks: Mapping[date, Intervals]
    country: str | None
    official_until: date | None
    """As the calendar's author says; None leaves it to the country."""

    def on(self, day: date) -> Intervals:
        """Opening hours of a date: holiday wins over shift over weekly hours, breaks are cut out (semantics.md 2).

        The calendar's own dates are the overlay: its shift opens a statutory holiday, its holiday closes a make-up
        day. A make-up day has Monday's hours, since no announcement says whose hours are worked; where Monday is
        closed it keeps the hours of its own weekday.
        """
        planned = self.planned(day)[1]
        cut = self.breaks.get(day)
        return _cut(planned, cut) if cut else planned

    def planned(self, day: date) -> tuple[DayKind, Intervals]:
        """The kind of a date, and its hours with the breaks still in them."""
        if day in self.holidays:
            return DayKind.HOLIDAY, ()
        shift = self.shifts.get(day)
        return self._usual(day) if shift is None else (DayKind.SHIFT, shift)

    def _usual(self, day: date) -> tuple[DayKind, Intervals]:
        weekly = self.weekly[day.weekday()]
        by_week = (DayKind.OPEN if weekly else DayKind.CLOSED), weekly
        if self.country is None:
            return by_week
        year = statutory_year(self.country, day.year)
        if day in year.holidays:
            return DayKind.HOLIDAY, ()
        return (DayKind.MAKE_UP, self.make_up_hours(day)) if day in year.make_up_days else by_week

    def make_up_hours(self, day: date) -> Intervals:
        """The hours of a make-up day, where nothing says which."""
        return self.weekly[MONDAY] or self.weekly[day.weekday()]


def read_draft(draft: CalendarDraft) -> LocalHours:
    """Check a draft. Overlapping intervals are legal and count once.

    Raises:
        CalendarErrors: with every fault found.
    """
    reader = _DraftReader()
    country, announced = (draft.country, draft.official_until) if isinstance(draft, StoredCalendar) else (None, None)
    zone = reader.zone(draft.time_zone)
    local = LocalHours(
        zone=zone,
        weekly=tuple(reader.intervals(f"/hours/{name}", draft.hours.get(name, {})) for name in WEEKDAYS),
        shifts=dict(reader.dated("/shifts", draft.shifts)),
        holidays=frozenset(reader.dates("/holidays", draft.holidays)),
        breaks=dict(reader.dated("/breaks", draft.breaks)),
        country=reader.country(country),
        official_until=reader.date("/official_until", announced) if announced else None,
    )
    if reader.errors:
        raise CalendarErrors(tuple(reader.errors))
    return local


@cache
def zones() -> frozenset[str]:
    """Names of the IANA database."""
    return frozenset(available_timezones())


class _DraftReader:
    """Reads the parts of a draft, noting faults instead of stopping at the first."""

    def __init__(self) -> None:
        self.errors: list[CalendarError] = []

    def zone(self, name: str) -> ZoneInfo:
        if name in zones():
            return ZoneInfo(name)
        self._refuse("/time_zone", "unknown_time_zone")
        return ZoneInfo("UTC")

    def country(self, code: str | None) -> str | None:
        if code is None or code in countries():
            return code
        self._refuse("/country", "unknown_country")
        return None

    def dates(self, pointer: str, texts: tuple[str, ...]) -> Iterator[date]:
        for index, text in enumerate(texts):
            if day := self.date(f"{pointer}/{index}", text):
                yield day

    def dated(self, pointer: str, hours: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[date, Intervals]]:
        for text, spans in hours.items():
            place = f"{pointer}/{_escape(text)}"
            intervals = self.intervals(place, spans)
            if day := self.date(place, text):
                yield day, intervals

    def intervals(self, pointer: str, spans: Mapping[str, str]) -> Intervals:
        read = (self._interval(f"{pointer}/{_escape(start)}", start, end) for start, end in spans.items())
        merged = _merge([interval for interval in read if interval])
        if len(merged) > MOST_INTERVALS:
            self._refuse(pointer, "too_many_intervals", most=MOST_INTERVALS)
        return merged[:MOST_INTERVALS]

    def _interval(self, pointer: str, start: str, end: str) -> tuple[int, int] | None:
        if not _TIME.fullmatch(start) or not _TIME.fullmatch(end) or start == "24:00":
            self._refuse(pointer, "invalid_time")
            return None
        begins, ends = _minutes(start), _minutes(end)
        if begins == ends:
            self._refuse(pointer, "empty_interval")
            return None
        if begins > ends:
            self._refuse(pointer, "over_midnight")
            return None
        return begins, ends

    def date(self, pointer: str, text: str) -> date | None:
        try:
            day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
        except ValueError:
            day = None
        if day is None:
            self._refuse(pointer, "invalid_date")
        elif day.year > LAST_YEAR:
            # Beyond, years of one shape share their openings: ten thousand years of own dates would take seconds.
            self._refuse(pointer, "date_out_of_range", last_year=LAST_YEAR)
        return day

    def _refuse(self, pointer: str, code: str, **facts: int) -> None:
        self.errors.append(CalendarError(pointer, code, **facts))


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _merge(intervals: list[tuple[int, int]]) -> Intervals:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _cut(intervals: Intervals, breaks: Intervals) -> Intervals:
    remaining: list[tuple[int, int]] = []
    gaps = ((0, 0), *breaks, (_DAY_END, _DAY_END))
    for start, end in intervals:
        for (_, before), (after, _) in pairwise(gaps):
            opens, closes = max(start, before), min(end, after)
            if opens < closes:
                remaining.append((opens, closes))
    return tuple(remaining)
