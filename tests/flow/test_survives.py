"""Workers stop and restart, histories are cut, engines and journals disagree: no promised time moves (I4, I7, I11)."""

import asyncio
import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from services.contracts.commands.table import BODIES, decision_of
from services.contracts.commands.update import Command
from services.contracts.names import ACTIVITY_RECORD
from services.contracts.policy import ClockRule
from services.contracts.recording import RecordRequest, Schedule
from services.contracts.vocabulary import ClockName, ClockState, CommandName
from services.runtime.temporal import replays
from services.workflow import client as engine_module
from services.workflow.client import EngineUnavailable, NoWorkflow
from services.workflow.journal.activities import TicketActivities
from services.workflow.journal.store import GENESIS, Stand
from services.workflow.lifecycle import steps
from services.workflow.lifecycle.calls import ENGINE_BEHIND
from services.workflow.lifecycle.life import Life
from services.workflow.policies.catalogue import Catalogue, advance
from services.workflow.tables import journal
from tests.flow.ticket_harness import HAN_MEIMEI, LI_LEI, Ticket, TicketHarness

C, K = CommandName, ClockName
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
ACCEPTED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
PROMISED = {
    K.ACCEPTANCE: ClockRule(target="PT2H", warn_at=()),
    K.PROGRESS: ClockRule(target="PT4H", warn_at=()),
    K.RESOLUTION: ClockRule(target="PT24H", warn_at=(0.5,)),
    K.CALLBACK: ClockRule(target="PT24H"),
}


async def due_times(ticket: Ticket) -> dict[str, Any]:
    """Every clock's due time as PostgreSQL holds it."""
    state = (await ticket.row())["state"]
    return {clock["name"]: clock["due_at"] for clock in state["clocks"]}


async def test_a_restarted_worker_keeps_every_due_time_and_breaches_at_it(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open()
    await ticket.do(C.ACCEPT)
    await ticket.do(C.WAIT, reason="parts")
    await ticket.do(C.RESUME)
    promised = await due_times(ticket)
    async with harness.workers.none():
        assert await due_times(ticket) == promised
    await ticket.do(C.TAG, add=["after-restart"])
    assert await due_times(ticket) == promised
    await ticket.move_to(datetime.fromisoformat(promised["progress"]) + SECOND)
    (breach,) = await ticket.events("clock.breached")
    assert breach["at"] == datetime.fromisoformat(promised["progress"])


async def test_a_ticket_whose_workflow_starts_late_counts_from_its_receipt(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    received_at = datetime.now(UTC) - 3 * HOUR
    ticket = await harness.open(received_at=received_at)
    await ticket.settled()
    (breach,) = await ticket.events("clock.breached")
    assert breach["at"] == received_at + 2 * HOUR
    assert datetime.fromisoformat(breach["data"]["detected_at"]) > received_at + 3 * HOUR


async def test_a_worker_without_a_cache_carries_a_ticket_through_its_life(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    async with harness.workers.other(max_cached_workflows=0):
        ticket = await harness.open()
        await ticket.do(C.ACCEPT, owner="li-lei")
        await ticket.do(C.WAIT, reason="customer")
        await ticket.do(C.CUSTOMER_MESSAGE, HAN_MEIMEI)
        await ticket.move_to(await ticket.now() + 5 * HOUR)
        await ticket.do(C.EXPLAIN_BREACH, clock="progress")
        await ticket.do(C.RESOLVE, result="resolved")
        await ticket.do(C.RECORD_CALLBACK, outcome="satisfied", channel="phone")
    assert await ticket.phase() == "closed"
    assert await ticket.breaches() == ["progress"]


async def test_a_command_and_a_due_timer_in_one_activation_find_the_breach_first(harness: TicketHarness) -> None:
    await harness.promise({K.ACCEPTANCE: ClockRule(target="PT2H", warn_at=())})
    ticket = await harness.open()
    await ticket.do(C.TAG, add=["begun"])
    due_at = (await ticket.clock(K.ACCEPTANCE)).due_at
    assert due_at is not None
    async with harness.workers.none():
        moving = asyncio.create_task(harness.env.fast_forward(ticket.handle, due_at + SECOND - await ticket.now()))
        await _fired(ticket)
        accepting = asyncio.create_task(ticket.do(C.ACCEPT))
        for _ in range(5):
            await ticket.handle.describe()
    await asyncio.gather(moving, accepting)
    types = [it["type"] for it in await ticket.events()]
    assert types == ["ticket.received", "ticket.tagged", "clock.breached", "ticket.accepted"]
    assert (await ticket.clock(K.ACCEPTANCE)).state is ClockState.MET_LATE
    between = _types_between(
        await ticket.handle.fetch_history(),
        EventType.EVENT_TYPE_TIMER_FIRED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
    )
    assert between.count(EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED) == 1


async def test_a_command_after_a_wait_that_ended_long_ago_finds_what_fell_due_since(harness: TicketHarness) -> None:
    """The clock runs again at the wait's end and is due before the command comes, all in one activation."""
    await harness.promise({K.RESOLUTION: ClockRule(target="PT2H", warn_at=())})
    ticket = await harness.open(received_at=datetime.now(UTC) - 10 * HOUR, start=False)
    start = await harness.stored(ticket)
    life = Life(start.state, start.policy)
    steps.take(life, await _kept(ticket, C.ACCEPT), start.state.received_at + HOUR)
    until = start.state.received_at + 5 * HOUR
    steps.take(life, await _kept(ticket, C.WAIT, reason="parts", until=until.isoformat()), until - 4 * HOUR)
    await TicketActivities(harness.database, harness.catalogue).record(life.take_batch())
    async with harness.workers.none():
        await harness.start(ticket)
        resolving = asyncio.create_task(ticket.do(C.RESOLVE, result="resolved"))
        for _ in range(5):
            await ticket.handle.describe()
    await resolving
    (breach,) = await ticket.events("clock.breached")
    assert breach["at"] == until + HOUR
    assert (await ticket.clock(K.RESOLUTION)).state is ClockState.MET_LATE


async def test_continuing_as_new_keeps_everything(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open(events_before_continuing=30)
    await ticket.do(C.ACCEPT)
    await ticket.do(C.WAIT, reason="parts")
    first_run, promised, version = await ticket.run_id(), await due_times(ticket), (await ticket.row())["version"]
    await asyncio.gather(*(ticket.do(C.TAG, add=[f"t{number}"]) for number in range(20)))
    assert await ticket.run_id() != first_run
    row = await ticket.row()
    assert await due_times(ticket) == promised
    assert (row["version"], sorted(row["tags"])) == (version + 20, sorted(f"t{number}" for number in range(20)))
    assert row["phase"] == "processing.waiting"
    await ticket.do(C.RESUME)
    await ticket.move_to(datetime.fromisoformat((await due_times(ticket))["progress"]) + SECOND)
    assert await ticket.breaches() == ["progress"]


async def test_a_workflow_older_than_the_journal_starts_again_from_the_journal(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open()
    old = await harness.stored(ticket)
    await ticket.do(C.ACCEPT)
    await ticket.do(C.TAG, add=["kept"])
    promised = await due_times(ticket)
    await ticket.handle.terminate()
    await harness.engine.start(old)
    await ticket.do(C.TAG, add=["new"])
    row = await ticket.row()
    assert (row["phase"], row["tags"], row["version"]) == ("processing.assigned", ["kept", "new"], 4)
    assert await due_times(ticket) == promised


async def test_a_first_command_starts_the_workflow_that_takes_it(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open(start=False)
    start, taken = await harness.stored(ticket), await _kept(ticket, C.ACCEPT)
    outcome = await harness.engine.command(ticket.ticket_no, taken, HOUR, start)
    assert (outcome.version, (await ticket.row())["phase"]) == (2, "processing.assigned")
    history = await ticket.handle.fetch_history()
    first_task = next(it for it in history.events if it.event_type == ACCEPTED)
    assert first_task.workflow_execution_update_accepted_event_attributes.accepted_request_sequencing_event_id == 2
    run = (await ticket.handle.describe()).run_id
    await harness.engine.start(start)  # the starter, which comes to it now
    again = await harness.engine.command(ticket.ticket_no, taken, HOUR, start)
    noted = await harness.engine.command(ticket.ticket_no, await _kept(ticket, C.TAG, add=["x"]), HOUR, start)
    assert (again.version, noted.version, (await ticket.handle.describe()).run_id) == (2, 3, run)


async def test_an_engine_that_does_not_do_both_in_one_request_gets_two(
    harness: TicketHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def switched_off(*_: object, **__: object) -> None:
        raise RPCError("disabled on this namespace", RPCStatusCode.PERMISSION_DENIED, b"")

    monkeypatch.setattr(engine_module, "update_or_start", switched_off)
    ticket = await harness.open(start=False)
    start, taken = await harness.stored(ticket), await _kept(ticket, C.ACCEPT)
    outcome = await harness.engine.command(ticket.ticket_no, taken, HOUR, start)
    assert (outcome.version, (await ticket.row())["phase"]) == (2, "processing.assigned")


async def test_a_command_that_starts_from_an_old_row_gives_way_to_the_journal(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open()
    old = await harness.stored(ticket)
    await ticket.do(C.ACCEPT)
    promised = await due_times(ticket)
    await ticket.handle.terminate()
    late = await _kept(ticket, C.TAG, add=["late"])
    with suppress(NoWorkflow):
        await harness.engine.command(ticket.ticket_no, late, HOUR, old)
    await ticket.give(late)
    assert [event["type"] for event in await ticket.events()] == ["ticket.received", "ticket.accepted", "ticket.tagged"]
    assert (await ticket.row())["tags"] == ["late"]
    assert await due_times(ticket) == promised


async def test_a_command_whose_start_nobody_took_is_taken_once_when_a_worker_comes(harness: TicketHarness) -> None:
    ticket = await harness.open(start=False)
    start, taken = await harness.stored(ticket), await _kept(ticket, C.ACCEPT)
    async with harness.workers.none():
        with pytest.raises(EngineUnavailable):
            await harness.engine.command(ticket.ticket_no, taken, SECOND, start)
        assert len(await ticket.events()) == 1
    outcome = await harness.engine.command(ticket.ticket_no, taken, HOUR, start)
    assert (outcome.version, len(await ticket.events())) == (2, 2)


async def test_as_many_other_events_are_not_taken_for_the_same_events(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open()
    old = await harness.stored(ticket)
    await ticket.do(C.TAG, add=["kept"])
    await ticket.handle.terminate()
    await harness.engine.start(old)
    await ticket.do(C.TAG, add=["new"])
    assert (await ticket.row())["tags"] == ["kept", "new"]


async def test_a_batch_recorded_twice_is_written_once_and_answered_the_same(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open(start=False)
    start = await harness.stored(ticket)
    life = Life(start.state, start.policy)
    steps.take(life, await _kept(ticket, C.ACCEPT), start.state.received_at + HOUR)
    batch = life.take_batch()
    activities = TicketActivities(harness.database, harness.catalogue)
    first = await activities.record(batch.model_copy(deep=True))
    again = await activities.record(batch.model_copy(deep=True))
    assert {clock.key: clock.due_at for clock in first.clocks}.items() <= {
        clock.key: clock.due_at for clock in again.clocks
    }.items()
    assert (await ticket.row())["version"] == 2


async def test_a_clock_that_starts_while_it_stands_still_is_answered_with_its_calendar_s_version_every_time(
    harness: TicketHarness,
) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open(start=False)
    start = await harness.stored(ticket)
    life, at = Life(start.state, start.policy), start.state.received_at + HOUR
    steps.take(life, await _kept(ticket, C.ACCEPT), at)
    steps.take(life, await _kept(ticket, C.WAIT, reason="customer"), at)
    steps.take(life, await _kept(ticket, C.PROGRESS, visible=True), at)
    batch = life.take_batch()
    activities = TicketActivities(harness.database, harness.catalogue)
    answers = [await activities.record(batch.model_copy(deep=True)) for _ in range(2)]
    told = [{it.key: (it.due_at, it.calendar_version) for it in answer.clocks} for answer in answers]
    assert told[0].items() <= told[1].items()
    assert told[0]["progress/1/2"] == (None, (await ticket.clock(K.PROGRESS)).calendar_version)


async def test_a_burst_of_steps_after_a_start_needs_no_more_connections_than_there_are(harness: TicketHarness) -> None:
    """Nothing in force has been read yet, and every connection of the pool is held by a step that needs it."""
    await harness.promise(PROMISED)
    activities = TicketActivities(harness.database, Catalogue(harness.database))
    batches = []
    for ticket in [await harness.open(start=False) for _ in range(harness.database.engine.pool.size() + 1)]:  # type: ignore[attr-defined]
        start = await harness.stored(ticket)
        life = Life(start.state, start.policy)
        steps.take(life, await _kept(ticket, C.ACCEPT), start.state.received_at + HOUR)
        batches.append(life.take_batch())
    schedules = await asyncio.gather(*map(activities.record, batches))
    assert all(schedule.clocks for schedule in schedules)


async def _next_batch(life: Life, ticket: Ticket, tag: str) -> RecordRequest:
    steps.take(life, await _kept(ticket, C.TAG, add=[tag]), life.state.received_at + HOUR)
    return life.take_batch().model_copy(deep=True)


class Careful(TicketActivities):
    """Counts how often it had to look at the row first, and how often to lock it."""

    looked = locked = 0

    async def _look(self, ticket_no: str) -> Stand | None:
        self.looked += 1
        return await super()._look(ticket_no)

    async def _attempt(self, batch: RecordRequest, pinned: set[tuple[str, int]]) -> Schedule | None:
        self.locked += 1
        return await super()._attempt(batch, pinned)


class Overtaken(Careful):
    """Looks at a row that somebody else writes to before it does."""

    async def _look(self, ticket_no: str) -> Stand | None:
        stand = await super()._look(ticket_no)
        return replace(stand, journal_hash=GENESIS) if stand else None


async def test_whoever_looks_at_a_row_that_then_stands_otherwise_locks_it(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open(start=False)
    start = await harness.stored(ticket)
    life = Life(start.state, start.policy)
    mine = Overtaken(harness.database, harness.catalogue)
    await mine.record(await _next_batch(life, ticket, "once"))
    assert (mine.looked, mine.locked, (await ticket.row())["tags"]) == (1, 1, ["once"])


async def test_whoever_wrote_a_ticket_last_writes_on_without_looking_until_somebody_else_has_written(
    harness: TicketHarness,
) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open(start=False)
    start = await harness.stored(ticket)
    life = Life(start.state, start.policy)
    mine = Careful(harness.database, harness.catalogue)
    await mine.record(await _next_batch(life, ticket, "looked"))
    await mine.record(await _next_batch(life, ticket, "at-once"))
    assert (mine.looked, mine.locked) == (1, 0)
    others = TicketActivities(harness.database, harness.catalogue)
    await others.record(await _next_batch(life, ticket, "another"))
    await mine.record(await _next_batch(life, ticket, "looked-again"))
    assert (mine.looked, mine.locked) == (2, 0)
    assert (await ticket.row())["tags"] == ["looked", "at-once", "another", "looked-again"]


async def test_a_step_is_timed_by_the_promises_in_force_when_it_is_recorded(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open(start=False)
    start = await harness.stored(ticket)
    life = Life(start.state, start.policy)
    mine = Careful(harness.database, harness.catalogue)
    await mine.record(await _next_batch(life, ticket, "before"))
    async with harness.database.begin() as connection:
        await advance(connection)
    await mine.record(await _next_batch(life, ticket, "after"))
    assert (mine.looked, mine.locked) == (1, 2)  # locked once to learn of the publication, once with what it says


async def test_an_unstored_or_repeated_command_is_refused_whether_or_not_the_row_is_known(
    harness: TicketHarness,
) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open(start=False)
    start = await harness.stored(ticket)
    life = Life(start.state, start.policy)
    activities = TicketActivities(harness.database, harness.catalogue)
    command = await _kept(ticket, C.TAG, add=["once"])
    steps.take(life, command, life.state.received_at + HOUR)
    await activities.record(life.take_batch().model_copy(deep=True))
    for strange in (command, command.model_copy(update={"id": "nobody-stored-this"})):
        ahead = Life(life.state.model_copy(deep=True), life.policy)
        steps.take(ahead, strange, life.state.received_at + 2 * HOUR)
        with pytest.raises(ApplicationError) as refused:
            await activities.record(ahead.take_batch())
        assert refused.value.type == ENGINE_BEHIND
    assert (await ticket.row())["tags"] == ["once"]


class Forgetful(TicketActivities):
    """Writes, and loses the first answer to every batch."""

    @activity.defn(name=ACTIVITY_RECORD)
    async def record(self, batch: RecordRequest) -> Schedule:
        schedule = await super().record(batch)
        if activity.info().attempt == 1:
            raise ConnectionResetError
        return schedule


async def test_lost_answers_of_the_journal_change_nothing(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    async with harness.workers.other(Forgetful(harness.database, harness.catalogue)):
        ticket = await harness.open()
        await ticket.do(C.ACCEPT)
        await ticket.do(C.PROGRESS, visible=True)
        await ticket.do(C.RESOLVE, result="resolved")
        await ticket.do(C.CONFIRM, HAN_MEIMEI)
    types = [it["type"].partition(".")[2] for it in await ticket.events()]
    assert types == ["received", "accepted", "progressed", "resolved", "closed"]


async def test_histories_hold_no_free_text_and_nothing_of_the_customer(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    canary = "金丝雀-13800138000"
    ticket = await harness.open(product_model=canary, complaint_about=canary)
    bodies: tuple[tuple[CommandName, dict[str, Any]], ...] = (
        (C.ACCEPT, {"owner": "li-lei"}),
        (C.RESPOND, {"message": canary}),
        (C.PLAN, {"steps": [canary], "resources": canary}),
        (C.PROGRESS, {"message": canary, "visible": True}),
        (C.WAIT, {"reason": "parts", "note": canary}),
        (C.RESUME, {"note": canary}),
        (C.RESOLVE, {"result": "unresolved", "summary": canary, "reason": canary, "resources": canary}),
        (C.RECORD_CALLBACK, {"outcome": "residual_issue", "channel": "phone", "note": canary}),
        (C.CLOSE_UNRESOLVED, {"reason_code": "no_spare_parts", "reason": canary}),
    )
    for name, body in bodies:
        decision: dict[str, Any] = dict(decision_of(name, BODIES[name].model_validate(body)))
        await ticket.do(name, LI_LEI, **decision)
    history = await ticket.history()
    assert '"reason_code":"no_spare_parts"' in history
    assert "金丝雀" not in history
    assert "13800138000" not in history


async def test_a_command_repeated_under_its_id_is_taken_once(harness: TicketHarness) -> None:
    await harness.promise(PROMISED)
    ticket = await harness.open()
    command = _command(harness, C.ACCEPT)
    versions = await asyncio.gather(*(ticket.give(command) for _ in range(5)))
    assert set(versions) == {2}
    async with harness.database.read() as connection:
        of_command = select(func.count()).where(journal.c.command_id == command.id)
        assert await connection.scalar(of_command) == 1


def _command(harness: TicketHarness, name: CommandName, **decision: Any) -> Command:
    policy = harness.policy if name is C.ACCEPT else None
    return Command(id=uuid.uuid4().hex, name=name, actor=LI_LEI, decision=decision, policy=policy)


async def _kept(ticket: Ticket, name: CommandName, **decision: Any) -> Command:
    command = _command(ticket.harness, name, **decision)
    await ticket.harness.keep(ticket.ticket_no, command)
    return command


async def _fired(ticket: Ticket) -> None:
    """Return when a timer has fired and waits for a worker."""
    async for event in ticket.handle.fetch_history_events(wait_new_event=True):
        if event.event_type == EventType.EVENT_TYPE_TIMER_FIRED:
            return


def _types_between(history: WorkflowHistory, first: int, last: int) -> list[int]:
    types: list[int] = [event.event_type for event in history.events]
    begin = types.index(first)
    return types[begin : types.index(last, begin)]


async def test_a_first_try_that_a_replay_left_without_its_step_gives_way_to_the_activity(
    harness: TicketHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a task was given up while the step was tried: then the history holds no result of it."""
    monkeypatch.setattr(replays, "_is_read", lambda _: False)
    await harness.promise(PROMISED)
    ticket = await harness.open()
    await ticket.do(C.ACCEPT)
    assert (await ticket.row())["version"] == len(await ticket.events())
    assert set(await due_times(ticket)) == {"progress", "resolution"}
    monkeypatch.undo()
    async with harness.workers.other(max_cached_workflows=0):
        await ticket.do(C.PROGRESS, visible=True)
    assert (await ticket.row())["version"] == len(await ticket.events())
