"""The arithmetic of one clock's ledger: due time, warnings, own time (semantics.md 6 and 22). There is no other."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from services.contracts.durations import Duration, Measure, parse_duration
from services.promises.calendars import Calendar, CalendarExhausted

Pause = tuple[datetime, datetime]
"""From, to; half-open. Pauses may come in any order and overlap."""

_ZERO = timedelta(0)

duration_of = lru_cache(maxsize=1024)(parse_duration)


def due_at(started_at: datetime, target: Duration, pauses: Sequence[Pause], calendar: Calendar) -> datetime:
    """The due instant: the target after the start, then the paused time after that (6).

    Working targets, days included, count and add a pause as opening time, the others by the wall clock. A pause that
    begins at the due instant or later moves nothing: the promise was broken before.

    Raises:
        CalendarExhausted: the calendar has too little opening time left.
    """
    base = due = calendar.add(started_at, target)
    if not pauses:
        return due
    paused = _ZERO
    for begins, ends in _in_order(started_at, pauses):
        if begins >= due:
            break
        paused += _length(begins, ends, calendar, working=target.is_working)
        due = _advance(base, paused, calendar, working=target.is_working)
    return due


def own_time(
    started_at: datetime, until: datetime, pauses: Sequence[Pause], calendar: Calendar, *, working: bool
) -> timedelta:
    """Time that the clock ran from its start to `until`: without its pauses, and in opening time if it counts that."""
    ran = _length(started_at, until, calendar, working=working)
    if not pauses:
        return ran
    for begins, ends in _in_order(started_at, pauses):
        if begins < until:
            ran -= _length(begins, min(ends, until), calendar, working=working)
    return ran


def paused_time(started_at: datetime, pauses: Sequence[Pause], calendar: Calendar, *, working: bool) -> timedelta:
    """Time that the clock stood still, each stretch once: in opening time if it counts that."""
    spans = _in_order(started_at, pauses)
    return sum((_length(begins, ends, calendar, working=working) for begins, ends in spans), _ZERO)


def warnings_at(
    warn_at: Sequence[float | str],
    started_at: datetime,
    due: datetime,
    target: Duration,
    pauses: Sequence[Pause],
    calendar: Calendar,
) -> tuple[datetime, ...]:
    """Instants of the warnings, sorted: at shares of the clock's time, or a length of it before `due` (22).

    For a clock of working time `PT1H` before means an hour of opening time before. `due` may be a date promised instead
    of the target's. Warnings that would fall on the start or earlier, or on the due instant or later, are left out.
    """
    working = target.is_working
    whole = own_time(started_at, due, pauses, calendar, working=working)
    instants: set[datetime] = set()
    for entry in warn_at:
        ran = _ran_before(entry, due, whole, calendar, working=working)
        if _ZERO < ran < whole:
            measure = Measure.WORKING_TIME if working else Measure.WALL
            instants.add(due_at(started_at, Duration(measure, length=ran), pauses, calendar))
    return tuple(sorted(instant for instant in instants if started_at < instant < due))


def _ran_before(entry: float | str, due: datetime, whole: timedelta, calendar: Calendar, *, working: bool) -> timedelta:
    """The time that the clock has run when the warning is due; not above zero when that is before its start."""
    if not isinstance(entry, str):
        return whole * entry
    ahead = duration_of(entry)
    if ahead.measure is Measure.WALL or (working and ahead.measure is Measure.WORKING_TIME):
        return whole - ahead.length
    try:
        return whole - _length(calendar.subtract(due, ahead), due, calendar, working=working)
    except CalendarExhausted:
        return _ZERO


def _in_order(started_at: datetime, pauses: Sequence[Pause]) -> Iterator[Pause]:
    """The pauses since the start, sorted, each stretch of time once."""
    paused_until = started_at
    for begins, ends in sorted(pauses):
        since = max(begins, paused_until)
        if since < ends:
            paused_until = ends
            yield since, ends


def _length(begins: datetime, ends: datetime, calendar: Calendar, *, working: bool) -> timedelta:
    return calendar.between(begins, ends) if working else ends - begins


def _advance(at: datetime, length: timedelta, calendar: Calendar, *, working: bool) -> datetime:
    return calendar.add_open(at, length) if working else calendar.add(at, Duration(Measure.WALL, length=length))
