"""A feedback as it arrives, and what intake tells the workflow service about it (api.md, POST /v1/feedback)."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from services.contracts.address import AddressInPart
from services.contracts.base import (
    Code,
    Email,
    Instant,
    InstantOrDate,
    Line,
    Message,
    Name,
    NothingIfUnseen,
    Text,
)
from services.contracts.durations import DurationText
from services.contracts.lines import has_address, one_line
from services.contracts.policy import PolicySnapshot
from services.contracts.vocabulary import (
    CallbackChannel,
    Category,
    Channel,
    ClockName,
    DesiredSolution,
    Kind,
    Priority,
    ServiceStage,
    Tier,
    Urgency,
)

Label = Annotated[
    Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None, NothingIfUnseen
]
"""What is printed on a thing or a card: one line, and nothing where nothing can be seen."""
Phone = Label
"""A phone as somebody wrote it, words and all; what is stored is spelled in one way, an extension as `;ext=801`."""
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=20)]


class Customer(Message):
    """The sender of the feedback, and how to reach them."""

    name: Name | None = None
    phone: Phone = None
    email: Email | None = None
    wechat_open_id: Label = None
    customer_no: Label = None
    tier: Tier | None = None


def stored_customer(values: Mapping[str, Any]) -> Customer:
    """Read a customer who was stored; a name from before names were names is left out where it is none."""
    name = one_line(values.get("name") or "")
    return Customer.model_validate({**values, "name": None if has_address(name) else name or None})


class Product(Message):
    """The product that the feedback is about."""

    model: Label = None
    serial_no: Label = None
    order_no: Label = None
    purchased_on: date | None = None


class Impact(Message):
    """The gravity of the trouble; a safety risk makes the ticket urgent whatever was stated."""

    safety_risk: bool = False
    affected_count: int = Field(default=1, ge=0, le=1_000_000_000)


class Feedback(Message):
    """The body of `POST /v1/feedback`."""

    channel: Channel
    language: Language = "zh-CN"
    customer: Customer = Customer()
    product: Product = Product()
    service_stage: ServiceStage = ServiceStage.AFTER_SALES
    kind: Kind | None = None
    category: Category | None = None
    urgency: Urgency | None = None
    description: Text
    occurred_at: Instant | None = None
    situation: Text | None = None
    already_tried: Text | None = None
    complaint_about: Name | None = None
    desired_solution: DesiredSolution | None = None
    expected_by: InstantOrDate | None = None
    impact: Impact = Impact()
    consent: bool | None = None


class Proposed(Message):
    """Classification proposed on arrival; `rule` says what it rests on."""

    kind: Kind
    category: Category
    urgency: Urgency
    priority: Priority
    rule: str


class FirstPromise(Message):
    """A clock that starts at receipt, with the instants computed when the feedback was accepted (invariant I11)."""

    clock: ClockName
    target: str
    due_at: Instant
    warn_at: tuple[Instant, ...] = ()
    calendar: Code
    calendar_version: int


class Registration(Message):
    """A ticket as the relay hands it to the workflow service: everything a ticket needs and no contact.

    `product` and `complaint_about` are shown on the ticket and stay in PostgreSQL; the workflow gets neither.
    """

    ticket_no: str
    received_at: Instant
    channel: Channel
    language: Language
    customer_id: str
    tier: Tier
    product: Product
    service_stage: ServiceStage
    kind: Kind
    category: Category
    urgency: Urgency
    priority: Priority
    affected_count: int
    safety_risk: bool
    complaint_about: Line | None = None
    complete: bool
    missing: tuple[str, ...] = ()
    policy: PolicySnapshot | None = None
    promises: tuple[FirstPromise, ...] = ()
    follows: str | None = None
    """The ticket that this one goes on from: closed for good, or its callback left a question."""
    response_target: DurationText | None = None
    """What the response is promised in, whatever the policy says."""


class CustomerView(Message):
    """A customer on a ticket; `masked` tells whether the contact is shortened (`138****8000`)."""

    id: str
    name: Line | None = None
    phone: str | None = None
    email: str | None = None
    wechat_open_id: str | None = None
    customer_no: str | None = None
    tier: Tier = Tier.STANDARD
    masked: bool = True
    unusable: tuple[str, ...] = Field(
        default=(), description="Contacts that cannot be one: kept as they were stated, and reaching nobody."
    )


class ShownCustomer(CustomerView):
    """A customer as intake tells the workflow service of them, who shows how they are reached beside them."""

    address: AddressInPart = AddressInPart()


class CustomerAsk(Message):
    """One line of the workflow service's question to intake: show this customer on that ticket, in full or masked."""

    ticket_no: str
    customer_id: str
    in_full: bool = False


class CustomerQuestion(Message):
    """`POST /internal/customers/show`: `reader` is written to the audit log for every line that is asked in full."""

    reader_kind: str
    reader_id: str
    request_id: str
    asks: Annotated[tuple[CustomerAsk, ...], Field(max_length=200)]


class OpenQuestion(Message):
    """`POST /internal/feedback/{ticket_no}/follow-ups`: what a callback could not answer becomes a consultation of the
    same customer, under the callback's id only once."""

    command_id: str
    question: Text
    channel: CallbackChannel
    response_target: DurationText


class Supplement(Message):
    """Fields of a feedback that the customer supplied later; the same shape, everything optional."""

    customer: Customer | None = None
    product: Product | None = None
    occurred_at: Instant | None = None
    situation: Text | None = None
    already_tried: Text | None = None
    complaint_about: Name | None = None
    desired_solution: DesiredSolution | None = None
    expected_by: InstantOrDate | None = None
    impact: Impact | None = None
    description: Text | None = None


class Supplemented(Message):
    """Intake's answer to a supplement: what is still missing, and the fields that tickets show."""

    complete: bool
    missing: tuple[str, ...]
    product: Product
    complaint_about: Line | None = None
    changed: tuple[str, ...]
