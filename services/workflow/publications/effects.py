"""Effects on one clock of a policy or calendar that is tried (semantics.md 19): due time and breach. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.contracts.ticket import Clock
from services.contracts.vocabulary import ClockName, ClockState
from services.workflow import due_times


class Effect(StrEnum):
    """The effect on a clock."""

    EARLIER = "earlier"
    LATER = "later"
    NONE = "none"
    NEW_BREACH = "new_breach"
    EXCUSED = "excused"
    PROMISED = "promised"
    NO_LONGER_PROMISED = "no_longer_promised"


@dataclass(frozen=True)
class ClockMove:
    """One clock, as it is and as it would be. A paused clock has no due time; its shift is as if it ran again now."""

    name: ClockName
    cycle: int
    round: int
    effect: Effect
    due_from: datetime | None
    due_to: datetime | None
    shift: timedelta | None = None
    new_breach: bool = False


@dataclass(frozen=True)
class TwoCalendars:
    """The calendars of today and those that are tried, whatever version a clock was on."""

    present: due_times.Calendars
    tried: due_times.Calendars


def of_live(was: Clock | None, would_be: Clock | None, calendars: TwoCalendars, at: datetime) -> ClockMove:
    """The move of a clock that is not missed yet, of one that comes, or of one that goes."""
    if was is None and would_be is not None:
        is_late = would_be.due_at is not None and would_be.due_at < at
        return _move(would_be, Effect.PROMISED, None, would_be.due_at, new_breach=is_late)
    if was is None:
        raise ValueError("a move of nothing")
    if would_be is None:
        return _move(was, Effect.NO_LONGER_PROMISED, was.due_at, None)
    if was.state is ClockState.PAUSED:
        return _of_paused(was, would_be, calendars, at)
    if was.due_at is None or would_be.due_at is None:
        return _move(was, Effect.NONE, was.due_at, would_be.due_at)
    return _moved(was, would_be.due_at, is_late=would_be.due_at < at <= was.due_at)


def of_breached(clock: Clock, until: datetime | None, at: datetime) -> ClockMove:
    """Whether an unmet breach is excused: it would have been due at `until`, None being never."""
    if until is None or until >= at:
        return _move(clock, Effect.EXCUSED, clock.due_at, until, shift=_shift(clock.due_at, until))
    return _move(clock, Effect.NONE, clock.due_at, clock.due_at)


def of_finished(clock: Clock, until: datetime | None) -> ClockMove:
    """The move of a finished clock, had it been due at `until`, None being never."""
    met_at = clock.met_at or clock.ended_at
    in_time = until is None or met_at is None or met_at <= until
    if clock.breached_at is not None:
        if in_time:
            return _move(clock, Effect.EXCUSED, clock.due_at, until, shift=_shift(clock.due_at, until))
        return _move(clock, Effect.NONE, clock.due_at, until)
    if until is None:
        return _move(clock, Effect.NO_LONGER_PROMISED, clock.due_at, None)
    if clock.due_at is None:
        return _move(clock, Effect.NONE if in_time else Effect.NEW_BREACH, None, until, new_breach=not in_time)
    return _moved(clock, until, is_late=not in_time)


def _of_paused(was: Clock, would_be: Clock, calendars: TwoCalendars, at: datetime) -> ClockMove:
    if would_be.due_at is None and _counts_alike(was, would_be):
        return _move(was, Effect.NONE, None, None)
    old = due_times.due_if_running(was, calendars.present, at)
    if would_be.due_at is None:
        shift = due_times.due_if_running(would_be, calendars.tried, at) - old
        return _move(was, direction(shift), None, None, shift=shift)
    # What it waits for would pause it no longer.
    shift, is_late = would_be.due_at - old, would_be.due_at < at
    effect = Effect.NEW_BREACH if is_late else direction(shift)
    return _move(was, effect, None, would_be.due_at, shift=shift, new_breach=is_late)


def _counts_alike(was: Clock, would_be: Clock) -> bool:
    before, after = ((clock.target, clock.calendar, clock.calendar_version) for clock in (was, would_be))
    return before == after


def _moved(clock: Clock, due_to: datetime, *, is_late: bool) -> ClockMove:
    shift = _shift(clock.due_at, due_to)
    effect = Effect.NEW_BREACH if is_late else direction(shift)
    return _move(clock, effect, clock.due_at, due_to, shift=shift, new_breach=is_late)


def direction(shift: timedelta | None) -> Effect:
    """The effect of a shift, whatever else comes of it."""
    if not shift:
        return Effect.NONE
    return Effect.EARLIER if shift < timedelta(0) else Effect.LATER


def _shift(due_from: datetime | None, due_to: datetime | None) -> timedelta | None:
    return due_to - due_from if due_from and due_to else None


def _move(
    clock: Clock,
    effect: Effect,
    due_from: datetime | None,
    due_to: datetime | None,
    *,
    shift: timedelta | None = None,
    new_breach: bool = False,
) -> ClockMove:
    return ClockMove(clock.name, clock.cycle, clock.round, effect, due_from, due_to, shift, new_breach)
