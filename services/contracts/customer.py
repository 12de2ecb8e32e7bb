"""A customer's view of their own ticket, and their commands, through their signed link (product.md 2 and 3)."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints

from services.contracts.base import Instant, Message, Nothing
from services.contracts.basis import Basis
from services.contracts.commands.conversation import CustomerMessageBody, SupplyInformationBody
from services.contracts.commands.ending import ReopenBody, WithdrawBody
from services.contracts.feedback import Product
from services.contracts.journal import EventType
from services.contracts.vocabulary import (
    ClockName,
    ClockState,
    CloseReason,
    CommandName,
    Kind,
    Phase,
    Result,
    WaitReason,
)

CUSTOMER_COMMANDS: Mapping[CommandName, type[Message]] = {
    CommandName.SUPPLY_INFORMATION: SupplyInformationBody,
    CommandName.CUSTOMER_MESSAGE: CustomerMessageBody,
    CommandName.CONFIRM: Nothing,
    CommandName.REOPEN: ReopenBody,
    CommandName.WITHDRAW: WithdrawBody,
}
"""The commands of the customer's own page, with what each takes."""


class CustomerPromise(Message):
    """One promise in force. `due_at` is None while it is paused (semantics.md 7)."""

    clock: ClockName
    state: ClockState
    due_at: Instant | None
    paused_reasons: tuple[WaitReason, ...]


class CustomerStep(Message):
    """One step that concerns the customer. `text` is what was written to them or by them, never an internal note."""

    seq: int
    type: EventType
    at: Instant
    by_customer: bool
    text: str | None = None
    codes: dict[str, JsonValue] = Field(default_factory=dict)


class UnansweredQuestion(Message):
    """The latest question to the customer that they have not answered."""

    fields: tuple[str, ...]
    at: Instant
    message: str | None = None


class KeptTicket(Message):
    """Progress of another customer's ticket that this one's was merged into: nothing that is theirs alone."""

    ticket_no: str
    phase: Phase
    closed_at: Instant | None
    steps: tuple[CustomerStep, ...]
    """Since the merge, oldest first."""


class CustomerTicket(Message):
    """A ticket for its customer: no names of staff, no department, no note."""

    ticket_no: str
    version: int
    phase: Phase
    cycle: int
    kind: Kind
    language: str
    customer_id: str
    product: Product
    opened_at: Instant
    accepted_at: Instant | None
    resolved_at: Instant | None
    closed_at: Instant | None
    result: Result | None
    close_reason: CloseReason | None
    merged_into: str | None
    kept: KeptTicket | None = None
    missing: tuple[str, ...]
    asked: UnansweredQuestion | None
    waiting_for: tuple[WaitReason, ...]
    promises: tuple[CustomerPromise, ...]
    steps: tuple[CustomerStep, ...]
    """The latest ones, oldest first."""
    allowed: tuple[CommandName, ...]
    reopen_until: Instant | None
    basis: Basis
    """What the page's forms are drawn from."""


class CustomerCommand(Message):
    """One command of the customer. `key` was made with the form: a repeat under it changes nothing. `basis` is what the
    form was drawn from; without it the command is meant for the ticket as it is now. `hand_over` is where the audit log
    says who was given the link that it came by, if staff were."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    body: dict[str, JsonValue] = Field(default_factory=dict)
    basis: Basis | None = None
    hand_over: int | None = None
