"""Since when a customer waits for an answer: the oldest message after the last thing that was said to them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.contracts.journal import EventType
from services.contracts.vocabulary import ActorKind
from services.workflow.lifecycle.customer_answers import TALK, oldest_unanswered

BEGAN = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
MESSAGE, REPLY, NOTE, SHOWN = "message", "reply", "note", "shown"
EVENTS: dict[str, tuple[EventType, dict[str, Any]]] = {
    MESSAGE: (EventType.CUSTOMER_MESSAGE, {}),
    REPLY: (EventType.RESPONDED, {}),
    NOTE: (EventType.PROGRESSED, {"visible": False}),
    SHOWN: (EventType.PROGRESSED, {"visible": True}),
    "unheard": (EventType.RESPONDED, {"reached": False}),
    "told": (EventType.RESPONDED, {"reached": False, "told_by": "phone"}),
    "asked": (EventType.INFORMATION_REQUESTED, {"fields": []}),
}


@pytest.mark.parametrize(
    ("talk", "since"),
    [
        ([], None),
        ([REPLY], None),
        ([MESSAGE], 0),
        ([MESSAGE, MESSAGE], 0),
        ([MESSAGE, REPLY], None),
        ([MESSAGE, REPLY, MESSAGE, MESSAGE], 2),
        ([MESSAGE, NOTE], 0),
        ([MESSAGE, SHOWN], None),
        ([MESSAGE, "asked"], None),
        ([MESSAGE, "unheard"], 0),
        ([MESSAGE, "told"], None),
    ],
)
def test_the_oldest_message_that_nobody_answered_tells_since_when(talk: list[str], since: int | None) -> None:
    rows = [
        {
            "type": EVENTS[each][0].value,
            "at": BEGAN + timedelta(minutes=minute),
            "actor_kind": ActorKind.CUSTOMER if each == MESSAGE else ActorKind.STAFF,
            "data": EVENTS[each][1],
        }
        for minute, each in enumerate(talk)
    ]
    assert {row["type"] for row in rows} <= set(TALK)
    assert oldest_unanswered(rows) == (None if since is None else BEGAN + timedelta(minutes=since))
