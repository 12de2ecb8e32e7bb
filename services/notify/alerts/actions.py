"""Actions of people on an alert: acknowledge, snooze, hand over, resolve (product.md 6)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.alert import AlertState, Resolution, Rung
from services.contracts.journal import EventType
from services.notify.alerts import store
from services.notify.alerts.notices import enter_tellings, facts_of, notice
from services.notify.alerts.tables import tellings
from services.notify.ladders.ladders import LadderPlace, ladder_of, length
from services.notify.ladders.recipients import Recipient
from services.notify.notices.submission import submit
from services.notify.ticket_copies import KnownTicket
from services.runtime.errors import Conflict

LONGEST_SNOOZE = timedelta(days=7)
_NOT_WAITING: dict[str, Any] = {"waits_from": None, "waits_by": None}
"""Whoever answers an alert begins its next wait for anybody's hours anew."""
HANDED_OVER = 0
"""The level of a hand-over among the tellings: no step of the ladder."""


class Answer(StrEnum):
    """An action that people can take on an alert."""

    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    HAND_OVER = "hand-over"
    RESOLVE = "resolve"


def legal_answers(state: str) -> Sequence[Answer]:
    """Actions that an alert in this state allows: everything, until it is resolved."""
    return () if state == AlertState.RESOLVED else tuple(Answer)


def require_legal(row: Mapping[Any, Any], answer: Answer) -> None:
    """Refuse what the state does not allow: 409 `illegal_transition`."""
    if answer in legal_answers(row["state"]):
        return
    raise Conflict(
        {
            "en": "The alert is resolved; nothing is left to answer.",
            "zh": "该告警已解除，无需再处理。",
        },
        code="illegal_transition",
        extra={"allowed": []},
    )


async def acknowledge(connection: AsyncConnection, row: RowMapping, by: str, at: datetime) -> RowMapping:
    """Somebody takes the alert: nobody else is told until the acknowledgement expires. A second one takes it over."""
    held_for = ladder_of(row).acknowledged_for
    expires_at = at + length(held_for) if held_for else None
    after = await store.change(
        connection,
        row,
        "acknowledged",
        **next_place(row),
        state=AlertState.ACKNOWLEDGED,
        acknowledged_by=by,
        acknowledged_at=at,
        expires_at=expires_at,
        snoozed_until=None,
        next_at=expires_at,
        **_NOT_WAITING,
    )
    told = {"by": by, "expires_at": expires_at}
    return await store.remark(connection, after, EventType.ALERT_ACKNOWLEDGED, at, told)


async def snooze(connection: AsyncConnection, row: RowMapping, until: datetime) -> RowMapping:
    """Let the alert rest until an instant; then the climb goes on with the next step."""
    rests: dict[str, Any] = {"state": AlertState.SNOOZED, "snoozed_until": until, "expires_at": None, "next_at": until}
    return await store.change(connection, row, "snoozed", **next_place(row), **rests, **_NOT_WAITING)


async def resolve(connection: AsyncConnection, row: RowMapping, by: str, note: str | None, at: datetime) -> RowMapping:
    """Somebody ends the alert. The breach stays what it is, and so does the clock."""
    ended: dict[str, Any] = {"resolved_by": by, "resolution_note": note}
    return await store.resolve(connection, row, Resolution.BY_PERSON, at, **ended)


async def hand_over(
    connection: AsyncConnection,
    row: RowMapping,
    ticket: KnownTicket,
    to: str,
    at: datetime,
    *,
    public_url: str,
    stale_after: timedelta,
) -> RowMapping:
    """Put the alert into a colleague's hands: they are told now, and the climb goes on if they do not acknowledge."""
    times = await connection.scalar(select(func.count()).where(_handed_over(row)))
    place, recipient = LadderPlace(int(times or 0) + 1, HANDED_OVER), Recipient(to, Rung.COLLEAGUE)
    await enter_tellings(connection, [(row, place, recipient)], at)
    await submit(
        connection, [notice(row, ticket, place, recipient, at, facts_of(row, ticket), public_url)], stale_after
    )
    passed: dict[str, Any] = {
        "state": AlertState.OPEN,
        "handed_to": to,
        "expires_at": None,
        "snoozed_until": None,
        "next_at": at + ladder_of(row).pause_for(ticket.urgency),
    }
    return await store.change(connection, row, "handed_over", **next_place(row), **passed, **_NOT_WAITING)


def _handed_over(row: Mapping[Any, Any]) -> Any:
    return (tellings.c.alert_id == row["id"]) & (tellings.c.level == HANDED_OVER)


def next_place(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The place at which the climb goes on: where it stood, and from the bottom again when it was at its end. Whoever
    answers an alert that had exhausted its ladder has made it live again."""
    if row["next_level"] is not None:
        return {}
    following = row["round"] + 1
    last_round = row["round"] + ladder_of(row).rounds
    return {"next_round": following, "next_level": 1, "last_round": last_round, "exhausted_at": None}
