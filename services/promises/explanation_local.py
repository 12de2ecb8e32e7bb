"""Times, lengths and days of one calendar in the words of one language, as explanations tell them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from services.contracts.durations import Duration, Measure
from services.contracts.ticket import Segment
from services.promises.calendars import Calendar
from services.promises.explanation_days import Span, special_days
from services.wording import Words

_MOST_PIECES = 12
"""Openings told one by one: six days with a lunch break."""
_MOST_DAYS = 6


@dataclass(frozen=True, slots=True)
class Local:
    """One calendar and one language; times are cut to `step`."""

    calendar: Calendar
    words: Words
    step: timedelta = timedelta(seconds=1)

    def cut(self, at: datetime) -> datetime:
        """Without what is less than a step."""
        return at - timedelta(microseconds=at.microsecond) % self.step

    def time(self, at: datetime) -> str:
        """Local date and time; seconds only where there are any."""
        local = self.calendar.local(self.cut(at)).replace(tzinfo=None)
        whole_minute = not (local.second or local.microsecond)
        return local.isoformat(sep=" ", timespec="minutes" if whole_minute else "auto")

    def reasons(self, segment: Segment) -> str:
        """The reasons for which the clock stood still."""
        return self.words.text("comma").join(self.words.of("reason", reason) for reason in segment.reasons)

    def duration(self, duration: Duration) -> str:
        """A target in words."""
        if duration.measure is Measure.WORKING_DAYS and duration.days == 1:
            return self.words.text("one_day")
        length = self._units(duration.length)
        return self.words.of("length", duration.measure).format(length=length, days=duration.days)

    def length(self, length: timedelta, *, working: bool) -> str:
        """A length in words, with its measure."""
        return self.duration(Duration(Measure.WORKING_TIME if working else Measure.WALL, length=length))

    def pieces(self, start: datetime, base: datetime, target: Duration) -> Iterator[str]:
        """The days or openings that were counted, the first ones by name when they are many."""
        if target.measure is Measure.WORKING_DAYS and target.days:
            yield from self._days(start, target.days)
        elif target.measure is Measure.WORKING_TIME:
            yield from self._openings(start, base)

    def special(self, start: datetime, until: datetime) -> Iterator[str]:
        """Holidays, make-up days, days with hours of their own and breaks on the way, if any."""
        first, last = (self.calendar.local(at).date() for at in (start, until))
        found = [self._span(span) for span in special_days(self.calendar.hours, first, last)]
        if found:
            yield self.words.text("special", days=self.words.text("comma").join(found))

    def _span(self, span: Span) -> str:
        dates = span.first.isoformat()
        if span.last != span.first:
            dates = self.words.text("span", first=dates, last=span.last.isoformat())
        if span.kind is None:
            return self.words.text("break", dates=dates, times=span.times)
        name = (span.name or {}).get(self.words.language)
        named = self.words.text("named", name=name) if name else ""
        return self.words.of("day", span.kind).format(dates=dates, name=named)

    def _days(self, start: datetime, days: int) -> Iterator[str]:
        for number in range(min(days, _MOST_DAYS) + 1):
            if closing := self._closing(start, number):
                yield f"{number}: {self._date(closing)}"
        if days > _MOST_DAYS and (closing := self._closing(start, days)):
            yield f"… {days}: {self._date(closing)}"

    def _closing(self, start: datetime, days: int) -> datetime | None:
        """An instant of the n-th working day after that of the start."""
        first = next(self.calendar.openings(start, self.calendar.add(start, Duration(Measure.WORKING_DAYS, days=1))))
        return self.calendar.add(start, Duration(Measure.WORKING_DAYS, days=days)) if days else first[0]

    def _date(self, at: datetime) -> str:
        """The local date; a closing at midnight belongs to the day that it ends."""
        return self.calendar.local(at - timedelta(microseconds=1)).date().isoformat()

    def _openings(self, start: datetime, base: datetime) -> Iterator[str]:
        """Each opening with its length; the date once for all of a day."""
        pieces, day = list(islice(self.calendar.openings(start, base), _MOST_PIECES)), ""
        for opens, closes in pieces:
            date, _, time = self.time(opens).partition(" ")
            yield f"{time if date == day else f'{date} {time}'}–{self._end(closes)} ({self._units(closes - opens)})"
            day = date
        if pieces and (more := self.calendar.between(pieces[-1][1], base)):
            yield self.words.text("rest", length=self._units(more))

    def _end(self, closes: datetime) -> str:
        """The time of the day; the midnight at which a day ends is its 24:00."""
        time = self.time(closes)[11:]
        return "24:00" if time == "00:00" else time

    def _units(self, length: timedelta) -> str:
        minutes, seconds = divmod(length, timedelta(minutes=1))
        hours, minutes = divmod(minutes, 60)
        shown = {"hour": hours, "minute": minutes, "second": f"{seconds.total_seconds():.6f}".rstrip("0").rstrip(".")}
        parts = [f"{number} {self.words.of('unit', unit)}" for unit, number in shown.items() if str(number) != "0"]
        return " ".join(parts) or f"0 {self.words.of('unit', 'minute')}"
