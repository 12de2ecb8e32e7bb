"""Follows the journal: each event becomes one delivery for every live webhook that wants it (invariant I6)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.feed import TicketEvent
from services.notify.webhooks.queues import enter
from services.notify.webhooks.thin_data import thin
from services.runtime.postgres.raw_statement import RawStatement, Rows, json_text

CONSUMER = "webhooks"
_DEPARTMENT = "department"
# Whoever switches one off waits, and then takes back what has just entered.
_LIVE = RawStatement(
    "SELECT id, types, department, live_from FROM notify.webhooks WHERE active AND deleted_at IS NULL"
    " ORDER BY id FOR NO KEY UPDATE"
)
_KNOWN = RawStatement(
    "SELECT ticket_no, department FROM notify.webhook_departments WHERE ticket_no = ANY(CAST(:ticket_nos AS text[]))"
)
_REMEMBER = RawStatement(
    """
INSERT INTO notify.webhook_departments (ticket_no, department)
SELECT ticket_no, department FROM jsonb_populate_recordset(NULL::notify.webhook_departments, :moved)
ON CONFLICT (ticket_no) DO UPDATE SET department = excluded.department
"""
)


async def follow(connection: AsyncConnection, items: Sequence[TicketEvent]) -> None:
    """Enter what a page of events gives the webhooks to deliver, in the transaction that moves the cursor."""
    live = await _LIVE.within(connection, {})
    bound = any(webhook["department"] for webhook in live)
    known = await _known(connection, {item.ticket_no for item in items}) if bound else {}
    departments_then, moved = _located(items, known)
    await _remember(connection, moved)
    await _deliver(connection, live, items, departments_then)


async def follow_late(connection: AsyncConnection, item: TicketEvent) -> None:
    """Enter an event that could not be entered in its turn.

    One that does not tell its department goes where the ticket is by now: whoever has the ticket may read it (I16). And
    an older move is none from now on: the ticket stays where it is.
    """
    told, department = item.event.data, item.ticket.department
    if _DEPARTMENT in told:
        await _remember(connection, {item.ticket_no: department})
        department = _text(told[_DEPARTMENT])
    await _deliver(connection, await _LIVE.within(connection, {}), [item], [department])


async def _deliver(
    connection: AsyncConnection,
    live: Rows,
    items: Sequence[TicketEvent],
    departments_then: Sequence[str | None],
) -> None:
    wanted = [
        _delivery(webhook, item)
        for item, department in zip(items, departments_then, strict=True)
        for webhook in live
        if _wants(webhook, item, department)
    ]
    await enter(connection, wanted)


def _wants(webhook: Mapping[str, Any], item: TicketEvent, department: str | None) -> bool:
    """A webhook of a department gets what its people could read: also of tickets that have none yet (I16)."""
    if item.recorded_at < webhook["live_from"] or (webhook["types"] and item.event.type not in webhook["types"]):
        return False
    return webhook["department"] is None or department in {None, webhook["department"]}


def _located(
    items: Sequence[TicketEvent], known: Mapping[str, str | None]
) -> tuple[Sequence[str | None], Mapping[str, str | None]]:
    """The department that each event's ticket had once the event had happened, and where moved tickets are at the end.

    The feed tells where a ticket is when it is read: somebody who reads late would give an event of one department to
    another, to which the ticket went afterwards.
    """
    found, last, moved = [], dict(known), dict[str, str | None]()
    for item in items:
        number, data = item.ticket_no, item.event.data
        if _DEPARTMENT in data:
            last[number] = moved[number] = _text(data[_DEPARTMENT])
        found.append(last.get(number, item.ticket.department))
    return found, moved


async def _known(connection: AsyncConnection, ticket_nos: Iterable[str]) -> dict[str, str | None]:
    found = await _KNOWN.within(connection, {"ticket_nos": sorted(ticket_nos)})
    return {row["ticket_no"]: row["department"] for row in found}


async def _remember(connection: AsyncConnection, moved: Mapping[str, str | None]) -> None:
    if moved:
        rows = [{"ticket_no": number, "department": moved[number]} for number in sorted(moved)]
        await _REMEMBER.within(connection, {"moved": json_text(rows)})


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _delivery(webhook: Mapping[str, Any], item: TicketEvent) -> dict[str, Any]:
    """The delivery of an event, which is what the public feed shows: thin, without contacts and free texts."""
    event = item.event.model_dump(mode="json")
    return {
        "webhook_id": webhook["id"],
        "lane": item.ticket_no,
        "event_id": f"{item.ticket_no}-{item.event.seq}",
        "type": item.event.type.value,
        "ticket_no": item.ticket_no,
        "seq": item.event.seq,
        "occurred_at": item.event.at,
        "data": {
            **thin(event["data"]),
            "from": event["from_phase"],
            "to": event["to_phase"],
            "cycle": event["cycle"],
        },
    }
