"""Publications recalculate open tickets in batches, at a rate, each once, whatever dies meanwhile (semantics.md 19)."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select
from temporalio.client import WorkflowHandle
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment

from services.contracts.commands.update import UpdateOutcome
from services.contracts.names import publication_workflow_id
from services.contracts.policy import ClockRule, PolicyDraft
from services.contracts.publication import BatchRequest, PublicationStart, Recalculation, SubjectKind
from services.contracts.vocabulary import ClockName, ClockState, CommandName
from services.runtime.postgres.database import Database
from services.runtime.security.auth import Caller
from services.runtime.temporal.workflow_starter import Starter
from services.workflow import tables
from services.workflow.client import TicketEngine
from services.workflow.journal.activities import TicketActivities
from services.workflow.policies.catalogue import Catalogue
from services.workflow.policies.policy_store import PolicyRegister
from services.workflow.publications.activities import PublicationActivities
from services.workflow.publications.publications import Publications, Subject
from services.workflow.settings import WorkflowSettings
from services.workflow.startables import running_publications
from tests.flow.ticket_harness import Ticket, TicketHarness
from tests.flow.timers import pass_time, settled
from tests.flow.workers import Workers

C, K = CommandName, ClockName
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
AT_ONCE = {"batch": 2, "per_second": 10_000.0, "retry_after_seconds": 0.0}
ADMIN = Caller(kind="staff", id="sun-lei", name="孙磊", roles=frozenset({"admin"}))


class FlakyEngine(TicketEngine):
    """An engine whose answers may get lost after the ticket was recalculated."""

    lost = 0

    async def recalculate(self, ticket_no: str, asked: Recalculation, limit: timedelta) -> UpdateOutcome:
        """Recalculate; the next `lost` answers never arrive, and the worker dies of it."""
        outcome = await super().recalculate(ticket_no, asked, limit)
        if self.lost:
            self.lost -= 1
            raise RuntimeError("the worker died")
        return outcome


class PublicationHarness:
    """A ticket harness on a database of its own, with publications."""

    def __init__(self, ticket_harness: TicketHarness, workers: Workers, engine: FlakyEngine) -> None:
        self.ticket_harness = ticket_harness
        self.workers = workers
        self.engine = engine
        self.activities = TicketActivities(ticket_harness.database, ticket_harness.catalogue)
        self.publishing = PublicationActivities(ticket_harness.database, ticket_harness.catalogue, engine)
        self.publications = Publications(ticket_harness.database)

    async def open_tickets(self, count: int) -> list[Ticket]:
        """So many tickets, to be answered within a day."""
        await self.ticket_harness.promise({K.RESPONSE: ClockRule(target="PT24H", warn_at=())})
        return [await self.ticket_harness.open() for _ in range(count)]

    async def publish(self, target: str) -> Mapping[str, Any]:
        """Put a next version in force that answers within `target`, to be recalculated."""
        assert self.ticket_harness.policy
        draft = PolicyDraft(calendar="always", clocks={K.RESPONSE: ClockRule(target=target, warn_at=())})
        register = PolicyRegister(self.ticket_harness.database)
        stored = await register.put(self.ticket_harness.policy.id, draft, publish=False, if_match=None)
        subject = Subject(SubjectKind.POLICY, stored.id, stored.version)
        async with self.ticket_harness.database.begin() as connection:
            return await self.publications.publish(connection, subject, ADMIN, recalculate=True)

    async def run(self, publication: Mapping[str, Any], **how: Any) -> WorkflowHandle[Any, Any]:
        """Start the publication's workflow."""
        start = PublicationStart(publication=publication["id"], **how)
        await self.engine.start_publication(start, 1)
        return self.ticket_harness.env.client.get_workflow_handle(publication_workflow_id(publication["id"], 1))

    async def done(self, publication: Mapping[str, Any], **how: Any) -> Mapping[str, Any]:
        """Run a publication to its end."""
        async with asyncio.timeout(30):
            await (await self.run(publication, **(AT_ONCE | how))).result()
        return await self.publications.one(publication["id"])

    async def passes(self, handle: WorkflowHandle[Any, Any], length: timedelta) -> None:
        """Let time pass for a publication."""
        env = self.ticket_harness.env
        until = (await env.get_current_time(handle)).astimezone(UTC) + length
        await pass_time(env, handle, until, partial(settled, handle))

    async def until_done(self, publication: Mapping[str, Any], count: int) -> None:
        """Return when so many tickets are counted."""
        async with asyncio.timeout(30):
            while (await self.publications.one(publication["id"]))["done"] < count:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.fixture
async def harness(env: WorkflowEnvironment, workers: Workers, database: Database) -> AsyncIterator[PublicationHarness]:
    """A ticket harness on a database of its own: a publication walks every open ticket that there is."""
    catalogue = Catalogue(database)
    await catalogue.seed()
    harness = PublicationHarness(TicketHarness(env, database, catalogue, workers), workers, FlakyEngine(env.client))
    async with workers.other(harness.activities, publishing=harness.publishing):
        yield harness
        for ticket in harness.ticket_harness.tickets:
            await ticket.assert_truthful()
            with suppress(Exception):
                await ticket.handle.terminate()


async def changes(tickets: list[Ticket]) -> list[int]:
    """Number of recalculations of each ticket."""
    return [len(await ticket.events("ticket.recalculated")) for ticket in tickets]


async def test_every_open_ticket_is_recalculated_once_and_its_alarm_goes_by_the_new_time(
    harness: PublicationHarness,
) -> None:
    tickets = await harness.open_tickets(3)
    promised = (await tickets[0].clock(K.RESPONSE)).due_at
    assert promised
    publication = await harness.done(await harness.publish("PT8H"))
    figures = [publication[name] for name in ("state", "total", "done", "changed", "excused", "failed")]
    assert figures == ["done", 3, 3, 3, 0, 0]
    assert await changes(tickets) == [1, 1, 1]
    clock = await tickets[0].clock(K.RESPONSE)
    assert clock.due_at == promised - 16 * HOUR
    await tickets[0].move_to(clock.due_at + SECOND)
    (breach,) = await tickets[0].events("clock.breached")
    assert breach["at"] == clock.due_at


async def test_tickets_of_which_no_clock_moved_are_left_out_where_moves_are_asked_for(
    harness: PublicationHarness,
) -> None:
    (ticket,) = await harness.open_tickets(1)
    for target, moves in (("PT24H", []), ("PT8H", [ticket.ticket_no])):
        publication = await harness.done(await harness.publish(target))
        assert publication["changed"] == 1
        listed, _ = await harness.publications.changes(publication["id"], ADMIN, 10, None)
        moved, _ = await harness.publications.changes(publication["id"], ADMIN, 10, None, moved=True)
        assert [it["ticket_no"] for it in listed] == [ticket.ticket_no]
        assert [it["ticket_no"] for it in moved] == moves


async def test_what_the_event_says_is_what_the_clocks_say(harness: PublicationHarness) -> None:
    (ticket,) = await harness.open_tickets(1)
    before = await ticket.clock(K.RESPONSE)
    publication = await harness.done(await harness.publish("PT8H"))
    (event,) = await ticket.events("ticket.recalculated")
    (change,) = event["data"]["changes"]
    after = await ticket.clock(K.RESPONSE)
    assert datetime.fromisoformat(change["due_from"]) == before.due_at
    assert datetime.fromisoformat(change["due_to"]) == after.due_at
    (listed,), _ = await harness.publications.changes(publication["id"], ADMIN, 10, None)
    assert (listed["ticket_no"], listed["error"]) == (ticket.ticket_no, None)
    assert listed["changes"] == [{**change, "excused": False}]


async def test_batches_keep_to_the_rate_of_the_input(harness: PublicationHarness) -> None:
    tickets = await harness.open_tickets(2)
    publication = await harness.publish("PT8H")
    handle = await harness.run(publication, batch=1, per_second=1 / 3600)
    await harness.until_done(publication, 1)
    await harness.passes(handle, timedelta(minutes=59))
    assert await changes(tickets) == [1, 0]
    await harness.passes(handle, timedelta(minutes=2))
    await harness.until_done(publication, 2)
    assert await changes(tickets) == [1, 1]
    await handle.terminate()


async def test_a_worker_that_stops_half_way_leaves_the_rest_to_the_next(harness: PublicationHarness) -> None:
    tickets = await harness.open_tickets(3)
    publication = await harness.publish("PT8H")
    handle = await harness.run(publication, batch=2, per_second=1 / 3600)
    await harness.until_done(publication, 2)
    # In the middle of a batch a ticket would wait out the time of an Update that nobody serves.
    await settled(handle)
    await harness.workers.stop()
    await harness.workers.start(harness.activities, publishing=harness.publishing)
    await harness.ticket_harness.env.fast_forward(handle, timedelta(hours=2, minutes=1))
    async with asyncio.timeout(30):
        await handle.result()
    assert await changes(tickets) == [1, 1, 1]
    assert (await harness.publications.one(publication["id"]))["changed"] == 3


async def test_a_ticket_whose_answer_got_lost_is_neither_changed_nor_counted_twice(harness: PublicationHarness) -> None:
    tickets = await harness.open_tickets(3)
    harness.engine.lost = 2
    publication = await harness.done(await harness.publish("PT8H"), batch=3)
    assert await changes(tickets) == [1, 1, 1]
    assert [publication[name] for name in ("done", "changed", "failed")] == [3, 3, 0]


def starter_of(harness: PublicationHarness) -> Starter:
    """The starter of workflows for publications that run."""
    settings = WorkflowSettings(recalculation_per_second=10_000.0)
    kinds = [running_publications(harness.engine, settings)]
    return Starter(
        harness.ticket_harness.database,
        harness.engine.identity,
        kinds,
        channel="none",
        probe_seconds=60,
        name="test_publications",
    )


async def test_after_the_engine_was_wiped_the_publication_goes_on_from_its_row(harness: PublicationHarness) -> None:
    tickets = await harness.open_tickets(3)
    publication = await harness.publish("PT8H")
    handle = await harness.run(publication, batch=1, per_second=1 / 3600)
    await harness.until_done(publication, 1)
    await handle.terminate()
    assert await starter_of(harness).reconcile() == 1
    async with asyncio.timeout(30):
        await handle.result()
    assert await changes(tickets) == [1, 1, 1]
    assert [(await harness.publications.one(publication["id"]))[name] for name in ("state", "changed")] == ["done", 3]


async def test_one_whose_workflow_was_ended_by_hand_goes_on_when_it_is_tried_again(harness: PublicationHarness) -> None:
    tickets = await harness.open_tickets(3)
    publication = await harness.publish("PT8H")
    handle = await harness.run(publication, batch=1, per_second=1 / 3600)
    await harness.until_done(publication, 1)
    starter = starter_of(harness)
    assert await starter.reconcile() == 1  # it runs: this attaches to it
    await handle.terminate()
    assert await starter.reconcile() == 0
    async with harness.ticket_harness.database.begin() as connection:
        assert (await harness.publications.retry(connection, publication["id"]))["state"] == "running"
    assert await starter.reconcile() == 1
    async with asyncio.timeout(30):
        await handle.result()
    assert await changes(tickets) == [1, 1, 1]


async def test_a_long_publication_continues_as_new_and_forgets_nothing(harness: PublicationHarness) -> None:
    tickets = await harness.open_tickets(3)
    publication = await harness.done(await harness.publish("PT8H"), batch=1, batches_before_continuing=1)
    assert await changes(tickets) == [1, 1, 1]
    assert publication["changed"] == 3


async def test_a_ticket_that_cannot_be_reached_is_listed_and_done_when_it_is_tried_again(
    harness: PublicationHarness,
) -> None:
    (ticket,) = await harness.open_tickets(1)
    unreachable = await harness.ticket_harness.open(start=False)
    publication = await harness.done(await harness.publish("PT8H"))
    assert [publication[name] for name in ("state", "done", "failed")] == ["done", 1, 1]
    listed, _ = await harness.publications.changes(publication["id"], ADMIN, 10, None)
    assert {it["ticket_no"]: it["error"] for it in listed} == {
        ticket.ticket_no: None,
        unreachable.ticket_no: "no_workflow",
    }
    await harness.ticket_harness.start(unreachable)
    await harness.open_tickets(1)  # it came later
    async with harness.ticket_harness.database.begin() as connection:
        again = await harness.publications.retry(connection, publication["id"])
    assert again["state"] == "running"
    assert await starter_of(harness).reconcile() == 1
    handle = harness.ticket_harness.env.client.get_workflow_handle(publication_workflow_id(publication["id"], 2))
    async with asyncio.timeout(30):
        await handle.result()
    publication = await harness.publications.one(publication["id"])
    shown = [publication[name] for name in ("state", "total", "done", "changed", "failed")]
    assert shown == ["done", 2, 2, 2, 0]
    assert await changes([ticket, unreachable]) == [1, 1]


async def test_a_ticket_received_before_and_handed_over_after_it_is_recalculated_too(
    harness: PublicationHarness,
) -> None:
    (ticket,) = await harness.open_tickets(1)
    received_at = datetime.now(UTC)
    publication = await harness.done(await harness.publish("PT8H"))
    late = await harness.ticket_harness.open(received_at=received_at)
    waits = await harness.publications.one(publication["id"])
    assert [waits[name] for name in ("state", "total", "done", "failed")] == ["running", 2, 1, 1]
    assert await starter_of(harness).reconcile() == 1
    handle = harness.ticket_harness.env.client.get_workflow_handle(publication_workflow_id(publication["id"], 2))
    async with asyncio.timeout(30):
        await handle.result()
    done = await harness.publications.one(publication["id"])
    assert [done[name] for name in ("state", "total", "done", "changed", "failed")] == ["done", 2, 2, 2, 0]
    assert (await late.clock(K.RESPONSE)).policy_version == publication["subject"]["version"]
    assert await changes([ticket, late]) == [1, 1]


async def test_a_ticket_that_comes_late_while_it_runs_is_counted_once(harness: PublicationHarness) -> None:
    received_at = datetime.now(UTC)
    tickets = await harness.open_tickets(1)
    requested = await harness.publish("PT8H")
    tickets.append(await harness.ticket_harness.open(received_at=received_at))  # ahead of the walk
    publication = await harness.done(requested)
    assert [publication[name] for name in ("state", "total", "done", "failed")] == ["done", 2, 2, 0]
    assert await changes(tickets) == [1, 1]


async def test_a_repeated_registration_waits_for_no_publication_and_owes_it_nothing(
    harness: PublicationHarness,
) -> None:
    received_at = datetime.now(UTC)
    (walked,) = await harness.open_tickets(1)
    publication = await harness.publish("PT8H")
    late = await harness.ticket_harness.open(received_at=received_at)
    before = await harness.publications.one(publication["id"])
    async with harness.ticket_harness.database.begin() as connection:
        await connection.execute(select(tables.publications).with_for_update())
        async with asyncio.timeout(30):
            assert not any([await harness.ticket_harness.register(it.registration) for it in (walked, late)])
    assert await harness.publications.one(publication["id"]) == before


async def test_what_came_late_as_it_was_about_to_end_makes_it_run_again(harness: PublicationHarness) -> None:
    received_at = datetime.now(UTC)
    await harness.open_tickets(1)
    publication = await harness.publish("PT8H")
    await ActivityEnvironment().run(
        harness.publishing.recalculate, BatchRequest(publication=publication["id"], attempt=1, size=10)
    )
    await harness.ticket_harness.open(received_at=received_at)
    await harness.publishing.finish(publication["id"])
    assert (await harness.publications.one(publication["id"]))["state"] == "running"
    assert await starter_of(harness).reconcile() == 1
    handle = harness.ticket_harness.env.client.get_workflow_handle(publication_workflow_id(publication["id"], 2))
    async with asyncio.timeout(30):
        await handle.result()
    done = await harness.publications.one(publication["id"])
    assert [done[name] for name in ("state", "total", "done", "failed")] == ["done", 2, 2, 0]


async def test_a_ticket_that_was_changed_though_its_answer_got_lost_is_listed_once(harness: PublicationHarness) -> None:
    (ticket,) = await harness.open_tickets(1)
    publication = await harness.done(await harness.publish("PT8H"))
    lost = {
        "publication_id": publication["id"],
        "ticket_no": ticket.ticket_no,
        "error": "engine_unavailable",
        "attempts": 3,
        "failed_at": datetime.now(UTC),
    }
    async with harness.ticket_harness.database.begin() as connection:
        await connection.execute(tables.publication_failures.insert().values(lost))
    listed, _ = await harness.publications.changes(publication["id"], ADMIN, 10, None)
    assert [(it["ticket_no"], it["error"]) for it in listed] == [(ticket.ticket_no, None)]


async def test_a_ticket_with_which_something_is_wrong_holds_up_nobody_behind_it(harness: PublicationHarness) -> None:
    broken, sound = await harness.open_tickets(2)
    mine = tables.tickets.c.ticket_no == broken.ticket_no
    stored = (await broken.row())["state"]
    await _store(harness, mine, {**stored, "clocks": [{**stored["clocks"][0], "target": "soon"}]})
    publication = await harness.done(await harness.publish("PT8H"), batch=1)
    await _store(harness, mine, stored)
    assert [publication[name] for name in ("state", "done", "failed")] == ["done", 1, 1]
    listed, _ = await harness.publications.changes(publication["id"], ADMIN, 10, None)
    assert {it["ticket_no"]: it["error"] for it in listed} == {
        broken.ticket_no: "not_computable",
        sound.ticket_no: None,
    }


async def _store(harness: PublicationHarness, mine: Any, state: Any) -> None:
    async with harness.ticket_harness.database.begin() as connection:
        await connection.execute(tables.tickets.update().where(mine).values(state=state))


async def test_of_two_publications_at_once_the_later_one_has_the_last_word(harness: PublicationHarness) -> None:
    tickets = await harness.open_tickets(3)
    first, second = await harness.publish("PT8H"), await harness.publish("PT4H")
    received_at = (await tickets[0].row())["opened_at"]
    await asyncio.gather(harness.done(second), harness.done(first))
    assert (await tickets[0].clock(K.RESPONSE)).due_at == received_at + 4 * HOUR
    assert await changes(tickets) == [1, 1, 1]


async def test_a_breach_is_excused_on_the_ticket_and_in_its_finished_clock_and_stays(
    harness: PublicationHarness,
) -> None:
    late, open_breach = await harness.open_tickets(2)
    for ticket in (late, open_breach):
        await ticket.do(C.ACCEPT)
        await ticket.move_to(await ticket.now() + 30 * HOUR)
    await late.do(C.RESPOND)
    before = await late.clock(K.RESPONSE)
    publication = await harness.done(await harness.publish("PT48H"))
    assert [publication[name] for name in ("changed", "excused")] == [2, 2]
    finished, breached = await late.clock(K.RESPONSE), await open_breach.clock(K.RESPONSE)
    assert (finished.state, breached.state) == (ClockState.MET_LATE, ClockState.BREACHED)
    assert finished.excused_at is not None
    assert breached.excused_at is not None
    assert finished.model_copy(update={"excused_at": None}) == before
    assert await late.breaches() == await open_breach.breaches() == ["response"]


async def test_a_finished_clock_is_excused_once_and_nothing_else_of_it_changes(harness: PublicationHarness) -> None:
    (ticket,) = await harness.open_tickets(1)
    await ticket.do(C.ACCEPT)
    await ticket.move_to(await ticket.now() + 30 * HOUR)
    await ticket.do(C.RESPOND)
    await harness.done(await harness.publish("PT48H"))
    again = await harness.done(await harness.publish("PT72H"))
    assert again["excused"] == 0
    await harness.done(await harness.publish("PT1H"))
    assert (await ticket.clock(K.RESPONSE)).excused_at is not None


async def test_closed_tickets_are_left_alone(harness: PublicationHarness) -> None:
    (ticket,) = await harness.open_tickets(1)
    await ticket.do(C.WITHDRAW)
    publication = await harness.done(await harness.publish("PT8H"))
    assert [publication[name] for name in ("total", "done", "changed")] == [0, 0, 0]
