"""Effects of passing time on a ticket: warnings, breaches, reminders, waits that end (semantics.md 12, 22, 24).

Everything that has become due is carried out in the order of its instants and dated at them, however late it is found.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from services.contracts.base import format_instant
from services.contracts.journal import EventType
from services.contracts.ticket import Clock, Deadline, DeadlineName, TicketStart
from services.contracts.vocabulary import ClockState, CloseReason, Phase, WaitReason
from services.workflow.lifecycle.life import Life, system

JUST_AFTER = timedelta(microseconds=1)
"""A clock met at its due instant is in time, so the breach is looked for at the next instant that there is."""

Act = Callable[[Life, datetime], None]


def settle(life: Life, now: datetime) -> None:
    """Carry out all that is due at `now`. Handlers call it before they change anything: a command and a due timer
    can arrive together, and the clock was there first."""
    while due := _first_due(life, now):
        due(life, now)


def next_instant(life: Life) -> datetime | None:
    """The earliest instant at which time will do something; None when the ticket waits only for people."""
    return min((at for at, _ in _agenda(life)), default=None)


def needs_instants(life: Life) -> bool:
    """Whether an instant is missing that only a calendar can tell."""
    state = life.state
    return any(clock.unscheduled for clock in state.clocks) or any(it.at is None for it in state.deadlines)


def rests_until(start: TicketStart) -> datetime | None:
    """The instant until which a run that begins from `start` does nothing but wait; None where it has something to do,
    or where time alone does nothing."""
    life = Life(start.state, start.policy)
    return None if start.state.ended or needs_instants(life) else next_instant(life)


def _first_due(life: Life, now: datetime) -> Act | None:
    due = [(at, order, act) for order, (at, act) in enumerate(_agenda(life)) if at <= now]
    return min(due, key=lambda entry: entry[:2])[2] if due else None


def _agenda(life: Life) -> Iterator[tuple[datetime, Act]]:
    for wait in life.state.waits:
        if wait.until:
            until = max(wait.until, wait.since)
            yield until, _end_wait(wait.reason, until)
    for clock in life.state.clocks:
        yield from _of_clock(clock)
    for deadline in life.state.deadlines:
        yield from _of_deadline(deadline)


def _of_clock(clock: Clock) -> Iterator[tuple[datetime, Act]]:
    if clock.state is not ClockState.RUNNING or clock.due_at is None or clock.unscheduled:
        return
    yield _just_after(clock.due_at), _breach(clock)
    if clock.warned < len(clock.warn_at):
        yield clock.warn_at[clock.warned], _warn(clock)


def _just_after(due_at: datetime) -> datetime:
    """The next instant; a date promised for the end of time has none."""
    return due_at + JUST_AFTER if due_at <= datetime.max.replace(tzinfo=due_at.tzinfo) - JUST_AFTER else due_at


def _of_deadline(deadline: Deadline) -> Iterator[tuple[datetime, Act]]:
    if deadline.at is None:
        return
    yield deadline.at, _reach(deadline)
    if deadline.reminded < len(deadline.reminders):
        yield deadline.reminders[deadline.reminded], _remind(deadline)


def _end_wait(reason: WaitReason, until: datetime) -> Act:
    def act(life: Life, _: datetime) -> None:
        before = life.state.phase
        life.stop_waiting(until, reason)
        life.write(EventType.RESUMED, until, system(life), before, {"reason": reason, "until": format_instant(until)})

    return act


def _breach(clock: Clock) -> Act:
    def act(life: Life, now: datetime) -> None:
        life.ledger.breach(clock, now)
        due_at = clock.due_at or now
        late_by_retargeting = clock.retargeted_at is not None and due_at < clock.retargeted_at
        data = {**_which(clock, now), "retargeted": late_by_retargeting or None}
        life.write(EventType.CLOCK_BREACHED, due_at, system(life), life.state.phase, data)

    return act


def _warn(clock: Clock) -> Act:
    """Being late, only the highest warning passed is sent, and none for a clock that is overdue too."""

    def act(life: Life, now: datetime) -> None:
        passed = sum(at <= now for at in clock.warn_at)
        life.ledger.warn(clock, passed)
        if clock.due_at and clock.due_at >= now:
            data = {**_which(clock, now), "warning": passed}
            life.write(EventType.CLOCK_WARNED, clock.warn_at[passed - 1], system(life), life.state.phase, data)

    return act


def _remind(deadline: Deadline) -> Act:
    def act(life: Life, now: datetime) -> None:
        deadline.reminded = sum(at <= now for at in deadline.reminders)
        if deadline.at and now < deadline.at and life.state.phase is Phase.AWAITING_INFORMATION:
            at, data = deadline.reminders[deadline.reminded - 1], {"reminder": deadline.reminded}
            life.write(EventType.INFORMATION_REQUESTED, at, system(life), life.state.phase, data)

    return act


def _reach(deadline: Deadline) -> Act:
    def act(life: Life, now: datetime) -> None:
        life.drop_deadline(deadline.name)
        if deadline.name is DeadlineName.REOPEN_WINDOW:
            life.state.ended = True
        else:
            at = deadline.at or now
            life.close(
                CloseReason.INFORMATION_NOT_SUPPLIED, at, system(life), data={"detected_at": format_instant(now)}
            )

    return act


def _which(clock: Clock, now: datetime) -> dict[str, str | int | bool | None]:
    return {
        "clock": clock.name,
        "clock_cycle": clock.cycle,
        "round": clock.round,
        "ladder": clock.ladder,
        "due_at": format_instant(clock.due_at) if clock.due_at else None,
        "detected_at": format_instant(now),
    }
