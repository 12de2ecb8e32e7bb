"""A notice: one thing to tell one person, once (product.md 6)."""

from datetime import timedelta
from enum import StrEnum

from pydantic import Field, JsonValue

from services.contracts.base import Instant, Message


class NoticeKind(StrEnum):
    """The subject of a notice; each has its texts in both languages."""

    RECEIVED = "received"
    INFORMATION_MISSING = "information_missing"
    INFORMATION_REMINDER = "information_reminder"
    ACCEPTED = "accepted"
    ANSWERED = "answered"
    """A response by a person: the customer-visible message."""
    PLAN = "plan"
    PROGRESS = "progress"
    RESOLVED = "resolved"
    CALLBACK_ANNOUNCED = "callback_announced"
    CLOSED = "closed"
    JOINED_NEWS = "joined_news"
    """How the ticket goes on, of another customer, that this one's report was merged into."""
    SURVEY = "survey"
    SURVEY_REMINDER = "survey_reminder"

    ASSIGNED = "assigned"
    WARNING = "warning"
    BREACH = "breach"
    OVERDUE = "overdue"
    """A clock was missed: for the head of the department, who need not answer (product.md 5)."""
    CHASE = "chase"
    COPY_JOINED = "copy_joined"
    """Another report was merged into the recipient's ticket."""
    CUSTOMER_REPLIED = "customer_replied"
    PLAN_TO_APPROVE = "plan_to_approve"
    LOW_RATING = "low_rating"
    WEBHOOK_EXHAUSTED = "webhook_exhausted"


class Audience(StrEnum):
    """The readers whom a notice is for."""

    CUSTOMER = "customer"
    STAFF = "staff"


class NoticeChannel(StrEnum):
    """The channel of a notice; the inbox is always there and readable in the console."""

    INBOX = "inbox"
    EMAIL = "email"


class NoticeState(StrEnum):
    """State of a notice. `failed` was tried to the end, `not_sent` was never tried and says why."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    NOT_SENT = "not_sent"


class NotSentReason(StrEnum):
    """The reason that a notice did not go."""

    NO_ADDRESS = "no_address"
    UNKNOWN_RECIPIENT = "unknown_recipient"
    CANCELLED = "cancelled"
    """What it told no longer holds: the ticket was merged, withdrawn or closed, the alert or survey is over (21)."""
    STALE = "stale"
    """Older than anybody wants to hear: the system was down for long, or has just learnt to write notices (24)."""
    UNWRITABLE = "unwritable"
    """The text could not be made of its template."""


class NoticeRequest(Message):
    """Tell one person one thing. Idempotent by `key`: the second request under a key changes nothing.

    `recipient` is the id of the customer or of the member of staff. `facts` fill the template: codes, identifiers,
    instants, links. `texts` are what a person wrote for the recipient to read.
    """

    key: str = Field(min_length=1, max_length=200)
    ticket_no: str | None
    kind: NoticeKind
    audience: Audience
    recipient: str
    language: str | None = None
    urgent: bool = False
    at: Instant
    facts: dict[str, JsonValue] = Field(default_factory=dict)
    texts: dict[str, str] = Field(default_factory=dict)
    links: dict[str, str] = Field(default_factory=dict)


class NoticeStanding(Message):
    """A notice's standing, as its submitter may know it."""

    id: str
    state: NoticeState
    not_sent_reason: NotSentReason | None = None
    sent_at: Instant | None = None


class NoticeOrder(Message):
    """The input of a notice's workflow. `round` counts how often the notice was sent anew."""

    id: str
    round: int = Field(ge=1)
    retry_first: timedelta
    retry_longest: timedelta
    give_up_after: timedelta
