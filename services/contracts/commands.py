"""The commands on a ticket: what the API takes (`...Body`, with texts) and what decides (`Decision`, without).

A command's body is stored in PostgreSQL; its workflow receives the decision alone, so histories hold no free text
(architecture.md, "The ticket workflow" 2).
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, JsonValue, model_validator

from services.contracts.base import Code, Instant, Message, Text, Word
from services.contracts.feedback import Supplement
from services.contracts.journal import Actor
from services.contracts.policy import PolicySnapshot
from services.contracts.words import (
    CallbackChannel,
    CallbackClass,
    CallbackOutcome,
    Category,
    Cause,
    ClockName,
    CommandName,
    ComplaintLevel,
    Kind,
    Result,
    Urgency,
    WaitReason,
)

CoOwners = Annotated[tuple[str, ...], Field(max_length=20)]
Fields = Annotated[tuple[Code, ...], Field(min_length=1, max_length=40)]
Tags = Annotated[tuple[Word, ...], Field(max_length=20)]
UNREACHED = frozenset({CallbackOutcome.NOT_REACHED, CallbackOutcome.WRONG_NUMBER})
Score = Annotated[int, Field(ge=1, le=5)]


class Accept(Message):
    """受理: complete enough, classified and routed. What is left out stays as proposed."""

    kind: Kind | None = None
    category: Category | None = None
    subcategory: Word | None = None
    urgency: Urgency | None = None
    department: Code | None = None
    owner: str | None = None
    co_owners: CoOwners | None = None
    complex: bool | None = None


class RequestInformation(Message):
    """Ask the customer for what is missing."""

    fields: Fields


class RequestInformationBody(RequestInformation):
    """`message` goes to the customer."""

    message: Text


class SupplyInformation(Message):
    """What the customer owed; `complete` and `missing` are intake's answer to it."""

    fields: tuple[str, ...] = ()
    complete: bool = True
    missing: tuple[str, ...] = ()
    safety_risk: bool | None = None
    affected_count: int | None = None


class SupplyInformationBody(Supplement):
    """Fields of the feedback, a message, or both."""

    message: Text | None = None

    @model_validator(mode="after")
    def _say_something(self) -> "SupplyInformationBody":
        if not self.model_fields_set:
            raise ValueError("give a field of the feedback or a message")
        return self


class CustomerMessage(Message):
    """The customer wrote; a wait for the customer ends."""


class CustomerMessageBody(CustomerMessage):
    """The customer's words."""

    message: Text


class Assign(Message):
    """Hand to a department or an owner; clocks towards the customer keep running (semantics.md 16)."""

    department: Code | None = None
    owner: str | None = None
    co_owners: CoOwners | None = None

    @model_validator(mode="after")
    def _name_somebody(self) -> "Assign":
        if self.department is None and self.owner is None and self.co_owners is None:
            raise ValueError("give a department, an owner or co-owners")
        return self


class AssignBody(Assign):
    """`reason` is for the next owner."""

    reason: Text | None = None


class Respond(Message):
    """A customer-visible message by a person of the staff; the first one meets the response clock (semantics.md 13)."""


class RespondBody(Respond):
    """`message` goes to the customer."""

    message: Text


class Plan(Message):
    """处理方案. A complex one awaits the department head."""

    cause: Cause | None = None
    expected_at: Instant | None = None
    complex: bool | None = None


class PlanBody(Plan):
    """Steps as one text or a list of them."""

    steps: Annotated[tuple[Text, ...], Field(min_length=1, max_length=100)] | Text
    resources: Text | None = None


class ApprovePlan(Message):
    """The department head agrees; the customer is told."""


class ApprovePlanBody(ApprovePlan):
    """An internal note."""

    note: Text | None = None


class RejectPlan(Message):
    """The department head sends the plan back."""


class RejectPlanBody(RejectPlan):
    """Why."""

    reason: Text


class Progress(Message):
    """A dated note; a visible one goes to the customer and restarts the progress clock (semantics.md 14)."""

    visible: bool


class ProgressBody(Progress):
    """The note."""

    message: Text


class Wait(Message):
    """Handling stands still for a reason; it ends at `until`, with `resume`, or when the customer replies."""

    reason: WaitReason
    until: Instant | None = None


class WaitBody(Wait):
    """An internal note."""

    note: Text | None = None


class Resume(Message):
    """Every wait ends."""


class ResumeBody(Resume):
    """An internal note."""

    note: Text | None = None


class Resolve(Message):
    """处理结果."""

    result: Result
    cause: Cause | None = None
    verified_with_customer: bool | None = None


class ResolveBody(Resolve):
    """What was done. Partly resolved and unresolved need a reason."""

    summary: Text
    reason: Text | None = None
    resources: Text | None = None

    @model_validator(mode="after")
    def _give_the_reason(self) -> "ResolveBody":
        if self.result is not Result.RESOLVED and self.reason is None:
            raise ValueError("`reason` is required unless the result is resolved")
        return self


class CallbackAttempt(Message):
    """回访: one attempt and what it ended in."""

    outcome: CallbackOutcome
    channel: CallbackChannel
    called_at: Instant | None = None
    score: Score | None = None
    duration_seconds: int | None = Field(default=None, ge=0, le=86_400)
    classified_as: CallbackClass | None = None
    level: ComplaintLevel | None = None


class RecordCallback(CallbackAttempt):
    """`follow_up` is the ticket that a question left open has become."""

    follow_up: str | None = None


class RecordCallbackBody(CallbackAttempt):
    """What the customer said. `open_question` is what the call could not answer: it becomes a ticket of its own."""

    note: Text | None = None
    open_question: Text | None = None

    @model_validator(mode="after")
    def _have_reached_somebody(self) -> "RecordCallbackBody":
        if self.open_question is not None and self.outcome in UNREACHED:
            raise ValueError("nobody was reached who could have asked `open_question`")
        return self


class Confirm(Message):
    """客户确认: the customer's own click on their page."""


class Reopen(Message):
    """The next cycle begins."""


class ReopenBody(Reopen):
    """Why."""

    reason: Text


class CloseUnresolved(Message):
    """A supervisor closes without a solution."""

    reason_code: Word


class CloseUnresolvedBody(CloseUnresolved):
    """The filed reason."""

    reason: Text


class Withdraw(Message):
    """The customer takes the report back."""


class WithdrawBody(Withdraw):
    """Why, in the customer's words."""

    reason: Text | None = None


class Merge(Message):
    """The ticket is a copy of another; its clocks are cancelled, not met."""

    into: str


class Reclassify(Message):
    """Correct what the ticket is; clocks keep their start and get the new targets (semantics.md 17)."""

    kind: Kind | None = None
    category: Category | None = None
    subcategory: Word | None = None
    urgency: Urgency | None = None

    @model_validator(mode="after")
    def _change_something(self) -> "Reclassify":
        if not any((self.kind, self.category, self.subcategory, self.urgency)):
            raise ValueError("give a kind, category, subcategory or urgency")
        return self


class ReclassifyBody(Reclassify):
    """Why."""

    reason: Text | None = None


class ExplainBreach(Message):
    """The reason of a missed clock is noted."""

    clock: ClockName


class ExplainBreachBody(ExplainBreach):
    """Why it was missed."""

    reason: Text


class Chase(Message):
    """催办."""


class ChaseBody(Chase):
    """A word to the owner."""

    note: Text | None = None


class Tag(Message):
    """Put tags on and take them off."""

    add: Tags = ()
    remove: Tags = ()

    @model_validator(mode="after")
    def _change_something(self) -> "Tag":
        if not self.add and not self.remove:
            raise ValueError("give tags to add or to remove")
        return self


class Promise(Message):
    """A date promised to the customer by a person is sticky (semantics.md 18)."""

    respond_by: Instant | None = None
    resolve_by: Instant | None = None

    @model_validator(mode="after")
    def _promise_something(self) -> "Promise":
        if self.respond_by is None and self.resolve_by is None:
            raise ValueError("give respond_by or resolve_by")
        return self


class PromiseBody(Promise):
    """Why."""

    reason: Text


DECISIONS: Mapping[CommandName, type[Message]] = {
    CommandName.ACCEPT: Accept,
    CommandName.REQUEST_INFORMATION: RequestInformation,
    CommandName.SUPPLY_INFORMATION: SupplyInformation,
    CommandName.CUSTOMER_MESSAGE: CustomerMessage,
    CommandName.ASSIGN: Assign,
    CommandName.RESPOND: Respond,
    CommandName.PLAN: Plan,
    CommandName.APPROVE_PLAN: ApprovePlan,
    CommandName.REJECT_PLAN: RejectPlan,
    CommandName.PROGRESS: Progress,
    CommandName.WAIT: Wait,
    CommandName.RESUME: Resume,
    CommandName.RESOLVE: Resolve,
    CommandName.RECORD_CALLBACK: RecordCallback,
    CommandName.CONFIRM: Confirm,
    CommandName.REOPEN: Reopen,
    CommandName.CLOSE_UNRESOLVED: CloseUnresolved,
    CommandName.WITHDRAW: Withdraw,
    CommandName.MERGE: Merge,
    CommandName.RECLASSIFY: Reclassify,
    CommandName.EXPLAIN_BREACH: ExplainBreach,
    CommandName.CHASE: Chase,
    CommandName.TAG: Tag,
    CommandName.PROMISE: Promise,
}
"""What a ticket's workflow decides on."""

BODIES: Mapping[CommandName, type[Message]] = {
    CommandName.ACCEPT: Accept,
    CommandName.REQUEST_INFORMATION: RequestInformationBody,
    CommandName.SUPPLY_INFORMATION: SupplyInformationBody,
    CommandName.CUSTOMER_MESSAGE: CustomerMessageBody,
    CommandName.ASSIGN: AssignBody,
    CommandName.RESPOND: RespondBody,
    CommandName.PLAN: PlanBody,
    CommandName.APPROVE_PLAN: ApprovePlanBody,
    CommandName.REJECT_PLAN: RejectPlanBody,
    CommandName.PROGRESS: ProgressBody,
    CommandName.WAIT: WaitBody,
    CommandName.RESUME: ResumeBody,
    CommandName.RESOLVE: ResolveBody,
    CommandName.RECORD_CALLBACK: RecordCallbackBody,
    CommandName.REOPEN: ReopenBody,
    CommandName.CLOSE_UNRESOLVED: CloseUnresolvedBody,
    CommandName.WITHDRAW: WithdrawBody,
    CommandName.MERGE: Merge,
    CommandName.RECLASSIFY: ReclassifyBody,
    CommandName.EXPLAIN_BREACH: ExplainBreachBody,
    CommandName.CHASE: ChaseBody,
    CommandName.TAG: Tag,
    CommandName.PROMISE: PromiseBody,
}
"""What the API takes for each command; `confirm` has no body and comes from the customer's page alone."""


class Command(Message):
    """One Update of a ticket's workflow. `id` is the stored command's, and the Update's: a repeat changes nothing.

    `policy` comes with a command that classifies (accept): the first policy that applies from now on, None for none.
    """

    id: str
    name: CommandName
    actor: Actor
    decision: dict[str, JsonValue] = Field(default_factory=dict)
    policy: PolicySnapshot | None = None
    policy_chosen: bool = False
    """Whether `policy` was chosen anew for this command, none included; an acceptance always chooses."""
    expected_version: int | None = None


def decision_of(name: CommandName, body: Message) -> dict[str, JsonValue]:
    """What of a body decides: everything but its free texts."""
    decision = DECISIONS[name]
    values = body.model_dump(mode="json", include=set(decision.model_fields), exclude_none=True)
    return decision.model_validate(values).model_dump(mode="json", exclude_none=True)


class Outcome(Message):
    """The answer to an Update: the ticket's version when the effect was durable."""

    version: int
