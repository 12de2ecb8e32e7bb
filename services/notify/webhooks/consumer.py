"""Follows the journal: each event becomes one delivery for every live webhook that wants it (invariant I6)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.feed import TicketEvent
from services.notify.webhooks.queues import enter
from services.notify.webhooks.tables import departments, webhooks
from services.notify.webhooks.thin_data import thin

CONSUMER = "webhooks"
_DEPARTMENT = "department"


async def follow(connection: AsyncConnection, items: Sequence[TicketEvent]) -> None:
    """Enter what a page of events gives the webhooks to deliver, in the transaction that moves the cursor."""
    await _deliver(connection, items, await _locate(connection, items))


async def follow_late(connection: AsyncConnection, item: TicketEvent) -> None:
    """Enter an event that could not be entered in its turn.

    One that does not tell its department goes where the ticket is by now: whoever has the ticket may read it (I16). And
    an older move is none from now on: the ticket stays where it is.
    """
    told, department = item.event.data, item.ticket.department
    if _DEPARTMENT in told:
        await _remember(connection, {item.ticket_no: department})
        department = _text(told[_DEPARTMENT])
    await _deliver(connection, [item], [department])


async def _deliver(
    connection: AsyncConnection, items: Sequence[TicketEvent], departments_then: Sequence[str | None]
) -> None:
    live = (await connection.execute(_live())).mappings().all()
    wanted = [
        _delivery(webhook, item)
        for item, department in zip(items, departments_then, strict=True)
        for webhook in live
        if _wants(webhook, item, department)
    ]
    await enter(connection, wanted)


def _live() -> Any:
    columns = (webhooks.c.id, webhooks.c.types, webhooks.c.department, webhooks.c.live_from)
    query = select(*columns).where(webhooks.c.active, webhooks.c.deleted_at.is_(None)).order_by(webhooks.c.id)
    # Whoever switches one off waits, and then takes back what has just entered.
    return query.with_for_update(key_share=True)


def _wants(webhook: RowMapping, item: TicketEvent, department: str | None) -> bool:
    """A webhook of a department gets what its people could read: also of tickets that have none yet (I16)."""
    if item.recorded_at < webhook["live_from"] or (webhook["types"] and item.event.type not in webhook["types"]):
        return False
    return webhook["department"] is None or department in {None, webhook["department"]}


async def _locate(connection: AsyncConnection, items: Sequence[TicketEvent]) -> Sequence[str | None]:
    """The department that each event's ticket had once the event had happened.

    The feed tells where a ticket is when it is read: somebody who reads late would give an event of one department to
    another, to which the ticket went afterwards.
    """
    known = await _known(connection, {item.ticket_no for item in items})
    found, moved = [], {}
    for item in items:
        number, data = item.ticket_no, item.event.data
        if _DEPARTMENT in data:
            known[number] = moved[number] = _text(data[_DEPARTMENT])
        found.append(known.get(number, item.ticket.department))
    await _remember(connection, moved)
    return found


async def _known(connection: AsyncConnection, ticket_nos: Iterable[str]) -> dict[str, str | None]:
    query = select(departments).where(departments.c.ticket_no.in_(sorted(ticket_nos)))
    return {row.ticket_no: row.department for row in await connection.execute(query)}


async def _remember(connection: AsyncConnection, moved: Mapping[str, str | None]) -> None:
    if not moved:
        return
    rows = [{"ticket_no": number, "department": moved[number]} for number in sorted(moved)]
    told = insert(departments).values(rows)
    await connection.execute(
        told.on_conflict_do_update(
            index_elements=[departments.c.ticket_no], set_={"department": told.excluded.department}
        )
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _delivery(webhook: RowMapping, item: TicketEvent) -> dict[str, Any]:
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
