"""Instants and calendars as the tests of the promises write them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.contracts.durations import Duration, parse_duration
from services.contracts.policy import CalendarDraft
from services.promises.calendars import Calendar
from services.promises.policies import built_in

WORKDAY = {"09:00": "12:00", "13:30": "18:00"}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

CN = Calendar.compile(next(calendar for calendar in built_in().calendars if calendar.id == "cn"))
ALWAYS = Calendar.compile(next(calendar for calendar in built_in().calendars if calendar.id == "always"))


def local(text: str, zone: str = "Asia/Shanghai", fold: int = 0) -> datetime:
    """A local time as an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def draft(
    zone: str = "Asia/Shanghai", hours: Mapping[str, Mapping[str, str]] | None = None, **more: object
) -> CalendarDraft:
    """Weekdays 09:00-12:00 and 13:30-18:00, unless told otherwise."""
    weekly = dict.fromkeys(WEEKDAYS, WORKDAY) if hours is None else hours
    return CalendarDraft.model_validate({"time_zone": zone, "hours": weekly, **more})


def calendar(
    zone: str = "Asia/Shanghai", hours: Mapping[str, Mapping[str, str]] | None = None, **more: object
) -> Calendar:
    """The same, compiled."""
    return Calendar.compile(draft(zone, hours, **more))


def lasting(text: str) -> Duration:
    """A duration as the API writes it."""
    return parse_duration(text)
