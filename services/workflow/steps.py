"""What each command does to a ticket (product.md section 3): one function a command, all legal when they are called."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from services.contracts import commands
from services.contracts.commands import UNREACHED, Command
from services.contracts.durations import parse_duration
from services.contracts.journal import EventType
from services.contracts.policy import PolicySettings, SecondCallbackFrom
from services.contracts.ticket import DeadlineName, PlanState, Segment, Waiting
from services.contracts.words import (
    CallbackOutcome,
    ClockName,
    CloseReason,
    CommandName,
    Kind,
    Phase,
    Status,
    Urgency,
    WaitReason,
)
from services.workflow.late_promises import start_late_promises
from services.workflow.life import IllegalCommand, Life, instant, system
from services.workflow.lifecycle import WAITS

UNHAPPY = frozenset({CallbackOutcome.DISSATISFIED, CallbackOutcome.RESIDUAL_ISSUE})


def take(life: Life, command: Command, now: datetime) -> None:
    """Carry out a command.

    Raises:
        IllegalCommand: nothing was changed.
    """
    life.check(command.name, command.actor)
    decision = commands.DECISIONS[command.name].model_validate(command.decision)
    life.command_id = command.id
    try:
        _STEPS[command.name](life, command, decision, now)
    finally:
        life.command_id = None


def _accept(life: Life, command: Command, decision: commands.Accept, now: datetime) -> None:
    before, state = life.state.phase, life.state
    life.ledger.meet(ClockName.INFORMATION_REQUEST, now)
    life.ledger.meet(ClockName.ACCEPTANCE, now)
    life.stop_waiting(now)
    _classify(life, decision)
    state.department = decision.department or state.department
    state.complex = state.complex if decision.complex is None else decision.complex
    state.status, state.accepted_at, state.accepted_by = Status.PROCESSING, now, command.actor.id
    life.ledger.retarget(command.policy, now)
    life.start_handling(now)
    start_late_promises(life, now)
    named = _own(life, decision, now)
    life.write(EventType.ACCEPTED, now, command.actor, before, _classification(life))
    if named:
        life.write(EventType.ASSIGNED, now, command.actor, state.phase, _ownership(life))


def _request_information(life: Life, command: Command, decision: commands.RequestInformation, now: datetime) -> None:
    before = life.state.phase
    life.ledger.meet(ClockName.INFORMATION_REQUEST, now)
    if not life.state.is_waiting_for(WaitReason.CUSTOMER):
        life.state.waits.append(Waiting(reason=WaitReason.CUSTOMER, since=now))
    life.ledger.sync_pauses(now)
    settings = _settings(life)
    life.set_deadline(
        DeadlineName.INFORMATION_WAIT, now, settings.information_wait, tuple(settings.information_reminders)
    )
    life.write(EventType.INFORMATION_REQUESTED, now, command.actor, before, {"fields": list(decision.fields)})


def _supply_information(life: Life, command: Command, decision: commands.SupplyInformation, now: datetime) -> None:
    before, state = life.state.phase, life.state
    state.complete, state.missing = decision.complete, decision.missing
    life.stop_waiting(now, WaitReason.CUSTOMER)
    if decision.affected_count is not None:
        state.affected_count = decision.affected_count
    if decision.safety_risk and not state.safety_risk:
        state.safety_risk, state.urgency = True, Urgency.URGENT
    life.prioritise()
    _retarget(life, command, now)
    data = {"fields": list(decision.fields), "complete": decision.complete}
    life.write(EventType.INFORMATION_SUPPLIED, now, command.actor, before, data)


def _customer_message(life: Life, command: Command, _: commands.CustomerMessage, now: datetime) -> None:
    before = life.state.phase
    resumed = life.stop_waiting(now, WaitReason.CUSTOMER)
    if life.ledger.live(ClockName.CUSTOMER_WAIT) is None:
        life.ledger.start(ClockName.CUSTOMER_WAIT, now, round_=life.state.version + 1)
    life.write(EventType.CUSTOMER_MESSAGE, now, command.actor, before, {"resumed": resumed})


def _assign(life: Life, command: Command, decision: commands.Assign, now: datetime) -> None:
    before, state = life.state.phase, life.state
    if decision.department not in {None, state.department}:
        # The old department's people do not follow; who is named below belongs to the new one.
        state.department, state.owner, state.co_owners = decision.department, None, ()
    _own(life, decision, now)
    state.assigned_at = now
    if command.policy_chosen:
        _retarget(life, command, now)
    data = {**_ownership(life), "policy": _policy(life) if command.policy_chosen else None}
    life.write(EventType.ASSIGNED, now, command.actor, before, data)


def _respond(life: Life, command: Command, _: commands.Respond, now: datetime) -> None:
    before = life.state.phase
    first = life.state.responded_at is None
    life.state.responded_at = life.state.responded_at or now
    life.ledger.meet(ClockName.RESPONSE, now)
    life.tell_customer(now)
    life.write(EventType.RESPONDED, now, command.actor, before, {"first": first})


def _plan(life: Life, command: Command, decision: commands.Plan, now: datetime) -> None:
    before, state = life.state.phase, life.state
    if decision.complex is not None:
        state.complex = decision.complex
    state.cause = decision.cause or state.cause
    if state.complex:
        state.plan = PlanState.PROPOSED
        if life.ledger.live(ClockName.PLAN) is None:
            life.ledger.start(ClockName.PLAN, now, round_=state.version + 1)
    else:
        life.approve_plan(now)
    data = {"complex": state.complex, "cause": decision.cause, "expected_at": instant(decision.expected_at)}
    life.write(EventType.PLANNED, now, command.actor, before, data)


def _approve_plan(life: Life, command: Command, _: commands.ApprovePlan, now: datetime) -> None:
    before = life.state.phase
    life.approve_plan(now)
    life.write(EventType.PLAN_APPROVED, now, command.actor, before)


def _reject_plan(life: Life, command: Command, _: commands.RejectPlan, now: datetime) -> None:
    before = life.state.phase
    life.state.plan = PlanState.REJECTED
    life.write(EventType.PLAN_REJECTED, now, command.actor, before)


def _progress(life: Life, command: Command, decision: commands.Progress, now: datetime) -> None:
    before = life.state.phase
    if decision.visible:
        life.tell_customer(now)
    life.write(EventType.PROGRESSED, now, command.actor, before, {"visible": decision.visible})


def _wait(life: Life, command: Command, decision: commands.Wait, now: datetime) -> None:
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


def _resume(life: Life, command: Command, _: commands.Resume, now: datetime) -> None:
    before = life.state.phase
    life.stop_waiting(now)
    life.write(EventType.RESUMED, now, command.actor, before)


def _resolve(life: Life, command: Command, decision: commands.Resolve, now: datetime) -> None:
    before, state = life.state.phase, life.state
    life.ledger.meet(ClockName.RESPONSE, now)
    life.ledger.meet(ClockName.CUSTOMER_WAIT, now)
    life.ledger.meet(ClockName.RESOLUTION, now)
    life.ledger.cancel((ClockName.PLAN, ClockName.PROGRESS), now, "resolved")
    life.stop_waiting(now)
    state.status, state.resolved_at, state.result = Status.RESOLVED, now, decision.result
    state.responded_at = state.responded_at or now
    state.cause = decision.cause or state.cause
    life.ledger.start(ClockName.CALLBACK, now)
    if state.kind is Kind.COMPLAINT and _settings(life).second_callback_from is SecondCallbackFrom.RESOLUTION:
        life.ledger.start(ClockName.SECOND_CALLBACK, now)
    data = {
        "result": decision.result,
        "cause": decision.cause,
        "verified_with_customer": decision.verified_with_customer,
    }
    life.write(EventType.RESOLVED, now, command.actor, before, data)


def _record_callback(life: Life, command: Command, decision: commands.RecordCallback, now: datetime) -> None:
    before, state = life.state.phase, life.state
    clock = ClockName.SECOND_CALLBACK if before is Phase.AWAITING_SECOND_CALLBACK else ClockName.CALLBACK
    met = life.ledger.meet(clock, now)
    state.callback_attempts += 1
    attempt = state.callback_attempts
    goes_on = decision.outcome is CallbackOutcome.SATISFIED and clock is ClockName.CALLBACK and _needs_second(life)
    if goes_on:
        state.first_callback_satisfied, state.callback_attempts = True, 0
        if life.ledger.live(ClockName.SECOND_CALLBACK) is None:
            life.ledger.start(ClockName.SECOND_CALLBACK, now)
    again = decision.outcome in UNREACHED and attempt < _settings(life).callback_attempts
    if again:
        life.ledger.start(
            clock, now, round_=(met.round if met else attempt) + 1, target=_settings(life).callback_retry_after
        )
    state.confirmation = decision.outcome
    if decision.follow_up is not None:
        state.followed_by = (*state.followed_by, decision.follow_up)
    data = {**decision.model_dump(mode="json"), "attempt": attempt, "recorded_late": _is_late(life, decision, now)}
    life.write(EventType.CALLBACK_RECORDED, now, command.actor, before, data)
    if not goes_on and not again:
        _conclude(life, command, decision.outcome, now)


def _conclude(life: Life, command: Command, outcome: CallbackOutcome, now: datetime) -> None:
    """A callback that leaves nothing open: closed, or back to work."""
    if outcome is CallbackOutcome.SATISFIED:
        life.close_confirmed(now, command.actor, "callback")
    elif outcome in UNHAPPY:
        life.reopen(now, command.actor, str(outcome))
    elif outcome is CallbackOutcome.REFUSED:
        life.close(CloseReason.CALLBACK_REFUSED, now, system(life))
    else:
        life.close(CloseReason.NOT_REACHED, now, system(life))


def _confirm(life: Life, command: Command, _: commands.Confirm, now: datetime) -> None:
    life.close_confirmed(now, command.actor, "customer")


def _reopen(life: Life, command: Command, _: commands.Reopen, now: datetime) -> None:
    life.reopen(now, command.actor, "requested")


def _close_unresolved(life: Life, command: Command, decision: commands.CloseUnresolved, now: datetime) -> None:
    life.close(CloseReason.UNRESOLVED, now, command.actor, data={"reason_code": decision.reason_code})


def _withdraw(life: Life, command: Command, _: commands.Withdraw, now: datetime) -> None:
    life.close(CloseReason.WITHDRAWN, now, command.actor, type_=EventType.WITHDRAWN)


def _merge(life: Life, command: Command, decision: commands.Merge, now: datetime) -> None:
    life.state.merged_into = decision.into
    life.close(CloseReason.MERGED, now, command.actor, type_=EventType.MERGED, data={"into": decision.into})


def _reclassify(life: Life, command: Command, decision: commands.Reclassify, now: datetime) -> None:
    before = life.state.phase
    _classify(life, decision)
    _retarget(life, command, now)
    life.write(EventType.RECLASSIFIED, now, command.actor, before, _classification(life))


def _explain_breach(life: Life, command: Command, decision: commands.ExplainBreach, now: datetime) -> None:
    key = life.ledger.explain(decision.clock)
    if key is None:
        raise IllegalCommand(life.state, f"no unexplained breach of {decision.clock}")
    _, cycle, round_ = key.split("/")
    data = {"clock": decision.clock, "cycle": int(cycle), "round": int(round_)}
    life.write(EventType.CLOCK_EXPLAINED, now, command.actor, life.state.phase, data)


def _chase(life: Life, command: Command, _: commands.Chase, now: datetime) -> None:
    life.write(EventType.CHASED, now, command.actor, life.state.phase, {"owner": life.state.owner})


def _tag(life: Life, command: Command, decision: commands.Tag, now: datetime) -> None:
    kept = [tag for tag in life.state.tags if tag not in decision.remove]
    life.state.tags = tuple(dict.fromkeys([*kept, *decision.add]))
    data = {"add": list(decision.add), "remove": list(decision.remove)}
    life.write(EventType.TAGGED, now, command.actor, life.state.phase, data)


def _promise(life: Life, command: Command, decision: commands.Promise, now: datetime) -> None:
    if decision.respond_by:
        _promise_response(life, decision.respond_by, now)
    if decision.resolve_by:
        life.ledger.promise(ClockName.RESOLUTION, decision.resolve_by, now)
    data = {"respond_by": instant(decision.respond_by), "resolve_by": instant(decision.resolve_by)}
    life.write(EventType.PROMISED, now, command.actor, life.state.phase, data)


def _classify(life: Life, decision: commands.Accept | commands.Reclassify) -> None:
    state = life.state
    state.kind, state.category = decision.kind or state.kind, decision.category or state.category
    state.subcategory, state.urgency = decision.subcategory or state.subcategory, decision.urgency or state.urgency
    life.prioritise()


def _own(life: Life, decision: commands.Accept | commands.Assign, now: datetime) -> bool:
    """Enter owner and co-owners; answers whether a person was named."""
    state = life.state
    if decision.owner is None and decision.co_owners is None:
        return False
    state.owner, state.assigned_at = decision.owner or state.owner, now
    if decision.co_owners is not None:
        state.co_owners = tuple(dict.fromkeys(decision.co_owners))
    return True


def _retarget(life: Life, command: Command, now: datetime) -> None:
    """The ticket is another than it was: new targets from the old starts on (17), by the policy that was chosen for it
    anew, if one was."""
    life.ledger.retarget(command.policy if command.policy_chosen else life.policy, now)
    if command.policy_chosen:
        start_late_promises(life, now)


def _promise_response(life: Life, date: datetime, now: datetime) -> None:
    """An answer that was given needs no date any more."""
    if life.state.responded_at is None or life.ledger.live(ClockName.RESPONSE):
        life.ledger.promise(ClockName.RESPONSE, date, now)


def _note_earlier_wait(life: Life, reason: WaitReason, now: datetime) -> None:
    """Waiting again for the same reason is one wait with the new end; the ledger of the wait so far is kept."""
    state = life.state
    state.waited += [
        Segment(from_at=wait.since, to_at=now, reasons=(reason,)) for wait in state.waits if wait.reason is reason
    ]
    state.waits = [wait for wait in state.waits if wait.reason is not reason]


def _appoint(life: Life, decision: commands.Wait, now: datetime) -> None:
    """The customer asked for an appointment: the callback is due at its end (semantics.md 9)."""
    clock = ClockName.SECOND_CALLBACK if life.state.first_callback_satisfied else ClockName.CALLBACK
    if decision.until:
        life.ledger.promise(clock, decision.until, now)


def _is_late(life: Life, decision: commands.RecordCallback, now: datetime) -> bool | None:
    """Whether the callback was recorded later after the call than it should be; None where nobody said when that was.

    The clock is met by the record all the same: the call's own instant is what somebody says, not what was seen.
    """
    if decision.called_at is None:
        return None
    return now - decision.called_at > parse_duration(_settings(life).callback_record_within).length


def _needs_second(life: Life) -> bool:
    return life.state.kind is Kind.COMPLAINT


def _settings(life: Life) -> PolicySettings:
    return life.policy.settings if life.policy else PolicySettings()


def _classification(life: Life) -> dict[str, Any]:
    state = life.state
    return {
        "kind": state.kind,
        "category": state.category,
        "subcategory": state.subcategory,
        "urgency": state.urgency,
        "priority": state.priority,
        "department": state.department,
        "policy": _policy(life),
    }


def _policy(life: Life) -> str | None:
    return f"{life.policy.id}@{life.policy.version}" if life.policy else None


def _ownership(life: Life) -> dict[str, Any]:
    return {"department": life.state.department, "owner": life.state.owner, "co_owners": list(life.state.co_owners)}


_STEPS: Mapping[CommandName, Callable[[Life, Command, Any, datetime], None]] = {
    CommandName.ACCEPT: _accept,
    CommandName.REQUEST_INFORMATION: _request_information,
    CommandName.SUPPLY_INFORMATION: _supply_information,
    CommandName.CUSTOMER_MESSAGE: _customer_message,
    CommandName.ASSIGN: _assign,
    CommandName.RESPOND: _respond,
    CommandName.PLAN: _plan,
    CommandName.APPROVE_PLAN: _approve_plan,
    CommandName.REJECT_PLAN: _reject_plan,
    CommandName.PROGRESS: _progress,
    CommandName.WAIT: _wait,
    CommandName.RESUME: _resume,
    CommandName.RESOLVE: _resolve,
    CommandName.RECORD_CALLBACK: _record_callback,
    CommandName.CONFIRM: _confirm,
    CommandName.REOPEN: _reopen,
    CommandName.CLOSE_UNRESOLVED: _close_unresolved,
    CommandName.WITHDRAW: _withdraw,
    CommandName.MERGE: _merge,
    CommandName.RECLASSIFY: _reclassify,
    CommandName.EXPLAIN_BREACH: _explain_breach,
    CommandName.CHASE: _chase,
    CommandName.TAG: _tag,
    CommandName.PROMISE: _promise,
}
