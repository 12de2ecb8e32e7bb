"""Contacts on tickets: masked for most, in full for those entitled, each full reading in the audit log.

A ticket shows what its own feedback said, completed from the customer's record; once staff corrected the record, the
record stands above older statements.
"""

from typing import Any

from sqlalchemy import Row, Text, any_, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.feedback import Customer, CustomerQuestion, CustomerView
from services.intake import audit
from services.intake.identity import CONTACTS, unusable
from services.intake.masking import masked_view
from services.intake.tables import customers, feedback, supplements
from services.runtime.database import Database

_SUPPLIED = (
    select(func.jsonb_agg(aggregate_order_by(supplements.c.contact, supplements.c.supplied_at)))
    .where(
        supplements.c.ticket_no == feedback.c.ticket_no,
        or_(customers.c.corrected_at.is_(None), supplements.c.supplied_at > customers.c.corrected_at),
    )
    .scalar_subquery()
)
# One array is one parameter: `IN` writes and prepares a statement for every number of them.
_ON_TICKETS = (
    select(
        feedback.c.ticket_no,
        feedback.c.contact,
        or_(customers.c.corrected_at.is_(None), feedback.c.received_at > customers.c.corrected_at).label("as_stated"),
        _SUPPLIED.label("supplied"),
        *[customers.c[name] for name in ("id", "name", *CONTACTS, "customer_no", "tier")],
    )
    .join_from(feedback, customers, customers.c.id == feedback.c.customer_id)
    .where(feedback.c.ticket_no == any_(bindparam("ticket_nos", type_=ARRAY(Text))))
)


async def show(database: Database, question: CustomerQuestion) -> list[CustomerView]:
    """Answer the asks in their order. What is asked in full and known is logged, one line an ask."""
    tickets = {ask.ticket_no for ask in question.asks}
    if not any(ask.in_full for ask in question.asks):
        async with database.read() as connection:
            return _views(question, await on_tickets(connection, tickets))
    async with database.begin() as connection:
        found = await on_tickets(connection, tickets)
        asked = audit.Asked(question.reader_kind, question.reader_id, question.request_id)
        shown = [(found[ask.ticket_no].id, ask.ticket_no) for ask in question.asks if ask.in_full]
        await audit.record(connection, asked, shown)
    return _views(question, found)


async def on_tickets(connection: AsyncConnection, ticket_nos: set[str]) -> dict[str, CustomerView]:
    """The customers of these tickets in full, by ticket number; whoever shows one to a person logs it."""
    rows = await connection.execute(_ON_TICKETS, {"ticket_nos": list(ticket_nos)})
    return {row.ticket_no: _in_full(row) for row in rows}


def _in_full(row: Row[Any]) -> CustomerView:
    contact = {name: getattr(row, name) for name in ("name", *CONTACTS)}
    stated = [row.contact] if row.as_stated else []
    for statement in [*stated, *(row.supplied or [])]:
        contact |= {name: statement[name] for name in contact if statement.get(name)}
    marked = unusable(Customer.model_construct(**contact))
    return CustomerView(id=row.id, customer_no=row.customer_no, tier=row.tier, masked=False, unusable=marked, **contact)


def _views(question: CustomerQuestion, found: dict[str, CustomerView]) -> list[CustomerView]:
    views = []
    for ask in question.asks:
        view = found.get(ask.ticket_no) or CustomerView(id=ask.customer_id)
        views.append(view if ask.in_full else masked_view(view))
    return views
