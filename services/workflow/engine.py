"""Keeps the engine in step with PostgreSQL: every open ticket has exactly one workflow (invariants I2, I4).

A ticket's row names the engine that its workflow was started in. A row that names none, or an engine that is gone, is
started from its stored state, with its original due times; so new tickets, catching up after an outage and rebuilding
after the store was deleted are one and the same.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from prometheus_client import Counter, Gauge
from sqlalchemy import func, select, update
from temporalio.service import RPCError

from services.contracts.policy import PolicySnapshot
from services.contracts.ticket import TicketStart, TicketState
from services.runtime.database import Database
from services.runtime.errors import Refusal
from services.runtime.telemetry import log
from services.workflow.client import TicketEngine
from services.workflow.registering import STARTER_CHANNEL
from services.workflow.tables import tickets

BATCH = 100
AT_ONCE = 8

started_total = Counter("bihuan_ticket_workflows_started_total", "Ticket workflows started, new or rebuilt.")
waiting_gauge = Gauge("bihuan_ticket_workflows_missing", "Open tickets whose workflow is not started in this engine.")


_MISSING = tickets.c.ended.is_(False) & tickets.c.engine_id.is_(None)


class Starter:
    """Starts the workflows that are missing; runs in the worker process."""

    def __init__(self, database: Database, engine: TicketEngine, probe_seconds: float) -> None:
        self._database = database
        self._engine = engine
        self._probe_seconds = probe_seconds
        self._woken = asyncio.Event()
        self._identity: str | None = None

    async def run(self) -> None:
        """Start what is missing now, whenever a ticket is registered, and after every probe; until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._database.listen(STARTER_CHANNEL, lambda _: self._woken.set()))
            while True:
                await self._try_once()
                try:
                    await asyncio.wait_for(self._woken.wait(), self._probe_seconds)
                except TimeoutError:
                    continue
                finally:
                    self._woken.clear()

    async def reconcile(self) -> int:
        """Start every missing workflow once; answers how many were started.

        Raises:
            RPCError: the engine does not answer.
            Unavailable: PostgreSQL does not.
        """
        identity, started = await self._engine.identity(), 0
        if identity != self._identity:
            await self._adopt(identity)
        while rows := await self._missing():
            done = await self._start_all(rows, identity)
            started += done
            if done < len(rows):
                break
        async with self._database.read() as connection:
            waiting_gauge.set(await connection.scalar(select(func.count()).where(_MISSING)) or 0)
        return started

    async def _adopt(self, identity: str) -> None:
        """Forget workflows that were started in another engine: its store is gone."""
        gone = update(tickets).where(tickets.c.ended.is_(False), tickets.c.engine_id != identity)
        async with self._database.begin() as connection:
            await connection.execute(gone.values(engine_id=None))
        self._identity = identity

    async def _try_once(self) -> None:
        try:
            started = await self.reconcile()
        except (RPCError, Refusal) as error:
            log().warning("workflows not started", error=type(error).__name__)
            return
        if started > 1:
            log().info("workflows started", count=started)

    async def _missing(self) -> Sequence[Any]:
        columns = (tickets.c.ticket_no, tickets.c.state, tickets.c.policy)
        query = select(*columns).where(_MISSING).order_by(tickets.c.engine_attempts, tickets.c.ticket_no)
        async with self._database.read() as connection:
            return (await connection.execute(query.limit(BATCH))).all()

    async def _start_all(self, rows: Sequence[Any], identity: str) -> int:
        slots = asyncio.Semaphore(AT_ONCE)

        async def start(row: Any) -> str | None:
            async with slots:
                return await self._start(row)

        started = [number for number in await asyncio.gather(*map(start, rows)) if number]
        failed = [row.ticket_no for row in rows if row.ticket_no not in set(started)]
        async with self._database.begin() as connection:
            mine = tickets.c.ticket_no
            await connection.execute(update(tickets).where(mine.in_(started)).values(engine_id=identity))
            if failed:
                later = tickets.c.engine_attempts + 1
                await connection.execute(update(tickets).where(mine.in_(failed)).values(engine_attempts=later))
        started_total.inc(len(started))
        return len(started)

    async def _start(self, row: Any) -> str | None:
        policy = PolicySnapshot.model_validate(row.policy) if row.policy else None
        try:
            await self._engine.start(TicketStart(state=TicketState.model_validate(row.state), policy=policy))
        except RPCError:
            # One ticket that the engine refuses must not hold up the others; it comes last the next time.
            log().exception("a ticket's workflow did not start")
            return None
        return str(row.ticket_no)
