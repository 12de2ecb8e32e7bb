"""The copy of tickets that notify keeps from the feed, and who may reach them (invariant I16)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.feed import TicketFacts
from services.contracts.vocabulary import Kind, Phase, Urgency
from services.notify.tables import tickets

_COPIED = tuple(column.name for column in tickets.columns)


@dataclass(frozen=True)
class KnownTicket:
    """A ticket as the permission table, ladders and texts need it."""

    ticket_no: str
    phase: Phase
    cycle: int
    kind: Kind
    urgency: Urgency
    language: str
    department: str | None
    owner: str | None
    co_owners: tuple[str, ...]
    complaint_about: str | None
    customer_id: str
    product_model: str | None
    closed_at: datetime | None
    calendar: str | None = None


_KNOWN_TICKET = TypeAdapter(KnownTicket)


async def remember(connection: AsyncConnection, facts: Iterable[TicketFacts]) -> Mapping[str, TicketFacts]:
    """Keep the newest of what the feed told of each ticket, and answer it by number; what is older than the copy
    changes nothing."""
    newest: dict[str, TicketFacts] = {}
    for each in facts:
        known = newest.get(each.ticket_no)
        newest[each.ticket_no] = each if known is None or each.version >= known.version else known
    if not newest:
        return newest
    # In one order, so that two followers never wait for each other's rows.
    rows = [newest[ticket_no].model_dump(include=set(_COPIED)) for ticket_no in sorted(newest)]
    told = insert(tickets).values(rows)
    renewed = {name: told.excluded[name] for name in _COPIED if name != "ticket_no"}
    await connection.execute(
        told.on_conflict_do_update(
            index_elements=[tickets.c.ticket_no], set_=renewed, where=tickets.c.version < told.excluded.version
        )
    )
    return newest


async def find(connection: AsyncConnection, ticket_nos: Sequence[str]) -> dict[str, KnownTicket]:
    """The copies of these tickets, by number; a ticket that the feed has not told of yet is missing."""
    rows = await connection.execute(select(tickets).where(tickets.c.ticket_no.in_(ticket_nos)))
    return {row["ticket_no"]: _KNOWN_TICKET.validate_python(dict(row)) for row in rows.mappings()}
