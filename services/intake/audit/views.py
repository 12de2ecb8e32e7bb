"""Pages of the audit log: all of it for the centre, and of one department's tickets for those who belong to one."""

from collections.abc import Sequence

from services.contracts.permissions import Action, Relation, may, reach
from services.intake.audit.log import Filters, readings
from services.intake.schemas import ContactReading, TicketAccess
from services.intake.tickets import Tickets
from services.runtime.postgres.database import Database
from services.runtime.security.auth import Caller

_AT_ONCE = 100
MOST_LOOKED_AT = 500
"""Lines that are looked through for one page; whoever sees few of them goes on from where the page ends."""


async def page_of_log(
    database: Database, tickets: Tickets, caller: Caller, filters: Filters, limit: int, before: int | None
) -> tuple[Sequence[ContactReading], int | None]:
    """Lines that the caller may see, newest first, and the line before which the next page goes on.

    A line belongs to the department that has its ticket now; one of no ticket belongs to the centre.
    """
    if caller.department is None or reach(caller, Action.READ_AUDIT) is Relation.ANY:
        lines = await _lines(database, filters, limit + 1, before)
        return lines[:limit], int(lines[limit - 1].id) if len(lines) > limit else None
    found: list[ContactReading] = []
    known: dict[str, TicketAccess] = {}
    for _ in range(MOST_LOOKED_AT // _AT_ONCE):
        lines = await _lines(database, filters, _AT_ONCE, before)
        await _learn(tickets, known, lines)
        found += [line for line in lines if line.ticket_no and may(caller, Action.READ_AUDIT, known[line.ticket_no])]
        if len(found) > limit:
            return found[:limit], int(found[limit - 1].id)
        if len(lines) < _AT_ONCE:
            return found, None
        before = int(lines[-1].id)
    return found, before


async def _lines(database: Database, filters: Filters, limit: int, before: int | None) -> list[ContactReading]:
    async with database.read() as connection:
        return await readings(connection, filters, limit=limit, before=before)


async def _learn(tickets: Tickets, known: dict[str, TicketAccess], lines: Sequence[ContactReading]) -> None:
    """Ask once a page whose each ticket is."""
    unknown = sorted({line.ticket_no for line in lines if line.ticket_no} - known.keys())
    known |= {access.ticket_no: access for access in await tickets.accesses(unknown)}
