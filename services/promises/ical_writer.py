"""Calendars as iCalendar files: any calendar program shows when we work, and `ical_reader` takes them back whole."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

from icalendar import Calendar, Event, Timezone, vRecur, vText

from services.contracts.lines import one_line
from services.contracts.policy import WEEKDAYS, StoredCalendar
from services.promises.days import ScheduleDay, days_of, text_of
from services.promises.drafts import DayKind, LocalHours, read_draft

_DAY = timedelta(days=1)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_BY_WEEK = (DayKind.OPEN, DayKind.CLOSED)
_WORDS: Mapping[str, Mapping[str, str]] = {
    "zh-CN": {"hours": "工作时间", "shift": "按此日期工作", "closed": "不工作", "break": "中断", "holiday": "休息日"},
    "en": {"hours": "Open", "shift": "Open on this date", "closed": "Closed", "break": "Break", "holiday": "Holiday"},
}


def write_ical(stored: StoredCalendar, years: tuple[int, int], language: str, at: datetime) -> bytes:
    """A calendar as a file, with the statutory days of the years from first to last; `at` is when it is written.

    The week repeats without an end, so that the file means the same calendar whichever years it names; statutory days
    are there to be looked at, and belong to the country when the file is read again.

    Raises:
        CalendarErrors: the calendar is none.
    """
    return _Writer(stored, years, language, at).write()


class _Writer:
    """Writes one calendar."""

    def __init__(self, stored: StoredCalendar, years: tuple[int, int], language: str, at: datetime) -> None:
        self._stored = stored
        self._hours: LocalHours = read_draft(stored)
        self._years = years
        self._language = language
        self._words = _WORDS[language]
        self._at = at.replace(microsecond=0)
        self._numbers = count(1)
        self._days = [day for year in range(years[0], years[1] + 1) for day in days_of(self._hours, year)]

    def write(self) -> bytes:
        """The file."""
        file = self._head()
        file.add_component(
            Timezone.from_tzid(
                self._stored.time_zone, first_date=date(self._years[0], 1, 1), last_date=date(self._years[1] + 1, 1, 1)
            )
        )
        for event in (*self._week(), *self._shifts(), *self._holidays(), *self._breaks()):
            file.add_component(event)
        return bytes(file.to_ical())

    def _head(self) -> Calendar:
        stored, file = self._stored, Calendar()
        titles = {language: one_line(text) for language, text in stored.title.items()}
        title = titles.get(self._language) or stored.id
        said = {
            "PRODID": "-//Bihuan//Calendars//EN",
            "VERSION": "2.0",
            "X-WR-CALNAME": title,
            "X-WR-TIMEZONE": stored.time_zone,
            "X-BIHUAN-CALENDAR": f"{stored.id}/{stored.version}",
            "X-BIHUAN-COUNTRY": stored.country,
            "X-BIHUAN-OFFICIAL-UNTIL": stored.official_until,
        }
        # Texts by their type: the library writes properties that it does not know as they are, line ends and all.
        for name, text in said.items():
            if text:
                file.add(name, vText(text))
        for language, text in titles.items():
            if text and _LANGUAGE.fullmatch(language):
                file.add("X-BIHUAN-TITLE", vText(text), parameters={"LANGUAGE": language})
        return file

    def _week(self) -> Iterator[Event]:
        """Each interval of the week, but for the days whose hours are not the week's."""
        first = date(self._years[0], 1, 1)
        for index, name in enumerate(WEEKDAYS):
            begins = first + (index - first.weekday()) % 7 * _DAY
            other = [it.date for it in self._days if it.date.weekday() == index and not self._is_by_week(it)]
            for start, end in self._stored.hours.get(name, {}).items():
                event = self._timed("HOURS", begins, (start, end), self._words["hours"])
                event.add("RRULE", vRecur({"FREQ": "WEEKLY", "BYDAY": name[:2].upper()}))
                if other:
                    event.add("EXDATE", [self._local(day, start) for day in other])
                yield event

    def _is_by_week(self, day: ScheduleDay) -> bool:
        return self._hours.planned(day.date)[0] in _BY_WEEK

    def _shifts(self) -> Iterator[Event]:
        for text, spans in self._stored.shifts.items():
            day = date.fromisoformat(text)
            if not spans:
                yield self._whole_day("SHIFT", day, self._words["closed"])
            for span in spans.items():
                yield self._timed("SHIFT", day, span, self._words["shift"])
        for made_up in self._days:
            if made_up.kind is DayKind.MAKE_UP:
                yield from self._make_up(made_up)

    def _make_up(self, day: ScheduleDay) -> Iterator[Event]:
        for span in text_of(self._hours.planned(day.date)[1]):
            yield self._timed("STATUTORY", day.date, span, self._name(day, self._words["shift"]))

    def _holidays(self) -> Iterator[Event]:
        names = {day.date: day for day in self._days}
        for text in self._stored.holidays:
            day = date.fromisoformat(text)
            named = names.get(day)
            yield self._whole_day("HOLIDAY", day, self._name(named, self._words["holiday"]))
        for day_off in self._days:
            if day_off.kind is DayKind.HOLIDAY and day_off.date not in self._hours.holidays:
                yield self._whole_day("STATUTORY", day_off.date, self._name(day_off, self._words["holiday"]))

    def _breaks(self) -> Iterator[Event]:
        for text, spans in self._stored.breaks.items():
            for span in spans.items():
                yield self._timed("BREAK", date.fromisoformat(text), span, self._words["break"])

    def _name(self, day: ScheduleDay | None, otherwise: str) -> str:
        return (day.name or {}).get(self._language, otherwise) if day else otherwise

    def _timed(self, kind: str, day: date, span: tuple[str, str], summary: str) -> Event:
        start, end = span
        ends_on, end = (day + _DAY, "00:00") if end == "24:00" else (day, end)
        event = self._event(kind, summary)
        event.add("DTSTART", self._local(day, start))
        event.add("DTEND", self._local(ends_on, end))
        return event

    def _whole_day(self, kind: str, day: date, summary: str) -> Event:
        event = self._event(kind, summary)
        event.add("DTSTART", day)
        event.add("DTEND", day + _DAY)
        event.add("TRANSP", "TRANSPARENT")
        return event

    def _event(self, kind: str, summary: str) -> Event:
        event = Event()
        event.add("UID", f"{self._stored.id}-{self._stored.version}-{next(self._numbers)}@bihuan")
        event.add("DTSTAMP", self._at.astimezone(UTC))
        event.add("SUMMARY", summary)
        event.add("X-BIHUAN-KIND", kind)
        return event

    def _local(self, day: date, text: str) -> datetime:
        return datetime.combine(day, time.fromisoformat(text), self._hours.zone)
