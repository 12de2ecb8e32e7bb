"""Commands that arrange a ticket: whose it is, what it is, and notes about it."""

from typing import Annotated

from pydantic import Field, model_validator

from services.contracts.base import Code, Instant, Message, Text, Unreadable, Word
from services.contracts.vocabulary import Category, ClockName, Kind, Urgency

CoOwners = Annotated[tuple[str, ...], Field(max_length=20)]
Tags = Annotated[tuple[Word, ...], Field(max_length=20)]


class Assignment(Message):
    """A ticket's new department and people; what is left out stays."""

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


class Reclassification(Message):
    """A ticket's new classification; what is left out stays."""

    kind: Kind | None = None
    category: Category | None = None
    subcategory: Word | None = None
    urgency: Urgency | None = None

    @model_validator(mode="after")
    def _change_something(self) -> "Reclassification":
        if not any((self.kind, self.category, self.subcategory, self.urgency)):
            raise Unreadable(
                zh="请给出类型、类别、子类别或紧急程度", en="give a kind, category, subcategory or urgency"
            )
        return self


class Reclassify(Reclassification):
    """`department` is where a ticket goes that nobody has taken on yet and that is another than it seemed."""

    department: Code | None = None


class ReclassifyBody(Reclassification):
    """Correct what the ticket is; clocks keep their start and get the new targets (semantics.md 17). `reason` says
    why."""

    reason: Text | None = None


class Promise(Message):
    """A date promised to the customer by a person is sticky (semantics.md 18)."""

    respond_by: Instant | None = None
    resolve_by: Instant | None = None

    @model_validator(mode="after")
    def _promise_something(self) -> "Promise":
        if self.respond_by is None and self.resolve_by is None:
            raise Unreadable(zh="请给出 respond_by 或 resolve_by", en="give respond_by or resolve_by")
        return self


class PromiseBody(Promise):
    """The reason."""

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
            raise Unreadable(zh="请给出要添加或移除的标签", en="give tags to add or to remove")
        return self


class ExplainBreach(Message):
    """The reason of a missed clock is noted."""

    clock: ClockName


class ExplainBreachBody(ExplainBreach):
    """The reason that a clock was missed."""

    reason: Text
