"""Classification and people of a ticket, as several commands enter them."""

from datetime import datetime
from typing import Any

from services.contracts.commands.arrangement import Assign, Reclassify
from services.contracts.commands.handling import Accept
from services.contracts.commands.update import Command
from services.workflow.lifecycle.late_promises import start_late_promises
from services.workflow.lifecycle.life import Life


def classify(life: Life, decision: Accept | Reclassify) -> None:
    state = life.state
    state.kind, state.category = decision.kind or state.kind, decision.category or state.category
    state.subcategory, state.urgency = decision.subcategory or state.subcategory, decision.urgency or state.urgency
    life.prioritise()


def own(life: Life, decision: Accept | Assign, now: datetime) -> bool:
    """Enter owner and co-owners; answers whether a person was named."""
    state = life.state
    if decision.owner is None and decision.co_owners is None:
        return False
    state.owner, state.assigned_at = decision.owner or state.owner, now
    if decision.co_owners is not None:
        state.co_owners = tuple(dict.fromkeys(decision.co_owners))
    return True


def retarget(life: Life, command: Command, now: datetime) -> None:
    """The ticket is another than it was: new targets from the old starts on (17), by the policy that was chosen for it
    anew, if one was."""
    life.ledger.retarget(command.policy if command.policy_chosen else life.policy, now)
    if command.policy_chosen:
        start_late_promises(life, now)


def classification(life: Life) -> dict[str, Any]:
    state = life.state
    return {
        "kind": state.kind,
        "category": state.category,
        "subcategory": state.subcategory,
        "urgency": state.urgency,
        "priority": state.priority,
        "department": state.department,
        "policy": life.policy_name,
    }


def ownership(life: Life) -> dict[str, Any]:
    return {"department": life.state.department, "owner": life.state.owner, "co_owners": list(life.state.co_owners)}
