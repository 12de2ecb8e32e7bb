"""What customers and staff say to each other, and the dates that a person promises."""

from pydantic import model_validator

from services.contracts.base import Instant, Message, Text, Unreadable
from services.contracts.commands.receipt import Telling, Told


class CustomerMessage(Message):
    """The customer wrote; a wait for the customer ends."""


class CustomerMessageBody(CustomerMessage):
    """The customer's words."""

    message: Text


class Respond(Telling):
    """A customer-visible message by a person of the staff; the first one meets the response clock (semantics.md 13)."""


class RespondBody(Told):
    """`message` goes to the customer."""

    message: Text


class Progress(Telling):
    """A dated note; a visible one goes to the customer and restarts the progress clock (semantics.md 14)."""

    visible: bool


class ProgressBody(Told):
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
