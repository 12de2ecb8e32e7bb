"""Due times, warnings and elapsed times of a batch, computed from calendars: the arithmetic that `record` answers."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from services.contracts.durations import parse_duration
from services.contracts.recording import ClockSchedule, DeadlineSchedule, Schedule
from services.contracts.ticket import Clock, Deadline, TicketState
from services.contracts.vocabulary import ClockState
from services.promises import clocks as arithmetic
from services.promises.calendars import Calendar, CalendarExhausted

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""The due time of a promise whose calendar has no opening left; the calendar's owner must publish one that has."""

Calendars = Mapping[tuple[str, int | None], Calendar]
"""By id and version; version None is the one in force."""


def schedule(state: TicketState, calendars: Calendars) -> Schedule:
    """The instants that the state still lacks."""
    return Schedule(
        clocks=tuple(_of_clock(clock, calendars) for clock in state.clocks if clock.unscheduled),
        deadlines=tuple(_of_deadline(deadline, calendars) for deadline in state.deadlines if deadline.at is None),
    )


def spent(clock: Clock, calendars: Calendars) -> dict[str, int]:
    """Elapsed and overdue seconds of a finished clock, in its own time (semantics.md 11, 12)."""
    return {} if clock.ended_at is None else spent_by(clock, calendars, clock.ended_at)


def spent_by(clock: Clock, calendars: Calendars, now: datetime) -> dict[str, int]:
    """The same of a clock that may still be live, as of `now`: what is overdue grows until the clock ends."""
    calendar = _calendar(calendars, clock.calendar, clock.calendar_version)
    working = parse_duration(clock.target).is_working
    until = max(clock.started_at, clock.ended_at or now)
    pauses = _pauses_until(clock, now)
    elapsed = arithmetic.own_time(clock.started_at, until, pauses, calendar, working=working)
    times = {"elapsed": int(elapsed.total_seconds())}
    if clock.breached_at and until > clock.breached_at:
        overdue = arithmetic.own_time(clock.breached_at, until, (), calendar, working=working)
        times["overdue"] = int(overdue.total_seconds())
    return times


def paused_by(clock: Clock, calendars: Calendars, now: datetime) -> timedelta:
    """Time that a clock has stood still by `now`, in its own time (semantics.md 6)."""
    calendar = _calendar(calendars, clock.calendar, clock.calendar_version)
    working = parse_duration(clock.target).is_working
    return arithmetic.paused_time(clock.started_at, _pauses_until(clock, now), calendar, working=working)


def _pauses_until(clock: Clock, now: datetime) -> Sequence[tuple[datetime, datetime]]:
    """Every pause, an open one up to `now`."""
    until = max(clock.started_at, clock.ended_at or now)
    is_open = clock.state is ClockState.PAUSED
    return (*paused_spans(clock), (clock.segments[-1].from_at, until)) if is_open else paused_spans(clock)


def paused_spans(clock: Clock) -> Sequence[tuple[datetime, datetime]]:
    """The finished pauses of a clock's ledger."""
    return tuple((s.from_at, s.to_at) for s in clock.segments if s.reasons and s.to_at is not None)


def due_at(clock: Clock, calendars: Calendars) -> datetime:
    """The instant at which a clock is due by its target and ledger, whatever its state says."""
    return _instants(clock, calendar_of(clock, calendars))[0]


def due_if_running(clock: Clock, calendars: Calendars, now: datetime) -> datetime:
    """The instant at which a clock is due, a paused one as if it ran again from `now`."""
    return clock.promised_at or due_by_policy(clock, calendars, now)


def due_by_policy(clock: Clock, calendars: Calendars, now: datetime) -> datetime:
    """The instant at which a clock is due by its target alone; a paused one as if it ran again from `now`."""
    calendar = _calendar(calendars, clock.calendar, clock.calendar_version)
    pauses = paused_spans(clock)
    if clock.state is ClockState.PAUSED:
        pauses = (*pauses, (clock.segments[-1].from_at, now))
    try:
        return arithmetic.due_at(clock.started_at, parse_duration(clock.target), pauses, calendar)
    except CalendarExhausted:
        return NEVER


def _of_clock(clock: Clock, calendars: Calendars) -> ClockSchedule:
    calendar = calendar_of(clock, calendars)
    stands_still = clock.state is ClockState.PAUSED
    due_at, warn_at = (None, ()) if stands_still else _instants(clock, calendar)
    return ClockSchedule(key=clock.key, due_at=due_at, warn_at=warn_at, calendar_version=calendar.version or 1)


def _instants(clock: Clock, calendar: Calendar) -> tuple[datetime, tuple[datetime, ...]]:
    """Due time and warnings by target and ledger."""
    target, pauses = parse_duration(clock.target), paused_spans(clock)
    try:
        due_at = clock.promised_at or arithmetic.due_at(clock.started_at, target, pauses, calendar)
        # A date before the clock's start leaves nothing to warn of, and has no length that a calendar could tell.
        rules = clock.warn_rule if due_at > clock.started_at else ()
        warn_at = arithmetic.warnings_at(
            rules, clock.started_at, max(due_at, clock.started_at), target, pauses, calendar
        )
    except CalendarExhausted:
        return NEVER, ()
    return due_at, tuple(warn_at)


def _of_deadline(deadline: Deadline, calendars: Calendars) -> DeadlineSchedule:
    calendar = _calendar(calendars, deadline.calendar, None)
    after = parse_duration(deadline.after)
    try:
        at = arithmetic.due_at(deadline.started_at, after, (), calendar)
        reminders = arithmetic.warnings_at(deadline.shares, deadline.started_at, at, after, (), calendar)
    except CalendarExhausted:
        at, reminders = deadline.started_at + timedelta(days=after.days) + after.length, ()
    return DeadlineSchedule(name=deadline.name, at=at, reminders=reminders)


def calendar_of(clock: Clock, calendars: Calendars) -> Calendar:
    """The calendar that a clock goes by: the version pinned, else the one in force; one that is gone counts every
    hour."""
    return _calendar(calendars, clock.calendar, clock.calendar_version)


def _calendar(calendars: Calendars, id_: str | None, version: int | None) -> Calendar:
    """The pinned version, else the one in force; a calendar that is gone counts every hour."""
    for key in ((id_, version), (id_, None)):
        if id_ is not None and key in calendars:
            return calendars[key]  # type: ignore[index]
    return calendars["always", None]


def needs_calendar(state: TicketState, changed: Sequence[Clock]) -> set[tuple[str, int]]:
    """The pinned calendar versions that a batch asks for."""
    asked = [*state.clocks, *(clock for clock in changed if not clock.state.live)]
    return {(clock.calendar, clock.calendar_version) for clock in asked if clock.calendar_version is not None}
