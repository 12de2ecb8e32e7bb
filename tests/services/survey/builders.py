"""Closings of tickets as the feed tells of them, and answers that customers give."""

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from services.contracts.feed import TicketEvent, TicketFacts
from services.contracts.journal import Actor, Event, EventType
from services.contracts.survey import Answer, Overall
from services.contracts.vocabulary import ActorKind, Category, Channel, CloseReason, Kind, Phase, Priority, Urgency
from services.survey.links import SurveyLinks

LINKS = SurveyLinks("http://bihuan.test", "links")
GOOD = Answer(
    scores={"response_speed": 5, "problem_solving": 4, "attitude": 5, "convenience": 4},
    overall=Overall.SATISFIED,
    recommend=9,
    solved_first_time=True,
)
BAD = GOOD.model_copy(update={"scores": {**GOOD.scores, "attitude": 2}})
_numbers = itertools.count(1)


def closing(reason: CloseReason = CloseReason.CONFIRMED, **changes: Any) -> TicketEvent:
    """The event of a closing, by default confirmed."""
    types = {CloseReason.MERGED: EventType.MERGED, CloseReason.WITHDRAWN: EventType.WITHDRAWN}
    return happened(types.get(reason, EventType.CLOSED), data={"reason": reason}, **changes)


def happened(
    type_: EventType,
    *,
    ticket_no: str | None = None,
    cycle: int = 1,
    seq: int = 9,
    at: datetime | None = None,
    data: Mapping[str, Any] | None = None,
    **facts: Any,
) -> TicketEvent:
    """An event of a ticket that 林涛 handled in after-sales; every one has a customer of its own."""
    number = next(_numbers)
    at = at or datetime.now(UTC)
    known: dict[str, Any] = {
        "ticket_no": ticket_no or f"20260201{number:04}",
        "version": seq,
        "phase": Phase.CLOSED,
        "cycle": cycle,
        "kind": Kind.FAULT,
        "category": Category.PRODUCT_FAULT,
        "urgency": Urgency.NORMAL,
        "priority": Priority.MEDIUM,
        "channel": Channel.WEB,
        "language": "zh-CN",
        "department": "after-sales",
        "owner": "lin-tao",
        "co_owners": (),
        "complaint_about": None,
        "customer_id": f"han-meimei-{number}",
        "product_model": "BCD-500",
        "opened_at": at - timedelta(days=2),
        "resolved_at": at - timedelta(hours=1),
        "closed_at": at,
        "close_reason": None,
        "reopened": cycle > 1,
        "policy": "d0-standard",
        "questionnaire": "d0",
        "survey_reminder_after": "P2D",
        "survey_expires_after": "P7D",
        "live_clocks": {},
        "promised": {},
    }
    ticket = TicketFacts(**{**known, **facts})
    event = Event(
        seq=seq,
        type=type_,
        at=at,
        actor=Actor(kind=ActorKind.STAFF, id="li-lei"),
        from_phase=Phase.AWAITING_CALLBACK,
        to_phase=Phase.CLOSED,
        cycle=cycle,
        data=dict(data or {}),
    )
    return TicketEvent(ticket_no=ticket.ticket_no, event=event, recorded_at=at, ticket=ticket)
