"""A clock's due time in words, so that anybody can check it with the calendar and a pocket calculator.

Sentences tell whole seconds, the fractions cut off, and what they add up agrees to the second: the end of a pause is
told up to a second beside the ledger's where its fraction would spoil the sum. The exact instants are in the ledger.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from services.contracts.durations import Duration, Measure
from services.contracts.ticket import Clock, Segment
from services.contracts.words import ClockState
from services.promises.calendars import Calendar, CalendarExhausted
from services.promises.clocks import due_at, duration_of
from services.promises.explanation_days import Span, special_days
from services.promises.explanation_words import CHINESE, ENGLISH, Wording

_MOST_PIECES = 12
"""Openings told one by one: six days with a lunch break."""
_MOST_DAYS = 6
_SECOND = timedelta(seconds=1)
_ZERO = timedelta(0)


def explain(clock: Clock, calendar: Calendar) -> dict[str, str]:
    """How the due time of `clock` came about, in `en` and `zh-CN`; local times of the calendar.

    `calendar` is the version that the clock names. The due time told is the stored one, never a new computation.

    A calendar without enough opening time left is said to be one.
    """
    return {
        "en": " ".join(_sentences(clock, calendar, ENGLISH)),
        "zh-CN": "".join(_sentences(clock, calendar, CHINESE)),
    }


def _sentences(clock: Clock, calendar: Calendar, words: Wording) -> Iterator[str]:
    local = _Local(calendar, words, _step(duration_of(clock.target)))
    yield from _due(clock, calendar, local)
    yield from _verdict(clock, local)


def _step(target: Duration) -> timedelta:
    """What times are cut to; a target of fractions of a second is told exactly."""
    return timedelta(microseconds=1) if target.length % _SECOND else _SECOND


def _due(clock: Clock, calendar: Calendar, local: "_Local") -> Iterator[str]:
    """How the due time came about."""
    target, words = duration_of(clock.target), local.words
    sentence = words.by_promise if clock.by_promise else words.promise
    yield sentence.format(
        clock=words.clocks[clock.name],
        target=local.duration(target),
        code=clock.target,
        policy=clock.policy,
        policy_version=clock.policy_version,
        calendar=clock.calendar,
        calendar_version=clock.calendar_version or calendar.version,
        zone=calendar.zone.key,
    )
    if clock.retargeted_at is not None:
        yield words.retargeted.format(at=local.time(clock.retargeted_at))
    if clock.by_promise:
        yield words.started.format(start=local.time(clock.started_at))
        yield from _ending(clock, local)
        return
    try:
        base = due_at(clock.started_at, target, (), calendar)
    except CalendarExhausted:
        yield words.exhausted
    else:
        yield from _counting(clock.started_at, base, target, local)
        yield from _pauses(clock, base, target, local)
        if target.is_working:
            yield from local.special(clock.started_at, clock.due_at or base)
    yield from _ending(clock, local)


def _counting(start: datetime, base: datetime, target: Duration, local: "_Local") -> Iterator[str]:
    words = local.words
    outside = target.is_working and not local.calendar.is_open(start)
    yield (words.started_outside if outside else words.started).format(start=local.time(start))
    yield words.targets[target.measure].format(
        start=local.time(start),
        target=local.duration(target),
        base=local.time(base),
        pieces=words.comma.join(local.pieces(local.cut(start), local.cut(base), target)),
    )


def _pauses(clock: Clock, base: datetime, target: Duration, local: "_Local") -> Iterator[str]:
    """What moved the due time; where a date was promised instead, nothing did."""
    over = [
        segment
        for segment in clock.segments
        if segment.reasons and segment.to_at and (clock.due_at is None or segment.from_at < clock.due_at)
    ]
    told = list(_told(over, base, local, working=target.is_working))
    for segment, pause in zip(over, told, strict=True):
        yield local.words.paused.format(
            begins=local.time(pause.begins),
            ends=local.time(pause.ends),
            reasons=local.reasons(segment),
            length=local.length(pause.length, working=target.is_working),
        )
    if over and clock.promised_at is None and clock.due_at is not None:
        paused = sum((pause.length for pause in told), _ZERO)
        yield local.words.moved.format(
            base=local.time(base),
            paused=local.length(paused, working=target.is_working),
            due=local.time(clock.due_at),
        )


@dataclass(frozen=True, slots=True)
class _Pause:
    """A finished pause as it is told."""

    begins: datetime
    ends: datetime
    length: timedelta


def _told(over: Sequence[Segment], base: datetime, local: "_Local", *, working: bool) -> Iterator[_Pause]:
    """The pauses in whole seconds: start and length make each end, all lengths make the shift of the due time."""

    def length(begins: datetime, ends: datetime) -> timedelta:
        return local.calendar.between(begins, ends) if working else ends - begins

    exact, told, fraction = _ZERO, _ZERO, base - local.cut(base)
    for segment in over:
        if segment.to_at is None:
            continue
        exact += length(segment.from_at, segment.to_at)
        this = (exact + fraction) // local.step * local.step - told
        told += this
        begins, ends = local.cut(segment.from_at), local.cut(segment.to_at)
        off = this - length(begins, ends)
        # Where the calendar is closed at the end, it is the start whose fraction counts.
        if off and length(begins, ends + off) == this:
            ends += off
        elif off and length(begins - off, ends) == this:
            begins -= off
        yield _Pause(begins, ends, this)


def _ending(clock: Clock, local: "_Local") -> Iterator[str]:
    if clock.promised_at is not None:
        yield local.words.promised.format(date=local.time(clock.promised_at))
    if clock.paused_reasons:
        last = clock.segments[-1]
        yield local.words.paused_now.format(begins=local.time(last.from_at), reasons=local.reasons(last))
    if clock.due_at is None:
        return
    yield local.words.due.format(due=local.time(clock.due_at))
    if local.calendar.is_provisional(clock.due_at):
        yield local.words.provisional.format(date=local.calendar.official_until)


def _verdict(clock: Clock, local: "_Local") -> Iterator[str]:
    """What became of the promise; nothing is said of one that still stands."""
    words = local.words
    if clock.state is ClockState.BREACHED:
        yield words.missed
    elif clock.met_at is not None:
        yield (words.met_late if clock.breached_at else words.met).format(at=local.time(clock.met_at))
    elif clock.ended_at is not None:
        cause = words.causes.get(clock.cancel_reason or "", clock.cancel_reason)
        yield words.cancelled.format(at=local.time(clock.ended_at), cause=cause)
    if clock.excused_at is not None:
        yield words.excused.format(at=local.time(clock.excused_at))


@dataclass(frozen=True, slots=True)
class _Local:
    """Times of one calendar in the words of one language, cut to `step`."""

    calendar: Calendar
    words: Wording
    step: timedelta = _SECOND

    def cut(self, at: datetime) -> datetime:
        """Without what is less than a step."""
        return at - timedelta(microseconds=at.microsecond) % self.step

    def time(self, at: datetime) -> str:
        """Local date and time; seconds only where there are any."""
        local = self.calendar.local(self.cut(at)).replace(tzinfo=None)
        whole_minute = not (local.second or local.microsecond)
        return local.isoformat(sep=" ", timespec="minutes" if whole_minute else "auto")

    def reasons(self, segment: Segment) -> str:
        """Why the clock stood still."""
        return self.words.comma.join(self.words.reasons[reason] for reason in segment.reasons)

    def duration(self, duration: Duration) -> str:
        """A target in words."""
        return self.words.lengths[duration.measure].format(length=self._units(duration.length), days=duration.days)

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
            yield self.words.special.format(days=self.words.comma.join(found))

    def _span(self, span: Span) -> str:
        dates = span.first.isoformat()
        if span.last != span.first:
            dates = self.words.span.format(first=dates, last=span.last.isoformat())
        if span.kind is None:
            return self.words.break_.format(dates=dates, times=span.times)
        name = (span.name or {}).get(self.words.language)
        return self.words.days[span.kind].format(dates=dates, name=self.words.named.format(name=name) if name else "")

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
            yield self.words.rest.format(length=self._units(more))

    def _end(self, closes: datetime) -> str:
        """The time of the day; the midnight at which a day ends is its 24:00."""
        time = self.time(closes)[11:]
        return "24:00" if time == "00:00" else time

    def _units(self, length: timedelta) -> str:
        minutes, seconds = divmod(length, timedelta(minutes=1))
        hours, minutes = divmod(minutes, 60)
        shown = (hours, minutes, f"{seconds.total_seconds():.6f}".rstrip("0").rstrip("."))
        parts = [f"{number} {unit}" for number, unit in zip(shown, self.words.units, strict=True) if str(number) != "0"]
        return " ".join(parts) or f"0 {self.words.units[1]}"
