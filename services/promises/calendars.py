"""Working calendars: add, subtract and measure opening time (semantics.md 1 to 5)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.contracts.durations import Duration, Measure
from services.contracts.policy import CalendarDraft, StoredCalendar
from services.promises.calendar_faults import CalendarError, CalendarErrors
from services.promises.drafts import LocalHours, read_draft
from services.promises.openings import EPOCH, MICROSECOND
from services.promises.statutory import official_until
from services.promises.timeline import CalendarExhausted, Timeline

__all__ = ["Calendar", "CalendarError", "CalendarErrors", "CalendarExhausted"]

_ZERO = timedelta(0)
_LONGEST_SEARCH = 1_500
"""Days in which a working day is looked for; no calendar of people rests for longer."""


class Calendar:
    """One version of a calendar, ready to compute; compile it once and share it, also between threads.

    Instants in are aware; instants out are UTC. Every question may raise `CalendarExhausted`, but for a length of zero.
    """

    def __init__(
        self,
        hours: LocalHours,
        *,
        calendar_id: str | None = None,
        version: int | None = None,
        official_until: date | None = None,
    ) -> None:
        self.id = calendar_id
        self.version = version
        self.official_until = official_until
        """The last date whose holidays and make-up days are announced; None when there is nothing to announce."""
        self.hours = hours
        """What is open on each local date, for those who tell it in words."""
        self._zone = hours.zone
        self._timeline = Timeline(hours)

    @classmethod
    def compile(cls, draft: CalendarDraft) -> "Calendar":
        """Check a draft, or a stored calendar with its country's holidays and make-up days.

        Raises:
            CalendarErrors: with every fault found.
        """
        hours = read_draft(draft)
        if not isinstance(draft, StoredCalendar):
            return cls(hours)
        announced = hours.official_until or (official_until(draft.country) if draft.country else None)
        return cls(hours, calendar_id=draft.id, version=draft.version, official_until=announced)

    @property
    def zone(self) -> ZoneInfo:
        """The contract's zone, in which the calendar is walked."""
        return self._zone

    def add(self, at: datetime, duration: Duration) -> datetime:
        """Wall time by the wall; working time as `add_open`; working days to the closing of the n-th working day after.

        A start outside hours counts as the next opening. A duration of zero answers `at`.
        """
        if duration.measure is Measure.WORKING_DAYS:
            return _instant(self._timeline.closing(_number(at), duration.days)) if duration.days else at
        if duration.measure is Measure.WORKING_TIME:
            return self.add_open(at, duration.length)
        return _shift(at, duration.length)

    def subtract(self, at: datetime, duration: Duration) -> datetime:
        """The mirror of `add`: working days lead to the opening of the n-th working day before.

        An end outside hours counts as the last closing.
        """
        if duration.measure is Measure.WORKING_DAYS:
            return _instant(self._timeline.opening(_number(at), duration.days)) if duration.days else at
        if duration.measure is Measure.WORKING_TIME:
            return self.subtract_open(at, duration.length)
        return _shift(at, -duration.length)

    def add_open(self, at: datetime, length: timedelta) -> datetime:
        """The instant `length` of opening time after `at`; landing on a closing, the closing."""
        return _instant(self._timeline.add(_number(at), length // MICROSECOND)) if length > _ZERO else at

    def subtract_open(self, at: datetime, length: timedelta) -> datetime:
        """The instant `length` of opening time before `at`; landing on an opening, the opening."""
        return _instant(self._timeline.subtract(_number(at), length // MICROSECOND)) if length > _ZERO else at

    def between(self, at: datetime, until: datetime) -> timedelta:
        """Opening time between two instants.

        Raises:
            ValueError: `until` lies before `at`.
        """
        if until < at:
            raise ValueError("`until` lies before `at`")
        opened = self._timeline.opened_until(_number(until)) - self._timeline.opened_until(_number(at))
        return timedelta(microseconds=opened)

    def is_open(self, at: datetime) -> bool:
        """Whether the calendar is open; not at the instant of closing."""
        return self._timeline.is_open(_number(at))

    def openings(self, at: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The openings between two instants, cut to them, in order."""
        for start, end in self._timeline.openings(_number(at), _number(until)):
            yield _instant(start), _instant(end)

    def next_working_day(self, at: datetime) -> datetime:
        """The local midnight at which the working day after `at`'s begins; a day off belongs to the next working day.

        Raises:
            CalendarExhausted: there is none.
        """
        days = (self.local(at).date() + timedelta(days=ahead) for ahead in range(_LONGEST_SEARCH))
        try:
            worked = (day for day in days if self.hours.on(day))
            next(worked)
            return datetime.combine(next(worked), time(), self._zone).astimezone(UTC)
        except (OverflowError, StopIteration) as error:
            raise CalendarExhausted("no working day follows") from error

    def is_provisional(self, at: datetime) -> bool:
        """Whether `at` lies past the announced holidays, so that a due time there may still move."""
        return self.official_until is not None and self.local(at).date() > self.official_until

    def local(self, at: datetime) -> datetime:
        """`at` in the calendar's zone; in UTC where the zone leads out of the years that a date can have."""
        try:
            return at.astimezone(self._zone)
        except OverflowError:
            return at


def _number(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND


def _instant(number: int) -> datetime:
    return EPOCH + timedelta(microseconds=number)


def _shift(at: datetime, length: timedelta) -> datetime:
    try:
        return at + length
    except OverflowError as error:
        raise CalendarExhausted("the instant lies outside the years 1 to 9999") from error
