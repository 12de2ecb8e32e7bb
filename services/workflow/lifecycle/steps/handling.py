"""The work: acceptance, plans, progress, waits, the resolution."""

from datetime import datetime

from services.contracts.commands.handling import Accept, ApprovePlan, Plan, Progress, RejectPlan, Resolve, Resume, Wait
from services.contracts.commands.update import Command
from services.contracts.journal import EventType
from services.contracts.policy import SecondCallbackFrom
from services.contracts.ticket import PlanState, Segment, Waiting
from services.contracts.vocabulary import ClockName, Kind, Status, WaitReason
from services.workflow.lifecycle.late_promises import start_late_promises
from services.workflow.lifecycle.life import IllegalCommand, Life, instant
from services.workflow.lifecycle.steps.classification import classification, classify, own, ownership
from services.workflow.lifecycle.transitions import WAITS


def accept(life: Life, command: Command, decision: Accept, now: datetime) -> None:
    """Take the ticket on: acceptance and asking are met, and the clocks of its handling start."""
    before, state = life.state.phase, life.state
    life.ledger.meet(ClockName.INFORMATION_REQUEST, now)
    life.ledger.meet(ClockName.ACCEPTANCE, now)
    life.stop_waiting(now)
    classify(life, decision)
    state.department = decision.department or state.department
    state.complex = state.complex if decision.complex is None else decision.complex
    state.status, state.accepted_at, state.accepted_by = Status.PROCESSING, now, command.actor.id
    life.ledger.retarget(command.policy, now)
    life.start_handling(now)
    start_late_promises(life, now)
    named = own(life, decision, now)
    life.write(EventType.ACCEPTED, now, command.actor, before, classification(life))
    if named:
        life.write(EventType.ASSIGNED, now, command.actor, state.phase, ownership(life))


def plan(life: Life, command: Command, decision: Plan, now: datetime) -> None:
    """Propose a plan; one that is not complex stands at once."""
    before, state = life.state.phase, life.state
    if decision.complex is not None:
        state.complex = decision.complex
    state.cause = decision.cause or state.cause
    if state.complex:
        state.plan = PlanState.PROPOSED
        if life.ledger.live(ClockName.PLAN) is None:
            life.ledger.start(ClockName.PLAN, now, round_=state.version + 1)
    else:
        life.approve_plan(now, decision)
    data = {"complex": state.complex, "cause": decision.cause, "expected_at": instant(decision.expected_at)}
    life.write(EventType.PLANNED, now, command.actor, before, data | decision.evidence)


def progress(life: Life, command: Command, decision: Progress, now: datetime) -> None:
    """Note progress; what the customer hears starts its clock anew (14)."""
    before = life.state.phase
    if decision.visible and decision.was_heard:
        life.tell_progress(now)
    data = {"visible": decision.visible, **decision.evidence}
    life.write(EventType.PROGRESSED, now, command.actor, before, data)


def wait(life: Life, command: Command, decision: Wait, now: datetime) -> None:
    """Wait for somebody or something; once resolved, for an appointment (9)."""
    before, state = life.state.phase, life.state
    if decision.reason not in WAITS.get(state.status, frozenset()):
        raise IllegalCommand(state, f"a {state.status} ticket does not wait for {decision.reason}")
    if state.status is Status.RESOLVED:
        _appoint(life, decision, now)
    else:
        _note_earlier_wait(life, decision.reason, now)
        state.waits.append(Waiting(reason=decision.reason, since=now, until=decision.until))
        life.ledger.sync_pauses(now)
    data = {"reason": decision.reason, "until": instant(decision.until)}
    life.write(EventType.WAITING, now, command.actor, before, data)


def resume(life: Life, command: Command, _: Resume, now: datetime) -> None:
    """End every wait."""
    before = life.state.phase
    life.stop_waiting(now)
    life.write(EventType.RESUMED, now, command.actor, before)


def resolve(life: Life, command: Command, decision: Resolve, now: datetime) -> None:
    """Say that the problem is solved: a callback is owed now."""
    before, state = life.state.phase, life.state
    life.ledger.meet(ClockName.RESPONSE, now)
    life.ledger.meet(ClockName.RESOLUTION, now)
    life.ledger.cancel((ClockName.PLAN, ClockName.PROGRESS), now, "resolved")
    life.stop_waiting(now)
    state.status, state.resolved_at, state.result = Status.RESOLVED, now, decision.result
    state.responded_at = state.responded_at or now
    state.cause = decision.cause or state.cause
    life.ledger.start(ClockName.CALLBACK, now)
    if state.kind is Kind.COMPLAINT and life.settings.second_callback_from is SecondCallbackFrom.RESOLUTION:
        life.ledger.start(ClockName.SECOND_CALLBACK, now)
    data = {
        "result": decision.result,
        "cause": decision.cause,
        "verified_with_customer": decision.verified_with_customer,
    }
    life.write(EventType.RESOLVED, now, command.actor, before, data)


def approve_plan(life: Life, command: Command, decision: ApprovePlan, now: datetime) -> None:
    """Let a complex plan stand."""
    before = life.state.phase
    life.approve_plan(now, decision)
    life.write(EventType.PLAN_APPROVED, now, command.actor, before, decision.evidence)


def reject_plan(life: Life, command: Command, _: RejectPlan, now: datetime) -> None:
    """Send a complex plan back; its clock runs on."""
    before = life.state.phase
    life.state.plan = PlanState.REJECTED
    life.write(EventType.PLAN_REJECTED, now, command.actor, before)


def _note_earlier_wait(life: Life, reason: WaitReason, now: datetime) -> None:
    """Waiting again for the same reason is one wait with the new end; the ledger of the wait so far is kept."""
    state = life.state
    state.waited += [
        Segment(from_at=wait.since, to_at=now, reasons=(reason,)) for wait in state.waits if wait.reason is reason
    ]
    state.waits = [wait for wait in state.waits if wait.reason is not reason]


def _appoint(life: Life, decision: Wait, now: datetime) -> None:
    """The customer asked for an appointment: the callback is due at its end (semantics.md 9)."""
    if decision.until:
        life.ledger.promise(life.state.awaited_callback, decision.until, now)
