"""The copy of tickets that notify keeps from the feed, and who may reach them (invariant I16)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.feed import TicketFacts
from services.contracts.vocabulary import Kind, Phase, Urgency
from services.notify.tables import tickets
from services.runtime.postgres.raw_statement import RawStatement, json_text

_COPIED = tuple(column.name for column in tickets.columns)
_RENEWED = tuple(name for name in _COPIED if name != "ticket_no")
# A statement that sets the key, to what it is too, locks the row away from the foreign keys of alerts: whoever answers
# one would wait for the page of a follower, which waits for that alert.
_REMEMBER = RawStatement(
    """
INSERT INTO notify.tickets AS known ({columns})
SELECT {columns} FROM jsonb_populate_recordset(NULL::notify.tickets, :copies)
ON CONFLICT (ticket_no) DO UPDATE SET ({renewed}) = ROW({values}) WHERE known.version < excluded.version
""".format(
        columns=", ".join(_COPIED),
        renewed=", ".join(_RENEWED),
        values=", ".join(f"excluded.{name}" for name in _RENEWED),
    )
)


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
    changes nothing. The transaction has moved the follower's place before."""
    newest: dict[str, TicketFacts] = {}
    for each in facts:
        known = newest.get(each.ticket_no)
        newest[each.ticket_no] = each if known is None or each.version >= known.version else known
    if not newest:
        return newest
    # In one order, so that two followers never wait for each other's rows.
    copies = [newest[ticket_no].model_dump(include=set(_COPIED)) for ticket_no in sorted(newest)]
    await _REMEMBER.within(connection, {"copies": json_text(copies)})
    return newest


async def find(connection: AsyncConnection, ticket_nos: Sequence[str]) -> dict[str, KnownTicket]:
    """The copies of these tickets, by number; a ticket that the feed has not told of yet is missing."""
    rows = await connection.execute(select(tickets).where(tickets.c.ticket_no.in_(ticket_nos)))
    return {row["ticket_no"]: _KNOWN_TICKET.validate_python(dict(row)) for row in rows.mappings()}
