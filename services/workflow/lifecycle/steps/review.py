"""From the receipt on: what is missing, what the ticket is, and whose it is."""

from datetime import datetime
from typing import Any

from services.contracts import commands
from services.contracts.commands import Command
from services.contracts.journal import EventType
from services.contracts.ticket import DeadlineName, Waiting
from services.contracts.vocabulary import ClockName, Status, Urgency, WaitReason
from services.workflow.lifecycle.late_promises import start_late_promises
from services.workflow.lifecycle.life import Life


def accept(life: Life, command: Command, decision: commands.Accept, now: datetime) -> None:
    """Take the ticket on: acceptance and asking are met, and the clocks of its handling start."""
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


def request_information(life: Life, command: Command, decision: commands.RequestInformation, now: datetime) -> None:
    """Ask the customer for what is missing, and wait for it. Who was asked in vain owes no answer."""
    before = life.state.phase
    if life.is_heard(decision):
        _wait_for_the_customer(life, now)
    data = {"fields": list(decision.fields), **life.evidence(decision)}
    life.write(EventType.INFORMATION_REQUESTED, now, command.actor, before, data)


def supply_information(life: Life, command: Command, decision: commands.SupplyInformation, now: datetime) -> None:
    """Enter what the customer owed; what the ticket is may be another now."""
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


def customer_message(life: Life, command: Command, _: commands.CustomerMessage, now: datetime) -> None:
    """Enter what the customer wrote: a wait for them ends, and theirs begins (15)."""
    before = life.state.phase
    resumed = life.stop_waiting(now, WaitReason.CUSTOMER)
    if life.ledger.live(ClockName.CUSTOMER_WAIT) is None:
        life.ledger.start(ClockName.CUSTOMER_WAIT, now, round_=life.state.version + 1)
    life.write(EventType.CUSTOMER_MESSAGE, now, command.actor, before, {"resumed": resumed})


def assign(life: Life, command: Command, decision: commands.Assign, now: datetime) -> None:
    """Give the ticket to a department, a person, or both."""
    before, state = life.state.phase, life.state
    if decision.department not in {None, state.department}:
        # The old department's people do not follow; who is named below belongs to the new one.
        state.department, state.owner, state.co_owners = decision.department, None, ()
    state.department_named = state.department_named or decision.department is not None
    if decision.owner_off:
        state.owner = None
    _own(life, decision, now)
    state.assigned_at = now
    if command.policy_chosen:
        _retarget(life, command, now)
    data = {**_ownership(life), "policy": _policy(life) if command.policy_chosen else None}
    life.write(EventType.ASSIGNED, now, command.actor, before, data)


def reclassify(life: Life, command: Command, decision: commands.Reclassify, now: datetime) -> None:
    """Correct what the ticket is."""
    before = life.state.phase
    _classify(life, decision)
    life.state.department = decision.department or life.state.department
    _retarget(life, command, now)
    life.write(EventType.RECLASSIFIED, now, command.actor, before, _classification(life))


def _wait_for_the_customer(life: Life, now: datetime) -> None:
    life.ledger.meet(ClockName.INFORMATION_REQUEST, now)
    if not life.state.is_waiting_for(WaitReason.CUSTOMER):
        life.state.waits.append(Waiting(reason=WaitReason.CUSTOMER, since=now))
    life.ledger.sync_pauses(now)
    settings = life.settings
    life.set_deadline(
        DeadlineName.INFORMATION_WAIT, now, settings.information_wait, tuple(settings.information_reminders)
    )


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


def _ownership(life: Life) -> dict[str, Any]:
    return {"department": life.state.department, "owner": life.state.owner, "co_owners": list(life.state.co_owners)}


def _policy(life: Life) -> str | None:
    return f"{life.policy.id}@{life.policy.version}" if life.policy else None
