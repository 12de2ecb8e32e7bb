"""A clock's due time in words, so that anybody can check it with the calendar and a pocket calculator.

Sentences tell whole seconds, the fractions cut off, and what they add up agrees to the second: the end of a pause is
told up to a second beside the ledger's where its fraction would spoil the sum. The exact instants are in the ledger.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.contracts.durations import Duration
from services.contracts.ticket import Clock, Segment
from services.contracts.vocabulary import ClockState
from services.promises.calendars import Calendar, CalendarExhausted
from services.promises.clocks import due_at, duration_of
from services.promises.explanation_local import Local
from services.promises.wording import WORDING
from services.wording import Words

_SECOND = timedelta(seconds=1)
_ZERO = timedelta(0)


def explain(clock: Clock, calendar: Calendar) -> dict[str, str]:
    """Explain how the due time of `clock` came about, in `en` and `zh-CN`; local times of the calendar.

    `calendar` is the version that the clock names. The due time told is the stored one, never a new computation.

    A calendar without enough opening time left is said to be one.
    """
    return {
        "en": " ".join(_sentences(clock, calendar, WORDING.speak("en"))),
        "zh-CN": "".join(_sentences(clock, calendar, WORDING.speak("zh-CN"))),
    }


def _sentences(clock: Clock, calendar: Calendar, words: Words) -> Iterator[str]:
    local = Local(calendar, words, _step(duration_of(clock.target)))
    yield from _due(clock, calendar, local)
    yield from _verdict(clock, local)


def _step(target: Duration) -> timedelta:
    """The step that times are cut to; a target of fractions of a second is told exactly."""
    return timedelta(microseconds=1) if target.length % _SECOND else _SECOND


def _due(clock: Clock, calendar: Calendar, local: Local) -> Iterator[str]:
    """Explain how the due time came about."""
    target, words = duration_of(clock.target), local.words
    yield words.text(
        "by_promise" if clock.by_promise else "promise",
        clock=words.of("clock", clock.name),
        target=local.duration(target),
        code=clock.target,
        policy=clock.policy,
        policy_version=clock.policy_version,
        calendar=clock.calendar,
        calendar_version=clock.calendar_version or calendar.version,
        zone=calendar.zone.key,
    )
    if clock.retargeted_at is not None:
        yield words.text("retargeted", at=local.time(clock.retargeted_at))
    if clock.by_promise:
        yield words.text("started", start=local.time(clock.started_at))
        yield from _ending(clock, local)
        return
    try:
        base = due_at(clock.started_at, target, (), calendar)
    except CalendarExhausted:
        yield words.text("exhausted")
    else:
        yield from _counting(clock.started_at, base, target, local)
        yield from _pauses(clock, base, target, local)
        if target.is_working:
            yield from local.special(clock.started_at, clock.due_at or base)
    yield from _ending(clock, local)


def _counting(start: datetime, base: datetime, target: Duration, local: Local) -> Iterator[str]:
    words = local.words
    outside = target.is_working and not local.calendar.is_open(start)
    yield words.text("started_outside" if outside else "started", start=local.time(start))
    yield words.of("target", target.measure).format(
        start=local.time(start),
        target=local.duration(target),
        base=local.time(base),
        pieces=words.text("comma").join(local.pieces(local.cut(start), local.cut(base), target)),
    )


def _pauses(clock: Clock, base: datetime, target: Duration, local: Local) -> Iterator[str]:
    """Explain what moved the due time; where a date was promised instead, nothing did."""
    over = [
        segment
        for segment in clock.segments
        if segment.reasons and segment.to_at and (clock.due_at is None or segment.from_at < clock.due_at)
    ]
    told = list(_told(over, base, local, working=target.is_working))
    for segment, pause in zip(over, told, strict=True):
        yield local.words.text(
            "paused",
            begins=local.time(pause.begins),
            ends=local.time(pause.ends),
            reasons=local.reasons(segment),
            length=local.length(pause.length, working=target.is_working),
        )
    if over and clock.promised_at is None and clock.due_at is not None:
        paused = sum((pause.length for pause in told), _ZERO)
        yield local.words.text(
            "moved",
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


def _told(over: Sequence[Segment], base: datetime, local: Local, *, working: bool) -> Iterator[_Pause]:
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


def _ending(clock: Clock, local: Local) -> Iterator[str]:
    if clock.promised_at is not None:
        yield local.words.text("promised", date=local.time(clock.promised_at))
    if clock.paused_reasons:
        last = clock.segments[-1]
        yield local.words.text("paused_now", begins=local.time(last.from_at), reasons=local.reasons(last))
    if clock.due_at is None:
        return
    yield local.words.text("due", due=local.time(clock.due_at))
    if local.calendar.is_provisional(clock.due_at):
        yield local.words.text("provisional", date=local.calendar.official_until)


def _verdict(clock: Clock, local: Local) -> Iterator[str]:
    """Say what became of the promise; nothing of one that still stands."""
    words = local.words
    if clock.state is ClockState.BREACHED:
        yield words.text("missed")
    elif clock.met_at is not None:
        yield words.text("met_late" if clock.breached_at else "met", at=local.time(clock.met_at))
    elif clock.ended_at is not None:
        cause = words.of("cause", clock.cancel_reason or "")
        yield words.text("cancelled", at=local.time(clock.ended_at), cause=cause)
    if clock.excused_at is not None:
        yield words.text("excused", at=local.time(clock.excused_at))
