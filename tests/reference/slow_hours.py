"""Opening hours, told slowly: one day after the other, from semantics.md 1 to 5 and nothing else."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.contracts.durations import Measure, parse_duration
from services.contracts.policy import CalendarDraft

Span = tuple[datetime, datetime]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY, NOTHING = timedelta(days=1), timedelta(0)
FAR = 4 * 366
"""Days after which the reference gives up: its calendars open every week."""


class Hours:
    """Opening hours of a calendar. No bound of its hours may lie in an hour that a change of the clocks skips or
    repeats: semantics.md does not say what such a bound means."""

    def __init__(self, draft: CalendarDraft) -> None:
        self.draft = draft
        self.zone = ZoneInfo(draft.time_zone)
        self._known: dict[date, list[Span]] = {}

    def day_of(self, at: datetime) -> date:
        """The local date of an instant."""
        return at.astimezone(self.zone).date()

    def on(self, day: date) -> list[Span]:
        """Hours worked on a date, in UTC: holiday over shift over weekly hours, breaks cut out (rule 2)."""
        if day not in self._known:
            self._known[day] = self._work_out(day)
        return self._known[day]

    def add(self, at: datetime, length: timedelta) -> datetime:
        """The first instant by which `length` was open since `at`; landing on a closing it is the closing (rule 4)."""
        if not length:
            return at
        for opens, closes in self._from(at):
            begins = max(opens, at)
            if begins + length <= closes:
                return begins + length
            length -= closes - begins
        raise AssertionError("the reference found no opening")

    def subtract(self, at: datetime, length: timedelta) -> datetime:
        """The last instant since which `length` was open until `at`; landing on an opening it is the opening."""
        if not length:
            return at
        for opens, closes in self._until(at):
            ends = min(closes, at)
            if ends - length >= opens:
                return ends - length
            length -= ends - opens
        raise AssertionError("the reference found no opening")

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Time that it was open between two instants."""
        open_for, day = NOTHING, self.day_of(start) - DAY
        while day <= self.day_of(end) + DAY:
            for opens, closes in self.on(day):
                open_for += max(NOTHING, min(closes, end) - max(opens, start))
            day += DAY
        return open_for

    def end_of_working_day(self, at: datetime, days: int) -> datetime:
        """The end of the working day that is `days` working days after that of `at` (rule 4)."""
        if not days:
            return at
        day = self.day_of(next(max(opens, at) for opens, _ in self._from(at)))
        while days:
            day += DAY
            days -= bool(self.on(day))
        return self.on(day)[-1][1]

    def working_day_of(self, at: datetime) -> date:
        """The working day that an instant belongs to: the first one that is not over by its date."""
        day = self.day_of(at)
        while not self.on(day):
            day += DAY
        return day

    def _work_out(self, day: date) -> list[Span]:
        written, draft = day.isoformat(), self.draft
        if written in draft.holidays:
            return []
        spans = [self._span(day, pair) for pair in self._planned(day)]
        for pair in draft.breaks.get(written, {}).items():
            spans = list(self._without(spans, self._span(day, pair)))
        return sorted(spans)

    def _planned(self, day: date) -> list[tuple[str, str]]:
        weekly = {str(name): hours for name, hours in self.draft.hours.items()}
        return list(self.draft.shifts.get(day.isoformat(), weekly.get(WEEKDAYS[day.weekday()], {})).items())

    def _span(self, day: date, pair: tuple[str, str]) -> Span:
        begins, ends = (self._instant(day, written) for written in pair)
        return begins, ends

    def _instant(self, day: date, written: str) -> datetime:
        if written == "24:00":
            return self._instant(day + DAY, "00:00")
        return datetime.combine(day, time.fromisoformat(written), self.zone).astimezone(UTC)

    @staticmethod
    def _without(spans: list[Span], cut: Span) -> Iterator[Span]:
        for opens, closes in spans:
            for piece in ((opens, min(closes, cut[0])), (max(opens, cut[1]), closes)):
                if piece[0] < piece[1]:
                    yield piece

    def _from(self, at: datetime) -> Iterator[Span]:
        first = self.day_of(at)
        for ahead in range(FAR):
            yield from (span for span in self.on(first + ahead * DAY) if span[1] > at)

    def _until(self, at: datetime) -> Iterator[Span]:
        last = self.day_of(at)
        for back in range(FAR):
            yield from (span for span in reversed(self.on(last - back * DAY)) if span[0] < at)


class Target:
    """A promised length, and in which time it passes."""

    def __init__(self, written: str, hours: Hours) -> None:
        parsed = parse_duration(written)
        self.measure, self.length, self.days, self.hours = parsed.measure, parsed.length, parsed.days, hours

    @property
    def is_working(self) -> bool:
        """Whether it passes only while the calendar is open."""
        return self.measure is not Measure.WALL

    def after(self, start: datetime) -> datetime:
        """`start` plus the target."""
        if self.measure is Measure.WORKING_DAYS:
            return self.hours.end_of_working_day(start, self.days)
        return self.later(start, self.length)

    def later(self, at: datetime, length: timedelta) -> datetime:
        """`at` plus a length of the target's own time."""
        return self.hours.add(at, length) if self.is_working else at + length

    def earlier(self, at: datetime, length: timedelta) -> datetime:
        """`at` less a length of the target's own time."""
        return self.hours.subtract(at, length) if self.is_working else at - length

    def own_time(self, start: datetime, end: datetime) -> timedelta:
        """Time that passes for the target between two instants."""
        return self.hours.between(start, end) if self.is_working else max(NOTHING, end - start)
