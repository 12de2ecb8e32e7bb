"""The ticket as one object: its state, its clocks, and the events that wait to be recorded. No input or output.

`steps` says what a command does to it, `timers` what time does; the workflow, the tests and the model all drive this
class and nothing else.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.contracts.base import format_instant
from services.contracts.commands.receipt import Telling
from services.contracts.feed import RemarkEntry
from services.contracts.journal import SYSTEM, Actor, Event, EventType
from services.contracts.policy import PolicySettings, PolicySnapshot
from services.contracts.recording import RecordRequest, Schedule, apply_schedule
from services.contracts.ticket import Deadline, DeadlineName, PlanState, Segment, TicketState
from services.contracts.vocabulary import (
    CallbackOutcome,
    ClockName,
    CloseReason,
    CommandName,
    Phase,
    Status,
    WaitReason,
)
from services.promises.priority import priority_of
from services.workflow.lifecycle.callback_attempts import forget_attempts
from services.workflow.lifecycle.clocks import Ledger
from services.workflow.lifecycle.customer_answers import is_answer
from services.workflow.lifecycle.transitions import is_legal, legal_commands, owed_reason


class IllegalCommand(Exception):
    """The command is not legal in the ticket's state; `allowed` are those that are, for `actor` if one is given."""

    def __init__(self, state: TicketState, detail: str | None = None, actor: Actor | None = None) -> None:
        self.phase = state.phase
        self.version = state.version
        self.allowed = legal_commands(state, actor)
        super().__init__(detail or f"not legal in {self.phase}")


class Life:
    """One ticket. Every change goes through here and leaves an event."""

    def __init__(self, state: TicketState, policy: PolicySnapshot | None) -> None:
        self.state = state
        self.ledger = Ledger(state, policy)
        self.events: list[Event] = []
        self.command_id: str | None = None
        self._policy_recorded = policy

    @property
    def policy(self) -> PolicySnapshot | None:
        """The policy version that the ticket lives by."""
        return self.ledger.policy

    @property
    def policy_name(self) -> str | None:
        """That version, as events say it."""
        return f"{self.policy.id}@{self.policy.version}" if self.policy else None

    @property
    def settings(self) -> PolicySettings:
        """The policy's settings besides clocks."""
        return self.policy.settings if self.policy else PolicySettings()

    def check(self, command: CommandName, actor: Actor) -> None:
        """Refuse a command that is not legal now, or that `actor` owes a reason before.

        Raises:
            IllegalCommand: with the commands that are.
        """
        if not is_legal(self.state, command):
            raise IllegalCommand(self.state)
        if key := owed_reason(self.state, command, actor):
            raise IllegalCommand(self.state, f"note first why {key} was missed", actor)

    def write(
        self,
        type_: EventType,
        at: datetime,
        actor: Actor,
        before: Phase | None,
        data: Mapping[str, Any] | None = None,
        *,
        cycle: int | None = None,
    ) -> None:
        """Append the next event of the journal; `before` is the phase that the step started from, `cycle` the one that
        the event speaks of, if not the present one. What answers the customer ends their wait (15)."""
        self.state.version += 1
        event = Event(
            seq=self.state.version,
            type=type_,
            at=at,
            actor=actor,
            from_phase=before,
            to_phase=self.state.phase,
            cycle=cycle or self.state.cycle,
            command_id=self.command_id,
            data={key: value for key, value in (data or {}).items() if value is not None},
        )
        self.events.append(event)
        if is_answer(event.type, actor.kind, event.data):
            self.ledger.meet(ClockName.CUSTOMER_WAIT, at)

    def remark(self, entry: RemarkEntry) -> None:
        """Append what another service has to say; nothing else changes."""
        remark = entry.remark
        self.command_id = entry.id
        self.write(remark.type, remark.at, SYSTEM, self.state.phase, remark.data, cycle=remark.cycle)
        self.command_id = None

    def take_batch(self) -> RecordRequest:
        """Everything since the last batch, for `record`: to be serialised before the ticket takes its next step."""
        changed = self.policy is not self._policy_recorded
        batch = RecordRequest(
            state=self.state,
            events=tuple(self.events),
            clocks=tuple(self.ledger.touched.values()),
            policy=self.policy if changed else None,
            unpromised=changed and self.policy is None,
        )
        self.events, self.ledger.touched, self._policy_recorded = [], {}, self.policy
        return batch

    def enter(self, schedule: Schedule) -> None:
        """Enter the instants that `record` computed."""
        apply_schedule(self.state, schedule)

    def stop_waiting(self, at: datetime, *reasons: WaitReason) -> bool:
        """End waits (all without `reasons`); answers whether there was one."""
        ending = set(reasons or WaitReason)
        kept = [wait for wait in self.state.waits if wait.reason not in ending]
        if len(kept) == len(self.state.waits):
            return False
        self.state.waited += [
            Segment(from_at=wait.since, to_at=at, reasons=(wait.reason,))
            for wait in self.state.waits
            if wait.reason in ending
        ]
        self.state.waits = kept
        if WaitReason.CUSTOMER in ending:
            self.drop_deadline(DeadlineName.INFORMATION_WAIT)
        self.ledger.sync_pauses(at)
        return True

    def set_deadline(self, name: DeadlineName, at: datetime, after: str, shares: tuple[float, ...] = ()) -> None:
        """Set or replace a deadline; `record` computes its instants."""
        self.drop_deadline(name)
        calendar = self.policy.calendar_of(self.state.department) if self.policy else None
        self.state.deadlines.append(Deadline(name=name, started_at=at, after=after, calendar=calendar, shares=shares))

    def drop_deadline(self, name: DeadlineName) -> None:
        """Forget a deadline."""
        self.state.deadlines = [deadline for deadline in self.state.deadlines if deadline.name is not name]

    def prioritise(self) -> None:
        """Compute the priority anew from urgency, tier and impact (product.md 4)."""
        state = self.state
        state.priority = priority_of(state.urgency, state.tier, state.affected_count)

    def tell_progress(self, at: datetime) -> None:
        """A person told the customer how it goes: the progress clock starts anew (14)."""
        if self.state.status is Status.PROCESSING:
            self.ledger.restart(ClockName.PROGRESS, at)

    def close(
        self,
        reason: CloseReason,
        at: datetime,
        actor: Actor,
        *,
        type_: EventType = EventType.CLOSED,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Close: clocks are cancelled with the reason (21) and the reopening window starts; a merged ticket ends."""
        before = self.state.phase
        self.ledger.cancel(ClockName, at, str(reason))
        self.state.waits, self.state.deadlines = [], []
        self.state.status, self.state.close_reason, self.state.closed_at = Status.CLOSED, reason, at
        if reason is CloseReason.MERGED:
            self.state.ended = True
        else:
            self.set_deadline(DeadlineName.REOPEN_WINDOW, at, self.settings.reopen_window)
        self.write(type_, at, actor, before, {"reason": str(reason), **(data or {})})

    def close_confirmed(self, at: datetime, actor: Actor, by: str, *, hand_over: int | None = None) -> None:
        """The customer said that the problem is gone; `by` names the evidence (invariant I8), `hand_over` who was given
        the link that it came by."""
        self.state.confirmed_at, self.state.confirmation = at, CallbackOutcome.SATISFIED
        self.close(CloseReason.CONFIRMED, at, actor, data={"confirmed_by": by, "hand_over": hand_over})

    def reopen(self, at: datetime, actor: Actor, cause: str) -> None:
        """Begin the next cycle with clocks of its own; the response clock is not armed again (20)."""
        before, state = self.state.phase, self.state
        self.ledger.cancel(ClockName, at, "reopened")
        state.cycle += 1
        state.deadlines, state.waits, state.waited, state.reopened_at = [], [], [], at
        state.plan, state.result, state.close_reason, state.closed_at = None, None, None, None
        state.resolved_at, state.confirmed_at, state.confirmation = None, None, None
        state.first_callback_satisfied = False
        forget_attempts(state)
        state.status = Status.PROCESSING if state.accepted_at else Status.PENDING
        self.ledger.start(ClockName.RESOLUTION, at)
        if state.status is Status.PENDING:
            self.ledger.start(ClockName.ACCEPTANCE, at)
        else:
            self.start_handling(at)
        self.write(EventType.REOPENED, at, actor, before, {"cause": cause})

    def start_handling(self, at: datetime) -> None:
        """Start the clocks of a cycle in which somebody handles the ticket."""
        self.ledger.start(ClockName.PROGRESS, at)
        if self.state.complex:
            self.ledger.start(ClockName.PLAN, at)

    def approve_plan(self, at: datetime, telling: Telling) -> None:
        """The plan stands: its clock is met, and the customer is told if something reaches them."""
        self.state.plan = PlanState.APPROVED
        self.ledger.meet(ClockName.PLAN, at)
        if telling.was_heard:
            self.tell_progress(at)


def instant(at: datetime | None) -> str | None:
    """An instant as event data."""
    return format_instant(at) if at else None


def system(life: Life) -> Actor:
    """The workflow itself as actor; a step of its own belongs to no command."""
    life.command_id = None
    return SYSTEM
