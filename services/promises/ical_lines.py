"""The lines of an iCalendar file as events with typed values: what programs write, within bounds.

The `icalendar` package parses lines and values, not the file: its components remember every time zone that a file
defines for the whole process.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import vDDDTypes, vRecur
from icalendar.parser import Contentline
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from services.promises.calendar_faults import CalendarErrors
from services.promises.drafts import zones

MOST_EVENTS = 5_000
MOST_VALUES = 1_000
"""Dates that one event may list as exceptions or additions."""

_OF_EVENTS = frozenset({
    "CATEGORIES", "DESCRIPTION", "DTEND", "DTSTART", "DURATION", "EXDATE", "RDATE", "RECURRENCE-ID", "RRULE", "STATUS",
    "SUMMARY", "TRANSP", "UID", "X-APPLE-SPECIAL-DAY", "X-BIHUAN-KIND", "X-MICROSOFT-CDO-ALLDAYEVENT",
})  # fmt: skip
_OF_CALENDARS = frozenset({
    "X-BIHUAN-CALENDAR", "X-BIHUAN-COUNTRY", "X-BIHUAN-OFFICIAL-UNTIL", "X-BIHUAN-TITLE", "X-WR-CALNAME",
    "X-WR-TIMEZONE",
})  # fmt: skip
_OF_ZONES = frozenset({"TZID", "X-LIC-LOCATION"})
_WANTED: Mapping[str, frozenset[str]] = {
    "VCALENDAR": _OF_CALENDARS,
    "VEVENT": _OF_EVENTS,
    "VTIMEZONE": _OF_ZONES,
}


@dataclass(frozen=True, slots=True)
class IcalLine:
    """One property: its text and its parameters."""

    number: int
    text: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Component:
    """The wanted properties of a calendar, an event or a time zone, by name in capitals."""

    name: str
    number: int
    properties: dict[str, list[IcalLine]] = field(default_factory=dict)

    def line(self, name: str) -> IcalLine | None:
        """The first property of this name."""
        found = self.properties.get(name)
        return found[0] if found else None

    def text(self, name: str) -> str:
        """Its text; empty when there is none."""
        line = self.line(name)
        return line.text.strip() if line else ""


@dataclass(frozen=True, slots=True)
class IcalFeed:
    """One file: the calendar's own properties, its events, and what its time zones are called elsewhere."""

    calendar: Component
    events: Sequence[Component]
    zones: Sequence[Component]

    def zone(self, name: str) -> ZoneInfo | None:
        """The IANA zone that a TZID of this file means; Outlook writes the names of Windows."""
        own = next((each for each in self.zones if each.text("TZID") == name), None)
        said = (name, name.removeprefix("/").rpartition("org/")[2], WINDOWS_TO_OLSON.get(name, ""))
        known = (*said, own.text("X-LIC-LOCATION") if own else "")
        return next((ZoneInfo(each) for each in known if each in zones()), None)

    @property
    def own_zone(self) -> ZoneInfo | None:
        """The zone of the whole file, where it tells one."""
        named = self.calendar.text("X-WR-TIMEZONE")
        names = [named] if named else [each.text("TZID") for each in self.zones]
        return self.zone(names[0]) if len(names) == 1 else None


def read_feed(content: bytes) -> IcalFeed:
    """Read a file.

    Raises:
        CalendarErrors: it is no iCalendar, or has more events than are read.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CalendarErrors.at("", "not_utf8") from error
    calendar: Component | None = None
    found: list[Component] = []
    for component in _components(text):
        calendar = component if component.name == "VCALENDAR" and calendar is None else calendar
        found.append(component)
    if calendar is None:
        raise CalendarErrors.at("", "not_icalendar")
    events = [each for each in found if each.name == "VEVENT"]
    if len(events) > MOST_EVENTS:
        raise CalendarErrors.at("", "too_many_events", most=MOST_EVENTS)
    return IcalFeed(calendar, events, [each for each in found if each.name == "VTIMEZONE"])


def moment(line: IcalLine) -> date | datetime:
    """A date, or a time: aware when it is written in UTC.

    Raises:
        ValueError: it is neither.
    """
    value: object = vDDDTypes.from_ical(line.text.strip())  # type: ignore[no-untyped-call]
    if isinstance(value, date):
        return value
    raise ValueError(line.text)


def moments(lines: Sequence[IcalLine]) -> Iterator[tuple[date | datetime, IcalLine]]:
    """Every date or time of a list, RDATE's periods by their beginnings.

    Raises:
        ValueError: one of them is neither, or there are more than are read.
    """
    texts = [(text, line) for line in lines for text in line.text.split(",")]
    if len(texts) > MOST_VALUES:
        raise ValueError(f"more than {MOST_VALUES}")
    for text, line in texts:
        yield moment(IcalLine(line.number, text.partition("/")[0], line.parameters)), line


def length(line: IcalLine) -> timedelta:
    """A duration.

    Raises:
        ValueError: it is none.
    """
    value: object = vDDDTypes.from_ical(line.text.strip())  # type: ignore[no-untyped-call]
    if isinstance(value, timedelta):
        return value
    raise ValueError(line.text)


def rule_parts(line: IcalLine) -> Mapping[str, Sequence[Any]]:
    """The parts of a recurrence rule.

    Raises:
        ValueError: it is none.
    """
    parts: Mapping[str, Sequence[Any]] = vRecur.from_ical(line.text.strip())
    return parts


def _components(text: str) -> Iterator[Component]:
    """Calendars, events and zones; what lies inside of them, such as alarms, is not looked at."""
    stack: list[Component] = []
    for number, line in _unfolded(text):
        name = line[:64].partition(":")[0].partition(";")[0].strip().upper()
        if name == "BEGIN":
            stack.append(Component(line.partition(":")[2].strip().upper(), number))
        elif name == "END" and stack:
            yield stack.pop()
        elif stack and name in _WANTED.get(stack[-1].name, ()):
            _take(stack[-1], name, number, line)
    # A file that was cut off has been read as far as it goes; its last event may lack an end.
    yield from (each for each in stack if each.name == "VCALENDAR")


def _take(component: Component, name: str, number: int, line: str) -> None:
    kept = component.properties.setdefault(name, [])
    if len(kept) > MOST_VALUES:  # one more than is read, so that it shows
        return
    try:
        _, parameters, text = Contentline(line).parts()  # type: ignore[no-untyped-call]
    except ValueError:
        return
    kept.append(IcalLine(number, str(text), {key.upper(): value for key, value in parameters.items()}))


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """The logical lines, each with the number of its first line."""
    begun = 1
    parts: list[str] = []
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        if line[:1] in {" ", "\t"} and parts:
            parts.append(line[1:])
            continue
        if parts:
            yield begun, "".join(parts)
        begun, parts = number, [line]
    if parts:
        yield begun, "".join(parts)
