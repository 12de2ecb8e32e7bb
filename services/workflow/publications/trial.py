"""Trial of a policy or a calendar on one ticket. Pure: the same steps that the ticket's workflow takes, on a copy.

A recalculation is computed here before it is sent, and a preview is one that is not sent (semantics.md 19).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.contracts.policy import Policy, PolicySnapshot
from services.contracts.publication import Recalculation
from services.contracts.recording import Schedule
from services.contracts.ticket import Clock, Segment, TicketState
from services.contracts.vocabulary import ClockState, WaitReason
from services.promises.calendars import Calendar
from services.promises.policies import choose, snapshot
from services.workflow import due_times
from services.workflow.lifecycle.clocks import Ledger, segments_since
from services.workflow.lifecycle.life import Life
from services.workflow.lifecycle.recalculation import enter, retarget, standings
from services.workflow.publications.effects import ClockMove, Effect, TwoCalendars, of_breached, of_finished, of_live


@dataclass(frozen=True)
class Trial:
    """A trial: policies in the order in which they are tried, calendars by id; `present` are those of today.

    Where `policy` or `calendar` names one, the past is tried only of the clocks that it concerns or would concern.
    """

    policies: Sequence[Policy]
    calendars: Mapping[str, Calendar]
    present: Mapping[str, Calendar]
    generation: int = 0
    policy: str | None = None
    calendar: str | None = None

    @property
    def by_version(self) -> due_times.Calendars:
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


def recalculation(ticket: Tried, trial: Trial, at: datetime, publication: str = "") -> Recalculation:
    """The recalculation for the ticket's workflow. `ticket.finished` are the finished clocks that were breached."""
    return _applied(ticket, trial, at, publication)[0]


def changes_anything(ticket: Tried, asked: Recalculation) -> bool:
    """Whether the ticket's workflow need be told."""
    life = _copy(ticket)
    retarget(life, asked, asked.at)
    excuses = any(until is None or until >= asked.at for until in asked.would_be_due.values())
    return bool(excuses or asked.excused or life.ledger.touched or life.policy != ticket.policy)


def moves_of_open(ticket: Tried, trial: Trial, at: datetime) -> Iterator[ClockMove]:
    """Every live clock, and every breached one, of an open ticket that would be recalculated."""
    asked, life = _applied(ticket, trial, at)
    was = {clock.key: clock for clock in ticket.state.clocks}
    enter(life, asked.schedule, standings(ticket.state), at)
    would_be = {clock.key: clock for clock in life.state.clocks}
    both = TwoCalendars(_unpinned(trial.present), trial.by_version)
    for key in dict.fromkeys([*was, *would_be]):
        if key in asked.would_be_due:
            yield of_breached(was[key], asked.would_be_due[key], at)
        else:
            yield of_live(was.get(key), would_be.get(key), both, at)
    for clock in ticket.finished:
        yield of_finished(clock, would_be_due(clock, ticket.state, asked.policy, trial))


def moves_of_past(ticket: Tried, trial: Trial) -> Iterator[ClockMove]:
    """Every finished clock: whether its verdict would have been another."""
    policy = policy_of(ticket.state, trial.policies)
    for clock in ticket.finished:
        if not _is_concerned(clock, ticket.state, policy, trial):
            continue
        yield of_finished(clock, would_be_due(clock, ticket.state, policy, trial))


def policy_of(state: TicketState, policies: Sequence[Policy]) -> PolicySnapshot | None:
    """The policy that is chosen for a ticket as an acceptance would choose it now."""
    chosen = choose(policies, state)
    return snapshot(chosen) if chosen else None


def would_be_due(
    clock: Clock, state: TicketState, policy: PolicySnapshot | None, trial: Trial, at: datetime | None = None
) -> datetime | None:
    """The instant at which a breached or finished clock would have been due; None where nothing was promised.

    As if the change had come just before the breach: what the ticket waited for afterwards counts. For an unmet clock a
    wait that goes on counts up to `at`: one that would stand still now is due as if it ran again.
    """
    target = Ledger(state, policy).target_of(clock)
    if clock.promised_at is not None:
        return clock.promised_at
    if policy is None or target is None:
        return None
    changed = {
        "target": target,
        "calendar": policy.calendar_of(state.department),
        "calendar_version": None,
        "segments": _thawed(clock, state, policy.paused_by(clock.name), clock.ended_at or at),
    }
    return due_times.due_at(clock.model_copy(update=changed), trial.by_version)


def _thawed(
    clock: Clock, state: TicketState, pausing: Collection[WaitReason], until: datetime | None
) -> Sequence[Segment]:
    """The ledger up to `until` as if the breach had not frozen it. What a ticket waited for in an earlier cycle is not
    known any more."""
    since = clock.breached_at
    if since is None or until is None or clock.cycle != state.cycle:
        return clock.segments
    waiting = [(wait.since, until, (wait.reason,)) for wait in state.waits]
    waited = [(wait.from_at, min(wait.to_at or until, until), wait.reasons) for wait in state.waited]
    waits = [Segment(from_at=from_at, to_at=to_at, reasons=reasons) for from_at, to_at, reasons in [*waited, *waiting]]
    last = Segment(from_at=clock.segments[-1].from_at, to_at=since)
    return [*clock.segments[:-1], last, *segments_since(since, waits, pausing)]


def _is_concerned(clock: Clock, state: TicketState, policy: PolicySnapshot | None, trial: Trial) -> bool:
    if trial.policy is not None:
        return trial.policy in {clock.policy, policy.id if policy else None}
    if trial.calendar is not None:
        return trial.calendar in {clock.calendar, policy.calendar_of(state.department) if policy else None}
    return True


def _unpinned(calendars: Mapping[str, Calendar]) -> due_times.Calendars:
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
            clock.key: would_be_due(clock, ticket.state, policy, trial, at)
            for clock in ticket.state.clocks
            if clock.state is ClockState.BREACHED and clock.excused_at is None
        },
        excused=tuple(clock.key for clock in ticket.finished if _would_be_in_time(clock, ticket.state, policy, trial)),
    )
    life = _copy(ticket)
    retarget(life, asked, at)
    schedule = Schedule(clocks=due_times.schedule(life.state, trial.by_version).clocks)
    return asked.model_copy(update={"schedule": schedule}), life


def _copy(ticket: Tried) -> Life:
    """Copy what a recalculation may change, and nothing else: copying it all takes longer than trying it."""
    clocks = [
        clock.model_copy(update={"segments": [*clock.segments[:-1], clock.segments[-1].model_copy()]})
        for clock in ticket.state.clocks
    ]
    return Life(ticket.state.model_copy(update={"clocks": clocks}), ticket.policy)


def _would_be_in_time(clock: Clock, state: TicketState, policy: PolicySnapshot | None, trial: Trial) -> bool:
    return clock.excused_at is None and of_finished(clock, would_be_due(clock, state, policy, trial)).effect is (
        Effect.EXCUSED
    )
