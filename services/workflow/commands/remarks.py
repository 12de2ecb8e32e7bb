"""Remarks of other services (alerts, surveys) in a ticket's journal, so that its sequence has no gaps and one order."""

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import select

from services.contracts.feed import Remark, RemarkEntry
from services.contracts.journal import REMARKS
from services.contracts.ticket import TicketState
from services.runtime.errors import ValidationFailed
from services.runtime.postgres.commit_notifier import CommitNotifier
from services.runtime.postgres.database import Database
from services.workflow.client import TicketEngine
from services.workflow.commands.delivery import Door, Ended
from services.workflow.journal.metrics import measure
from services.workflow.journal.store import Stand
from services.workflow.journal.store import entry as entry_of
from services.workflow.lifecycle.life import Life
from services.workflow.tables import tickets
from services.workflow.views.queries import Queries, entered_within


@dataclass(frozen=True, kw_only=True)
class Remarks:
    """Enters remarks: through the ticket's workflow while there is one, afterwards in its place."""

    database: Database
    queries: Queries
    engine: TicketEngine
    door: Door
    notifier: CommitNotifier

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
        ticket = await self.queries.require(ticket_no)
        entry = RemarkEntry(id=_entry_id(ticket_no, remark), remark=remark)
        if (known := await self.queries.entered(ticket_no, entry.id)) is not None:
            return known
        if ticket.row["ended"]:
            return await self.append(ticket_no, entry)
        try:
            send = partial(self.engine.remark, ticket_no, entry)
            return (await self.door.give(ticket, entry.id, send)).version
        except Ended:
            return await self.append(ticket_no, entry)

    async def append(self, ticket_no: str, entry: RemarkEntry) -> int:
        """Write in the place of a workflow that has ended. Its last step is recorded, so the row's lock is enough to
        be alone; a retry of that step finds a journal that is ahead and gives way to it."""
        async with self.database.begin() as connection:
            row = (await connection.execute(_ended(ticket_no))).one()
            if (known := await entered_within(connection, ticket_no, entry.id)) is not None:
                return known
            life = Life(TicketState.model_validate(row.state), None)
            stand = Stand(life.state.version, row.journal_hash, row.language)
            life.remark(entry)
            new = entry_of(life.state, life.events, stand)
            (_,) = await new.statement.within(connection, new.values)  # nobody else writes while the row is locked
        self.notifier.announce()
        measure(life.events)
        return life.state.version


def _entry_id(ticket_no: str, remark: Remark) -> str:
    return hashlib.sha256(f"remark\0{ticket_no}\0{remark.key}".encode()).hexdigest()[:32]


def _ended(ticket_no: str) -> Any:
    columns = (tickets.c.state, tickets.c.journal_hash, tickets.c.language)
    mine = (tickets.c.ticket_no == ticket_no, tickets.c.ended.is_(True))
    return select(*columns).where(*mine).with_for_update()
