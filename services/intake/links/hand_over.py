"""Handing a customer's link over: who must give it to them gets one of its own, and the audit log says who."""

from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.address import ContactReader, LinkHandOver, Revealed
from services.contracts.base import format_instant
from services.intake.audit.log import line_of
from services.intake.links.tokens import TicketLinks
from services.intake.tables import contact_readings, feedback


async def hand_over(connection: AsyncConnection, ticket_no: str, reader: ContactReader) -> dict[str, Any]:
    """Write down that a link to the ticket is given away; answers what the link is made of, which is no secret."""
    mine = feedback.c.ticket_no == ticket_no
    row = (await connection.execute(select(feedback.c.customer_id, feedback.c.link_generation).where(mine))).one()
    given = LinkHandOver(reader=reader, what=Revealed.TICKET_LINK, customer_id=row.customer_id, ticket_no=ticket_no)
    line = await log_hand_over(connection, given)
    by = {"kind": reader.kind, "id": reader.id}
    return {"generation": row.link_generation, "hand_over": line.id, "at": format_instant(line.read_at), "by": by}


def handed_link(links: TicketLinks, ticket_no: str, made: dict[str, Any]) -> dict[str, Any]:
    """The link that `hand_over` has written down, the same at every repeat."""
    link = links.to(ticket_no, made["generation"], made["hand_over"])
    return {"link": link, "at": made["at"], "by": made["by"]}


async def log_hand_over(connection: AsyncConnection, given: LinkHandOver) -> Any:
    """Write down that a customer's link is given away; answers the `id` of the line, and when it was `read_at`."""
    line = line_of(given.reader, given.what, given.customer_id, given.ticket_no)
    log = contact_readings.c
    return (await connection.execute(insert(contact_readings).values(line).returning(log.id, log.read_at))).one()
