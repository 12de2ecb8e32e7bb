"""A list of tickets: what it is narrowed by, how it is ordered, and where a page goes on."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    any_,
    cast,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from services.access.reach import in_queue, is_owned
from services.contracts.base import Code, Instant
from services.contracts.permissions import Action, Principal, Relation, relations
from services.contracts.vocabulary import Category, ClockName, Kind, Phase, Priority, Status, Urgency
from services.runtime.http.paging import cursor_instant, decode_cursor, foreign_cursor
from services.runtime.postgres.search_keys import folded_number, folded_number_column
from services.workflow.tables import IS_BREACHED, IS_RUNNING, IS_SHARED, clocks, tickets


class TicketFilters(BaseModel):
    """Filters of a list of tickets; a repeated parameter holds if one of its values does."""

    model_config = ConfigDict(extra="forbid")

    status: list[Status] = Field(default_factory=list)
    phase: list[Phase] = Field(default_factory=list)
    kind: list[Kind] = Field(default_factory=list)
    category: list[Category] = Field(default_factory=list)
    priority: list[Priority] = Field(default_factory=list)
    urgency: list[Urgency] = Field(default_factory=list)
    department: list[Code] = Field(default_factory=list)
    owner: list[str] = Field(default_factory=list)
    assigned: bool | None = None
    overdue: bool | None = None
    clock: ClockName | None = None
    due_before: Instant | None = None
    opened_from: Instant | None = None
    opened_to: Instant | None = None
    customer_id: str | None = None
    product_model: str | None = None
    incident_id: str | None = None
    sort: Literal["next_due_at", "-opened_at"] = "next_due_at"
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(max_length=1000)] = None


def matching(q: str, caller: Principal, found: Mapping[str, Sequence[str]]) -> ColumnElement[bool]:
    """The condition of a search: a number or its beginning, a serial or order number, or what intake found. A ticket is
    found by the contact that it shows, and by what was written, where `caller` may read that."""
    number = folded_number(q)
    numbers = (
        tickets.c.ticket_no.startswith(number, autoescape=True),
        folded_number_column(tickets.c.serial_no) == number,
        folded_number_column(tickets.c.product["order_no"].astext) == number,
    )
    return or_(
        *(numbers if number else ()),
        tickets.c.customer_id.in_(found["customer_ids"]),
        and_(tickets.c.ticket_no.in_(found["shown_on"]), reached(caller, Action.READ_CONTACT)),
        and_(
            tickets.c.ticket_no.in_(found["ticket_nos"]),
            reached(caller, Action.READ_FEEDBACK),
            reached(caller, Action.READ_NOTE),
        ),
    )


def reached(caller: Principal, action: Action) -> ColumnElement[bool]:
    """`permissions.may` of each ticket, in SQL."""
    queue = in_queue(caller, tickets)
    near: Mapping[Relation, ColumnElement[bool]] = {
        Relation.ANY: true(),
        Relation.QUEUE: queue,
        Relation.OPEN_QUEUE: and_(queue, tickets.c.phase != Phase.CLOSED),
        Relation.OWN: is_owned(caller, tickets),
    }
    return or_(false(), *(near[relation] for relation in relations(caller, action)))


def filtered(query: Select[Any], filters: TicketFilters, left: Collection[str]) -> Select[Any]:
    """Narrow a query on tickets; one whose owner is among `left` counts as unassigned."""
    for name in ("status", "phase", "kind", "category", "priority", "urgency"):
        if values := getattr(filters, name):
            query = query.where(tickets.c[name].in_(_written_out(values)))
    if filters.department:
        query = query.where(tickets.c.department == any_(_texts(filters.department)))
    if filters.owner:
        helped = and_(IS_SHARED, tickets.c.co_owners.overlap(_texts(filters.owner)))
        query = query.where(or_(tickets.c.owner == any_(_texts(filters.owner)), helped))
    if filters.assigned is not None:
        query = query.where(not_(_is_unassigned(left)) if filters.assigned else _is_unassigned(left))
    for name in ("customer_id", "product_model", "incident_id"):
        if value := getattr(filters, name):
            query = query.where(tickets.c[name] == value)
    return _filtered_by_time(query, filters)


def _written_out(values: Sequence[StrEnum]) -> list[ColumnElement[str]]:
    """Codes of ours in the text of a statement: with parameters it could not use an index of open tickets."""
    return [literal_column(f"'{value.value}'") for value in values]


def _texts(values: Collection[str]) -> ColumnElement[Sequence[str]]:
    """Texts as one parameter, however many they are."""
    return cast(list(values), ARRAY(Text))


def _is_unassigned(left: Collection[str]) -> ColumnElement[bool]:
    """Whether a ticket has no owner, or one who has left."""
    return or_(tickets.c.owner.is_(None), tickets.c.owner == any_(_texts(["", *sorted(left)])))


def _filtered_by_time(query: Select[Any], filters: TicketFilters) -> Select[Any]:
    if filters.opened_from:
        query = query.where(tickets.c.opened_at >= filters.opened_from)
    if filters.opened_to:
        query = query.where(tickets.c.opened_at < filters.opened_to)
    return _filtered_by_clock(query, filters)


def _filtered_by_clock(query: Select[Any], filters: TicketFilters) -> Select[Any]:
    """With `clock`, what is overdue or due before an instant is that clock; without, any clock of the ticket."""
    live = [clocks.c.ticket_no == tickets.c.ticket_no, clocks.c.ended_at.is_(None)]
    if filters.clock:
        live.append(clocks.c.name == filters.clock)
        query = query.where(exists().where(*live))
    if filters.due_before and filters.clock:
        query = query.where(exists().where(*live, clocks.c.due_at < filters.due_before))
    elif filters.due_before:
        query = query.where(tickets.c.next_due_at < filters.due_before)
    if filters.overdue is not None:
        late = or_(IS_BREACHED, and_(IS_RUNNING, clocks.c.due_at < func.now()))
        overdue = exists().where(*live, late)
        query = query.where(overdue if filters.overdue else ~overdue)
    return query


def ordered(query: Select[Any], filters: TicketFilters) -> Select[Any]:
    """Put the tickets in the order asked for, from the cursor on."""
    after = _position(filters)
    if filters.sort == "-opened_at":
        if after is not None:
            query = query.where(tuple_(tickets.c.opened_at, tickets.c.ticket_no) < tuple_(*after))
        return query.order_by(tickets.c.opened_at.desc(), tickets.c.ticket_no.desc())
    if after is not None:
        query = query.where(_after_due(*after))
    return query.order_by(tickets.c.next_due_at.asc().nulls_last(), tickets.c.ticket_no)


def _position(filters: TicketFilters) -> tuple[datetime | None, str] | None:
    """The position at which the page before ended; a cursor of another order is refused."""
    if filters.cursor is None:
        return None
    sort, at, number = decode_cursor(filters.cursor, str, str, str)
    if sort != filters.sort:
        raise foreign_cursor()
    return cursor_instant(at) if at else None, number


def _after_due(instant: datetime | None, number: str) -> Any:
    if instant is None:
        return and_(tickets.c.next_due_at.is_(None), tickets.c.ticket_no > number)
    later = tuple_(tickets.c.next_due_at, tickets.c.ticket_no) > tuple_(instant, number)
    return or_(later, tickets.c.next_due_at.is_(None))
