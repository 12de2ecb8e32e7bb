"""The way to a ticket's workflow, which may not have started yet, may be changing runs, or may have ended."""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from services.contracts.commands.update import UpdateOutcome
from services.contracts.ticket import TicketStart
from services.runtime.errors import Unavailable
from services.workflow.client import EngineUnavailable, NoWorkflow, TicketEngine
from services.workflow.reconciliation import Reconciler
from services.workflow.settings import WorkflowSettings
from services.workflow.views.queries import Queries
from services.workflow.views.ticket_row import TicketRow

PAUSE_SECONDS = 0.05
"""Before a workflow is tried again that was lost, or is changing runs."""
SHORTEST_SECONDS = 1.0
"""What a workflow that has just started gets at least for its first command."""


class Ended(Exception):
    """The reopening window is over; `ticket` is what remains."""

    def __init__(self, ticket: TicketRow) -> None:
        self.ticket = ticket
        super().__init__("ended")


class Send(Protocol):
    """Gives something to a ticket's workflow within a time; with a `start`, one that does not run is started first."""

    def __call__(self, limit: timedelta, start: TicketStart | None, /) -> Awaitable[UpdateOutcome]: ...


@dataclass(frozen=True, kw_only=True)
class Door:
    """Hands things to workflows."""

    queries: Queries
    engine: TicketEngine
    reconciler: Reconciler
    settings: WorkflowSettings

    async def give(self, ticket: TicketRow, id_: str, send: Send) -> UpdateOutcome:
        """Hand over by `send`, which gets the time that is left; a workflow that is missing is started with it, unless
        the journal holds `id_`: one that began anew from there need not get it again.

        A ticket that no workflow is known of yet goes with its start at once. Where the starter was quicker, or the row
        has moved on meanwhile, the workflow that runs gets it, or one that begins from an old row gives way to the
        journal (invariant I4).

        Raises:
            Refused: by the workflow.
            Ended: there is no workflow any more.
            Unavailable: `engine_unavailable`; the effect is unknown.
        """
        unstarted = ticket.row["engine_id"] is None and not ticket.row["ended"]
        longest = self.settings.start_seconds if unstarted else self.settings.command_seconds
        start = _start_of(ticket) if unstarted else None
        started = time.monotonic()
        while True:
            left = max(longest - (time.monotonic() - started), SHORTEST_SECONDS)
            try:
                return await send(timedelta(seconds=left), start)
            except EngineUnavailable as error:
                raise _engine_unavailable() from error
            except NoWorkflow as error:
                ticket_no = ticket.row["ticket_no"]
                if (seq := await self.queries.entered(ticket_no, id_)) is not None:
                    return UpdateOutcome(version=seq)
                start = await self._start_anew(ticket_no, started, error)

    async def renew(self, ticket_no: str) -> None:
        """Have a workflow that is behind its journal started anew.

        Raises:
            Unavailable: `engine_unavailable`.
        """
        try:
            await self.reconciler.renew(ticket_no)
        except EngineUnavailable as error:
            raise _engine_unavailable() from error

    async def _start_anew(self, ticket_no: str, started: float, error: Exception) -> TicketStart:
        """The start of a workflow that the engine has lost; one that is changing runs is given a moment."""
        if time.monotonic() - started > self.settings.start_seconds:
            raise _engine_unavailable() from error
        await asyncio.sleep(PAUSE_SECONDS)
        ticket = await self.queries.require(ticket_no)
        if ticket.row["ended"]:
            raise Ended(ticket) from error
        return _start_of(ticket)


def _start_of(ticket: TicketRow) -> TicketStart:
    return TicketStart.stored(ticket.row["state"], ticket.row["policy"])


def _engine_unavailable() -> Unavailable:
    return Unavailable(
        {"en": "the effect is unknown: repeat with the same key", "zh": "结果未知：请用相同的键重试"},
        code="engine_unavailable",
        retry_after=2,
    )
