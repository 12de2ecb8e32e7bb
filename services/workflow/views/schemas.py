"""Answers of the workflow service (api.md "Ticket view"), as its OpenAPI document declares them.

`views` fills them with what is stored under the same names, and makes plain dicts of it, because a list is a hot path.
"""

from typing import Literal

from pydantic import ConfigDict, Field, JsonValue

from services.contracts.address import Reach
from services.contracts.base import Instant, Message
from services.contracts.feedback import CustomerView, Product
from services.contracts.journal import Actor, EventType
from services.contracts.page import Page
from services.contracts.ticket import PlanState
from services.contracts.vocabulary import (
    CallbackChannel,
    CallbackOutcome,
    Category,
    Cause,
    Channel,
    ClockName,
    ClockState,
    CloseReason,
    CommandName,
    Kind,
    Phase,
    Priority,
    Result,
    ServiceStage,
    Status,
    Urgency,
    WaitReason,
)
from services.workflow.views.work_lists import View


class VersionRef(Message):
    """One version of a policy."""

    id: str
    version: int


class CalendarRef(Message):
    """One version of a calendar; null until the clock's due time was computed for the first time."""

    id: str
    version: int | None


class ClockView(Message):
    """One promise. `due_at` is null while it is paused; `round` counts its restarts within a cycle."""

    name: ClockName
    cycle: int
    round: int
    state: ClockState
    started_at: Instant
    due_at: Instant | None
    met_at: Instant | None
    breached_at: Instant | None
    detected_at: Instant | None
    paused_reasons: tuple[WaitReason, ...]
    target: str = Field(description="A duration: `PT2H` by the wall clock, `PT2WH` and `P1WD` of working time.")


class TicketView(Message):
    """A ticket as the caller may see it; `version` is also its `ETag`."""

    ticket_no: str
    version: int
    status: Status
    phase: Phase
    cycle: int
    kind: Kind
    category: Category
    subcategory: str | None
    urgency: Urgency
    priority: Priority
    service_stage: ServiceStage
    channel: Channel
    language: str
    department: str | None
    owner: str | None
    owner_left: bool = Field(description="The owner no longer works here, and counts as nobody.")
    co_owners: tuple[str, ...]
    accepted_by: str | None
    complaint_about: str | None
    product: Product
    incident_id: str | None
    tags: tuple[str, ...]
    cause: Cause | None
    opened_at: Instant
    accepted_at: Instant | None
    assigned_at: Instant | None
    responded_at: Instant | None
    resolved_at: Instant | None
    confirmed_at: Instant | None
    closed_at: Instant | None
    complete: bool
    missing: tuple[str, ...] = Field(description="Fields of the feedback that review asks for.")
    complex: bool
    plan: PlanState | None
    waiting_for: tuple[WaitReason, ...]
    unanswered_since: Instant | None = Field(
        description="When the customer wrote the oldest message that nobody has answered; null for none."
    )
    callback_attempts: int = Field(description="Callback attempts of this cycle that count.")
    callback_counts_from: Instant | None = Field(
        description="From when on another attempt that reaches nobody counts; null before the first one."
    )
    callback_channels_left: tuple[CallbackChannel, ...] = Field(
        description="Channels of the customer that such an attempt must use first, where they have more than one."
    )
    resolution: Result | None
    resolution_reason: str | None = Field(description="Null for those who do not handle the ticket.")
    confirmation: CallbackOutcome | None
    close_reason: CloseReason | None
    close_note: str | None = Field(description="Null for those who do not handle the ticket.")
    merged_into: str | None
    copies: tuple[str, ...] = Field(description="Tickets that were merged into this one.")
    follows: str | None = Field(
        description="The ticket that this one goes on from: closed for good, or its callback left a question."
    )
    followed_by: tuple[str, ...] = Field(description="Tickets that questions of this one's callbacks became.")
    policy: VersionRef | None
    clocks: tuple[ClockView, ...] = Field(description="The last round of each clock, and every breached one.")
    next_due_at: Instant | None
    allowed: tuple[CommandName, ...] = Field(description="What is legal now and this caller may do.")
    reach: Reach | None = Field(description="How our messages reach the customer now, or why not; null in lists.")
    customer: CustomerView


class TicketPage(Page[TicketView]):
    """A page of tickets; contacts are masked."""


class ListCount(Message):
    """One of the lists that people work from: `filters` are the query parameters of `GET /v1/tickets` that show it."""

    view: View
    filters: dict[str, list[str]]
    count: int = Field(description="Counted up to 1000.")
    more: bool = Field(description="There are more than were counted.")


class TicketCounts(Message):
    """The lists that people work from, with how many tickets of each the caller may read."""

    items: tuple[ListCount, ...]


class FromTo(Message):
    """A base with fields `from` and `to`; the first is no name in Python."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class SegmentView(FromTo):
    """A stretch of a clock's life; the last one of a live clock is open."""

    from_: Instant = Field(alias="from")
    to: Instant | None
    state: Literal["running", "paused"]
    reasons: tuple[WaitReason, ...]
    customer_replied_at: Instant | None = Field(
        description="A pause that waits for the customer, who had already replied: their first unanswered message."
    )


class LedgerView(ClockView):
    """A clock with everything that explains its due time."""

    ended_at: Instant | None
    cancel_reason: str | None
    promised_at: Instant | None = Field(description="A date that a person promised; it stands in for the target.")
    by_promise: bool = Field(description="The policy has no target: the promised date is all that there is.")
    retargeted: bool
    retargeted_at: Instant | None
    excused_at: Instant | None = Field(
        description="Since when the breach is excused: what was published then would have avoided it."
    )
    explained: bool | None = Field(description="Whether the reason of the breach was noted; null without a breach.")
    provisional: bool = Field(description="Due past the last day whose holidays have been announced.")
    ladder: str
    warn_at: tuple[Instant, ...]
    priority: Priority
    policy: VersionRef
    calendar: CalendarRef
    segments: tuple[SegmentView, ...]
    paused_seconds: int = Field(description="In the clock's own time: opening time if it counts that.")
    paused_wall_seconds: int = Field(description="The same by the wall clock.")
    ran_seconds: int = Field(description="In the clock's own time: without pauses, and opening time if it counts that.")
    elapsed_seconds: int | None = Field(description="The same, stored when the clock ended.")
    overdue_seconds: int | None = Field(description="In the clock's own time; it grows until the clock ends.")
    explanation: str = Field(description="A few sentences, in the language of `Accept-Language`.")


class StretchView(FromTo):
    """Time that the ticket was with one department and owner, waiting included; from a resolution to a reopening it is
    with nobody."""

    department: str | None
    owner: str | None
    from_: Instant = Field(alias="from")
    to: Instant | None
    seconds: int
    working_seconds: int = Field(description="By the department's calendar.")


class ClockTotal(Message):
    """Time of a clock over all rounds and cycles."""

    clock: ClockName
    cycles: int
    ran_seconds: int = Field(description="The sum of `ran_seconds`: each round's own time.")
    elapsed_seconds: int = Field(description="By the wall clock, from each start to each end or now.")


class LedgerPage(Page[LedgerView]):
    """A page of a ticket's clocks; `departments` and `totals` are of the whole ticket."""

    departments: tuple[StretchView, ...]
    totals: tuple[ClockTotal, ...]


class TimelineItem(FromTo):
    """One event of a ticket's journal. `from` and `to` are phases; texts are for those who handle the ticket."""

    seq: int
    type: EventType
    at: Instant
    actor: Actor
    from_: Phase | None = Field(alias="from")
    to: Phase
    cycle: int
    reason: str | None
    data: dict[str, JsonValue]


class TimelinePage(Page[TimelineItem]):
    """A page of a ticket's journal, from its first event."""


class OtherTicket(Message):
    """Another ticket of the same customer."""

    ticket_no: str
    kind: Kind
    status: Status
    phase: Phase
    opened_at: Instant


class TicketOverview(Message):
    """A ticket, the first page of its journal and of its ledger, and the latest other tickets of its customer that the
    caller may read."""

    ticket: TicketView
    timeline: TimelinePage
    clocks: LedgerPage
    others: tuple[OtherTicket, ...]


class FeedItem(Message):
    """One event as webhooks deliver it: without contacts and texts."""

    type: EventType
    id: str
    occurred_at: Instant
    ticket_no: str
    seq: int
    data: dict[str, JsonValue]


class FeedPage(Page[FeedItem]):
    """A page of the feed. `position` is the cursor to go on from later, also where `next_cursor` is null."""

    position: str | None
