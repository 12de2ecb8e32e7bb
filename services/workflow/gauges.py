"""Gauges of tickets, counted in PostgreSQL every few seconds.

It runs beside the HTTP part and asks neither the engine nor a worker, so it sees when they are the ones that are late
(architecture, "Never late, never silent").
"""

import asyncio
import time
from typing import Any

from prometheus_client import Gauge
from sqlalchemy import ScalarSelect, Select, func, literal, literal_column, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.alert import Threshold
from services.contracts.journal import EventType
from services.contracts.publication import PublicationState
from services.contracts.vocabulary import ClockState, Status
from services.runtime.errors import Refusal
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import RawStatement, written_out
from services.runtime.telemetry import log
from services.workflow.tables import IS_BREACHED, IS_RUNNING, clocks, journal, publications, tickets

COUNT_SECONDS = 5.0
MOST_OVERDUE = 1_000
"""Counting stops here: an outage must not be made worse by measuring it."""
_OPEN = (~tickets.c.ended, tickets.c.status != Status.CLOSED)
_STANDING_EVERY = 6
"""Every so many times."""

overdue_unalerted = Gauge(
    "bihuan_clocks_overdue_unalerted",
    "Clocks past due, at most 1000: `missing` is the breach (the engine is late) or the alert (the alerts are).",
    ["missing"],
)
tickets_open = Gauge("bihuan_tickets_open", "Open tickets.", ["status", "phase", "urgency"])
publications_running = Gauge(
    "bihuan_publications_running", "Publications whose open tickets are still being recalculated."
)
clocks_live = Gauge("bihuan_clocks_live", "Clocks of open tickets that are not met.", ["clock", "state"])
counted_at = Gauge("bihuan_tickets_counted_timestamp_seconds", "When these figures were last counted.")


async def keep_counting(database: Database) -> None:
    """Count until cancelled. Without PostgreSQL the last figures stay, and `counted_at` tells their age."""
    turn = 0
    while True:
        try:
            await count(database, standing=turn % _STANDING_EVERY == 0)
            turn += 1
        except Refusal as refusal:
            log().warning("tickets not counted", error=type(refusal).__name__)
        await asyncio.sleep(COUNT_SECONDS)


async def count(database: Database, *, standing: bool = True) -> None:
    """Count once: what is overdue, and with `standing` how many tickets and clocks there are, which costs more."""
    if standing:
        async with database.read() as connection:
            await _show(connection, tickets_open, _open_tickets())
            await _show(connection, clocks_live, _live_clocks())
            running = select(func.count()).where(publications.c.state == PublicationState.RUNNING)
            publications_running.set(await connection.scalar(running) or 0)
    late = await _OVERDUE.one(database, {"most": MOST_OVERDUE})
    # After the last wait, so that whoever counted sees what they counted.
    for missing, number in late.items():
        overdue_unalerted.labels(missing).set(number)
    counted_at.set(time.time())


async def _show(connection: AsyncConnection, gauge: Gauge, query: Select[Any]) -> None:
    rows = (await connection.execute(query)).all()
    gauge.clear()
    for row in rows:
        gauge.labels(*row[:-1]).set(row[-1])


def _unbreached() -> Select[Any]:
    return select(literal(1)).where(IS_RUNNING, clocks.c.due_at < func.now())


def _unalerted() -> Select[Any]:
    """Breached clocks without an alert since; that of an earlier round was raised before this round was due. An excused
    breach alerts nobody."""
    raised = select(literal(1)).where(
        journal.c.ticket_no == clocks.c.ticket_no,
        journal.c.cycle == clocks.c.cycle,
        journal.c.type == EventType.ALERT_RAISED,
        journal.c.data["clock"].astext == clocks.c.name,
        journal.c.data["threshold"].astext == Threshold.BREACH,
        journal.c.recorded_at >= clocks.c.breached_at,
    )
    # With `NOT EXISTS` PostgreSQL compares all alerts with all clocks; so it looks into the journal of each ticket.
    first = raised.limit(1).correlate(clocks).scalar_subquery()
    return select(literal(1)).where(IS_BREACHED, clocks.c.excused_at.is_(None), first.is_(None))


def _open_tickets() -> Select[Any]:
    labels = (tickets.c.status, tickets.c.phase, tickets.c.urgency)
    return select(*labels, func.count()).where(*_OPEN).group_by(*labels)


def _live_clocks() -> Select[Any]:
    """Goes from ticket to ticket: there are many more clocks than live ones, and no index of the live ones."""
    live = [state for state in ClockState if state.live]
    mine = select(clocks.c.name, clocks.c.state).where(clocks.c.ticket_no == tickets.c.ticket_no)
    each = mine.where(clocks.c.state.in_(live)).correlate(tickets).offset(0).lateral()
    counted = select(each.c.name, each.c.state, func.count()).select_from(tickets.join(each, true()))
    return counted.where(*_OPEN).group_by(each.c.name, each.c.state)


def _most(query: Select[Any]) -> ScalarSelect[int]:
    """Count up to `most`."""
    bounded = query.limit(literal_column("CAST(:most AS bigint)")).subquery()
    return select(func.count()).select_from(bounded).scalar_subquery()


_OVERDUE = RawStatement(written_out(select(_most(_unbreached()).label("breach"), _most(_unalerted()).label("alert"))))
"""Clocks that are past due without a breach, and breached ones without an alert."""
