"""The ends of a ticket, its new beginning, and a merge as the kept ticket has it."""

from datetime import datetime

from services.contracts.commands.ending import CloseUnresolved, Confirm, Join, Merge, Reopen, Withdraw
from services.contracts.commands.update import Command
from services.contracts.journal import EventType
from services.contracts.vocabulary import CloseReason, Status
from services.workflow.lifecycle.life import Life


def reopen(life: Life, command: Command, _: Reopen, now: datetime) -> None:
    """Begin another cycle (20)."""
    life.reopen(now, command.actor, "requested")


def close_unresolved(life: Life, command: Command, decision: CloseUnresolved, now: datetime) -> None:
    """Close what cannot be solved."""
    life.close(CloseReason.UNRESOLVED, now, command.actor, data={"reason_code": decision.reason_code})


def withdraw(life: Life, command: Command, _: Withdraw, now: datetime) -> None:
    """Close because the customer withdraws it."""
    life.close(CloseReason.WITHDRAWN, now, command.actor, type_=EventType.WITHDRAWN)


def merge(life: Life, command: Command, decision: Merge, now: datetime) -> None:
    """End the ticket in favour of another."""
    life.state.merged_into = decision.into
    data = {"into": decision.into, "other_customer": decision.other_customer or None}
    life.close(CloseReason.MERGED, now, command.actor, type_=EventType.MERGED, data=data)


def join(life: Life, command: Command, decision: Join, now: datetime) -> None:
    """Take in a copy; one that comes to a closed ticket opens it again. A copy that is here already changes nothing."""
    state = life.state
    if decision.copy_no in state.copies:
        return
    if state.status is Status.CLOSED:
        life.reopen(now, command.actor, "merged")
    state.copies = (*state.copies, decision.copy_no)
    state.joined = (*state.joined, *decision.others)
    data = {"copy": decision.copy_no, "other_customer": any(it.ticket_no == decision.copy_no for it in decision.others)}
    life.write(EventType.COPY_JOINED, now, command.actor, state.phase, data)


def confirm(life: Life, command: Command, decision: Confirm, now: datetime) -> None:
    """Close because the customer says that the problem is gone."""
    life.close_confirmed(now, command.actor, "customer", hand_over=decision.hand_over)
