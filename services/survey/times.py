"""Times of an invitation's reminder and expiry: by the wall, or by the calendar of the ticket's policy."""

from datetime import datetime, timedelta

from services.contracts.durations import parse_duration
from services.contracts.policy import Promises
from services.promises.calendars import Calendar, CalendarExhausted
from services.runtime.service_client import ServiceClient


def wall_length(text: str) -> timedelta:
    """A duration by the wall; working days count as days."""
    duration = parse_duration(text)
    return duration.length + timedelta(days=duration.days)


def needs_calendar(text: str) -> bool:
    """Whether a duration is one of working time."""
    return parse_duration(text).is_working


class Times:
    """Adds durations to instants; asks the workflow service for a calendar only where one is needed."""

    def __init__(self, tickets: ServiceClient) -> None:
        self._tickets = tickets

    async def after(self, at: datetime, length: str, policy: str | None) -> datetime:
        """The instant `length` after `at` (semantics.md 4). A calendar that is gone counts every hour.

        Raises:
            Unavailable: the calendar is needed and cannot be asked for.
        """
        duration = parse_duration(length)
        calendar = await self._calendar(policy) if duration.is_working else None
        if calendar is None:
            return at + wall_length(length)
        try:
            return calendar.add(at, duration)
        except CalendarExhausted:
            return at + wall_length(length)

    async def _calendar(self, policy: str | None) -> Calendar | None:
        promises = Promises.model_validate(await self._tickets.get("/internal/promises"))
        named = next((each.calendar for each in promises.policies if each.id == policy), None)
        stored = next((each for each in promises.calendars if each.id == named), None)
        return Calendar.compile(stored) if stored else None
