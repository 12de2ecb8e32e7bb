"""A run rests in the engine until shortly before its first instant, or until somebody wants something of it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.enums.v1 import EventType

from services.contracts.policy import ClockRule
from services.contracts.vocabulary import ClockName, ClockState, CommandName
from services.workflow.client import EARLIER, Refused
from tests.flow.ticket_harness import Ticket, TicketHarness

C, K = CommandName, ClockName
SECOND = timedelta(seconds=1)
PROMISED = {K.ACCEPTANCE: ClockRule(target="PT2H", warn_at=())}
SCHEDULED = EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED


async def test_a_new_ticket_needs_no_worker_until_shortly_before_its_first_instant(harness: TicketHarness) -> None:
    ticket, due_at = await promised(harness)
    await ticket.move_to(due_at - EARLIER - 60 * SECOND)
    assert not await has_begun(ticket)
    await ticket.move_to(due_at + SECOND)
    (breach,) = await ticket.events("clock.breached")
    assert breach["at"] == due_at
    begun_at, alarm_at = await instants(ticket)
    assert due_at - EARLIER <= begun_at < alarm_at
    assert due_at < alarm_at <= datetime.fromisoformat(breach["data"]["detected_at"])


async def test_a_command_begins_a_run_that_rests_and_moves_no_due_time(harness: TicketHarness) -> None:
    ticket, due_at = await promised(harness)
    await ticket.do(C.TAG, add=["begun"])
    assert (await ticket.clock(K.ACCEPTANCE)).due_at == due_at
    await ticket.move_to(due_at + SECOND)
    assert await ticket.breaches() == ["acceptance"]


async def test_a_run_whose_first_command_is_refused_takes_the_next_one_at_once(harness: TicketHarness) -> None:
    ticket, _ = await promised(harness)
    with pytest.raises(Refused):
        await ticket.do(C.RESUME)
    async with asyncio.timeout(8):  # the engine finds a task that it has lost after ten
        await ticket.do(C.ACCEPT)
    assert (await ticket.clock(K.ACCEPTANCE)).state is ClockState.MET
    assert [it["type"] for it in await ticket.events()] == ["ticket.received", "ticket.accepted"]


async def test_a_ticket_that_is_promised_nothing_begins_at_once(harness: TicketHarness) -> None:
    await harness.promise({})
    ticket = await harness.open()
    await ticket.settled()
    assert await has_begun(ticket)
    with pytest.raises(Refused):
        await ticket.do(C.RESUME)
    await ticket.do(C.ACCEPT)


@pytest.mark.parametrize("ago", [2 * timedelta(hours=1), 2 * timedelta(hours=1) - SECOND])
async def test_a_ticket_whose_first_instant_is_past_or_close_begins_at_once(
    harness: TicketHarness, ago: timedelta
) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open(received_at=datetime.now(UTC) - ago)
    await ticket.settled()
    assert await has_begun(ticket)


async def test_workers_that_are_away_when_the_rest_ends_date_the_breach_at_its_instant(harness: TicketHarness) -> None:
    ticket, due_at = await promised(harness)
    async with harness.workers.none():
        ahead = due_at + 600 * SECOND - await ticket.now()
        moving = asyncio.create_task(harness.env.fast_forward(ticket.handle, ahead))
        while not await has_begun(ticket):  # noqa: ASYNC110 - the engine's doing
            await asyncio.sleep(0.05)
    await moving
    while not (breaches := await ticket.events("clock.breached")):  # noqa: ASYNC110 - a worker's doing
        await asyncio.sleep(0.05)
    assert breaches[0]["at"] == due_at


async def promised(harness: TicketHarness) -> tuple[Ticket, datetime]:
    """A new ticket, and the only instant at which time does something to it."""
    await harness.promise(PROMISED)
    ticket = await harness.open()
    due_at = (await ticket.clock(K.ACCEPTANCE)).due_at
    assert due_at is not None
    return ticket, due_at


async def instants(ticket: Ticket) -> list[datetime]:
    """The instants at which the run's delay ended and its timer fired."""
    ended = (SCHEDULED, EventType.EVENT_TYPE_TIMER_FIRED)
    found: dict[int, datetime] = {}
    for event in (await ticket.handle.fetch_history()).events:
        if event.event_type in ended:
            found.setdefault(event.event_type, event.event_time.ToDatetime(tzinfo=UTC))
    return [found[each] for each in ended]


async def has_begun(ticket: Ticket) -> bool:
    """Whether the run has had a task, or has one to do."""
    return any(event.event_type == SCHEDULED for event in (await ticket.handle.fetch_history()).events)
