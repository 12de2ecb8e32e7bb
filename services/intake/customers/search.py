"""Looking customers and tickets up: by numbers and words, and by contacts as far as each reader may read them.

An answer that says yes or no tells a shortened contact digit by digit. So parts of contacts and names find only what
the caller reads in full on a ticket; a whole contact is looked up under `intake.customers.lookups`.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Text, any_, cast, exists, false, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.feedback import CustomerView
from services.contracts.permissions import Action, may, sees_contact
from services.intake.audit.log import reader_of
from services.intake.customers import contacts
from services.intake.customers.identity import folded_name
from services.intake.customers.lookups import log_lookup, whole_contact
from services.intake.schemas import CustomerSearch, SearchMatches, Wanted
from services.intake.tables import customers, feedback, supplements
from services.intake.tickets import Tickets
from services.runtime.postgres.database import Database
from services.runtime.postgres.search_keys import folded, folded_column, folded_number, folded_number_column
from services.runtime.security.auth import Caller

MOST_FOUND = 200
_BATCH = 50
_MOST_TICKETS = 1000
_FEWEST_DIGITS = 4

Place = tuple[datetime, str]
Rows = list[RowMapping]


async def search_customers(
    database: Database, tickets: Tickets, caller: Caller, search: CustomerSearch, after: Place | None, *, per_hour: int
) -> tuple[Rows, Place | None]:
    """A page of customers that a text means, newest first, and where the next one begins."""
    whole = whole_contact(search.q)
    if whole is not None and may(caller, Action.REGISTER_FEEDBACK):
        return await _look_up(database, caller, search, whole, after, per_hour)
    shown: Rows = []
    for _ in range(MOST_FOUND // _BATCH):
        async with database.read() as connection:
            rows = await _customers(connection, _may_mean(search.q, caller), _BATCH, after)
        readable = await _readable(database, tickets, caller, search.q, rows)
        shown += [row for row in rows if row["id"] in readable or _is_number_of(search.q, row)]
        if len(shown) > search.limit:
            return shown[: search.limit], _place(shown[search.limit - 1])
        if len(rows) < _BATCH:
            return shown, None
        after = _place(rows[-1])
    return shown, after


async def find(connection: AsyncConnection, wanted: Wanted, per_hour: int) -> SearchMatches:
    """Customers and tickets that a text may mean, the newest 200 of each."""
    newest = select(feedback.c.ticket_no).order_by(feedback.c.received_at.desc()).limit(MOST_FOUND)
    written = (await connection.execute(newest.where(_means_ticket(wanted.q)))).scalars().all()
    shown: list[str] = []
    if wanted.contacts:
        named = newest.join_from(feedback, customers, customers.c.id == feedback.c.customer_id)
        numbers = set((await connection.execute(named.where(_may_show(wanted.q)))).scalars())
        views = await contacts.on_tickets(connection, numbers)
        shown = [number for number, view in views.items() if shows(view, wanted.q)]
    known = [row["id"] for row in await _customers(connection, _has_number(wanted.q), MOST_FOUND, None)]
    whole = whole_contact(wanted.q) if wanted.looked_up_by else None
    if wanted.looked_up_by and whole is not None:
        whose = [row["id"] for row in await _customers(connection, whole, MOST_FOUND, None)]
        await log_lookup(connection, wanted.looked_up_by, whose, per_hour)
        known += whose
    return SearchMatches(customer_ids=tuple(known), shown_on=tuple(shown), ticket_nos=tuple(written))


def shows(view: CustomerView, q: str) -> bool:
    """Whether a customer, as a ticket shows them in full, is meant by a text."""
    if view.name and folded_name(q) and folded_name(q) in folded_name(view.name):
        return True
    if view.email and view.email == folded(q.strip()):
        return True
    digits = _digits(q)
    return bool(digits and view.phone and digits in re.sub(r"\D", "", view.phone))


async def _look_up(
    database: Database,
    caller: Caller,
    search: CustomerSearch,
    whole: ColumnElement[bool],
    after: Place | None,
    per_hour: int,
) -> tuple[Rows, Place | None]:
    async with database.begin() as connection:
        meant = or_(whole, _has_number(search.q))
        rows = await _customers(connection, meant, search.limit + 1, after)
        await log_lookup(connection, reader_of(caller), [row["id"] for row in rows], per_hour)
    return rows[: search.limit], _place(rows[search.limit - 1]) if len(rows) > search.limit else None


async def _readable(database: Database, tickets: Tickets, caller: Caller, q: str, rows: Rows) -> set[str]:
    """Those of some customers whom a ticket shows to the caller in full, with what is looked for."""
    ids = [row["id"] for row in rows]
    theirs = select(feedback.c.ticket_no).where(feedback.c.customer_id == any_(cast(ids, ARRAY(Text))))
    theirs = theirs.order_by(feedback.c.received_at.desc()).limit(_MOST_TICKETS)
    async with database.read() as connection:
        numbers = list((await connection.execute(theirs)).scalars()) if ids else []
    accesses = await tickets.accesses(numbers)
    seen = {access.ticket_no for access in accesses if sees_contact(caller, access)}
    async with database.read() as connection:
        views = await contacts.on_tickets(connection, seen) if seen else {}
    return {view.id for view in views.values() if shows(view, q)}


async def _customers(connection: AsyncConnection, meant: ColumnElement[bool], limit: int, after: Place | None) -> Rows:
    found = select(customers).where(meant).order_by(customers.c.created_at.desc(), customers.c.id.desc()).limit(limit)
    if after is not None:
        found = found.where(tuple_(customers.c.created_at, customers.c.id) < tuple_(*after))
    return list((await connection.execute(found)).mappings())


def _place(row: RowMapping) -> Place:
    return row["created_at"], row["id"]


def _is_number_of(q: str, row: RowMapping) -> bool:
    return bool(row["customer_no"]) and folded_number(row["customer_no"]) == folded_number(q)


def _has_number(q: str) -> ColumnElement[bool]:
    number = folded_number(q)
    return folded_number_column(customers.c.customer_no) == number if number else false()


def _may_mean(q: str, caller: Caller) -> ColumnElement[bool]:
    parts = (
        _parts(q, customers.c.name, customers.c.email, customers.c.phone) if may(caller, Action.READ_CONTACT) else []
    )
    return or_(_has_number(q), *parts)


def _may_show(q: str) -> ColumnElement[bool]:
    """Tickets whose feedback, supplements or record hold what is looked for; which of it they show is seen after."""
    stated, supplied, record = feedback.c.contact, supplements.c.contact, customers.c
    mine = supplements.c.ticket_no == feedback.c.ticket_no
    return or_(
        *_parts(q, *(stated[name].astext for name in ("name", "email", "phone"))),
        *_parts(q, record.name, record.email, record.phone),
        exists().where(mine, or_(false(), *_parts(q, *(supplied[name].astext for name in ("name", "email", "phone"))))),
    )


def _parts(q: str, name: ColumnElement[Any], email: ColumnElement[Any], phone: ColumnElement[Any]) -> list[Any]:
    meanings: list[Any] = [email == folded(q.strip())]
    if person := folded_name(q):
        meanings.append(func.replace(folded_column(name), " ", "").contains(person, autoescape=True))
    if digits := _digits(q):
        meanings.append(func.translate(phone, "+;ext=", "").contains(digits))
    return meanings


def _digits(q: str) -> str:
    """The digits of a phone that are looked for, without what only people at home dial before them."""
    digits = re.sub(r"[\s()+-]", "", folded(q))
    return digits.lstrip("0") if digits.isascii() and digits.isdigit() and len(digits) >= _FEWEST_DIGITS else ""


def _means_ticket(q: str) -> ColumnElement[bool]:
    content, number = feedback.c.content, folded_number(q)
    product = content["product"]
    numbers: Sequence[ColumnElement[Any]] = (
        feedback.c.ticket_no,
        product["serial_no"].astext,
        product["order_no"].astext,
    )
    written = folded_column(content["description"].astext).contains(folded(q), autoescape=True)
    return or_(written, *(folded_number_column(each) == number for each in numbers if number))
