"""Rules of notices: the table from journal events to notices (product.md 6)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from services.contracts.feed import TicketEvent
from services.contracts.journal import EventType
from services.contracts.notice import NoticeKind
from services.contracts.vocabulary import ActorKind, CallbackOutcome, ClockName, Phase, Status, WaitReason

Facts = dict[str, Any]


class To(Enum):
    """The people whom an event concerns."""

    CUSTOMER = auto()
    NEW_HANDLERS = auto()
    """Owner and co-owners who were not told yet, and the head of their department (product.md 3.3)."""
    OWNER_OR_CLERKS = auto()
    """The owner; before there is one, and once they have left, the department's clerks."""
    DEPARTMENT_HEAD = auto()


@dataclass(frozen=True)
class NoticeRule:
    """One line of the table. `texts` names what of the command's body the recipient reads, by its name in the text."""

    kind: NoticeKind
    to: To
    when: Callable[[TicketEvent], bool] = lambda _: True
    facts: Callable[[TicketEvent], Facts] = lambda _: {}
    texts: Mapping[str, str] = field(default_factory=dict)
    news: str | None = None
    """What it is to the customers of copies, who hear of a ticket that is another's; None where they do not."""
    held: Callable[[TicketEvent], bool] = lambda _: False
    """Whether it is kept back until `RELEASES` lets it go."""


def _by_person(item: TicketEvent) -> bool:
    return item.event.actor.kind is not ActorKind.SYSTEM


def _is_reminder(item: TicketEvent) -> bool:
    return "reminder" in item.event.data


def _is_visible(item: TicketEvent) -> bool:
    return item.event.data.get("visible") is True


def _is_complex(item: TicketEvent) -> bool:
    return item.event.data.get("complex") is True


def _is_callback_appointment(item: TicketEvent) -> bool:
    """An appointment after the resolution is the callback's; one before it concerns the repair and was agreed."""
    resolved = item.event.to_phase.status is Status.RESOLVED
    return resolved and item.event.data.get("reason") == WaitReason.APPOINTMENT


def _is_called_again(item: TicketEvent) -> bool:
    """Nobody was reached and somebody will try again, or a supervisor calls a second time. An attempt too soon after
    another is not told."""
    event = item.event
    if event.data.get("counts") is False:
        return False
    unreached = event.data.get("outcome") in {CallbackOutcome.NOT_REACHED, CallbackOutcome.WRONG_NUMBER}
    satisfied = event.data.get("outcome") == CallbackOutcome.SATISFIED
    second = event.from_phase is Phase.AWAITING_CALLBACK and event.to_phase is Phase.AWAITING_SECOND_CALLBACK
    is_open = item.ticket.phase.status is Status.RESOLVED
    return is_open and (unreached or (satisfied and second))


def _promised(*clocks: ClockName) -> Callable[[TicketEvent], Facts]:
    """Promises at this moment: the due instants of these clocks, as far as they run."""

    def facts(item: TicketEvent) -> Facts:
        return {f"{clock}_by": item.ticket.promised.get(clock) for clock in clocks}

    return facts


def _data(*names: str) -> Callable[[TicketEvent], Facts]:
    return lambda item: {name: item.event.data.get(name) for name in names}


def _resolved(item: TicketEvent) -> Facts:
    return _data("result")(item) | _promised(ClockName.CALLBACK)(item)


def _next_callback(item: TicketEvent) -> Facts:
    second = item.event.to_phase is Phase.AWAITING_SECOND_CALLBACK
    clock = ClockName.SECOND_CALLBACK if second else ClockName.CALLBACK
    unreached = item.event.data.get("outcome") in {CallbackOutcome.NOT_REACHED, CallbackOutcome.WRONG_NUMBER}
    return {"callback_by": item.ticket.promised.get(clock), "unreached": unreached, "second": second}


def _appointment(item: TicketEvent) -> Facts:
    return {"appointment_at": item.event.data.get("until"), "unreached": False, "second": False}


def _closed(item: TicketEvent) -> Facts:
    return {"close_reason": item.event.data.get("reason"), **_data("into", "other_customer")(item)}


NOTICE_RULES: Mapping[EventType, tuple[NoticeRule, ...]] = {
    EventType.RECEIVED: (
        NoticeRule(NoticeKind.RECEIVED, To.CUSTOMER, facts=_promised(ClockName.ACCEPTANCE, ClockName.RESPONSE)),
    ),
    EventType.INFORMATION_REQUESTED: (
        NoticeRule(
            NoticeKind.INFORMATION_MISSING, To.CUSTOMER, when=_by_person, facts=_data("fields"),
            texts={"message": "message"},
        ),
        NoticeRule(NoticeKind.INFORMATION_REMINDER, To.CUSTOMER, when=_is_reminder, facts=_data("reminder")),
    ),
    EventType.INFORMATION_SUPPLIED: (
        NoticeRule(NoticeKind.CUSTOMER_REPLIED, To.OWNER_OR_CLERKS, facts=lambda _: {"supplied": True}),
    ),
    EventType.CUSTOMER_MESSAGE: (
        NoticeRule(NoticeKind.CUSTOMER_REPLIED, To.OWNER_OR_CLERKS, facts=lambda _: {"supplied": False}),
    ),
    EventType.ACCEPTED: (
        NoticeRule(NoticeKind.ACCEPTED, To.CUSTOMER, facts=_promised(ClockName.RESPONSE, ClockName.RESOLUTION)),
    ),
    EventType.REOPENED: (
        NoticeRule(
            NoticeKind.ACCEPTED, To.CUSTOMER, facts=_promised(ClockName.RESPONSE, ClockName.RESOLUTION),
            news="reopened",
        ),
        NoticeRule(NoticeKind.ASSIGNED, To.OWNER_OR_CLERKS, facts=lambda _: {"reopened": True}),
    ),
    EventType.ASSIGNED: (
        NoticeRule(
            NoticeKind.ASSIGNED, To.NEW_HANDLERS, facts=_promised(ClockName.RESOLUTION), texts={"note": "reason"}
        ),
    ),
    EventType.RESPONDED: (
        NoticeRule(NoticeKind.ANSWERED, To.CUSTOMER, texts={"message": "message"}),
    ),
    EventType.PLANNED: (
        NoticeRule(
            NoticeKind.PLAN, To.CUSTOMER, facts=_data("expected_at"), texts={"steps": "steps"}, held=_is_complex
        ),
        NoticeRule(
            NoticeKind.PLAN_TO_APPROVE, To.DEPARTMENT_HEAD, when=_is_complex, facts=_promised(ClockName.PLAN),
            texts={"steps": "steps"},
        ),
    ),
    EventType.PROGRESSED: (
        NoticeRule(NoticeKind.PROGRESS, To.CUSTOMER, when=_is_visible, texts={"message": "message"}, news="progress"),
    ),
    EventType.RESOLVED: (
        NoticeRule(
            NoticeKind.RESOLVED, To.CUSTOMER, facts=_resolved, texts={"summary": "summary", "reason": "reason"},
            news="resolved",
        ),
    ),
    EventType.WAITING: (
        NoticeRule(NoticeKind.CALLBACK_ANNOUNCED, To.CUSTOMER, when=_is_callback_appointment, facts=_appointment),
    ),
    EventType.CALLBACK_RECORDED: (
        NoticeRule(NoticeKind.CALLBACK_ANNOUNCED, To.CUSTOMER, when=_is_called_again, facts=_next_callback),
    ),
    EventType.CLOSED: (NoticeRule(NoticeKind.CLOSED, To.CUSTOMER, facts=_closed, news="closed"),),
    EventType.MERGED: (NoticeRule(NoticeKind.CLOSED, To.CUSTOMER, facts=_closed),),
    EventType.COPY_JOINED: (
        NoticeRule(NoticeKind.COPY_JOINED, To.OWNER_OR_CLERKS, facts=_data("copy", "other_customer")),
    ),
    EventType.WITHDRAWN: (NoticeRule(NoticeKind.CLOSED, To.CUSTOMER, facts=_closed, news="closed"),),
    EventType.CHASED: (NoticeRule(NoticeKind.CHASE, To.OWNER_OR_CLERKS, texts={"note": "note"}),),
}  # fmt: skip

_OVER_WITH_THE_TICKET = frozenset(
    {
        NoticeKind.INFORMATION_MISSING,
        NoticeKind.INFORMATION_REMINDER,
        NoticeKind.PLAN,
        NoticeKind.CALLBACK_ANNOUNCED,
        NoticeKind.ASSIGNED,
        NoticeKind.WARNING,
        NoticeKind.BREACH,
        NoticeKind.OVERDUE,
        NoticeKind.CHASE,
        NoticeKind.PLAN_TO_APPROVE,
    }
)

CANCELS: Mapping[EventType, frozenset[NoticeKind]] = {
    EventType.CLOSED: _OVER_WITH_THE_TICKET,
    EventType.MERGED: _OVER_WITH_THE_TICKET,
    EventType.WITHDRAWN: _OVER_WITH_THE_TICKET,
    EventType.INFORMATION_SUPPLIED: frozenset({NoticeKind.INFORMATION_MISSING, NoticeKind.INFORMATION_REMINDER}),
    EventType.PLANNED: frozenset({NoticeKind.PLAN, NoticeKind.PLAN_TO_APPROVE}),
    EventType.PLAN_APPROVED: frozenset({NoticeKind.PLAN_TO_APPROVE}),
    EventType.PLAN_REJECTED: frozenset({NoticeKind.PLAN, NoticeKind.PLAN_TO_APPROVE}),
}
"""What an event makes untrue: notices of these kinds that still wait are taken back before new ones are made (21)."""

RELEASES: Mapping[EventType, NoticeKind] = {EventType.PLAN_APPROVED: NoticeKind.PLAN}
"""Which held notices an event lets go: a complex plan is the customer's to read once it is approved."""
