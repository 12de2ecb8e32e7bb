"""Addresses of customers for their tickets: for notices, at the moment of sending."""

from services.contracts.address import AddressAsk, AddressQuestion, CustomerAddress
from services.intake.customers import contacts
from services.intake.customers.contacts import CustomerOnTicket
from services.intake.customers.masking import mask_email
from services.intake.links.tokens import TicketLinks
from services.runtime.postgres.database import Database


async def addresses(database: Database, links: TicketLinks, question: AddressQuestion) -> list[CustomerAddress]:
    """Answer the asks in their order. What is known and asked for a reader is logged, one line an ask."""
    ticket_nos = [ask.ticket_no for ask in question.asks]
    found = await contacts.read(database, set(ticket_nos), question.reader, ticket_nos)
    return [_address(ask, found.get(ask.ticket_no), links) for ask in question.asks]


def _address(ask: AddressAsk, known: CustomerOnTicket | None, links: TicketLinks) -> CustomerAddress:
    if known is None:
        return CustomerAddress(ticket_no=ask.ticket_no, customer_id=ask.customer_id)
    view = known.view
    return CustomerAddress(
        ticket_no=ask.ticket_no,
        customer_id=view.id,
        name=view.name,
        email=view.email,
        masked_email=view.email and mask_email(view.email),
        ticket_link=links.to(ask.ticket_no, known.link_generation),
    )
