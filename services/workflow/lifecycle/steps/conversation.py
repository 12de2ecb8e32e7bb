"""Steps of the conversation: messages of customers and staff, and what is missing."""

from datetime import datetime

from services.contracts.commands.conversation import CustomerMessage, RequestInformation, Respond, SupplyInformation
from services.contracts.commands.update import Command
from services.contracts.journal import EventType
from services.contracts.ticket import DeadlineName, Waiting
from services.contracts.vocabulary import ClockName, Urgency, WaitReason
from services.workflow.lifecycle.life import Life
from services.workflow.lifecycle.steps.classification import retarget


def respond(life: Life, command: Command, decision: Respond, now: datetime) -> None:
    """Answer the customer; the first answer by a person meets the response (13), if the customer hears it."""
    before, state, heard = life.state.phase, life.state, decision.was_heard
    data = {"first": heard and state.responded_at is None, **decision.evidence}
    if heard:
        state.responded_at = state.responded_at or now
        life.ledger.meet(ClockName.RESPONSE, now)
        life.tell_progress(now)
    life.write(EventType.RESPONDED, now, command.actor, before, data)


def request_information(life: Life, command: Command, decision: RequestInformation, now: datetime) -> None:
    """Ask the customer for what is missing, and wait for it. Who was asked in vain owes no answer."""
    before = life.state.phase
    if decision.was_heard:
        _wait_for_the_customer(life, now)
    data = {"fields": list(decision.fields), **decision.evidence}
    life.write(EventType.INFORMATION_REQUESTED, now, command.actor, before, data)


def customer_message(life: Life, command: Command, _: CustomerMessage, now: datetime) -> None:
    """Enter what the customer wrote: a wait for them ends, and theirs begins (15)."""
    before = life.state.phase
    resumed = life.stop_waiting(now, WaitReason.CUSTOMER)
    if life.ledger.live(ClockName.CUSTOMER_WAIT) is None:
        life.ledger.start(ClockName.CUSTOMER_WAIT, now, round_=life.state.version + 1)
    life.write(EventType.CUSTOMER_MESSAGE, now, command.actor, before, {"resumed": resumed})


def supply_information(life: Life, command: Command, decision: SupplyInformation, now: datetime) -> None:
    """Enter what the customer owed; what the ticket is may be another now."""
    before, state = life.state.phase, life.state
    state.complete, state.missing = decision.complete, decision.missing
    life.stop_waiting(now, WaitReason.CUSTOMER)
    if decision.affected_count is not None:
        state.affected_count = decision.affected_count
    if decision.safety_risk and not state.safety_risk:
        state.safety_risk, state.urgency = True, Urgency.URGENT
    life.prioritise()
    retarget(life, command, now)
    data = {"fields": list(decision.fields), "complete": decision.complete}
    life.write(EventType.INFORMATION_SUPPLIED, now, command.actor, before, data)


def _wait_for_the_customer(life: Life, now: datetime) -> None:
    life.ledger.meet(ClockName.INFORMATION_REQUEST, now)
    if not life.state.is_waiting_for(WaitReason.CUSTOMER):
        life.state.waits.append(Waiting(reason=WaitReason.CUSTOMER, since=now))
    life.ledger.sync_pauses(now)
    settings = life.settings
    life.set_deadline(
        DeadlineName.INFORMATION_WAIT, now, settings.information_wait, tuple(settings.information_reminders)
    )
