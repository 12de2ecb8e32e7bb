"""The work on a ticket: acceptance, plan, progress, waits, resolution, callback (product.md 3, steps 2 to 6)."""

from typing import Annotated

from pydantic import Field, model_validator

from services.contracts.base import Code, Instant, Message, Text, Unreadable, Word
from services.contracts.commands.arrangement import CoOwners
from services.contracts.commands.receipt import CustomerTold, Telling
from services.contracts.vocabulary import (
    CallbackChannel,
    CallbackClass,
    CallbackOutcome,
    Category,
    Cause,
    ComplaintLevel,
    Kind,
    Result,
    Urgency,
    WaitReason,
)

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


class ProposedPlan(CustomerTold):
    """处理方案. A complex one awaits the department head."""

    cause: Cause | None = None
    expected_at: Instant | None = None
    complex: bool | None = None


class Plan(ProposedPlan, Telling):
    """The same, for the workflow."""


class PlanBody(ProposedPlan):
    """Steps as one text or a list of them."""

    steps: Annotated[tuple[Text, ...], Field(min_length=1, max_length=100)] | Text
    resources: Text | None = None


class Progress(Telling):
    """A dated note; a visible one goes to the customer and restarts the progress clock (semantics.md 14)."""

    visible: bool


class ProgressBody(CustomerTold):
    """The note; only a visible one is told to the customer, `told_by` included."""

    message: Text
    visible: bool

    @model_validator(mode="after")
    def _tell_what_is_visible(self) -> "ProgressBody":
        if self.told_by is not None and not self.visible:
            raise Unreadable(
                zh="仅内部可见的进度没有告知客户，不能填写 `told_by`",
                en="an internal note is told to nobody: leave `told_by` out or make it visible",
            )
        return self


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
    """The result of the handling. Partly resolved and unresolved need a reason."""

    summary: Text
    reason: Text | None = None
    resources: Text | None = None

    @model_validator(mode="after")
    def _give_the_reason(self) -> "ResolveBody":
        if self.result is not Result.RESOLVED and self.reason is None:
            raise Unreadable(
                zh="除非结果为已解决，否则必须填写 `reason`", en="`reason` is required unless the result is resolved"
            )
        return self


class ApprovePlan(Telling):
    """The department head agrees; the customer is told."""


class ApprovePlanBody(CustomerTold):
    """An internal note."""

    note: Text | None = None


class RejectPlan(Message):
    """The department head sends the plan back."""


class RejectPlanBody(RejectPlan):
    """The reason."""

    reason: Text


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
    """`follow_up` is the ticket that a question left open has become.

    Of a vain attempt: `next_counts_from` is the beginning of the next working day, and `customer_channels` are those by
    which the customer can be reached.
    """

    follow_up: str | None = None
    next_counts_from: Instant | None = None
    customer_channels: tuple[CallbackChannel, ...] = ()


class RecordCallbackBody(CallbackAttempt):
    """The customer's answers in a callback. `open_question`, which the call could not answer, becomes a ticket."""

    note: Text | None = None
    open_question: Text | None = None

    @model_validator(mode="after")
    def _have_reached_somebody(self) -> "RecordCallbackBody":
        if self.open_question is not None and self.outcome in UNREACHED:
            raise Unreadable(
                zh="未联系上客户，不能填写 `open_question`",
                en="nobody was reached who could have asked `open_question`",
            )
        return self
