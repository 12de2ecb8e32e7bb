"""受理: what a ticket is, as a clerk confirms it and the customer completes it (product.md 3, steps 2 and 3)."""

from typing import Annotated

from pydantic import Field, model_validator

from services.contracts.asked_fields import AskedField
from services.contracts.base import Code, Message, Text, Unreadable, Word
from services.contracts.commands.receipt import Telling, Told
from services.contracts.feedback import Supplement
from services.contracts.vocabulary import Category, Kind, Urgency

CoOwners = Annotated[tuple[str, ...], Field(max_length=20)]
Fields = Annotated[tuple[Code, ...], Field(min_length=1, max_length=40)]
Tags = Annotated[tuple[Word, ...], Field(max_length=20)]


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


class RequestInformation(Telling):
    """Ask the customer for what is missing. Tickets of before there was a table of fields were asked for others."""

    fields: Fields


class RequestInformationBody(Told):
    """`message` goes to the customer, with each of the fields in words."""

    fields: Annotated[tuple[AskedField, ...], Field(min_length=1, max_length=40)]
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
            raise Unreadable(zh="请给出要补充的字段或留言", en="give a field of the feedback or a message")
        return self


class Reclassification(Message):
    """What the ticket is; what is left out stays."""

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


class Tag(Message):
    """Put tags on and take them off."""

    add: Tags = ()
    remove: Tags = ()

    @model_validator(mode="after")
    def _change_something(self) -> "Tag":
        if not self.add and not self.remove:
            raise Unreadable(zh="请给出要添加或移除的标签", en="give tags to add or to remove")
        return self
