"""Calendars from iCalendar files: our own exports whole, other people's holidays and events on top of what is there."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from services.contracts.lines import one_line
from services.contracts.policy import WEEKDAYS, StoredCalendar
from services.promises.calendar_faults import CalendarErrors
from services.promises.days import text_of
from services.promises.drafts import read_draft
from services.promises.ical_changes import check_change, is_change, without_changed
from services.promises.ical_events import (
    Hours,
    PassedOver,
    Why,
    Window,
    dates_of,
    first_hours_of,
    hours_of,
    is_marked,
    is_observance,
    is_whole_day,
    is_worked,
)
from services.promises.ical_lines import Component, IcalFeed, read_feed
from services.promises.statutory import statutory_year

MOST_RULES = 200
MOST_DATES = 20_000
MOST_NOTES = 200
YEARS_BACK, YEARS_AHEAD = 1, 10
"""The years around this one for which repetitions are read; dates that are written out are read whenever they are."""

_SUMMARY_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Note:
    """An event that was read or passed over. `code` says what or why; `line` and `summary` are the event's."""

    code: str
    count: int = 1
    line: int | None = None
    summary: str = ""
    detail: str = ""


@dataclass(slots=True)
class Imported:
    """The calendar that a file amounts to, as the fields of a draft."""

    values: dict[str, Any]
    notes: list[Note] = field(default_factory=list)


def read_ical(content: bytes, base: StoredCalendar | None, today: date) -> Imported:
    """Read a file. An export of ours is the whole calendar; anything else adds to `base`.

    Raises:
        CalendarErrors: it is no iCalendar file, too large, or tells no time zone where there is no `base`.
    """
    feed = read_feed(content)
    is_ours = bool(feed.calendar.text("X-BIHUAN-CALENDAR"))
    values = _beginning(feed, None if is_ours else base)
    return _CalendarReader(feed, values, today).read()


def _beginning(feed: IcalFeed, base: StoredCalendar | None) -> dict[str, Any]:
    if base is not None:
        return base.model_dump(mode="json", exclude={"id", "version"})
    if feed.own_zone is None:
        raise CalendarErrors.at("/time_zone", "no_time_zone")
    names = {str(each.parameters.get("LANGUAGE", "en")): each.text
             for each in feed.calendar.properties.get("X-BIHUAN-TITLE", ())}  # fmt: skip
    name = "" if feed.calendar.text("X-BIHUAN-CALENDAR") else feed.calendar.text("X-WR-CALNAME")
    return {
        "title": names or ({"zh-CN": name, "en": name} if name else {}),
        "time_zone": feed.own_zone.key,
        "hours": {},
        "shifts": {},
        "holidays": (),
        "breaks": {},
        "country": feed.calendar.text("X-BIHUAN-COUNTRY") or None,
        "official_until": feed.calendar.text("X-BIHUAN-OFFICIAL-UNTIL") or None,
    }


class _CalendarReader:
    """Adds the events of one file to the fields of a draft."""

    def __init__(self, feed: IcalFeed, values: dict[str, Any], today: date) -> None:
        self._feed = feed
        self._values = values
        self._hours: dict[str, dict[str, str]] = {day: dict(spans) for day, spans in values["hours"].items()}
        self._shifts: dict[str, dict[str, str]] = {day: dict(spans) for day, spans in values["shifts"].items()}
        self._breaks: dict[str, dict[str, str]] = {day: dict(spans) for day, spans in values["breaks"].items()}
        self._holidays = set(values["holidays"])
        self._before = read_draft(StoredCalendar(**values, id="imported", version=1))
        self._window = Window(date(today.year - YEARS_BACK, 1, 1), date(today.year + YEARS_AHEAD, 12, 31))
        self._is_marked = any(is_marked(event) for event in feed.events)
        self._rules = 0
        self._dates = 0
        self._read: Counter[str] = Counter()
        self._passed_over: list[Note] = []

    @property
    def _zone(self) -> ZoneInfo:
        return self._before.zone

    def read(self) -> Imported:
        """Take every event, and tell what became of it."""
        for event in without_changed(self._feed.events):
            try:
                self._take(event)
            except PassedOver as passed:
                self._passed_over.append(_note(event, passed))
        values = {
            **self._values,
            "hours": {day: self._hours[day] for day in WEEKDAYS if self._hours.get(day)},
            "shifts": dict(sorted(self._shifts.items())),
            "holidays": tuple(sorted(self._holidays)),
            "breaks": dict(sorted(self._breaks.items())),
        }
        return Imported(values, list(self._notes()))

    def _notes(self) -> Iterator[Note]:
        yield from (Note(code, count) for code, count in sorted(self._read.items()))
        if self._rules:
            yield Note("repeated_until", detail=self._window.last.isoformat())
        yield from self._passed_over[:MOST_NOTES]
        if more := len(self._passed_over) - MOST_NOTES:
            yield from [Note("more_passed_over", more)] if more > 0 else []

    def _take(self, event: Component) -> None:
        changes, is_cancelled = is_change(event), event.text("STATUS").upper() == "CANCELLED"
        if changes:
            check_change(event)
        elif is_cancelled:
            raise PassedOver(Why.CANCELLED)
        if not is_cancelled:
            self._take_what_is_held(event)
        if changes:
            self._read["repetitions_cancelled" if is_cancelled else "repetitions_changed"] += 1

    def _take_what_is_held(self, event: Component) -> None:
        takes = {
            "HOURS": self._take_hours,
            "STATUTORY": lambda _: None,
            "SHIFT": self._take_shift,
            "HOLIDAY": self._take_own_holiday,
            "BREAK": self._take_break,
        }
        takes.get(event.text("X-BIHUAN-KIND").upper(), self._take_foreign)(event)

    def _take_foreign(self, event: Component) -> None:
        if not is_whole_day(event):
            self._take_foreign_hours(event)
        elif is_worked(event):
            self._take_make_up_day(event)
        elif is_observance(event):
            raise PassedOver(Why.OBSERVANCE)
        elif self._is_marked and not is_marked(event):
            # Where a file marks what is off and what is worked, everything else in it is a name.
            raise PassedOver(Why.NO_MARK)
        else:
            self._take_holiday(event)

    def _take_foreign_hours(self, event: Component) -> None:
        if is_worked(event):
            self._take_shift(event)
        elif event.text("TRANSP").upper() == "TRANSPARENT":
            raise PassedOver(Why.FREE)
        else:
            self._take_break(event)

    def _take_hours(self, event: Component) -> None:
        day, hours = first_hours_of(event, self._feed, self._zone)
        _add(self._hours, WEEKDAYS[day.weekday()], hours)
        self._read["hours_read"] += 1

    def _take_shift(self, event: Component) -> None:
        if is_whole_day(event):
            for day in self._days(event):
                self._shifts[day.isoformat()] = {}
                self._read["shifts_read"] += 1
            return
        for day, hours in self._spans(event):
            _add(self._shifts, day.isoformat(), hours)
            self._read["shifts_read"] += 1

    def _take_make_up_day(self, event: Component) -> None:
        for day in self._days(event):
            if self._is_worked_already(day):
                self._read["already_known"] += 1
                continue
            worked = self._before.make_up_hours(day)
            if not worked:
                raise PassedOver(Why.NO_HOURS)
            self._shifts[day.isoformat()] = dict(text_of(worked))
            self._holidays.discard(day.isoformat())
            self._read["make_up_days_read"] += 1

    def _take_holiday(self, event: Component) -> None:
        for day in self._days(event):
            if self._is_off_already(day):
                self._read["already_known"] += 1
                continue
            self._holidays.add(day.isoformat())
            if day in self._before.shifts:
                self._shifts.pop(day.isoformat(), None)
            self._read["holidays_read"] += 1

    def _take_own_holiday(self, event: Component) -> None:
        """A holiday of an exported calendar, also where its country has the same: that may change."""
        for day in self._days(event):
            self._holidays.add(day.isoformat())
            self._read["holidays_read"] += 1

    def _take_break(self, event: Component) -> None:
        for day, hours in self._spans(event):
            _add(self._breaks, day.isoformat(), hours)
            self._read["breaks_read"] += 1

    def _is_worked_already(self, day: date) -> bool:
        if day.isoformat() in self._holidays:
            return False
        return bool(self._before.planned(day)[1])

    def _is_off_already(self, day: date) -> bool:
        """Whether the calendar, or its country, has the holiday already."""
        own = day.isoformat() in self._holidays
        by_law = self._before.country is not None and day in statutory_year(self._before.country, day.year).holidays
        return own or (by_law and day.isoformat() not in self._shifts)

    def _days(self, event: Component) -> list[date]:
        self._count_rule(event)
        return self._counted(dates_of(event, self._window))

    def _spans(self, event: Component) -> list[tuple[date, Hours]]:
        self._count_rule(event)
        return self._counted(hours_of(event, self._feed, self._zone, self._window))

    def _count_rule(self, event: Component) -> None:
        if event.line("RRULE") is None:
            return
        self._rules += 1
        if self._rules > MOST_RULES:
            raise PassedOver(Why.TOO_MANY)

    def _counted(self, found: list[Any]) -> list[Any]:
        self._dates += len(found)
        if self._dates > MOST_DATES:
            raise CalendarErrors.at("", "too_many_dates", most=MOST_DATES)
        return found


def _add(hours: dict[str, dict[str, str]], name: str, span: Hours) -> None:
    ((start, end),) = text_of((span,))
    spans = hours.setdefault(name, {})
    spans[start] = max(end, spans.get(start, end))


def _note(event: Component, passed: PassedOver) -> Note:
    return Note(passed.why, 1, event.number, one_line(event.text("SUMMARY"))[:_SUMMARY_SHOWN], passed.detail)
