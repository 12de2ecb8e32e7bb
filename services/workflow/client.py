"""The typed door to the ticket workflow: start one, give it a command."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from weakref import WeakValueDictionary

from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from services.contracts.base import Message
from services.contracts.commands.update import Command, UpdateOutcome
from services.contracts.feed import RemarkEntry
from services.contracts.names import (
    ENDED,
    ILLEGAL_TRANSITION,
    OUTDATED,
    QUEUE_TICKETS,
    SEARCH_ATTRIBUTES,
    STALE_VERSION,
    UPDATE_COMMAND,
    UPDATE_RECALCULATE,
    UPDATE_REMARK,
    WORKFLOW_PUBLICATION,
    WORKFLOW_TICKET,
    publication_workflow_id,
    ticket_workflow_id,
)
from services.contracts.publication import PublicationStart, Recalculation
from services.contracts.ticket import TicketStart
from services.runtime.telemetry import log
from services.runtime.temporal.client import RPC_LIMIT, Answer, engine_identity, start_or_attach, update_or_start
from services.runtime.temporal.inventory import EngineRuns, Workflows
from services.workflow.lifecycle import timers
from services.workflow.lifecycle.search_attributes import search_attributes
from services.workflow.tables import tickets

SEARCHABLE_RETRY_SECONDS = 60.0
MOST_AT_ONCE = 4
"""Updates of one ticket on their way from one process. With more than ten, the engine refuses some and forgets the
workflow task that is on, with the step in it."""
EARLIER, LONGEST_DELAY = timedelta(seconds=5), timedelta(days=30)
"""A run begins this long before its first instant, and sets its timer itself: neither a start that takes long nor a
clock that is a little off makes it late."""
_ENDED_BEFORE_THE_ANSWER = "AcceptedUpdateCompletedWorkflow"
"""The engine's type of an error: the run took the Update, and ended in the task that answered it."""
_SWITCHED_OFF = {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED}
"""Said by an engine without Update-with-Start, which older releases have to be told to have."""
TICKET_WORKFLOWS = Workflows(WORKFLOW_TICKET, QUEUE_TICKETS, ticket_workflow_id, (tickets.c.ticket_no,))


class EngineUnavailable(Exception):
    """The engine or its workers did not answer in time; whether the command was taken is unknown."""


class NoWorkflow(Exception):
    """The ticket has no running workflow: not started yet, or ended."""


class Refused(Exception):
    """The workflow refused the command and nothing changed; `code` is `illegal_transition`, `stale_version` or
    `outdated`, `version` that of the ticket from which it was refused."""

    def __init__(self, code: str, version: int | None = None) -> None:
        self.code = code
        self.version = version
        super().__init__(code)


class TicketEngine:
    """Speaks to the ticket workflows of one namespace."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._searchable_from = 0.0
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def identity(self) -> str:
        """The id of the engine's store."""
        return await engine_identity(self._client)

    async def ping(self) -> None:
        """Return when the engine answers; raise `RPCError` when it does not."""
        await self.identity()

    async def running(self) -> AsyncIterator[str]:
        """The ticket numbers of every running ticket workflow of ours; what others have started in its place ends."""
        prefix = ticket_workflow_id("")
        async for id_ in EngineRuns(self._client).ids(TICKET_WORKFLOWS):
            yield id_.removeprefix(prefix)

    async def start(self, start: TicketStart) -> None:
        """Start a ticket's workflow; one that runs already is left alone. Where the namespace lacks search attributes,
        it runs without, and cannot be searched for."""
        begin = partial(start_or_attach, self._client, WORKFLOW_TICKET, start, delay=_delay(start))
        await self._searchable(start, begin)

    async def _searchable(self, start: TicketStart, begin: Callable[..., Awaitable[Answer]]) -> Answer:
        """Let `begin` start a ticket's workflow with its search attributes, or without where they are refused."""
        ticket_no = start.state.ticket_no
        begin = partial(begin, id_=ticket_workflow_id(ticket_no), queue=QUEUE_TICKETS, summary=ticket_no)
        if time.monotonic() >= self._searchable_from:
            try:
                return await begin(search_attributes=search_attributes(start.state))
            except RPCError as error:
                if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                    raise
        answer = await begin()
        self._tell_that_tickets_are_not_searchable()
        return answer

    def _tell_that_tickets_are_not_searchable(self) -> None:
        """Once a minute; then it is tried again, so that registering them needs no restart."""
        if time.monotonic() < self._searchable_from:
            return
        self._searchable_from = time.monotonic() + SEARCHABLE_RETRY_SECONDS
        names = " ".join(f"--name {name} --type Keyword" for name in SEARCH_ATTRIBUTES)
        todo = f"temporal operator search-attribute create --namespace {self._client.namespace} {names}"
        log().warning("the namespace lacks search attributes: tickets start without, register them", command=todo)

    async def end(self, ticket_no: str) -> None:
        """End a ticket's workflow, whatever it does; where there is none, nothing is ended.

        Raises:
            EngineUnavailable: whether it has ended is unknown.
        """
        try:
            handle = self._client.get_workflow_handle(ticket_workflow_id(ticket_no))
            await handle.terminate("behind its journal", rpc_timeout=RPC_LIMIT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise EngineUnavailable from error

    async def start_publication(self, publication: PublicationStart, run: int) -> None:
        """Start a publication's workflow; one that runs already is left alone."""
        await start_or_attach(
            self._client,
            WORKFLOW_PUBLICATION,
            publication,
            id_=publication_workflow_id(publication.publication, run),
            queue=QUEUE_TICKETS,
            summary=publication.publication,
        )

    async def command(
        self, ticket_no: str, command: Command, limit: timedelta, start: TicketStart | None = None
    ) -> UpdateOutcome:
        """Give a command; answers when its effect is durable. With a `start`, a ticket that has no workflow gets one in
        the same request.

        The Update carries the command's id, so a repeat of the same command attaches to the first.

        Raises:
            Refused: not legal, or the version is stale.
            NoWorkflow: nothing runs under the ticket's id, or it is ending.
            EngineUnavailable: no answer within `limit`; the effect is unknown.
        """
        return await self._update(ticket_no, UPDATE_COMMAND, command, command.id, limit, start)

    async def remark(
        self, ticket_no: str, entry: RemarkEntry, limit: timedelta, start: TicketStart | None = None
    ) -> UpdateOutcome:
        """Hand over a remark; answers its sequence number when it is durable. Repeats as `command`.

        Raises:
            NoWorkflow, EngineUnavailable: as `command`.
        """
        return await self._update(ticket_no, UPDATE_REMARK, entry, entry.id, limit, start)

    async def recalculate(self, ticket_no: str, asked: Recalculation, limit: timedelta) -> UpdateOutcome:
        """Apply a publication. What was computed from the same state of the ticket attaches to the first.

        Raises:
            Refused: `stale_version`, compute it anew.
            NoWorkflow, EngineUnavailable: as `command`.
        """
        id_ = f"{UPDATE_RECALCULATE}/{asked.publication}/{asked.generation}/{asked.expected_version}"
        return await self._update(ticket_no, UPDATE_RECALCULATE, asked, id_, limit)

    async def _update(
        self,
        ticket_no: str,
        name: str,
        message: Message,
        id_: str,
        limit: timedelta,
        start: TicketStart | None = None,
    ) -> UpdateOutcome:
        turns = self._turns.setdefault(ticket_no, asyncio.Semaphore(MOST_AT_ONCE))
        try:
            async with asyncio.timeout(limit.total_seconds()), turns:
                if start is not None and (outcome := await self._update_or_start(start, name, message, id_, limit)):
                    return outcome
                handle = self._client.get_workflow_handle(ticket_workflow_id(ticket_no))
                given: UpdateOutcome = await handle.execute_update(
                    name, message, id=id_, result_type=UpdateOutcome, rpc_timeout=limit
                )
        except WorkflowUpdateFailedError as error:
            raise _refusal(error) from error
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
            raise EngineUnavailable from error
        except RPCError as error:
            raise (NoWorkflow() if error.status is RPCStatusCode.NOT_FOUND else EngineUnavailable()) from error
        except RuntimeError as error:
            # What the SDK raises until its first connection succeeds.
            raise EngineUnavailable from error
        return given

    async def _update_or_start(
        self, start: TicketStart, name: str, message: Message, id_: str, limit: timedelta
    ) -> UpdateOutcome | None:
        """None where the engine does not do both in one request: the workflow has been started then."""
        begin = partial(update_or_start, self._client, WORKFLOW_TICKET, start)
        told = {"update": name, "told": message, "update_id": id_, "result_type": UpdateOutcome, "limit": limit}
        try:
            return await self._searchable(start, partial(begin, **told))
        except RPCError as error:
            if error.status not in _SWITCHED_OFF:
                raise
        await self.start(start)
        return None


def _delay(start: TicketStart) -> timedelta | None:
    """The time that a run can wait for its first task; None where it has something to do now, or nothing to wait for.

    A run without a timer may not be delayed: if its first Update is refused, its first task leaves nothing behind, and
    the engine loses the next Update for ten seconds.
    """
    until = timers.rests_until(start)
    left = until - datetime.now(UTC) - EARLIER if until else timedelta(0)
    return min(left, LONGEST_DELAY) if left > timedelta(0) else None


def _refusal(error: WorkflowUpdateFailedError) -> Exception:
    cause = error.cause
    type_ = cause.type if isinstance(cause, ApplicationError) else None
    if type_ in {ENDED, _ENDED_BEFORE_THE_ANSWER}:
        return NoWorkflow()
    if not isinstance(cause, ApplicationError) or type_ not in {ILLEGAL_TRANSITION, STALE_VERSION, OUTDATED}:
        return EngineUnavailable()
    told = cause.details[0] if cause.details else {}
    return Refused(str(type_), told.get("version") if isinstance(told, dict) else None)
