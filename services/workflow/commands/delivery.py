"""The way to a ticket's workflow, which may not have started yet, may be changing runs, or may have ended."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from services.contracts.commands import Outcome
from services.runtime.errors import Unavailable
from services.workflow.client import EngineUnavailable, NoWorkflow
from services.workflow.reconciliation import Reconciler
from services.workflow.settings import WorkflowSettings
from services.workflow.views.queries import Queries
from services.workflow.views.ticket_row import TicketRow

POLL_SECONDS = 0.1
SHORTEST_SECONDS = 1.0
"""What a workflow that has just started gets at least for its first command."""


class Ended(Exception):
    """The reopening window is over; `ticket` is what remains."""

    def __init__(self, ticket: TicketRow) -> None:
        self.ticket = ticket
        super().__init__("ended")


class Door:
    """Hands things to workflows."""

    def __init__(self, *, queries: Queries, reconciler: Reconciler, settings: WorkflowSettings) -> None:
        self._queries = queries
        self._reconciler = reconciler
        self._settings = settings

    async def give(self, ticket: TicketRow, send: Callable[[timedelta], Awaitable[Outcome]]) -> Outcome:
        """Hand over by `send`, which gets the time that is left, waiting a while for a workflow that is about to start.

        Raises:
            Refused: by the workflow.
            Ended: there is no workflow any more.
            Unavailable: `engine_unavailable`; the effect is unknown.
        """
        unstarted = ticket.row["engine_id"] is None
        longest = self._settings.start_seconds if unstarted else self._settings.command_seconds
        started = time.monotonic()
        while True:
            left = max(longest - (time.monotonic() - started), SHORTEST_SECONDS)
            try:
                return await send(timedelta(seconds=left))
            except EngineUnavailable as error:
                raise _engine_unavailable() from error
            except NoWorkflow as error:
                await self._look_again(ticket.row["ticket_no"], started, error)

    async def renew(self, ticket_no: str) -> None:
        """Have a workflow that is behind its journal started anew.

        Raises:
            Unavailable: `engine_unavailable`.
        """
        try:
            await self._reconciler.renew(ticket_no)
        except EngineUnavailable as error:
            raise _engine_unavailable() from error

    async def _look_again(self, ticket_no: str, started: float, error: Exception) -> None:
        ticket = await self._queries.require(ticket_no)
        if ticket.row["ended"]:
            raise Ended(ticket) from error
        if time.monotonic() - started > self._settings.start_seconds:
            raise _engine_unavailable() from error
        if ticket.row["engine_id"] is not None:
            # The engine has lost this one workflow, or it is just changing runs; starting what runs does nothing.
            await self._reconciler.release(ticket_no)
        await asyncio.sleep(POLL_SECONDS)


def _engine_unavailable() -> Unavailable:
    return Unavailable(
        {"en": "the effect is unknown: repeat with the same key", "zh": "结果未知：请用相同的键重试"},
        code="engine_unavailable",
        retry_after=2,
    )
