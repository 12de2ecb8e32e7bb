"""The feed of the journal as the services follow it: each event with its texts and what is known of its ticket."""

from pydantic import Field, JsonValue

from services.contracts.base import Code, Instant, Message
from services.contracts.copies import JoinedCopy
from services.contracts.journal import Event, EventType
from services.contracts.page import Page
from services.contracts.vocabulary import (
    Category,
    Channel,
    ClockState,
    CloseReason,
    CommandName,
    Kind,
    Phase,
    Priority,
    Urgency,
)


class TicketFacts(Message):
    """A ticket in identifiers and codes, as it is when the feed is read; `version` tells the newer of two."""

    ticket_no: str
    version: int
    phase: Phase
    cycle: int
    kind: Kind
    category: Category
    urgency: Urgency
    priority: Priority
    channel: Channel
    language: str
    department: Code | None
    owner: str | None
    co_owners: tuple[str, ...]
    complaint_about: str | None
    """The id of the member of staff that the complaint is about (投诉对象), where it could be told."""
    customer_id: str
    product_model: str | None
    opened_at: Instant
    resolved_at: Instant | None = None
    closed_at: Instant | None
    close_reason: CloseReason | None
    reopened: bool
    """Whether the ticket was ever reopened: then it was not solved the first time (semantics.md 28)."""
    policy: Code | None
    calendar: Code | None = None
    """The calendar by which the policy promises: when whoever has no hours of their own is reached."""
    questionnaire: Code | None
    survey_reminder_after: str | None
    survey_expires_after: str | None
    live_clocks: dict[str, ClockState]
    """The clocks that are neither met nor cancelled, by their key `name/cycle/round`: what is not here has ended."""
    excused_until: dict[str, Instant] = Field(default_factory=dict)
    """Of breached clocks that a change of promises would have spared, by their key: the due time that excuses them."""
    joined: tuple[JoinedCopy, ...] = ()
    """Reports of other customers that were merged into the ticket: they hear how it goes on."""
    promised: dict[str, Instant]
    """Due instants of the running clocks, by the clock's name: what a notice may promise."""


class TicketEvent(Message):
    """One event. `command` and `body` are the command that caused it, with its free texts: never for a history."""

    ticket_no: str
    event: Event
    recorded_at: Instant
    command: CommandName | None = None
    body: dict[str, JsonValue] = Field(default_factory=dict)
    ticket: TicketFacts


class EventPage(Page[TicketEvent]):
    """A page of the feed; `next_cursor` is where to go on, also from a page without items."""


class Remark(Message):
    """Another service's remark in a ticket's journal: an alert, a survey. Idempotent by `key`.

    `data` holds codes, identifiers and instants, as every event's.
    """

    key: str = Field(min_length=1, max_length=200)
    type: EventType
    at: Instant
    cycle: int = Field(ge=1)
    data: dict[str, JsonValue] = Field(default_factory=dict)


class RemarkEntry(Message):
    """A remark on its way into the ticket's workflow. `id` is the event's command id: it tells a repeat."""

    id: str
    remark: Remark
