"""A calendar that looks at the wall clock minute by minute: slow, and obviously right."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.contracts.policy import CalendarDraft

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MINUTE = timedelta(minutes=1)


class SlowCalendar:
    """Answers for whole minutes only. It knows no working days."""

    def __init__(self, draft: CalendarDraft) -> None:
        self._draft = draft
        self._weekly: Mapping[str, Mapping[str, str]] = {str(name): spans for name, spans in draft.hours.items()}
        self._zone = ZoneInfo(draft.time_zone)

    def is_open(self, at: datetime) -> bool:
        """Whether the local time of `at` is written in the draft."""
        local = at.astimezone(self._zone)
        day, time = local.date().isoformat(), local.strftime("%H:%M")
        if day in self._draft.holidays:
            return False
        spans = self._draft.shifts.get(day, self._weekly.get(_WEEKDAYS[local.weekday()], {}))
        cut = self._draft.breaks.get(day, {})
        return any(a <= time < b for a, b in spans.items()) and not any(a <= time < b for a, b in cut.items())

    def between(self, at: datetime, until: datetime) -> timedelta:
        """Count the open minutes."""
        minutes = (until - at) // _MINUTE
        return sum((_MINUTE for n in range(minutes) if self.is_open(at + n * _MINUTE)), timedelta(0))

    def add(self, at: datetime, length: timedelta) -> datetime:
        """Step forwards until enough minutes were open."""
        while length:
            length -= _MINUTE if self.is_open(at) else timedelta(0)
            at += _MINUTE
        return at

    def subtract(self, at: datetime, length: timedelta) -> datetime:
        """Step back until enough minutes were open."""
        while length:
            at -= _MINUTE
            length -= _MINUTE if self.is_open(at) else timedelta(0)
        return at
