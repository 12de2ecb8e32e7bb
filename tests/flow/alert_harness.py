"""Alerts for flow tests: real PostgreSQL, a real Temporal server, and a directory and a journal in the test's hand."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import func, select
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from services.contracts.base import format_instant
from services.contracts.feed import TicketEvent
from services.contracts.journal import EventType
from services.contracts.names import QUEUE_NOTIFY, alert_workflow_id
from services.contracts.vocabulary import ClockName
from services.notify import ticket_copies
from services.notify.alerts import actions, store
from services.notify.alerts.activities import AlertActivities
from services.notify.alerts.consumer import AlertConsumer
from services.notify.alerts.escalation import Escalation
from services.notify.alerts.remarks import RemarkDispatcher
from services.notify.alerts.tables import alerts, tellings
from services.notify.alerts.worker import startable
from services.notify.alerts.workflow import AlertWorkflow
from services.notify.hours.calendars import CalendarsCopy
from services.notify.ladders.candidates import CandidateSearch
from services.notify.ladders.ladders import DEFAULT, read_ladders
from services.notify.ladders.store import LadderBook
from services.notify.notices.tables import notices
from services.notify.resources import Resources
from services.notify.settings import NotifySettings
from services.notify.wake_channels import STARTER_CHANNEL
from services.runtime.postgres.database import Database
from services.runtime.service_client import ServiceClient
from services.runtime.temporal.client import engine_identity, worker
from services.runtime.temporal.inventory import EngineRuns
from services.runtime.temporal.workflow_starter import Starter
from tests.flow.alert_peers import OWNER, FakeDirectory, FakeJournal
from tests.flow.timers import has_due_timer, pass_time
from tests.services.runtime.feed_fakes import begun
from tests.services.system import until

_numbers = itertools.count(1)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class AlertHarness:
    """Lets tickets breach their clocks, and looks at what comes of it."""

    def __init__(self, env: WorkflowEnvironment, database: Database) -> None:
        self.env = env
        self.database = database
        self.directory, self.journal = FakeDirectory(), FakeJournal()
        nobody = ServiceClient("http://nobody", "secret")
        self.opened = Resources(NotifySettings(), database, nobody, self.journal, self.directory, nobody)
        self.candidates = CandidateSearch(self.opened, CalendarsCopy(database, nobody))
        self.escalation = Escalation(self.opened, self.candidates)
        self.ladders = LadderBook(read_ladders())

    def ticket(self, **facts: Any) -> "AlertedTicket":
        """A ticket that 林涛 owns, with its clocks running."""
        return AlertedTicket(self, f"20261120{next(_numbers):04}", facts)

    def shorten_ladders(self, *, steps: int, rounds: int) -> None:
        """Let what is raised from now on climb less high and less often."""
        standard = read_ladders()[DEFAULT]
        by_clock = {clock: each[:steps] for clock, each in standard.breach.steps.items()}
        shorter = standard.breach.model_copy(update={"steps": by_clock, "rounds": rounds})
        self.ladders = LadderBook({DEFAULT: standard.model_copy(update={"breach": shorter})})

    @property
    def consumer(self) -> AlertConsumer:
        """Raises by the ladders of now."""
        return AlertConsumer(self.ladders, self.escalation)

    async def apply(self, *events: TicketEvent) -> None:
        """Apply a page of the feed, as the follower does."""
        async with begun(self.database) as connection:
            await self.consumer.apply(connection, events)

    def starter(self) -> Starter:
        """Starts and tells workflows, as the one beside the worker does."""
        return Starter(
            self.database,
            partial(engine_identity, self.env.client),
            [startable(self.env.client)],
            channel=STARTER_CHANNEL,
            probe_seconds=60,
            name="test_alerts",
            runs=EngineRuns(self.env.client),
        )

    @asynccontextmanager
    async def dispatching(self, *, hands: int = 3) -> AsyncIterator[None]:
        """A process that enters what alerts have to say, for a while."""
        task = asyncio.create_task(RemarkDispatcher(self.opened, hands=hands).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until_entered(self, count: int) -> None:
        """Return when the journals were told so much."""

        async def is_told() -> bool:
            return len(self.journal.remarks) == count

        await until(is_told, 30)

    async def alerts(self) -> list[Mapping[Any, Any]]:
        """Every alert, in the order of raising."""
        async with self.database.read() as connection:
            return list((await connection.execute(select(alerts).order_by(alerts.c.raised_at))).mappings())


class AlertedTicket:
    """One ticket: what its journal says next."""

    def __init__(self, harness: AlertHarness, ticket_no: str, facts: Mapping[str, Any]) -> None:
        self.harness = harness
        self.ticket_no = ticket_no
        now = format_instant(datetime.now(UTC))
        self.version = 0
        self.facts: dict[str, Any] = {
            "ticket_no": ticket_no, "phase": "processing.assigned", "cycle": 1, "kind": "fault",
            "category": "product_fault", "urgency": "normal", "priority": "medium", "channel": "web",
            "language": "zh-CN", "department": "after-sales", "owner": OWNER, "co_owners": [], "complaint_about": None,
            "customer_id": "han-meimei", "product_model": "BCD-500", "opened_at": now, "closed_at": None,
            "close_reason": None, "reopened": False, "policy": None, "questionnaire": None,
            "survey_reminder_after": None, "survey_expires_after": None, "live_clocks": {}, "promised": {}, **facts,
        }  # fmt: skip

    def event(self, type_: EventType, data: Mapping[str, Any] | None = None, **facts: Any) -> TicketEvent:
        """The next event of the journal, with the ticket as it is then."""
        self.version += 1
        self.facts |= {"version": self.version, **facts}
        now = format_instant(datetime.now(UTC))
        event = {
            "seq": self.version, "type": type_, "at": now, "actor": {"kind": "system", "id": "workflow"},
            "from_phase": self.facts["phase"], "to_phase": self.facts["phase"], "cycle": self.facts["cycle"],
            "data": dict(data or {}),
        }  # fmt: skip
        told = {"ticket_no": self.ticket_no, "event": event, "recorded_at": now, "ticket": self.facts}
        return TicketEvent.model_validate(told)

    def breach(
        self, clock: ClockName, *, round_: int = 1, state: str | None = "breached", ladder: str | None = None
    ) -> TicketEvent:
        """A clock passes its due time; `state` is what it is when the feed is read, None when it has ended."""
        return self._crossed(EventType.CLOCK_BREACHED, clock, round_, state, -SECOND, ladder)

    def warning(self, clock: ClockName, *, state: str | None = "running", left: timedelta = HOUR) -> TicketEvent:
        """A clock warns, with some time left."""
        return self._crossed(EventType.CLOCK_WARNED, clock, 1, state, left)

    def met(self, clock: ClockName, *, round_: int = 1) -> TicketEvent:
        """A clock ends."""
        key = f"{clock}/{self.facts['cycle']}/{round_}"
        live = {name: state for name, state in self.facts["live_clocks"].items() if name != key}
        return self.event(EventType.RESPONDED, live_clocks=live)

    def closed(self) -> TicketEvent:
        """The ticket is closed; its clocks are cancelled."""
        now = format_instant(datetime.now(UTC))
        return self.event(EventType.CLOSED, phase="closed", closed_at=now, close_reason="confirmed", live_clocks={})

    async def breached(self, clock: ClockName = ClockName.PROGRESS, **told: Any) -> "Alert":
        """A breach, followed and its workflow started."""
        await self.harness.apply(self.breach(clock, **told))
        return await self.started(clock)

    async def started(self, clock: ClockName | None = None) -> "Alert":
        """The newest alert, its workflow started."""
        await self.harness.starter().reconcile()
        query = select(alerts.c.id).where(alerts.c.ticket_no == self.ticket_no)
        if clock is not None:
            query = query.where(alerts.c.clock == clock)
        async with self.harness.database.read() as connection:
            alert_id = await connection.scalar(query.order_by(alerts.c.raised_at.desc()).limit(1))
        alert = Alert(self.harness, str(alert_id))
        await alert.settled()
        return alert

    def _crossed(
        self,
        type_: EventType,
        clock: ClockName,
        round_: int,
        state: str | None,
        ahead: timedelta,
        ladder: str | None = None,
    ) -> TicketEvent:
        now, cycle = datetime.now(UTC), self.facts["cycle"]
        live = {k: v for k, v in self.facts["live_clocks"].items() if k != f"{clock}/{cycle}/{round_}"}
        live |= {f"{clock}/{cycle}/{round_}": state} if state else {}
        data = {
            "clock": clock, "clock_cycle": cycle, "round": round_, "due_at": format_instant(now + ahead),
            "detected_at": format_instant(now),
        }  # fmt: skip
        return self.event(type_, data | ({"ladder": ladder} if ladder else {}), live_clocks=live)


class Alert:
    """One alert under test."""

    def __init__(self, harness: AlertHarness, id_: str) -> None:
        self.harness = harness
        self.id = id_
        self.handle: WorkflowHandle[Any, Any] = harness.env.client.get_workflow_handle(alert_workflow_id(id_))

    async def row(self) -> Mapping[Any, Any]:
        """The alert as PostgreSQL holds it."""
        async with self.harness.database.read() as connection:
            return (await connection.execute(select(alerts).where(alerts.c.id == self.id))).mappings().one()

    async def state(self) -> str:
        """Its state."""
        return str((await self.row())["state"])

    async def told(self) -> list[str]:
        """People told, as `rung:person`, in the order of the ladder."""
        query = select(tellings).where(tellings.c.alert_id == self.id)
        async with self.harness.database.read() as connection:
            rows = (await connection.execute(query.order_by(tellings.c.at, tellings.c.staff))).all()
        return [f"{row.rung}:{row.staff}" for row in rows]

    async def last_told_at(self) -> datetime:
        """The instant at which somebody was last told, by the workflow's time."""
        query = select(func.max(tellings.c.at)).where(tellings.c.alert_id == self.id)
        async with self.harness.database.read() as connection:
            at: datetime = (await connection.execute(query)).scalar_one()
        return at

    async def told_anybody(self) -> bool:
        """Whether somebody was told."""
        return bool(await self.told())

    async def until_journal(self, *types: str) -> None:
        """Return when the ticket's journal was told exactly this of it."""

        async def is_told() -> bool:
            return self.harness.journal.of(self.id) == list(types)

        await until(is_told, 30)

    async def notices(self) -> list[Mapping[Any, Any]]:
        """The notices that tell of it."""
        mine = notices.c.key.startswith(f"alert/{self.id}/")
        async with self.harness.database.read() as connection:
            return list((await connection.execute(select(notices).where(mine).order_by(notices.c.position))).mappings())

    async def overdue_notices(self) -> list[Mapping[Any, Any]]:
        """Notices to the heads of the department, for their information."""
        mine = notices.c.key.startswith(f"overdue/{self.id}/")
        async with self.harness.database.read() as connection:
            return list((await connection.execute(select(notices).where(mine).order_by(notices.c.position))).mappings())

    async def now(self) -> datetime:
        """The workflow's own time."""
        return (await self.harness.env.get_current_time(self.handle)).astimezone(UTC)

    async def passes(self, length: timedelta) -> None:
        """Let time pass; a workflow that has ended is left alone."""
        await self.passes_until(await self.now() + length)

    async def passes_until(self, instant: datetime) -> None:
        """Let time pass until an instant."""
        with suppress(RPCError):
            await pass_time(self.harness.env, self.handle, instant, self.settled)

    async def settled(self) -> None:
        """Return when the workflow has nothing to do at its present time but what is being retried."""
        while True:
            described = await self.handle.describe()
            raw = described.raw_description
            retried = all(each.attempt > 1 for each in raw.pending_activities)
            if described.status is not WorkflowExecutionStatus.RUNNING:
                return
            is_idle = retried and not raw.HasField("pending_workflow_task")
            if is_idle and (raw.pending_activities or not await has_due_timer(self.harness.env, self.handle)):
                return
            await asyncio.sleep(0.01)

    async def acknowledge(self, by: str = OWNER, *, heard: bool = True) -> None:
        """Somebody takes it, at the workflow's time; unless `heard`, the signal is lost."""
        async with self.harness.database.begin() as connection:
            row = await store.locked(connection, self.id)
            assert row is not None
            await actions.acknowledge(connection, row, by, await self.now())
        await self._hear(heard=heard)

    async def snooze(self, length: timedelta) -> None:
        """Somebody lets it rest."""
        async with self.harness.database.begin() as connection:
            row = await store.locked(connection, self.id)
            assert row is not None
            await actions.snooze(connection, row, await self.now() + length)
        await self._hear(heard=True)

    async def resolve(self) -> None:
        """Somebody ends it."""
        async with self.harness.database.begin() as connection:
            row = await store.locked(connection, self.id)
            assert row is not None
            await actions.resolve(connection, row, OWNER, "已电话联系", await self.now())
        await self._hear(heard=True)

    async def hand_over(self, to: str) -> None:
        """Somebody hands it over."""
        async with self.harness.database.begin() as connection:
            row = await store.locked(connection, self.id)
            assert row is not None
            ticket = (await ticket_copies.find(connection, [row["ticket_no"]]))[row["ticket_no"]]
            await actions.hand_over(connection, row, ticket, to, await self.now(), NotifySettings())
        await self._hear(heard=True)

    async def follows(self, *events: TicketEvent) -> None:
        """The journal goes on."""
        await self.harness.apply(*events)
        await self._hear(heard=True)

    async def _hear(self, *, heard: bool) -> None:
        if heard:
            await self.harness.starter().reconcile()
        await self.settled()


@asynccontextmanager
async def climbing(env: WorkflowEnvironment, database: Database) -> AsyncIterator[AlertHarness]:
    """A harness whose worker climbs ladders."""
    harness = AlertHarness(env, database)
    running = worker(
        env.client,
        QUEUE_NOTIFY,
        workflows=[AlertWorkflow],
        activities=[AlertActivities(harness.escalation).climb],
        max_concurrent_activities=20,
    )
    async with running, harness.dispatching():
        yield harness
