"""A help desk for flow tests: real PostgreSQL, a real Temporal server, and a clock that can be moved."""

import asyncio
import itertools
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from services.access.directory_copy import DirectoryCopy, Roll
from services.contracts.commands.update import Command
from services.contracts.feed import Remark, RemarkEntry
from services.contracts.feedback import FirstPromise, Product, Registration
from services.contracts.journal import Actor, Event, EventType
from services.contracts.names import ticket_workflow_id
from services.contracts.policy import CalendarDraft, ClockRule, PolicyDraft, PolicySnapshot, StoredCalendar
from services.contracts.ticket import Clock, TicketStart, TicketState
from services.contracts.vocabulary import (
    ActorKind,
    Category,
    Channel,
    ClockName,
    CommandName,
    Kind,
    Priority,
    ServiceStage,
    Tier,
    Urgency,
)
from services.promises.calendars import Calendar
from services.promises.policies import PolicyFacts, first_promises, snapshot
from services.runtime.postgres.database import Database
from services.workflow.client import NoWorkflow, TicketEngine
from services.workflow.journal.registration import Registrations
from services.workflow.journal.store import GENESIS, chain
from services.workflow.lifecycle import timers
from services.workflow.lifecycle.life import Life
from services.workflow.policies.catalogue import Catalogue
from services.workflow.policies.policy_store import PolicyRegister
from services.workflow.tables import clocks, commands, journal, tickets
from tests.flow.timers import pass_time, settled
from tests.flow.workers import Workers
from tests.replay.recordings import strings

LI_LEI = Actor(kind=ActorKind.STAFF, id="li-lei")
WANG_FANG = Actor(kind=ActorKind.STAFF, id="wang-fang")
HAN_MEIMEI = Actor(kind=ActorKind.CUSTOMER, id="han-meimei")

_numbers = itertools.count(1)
LIMIT = timedelta(seconds=20)
ATTEMPTS = 200


class Ticket:
    """One ticket under test."""

    registration: Registration

    def __init__(self, harness: "TicketHarness", ticket_no: str) -> None:
        self.harness = harness
        self.ticket_no = ticket_no
        self.handle: WorkflowHandle[Any, Any] = harness.env.client.get_workflow_handle(ticket_workflow_id(ticket_no))

    async def now(self) -> datetime:
        """The workflow's own time."""
        return (await self.harness.env.get_current_time(self.handle)).astimezone(UTC)

    async def move_to(self, instant: datetime) -> None:
        """Let time pass until `instant`, or until the workflow has ended, and return when all that time does until then
        is recorded. Needs a worker."""
        assert instant > await self.now(), f"{instant} has passed"
        with suppress(RPCError):
            await pass_time(self.harness.env, self.handle, instant, self.settled)
        async with asyncio.timeout(30):
            while (next_at := await self._next_instant()) is not None and next_at <= instant:
                await self.settled()

    async def settled(self) -> None:
        """Return when the workflow has nothing to do at its present time."""
        await settled(self.handle)

    async def _next_instant(self) -> datetime | None:
        state = TicketState.model_validate((await self.row())["state"])
        return timers.next_instant(Life(state, None))

    async def do(self, name: CommandName, actor: Actor = LI_LEI, *, policy: bool = True, **decision: Any) -> int:
        """Give a command; answers the version at which its effect was durable."""
        command = Command(
            id=uuid.uuid4().hex,
            name=name,
            actor=actor,
            decision=decision,
            policy=self.harness.policy if policy and name is CommandName.ACCEPT else None,
        )
        return await self.give(command)

    async def give(self, command: Command) -> int:
        """Hand a command to the workflow, again when a run has just ended and the next one takes it."""
        await self.harness.keep(self.ticket_no, command)
        for _ in range(ATTEMPTS):
            try:
                return (await self.harness.engine.command(self.ticket_no, command, LIMIT)).version
            except NoWorkflow:
                entered = [row["seq"] for row in await self.events() if row["command_id"] == command.id]
                if entered:
                    return int(entered[-1])
                if (await self.row())["ended"]:
                    raise
                await asyncio.sleep(0.05)
        raise AssertionError(f"{self.ticket_no} has no workflow")

    async def hear(self, type_: EventType, *, cycle: int = 1, **data: Any) -> int:
        """Let another service say something; answers the version at which it was durable."""
        remark = Remark(key=uuid.uuid4().hex, type=type_, at=await self.now(), cycle=cycle, data=data)
        entry = RemarkEntry(id=remark.key, remark=remark)
        return (await self.harness.engine.remark(self.ticket_no, entry, LIMIT)).version

    async def run_id(self) -> str | None:
        """The run that is on now."""
        return (await self.handle.describe()).run_id

    async def history(self) -> str:
        """The history of the present run that the engine has stored, payloads decoded."""
        return "\n".join(strings((await self.handle.fetch_history()).to_json_dict()))

    async def row(self) -> Mapping[Any, Any]:
        """The ticket as reads show it."""
        async with self.harness.database.read() as connection:
            query = select(tickets).where(tickets.c.ticket_no == self.ticket_no)
            return (await connection.execute(query)).mappings().one()

    async def phase(self) -> str:
        """The ticket's phase."""
        return str((await self.row())["phase"])

    async def events(self, *types: str) -> list[Mapping[Any, Any]]:
        """The journal, or the events of some types."""
        query = select(journal).where(journal.c.ticket_no == self.ticket_no).order_by(journal.c.seq)
        async with self.harness.database.read() as connection:
            rows = list((await connection.execute(query)).mappings())
        return [row for row in rows if not types or row["type"] in types]

    async def breaches(self) -> list[str]:
        """Names of the clocks that were breached, in the order of the journal."""
        return [row["data"]["clock"] for row in await self.events("clock.breached")]

    async def clock(self, name: ClockName, *, cycle: int | None = None, round_: int | None = None) -> Clock:
        """The newest clock of a name, or of one cycle or round."""
        query = select(clocks.c.ledger).where(clocks.c.ticket_no == self.ticket_no, clocks.c.name == name)
        if cycle is not None:
            query = query.where(clocks.c.cycle == cycle)
        if round_ is not None:
            query = query.where(clocks.c.round == round_)
        async with self.harness.database.read() as connection:
            query = query.order_by(clocks.c.cycle.desc(), clocks.c.round.desc()).limit(1)
            return Clock.model_validate(await connection.scalar(query))

    async def assert_truthful(self) -> None:
        """The journal is a legal path 1..n whose hash chain holds (invariant I7), no clock alerted after closing (I10),
        and the ticket's row says what its last event says."""
        row, previous, before = await self.row(), GENESIS, None
        events = await self.events()
        assert [it["seq"] for it in events] == list(range(1, row["version"] + 1))
        for it in events:
            event = _event(it)
            previous = chain(previous, self.ticket_no, event)
            assert previous == it["hash"], event
            assert event.from_phase == before, event
            assert not (event.from_phase == "closed" and event.type.startswith("clock.")), event
            before = event.to_phase
        assert (row["journal_hash"], row["phase"]) == (previous, before)


def _event(row: Mapping[Any, Any]) -> Event:
    actor = Actor(kind=row["actor_kind"], id=row["actor_id"])
    same = ("seq", "type", "at", "from_phase", "to_phase", "cycle", "command_id", "data")
    return Event(actor=actor, **{name: row[name] for name in same})


class TicketHarness:
    """Opens tickets under a policy of the test's own."""

    def __init__(self, env: WorkflowEnvironment, database: Database, catalogue: Catalogue, workers: Workers) -> None:
        self.env = env
        self.database = database
        self.catalogue = catalogue
        self.engine = TicketEngine(env.client)
        self.workers = workers
        self.tickets: list[Ticket] = []
        self.policy: PolicySnapshot | None = None

    async def promise(
        self,
        clock_rules: Mapping[ClockName, ClockRule],
        calendar: CalendarDraft | None = None,
        calendar_id: str = "always",
        **settings: Any,
    ) -> None:
        """Publish a policy, on a calendar of its own if one is given."""
        id_ = f"test-{uuid.uuid4().hex[:8]}"
        if calendar is not None:
            draft = StoredCalendar(**calendar.model_dump(), id=id_, version=1)
            await self.catalogue.put_calendar(id_, draft, publish=True, if_match=None)
        draft_policy = PolicyDraft.model_validate(
            {"calendar": id_ if calendar else calendar_id, "clocks": clock_rules, "settings": settings}
        )
        register = PolicyRegister(self.database)
        self.policy = snapshot(await register.put(id_, draft_policy, publish=True, if_match=None))

    async def open(
        self,
        *,
        kind: Kind = Kind.FAULT,
        urgency: Urgency = Urgency.NORMAL,
        complete: bool = True,
        start: bool = True,
        received_at: datetime | None = None,
        events_before_continuing: int = 1_000,
        product_model: str = "BCD-500",
        complaint_about: str | None = None,
    ) -> Ticket:
        """Register a feedback of 韩梅梅's and start its workflow."""
        number, received_at = next(_numbers), received_at or datetime.now(UTC)
        facts = PolicyFacts(kind, Category.PRODUCT_FAULT, urgency, Priority.MEDIUM, Tier.STANDARD, Channel.WEB)
        promises: tuple[FirstPromise, ...] = ()
        if self.policy is not None:
            published = await self.catalogue.in_force()
            policy = next(it for it in published.promises.policies if it.id == self.policy.id)
            calendars: Mapping[str, Calendar] = published.calendars
            promises = first_promises(policy, facts, received_at, complete, calendars)
        registration = Registration(
            ticket_no=f"20260101{number:04}",
            received_at=received_at,
            channel=Channel.WEB,
            language="zh-CN",
            customer_id=HAN_MEIMEI.id,
            tier=Tier.STANDARD,
            product=Product(model=product_model),
            complaint_about=complaint_about,
            service_stage=ServiceStage.AFTER_SALES,
            kind=kind,
            category=Category.PRODUCT_FAULT,
            urgency=urgency,
            priority=Priority.MEDIUM,
            affected_count=1,
            safety_risk=False,
            complete=complete,
            policy=self.policy,
            promises=promises,
        )
        assert await self.register(registration)
        ticket = Ticket(self, registration.ticket_no)
        ticket.registration = registration
        self.tickets.append(ticket)
        if start:
            await self.start(ticket, events_before_continuing)
        return ticket

    async def register(self, registration: Registration) -> bool:
        """Enter a registration as the service does; answers False for one that was there already."""
        return await Registrations(self.database, NobodyKnown()).register(registration)

    async def keep(self, ticket_no: str, command: Command) -> None:
        """Store a command as the service does before it gives it to the workflow."""
        values = {"id": command.id, "ticket_no": ticket_no, "name": command.name, "caller": command.actor.id}
        texts = {"body": {}, "body_hash": "", "command": command.model_dump(mode="json")}
        async with self.database.autocommit() as connection:
            await connection.execute(insert(commands).values(**values, **texts).on_conflict_do_nothing())

    async def start(self, ticket: Ticket, events_before_continuing: int = 1_000) -> None:
        """Start the ticket's workflow from what PostgreSQL holds."""
        start = await self.stored(ticket)
        await self.engine.start(start.model_copy(update={"events_before_continuing": events_before_continuing}))

    async def stored(self, ticket: Ticket) -> TicketStart:
        """The start that PostgreSQL holds to rebuild the ticket's workflow from."""
        row = await ticket.row()
        return TicketStart.stored(row["state"], row["policy"])


class NobodyKnown(DirectoryCopy):
    """A directory without departments."""

    def __init__(self) -> None:
        """Ask nobody."""

    async def roll(self, **_: object) -> Roll:
        """Nobody."""
        return Roll()
