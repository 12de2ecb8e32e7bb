"""Addresses of customers for their tickets: for notices, at the moment of sending."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.address import AddressAsk, AddressQuestion, CustomerAddress
from services.contracts.feedback import CustomerView
from services.intake.audit.log import record
from services.intake.customers import contacts
from services.intake.customers.masking import mask_email
from services.intake.links.tokens import TicketLinks
from services.intake.tables import feedback
from services.runtime.postgres.database import Database


async def addresses(database: Database, links: TicketLinks, question: AddressQuestion) -> list[CustomerAddress]:
    """Answer the asks in their order. What is known and asked for a reader is logged, one line an ask."""
    asked = {ask.ticket_no for ask in question.asks}
    async with database.begin() as connection:
        views = await contacts.on_tickets(connection, asked)
        generations = await _link_generations(connection, asked)
        if reader := question.reader:
            shown = [(views[ask.ticket_no].id, ask.ticket_no) for ask in question.asks if ask.ticket_no in views]
            await record(connection, reader, shown)
    return [_address(ask, views.get(ask.ticket_no), generations.get(ask.ticket_no), links) for ask in question.asks]


async def _link_generations(connection: AsyncConnection, ticket_nos: set[str]) -> dict[str, int]:
    columns = (feedback.c.ticket_no, feedback.c.link_generation)
    rows = await connection.execute(select(*columns).where(feedback.c.ticket_no.in_(ticket_nos)))
    return {row.ticket_no: row.link_generation for row in rows}


def _address(ask: AddressAsk, view: CustomerView | None, generation: int | None, links: TicketLinks) -> CustomerAddress:
    if view is None or generation is None:
        return CustomerAddress(ticket_no=ask.ticket_no, customer_id=ask.customer_id)
    return CustomerAddress(
        ticket_no=ask.ticket_no,
        customer_id=view.id,
        name=view.name,
        email=view.email,
        masked_email=view.email and mask_email(view.email),
        ticket_link=links.to(ask.ticket_no, generation),
    )
