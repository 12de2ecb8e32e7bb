"""Remarks of other services stand in the ticket's journal once, in one order with everything else (I7)."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity

from services.contracts.feed import Remark
from services.contracts.journal import REMARKS, EventType
from services.contracts.names import ACTIVITY_RECORD
from services.contracts.policy import ClockRule
from services.contracts.recording import RecordRequest, Schedule
from services.contracts.vocabulary import ClockName, CommandName, Kind
from services.runtime.errors import NotFound, Unavailable, ValidationFailed
from services.workflow.commands.delivery import Door
from services.workflow.commands.remarks import Remarks
from services.workflow.journal.activities import TicketActivities
from services.workflow.journal.feed import feed_notifier
from services.workflow.reconciliation import Reconciler
from services.workflow.settings import WorkflowSettings
from services.workflow.views.queries import Queries
from tests.flow.ticket_harness import HAN_MEIMEI, Ticket, TicketHarness

C, K, T = CommandName, ClockName, EventType
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
PROMISED = {
    K.ACCEPTANCE: ClockRule(target="PT2H"),
    K.RESOLUTION: ClockRule(target="PT24H"),
    K.PROGRESS: ClockRule(target="PT4H"),
    K.CALLBACK: ClockRule(target="P1D"),
}


def remarks_of(harness: TicketHarness, **settings: Any) -> Remarks:
    """The workflow service's way in."""
    queries = Queries(harness.database)
    door = Door(
        queries=queries,
        engine=harness.engine,
        reconciler=Reconciler(harness.database, harness.engine),
        settings=WorkflowSettings(**settings),
    )
    return Remarks(
        database=harness.database,
        queries=queries,
        engine=harness.engine,
        door=door,
        notifier=feed_notifier(harness.database),
    )


async def remark(ticket: Ticket, type_: EventType = T.ALERT_RAISED, *, cycle: int = 1, **data: Any) -> Remark:
    """A remark of now, under a key of its own."""
    at = (await ticket.row())["opened_at"] + SECOND
    return Remark(key=uuid.uuid4().hex, type=type_, at=at, cycle=cycle, data=data)


async def _accept(ticket: Ticket) -> None:
    await ticket.do(C.ACCEPT)


async def _wait(ticket: Ticket) -> None:
    await _accept(ticket)
    await ticket.do(C.WAIT, reason="parts")


async def _ask(ticket: Ticket) -> None:
    await ticket.do(C.REQUEST_INFORMATION, fields=["product.serial_no"])


async def _plan(ticket: Ticket) -> None:
    await _accept(ticket)
    await ticket.do(C.PLAN)


async def _resolve(ticket: Ticket) -> None:
    await _accept(ticket)
    await ticket.do(C.RESOLVE, result="resolved")


async def _call_back(ticket: Ticket) -> None:
    await _resolve(ticket)
    await ticket.do(C.RECORD_CALLBACK, outcome="satisfied", channel="phone")


async def _close(ticket: Ticket) -> None:
    await _resolve(ticket)
    await ticket.do(C.CONFIRM, HAN_MEIMEI)


async def _end(ticket: Ticket) -> None:
    """Merged: nothing lives any more."""
    await ticket.do(C.MERGE, into="20260101999")
    await ticket.handle.result()


async def _nothing(_: Ticket) -> None:
    """As it was received."""


IN_PHASE: dict[str, Callable[[Ticket], Awaitable[None]]] = {
    "pending.review": _nothing,
    "pending.awaiting_information": _ask,
    "processing.assigned": _accept,
    "processing.planned": _plan,
    "processing.waiting": _wait,
    "resolved.awaiting_callback": _resolve,
    "resolved.awaiting_second_callback": _call_back,
    "closed": _close,
}


async def _stands(ticket: Ticket) -> dict[str, Any]:
    """Everything that a remark must not touch."""
    row = dict(await ticket.row())
    for name in ("version", "journal_hash", "engine_id"):
        del row[name]
    row["state"] = {name: value for name, value in row["state"].items() if name != "version"}
    return row


@pytest.mark.parametrize("phase", [*IN_PHASE, "ended"])
async def test_a_remark_is_entered_in_every_phase_and_changes_nothing(harness: TicketHarness, phase: str) -> None:
    await harness.promise(PROMISED)
    kind = Kind.COMPLAINT if phase == "resolved.awaiting_second_callback" else Kind.FAULT
    ticket = await harness.open(kind=kind, complete=phase != "pending.awaiting_information")
    await IN_PHASE.get(phase, _end)(ticket)
    before, version = await _stands(ticket), (await ticket.row())["version"]
    said = await remark(ticket, T.SURVEY_ANSWERED, cycle=7, survey_id="s-1", overall=2)
    assert await remarks_of(harness).enter(ticket.ticket_no, said) == version + 1
    assert await _stands(ticket) == before
    event = (await ticket.events())[-1]
    here = before["phase"]
    assert (event["seq"], event["type"], event["from_phase"], event["to_phase"]) == (
        (version + 1, "survey.answered", here, here)
    )
    assert (event["at"], event["cycle"], event["data"]) == (said.at, 7, {"survey_id": "s-1", "overall": 2})
    assert (event["actor_kind"], event["actor_id"]) == ("system", "workflow")


@pytest.mark.parametrize("is_ended", [False, True], ids=["while it lives", "after its end"])
async def test_a_remark_repeated_under_its_key_is_entered_once(harness: TicketHarness, is_ended: bool) -> None:
    ticket = await harness.open()
    if is_ended:
        await _end(ticket)
    said = await remark(ticket)
    remarks = remarks_of(harness)
    seqs = await asyncio.gather(*(remarks.enter(ticket.ticket_no, said) for _ in range(8)))
    assert [*set(seqs), await remarks.enter(ticket.ticket_no, said)] == [seqs[0]] * 2
    assert len(await ticket.events("alert.raised")) == 1


async def test_the_same_key_on_two_tickets_is_two_remarks(harness: TicketHarness) -> None:
    first, second = await harness.open(), await harness.open()
    said = await remark(first)
    for ticket in (first, second):
        assert await remarks_of(harness).enter(ticket.ticket_no, said) == 2


async def test_remarks_and_commands_at_once_leave_one_sequence(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open()
    remarks = remarks_of(harness)
    said = [await remark(ticket, n=number) for number in range(10)]
    seqs, versions = await asyncio.gather(
        asyncio.gather(*(remarks.enter(ticket.ticket_no, each) for each in said)),
        asyncio.gather(*(ticket.do(C.TAG, add=[f"t{number}"]) for number in range(10))),
    )
    assert sorted([*seqs, *versions]) == list(range(2, 22))
    assert sorted(it["data"]["n"] for it in await ticket.events("alert.raised")) == list(range(10))


async def test_a_repeat_after_the_history_was_cut_is_still_known(harness: TicketHarness) -> None:
    ticket = await harness.open(events_before_continuing=30)
    said, first_run = await remark(ticket), await ticket.run_id()
    seq = await remarks_of(harness).enter(ticket.ticket_no, said)
    for number in range(8):
        await ticket.do(C.TAG, add=[f"t{number}"])
    assert await ticket.run_id() != first_run
    assert await remarks_of(harness).enter(ticket.ticket_no, said) == seq


async def test_remarks_while_the_reopening_window_ends_are_all_entered(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open()
    await _close(ticket)
    remarks = remarks_of(harness)
    said = [await remark(ticket, T.SURVEY_SENT, n=number) for number in range(12)]

    async def enter(number: int) -> int:
        return await remarks.enter(ticket.ticket_no, said[number])

    ending = asyncio.create_task(ticket.move_to(await ticket.now() + 8 * DAY))
    seqs = [await enter(number) for number in range(6)]
    seqs += await asyncio.gather(*(enter(number) for number in range(6, 12)))
    await ending
    await ticket.handle.result()
    assert (await ticket.row())["ended"]
    assert sorted(seqs) == list(range(5, 17))


class LosesTheLastAnswer(TicketActivities):
    """Enters a remark in the moment between the last step and its lost answer."""

    enter: Callable[[], Awaitable[int]]

    @activity.defn(name=ACTIVITY_RECORD)
    async def record(self, batch: RecordRequest) -> Schedule:
        schedule = await super().record(batch)
        if batch.state.ended and activity.info().attempt == 1:
            await self.enter()
            raise ConnectionResetError
        return schedule


async def test_a_last_step_recorded_again_gives_way_to_a_remark_that_came_after_it(harness: TicketHarness) -> None:
    activities = LosesTheLastAnswer(harness.database, harness.catalogue)
    async with harness.workers.other(activities):
        ticket = await harness.open()
        await _close(ticket)
        said = await remark(ticket)
        activities.enter = lambda: remarks_of(harness).enter(ticket.ticket_no, said)
        await ticket.move_to(await ticket.now() + 8 * DAY)
        await ticket.handle.result()
    assert [it["type"] for it in await ticket.events()][-2:] == ["ticket.closed", "alert.raised"]


async def test_a_remark_without_workers_is_unknown_and_its_repeat_enters_it_once(harness: TicketHarness) -> None:
    # The engine waits ten seconds for a stopped worker that remembers the ticket before it asks another.
    async with harness.workers.other(max_cached_workflows=0):
        ticket = await harness.open()
        await ticket.settled()
        said = await remark(ticket)
    async with harness.workers.none():
        with pytest.raises(Unavailable) as refusal:
            await remarks_of(harness, command_seconds=0.5, start_seconds=0.5).enter(ticket.ticket_no, said)
        assert refusal.value.code == "engine_unavailable"
    assert await remarks_of(harness, start_seconds=20).enter(ticket.ticket_no, said) == 2
    assert len(await ticket.events("alert.raised")) == 1


async def test_what_is_the_ticket_s_own_to_write_or_of_no_ticket_is_refused(harness: TicketHarness) -> None:
    ticket = await harness.open()
    remarks = remarks_of(harness)
    for type_ in sorted(set(T) - REMARKS):
        with pytest.raises(ValidationFailed):
            await remarks.enter(ticket.ticket_no, await remark(ticket, type_))
    with pytest.raises(NotFound):
        await remarks.enter("20200101001", await remark(ticket))
    assert (await ticket.row())["version"] == 1
