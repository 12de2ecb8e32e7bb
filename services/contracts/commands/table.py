"""Every command on a ticket with what the API takes for it and what its workflow decides on."""

from collections.abc import Mapping

from pydantic import JsonValue

from services.contracts.base import Message
from services.contracts.commands import conversation, ending, handling, review
from services.contracts.vocabulary import CommandName

DECISIONS: Mapping[CommandName, type[Message]] = {
    CommandName.ACCEPT: review.Accept,
    CommandName.REQUEST_INFORMATION: review.RequestInformation,
    CommandName.SUPPLY_INFORMATION: review.SupplyInformation,
    CommandName.CUSTOMER_MESSAGE: conversation.CustomerMessage,
    CommandName.ASSIGN: handling.Assign,
    CommandName.RESPOND: conversation.Respond,
    CommandName.PLAN: handling.Plan,
    CommandName.APPROVE_PLAN: handling.ApprovePlan,
    CommandName.REJECT_PLAN: handling.RejectPlan,
    CommandName.PROGRESS: conversation.Progress,
    CommandName.WAIT: handling.Wait,
    CommandName.RESUME: handling.Resume,
    CommandName.RESOLVE: handling.Resolve,
    CommandName.RECORD_CALLBACK: ending.RecordCallback,
    CommandName.CONFIRM: ending.Confirm,
    CommandName.REOPEN: ending.Reopen,
    CommandName.CLOSE_UNRESOLVED: ending.CloseUnresolved,
    CommandName.WITHDRAW: ending.Withdraw,
    CommandName.MERGE: ending.Merge,
    CommandName.JOIN: ending.Join,
    CommandName.RECLASSIFY: review.Reclassify,
    CommandName.EXPLAIN_BREACH: handling.ExplainBreach,
    CommandName.CHASE: handling.Chase,
    CommandName.TAG: review.Tag,
    CommandName.PROMISE: conversation.Promise,
}
"""What a ticket's workflow decides on."""

BODIES: Mapping[CommandName, type[Message]] = {
    CommandName.ACCEPT: review.Accept,
    CommandName.REQUEST_INFORMATION: review.RequestInformationBody,
    CommandName.SUPPLY_INFORMATION: review.SupplyInformationBody,
    CommandName.CUSTOMER_MESSAGE: conversation.CustomerMessageBody,
    CommandName.ASSIGN: handling.AssignBody,
    CommandName.RESPOND: conversation.RespondBody,
    CommandName.PLAN: handling.PlanBody,
    CommandName.APPROVE_PLAN: handling.ApprovePlanBody,
    CommandName.REJECT_PLAN: handling.RejectPlanBody,
    CommandName.PROGRESS: conversation.ProgressBody,
    CommandName.WAIT: handling.WaitBody,
    CommandName.RESUME: handling.ResumeBody,
    CommandName.RESOLVE: handling.ResolveBody,
    CommandName.RECORD_CALLBACK: ending.RecordCallbackBody,
    CommandName.REOPEN: ending.ReopenBody,
    CommandName.CLOSE_UNRESOLVED: ending.CloseUnresolvedBody,
    CommandName.WITHDRAW: ending.WithdrawBody,
    CommandName.MERGE: ending.Merge,
    CommandName.RECLASSIFY: review.ReclassifyBody,
    CommandName.EXPLAIN_BREACH: handling.ExplainBreachBody,
    CommandName.CHASE: handling.ChaseBody,
    CommandName.TAG: review.Tag,
    CommandName.PROMISE: conversation.PromiseBody,
}
"""What the API takes for each command; `confirm` has no body and comes from the customer's page alone, `join` from
a merge."""


def decision_of(name: CommandName, body: Message) -> dict[str, JsonValue]:
    """What of a body decides: everything but its free texts."""
    decision = DECISIONS[name]
    values = body.model_dump(mode="json", include=set(decision.model_fields), exclude_none=True)
    return decision.model_validate(values).model_dump(mode="json", exclude_none=True)
