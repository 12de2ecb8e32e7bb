"""What a policy or a calendar would do to one ticket. Pure: the same steps that the ticket's workflow takes, on a copy.

A recalculation is computed here before it is sent, and a preview is one that is not sent (semantics.md 19).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.contracts.policy import Policy, PolicySnapshot
from services.contracts.publication import Recalculation
from services.contracts.ticket import Clock, Schedule, TicketState
from services.contracts.words import ClockName, ClockState
from services.promises.calendars import Calendar
from services.promises.policies import TicketFacts, choose, snapshot
from services.workflow import due
from services.workflow.ledger import Ledger
from services.workflow.life import Life
from services.workflow.recalculating import enter, retarget, standings


class Effect(StrEnum):
    """What becomes of a clock."""

    EARLIER = "earlier"
    LATER = "later"
    NONE = "none"
    NEW_BREACH = "new_breach"
    EXCUSED = "excused"
    PROMISED = "promised"
    NO_LONGER_PROMISED = "no_longer_promised"


@dataclass(frozen=True)
class Trial:
    """What is tried: policies in the order in which they are tried, calendars by id; `present` are those of today.

    Where `policy` or `calendar` names one, the past is tried only of the clocks that it concerns or would concern.
    """

    policies: Sequence[Policy]
    calendars: Mapping[str, Calendar]
    present: Mapping[str, Calendar]
    generation: int = 0
    policy: str | None = None
    calendar: str | None = None

    @property
    def by_version(self) -> due.Calendars:
        """The calendars as due times are computed by: whatever version a clock was on, these."""
        return _unpinned(self.calendars)

    @property
    def versions(self) -> Mapping[str, int]:
        """The calendars' versions."""
        return {id_: calendar.version or 1 for id_, calendar in self.calendars.items()}


@dataclass(frozen=True)
class Tried:
    """A ticket: its state, the policy that it lives by, and those of its finished clocks that are looked at."""

    state: TicketState
    policy: PolicySnapshot | None
    finished: Sequence[Clock] = ()


@dataclass(frozen=True)
class Move:
    """One clock, as it is and as it would be. A paused clock has no due time; its shift is as if it ran again now."""

    name: ClockName
    cycle: int
    round: int
    effect: Effect
    due_from: datetime | None
    due_to: datetime | None
    shift: timedelta | None = None
    new_breach: bool = False


def recalculation(ticket: Tried, trial: Trial, at: datetime, publication: str = "") -> Recalculation:
    """What the ticket's workflow is to be told. `ticket.finished` are the finished clocks that were breached."""
    return _applied(ticket, trial, at, publication)[0]


def changes_anything(ticket: Tried, asked: Recalculation) -> bool:
    """Whether the ticket's workflow need be told."""
    life = _copy(ticket)
    retarget(life, asked, asked.at)
    excuses = any(until is None or until >= asked.at for until in asked.would_be_due.values())
    return bool(excuses or asked.excused or life.ledger.touched or life.policy != ticket.policy)


def moves_of_open(ticket: Tried, trial: Trial, at: datetime) -> Iterator[Move]:
    """Every live clock, and every breached one, of an open ticket that would be recalculated."""
    asked, life = _applied(ticket, trial, at)
    was = {clock.key: clock for clock in ticket.state.clocks}
    enter(life, asked.schedule, standings(ticket.state), at)
    would_be = {clock.key: clock for clock in life.state.clocks}
    for key in dict.fromkeys([*was, *would_be]):
        if key in asked.would_be_due:
            yield _of_breached(was[key], asked.would_be_due[key], at)
        else:
            yield _of_live(was.get(key), would_be.get(key), trial, at)
    for clock in ticket.finished:
        yield _of_finished(clock, would_be_due(clock, ticket.state, asked.policy, trial))


def moves_of_past(ticket: Tried, trial: Trial) -> Iterator[Move]:
    """Every finished clock: whether its verdict would have been another."""
    policy = policy_of(ticket.state, trial.policies)
    for clock in ticket.finished:
        if not _is_concerned(clock, ticket.state, policy, trial):
            continue
        yield _of_finished(clock, would_be_due(clock, ticket.state, policy, trial))


def policy_of(state: TicketState, policies: Sequence[Policy]) -> PolicySnapshot | None:
    """The policy that is chosen for a ticket as an acceptance would choose it now."""
    facts = TicketFacts(
        kind=state.kind,
        category=state.category,
        urgency=state.urgency,
        priority=state.priority,
        tier=state.tier,
        channel=state.channel,
        department=state.department,
    )
    chosen = choose(policies, facts)
    return snapshot(chosen) if chosen else None


def would_be_due(clock: Clock, state: TicketState, policy: PolicySnapshot | None, trial: Trial) -> datetime | None:
    """When a clock that is breached or finished would have been due; None where nothing would have been promised."""
    target = Ledger(state, policy).target_of(clock)
    if clock.promised_at is not None:
        return clock.promised_at
    if policy is None or target is None:
        return None
    calendar = policy.calendar_of(state.department)
    return due.due_at(
        clock.model_copy(update={"target": target, "calendar": calendar, "calendar_version": None}), trial.by_version
    )


def _is_concerned(clock: Clock, state: TicketState, policy: PolicySnapshot | None, trial: Trial) -> bool:
    if trial.policy is not None:
        return trial.policy in {clock.policy, policy.id if policy else None}
    if trial.calendar is not None:
        return trial.calendar in {clock.calendar, policy.calendar_of(state.department) if policy else None}
    return True


def _unpinned(calendars: Mapping[str, Calendar]) -> due.Calendars:
    return {(id_, None): calendar for id_, calendar in calendars.items()}


def _applied(ticket: Tried, trial: Trial, at: datetime, publication: str = "") -> tuple[Recalculation, Life]:
    """The same, and a copy of the ticket to which it was done, but for the due times."""
    policy = policy_of(ticket.state, trial.policies)
    asked = Recalculation(
        publication=publication,
        generation=trial.generation,
        at=at,
        expected_version=ticket.state.version,
        policy=policy,
        versions=trial.versions,
        schedule=Schedule(),
        would_be_due={
            clock.key: would_be_due(clock, ticket.state, policy, trial)
            for clock in ticket.state.clocks
            if clock.state is ClockState.BREACHED and clock.excused_at is None
        },
        excused=tuple(clock.key for clock in ticket.finished if _would_be_in_time(clock, ticket.state, policy, trial)),
    )
    life = _copy(ticket)
    retarget(life, asked, at)
    schedule = Schedule(clocks=due.schedule(life.state, trial.by_version).clocks)
    return asked.model_copy(update={"schedule": schedule}), life


def _copy(ticket: Tried) -> Life:
    """What a recalculation may change is copied, and nothing else: copying it all takes longer than trying it."""
    clocks = [
        clock.model_copy(update={"segments": [*clock.segments[:-1], clock.segments[-1].model_copy()]})
        for clock in ticket.state.clocks
    ]
    return Life(ticket.state.model_copy(update={"clocks": clocks}), ticket.policy)


def _would_be_in_time(clock: Clock, state: TicketState, policy: PolicySnapshot | None, trial: Trial) -> bool:
    return clock.excused_at is None and _of_finished(clock, would_be_due(clock, state, policy, trial)).effect is (
        Effect.EXCUSED
    )


def _of_live(was: Clock | None, would_be: Clock | None, trial: Trial, at: datetime) -> Move:
    if was is None and would_be is not None:
        is_late = would_be.due_at is not None and would_be.due_at < at
        return _move(would_be, Effect.PROMISED, None, would_be.due_at, new_breach=is_late)
    if was is None:
        raise ValueError("a move of nothing")
    if would_be is None:
        return _move(was, Effect.NO_LONGER_PROMISED, was.due_at, None)
    if was.state is ClockState.PAUSED:
        return _of_paused(was, would_be, trial, at)
    if was.due_at is None or would_be.due_at is None:
        return _move(was, Effect.NONE, was.due_at, would_be.due_at)
    return _moved(was, would_be.due_at, is_late=would_be.due_at < at <= was.due_at)


def _of_paused(was: Clock, would_be: Clock, trial: Trial, at: datetime) -> Move:
    if (was.target, was.calendar, was.calendar_version) == (
        would_be.target,
        would_be.calendar,
        would_be.calendar_version,
    ):
        return _move(was, Effect.NONE, None, None)
    old = due.due_if_running(was, _unpinned(trial.present), at)
    shift = due.due_if_running(would_be, trial.by_version, at) - old
    return _move(was, _direction(shift), None, None, shift=shift)


def _of_breached(clock: Clock, until: datetime | None, at: datetime) -> Move:
    if until is None or until >= at:
        return _move(clock, Effect.EXCUSED, clock.due_at, until, shift=_shift(clock.due_at, until))
    return _move(clock, Effect.NONE, clock.due_at, clock.due_at)


def _of_finished(clock: Clock, until: datetime | None) -> Move:
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


def _moved(clock: Clock, due_to: datetime, *, is_late: bool) -> Move:
    shift = _shift(clock.due_at, due_to)
    effect = Effect.NEW_BREACH if is_late else _direction(shift)
    return _move(clock, effect, clock.due_at, due_to, shift=shift, new_breach=is_late)


def _direction(shift: timedelta | None) -> Effect:
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
) -> Move:
    return Move(clock.name, clock.cycle, clock.round, effect, due_from, due_to, shift, new_breach)
