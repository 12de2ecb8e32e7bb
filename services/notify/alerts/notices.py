"""Notices of an alert: those of a step, and the record of who was told."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.alert import Threshold
from services.contracts.base import format_instant
from services.contracts.notice import Audience, NoticeKind, NoticeRequest
from services.contracts.vocabulary import Urgency
from services.notify.alerts.tables import tellings
from services.notify.ladders.ladders import LadderPlace
from services.notify.ladders.recipients import Recipient
from services.notify.ticket_copies import KnownTicket

_KINDS = {
    Threshold.BREACH: NoticeKind.BREACH,
    Threshold.WARNING: NoticeKind.WARNING,
    Threshold.LOW_RATING: NoticeKind.LOW_RATING,
}


def facts_of(row: Mapping[Any, Any], ticket: KnownTicket) -> dict[str, JsonValue]:
    """Facts that the text of a notice may say of an alert and its ticket."""
    return {
        "clock": row["clock"],
        "cycle": row["cycle"],
        "due_at": format_instant(row["due_at"]),
        "happened_at": format_instant(row["raised_at"]),
        "kind": ticket.kind,
        "urgency": ticket.urgency,
        "product_model": ticket.product_model,
        "department": ticket.department,
    }


def notice(
    row: Mapping[Any, Any],
    ticket: KnownTicket,
    place: LadderPlace,
    to: Recipient,
    at: datetime,
    facts: Mapping[str, JsonValue],
    public_url: str,
) -> NoticeRequest:
    """The notice to one recipient of an alert, once for each place on the ladder."""
    return NoticeRequest(
        key=notice_key(row["id"], place, to.staff),
        ticket_no=row["ticket_no"],
        kind=_KINDS[Threshold(row["threshold"])],
        audience=Audience.STAFF,
        recipient=to.staff,
        urgent=ticket.urgency is Urgency.URGENT,
        at=at,
        facts={**facts, "level": place.level, "round": place.round},
        links={
            "ticket": f"{public_url}/tickets/{row['ticket_no']}",
            "alerts": f"{public_url}/alerts?alert={row['id']}",
        },
    )


def overdue(
    row: Mapping[Any, Any],
    ticket: KnownTicket,
    head: str,
    at: datetime,
    facts: Mapping[str, JsonValue],
    public_url: str,
) -> NoticeRequest:
    """The notice to the head of the department of a breach that others must answer for, once."""
    return NoticeRequest(
        key=f"overdue/{row['id']}/{head}",
        ticket_no=row["ticket_no"],
        kind=NoticeKind.OVERDUE,
        audience=Audience.STAFF,
        recipient=head,
        urgent=ticket.urgency is Urgency.URGENT,
        at=at,
        facts=dict(facts),
        links={"ticket": f"{public_url}/tickets/{row['ticket_no']}"},
    )


def notice_key(alert_id: str, place: LadderPlace, staff: str) -> str:
    """The constant key of what somebody is told at a place."""
    return f"alert/{alert_id}/{place.round}/{place.level}/{staff}"


async def enter_tellings(
    connection: AsyncConnection, told: Iterable[tuple[Mapping[Any, Any], LadderPlace, Recipient]], at: datetime
) -> None:
    """Write down who is told of which alert, at which place."""
    entries = [
        {
            "alert_id": row["id"],
            "round": place.round,
            "level": place.level,
            "staff": to.staff,
            "rung": to.rung,
            "at": at,
            "notice_key": notice_key(row["id"], place, to.staff),
        }
        for row, place, to in told
    ]
    if entries:
        await connection.execute(insert(tellings).on_conflict_do_nothing(), entries)
