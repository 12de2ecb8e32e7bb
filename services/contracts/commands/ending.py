"""回访: what was heard from the customer after the resolution, and how a ticket ends or begins anew (product.md 3,
steps 6 and 7)."""

from typing import Annotated

from pydantic import Field, model_validator

from services.contracts.base import Instant, Message, Text, Unreadable, Word
from services.contracts.copies import JoinedCopy
from services.contracts.vocabulary import CallbackChannel, CallbackClass, CallbackOutcome, ComplaintLevel

UNREACHED = frozenset({CallbackOutcome.NOT_REACHED, CallbackOutcome.WRONG_NUMBER})
Score = Annotated[int, Field(ge=1, le=5)]


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
    """What the customer said. `open_question` is what the call could not answer: it becomes a ticket of its own."""

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


class Confirm(Message):
    """客户确认: the customer's own click on their page. `hand_over` is the line of the audit log where staff were given
    the link that it came by."""

    hand_over: int | None = None


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
    """The ticket is a copy of another; its clocks are cancelled, not met. A closed one that takes it in opens again."""

    into: str
    other_customer: bool = Field(
        default=False, description="The kept ticket may be another customer's; this one's then stays informed of it."
    )


class Join(Message):
    """A copy was merged into this ticket. `others` are the reports of other customers that come with it."""

    copy_no: str
    others: tuple[JoinedCopy, ...] = ()
