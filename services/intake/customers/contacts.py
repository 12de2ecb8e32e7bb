"""Contacts on tickets: masked for most, in full for those entitled, each full reading in the audit log.

A ticket shows what its own feedback said, or the one whose link its customer came by. Where somebody vouched for who
the customer is, their record completes it; once staff corrected the record, it stands above older statements.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.address import AddressInPart, ContactReader
from services.contracts.feedback import Customer, CustomerQuestion, CustomerView, ShownCustomer
from services.intake.audit.log import logged
from services.intake.customers.identity import CONTACTS, unusable
from services.intake.customers.masking import mask_email, masked_view
from services.intake.tables import customers, feedback, supplements
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import RawStatement, among

Row = Mapping[Any, Any]
_EARLIER = feedback.alias("earlier")
# The feedback that made the record is corrected with it, whoever wrote it.
_CORRECTED_AT = case(
    (or_(feedback.c.vouched, customers.c.created_at == feedback.c.received_at), customers.c.corrected_at)
)


def _stands(at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether what was said at an instant still holds."""
    return or_(_CORRECTED_AT.is_(None), at > _CORRECTED_AT)


def _supplied_to(ticket_no: ColumnElement[Any]) -> ColumnElement[Any]:
    said = func.jsonb_agg(aggregate_order_by(supplements.c.contact, supplements.c.supplied_at))
    mine = select(said).where(supplements.c.ticket_no == ticket_no, _stands(supplements.c.supplied_at))
    return mine.correlate(feedback, customers, _EARLIER).scalar_subquery()


_ON_TICKETS = (
    select(
        feedback.c.ticket_no,
        feedback.c.contact,
        feedback.c.vouched,
        feedback.c.link_generation,
        _stands(feedback.c.received_at).label("as_stated"),
        _supplied_to(feedback.c.ticket_no).label("supplied"),
        case((_stands(_EARLIER.c.received_at), _EARLIER.c.contact)).label("earlier"),
        _supplied_to(_EARLIER.c.ticket_no).label("supplied_earlier"),
        customers.c.vouched.label("known"),
        *[customers.c[name] for name in ("id", "name", *CONTACTS, "customer_no", "tier")],
    )
    .join_from(feedback, customers, customers.c.id == feedback.c.customer_id)
    .outerjoin(_EARLIER, _EARLIER.c.ticket_no == feedback.c.content["follows"].astext)
    .where(among(feedback.c.ticket_no, "ticket_nos"))
)


_FOUND = _ON_TICKETS.cte("found")
_READ = RawStatement.of(_ON_TICKETS)
_READ_AND_LOG = RawStatement.of(select(_FOUND).add_cte(logged(_FOUND)))


@dataclass(frozen=True)
class CustomerOnTicket:
    """A customer in full, as one ticket shows them, and the generation of the link that they have to it."""

    view: CustomerView
    link_generation: int


async def show(database: Database, question: CustomerQuestion) -> list[ShownCustomer]:
    """Answer the asks in their order. What is asked in full and known is logged, one line an ask."""
    reader = ContactReader(kind=question.reader_kind, id=question.reader_id, request_id=question.request_id)
    shown = [ask.ticket_no for ask in question.asks if ask.in_full]
    found = await read(database, {ask.ticket_no for ask in question.asks}, reader, shown)
    return _views(question, found)


async def read(
    database: Database, ticket_nos: Collection[str], reader: ContactReader | None = None, shown: Sequence[str] = ()
) -> dict[str, CustomerOnTicket]:
    """The customers of these tickets, by ticket number, in one statement. It writes a line into the audit log for each
    of `shown` that is known: a contact that is not logged is not read either."""
    if reader is None or not shown:
        rows = await _READ.all(database, {"ticket_nos": list(ticket_nos)})
    else:
        by = {"reader_kind": reader.kind, "reader_id": reader.id, "request_id": reader.request_id}
        rows = await _READ_AND_LOG.all(database, {"ticket_nos": list(ticket_nos), "shown": list(shown), **by})
    return {row["ticket_no"]: CustomerOnTicket(_in_full(row), row["link_generation"]) for row in rows}


async def on_tickets(connection: AsyncConnection, ticket_nos: set[str]) -> dict[str, CustomerView]:
    """The customers of these tickets in full, by ticket number; whoever shows one to a person logs it."""
    rows = await connection.execute(_ON_TICKETS, {"ticket_nos": list(ticket_nos)})
    return {row["ticket_no"]: _in_full(row) for row in rows.mappings()}


def _in_full(row: Row) -> CustomerView:
    contact = _recorded(row)
    stated = row["contact"] if row["as_stated"] else {}
    for statement in [row["earlier"] or {}, *(row["supplied_earlier"] or []), stated, *(row["supplied"] or [])]:
        contact |= {name: statement[name] for name in contact if statement.get(name)}
    number = row["customer_no"] if row["vouched"] else row["contact"].get("customer_no")
    marked = unusable(Customer.model_construct(**contact))
    return CustomerView(id=row["id"], customer_no=number, tier=row["tier"], masked=False, unusable=marked, **contact)


def _recorded(row: Row) -> dict[str, Any]:
    """Values that the record adds: none where nobody vouched; to the feedback that it was corrected with, all of it."""
    names = ("name", *CONTACTS)
    if row["vouched"]:
        return {name: row[name] if name == "name" or name in row["known"] else None for name in names}
    return {name: None if row["as_stated"] else row[name] for name in names}


def _views(question: CustomerQuestion, found: Mapping[str, CustomerOnTicket]) -> list[ShownCustomer]:
    views = []
    for ask in question.asks:
        known = found.get(ask.ticket_no)
        view = known.view if known else CustomerView(id=ask.customer_id)
        address = AddressInPart(known=known is not None, masked_email=view.email and mask_email(view.email))
        shown = view if ask.in_full else masked_view(view)
        views.append(ShownCustomer.model_construct(**shown.__dict__, address=address))
    return views
