"""Every command on a ticket: its group, what the API takes for it, and what its workflow decides on."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import JsonValue

from services.contracts.base import Message
from services.contracts.commands import arrangement, conversation, ending, handling
from services.contracts.vocabulary import CommandName


class CommandGroup(StrEnum):
    """Commands that belong together: a module wherever commands are told apart, and a part of the ticket's page."""

    CONVERSATION = "conversation"
    HANDLING = "handling"
    ARRANGEMENT = "arrangement"
    ENDING = "ending"


TABLE: Mapping[CommandGroup, Mapping[CommandName, tuple[type[Message], type[Message] | None]]] = {
    CommandGroup.CONVERSATION: {
        CommandName.RESPOND: (conversation.Respond, conversation.RespondBody),
        CommandName.REQUEST_INFORMATION: (conversation.RequestInformation, conversation.RequestInformationBody),
        CommandName.CUSTOMER_MESSAGE: (conversation.CustomerMessage, conversation.CustomerMessageBody),
        CommandName.SUPPLY_INFORMATION: (conversation.SupplyInformation, conversation.SupplyInformationBody),
    },
    CommandGroup.HANDLING: {
        CommandName.ACCEPT: (handling.Accept, handling.Accept),
        CommandName.PLAN: (handling.Plan, handling.PlanBody),
        CommandName.PROGRESS: (handling.Progress, handling.ProgressBody),
        CommandName.WAIT: (handling.Wait, handling.WaitBody),
        CommandName.RESUME: (handling.Resume, handling.ResumeBody),
        CommandName.RESOLVE: (handling.Resolve, handling.ResolveBody),
        CommandName.APPROVE_PLAN: (handling.ApprovePlan, handling.ApprovePlanBody),
        CommandName.REJECT_PLAN: (handling.RejectPlan, handling.RejectPlanBody),
        CommandName.RECORD_CALLBACK: (handling.RecordCallback, handling.RecordCallbackBody),
    },
    CommandGroup.ARRANGEMENT: {
        CommandName.ASSIGN: (arrangement.Assign, arrangement.AssignBody),
        CommandName.RECLASSIFY: (arrangement.Reclassify, arrangement.ReclassifyBody),
        CommandName.PROMISE: (arrangement.Promise, arrangement.PromiseBody),
        CommandName.CHASE: (arrangement.Chase, arrangement.ChaseBody),
        CommandName.TAG: (arrangement.Tag, arrangement.Tag),
        CommandName.EXPLAIN_BREACH: (arrangement.ExplainBreach, arrangement.ExplainBreachBody),
    },
    CommandGroup.ENDING: {
        CommandName.REOPEN: (ending.Reopen, ending.ReopenBody),
        CommandName.CLOSE_UNRESOLVED: (ending.CloseUnresolved, ending.CloseUnresolvedBody),
        CommandName.WITHDRAW: (ending.Withdraw, ending.WithdrawBody),
        CommandName.MERGE: (ending.Merge, ending.Merge),
        CommandName.CONFIRM: (ending.Confirm, None),
        CommandName.JOIN: (ending.Join, None),
    },
}
"""For each command what decides, and what the API takes: `confirm` has no body and comes from the customer's page
alone, `join` from a merge."""

HELD_BY_A_MISSED_CLOCK = frozenset({CommandName.RESPOND, CommandName.PLAN, CommandName.PROGRESS, CommandName.WAIT,
                                    CommandName.RESUME, CommandName.RESOLVE})  # fmt: skip
"""The steps of handling: an owner who missed a clock notes the reason before the next of them (product.md 5)."""

_ROWS = {name: row for rows in TABLE.values() for name, row in rows.items()}

DECISIONS: Mapping[CommandName, type[Message]] = {name: _ROWS[name][0] for name in CommandName}
BODIES: Mapping[CommandName, type[Message]] = {name: body for name in CommandName if (body := _ROWS[name][1])}


def decision_of(name: CommandName, body: Message) -> dict[str, JsonValue]:
    """The decision in a body: everything but its free texts."""
    decision = DECISIONS[name]
    values = body.model_dump(mode="json", include=set(decision.model_fields), exclude_none=True)
    return decision.model_validate(values).model_dump(mode="json", exclude_none=True)
