"""What customers and staff say to each other, and the dates that a person promises."""

from pydantic import model_validator

from services.contracts.base import Instant, Message, Text, Unreadable


class CustomerMessage(Message):
    """The customer wrote; a wait for the customer ends."""


class CustomerMessageBody(CustomerMessage):
    """The customer's words."""

    message: Text


class Respond(Message):
    """A customer-visible message by a person of the staff; the first one meets the response clock (semantics.md 13)."""


class RespondBody(Respond):
    """`message` goes to the customer."""

    message: Text


class Progress(Message):
    """A dated note; a visible one goes to the customer and restarts the progress clock (semantics.md 14)."""

    visible: bool


class ProgressBody(Progress):
    """The note."""

    message: Text


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
    """Why."""

    reason: Text
