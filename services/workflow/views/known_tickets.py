"""Tickets as they were read last: a board that is read every few seconds reads anew only what has changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.runtime.recently_used import RecentlyUsed
from services.workflow.views.queries import Queries, Row
from services.workflow.views.ticket_row import TicketRow
from services.workflow.views.views import ticket_view

_MOST_KEPT = 500

Writing = tuple[str, int, bytes]
"""The last writing of a ticket's row: its number, PostgreSQL's transaction, and the hash of its journal. Clocks and
events are written with the row alone, so tickets of one writing are the same in all that their views show."""


@dataclass(frozen=True, slots=True)
class KnownTicket:
    """A ticket of one writing, and its view with every text, before it is known who asks."""

    ticket: TicketRow
    view: Mapping[str, Any]


class KnownTickets:
    """The tickets that lists showed last. One per process."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._kept: RecentlyUsed[Writing, KnownTicket] = RecentlyUsed(_MOST_KEPT)

    async def of(self, rows: Sequence[Row]) -> list[KnownTicket]:
        """The tickets of a page, in its order: those of a writing that is not known are read. One that was written in
        between comes as it is by then."""
        found = {row["ticket_no"]: known for row in rows if (known := self._kept.get(writing_of(row)))}
        unknown = [row["ticket_no"] for row in rows if row["ticket_no"] not in found]
        if unknown:
            for ticket in await self._queries.find_all_shown(unknown):
                known = KnownTicket(ticket, ticket_view(ticket))
                found[ticket.row["ticket_no"]] = self._kept.keep(writing_of(ticket.row), known)
        return [found[row["ticket_no"]] for row in rows]


def writing_of(row: Row) -> Writing:
    """The last writing of a row."""
    return row["ticket_no"], row["written_by"], row["journal_hash"]
