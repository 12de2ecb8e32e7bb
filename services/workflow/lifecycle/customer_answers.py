"""Answers that a person gives the customer for the customer to see: those that end a customer's wait (semantics.md 15),
and after which a pause does not run on although the customer had replied (10)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from services.contracts.commands.handling import UNREACHED
from services.contracts.journal import EventType
from services.contracts.vocabulary import ActorKind, CallbackOutcome

_REACHED = frozenset(CallbackOutcome) - UNREACHED

ANSWERS: Mapping[EventType, tuple[str, frozenset[Any]] | None] = {
    EventType.INFORMATION_REQUESTED: None,
    EventType.RESPONDED: None,
    # Inside the house at first: a complex plan is the customer's once it is approved.
    EventType.PLANNED: ("complex", frozenset({False})),
    EventType.PLAN_APPROVED: None,
    EventType.PROGRESSED: ("visible", frozenset({True})),
    EventType.RESOLVED: None,
    EventType.CALLBACK_RECORDED: ("outcome", _REACHED),
}
"""By what happened; where only some of its kind are answers, the part of the event's data that tells which, and what it
says of those."""

TALK = (EventType.CUSTOMER_MESSAGE, *ANSWERS)
"""The types of events that tell whether the customer waits for an answer."""


def is_answer(type_: str, actor: str, data: Mapping[str, Any]) -> bool:
    """Whether an event is an answer; nothing that the system sends by itself is one."""
    if actor == ActorKind.SYSTEM or type_ not in ANSWERS or not _was_heard(data):
        return False
    only = ANSWERS[EventType(type_)]
    return only is None or data.get(only[0]) in only[1]


def oldest_unanswered(rows: Iterable[Mapping[Any, Any]]) -> datetime | None:
    """The instant of the customer's oldest unanswered message, from the events of `TALK` in the journal's order."""
    since: datetime | None = None
    for row in rows:
        if row["type"] == EventType.CUSTOMER_MESSAGE:
            since = since or row["at"]
        elif is_answer(row["type"], row["actor_kind"], row["data"]):
            since = None
    return since


def _was_heard(data: Mapping[str, Any]) -> bool:
    """Whether the customer got it: what no channel could carry, and nobody told in another way, answers nobody."""
    return data.get("reached") is not False or bool(data.get("told_by"))
