"""Bodies of intake's endpoints (api.md)."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.contracts.accused import is_about
from services.contracts.address import ContactReader, Revealed
from services.contracts.base import Email, Instant, InstantOrDate, Line, Message, Name, Sought, Unreadable
from services.contracts.commands.arrangement import Tags
from services.contracts.durations import DurationText
from services.contracts.feedback import Customer, Feedback, Impact, Label, Phone, Product, Proposed, Supplement
from services.contracts.page import Page
from services.contracts.vocabulary import (
    CallbackChannel,
    Category,
    Channel,
    DesiredSolution,
    Kind,
    Phase,
    ServiceStage,
    Status,
    Tier,
    Urgency,
)
from services.runtime.security.auth import Caller

ClockTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Promised(Message):
    """Until when the customer may expect what; null where the policy promises nothing."""

    accept_by: Instant | None = None
    respond_by: Instant | None = None


class Links(Message):
    """The customer's own page of the ticket, without a sign-in."""

    ticket: str


class Registered(Message):
    """The answer to a registered feedback. `missing` names what review will ask for, `unusable` the contacts that
    cannot be one and were kept as they were stated, because there is another."""

    ticket_no: str
    status: Status = Status.PENDING
    phase: Phase = Phase.REVIEW
    received_at: Instant
    complete: bool
    missing: tuple[str, ...]
    unusable: tuple[str, ...] = ()
    proposed: Proposed
    promised: Promised
    links: Links


class Successor(Feedback):
    """A customer's report about a ticket that can no longer be reopened; never a public body."""

    follows: str


class FollowUp(Successor):
    """A question that a callback left open, as a feedback of the same customer."""

    response_target: DurationText


class Sender(Customer):
    """The customer as stated in a feedback; `masked` tells whether the contact is shortened, `unusable` which contacts
    cannot be one."""

    id: str
    name: Line | None = None
    email: str | None = None
    masked: bool
    unusable: tuple[str, ...] = ()


class Supplied(Supplement):
    """A later supplement of the customer."""

    customer: Sender | None = None
    situation: str | None = None
    already_tried: str | None = None
    complaint_about: Line | None = None
    description: str | None = None
    supplied_at: Instant


class Reader(Message):
    """The person who read, or did, something."""

    kind: str
    id: str


class LinkRevocation(Message):
    """A customer's link was ended; all that were made before are dead."""

    at: Instant
    by: Reader


class FeedbackView(Message):
    """A feedback as it arrived, and beside it what was supplied later."""

    ticket_no: str
    received_at: Instant
    channel: Channel
    language: str
    customer: Sender
    product: Product
    service_stage: ServiceStage
    kind: Kind | None = None
    category: Category | None = None
    urgency: Urgency | None = None
    description: str | None = Field(description="As are the other texts, null without the right to read notes.")
    occurred_at: Instant | None = None
    situation: str | None = None
    already_tried: str | None = None
    complaint_about: Line | None = None
    desired_solution: DesiredSolution | None = None
    expected_by: InstantOrDate | None = None
    impact: Impact
    consent: bool | None = None
    complete: bool
    missing: tuple[str, ...]
    proposed: Proposed
    supplements: tuple[Supplied, ...] = ()
    link_revocations: tuple[LinkRevocation, ...] = Field(
        default=(), description="Who ended the customer's link, newest first."
    )
    follows: str | None = Field(
        default=None,
        description="The ticket that this one goes on from: closed for good, or its callback left a question.",
    )


class PreferredHours(Message):
    """Hours in which the customer likes to be called, by the business time zone."""

    from_: ClockTime = Field(alias="from")
    until: ClockTime

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)

    @model_validator(mode="after")
    def _end_after_the_start(self) -> "PreferredHours":
        if self.until <= self.from_:
            raise Unreadable(zh="`until` 必须晚于 `from`", en="`until` must be later than `from`")
        return self


class PastTicket(Message):
    """One line of a customer's history; its state is the workflow service's to tell."""

    ticket_no: str
    received_at: Instant
    channel: Channel
    kind: Kind
    category: Category
    product: Product


class CustomerSummary(Message):
    """A customer in a list, always shortened: open the profile to see more."""

    id: str
    name: Line | None = None
    phone: str | None = None
    email: str | None = None
    wechat_open_id: str | None = None
    customer_no: str | None = None
    tier: Tier
    masked: bool = True


class CustomerProfile(CustomerSummary):
    """A customer and their tickets, as far as the caller may read those."""

    tags: tuple[str, ...] = ()
    preferred_channel: CallbackChannel | None = None
    preferred_hours: PreferredHours | None = None
    do_not_call: bool = False
    created_at: Instant
    updated_at: Instant
    tickets: tuple[PastTicket, ...] = ()


class CustomerChange(Message):
    """The body of `PATCH /v1/customers/{id}`: what is left out stays, null clears."""

    name: Name | None = None
    phone: Phone = None
    email: Email | None = None
    wechat_open_id: Label = None
    customer_no: Label = None
    tier: Tier | None = None
    tags: Tags | None = None
    preferred_channel: CallbackChannel | None = None
    preferred_hours: PreferredHours | None = None
    do_not_call: bool | None = None


class CustomerSearch(Message):
    """The body of `POST /v1/customers/search`: a customer number, a name, or digits of a phone."""

    q: Sought
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = None


class CustomerPage(Page[CustomerSummary]):
    """A page of customers."""


class HandedLink(Message):
    """A customer's link, for whoever is to hand it to them; the audit log says to whom it was given."""

    link: str
    at: Instant
    by: Reader


class ContactReading(Message):
    """One line of the audit log: a contact was shown in full, or a customer's link handed over, or a whole contact
    looked up (`what`)."""

    id: str
    at: Instant
    reader: Reader
    what: Revealed
    customer_id: str | None = Field(description="Null where a contact was looked up that nobody has.")
    ticket_no: str | None = None
    request_id: str


class ContactReadingPage(Page[ContactReading]):
    """A page of the audit log, newest first."""


class SupplementCommand(Message):
    """The body of `POST /internal/feedback/{ticket_no}/supplement`; a repeat of `command_id` changes nothing."""

    command_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    supplement: Supplement


class Wanted(Message):
    """The body of `POST /internal/customers/find`. `contacts`: the asker's caller reads some contacts in full;
    `looked_up_by`: they may look whole ones up."""

    q: Sought
    contacts: bool = False
    looked_up_by: ContactReader | None = None


class SearchMatches(Message):
    """Customers and tickets that a text may mean; the asker decides which of them its caller may see.

    `customer_ids` have it as their number or whole contact, tickets of `shown_on` show it in their contact or
    name, and it is written in those of `ticket_nos`.
    """

    customer_ids: tuple[str, ...]
    shown_on: tuple[str, ...] = ()
    ticket_nos: tuple[str, ...]


class TicketAccess(BaseModel):
    """A ticket as the workflow service tells of it, so that permissions can be asked."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ticket_no: str
    department: str | None = None
    owner: str | None = None
    co_owners: tuple[str, ...] = ()
    complaint_about: str | None = None
    phase: Phase = Phase.REVIEW

    def is_work_of(self, caller: Caller) -> bool:
        """Whether the caller handles the ticket, or the complaint is about them."""
        named = {caller.id, caller.name, caller.username}
        about = self.complaint_about is not None and is_about(self.complaint_about, named)
        return about or caller.id in {self.owner, *self.co_owners}
