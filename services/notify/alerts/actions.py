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
from services.notify.settings import NotifySettings
from services.notify.ticket_copies import KnownTicket
from services.runtime.errors import Conflict

LONGEST_SNOOZE = timedelta(days=7)
HANDED_OVER = 0
"""The level of a hand-over among the tellings: no step of the ladder."""


class Answer(StrEnum):
    """An action that people can take on an alert."""

    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    HAND_OVER = "hand-over"
    RESOLVE = "resolve"


def legal_answers(row: Mapping[Any, Any]) -> Sequence[Answer]:
    """Actions that an alert allows: everything, until it is resolved."""
    return tuple(Answer) if store.is_open(row) else ()


def require_open(row: Mapping[Any, Any]) -> None:
    """Refuse to answer what is resolved: 409 `illegal_transition`."""
    if store.is_open(row):
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
    taken: dict[str, Any] = {"acknowledged_by": by, "acknowledged_at": at, "expires_at": expires_at}
    after = await _answer(connection, row, "acknowledged", AlertState.ACKNOWLEDGED, expires_at, **taken)
    told = {"by": by, "expires_at": expires_at}
    return await store.remark(connection, after, EventType.ALERT_ACKNOWLEDGED, at, told)


async def snooze(connection: AsyncConnection, row: RowMapping, until: datetime) -> RowMapping:
    """Let the alert rest until an instant; then the climb goes on with the next step."""
    return await _answer(connection, row, "snoozed", AlertState.SNOOZED, until, snoozed_until=until)


async def resolve(connection: AsyncConnection, row: RowMapping, by: str, note: str | None, at: datetime) -> RowMapping:
    """Somebody ends the alert. The breach stays what it is, and so does the clock."""
    ended: dict[str, Any] = {"resolved_by": by, "resolution_note": note}
    return await store.resolve(connection, row, Resolution.BY_PERSON, at, **ended)


async def hand_over(
    connection: AsyncConnection, row: RowMapping, ticket: KnownTicket, to: str, at: datetime, settings: NotifySettings
) -> RowMapping:
    """Put the alert into a colleague's hands: they are told now, and the climb goes on if they do not acknowledge."""
    times = await connection.scalar(select(func.count()).where(_handed_over(row)))
    place, recipient = LadderPlace(int(times or 0) + 1, HANDED_OVER), Recipient(to, Rung.COLLEAGUE)
    await enter_tellings(connection, [(row, place, recipient)], at)
    told = notice(row, ticket, place, recipient, at, facts_of(row, ticket), settings.public_url)
    await submit(connection, [told], settings.notice_stale_after)
    next_at = at + ladder_of(row).pause_for(ticket.urgency)
    return await _answer(connection, row, "handed_over", AlertState.OPEN, next_at, handed_to=to)


async def _answer(
    connection: AsyncConnection, row: RowMapping, event: str, state: AlertState, next_at: datetime | None, **values: Any
) -> RowMapping:
    """Change an alert that somebody has answered; its next wait for anybody's hours begins anew."""
    before = dict.fromkeys(("expires_at", "snoozed_until", "waits_from", "waits_by"))
    after = {**before, **next_place(row), "state": state, "next_at": next_at, **values}
    return await store.change(connection, row, event, **after)


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
