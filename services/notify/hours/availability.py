"""Hours in which a member of staff is reached by what is not urgent (semantics.md 23). Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

from services.contracts.directory import WorkingHours
from services.contracts.policy import CalendarDraft
from services.notify.hours.calendars import PublishedCalendars
from services.notify.hours.quiet_hours import QuietSpan
from services.promises.calendars import Calendar, CalendarErrors, CalendarExhausted

HORIZON = timedelta(days=31)
"""Hours that do not begin within it say nothing: an alert must not sleep for longer."""


class Availability:
    """Hours in which each of these people is reached, as of one moment.

    A shift goes before a person's own hours, those before the calendar of their department, that before the quiet hours
    of the staff. Whoever has none of them is reached while the calendar `promised_by` is open, by which the ticket is
    promised; without one, always.
    """

    def __init__(
        self, people: Iterable[WorkingHours] = (), calendars: PublishedCalendars | None = None,
        quiet: QuietSpan | None = None, promised_by: str | None = None,
    ) -> None:  # fmt: skip
        self._people = {each.staff: each for each in people}
        self._calendars = calendars
        self._quiet = quiet
        self._promised_by = calendars.find(promised_by) if calendars and promised_by else None

    def reached_at(self, staff: str, at: datetime, *, by: datetime | None = None) -> datetime:
        """`at` where they are reached then, else when they next are. A shift counts at `at` only: when others begin is
        the asker's to watch.

        Whoever has no hours at all waits for the ticket's calendar to open, but not beyond `by`: what would come too
        late then, reaches them at `at`.
        """
        person = self._people.get(staff)
        if person and person.on_shift:
            return at
        if person and (calendar := self._calendar_of(person)):
            return _next_opening(calendar, at)
        if self._quiet:
            return self._quiet.ends_at(at) or at
        opens_at = _next_opening(self._promised_by, at) if self._promised_by else at
        return at if by is not None and opens_at > by else opens_at

    def _calendar_of(self, person: WorkingHours) -> Calendar | None:
        if person.hours is not None and person.time_zone is not None:
            return _own_hours(CalendarDraft(time_zone=person.time_zone, hours=person.hours).model_dump_json())
        if person.calendar is None or self._calendars is None:
            return None
        return self._calendars.find(person.calendar)


EVERYBODY = Availability()
"""Whom what is urgent reaches, and when: everybody, always."""


def _next_opening(calendar: Calendar, at: datetime) -> datetime:
    try:
        opening = next(calendar.openings(at, at + HORIZON), None)
    except (CalendarExhausted, OverflowError):
        opening = None
    return opening[0] if opening else at


@lru_cache(maxsize=1_000)
def _own_hours(draft: str) -> Calendar | None:
    try:
        return Calendar.compile(CalendarDraft.model_validate_json(draft))
    except CalendarErrors:
        return None
