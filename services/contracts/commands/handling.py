"""处理: who has the ticket, its plan, its waits and its resolution (product.md 3, steps 3 to 5)."""

from typing import Annotated

from pydantic import Field, model_validator

from services.contracts.base import Code, Instant, Message, Text, Unreadable
from services.contracts.commands.receipt import Telling, Told
from services.contracts.commands.review import CoOwners
from services.contracts.vocabulary import Cause, ClockName, Result, WaitReason


class Assignment(Message):
    """Who is to have the ticket; what is left out stays."""

    department: Code | None = None
    owner: str | None = Field(default=None, description="`null` takes the owner off; left out, they stay.")
    co_owners: CoOwners | None = None


class Assign(Assignment):
    """`owner_off` takes the owner off."""

    owner_off: bool = False


class AssignBody(Assignment):
    """Hand to a department or an owner, or take the owner off; clocks towards the customer keep running (semantics.md
    16). `reason` is for the next owner."""

    reason: Text | None = None

    @model_validator(mode="after")
    def _name_somebody(self) -> "AssignBody":
        if self.department is None and "owner" not in self.model_fields_set and self.co_owners is None:
            raise Unreadable(
                zh="请给出部门、负责人或协办人；owner 为 null 表示取消负责人",
                en="give a department, an owner or co-owners; `null` as the owner takes them off",
            )
        return self

    @property
    def takes_the_owner_off(self) -> bool:
        """Whether nobody is named as the owner on purpose."""
        return self.owner is None and "owner" in self.model_fields_set


class Proposed(Told):
    """处理方案. A complex one awaits the department head."""

    cause: Cause | None = None
    expected_at: Instant | None = None
    complex: bool | None = None


class Plan(Proposed, Telling):
    """The same, for the workflow."""


class PlanBody(Proposed):
    """Steps as one text or a list of them."""

    steps: Annotated[tuple[Text, ...], Field(min_length=1, max_length=100)] | Text
    resources: Text | None = None


class ApprovePlan(Telling):
    """The department head agrees; the customer is told."""


class ApprovePlanBody(Told):
    """An internal note."""

    note: Text | None = None


class RejectPlan(Message):
    """The department head sends the plan back."""


class RejectPlanBody(RejectPlan):
    """Why."""

    reason: Text


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
            raise Unreadable(
                zh="除非结果为已解决，否则必须填写 `reason`", en="`reason` is required unless the result is resolved"
            )
        return self


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
