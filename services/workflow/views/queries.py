"""The reading side: one ticket, lists, journal, clocks, the feed. Every list is bounded and filtered by reach."""

from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.reach import in_queue, within_reach
from services.contracts.journal import EventType
from services.contracts.permissions import Action, Principal, Relation, reach
from services.contracts.vocabulary import ClockName
from services.runtime.errors import NotFound
from services.runtime.http.paging import decode_cursor, encode_cursor
from services.runtime.postgres.database import Database
from services.runtime.postgres.idempotency import KeyedRequest
from services.runtime.postgres.raw_statement import RawStatement, among
from services.runtime.recently_used import RecentlyUsed
from services.workflow.journal.cursors import FEED_ORDER, behind, place_of, seq_of
from services.workflow.lifecycle.customer_answers import TALK
from services.workflow.tables import clocks, commands, journal, tickets
from services.workflow.views.filters import TicketFilters, filtered, ordered
from services.workflow.views.history import COURSE
from services.workflow.views.ticket_row import TicketRow

Row = Mapping[Any, Any]
Rows = Sequence[Row]
Page = tuple[Rows, str | None]
MOST_COUNTED = 1_000
MOST_OF_A_COURSE = 10_000
_MOST_COUNTINGS = 200
_OTHERS = 5
_PLACES = {name: place for place, name in enumerate(ClockName)}

_IS_ASKED = tickets.c.ticket_no == bindparam("ticket_no", type_=Text)
_IS_TALK = journal.c.type == any_(cast([str(type_) for type_ in TALK], ARRAY(Text)))
_OF_TICKET = journal.c.ticket_no == tickets.c.ticket_no
_EVENT = func.jsonb_build_object(
    *(part for name in ("type", "at", "actor_kind", "data") for part in (name, journal.c[name]))
)
_LEDGERS = select(func.jsonb_agg(clocks.c.ledger)).where(clocks.c.ticket_no == tickets.c.ticket_no)
_TALK = select(func.jsonb_agg(aggregate_order_by(_EVENT, journal.c.seq))).where(
    _OF_TICKET, _IS_TALK, exists().where(_OF_TICKET, journal.c.type == EventType.CUSTOMER_MESSAGE).correlate(tickets)
)
_WRITTEN_BY = literal_column("workflow.tickets.xmin", Text).label("written_by")
_SHOWN = select(
    tickets, _WRITTEN_BY, _LEDGERS.scalar_subquery().label("ledgers"), _TALK.scalar_subquery().label("talk")
)
"""Tickets with what else their views show: the ledgers of their clocks, and the events between them and customers who
ever wrote."""
_LISTED = select(tickets.c.ticket_no, tickets.c.journal_hash, tickets.c.next_due_at, tickets.c.opened_at, _WRITTEN_BY)
_COMMAND = ("id", "body_hash", "answer", "command")
_ITS_COMMAND = and_(
    commands.c.ticket_no == tickets.c.ticket_no,
    *(commands.c[name] == bindparam(name, type_=Text) for name in ("caller", "name", "key")),
)
_WITH_COMMAND = select(tickets, *(commands.c[name].label(f"known_{name}") for name in _COMMAND)).outerjoin(
    commands, _ITS_COMMAND
)

_FIND = RawStatement.of(select(tickets).where(_IS_ASKED))
_FIND_SHOWN = RawStatement.of(_SHOWN.where(_IS_ASKED))
_FIND_ALL_SHOWN = RawStatement.of(_SHOWN.where(among(tickets.c.ticket_no, "ticket_nos")))
_FIND_WITH_COMMAND = RawStatement.of(_WITH_COMMAND.where(_IS_ASKED))
_CLOCKS = RawStatement.of(select(clocks).where(clocks.c.ticket_no == bindparam("ticket_no", type_=Text)))
_LAST_ENTRY = RawStatement.of(
    select(func.max(journal.c.seq).label("seq")).where(
        journal.c.ticket_no == bindparam("ticket_no", type_=Text), journal.c.command_id == bindparam("id", type_=Text)
    )
)

_WITH_BODIES = select(journal, commands.c.body).outerjoin(commands, commands.c.id == journal.c.command_id)
_IN_JOURNAL = journal.c.ticket_no == bindparam("ticket_no", type_=Text)
_TIMELINE = RawStatement.of(
    _WITH_BODIES.where(_IN_JOURNAL, journal.c.seq > bindparam("after", type_=Integer))
    .order_by(journal.c.seq)
    .limit(bindparam("most", type_=Integer))
)
_COURSE = RawStatement.of(
    select(journal.c.seq, journal.c.type, journal.c.at, journal.c.actor_kind, journal.c.data)
    .where(_IN_JOURNAL, journal.c.type == any_(cast(list(COURSE), ARRAY(Text))))
    .order_by(journal.c.seq)
    .limit(MOST_OF_A_COURSE)
)


@dataclass(frozen=True)
class StoredCommand:
    """A command that is stored: what it was asked with, the first answer if it is kept, and what its workflow gets."""

    id: str
    body_hash: str
    answer: Mapping[str, Any] | None
    command: Mapping[str, Any]


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
        self._counting: RecentlyUsed[Hashable, RawStatement] = RecentlyUsed(_MOST_COUNTINGS)
        self._others: RecentlyUsed[Hashable, RawStatement] = RecentlyUsed(_MOST_COUNTINGS)

    async def find(self, ticket_no: str) -> TicketRow | None:
        """One ticket, or None."""
        return await self._row(_FIND, ticket_no)

    async def find_shown(self, ticket_no: str) -> TicketRow | None:
        """The same with what its view shows, in one statement."""
        return await self._row(_FIND_SHOWN, ticket_no)

    async def _row(self, statement: RawStatement, ticket_no: str) -> TicketRow | None:
        row = await statement.first(self._database, {"ticket_no": ticket_no})
        return TicketRow(row) if row else None

    async def find_with_command(
        self, ticket_no: str, name: str, asked: KeyedRequest
    ) -> tuple[TicketRow | None, StoredCommand | None]:
        """A ticket, and the command of this name that was stored for it under the request's key, in one statement."""
        values = {"ticket_no": ticket_no, "caller": asked.caller, "name": name, "key": asked.key}
        row = await _FIND_WITH_COMMAND.first(self._database, values)
        if row is None:
            return None, None
        known = None if row["known_id"] is None else StoredCommand(*(row[f"known_{each}"] for each in _COMMAND))
        return TicketRow(row), known

    async def find_all(self, ticket_nos: Sequence[str]) -> list[TicketRow]:
        """Those of some tickets that there are."""
        wanted = select(tickets).where(tickets.c.ticket_no == any_(cast(list(ticket_nos), ARRAY(Text))))
        return [TicketRow(row) for row in await self._database.rows(wanted)]

    async def find_all_shown(self, ticket_nos: Sequence[str]) -> list[TicketRow]:
        """The same with what their views show."""
        return [TicketRow(row) for row in await _FIND_ALL_SHOWN.all(self._database, {"ticket_nos": ticket_nos})]

    async def clocks_of(self, ticket_no: str) -> Rows:
        """Every clock of a ticket, in the order of their starts and then of product.md 5."""
        return sorted(await _CLOCKS.all(self._database, {"ticket_no": ticket_no}), key=_in_the_order_of_starting)

    async def page(self, caller: Principal, filters: TicketFilters, meant: ColumnElement[bool] | None = None) -> Page:
        """A page of tickets that `caller` may read, each with its last writing (`known_tickets`); `meant` narrows to
        what a search means."""
        query = _LISTED.where(within_reach(caller, Action.READ_TICKET, tickets))
        if meant is not None:
            query = query.where(meant)
        query = ordered(filtered(query, filters, await self._left()), filters)
        rows = await self._database.rows(query.limit(filters.limit + 1))
        if len(rows) <= filters.limit:
            return rows, None
        last = rows[filters.limit - 1]
        at = last["next_due_at"] if filters.sort == "next_due_at" else last["opened_at"]
        return rows[: filters.limit], encode_cursor([filters.sort, at.isoformat() if at else "", last["ticket_no"]])

    async def counts(self, caller: Principal, lists: Sequence[TicketFilters]) -> list[int]:
        """Count the tickets that each list shows to `caller`, in one statement; counted up to `MOST_COUNTED`."""
        left, told = await self._left(), tuple(each.model_dump_json() for each in lists)
        key = (reach(caller, Action.READ_TICKET), caller.department, caller.id, left, told)
        counting = self._counting.get(key) or self._counting.keep(key, _counting(caller, lists, left))
        return [int(number) for number in (await counting.one(self._database, {})).values()]

    async def others(self, caller: Principal, ticket: TicketRow) -> Rows:
        """The latest other tickets of a ticket's customer that `caller` may read."""
        key = (reach(caller, Action.READ_TICKET), caller.department, caller.id)
        asking = self._others.get(key) or self._others.keep(key, _others(caller))
        of = {"customer_id": ticket.row["customer_id"], "ticket_no": ticket.row["ticket_no"]}
        return await asking.all(self._database, of)

    async def timeline(self, ticket_no: str, limit: int, cursor: str | None) -> Page:
        """The journal of a ticket in order, each event with its command's body."""
        after = seq_of(decode_cursor(cursor, int)[0]) if cursor else 0
        rows = await _TIMELINE.all(self._database, {"ticket_no": ticket_no, "after": after, "most": limit + 1})
        more = len(rows) > limit
        return rows[:limit], encode_cursor([rows[limit - 1]["seq"]]) if more else None

    async def latest_events(self, ticket_no: str, types: Sequence[str], limit: int) -> Rows:
        """The last events of some types, oldest first, each with its command's body."""
        query = (
            _WITH_BODIES.where(journal.c.ticket_no == ticket_no, journal.c.type == any_(cast(list(types), ARRAY(Text))))
            .order_by(journal.c.seq.desc())
            .limit(limit)
        )
        return (await self._database.rows(query))[::-1]

    async def course(self, ticket_no: str) -> Rows:
        """The events that tell a ticket's course, in their order."""
        return await _COURSE.all(self._database, {"ticket_no": ticket_no})

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
        rows = await self._database.rows(query)
        shown = rows[:limit]
        end = place_of(shown[-1]) if shown else cursor
        return shown, end, len(rows) > limit

    async def entered(self, ticket_no: str, id_: str) -> int | None:
        """The last event that the command or remark of this id has caused, if the journal holds any."""
        return _seq(await _LAST_ENTRY.all(self._database, {"ticket_no": ticket_no, "id": id_}))

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
        return _existing(await self.find(ticket_no), ticket_no)

    async def require_shown(self, ticket_no: str) -> TicketRow:
        """The same with what its view shows."""
        return _existing(await self.find_shown(ticket_no), ticket_no)


def _counting(caller: Principal, lists: Sequence[TicketFilters], left: Collection[str]) -> RawStatement:
    """The statement that counts lists for a caller: it is put together once, and asked every few seconds."""
    within = select(literal(1)).select_from(tickets).where(within_reach(caller, Action.READ_TICKET, tickets))
    numbered = (filtered(within, filters, left).limit(MOST_COUNTED).subquery() for filters in lists)
    counted = (select(func.count()).select_from(each).scalar_subquery() for each in numbered)
    return RawStatement.of(select(*(each.label(f"list_{place}") for place, each in enumerate(counted))))


def _others(caller: Principal) -> RawStatement:
    """The statement that finds a customer's other tickets for a caller, put together once as well."""
    columns = (tickets.c[name] for name in ("ticket_no", "kind", "status", "phase", "opened_at"))
    query = select(*columns).where(
        within_reach(caller, Action.READ_TICKET, tickets),
        tickets.c.customer_id == bindparam("customer_id", type_=Text),
        tickets.c.ticket_no != bindparam("ticket_no", type_=Text),
    )
    return RawStatement.of(query.order_by(tickets.c.opened_at.desc(), tickets.c.ticket_no.desc()).limit(_OTHERS))


async def entered_within(connection: AsyncConnection, ticket_no: str, id_: str) -> int | None:
    """The same as `Queries.entered`, in a transaction that has begun."""
    return _seq(await _LAST_ENTRY.within(connection, {"ticket_no": ticket_no, "id": id_}))


def _existing(found: TicketRow | None, ticket_no: str) -> TicketRow:
    if found is None:
        raise NotFound({"en": f"no ticket {ticket_no}", "zh": f"没有工单 {ticket_no}"})
    return found


def _in_the_order_of_starting(clock: Row) -> tuple[Any, ...]:
    # Several start with the ticket, and a list that is read in pages must not change its order in between.
    return clock["started_at"], _PLACES[clock["name"]], clock["cycle"], clock["round"]


def _seq(rows: Rows) -> int | None:
    seq: int | None = rows[0]["seq"]
    return seq
