"""The ends of a ticket, its new beginning, and what a merge does to the ticket that is kept."""

from pydantic import Field

from services.contracts.base import Message, Text, Word
from services.contracts.copies import JoinedCopy


class Reopen(Message):
    """The next cycle begins."""


class ReopenBody(Reopen):
    """The reason."""

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
    """The reason, in the customer's words."""

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


class Confirm(Message):
    """客户确认: the customer's own click on their page. `hand_over` is the line of the audit log where staff were given
    the link that it came by."""

    hand_over: int | None = None
