"""Remarks of other services (alerts, surveys) in a ticket's journal, so that its sequence has no gaps and one order."""

import hashlib
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.commands.update import UpdateOutcome
from services.contracts.feed import Remark, RemarkEntry
from services.contracts.journal import REMARKS
from services.contracts.ticket import TicketState
from services.runtime.errors import ValidationFailed
from services.runtime.postgres.commit_notifier import CommitNotifier
from services.runtime.postgres.database import Database
from services.workflow.client import NoWorkflow, TicketEngine
from services.workflow.commands.delivery import Door, Ended
from services.workflow.journal.metrics import measure
from services.workflow.journal.store import write_journal, write_ticket
from services.workflow.lifecycle.life import Life
from services.workflow.tables import journal, tickets
from services.workflow.views.queries import Queries


class Remarks:
    """Enters remarks: through the ticket's workflow while there is one, afterwards in its place."""

    def __init__(
        self, *, database: Database, queries: Queries, engine: TicketEngine, door: Door, notifier: CommitNotifier
    ) -> None:
        self._database = database
        self._queries = queries
        self._engine = engine
        self._door = door
        self._notifier = notifier

    async def enter(self, ticket_no: str, remark: Remark) -> int:
        """Enter a remark and answer its sequence number; one that the journal holds already is not entered again.

        Raises:
            ValidationFailed: the type is the ticket's own to write.
            NotFound: there is no such ticket.
            Unavailable: whether it was entered is unknown; repeat it with the same key.
        """
        if remark.type not in REMARKS:
            raise ValidationFailed.at(
                "/type",
                "not_a_remark",
                {"en": "this type is the ticket's own to write", "zh": "此类型只能由工单自身写入"},
            )
        ticket = await self._queries.require(ticket_no)
        entry = RemarkEntry(id=_entry_id(ticket_no, remark), remark=remark)
        async with self._database.read() as connection:
            known = await _seq_of(connection, ticket_no, entry)
        if known is not None:
            return known
        if ticket.row["ended"]:
            return await self.append(ticket_no, entry)
        try:
            return (await self._door.give(ticket, partial(self._send, ticket_no, entry))).version
        except Ended:
            return await self.append(ticket_no, entry)

    async def _send(self, ticket_no: str, entry: RemarkEntry, limit: timedelta) -> UpdateOutcome:
        """Hand it over; a workflow that started anew because the journal holds it already need not get it again."""
        try:
            return await self._engine.remark(ticket_no, entry, limit)
        except NoWorkflow:
            async with self._database.read() as connection:
                known = await _seq_of(connection, ticket_no, entry)
            if known is None:
                raise
            return UpdateOutcome(version=known)

    async def append(self, ticket_no: str, entry: RemarkEntry) -> int:
        """Write in the place of a workflow that has ended. Its last step is recorded, so the row's lock is enough to
        be alone; a retry of that step finds a journal that is ahead and gives way to it."""
        async with self._database.begin() as connection:
            row = (await connection.execute(_ended(ticket_no))).one()
            known = await _seq_of(connection, ticket_no, entry)
            if known is not None:
                return known
            life = Life(TicketState.model_validate(row.state), None)
            life.remark(entry)
            last_hash = await write_journal(connection, ticket_no, life.events, row.journal_hash)
            await write_ticket(
                connection, life.state, life.events, language=row.language, journal_hash=last_hash, policy=None
            )
        self._notifier.announce()
        measure(life.events)
        return life.state.version


def _entry_id(ticket_no: str, remark: Remark) -> str:
    return hashlib.sha256(f"remark\0{ticket_no}\0{remark.key}".encode()).hexdigest()[:32]


async def _seq_of(connection: AsyncConnection, ticket_no: str, entry: RemarkEntry) -> int | None:
    mine = (journal.c.ticket_no == ticket_no, journal.c.command_id == entry.id)
    seq: int | None = await connection.scalar(select(journal.c.seq).where(*mine))
    return seq


def _ended(ticket_no: str) -> Any:
    columns = (tickets.c.state, tickets.c.journal_hash, tickets.c.language)
    mine = (tickets.c.ticket_no == ticket_no, tickets.c.ended.is_(True))
    return select(*columns).where(*mine).with_for_update()
