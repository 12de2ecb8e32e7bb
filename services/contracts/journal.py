"""The journal: one event a step, ordered per ticket without gaps, codes only."""

from enum import StrEnum

from pydantic import Field, JsonValue

from services.contracts.base import Instant, Message
from services.contracts.vocabulary import ActorKind, Phase


class EventType(StrEnum):
    """Types of journal events, as webhooks and the feed spell them (api.md)."""

    RECEIVED = "ticket.received"
    INFORMATION_REQUESTED = "ticket.information_requested"
    INFORMATION_SUPPLIED = "ticket.information_supplied"
    CUSTOMER_MESSAGE = "ticket.customer_message"
    ACCEPTED = "ticket.accepted"
    ASSIGNED = "ticket.assigned"
    RESPONDED = "ticket.responded"
    PLANNED = "ticket.planned"
    PLAN_APPROVED = "ticket.plan_approved"
    PLAN_REJECTED = "ticket.plan_rejected"
    PROGRESSED = "ticket.progressed"
    WAITING = "ticket.waiting"
    RESUMED = "ticket.resumed"
    RESOLVED = "ticket.resolved"
    CALLBACK_RECORDED = "ticket.callback_recorded"
    REOPENED = "ticket.reopened"
    CLOSED = "ticket.closed"
    MERGED = "ticket.merged"
    COPY_JOINED = "ticket.copy_joined"
    WITHDRAWN = "ticket.withdrawn"
    RECLASSIFIED = "ticket.reclassified"
    PROMISED = "ticket.promised"
    TAGGED = "ticket.tagged"
    CHASED = "ticket.chased"
    RECALCULATED = "ticket.recalculated"
    CLOCK_WARNED = "clock.warned"
    CLOCK_BREACHED = "clock.breached"
    CLOCK_EXPLAINED = "clock.explained"
    ALERT_RAISED = "alert.raised"
    ALERT_ACKNOWLEDGED = "alert.acknowledged"
    ALERT_RESOLVED = "alert.resolved"
    SURVEY_SENT = "survey.sent"
    SURVEY_ANSWERED = "survey.answered"
    SURVEY_EXPIRED = "survey.expired"


REMARKS = frozenset(type_ for type_ in EventType if type_.startswith(("alert.", "survey.")))
"""Types that other services enter; all others are the ticket workflow's own."""


class Actor(Message):
    """The doer of a step: the id of a staff member, key or customer; `system` for the workflow itself."""

    kind: ActorKind
    id: str


SYSTEM = Actor(kind=ActorKind.SYSTEM, id="workflow")


class Event(Message):
    """One row of the journal. `data` holds codes, identifiers and instants; the texts of a command stay with it.

    `at` is when the step counts; a breach is dated at its due instant, with `detected_at` in `data`.
    """

    seq: int = Field(ge=1)
    type: EventType
    at: Instant
    actor: Actor
    from_phase: Phase | None
    to_phase: Phase
    cycle: int
    command_id: str | None = None
    data: dict[str, JsonValue] = Field(default_factory=dict)
