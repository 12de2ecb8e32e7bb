"""Trying a policy or a calendar on all open tickets and on the last quarter; nothing is stored (semantics.md 19).

Tickets are read in pages and computed in a thread: a preview of a large centre takes seconds, and nobody else waits.
"""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from statistics import median
from typing import Any

from sqlalchemy import Column, ColumnElement, Text, any_, cast, func, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.base import format_instant
from services.contracts.permissions import Action, Principal, may
from services.contracts.policy import PolicySnapshot
from services.contracts.ticket import Clock, TicketState
from services.runtime.postgres.database import Database
from services.runtime.turns import Turns, in_thread
from services.workflow.publications.effects import ClockMove, Effect, direction
from services.workflow.publications.publications import IS_OPEN
from services.workflow.publications.trial import Trial, Tried, moves_of_open, moves_of_past
from services.workflow.tables import clocks, tickets

QUARTER = timedelta(days=90)
PAGE = 250
OPEN_SECONDS, PAST_SECONDS = 40.0, 20.0
"""A preview that stops here says so, and how many of how many tickets it looked at."""
TURNS = Turns(at_once=3, each=2)


@dataclass
class Figures:
    """Figures of a preview. Each clock is counted as earlier, later, unchanged, excused, promised or no longer."""

    of: int = 0
    """How many tickets there were when it began."""
    looked_at: int = 0
    tickets: int = 0
    affected: int = 0
    counted: dict[Effect, int] = field(default_factory=dict)
    new_breaches: int = 0
    shifts: list[int] = field(default_factory=list)
    truncated: bool = False

    def add(self, moves: Sequence[ClockMove]) -> None:
        """Count one ticket."""
        self.tickets += 1
        self.affected += any(move.effect is not Effect.NONE for move in moves)
        for move in moves:
            effect = direction(move.shift) if move.effect is Effect.NEW_BREACH else move.effect
            self.counted[effect] = self.counted.get(effect, 0) + 1
            self.new_breaches += move.new_breach
            if move.shift:
                self.shifts.append(_seconds(move.shift))

    def view(self) -> dict[str, Any]:
        """As the API shows it."""
        told = (Effect.EARLIER, Effect.LATER, Effect.EXCUSED, Effect.PROMISED, Effect.NO_LONGER_PROMISED)
        return {
            **{effect: self.counted.get(effect, 0) for effect in told},
            "of": max(self.of, self.looked_at),
            "looked_at": self.looked_at,
            "tickets": self.tickets,
            "affected": self.affected,
            "clocks": sum(self.counted.values()),
            "unchanged": self.counted.get(Effect.NONE, 0),
            "new_breaches": self.new_breaches,
            "largest_shift_seconds": max(self.shifts, key=abs, default=None),
            "median_shift_seconds": int(median(self.shifts)) if self.shifts else None,
            "truncated": self.truncated,
        }


Place = tuple[int, str, int]


@dataclass
class Listing:
    """The part of the list of affected clocks that was asked for: open tickets first, the latest first.

    `after` is the last place of the part before: 0 for open tickets or 1, the ticket's place in the order of reading,
    the number of its clock. `more` is the last place of this part, where the list goes on.
    """

    limit: int
    after: Place | None = None
    items: list[dict[str, Any]] = field(default_factory=list)
    last: Place | None = None
    more: Place | None = None

    def add(self, ticket_no: str, place: str, moves: Sequence[ClockMove], *, is_open: bool) -> None:
        """List the affected clocks of one ticket."""
        affected = [move for move in moves if move.effect is not Effect.NONE]
        for number, move in enumerate(affected):
            at = (int(not is_open), place, number)
            if self.after is None or _is_behind(at, self.after):
                self._add(_item(ticket_no, move, is_open=is_open), at)

    def _add(self, item: dict[str, Any], at: Place) -> None:
        if len(self.items) == self.limit:
            self.more = self.last
            return
        self.items.append(item)
        self.last = at


class Previews:
    """Reads tickets and tries promises on them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def preview(self, trial: Trial, at: datetime, caller: Principal, listing: Listing) -> dict[str, Any]:
        """Figures of the open tickets and of the last quarter. What `caller` may know of by name is listed."""
        since = at - QUARTER
        work = _Work(trial, at, caller, listing)
        late = self._pages(IS_OPEN, [tickets.c.ticket_no], clocks.c.breached_at.is_not(None))
        still_open = await self._figures(IS_OPEN, late, work.of_open, OPEN_SECONDS)
        received = tickets.c.opened_at >= since
        pages = self._pages(received, [tickets.c.opened_at, tickets.c.ticket_no])
        past = await self._figures(received, pages, work.of_past, PAST_SECONDS)
        span = {"from": format_instant(since), "to": format_instant(at)}
        return {"open": still_open.view(), "past": {**past.view(), **span}}

    async def _figures(
        self, those: ColumnElement[bool], pages: AsyncIterator[Sequence[Any]], work: Any, seconds: float
    ) -> Figures:
        of = await self._database.scalar(select(func.count()).select_from(tickets).where(those)) or 0
        figures, began = Figures(of=of), time.monotonic()
        async for page in pages:
            if time.monotonic() - began > seconds:
                figures.truncated = True
                break
            await in_thread(work, page, figures)
            figures.looked_at += len(page)
        return figures

    async def _pages(
        self, those: ColumnElement[bool], place: Sequence[Column[Any]], *finished: ColumnElement[bool]
    ) -> AsyncIterator[Sequence[Any]]:
        """Tickets, the latest first by their `place`, each with its finished clocks, or some of these."""
        query = select(*_COLUMNS).where(those).order_by(*(column.desc() for column in place)).limit(PAGE)
        behind = query
        while True:
            async with self._database.read() as connection:
                rows = await _with_finished(connection, behind, *finished)
            if not rows:
                return
            yield rows
            before = (getattr(rows[-1][0], column.name) for column in place)
            behind = query.where(tuple_(*place) < tuple_(*before))


# As text: the thread parses it, not the event loop.
_COLUMNS = (
    tickets.c.ticket_no,
    tickets.c.opened_at,
    tickets.c.status,
    cast(tickets.c.state, Text).label("state"),
    cast(tickets.c.policy, Text).label("policy"),
)


async def _with_finished(connection: AsyncConnection, query: Any, *narrowed: Any) -> list[tuple[Any, list[str]]]:
    rows = (await connection.execute(query)).all()
    numbers = cast([row.ticket_no for row in rows], ARRAY(Text))
    finished = select(clocks.c.ticket_no, cast(clocks.c.ledger, Text)).where(
        clocks.c.ticket_no == any_(numbers), clocks.c.ended_at.is_not(None), *narrowed
    )
    ledgers: dict[str, list[str]] = {row.ticket_no: [] for row in rows}
    for number, ledger in await connection.execute(finished):
        ledgers[number].append(ledger)
    return [(row, ledgers[row.ticket_no]) for row in rows]


@dataclass(frozen=True)
class _Work:
    """The thread's work on a page."""

    trial: Trial
    at: datetime
    caller: Principal
    listing: Listing

    def of_open(self, page: Sequence[tuple[Any, list[str]]], figures: Figures) -> None:
        for row, ledgers in page:
            ticket = _tried(row, [clock for clock in map(_clock, ledgers) if clock.excused_at is None])
            self._enter(ticket, row.ticket_no, list(moves_of_open(ticket, self.trial, self.at)), figures, is_open=True)

    def of_past(self, page: Sequence[tuple[Any, list[str]]], figures: Figures) -> None:
        for row, ledgers in page:
            finished = [clock for clock in map(_clock, ledgers) if not _is_counted_as_open(row, clock)]
            ticket = _tried(row, finished)
            moves = list(moves_of_past(ticket, self.trial))
            if moves:
                place = f"{row.opened_at.isoformat(timespec='microseconds')} {row.ticket_no}"
                self._enter(ticket, place, moves, figures, is_open=False)

    def _enter(self, ticket: Tried, place: str, moves: list[ClockMove], figures: Figures, *, is_open: bool) -> None:
        figures.add(moves)
        if _may_be_named(self.caller, ticket.state):
            self.listing.add(ticket.state.ticket_no, place, moves, is_open=is_open)


def _tried(row: Any, finished: Sequence[Clock]) -> Tried:
    return Tried(TicketState.model_validate_json(row.state), _policy(row.policy), finished)


@lru_cache(maxsize=256)
def _policy(text: str | None) -> PolicySnapshot | None:
    """Thousands of tickets live by a few policies."""
    return PolicySnapshot.model_validate_json(text) if text else None


def _clock(ledger: str) -> Clock:
    return Clock.model_validate_json(ledger)


def _is_counted_as_open(row: Any, clock: Clock) -> bool:
    """A breach of an open ticket can be excused by publishing, and is shown there."""
    return row.status != "closed" and clock.breached_at is not None


def _may_be_named(caller: Principal, state: TicketState) -> bool:
    """Whoever publishes for the whole centre may; others what they may read (invariant I16)."""
    return caller.department is None or may(caller, Action.READ_TICKET, state)


def _is_behind(at: Place, after: Place) -> bool:
    if at[0] != after[0]:
        return at[0] > after[0]
    return at[1] < after[1] if at[1] != after[1] else at[2] > after[2]


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())


def _item(ticket_no: str, move: ClockMove, *, is_open: bool) -> dict[str, Any]:
    return {
        "ticket_no": ticket_no,
        "cycle": move.cycle,
        "clock": move.name,
        "round": move.round,
        "open": is_open,
        "due_from": format_instant(move.due_from) if move.due_from else None,
        "due_to": format_instant(move.due_to) if move.due_to else None,
        "shift_seconds": _seconds(move.shift) if move.shift is not None else None,
        "effect": move.effect,
    }
