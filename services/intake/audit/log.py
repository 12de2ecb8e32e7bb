"""The audit log: who was shown which contact in full, and was given which customer's link (invariants I13, I15)."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.address import Revealed
from services.intake.schemas import ContactReading, Reader
from services.intake.tables import contact_readings


@dataclass(frozen=True)
class Asked:
    """By whom, and in which request, contacts are read."""

    reader_kind: str
    reader_id: str
    request_id: str


async def record(
    connection: AsyncConnection,
    asked: Asked,
    shown: Iterable[tuple[str, str | None]],
    what: Revealed = Revealed.CONTACT,
) -> None:
    """Write one line for each (customer, ticket) shown in full, in the transaction that reads them."""
    rows = [
        {
            "reader_kind": asked.reader_kind,
            "reader_id": asked.reader_id,
            "request_id": asked.request_id,
            "customer_id": customer_id,
            "ticket_no": ticket_no,
            "what": what,
        }
        for customer_id, ticket_no in shown
    ]
    if rows:
        await connection.execute(insert(contact_readings), rows)


async def readings(
    connection: AsyncConnection,
    *,
    limit: int,
    before: int | None,
    ticket_no: str | None = None,
    customer_id: str | None = None,
    reader_id: str | None = None,
) -> list[ContactReading]:
    """The newest lines first, those older than line `before` where given."""
    log = contact_readings.c
    lines = select(contact_readings).order_by(log.id.desc()).limit(limit)
    wanted = ((log.ticket_no, ticket_no), (log.customer_id, customer_id), (log.reader_id, reader_id))
    lines = lines.where(*[column == value for column, value in wanted if value is not None])
    if before is not None:
        lines = lines.where(log.id < before)
    return [
        ContactReading(
            id=str(row.id),
            at=row.read_at,
            reader=Reader(kind=row.reader_kind, id=row.reader_id),
            what=row.what,
            customer_id=row.customer_id,
            ticket_no=row.ticket_no,
            request_id=row.request_id,
        )
        for row in await connection.execute(lines)
    ]
