"""Compares the engine with PostgreSQL, ticket by ticket (I2, I4); the starter then starts what is missing."""

from dataclasses import dataclass

from sqlalchemy import select, update

from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.database import Database
from services.workflow.client import TicketEngine
from services.workflow.tables import tickets
from services.workflow.wake_channels import STARTER_CHANNEL


@dataclass(frozen=True)
class Comparison:
    """The findings: tickets whose workflow is started again, and workflows that no ticket knows."""

    open_tickets: int
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


class Reconciler:
    """Hands missing workflows to the starter. Workflows without a ticket are reported and left alone: PostgreSQL was
    restored to an older state, and their next step waits for a journal that knows them."""

    def __init__(self, database: Database, engine: TicketEngine) -> None:
        self._database = database
        self._engine = engine

    async def compare(self) -> Comparison:
        """Look at every open ticket and every running workflow.

        Raises:
            RPCError: the engine does not answer.
        """
        async with self._database.read() as connection:
            living = set(await connection.scalars(select(tickets.c.ticket_no).where(tickets.c.ended.is_(False))))
        running = {number async for number in self._engine.running()}
        async with self._database.read() as connection:
            known = set(await connection.scalars(select(tickets.c.ticket_no).where(tickets.c.ticket_no.in_(running))))
        missing = living - running
        await self.release(*missing)
        return Comparison(len(living), tuple(sorted(missing)), tuple(sorted(running - known)))

    async def renew(self, ticket_no: str) -> None:
        """Have a ticket's workflow, which runs behind its journal, started anew from what is stored.

        Raises:
            EngineUnavailable: it could not be ended.
        """
        await self._engine.end(ticket_no)
        await self.release(ticket_no)

    async def release(self, *ticket_nos: str) -> None:
        """Have the workflows of these tickets started; one that runs after all is left alone."""
        if not ticket_nos:
            return
        mine = tickets.c.ticket_no.in_(ticket_nos) & tickets.c.ended.is_(False)
        async with self._database.begin() as connection:
            await connection.execute(update(tickets).where(mine).values(engine_id=None))
            await wake(connection, STARTER_CHANNEL)
