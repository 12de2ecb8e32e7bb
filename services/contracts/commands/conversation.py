"""Commands of the conversation: messages of customers and staff, and what staff ask for."""

from typing import Annotated

from pydantic import Field, model_validator

from services.contracts.asked_fields import AskedField
from services.contracts.base import Code, Message, Text, Unreadable
from services.contracts.commands.receipt import CustomerTold, Telling
from services.contracts.feedback import Supplement

Fields = Annotated[tuple[Code, ...], Field(min_length=1, max_length=40)]


class Respond(Telling):
    """A customer-visible message by a person of the staff; the first one meets the response clock (semantics.md 13)."""


class RespondBody(CustomerTold):
    """`message` goes to the customer."""

    message: Text


class RequestInformation(Telling):
    """Ask the customer for what is missing. Tickets of before there was a table of fields were asked for others."""

    fields: Fields


class RequestInformationBody(CustomerTold):
    """`message` goes to the customer, with each of the fields in words."""

    fields: Annotated[tuple[AskedField, ...], Field(min_length=1, max_length=40)]
    message: Text


class CustomerMessage(Message):
    """The customer wrote; a wait for the customer ends."""


class CustomerMessageBody(CustomerMessage):
    """The customer's words."""

    message: Text


class SupplyInformation(Message):
    """Information that the customer owed; `complete` and `missing` are intake's answer to it."""

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
