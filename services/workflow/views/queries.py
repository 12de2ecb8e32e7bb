"""The reading side: one ticket, lists, journal, clocks, the feed. Every list is bounded and filtered by reach."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    all_,
    and_,
    any_,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from services.access.reach import in_queue, is_owned, within_reach
from services.contracts.base import Code, Instant
from services.contracts.journal import EventType
from services.contracts.permissions import Action, Principal, Relation, reach, relations
from services.contracts.vocabulary import Category, ClockName, Kind, Phase, Priority, Status, Urgency
from services.runtime.errors import NotFound
from services.runtime.http import cursor_instant, decode_cursor, encode_cursor, foreign_cursor
from services.runtime.postgres.database import Database
from services.runtime.postgres.search_keys import folded_number, folded_number_column
from services.workflow.journal.cursors import FEED_ORDER, behind, place_of, seq_of
from services.workflow.lifecycle.customer_answers import TALK, oldest_unanswered
from services.workflow.tables import IS_BREACHED, IS_RUNNING, clocks, commands, journal, tickets
from services.workflow.views.history import COURSE
from services.workflow.views.ticket_row import TicketRow

Row = Mapping[Any, Any]
Rows = Sequence[Row]
Page = tuple[Rows, str | None]
MOST_COUNTED = 1_000
MOST_OF_A_COURSE = 10_000
_PLACES = {name: place for place, name in enumerate(ClockName)}


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


Left = Callable[[], Awaitable[frozenset[str]]]
"""Asks who has left: a ticket that they own counts as unassigned."""


async def nobody_left() -> frozenset[str]:
    """Nobody has left, as far as is known."""
    return frozenset()


class Queries:
    """Reads schema `workflow`."""

    def __init__(self, database: Database, left: Left = nobody_left) -> None:
        self._database = database
        self._left = left

    async def find(self, ticket_no: str) -> TicketRow | None:
        """One ticket, or None."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(tickets).where(tickets.c.ticket_no == ticket_no))).mappings().first()
        return TicketRow(row) if row else None

    async def find_all(self, ticket_nos: Sequence[str]) -> list[TicketRow]:
        """Those of some tickets that there are."""
        wanted = select(tickets).where(tickets.c.ticket_no == any_(cast(list(ticket_nos), ARRAY(Text))))
        async with self._database.read() as connection:
            return [TicketRow(row) for row in (await connection.execute(wanted)).mappings()]

    async def clocks_of(self, *ticket_nos: str) -> dict[str, Rows]:
        """Every clock of some tickets, by ticket number, in the order of their starts and then of product.md 5."""
        # One array is one parameter: `IN` writes and prepares a statement for every number of them.
        query = select(clocks).where(clocks.c.ticket_no == any_(cast(list(ticket_nos), ARRAY(Text))))
        found: dict[str, list[Row]] = {number: [] for number in ticket_nos}
        async with self._database.read() as connection:
            for row in (await connection.execute(query)).mappings():
                found[row["ticket_no"]].append(row)
        return {number: sorted(rows, key=_in_the_order_of_starting) for number, rows in found.items()}

    async def unanswered(self, *ticket_nos: str) -> dict[str, datetime | None]:
        """Since when the customer of each ticket waits for an answer to a message; None for nobody who waits."""
        of_these = journal.c.ticket_no == any_(cast(list(ticket_nos), ARRAY(Text)))
        columns = (journal.c.ticket_no, journal.c.type, journal.c.at, journal.c.actor_kind, journal.c.data)
        wrote = select(journal.c.ticket_no).where(of_these, journal.c.type == EventType.CUSTOMER_MESSAGE)
        query = (
            select(*columns)
            .where(journal.c.ticket_no.in_(wrote), journal.c.type == any_(cast(list(TALK), ARRAY(Text))))
            .order_by(journal.c.ticket_no, journal.c.seq)
        )
        async with self._database.read() as connection:
            rows = list((await connection.execute(query)).mappings())
        talks = {number: list(talk) for number, talk in groupby(rows, key=itemgetter("ticket_no"))}
        return {number: oldest_unanswered(talks.get(number, ())) for number in ticket_nos}

    async def page(self, caller: Principal, filters: TicketFilters, meant: ColumnElement[bool] | None = None) -> Page:
        """A page of tickets that `caller` may read; `meant` narrows to what a search means."""
        query = select(tickets).where(within_reach(caller, Action.READ_TICKET, tickets))
        if meant is not None:
            query = query.where(meant)
        query = _ordered(_filtered(query, filters, await self._left()), filters)
        async with self._database.read() as connection:
            rows = list((await connection.execute(query.limit(filters.limit + 1))).mappings())
        if len(rows) <= filters.limit:
            return rows, None
        last = rows[filters.limit - 1]
        at = last["next_due_at"] if filters.sort == "next_due_at" else last["opened_at"]
        return rows[: filters.limit], encode_cursor([filters.sort, at.isoformat() if at else "", last["ticket_no"]])

    async def counts(self, caller: Principal, lists: Sequence[TicketFilters]) -> list[int]:
        """Count the tickets that each list shows to `caller`, in one statement; counted up to `MOST_COUNTED`."""
        within = select(literal(1)).select_from(tickets).where(within_reach(caller, Action.READ_TICKET, tickets))
        left = await self._left()
        numbered = (_filtered(within, filters, left).limit(MOST_COUNTED).subquery() for filters in lists)
        query = select(*(select(func.count()).select_from(each).scalar_subquery() for each in numbered))
        async with self._database.read() as connection:
            return [int(number) for number in (await connection.execute(query)).one()]

    async def timeline(self, ticket_no: str, limit: int, cursor: str | None) -> Page:
        """The journal of a ticket in order, each event with its command's body."""
        after = seq_of(decode_cursor(cursor, int)[0]) if cursor else 0
        query = (
            select(journal, commands.c.body)
            .outerjoin(commands, commands.c.id == journal.c.command_id)
            .where(journal.c.ticket_no == ticket_no, journal.c.seq > after)
            .order_by(journal.c.seq)
            .limit(limit + 1)
        )
        async with self._database.read() as connection:
            rows = list((await connection.execute(query)).mappings())
        more = len(rows) > limit
        return rows[:limit], encode_cursor([rows[limit - 1]["seq"]]) if more else None

    async def latest_events(self, ticket_no: str, types: Sequence[str], limit: int) -> Rows:
        """The last events of some types, oldest first, each with its command's body."""
        query = (
            select(journal, commands.c.body)
            .outerjoin(commands, commands.c.id == journal.c.command_id)
            .where(journal.c.ticket_no == ticket_no, journal.c.type == any_(cast(list(types), ARRAY(Text))))
            .order_by(journal.c.seq.desc())
            .limit(limit)
        )
        async with self._database.read() as connection:
            return list((await connection.execute(query)).mappings())[::-1]

    async def course(self, ticket_no: str) -> Rows:
        """The events that tell a ticket's course, in their order."""
        wanted = journal.c.type == any_(cast(list(COURSE), ARRAY(Text)))
        columns = (journal.c.seq, journal.c.type, journal.c.at, journal.c.actor_kind, journal.c.data)
        query = select(*columns).where(journal.c.ticket_no == ticket_no, wanted).order_by(journal.c.seq)
        async with self._database.read() as connection:
            return list((await connection.execute(query.limit(MOST_OF_A_COURSE))).mappings())

    async def feed(
        self, caller: Principal, types: Sequence[str], limit: int, cursor: str | None
    ) -> tuple[Rows, str | None, bool]:
        """Events of all tickets in an order that never changes: rows, the position after them, and whether more wait.

        Only what every earlier transaction has settled is shown, so a reader that goes on from its position misses
        nothing.
        """
        query = select(journal, FEED_ORDER.tx_text).where(FEED_ORDER.settled)
        if reach(caller, Action.READ_EVENTS) is not Relation.ANY and caller.department:
            query = query.where(exists().where(tickets.c.ticket_no == journal.c.ticket_no, in_queue(caller, tickets)))
        if types:
            query = query.where(journal.c.type.in_(types))
        if cursor:
            query = query.where(behind(cursor))
        query = query.order_by(*FEED_ORDER.columns).limit(limit + 1)
        async with self._database.read() as connection:
            rows = list((await connection.execute(query)).mappings())
        shown = rows[:limit]
        end = place_of(shown[-1]) if shown else cursor
        return shown, end, len(rows) > limit

    async def kept(self, copy: TicketRow) -> TicketRow:
        """The ticket that is kept in the end, of one that was merged; any other is kept itself. The one that it was
        merged into may be a copy by now; of a circle, which nothing makes any more, it is one of them."""
        kept, seen = copy, {copy.row["ticket_no"]}
        while (into := kept.row["merged_into"]) is not None and into not in seen:
            seen.add(into)
            kept = await self.require(into)
        return kept

    async def require(self, ticket_no: str) -> TicketRow:
        """One ticket.

        Raises:
            NotFound: there is none.
        """
        found = await self.find(ticket_no)
        if found is None:
            raise NotFound({"en": f"no ticket {ticket_no}", "zh": f"没有工单 {ticket_no}"})
        return found


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


def _in_the_order_of_starting(clock: Row) -> tuple[Any, ...]:
    # Several start with the ticket, and a list that is read in pages must not change its order in between.
    return clock["started_at"], _PLACES[clock["name"]], clock["cycle"], clock["round"]


def _filtered(query: Select[Any], filters: TicketFilters, left: Collection[str]) -> Select[Any]:
    for name in ("status", "phase", "kind", "category", "priority", "urgency", "department"):
        if values := getattr(filters, name):
            query = query.where(tickets.c[name].in_(values))
    if filters.owner:
        mine = [tickets.c.owner.in_(filters.owner), tickets.c.co_owners.overlap(filters.owner)]
        query = query.where(or_(*mine))
    if filters.assigned is not None:
        query = query.where(_is_assigned(left) if filters.assigned else not_(_is_assigned(left)))
    for name in ("customer_id", "product_model", "incident_id"):
        if value := getattr(filters, name):
            query = query.where(tickets.c[name] == value)
    return _filtered_by_time(query, filters)


def _is_assigned(left: Collection[str]) -> ColumnElement[bool]:
    """Whether a ticket has an owner who has not left."""
    owner = func.coalesce(tickets.c.owner, "")
    return owner != all_(cast(["", *sorted(left)], ARRAY(Text)))


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


def _ordered(query: Select[Any], filters: TicketFilters) -> Select[Any]:
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
