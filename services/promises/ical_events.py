"""One event of an iCalendar file as changes of a working calendar: dates, whole or some hours of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.promises.ical_lines import Component, IcalFeed, length, moment, moments, rule_parts
from services.promises.recurring import NotUnderstood, occurrences, read_rule, whole_date
from services.promises.statutory import LAST_YEAR

FIRST_YEAR = 1970
LONGEST = timedelta(days=366)

_DAY = timedelta(days=1)
_AROUND = r"(?:^|$|[()（）【】\[\]｜|·\s])"
_WORKED = re.compile(rf"补班|上班|{_AROUND}班{_AROUND}|make-?up|working day|workday", re.IGNORECASE)
_NOT_WORKED = re.compile(rf"放假|假期|补休|调休|{_AROUND}休{_AROUND}")
_OPENS = frozenset({"OPEN", "OPENING", "SHIFT", "WORK", "上班", "班", "班次"})
_SPECIAL = {"WORK-HOLIDAY": False, "ALTERNATE-WORKDAY": True}
# How Google marks days that have a name and are worked.
_OBSERVED = re.compile(r"\s*(?:observance|纪念日|節日|节日)", re.IGNORECASE)

Hours = tuple[int, int]
"""Minutes of a local day, the end at most 1440."""


class Why(StrEnum):
    """The reason that an event was passed over."""

    CANCELLED = "cancelled"
    FREE = "shown_as_free"
    NO_HOURS = "no_hours_to_work"
    NO_MARK = "no_mark"
    NO_SERIES = "no_series"
    OBSERVANCE = "observance"
    OUT_OF_RANGE = "out_of_range"
    OVERRIDE = "changed_repetitions"
    RULE = "rule_not_understood"
    TOO_LONG = "too_long"
    TOO_MANY = "too_many_rules"
    UNDATED = "no_date"
    ZONE = "unknown_time_zone"


class PassedOver(Exception):
    """An event that says nothing a calendar could keep."""

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Window:
    """The dates for which repetitions are read."""

    first: date
    last: date


def is_marked(event: Component) -> bool:
    """Whether an event says of a day that it is off, or worked."""
    said = event.text("SUMMARY")
    return event.text("X-APPLE-SPECIAL-DAY") in _SPECIAL or bool(_WORKED.search(said) or _NOT_WORKED.search(said))


def is_worked(event: Component) -> bool:
    """Whether an event says that work is done, and not that it is not."""
    special = _SPECIAL.get(event.text("X-APPLE-SPECIAL-DAY"))
    if special is not None:
        return special
    categories = {each.strip().upper() for each in event.text("CATEGORIES").split(",")}
    return bool(categories & _OPENS or _WORKED.search(event.text("SUMMARY")))


def is_observance(event: Component) -> bool:
    """Whether an event is a day with a name that is worked like any other."""
    return bool(_OBSERVED.match(event.text("DESCRIPTION")))


def is_whole_day(event: Component) -> bool:
    """Whether an event is of dates and not of times."""
    if event.text("X-MICROSOFT-CDO-ALLDAYEVENT").upper() == "TRUE":
        return True
    return not isinstance(_start(event), datetime)


def dates_of(event: Component, window: Window) -> list[date]:
    """The dates of a whole-day event, its repetitions within `window`.

    Raises:
        PassedOver: it has none that can be read.
    """
    start = _not_too_late(whole_date(_start(event)))
    days = (_end_date(event, start) - start).days
    if days * _DAY > LONGEST:
        raise PassedOver(Why.TOO_LONG)
    begins = _repeated(event, start, start, window, None)
    return [_in_range(begin + n * _DAY) for begin in map(_not_too_late, begins) for n in range(days)]


def hours_of(event: Component, feed: IcalFeed, zone: ZoneInfo, window: Window) -> list[tuple[date, Hours]]:
    """The hours of a timed event in `zone`, cut at midnights, its repetitions within `window`.

    Raises:
        PassedOver: it has none that can be read.
    """
    start, own_zone = _time(event, "DTSTART", feed, zone)
    _not_too_late(start.date())
    end = _end_time(event, feed, own_zone, start)
    lasting = end - start
    if lasting > LONGEST:
        raise PassedOver(Why.TOO_LONG)
    begins = _repeated(event, start.date(), start, window, own_zone)
    return [
        piece
        for day in map(_not_too_late, begins)
        for piece in _pieces(datetime.combine(day, start.time()), lasting, own_zone, zone)
    ]


def first_hours_of(event: Component, feed: IcalFeed, zone: ZoneInfo) -> tuple[date, Hours]:
    """The hours of a timed event on its first day, whatever its repetitions.

    Raises:
        PassedOver: it has none that can be read.
    """
    start, own_zone = _time(event, "DTSTART", feed, zone)
    end = _end_time(event, feed, own_zone, start)
    return next(_pieces(start, end - start, own_zone, zone))


def _start(event: Component) -> date | datetime:
    line = event.line("DTSTART")
    if line is None:
        raise PassedOver(Why.UNDATED)
    try:
        return moment(line)
    except ValueError as error:
        raise PassedOver(Why.UNDATED) from error


def _end_date(event: Component, start: date) -> date:
    """The day after the last; programs that write the last day itself, or none, mean one day."""
    try:
        if end := event.line("DTEND"):
            return max(whole_date(moment(end)), start + _DAY)
        if lasting := event.line("DURATION"):
            return start + max(length(lasting), _DAY)
    except (ValueError, OverflowError) as error:
        raise PassedOver(Why.UNDATED) from error
    return start + _DAY


def _time(event: Component, name: str, feed: IcalFeed, zone: ZoneInfo) -> tuple[datetime, ZoneInfo]:
    """A time as it is written, naive, and the zone that it is written in: the calendar's for a floating one."""
    line = event.line(name)
    try:
        value = moment(line) if line else None
    except ValueError as error:
        raise PassedOver(Why.UNDATED) from error
    if line is None or not isinstance(value, datetime):
        raise PassedOver(Why.UNDATED)
    if value.tzinfo is not None:
        return value.replace(tzinfo=None), ZoneInfo("UTC")
    named = str(line.parameters.get("TZID", ""))
    found = feed.zone(named) if named else feed.own_zone or zone
    if found is None:
        raise PassedOver(Why.ZONE, named)
    return value, found


def _end_time(event: Component, feed: IcalFeed, zone: ZoneInfo, start: datetime) -> datetime:
    if event.line("DTEND"):
        written, other = _time(event, "DTEND", feed, zone)
        end = written if other.key == zone.key else _moved(written, other, zone)
    elif lasting := event.line("DURATION"):
        try:
            end = start + length(lasting)
        except (ValueError, OverflowError) as error:
            raise PassedOver(Why.UNDATED) from error
    else:
        raise PassedOver(Why.UNDATED)
    if end <= start:
        raise PassedOver(Why.UNDATED)
    return end


def _moved(written: datetime, zone: ZoneInfo, to: ZoneInfo) -> datetime:
    try:
        return written.replace(tzinfo=zone).astimezone(to).replace(tzinfo=None)
    except OverflowError as error:
        raise PassedOver(Why.OUT_OF_RANGE) from error


def _pieces(start: datetime, lasting: timedelta, zone: ZoneInfo, to: ZoneInfo) -> Iterator[tuple[date, Hours]]:
    begins, ends = start, start + lasting
    if zone.key != to.key:
        begins, ends = _moved(begins, zone, to), _moved(ends, zone, to)
    day = _in_range(begins.date())
    while (midnight := datetime.combine(day, datetime.min.time())) < ends:
        first, last = max(begins, midnight) - midnight, min(ends, midnight + _DAY) - midnight
        # Seconds do not fit: a break is cut generously, to the minutes that it touches.
        yield day, (first // timedelta(minutes=1), -(-last // timedelta(minutes=1)))
        day = _in_range(day + _DAY)


def _repeated(
    event: Component, start: date, written: date | datetime, window: Window, zone: ZoneInfo | None
) -> list[date]:
    """The dates on which an event begins: its own, those of its rule and of RDATE, without those of EXDATE."""
    except_for, more = _listed(event, "EXDATE", zone), _listed(event, "RDATE", zone)
    line = event.line("RRULE")
    if line is None:
        return sorted(({start} | more) - except_for)
    try:
        rule = read_rule(parts := rule_parts(line))
        if until := parts.get("UNTIL"):
            rule = replace(rule, until=_last_date(until[0], written, zone))
        found = set(occurrences(rule, start, window.first, window.last))
    except ValueError as error:
        detail = str(error) if isinstance(error, NotUnderstood) else ""
        raise PassedOver(Why.RULE, detail) from error
    # The event's own date counts even where the rule does not name it.
    own = {start} if window.first <= start <= window.last else set()
    return sorted((found | more | own) - except_for)


def _listed(event: Component, name: str, zone: ZoneInfo | None) -> set[date]:
    try:
        return {_local_date(value, zone) for value, _ in moments(event.properties.get(name, ()))}
    except ValueError as error:
        raise PassedOver(Why.RULE, name) from error


def _last_date(until: date | datetime, start: date | datetime, zone: ZoneInfo | None) -> date:
    """The last date on which a repetition may begin. UTC's midnight can be another date where the event is."""
    if not isinstance(until, datetime) or not isinstance(start, datetime):
        return whole_date(until)
    local = until.astimezone(zone or UTC) if until.tzinfo else until
    return local.date() if start.time() <= local.time() else local.date() - _DAY


def _local_date(value: date | datetime, zone: ZoneInfo | None) -> date:
    if isinstance(value, datetime) and value.tzinfo is not None and zone is not None:
        return value.astimezone(zone).date()
    return whole_date(value)


def _not_too_late(day: date) -> date:
    """A start that leaves room for what follows it; one before the first year may still repeat into it."""
    if day.year > LAST_YEAR:
        raise PassedOver(Why.OUT_OF_RANGE)
    return day


def _in_range(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise PassedOver(Why.OUT_OF_RANGE)
    return day
