"""Whoever reaches the engine's port can send it anything; what no service of ours has written changes nothing."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.common import RawValue, RetryPolicy, WorkflowIDConflictPolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from services.contracts.commands.update import Command, UpdateOutcome
from services.contracts.feed import Remark, RemarkEntry
from services.contracts.journal import EventType
from services.contracts.names import (
    ACTIVITY_RECORD,
    QUEUE_TICKETS,
    UPDATE_COMMAND,
    UPDATE_RECALCULATE,
    UPDATE_REMARK,
    WORKFLOW_TICKET,
)
from services.contracts.policy import ClockRule
from services.contracts.publication import Recalculation
from services.contracts.recording import RecordRequest, Schedule
from services.contracts.vocabulary import ClockName, CommandName
from services.workflow.client import NoWorkflow
from services.workflow.lifecycle import steps
from services.workflow.lifecycle.life import Life
from services.workflow.reconciliation import Reconciler
from tests.flow.ticket_harness import ATTEMPTS, HAN_MEIMEI, LI_LEI, Ticket, TicketHarness

C, K = CommandName, ClockName
PROMISED = {K.ACCEPTANCE: ClockRule(target="PT2H", warn_at=()), K.RESOLUTION: ClockRule(target="PT24H", warn_at=())}
STRANGE_QUEUE = "somebody-else"
SOON = timedelta(seconds=20)


@pytest.fixture
async def stranger(harness: TicketHarness) -> Client:
    """Somebody who knows the address and the messages, and not the secret."""
    config = harness.env.client.service_client.config
    return await Client.connect(
        config.target_host, namespace=harness.env.client.namespace, data_converter=pydantic_data_converter
    )


@pytest.fixture
async def ticket(harness: TicketHarness) -> Ticket:
    """A ticket that waits for the customer to confirm."""
    await harness.promise(PROMISED)
    ticket = await harness.open()
    await ticket.do(C.ACCEPT, owner="li-lei")
    await ticket.do(C.RESOLVE, result="resolved")
    return ticket


def command(name: CommandName, **decision: Any) -> Command:
    actor = HAN_MEIMEI if name in {C.CONFIRM, C.WITHDRAW, C.REOPEN} else LI_LEI
    return Command(id=uuid.uuid4().hex, name=name, actor=actor, decision=decision)


async def of(ticket: Ticket) -> Mapping[str, Any]:
    """The ticket in the journal, in its row and in its workflow's history."""
    described = await ticket.handle.describe()
    return {
        "events": await ticket.events(),
        "row": dict(await ticket.row()),
        "run": (described.run_id, described.history_length),
    }


async def assert_lives(ticket: Ticket) -> None:
    """Its workflow still takes what the customer says."""
    await ticket.do(C.CONFIRM, HAN_MEIMEI)
    assert await ticket.phase() == "closed"


@pytest.mark.parametrize(
    ("update", "argument"),
    [
        (UPDATE_COMMAND, command(C.CONFIRM)),
        (UPDATE_COMMAND, command(C.WITHDRAW)),
        (UPDATE_COMMAND, command(C.REOPEN)),
        (UPDATE_COMMAND, command(C.RECORD_CALLBACK, outcome="satisfied", channel="phone")),
        (UPDATE_COMMAND, command(C.CLOSE_UNRESOLVED, reason_code="nonsense")),
        (UPDATE_COMMAND, command(C.TAG, add=["forged"])),
        (UPDATE_COMMAND, {"unreadable": True}),
        (UPDATE_COMMAND, None),
        (UPDATE_REMARK, Remark),
        (UPDATE_RECALCULATE, Recalculation),
        ("unknown", None),
    ],
)
async def test_a_forged_update_is_refused_and_leaves_no_trace(
    ticket: Ticket, stranger: Client, update: str, argument: Any
) -> None:
    state = (await ticket.row())["state"]
    if argument is Remark:
        remark = Remark(key="forged", type=EventType.SURVEY_ANSWERED, at=await ticket.now(), cycle=1)
        argument = RemarkEntry(id="forged", remark=remark)
    elif argument is Recalculation:
        argument = Recalculation(
            publication="forged",
            generation=2**40,
            at=await ticket.now(),
            expected_version=state["version"],
            policy=None,
            versions={},
            schedule=Schedule(),
        )
    before = await of(ticket)
    handle = stranger.get_workflow_handle(ticket.handle.id)
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update(update, argument, result_type=UpdateOutcome)
    assert await of(ticket) == before
    await assert_lives(ticket)


async def test_a_signature_for_one_ticket_is_none_for_another(
    harness: TicketHarness, ticket: Ticket, stranger: Client
) -> None:
    other = await harness.open()
    tag = command(C.TAG, add=["mine"])
    await other.give(tag)
    signed = await _updates(other)
    with pytest.raises(WorkflowUpdateFailedError):
        await stranger.get_workflow_handle(ticket.handle.id).execute_update(
            UPDATE_COMMAND, RawValue(signed[tag.id]), result_type=UpdateOutcome
        )
    assert "mine" not in (await ticket.row())["tags"]
    await assert_lives(ticket)


async def test_a_command_that_is_sent_again_in_a_later_cycle_has_no_effect_twice(
    ticket: Ticket, stranger: Client
) -> None:
    confirmed = command(C.CONFIRM)
    await ticket.give(confirmed)
    signed = (await _updates(ticket))[confirmed.id]
    await ticket.do(C.REOPEN, HAN_MEIMEI)
    await ticket.do(C.RESOLVE, result="resolved")
    before = await ticket.events()
    with pytest.raises(WorkflowUpdateFailedError):
        await stranger.get_workflow_handle(ticket.handle.id).execute_update(
            UPDATE_COMMAND, RawValue(signed), result_type=UpdateOutcome
        )
    assert await ticket.events() == before
    assert await ticket.phase() == "resolved.awaiting_callback"
    await assert_lives(ticket)


async def test_a_command_that_nobody_has_stored_is_not_recorded(harness: TicketHarness, ticket: Ticket) -> None:
    before = await ticket.events()
    with pytest.raises(NoWorkflow):
        await harness.engine.command(ticket.ticket_no, command(C.CONFIRM), SOON)
    assert await ticket.events() == before
    await assert_lives(ticket)


async def test_a_forged_workflow_in_the_place_of_a_ticket_s_ends_at_once(
    harness: TicketHarness, ticket: Ticket, stranger: Client
) -> None:
    forged = await harness.stored(ticket)
    forged.state.ended = True
    await ticket.handle.terminate()
    squatter = await stranger.start_workflow(
        WORKFLOW_TICKET, forged, id=ticket.handle.id, task_queue=QUEUE_TICKETS, rpc_timeout=SOON
    )
    with pytest.raises(WorkflowFailureError):
        await squatter.result()
    await harness.start(ticket)
    await assert_lives(ticket)


async def test_what_holds_a_ticket_s_place_on_another_queue_is_found_and_replaced(
    harness: TicketHarness, ticket: Ticket, stranger: Client
) -> None:
    await ticket.handle.terminate()
    await stranger.start_workflow(
        WORKFLOW_TICKET,
        await harness.stored(ticket),
        id=ticket.handle.id,
        task_queue=STRANGE_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
    )
    reconciler = Reconciler(harness.database, harness.engine)
    for _ in range(ATTEMPTS):  # the engine's list is a moment behind
        if ticket.ticket_no in (await reconciler.compare()).missing:
            break
        await asyncio.sleep(0.05)
    await harness.start(ticket)
    await assert_lives(ticket)


@workflow.defn(name="Stranger", sandboxed=False)
class StrangerWorkflow:
    """Has our worker record what it likes."""

    @workflow.run
    async def run(self, batch: RecordRequest) -> None:
        await workflow.execute_activity(
            ACTIVITY_RECORD,
            batch,
            task_queue=QUEUE_TICKETS,
            start_to_close_timeout=SOON,
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


@pytest.fixture
async def strange_worker(stranger: Client) -> AsyncIterator[None]:
    async with Worker(
        stranger,
        task_queue=STRANGE_QUEUE,
        workflows=[StrangerWorkflow],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield


@pytest.mark.usefixtures("strange_worker")
async def test_our_worker_records_no_batch_of_a_stranger_s(
    harness: TicketHarness, ticket: Ticket, stranger: Client
) -> None:
    start = await harness.stored(ticket)
    life = Life(start.state, start.policy)
    confirm = command(C.CONFIRM)
    await harness.keep(ticket.ticket_no, confirm)
    steps.take(life, confirm, await ticket.now())
    before = await of(ticket)
    with pytest.raises(WorkflowFailureError):
        await stranger.execute_workflow(
            StrangerWorkflow.run, life.take_batch(), id=f"stranger-{uuid.uuid4().hex}", task_queue=STRANGE_QUEUE
        )
    assert await of(ticket) == before
    await assert_lives(ticket)


async def _updates(ticket: Ticket) -> dict[str, Payload]:
    """The arguments of the updates in the ticket's history, by the update's id."""
    events = (await ticket.handle.fetch_history()).events
    accepted = [event.workflow_execution_update_accepted_event_attributes.accepted_request for event in events]
    return {one.meta.update_id: one.input.args.payloads[0] for one in accepted if one.meta.update_id}
