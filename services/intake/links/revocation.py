"""Ending a customer's link that came into the wrong hands (invariant I13)."""

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.address import ContactReader
from services.intake.schemas import LinkRevocation, Reader
from services.intake.tables import feedback, link_revocations


async def revoke_link(connection: AsyncConnection, ticket_no: str, revoker: ContactReader) -> LinkRevocation:
    """End every link that was made for the ticket so far, and write down who did; what is sent from now on carries the
    next generation. Two at once end two generations, one after the other."""
    count = update(feedback).where(feedback.c.ticket_no == ticket_no)
    count = count.values(link_generation=feedback.c.link_generation + 1)
    current: int = (await connection.execute(count.returning(feedback.c.link_generation))).scalar_one()
    line = {
        "ticket_no": ticket_no,
        "generation": current - 1,
        "revoker_kind": revoker.kind,
        "revoker_id": revoker.id,
        "request_id": revoker.request_id,
    }
    written = insert(link_revocations).values(line).returning(link_revocations.c.revoked_at)
    revoked_at = (await connection.execute(written)).scalar_one()
    return LinkRevocation(at=revoked_at, by=Reader(kind=revoker.kind, id=revoker.id))
