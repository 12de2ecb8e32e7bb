"""Operators see tickets in the engine's own lists, and what they end there by hand goes on (invariants I2, I4)."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, ResetReapplyType
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest, ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHistory
from temporalio.service import RPCError

from services.contracts.commands.update import Command
from services.contracts.names import SEARCH_ATTRIBUTES, ticket_workflow_id
from services.contracts.policy import ClockRule
from services.contracts.vocabulary import ClockName, CommandName, Urgency
from services.runtime.stack.temporal import Temporal
from services.runtime.temporal.client import engine_identity
from services.runtime.temporal.inventory import EngineRuns, Workflows
from services.runtime.temporal.workflow_starter import Starter
from services.workflow import client as engine_module
from services.workflow.client import EngineUnavailable, TicketEngine
from services.workflow.startables import open_tickets
from services.workflow.tables import tickets
from tests.flow.ticket_harness import LI_LEI, Ticket, TicketHarness

C, K = CommandName, ClockName
SECOND = timedelta(seconds=1)
PROMISED = {K.ACCEPTANCE: ClockRule(target="PT2H", warn_at=()), K.RESOLUTION: ClockRule(target="PT24H", warn_at=())}
UPSERT = EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES
RECORD = EventType.EVENT_TYPE_MARKER_RECORDED


async def until_listed(client: Client, query: str, *numbers: str) -> None:
    """Return when the engine's list for `query`, which may be a moment behind, names just these tickets."""
    wanted = {ticket_workflow_id(number) for number in numbers}
    async with asyncio.timeout(30):
        while {found.id async for found in client.list_workflows(query)} != wanted:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)


def upserts(history: WorkflowHistory) -> list[int]:
    """The workflow tasks in which attributes were changed."""
    return [
        it.upsert_workflow_search_attributes_event_attributes.workflow_task_completed_event_id
        for it in history.events
        if it.event_type == UPSERT
    ]


async def test_operators_find_a_ticket_by_status_department_and_urgency_as_they_change(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    department = f"d-{uuid.uuid4().hex[:8]}"
    ticket, client = await harness.open(urgency=Urgency.URGENT), harness.env.client
    await ticket.do(C.ASSIGN, department=department)
    here = f"BihuanDepartment = '{department}'"
    await until_listed(client, f"{here} AND BihuanStatus = 'pending' AND BihuanUrgency = 'urgent'", ticket.ticket_no)
    await ticket.do(C.ACCEPT, urgency="low")
    await until_listed(client, f"{here} AND BihuanStatus = 'processing' AND BihuanUrgency = 'low'", ticket.ticket_no)
    await until_listed(client, f"{here} AND BihuanStatus = 'pending'")
    await ticket.do(C.MERGE, into="202601010000")
    await ticket.handle.result()
    await until_listed(client, f"{here} AND BihuanStatus = 'closed'", ticket.ticket_no)


async def test_an_attribute_changes_in_the_task_that_records_the_step_and_only_where_its_value_does(
    harness: TicketHarness,
) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open()
    await ticket.do(C.TAG, add=["same"])
    assert upserts(await ticket.handle.fetch_history()) == []
    await ticket.do(C.ACCEPT)
    history = await ticket.handle.fetch_history()
    recorded = [
        it.marker_recorded_event_attributes.workflow_task_completed_event_id
        for it in history.events
        if it.event_type == RECORD
    ]
    assert upserts(history) == [recorded[-1]]
    await ticket.do(C.WAIT, reason="parts")
    assert len(upserts(await ticket.handle.fetch_history())) == 1


async def test_a_continued_workflow_stays_findable(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    department = f"d-{uuid.uuid4().hex[:8]}"
    ticket = await harness.open(events_before_continuing=30)
    first = await ticket.run_id()
    await ticket.do(C.ASSIGN, department=department)
    await asyncio.gather(*(ticket.do(C.TAG, add=[f"t{number}"]) for number in range(10)))
    await ticket.do(C.ACCEPT)
    assert await ticket.run_id() != first
    here = f"BihuanDepartment = '{department}' AND ExecutionStatus = 'Running'"
    await until_listed(harness.env.client, f"{here} AND BihuanStatus = 'processing'", ticket.ticket_no)


@pytest.fixture
async def bare(harness: TicketHarness) -> Client:
    """A namespace that does not know the search attributes."""
    name = f"bare-{uuid.uuid4().hex[:8]}"
    request = RegisterNamespaceRequest(namespace=name)
    request.workflow_execution_retention_period.FromTimedelta(timedelta(days=1))
    await harness.env.client.workflow_service.register_namespace(request)
    config = harness.env.client.config()
    config["namespace"] = name
    client = Client(**config)
    async with asyncio.timeout(30):
        while True:
            try:
                await client.count_workflows()
            except RPCError:
                await asyncio.sleep(0.05)
            else:
                return client


async def register(client: Client, folder: Path) -> None:
    """Do at each start what `make up` does with its own server: the store may be of an earlier release."""
    port = int(client.service_client.config.target_host.rpartition(":")[2])
    server = Temporal(folder / "temporal.db", port, client.namespace, folder / "temporal.log", SEARCH_ATTRIBUTES)
    for _ in range(2):
        await server.register()


async def test_without_the_attributes_tickets_start_all_the_same_and_the_log_says_what_to_do(
    harness: TicketHarness, bare: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = TicketEngine(bare)
    first, second = [await harness.stored(await harness.open(start=False)) for _ in range(2)]
    taken = Command(id="c-1", name=C.ACCEPT, actor=LI_LEI, decision={})
    with capture_logs() as logs:
        await engine.start(first)
        # Nobody takes the command; its workflow starts, with it or without.
        with pytest.raises(EngineUnavailable):
            await engine.command(second.state.ticket_no, taken, SECOND, second)
    (told,) = [it for it in logs if it["log_level"] == "warning"]
    assert f"--namespace {bare.namespace}" in told["command"]
    assert all(f"--name {name} --type Keyword" in told["command"] for name in SEARCH_ATTRIBUTES)
    for start in (first, second):
        described = await bare.get_workflow_handle(ticket_workflow_id(start.state.ticket_no)).describe()
        assert not {key.key.name for key in described.typed_search_attributes} & {*SEARCH_ATTRIBUTES}
    await register(bare, tmp_path)
    monkeypatch.setattr(engine_module, "SEARCHABLE_RETRY_SECONDS", 0.0)
    again = TicketEngine(bare)
    third = await harness.stored(await harness.open(start=False))
    async with asyncio.timeout(30):
        while True:
            await again.start(third)
            handle = bare.get_workflow_handle(ticket_workflow_id(third.state.ticket_no))
            if {key.key.name for key in (await handle.describe()).typed_search_attributes} & {*SEARCH_ATTRIBUTES}:
                break
            # The engine learns of new attributes a moment later.
            await handle.terminate()
            await asyncio.sleep(0.1)


async def terminate(ticket: Ticket) -> None:
    """As `temporal workflow terminate` does."""
    await ticket.handle.terminate("by hand")


async def cancel(ticket: Ticket) -> None:
    """As `temporal workflow cancel` does."""
    await ticket.handle.cancel()


async def reset(ticket: Ticket, which: Callable[[int], int] = lambda _number: 0) -> None:
    """As `temporal workflow reset` does, to one of its tasks and without what came after it. Commands that come at once
    share a task, so that nobody knows how many there are."""
    events = (await ticket.handle.fetch_history()).events
    finished = [it.event_id for it in events if it.HasField("workflow_task_completed_event_attributes")]
    await reset_to(ticket, finished[which(len(finished))])


async def reset_the_middle(ticket: Ticket) -> None:
    """As `temporal workflow reset` does, to a task between the first and the last."""
    await reset(ticket, lambda number: number // 2)


async def reset_the_last_command(ticket: Ticket) -> None:
    """As `temporal workflow reset` does, to a task that brought nothing but a command, which nothing then brings."""
    events = (await ticket.handle.fetch_history()).events
    taken = [it.event_id for it in events if it.HasField("workflow_execution_update_accepted_event_attributes")]
    await reset_to(ticket, taken[-1] - 1)


async def reset_to(ticket: Ticket, finished: int) -> None:
    """Take back the task that was finished by the event of this number, and all that came after it."""
    client = ticket.harness.env.client
    request = ResetWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=ticket.handle.id),
        reason="by hand",
        workflow_task_finish_event_id=finished,
        request_id=uuid.uuid4().hex,
        reset_reapply_type=ResetReapplyType.RESET_REAPPLY_TYPE_NONE,
    )
    await client.workflow_service.reset_workflow_execution(request)


class _RunsNotCounted(EngineRuns):
    """Other tests' tickets run on the engine too: as many of them as there are of this one would look like this one."""

    async def count(self, _workflows: Workflows) -> int:
        """No number that rows can have, so that each is looked for by its id."""
        return -1


@asynccontextmanager
async def starting(harness: TicketHarness, ticket: Ticket) -> AsyncIterator[None]:
    """The starter beside a worker, for this ticket alone and at short intervals."""
    kind = open_tickets(harness.engine)
    starter = Starter(
        harness.database,
        partial(engine_identity, harness.env.client),
        [replace(kind, living=kind.living & (tickets.c.ticket_no == ticket.ticket_no))],
        channel="nobody_calls",
        probe_seconds=0.05,
        name="ticket",
        runs=_RunsNotCounted(harness.env.client),
        compare_seconds=0.05,
    )
    await starter.reconcile()
    running = asyncio.create_task(starter.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("end", [terminate, cancel, reset, reset_the_middle, reset_the_last_command])
async def test_a_workflow_that_was_ended_by_hand_is_taken_up_again_without_a_command(
    harness: TicketHarness, end: Callable[[Ticket], Awaitable[None]]
) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open()
    await ticket.do(C.ACCEPT, owner=LI_LEI.id)
    await ticket.do(C.TAG, add=["kept"])
    due_at = (await ticket.clock(K.RESOLUTION)).due_at
    assert isinstance(due_at, datetime)
    async with starting(harness, ticket):
        ended = {await ticket.run_id()}
        await end(ticket)
        await until_it_knows(ticket, version=(await ticket.row())["version"], ended=ended)
    await ticket.move_to(due_at + SECOND)
    (breach,) = await ticket.events("clock.breached")
    assert breach["at"] == due_at


async def until_it_knows(ticket: Ticket, *, version: int, ended: set[str | None]) -> None:
    """Return when another run goes on, from what the journal holds."""
    async with asyncio.timeout(30):
        while True:
            if await ticket.run_id() not in ended:
                events = (await ticket.handle.fetch_history()).events
                started = events[0].workflow_execution_started_event_attributes
                if f'"version":{version},' in started.input.payloads[0].data.decode():
                    return
            await asyncio.sleep(0.05)
