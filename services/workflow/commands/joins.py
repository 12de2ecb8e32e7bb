"""Effects of a merge on the kept ticket: it learns of its copy, and opens again if it was closed (product.md 3).

The copy's row is the outbox: `join_pending` is set with the copy's last event and cleared when the journal of the kept
ticket holds the copy, however often that must be tried.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import select, text, update

from services.contracts.commands.ending import Join
from services.contracts.commands.update import Command
from services.contracts.copies import JoinedCopy
from services.contracts.feed import Remark, RemarkEntry
from services.contracts.journal import Actor, EventType
from services.contracts.vocabulary import CommandName
from services.runtime.errors import Refusal, Unavailable
from services.runtime.postgres.database import Database
from services.runtime.postgres.idempotency import KeyedRequest
from services.runtime.postgres.raw_statement import RawStatement, written_out
from services.runtime.telemetry import log
from services.workflow.client import Refused, TicketEngine
from services.workflow.commands.commands import store_command
from services.workflow.commands.delivery import Door, Ended
from services.workflow.commands.remarks import Remarks
from services.workflow.tables import journal, tickets
from services.workflow.views.queries import Queries
from services.workflow.views.ticket_row import TicketRow

EVERY_SECONDS = 2.0
_AT_ONCE = 100
_LOCK_SECONDS = 5.0
_PENDING = RawStatement(
    written_out(select(tickets.c.ticket_no).where(tickets.c.join_pending).order_by(tickets.c.ticket_no).limit(_AT_ONCE))
)
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('merge', 0))"


@dataclass(frozen=True, kw_only=True)
class Joins:
    """Tells kept tickets of their copies."""

    database: Database
    queries: Queries
    engine: TicketEngine
    door: Door
    remarks: Remarks
    merging: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def run(self) -> None:
        """Tell what is still to be told, until cancelled."""
        while True:
            with suppress(Refusal):
                for copy_no in await self._pending():
                    await self._try(copy_no)
            await asyncio.sleep(EVERY_SECONDS)

    async def tell(self, copy_no: str) -> None:
        """Tell the kept ticket of a copy, unless it knows already.

        Raises:
            Unavailable: it is tried again.
        """
        copy = await self.queries.require(copy_no)
        if not copy.row["join_pending"]:
            return
        kept = await self.queries.kept(copy)
        if not await self._give(copy, kept):
            return
        done = update(tickets).where(tickets.c.ticket_no == copy_no).values(join_pending=False)
        async with self.database.begin() as connection:
            await connection.execute(done)

    @asynccontextmanager
    async def one_at_a_time(self) -> AsyncIterator[None]:
        """Hold off every other merge: of two tickets that are merged into each other at once, none would be kept.

        Raises:
            Unavailable: others take too long.
        """
        try:
            async with asyncio.timeout(_LOCK_SECONDS):
                await self.merging.acquire()
        except TimeoutError as error:
            raise Unavailable(retry_after=2) from error
        try:
            async with self.database.begin() as connection:
                await connection.execute(text(_LOCK))
                yield
        finally:
            self.merging.release()

    async def _try(self, copy_no: str) -> None:
        """One whose kept ticket cannot be told now must not keep the others waiting."""
        try:
            await self.tell(copy_no)
        except Refusal as refusal:
            log().warning("a kept ticket is still to be told of its copy", copy=copy_no, code=refusal.code)

    async def _pending(self) -> Sequence[str]:
        return [row["ticket_no"] for row in await _PENDING.all(self.database, {})]

    async def _give(self, copy: TicketRow, kept: TicketRow) -> bool:
        """Answers False where the kept ticket has been merged meanwhile: the next look finds another one."""
        command = await self._command(copy, kept)
        kept_no = kept.row["ticket_no"]
        if not kept.row["ended"]:
            try:
                await self.door.give(kept, command.id, partial(self.engine.command, kept_no, command))
            except Refused:
                return False
            except Ended as over:
                if over.ticket.row["merged_into"] is not None:
                    return False
            else:
                return True
        # Its reopening window has ended since the merge was taken: it is on record, and its owner is told.
        await self.remarks.append(kept_no, _entry(command, kept.state.cycle))
        return True

    async def _command(self, copy: TicketRow, kept: TicketRow) -> Command:
        copy_no, kept_no = copy.row["ticket_no"], kept.row["ticket_no"]
        command = Command(
            id=hashlib.sha256("\0".join(("join", copy_no, kept_no)).encode()).hexdigest()[:32],
            name=CommandName.JOIN,
            actor=await self._merged_by(copy_no),
            decision=Join(copy_no=copy_no, others=_others(copy, kept)).model_dump(mode="json"),
        )
        asked = KeyedRequest(f"{command.actor.kind}:{command.actor.id}", None, str)
        await store_command(self.database, kept_no, command, asked, {})
        return command

    async def _merged_by(self, copy_no: str) -> Actor:
        merged = (journal.c.ticket_no == copy_no, journal.c.type == EventType.MERGED)
        async with self.database.read() as connection:
            row = (await connection.execute(select(journal.c.actor_kind, journal.c.actor_id).where(*merged))).one()
        return Actor(kind=row.actor_kind, id=row.actor_id)


def _others(copy: TicketRow, kept: TicketRow) -> tuple[JoinedCopy, ...]:
    """The reports of other customers that come with a copy: its own, and those that were merged into it."""
    row = copy.row
    own = JoinedCopy(ticket_no=row["ticket_no"], customer_id=row["customer_id"], language=row["language"])
    return tuple(it for it in (own, *copy.state.joined) if it.customer_id != kept.row["customer_id"])


def _entry(command: Command, cycle: int) -> RemarkEntry:
    data = {"copy": command.decision["copy_no"], "other_customer": bool(command.decision["others"])}
    now = datetime.now(UTC)
    remark = Remark(key=command.id, type=EventType.COPY_JOINED, at=now, cycle=cycle, data=data)
    return RemarkEntry(id=command.id, remark=remark)
