"""Bodies of the endpoints of webhooks."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints
from sqlalchemy import RowMapping

from services.contracts.base import Code, Instant, Line, Message
from services.contracts.changes import NotNull, WithoutRepeats
from services.contracts.journal import EventType
from services.contracts.page import Page
from services.notify.webhooks.states import DeliveryState, DisabledReason

LONGEST_URL = 2_000
TEST_TYPE = "webhook.test"


Url = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_URL)]
Types = Annotated[tuple[EventType, ...], Field(max_length=100), WithoutRepeats]
Description = Annotated[Line, StringConstraints(max_length=200)]


class NewWebhook(Message):
    """A webhook to be made. Without types it gets every event, without a department those of all tickets."""

    url: Url
    description: Description = ""
    types: Types = ()
    department: Code | None = None
    active: bool = True


class WebhookChange(Message):
    """Changes of a webhook."""

    url: Annotated[Url | None, NotNull] = None
    description: Annotated[Description | None, NotNull] = None
    types: Annotated[Types | None, NotNull] = None
    department: Code | None = None
    active: Annotated[bool | None, NotNull] = None


class WebhookView(Message):
    """A webhook as lists show it, with how many deliveries wait and how many were given up."""

    id: str
    version: int
    url: str
    description: Line
    types: tuple[EventType, ...]
    department: str | None
    active: bool
    disabled_reason: DisabledReason | None
    rests_until: Instant | None = Field(description="Nothing is sent before: nobody answered, or the receiver asked.")
    pending: int
    exhausted: int
    created_at: Instant
    updated_at: Instant


class IssuedWebhook(WebhookView):
    """A webhook with the secret that was just drawn: no other answer holds it."""

    secret: str = Field(description="For the receiver, which checks signatures with it: `whsec_...`.")


class WebhookPage(Page[WebhookView]):
    """One page of webhooks, in the order in which they were made."""


class Attempt(Message):
    """One try: what the receiver answered, or why there was no answer."""

    at: Instant
    status: int | None
    error: str | None
    duration_ms: int


class DeliveryView(Message):
    """One event on its way to one receiver; `event_id` is the receiver's `webhook-id`."""

    id: str
    event_id: str
    type: str
    ticket_no: str | None
    seq: int | None
    occurred_at: Instant
    data: dict[str, JsonValue]
    state: DeliveryState
    attempts: tuple[Attempt, ...]
    created_at: Instant
    delivered_at: Instant | None
    next_try_at: Instant | None = Field(description="Of the ticket's first waiting delivery; the others wait for it.")


class DeliveryPage(Page[DeliveryView]):
    """One page of deliveries, the newest first."""


class DeliveryFilters(Message):
    """Filters of a list of deliveries."""

    state: list[DeliveryState] = Field(default_factory=list)
    ticket_no: Annotated[str | None, Field(max_length=100)] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(max_length=1000)] = None


class Redelivery(Message):
    """Deliveries to send again: one, whatever became of it, or all since an instant that did not arrive."""

    delivery_id: Annotated[str, Field(max_length=100)] | None = None
    since: Instant | None = None


class Redelivered(Message):
    """The number of deliveries that go again; with `more`, ask again for the rest."""

    count: int
    more: bool


def webhook_view(row: RowMapping) -> WebhookView:
    """A row of `store.shown` as the API shows it."""
    return WebhookView.model_validate({name: row[name] for name in WebhookView.model_fields})


def delivery_view(row: RowMapping, next_try_at: datetime | None) -> DeliveryView:
    """A row of deliveries as the API shows it."""
    own = {name: row[name] for name in DeliveryView.model_fields if name != "next_try_at"}
    waits = row["state"] == DeliveryState.PENDING
    return DeliveryView.model_validate({**own, "next_try_at": next_try_at if waits else None})
