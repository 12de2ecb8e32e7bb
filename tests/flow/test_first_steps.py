"""The first step of an alert is taken without the engine, and once (I10, I12); then it has a workflow (I2). Its journal
hears of it without the workflow too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, select, text
from temporalio.testing import WorkflowEnvironment

from services.contracts.vocabulary import ClockName
from services.notify.alerts import first_steps, monitor, pool
from services.notify.alerts.escalation import Climber
from services.notify.alerts.first_steps import STARTABLE, FirstSteps
from services.notify.alerts.remarks import RemarkDispatcher
from services.notify.alerts.tables import alerts, tellings
from services.notify.notices.tables import notices
from services.runtime.postgres.database import Database
from tests.flow.alert_harness import CREW, OWNER, AlertHarness
from tests.services.system import until


class Steps:
    """Breaches, and processes that take first steps."""

    def __init__(self, harness: AlertHarness) -> None:
        self.harness = harness
        self.database = harness.database

    async def breach(self, clock: ClockName = ClockName.PROGRESS) -> None:
        """A ticket of 林涛's breaches a clock."""
        await self.harness.apply(self.harness.ticket().breach(clock))

    @asynccontextmanager
    async def dispatching(self, *, hands: int = 3) -> AsyncIterator[None]:
        """A process that enters what alerts have to say, for a while."""
        task = asyncio.create_task(RemarkDispatcher(self.harness.opened, hands=hands).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until_entered(self, count: int) -> None:
        """Return when the journals were told so much."""

        async def is_told() -> bool:
            return len(self.harness.journal.remarks) == count

        await until(is_told, 30)

    @asynccontextmanager
    async def taking(self, *, processes: int = 1) -> AsyncIterator[None]:
        """Processes that are there for a while."""
        climber = Climber(self.harness.opened, self.harness.calendars)
        running = [asyncio.create_task(FirstSteps(self.database, climber, hands=3).run()) for _ in range(processes)]
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def told(self) -> list[str]:
        """Everybody who was told, once for each telling."""
        async with self.database.read() as connection:
            return sorted((await connection.scalars(select(tellings.c.staff))).all())

    async def until_told(self, *staff: str) -> None:
        """Return when exactly these were told."""

        async def are() -> bool:
            return await self.told() == sorted(staff)

        await until(are, 30)

    async def until_measured(self, name: str, value: float) -> None:
        """Return when a figure is so."""

        async def is_so() -> bool:
            await monitor.measure(self.database)
            return figure(name) == value

        await until(is_so, 30)

    async def startable(self) -> int:
        """Number of alerts that are to have a workflow."""
        async with self.database.read() as connection:
            count: int = (await connection.scalars(select(func.count()).select_from(alerts).where(STARTABLE))).one()
            return count


@pytest.fixture
def steps(env: WorkflowEnvironment, database: Database) -> Steps:
    return Steps(AlertHarness(env, database))


async def test_whoever_is_first_is_told_without_the_engine_and_then_there_is_a_workflow_to_start(steps: Steps) -> None:
    await steps.breach()
    assert await steps.startable() == 0
    async with steps.taking():
        await steps.until_told(OWNER)
    assert await steps.startable() == 1
    assert [alert["level"] for alert in await steps.harness.alerts()] == [1]


async def test_what_is_raised_later_is_taken_too_and_more_of_it_than_there_are_hands(steps: Steps) -> None:
    async with steps.taking():
        for _ in range(8):
            await steps.breach(ClockName.ACCEPTANCE)
        await steps.until_told(*[clerk for clerk in CREW["clerks"] for _ in range(8)])
    assert await steps.startable() == 8


async def test_processes_share_the_work_and_nobody_is_told_twice(steps: Steps) -> None:
    for _ in range(10):
        await steps.breach()
    async with steps.taking(processes=3):
        await steps.until_told(*[OWNER] * 10)
    async with steps.database.read() as connection:
        to_owner = select(func.count()).select_from(notices).where(notices.c.recipient == OWNER)
        assert await connection.scalar(to_owner) == 10


async def test_a_directory_that_is_away_delays_the_step_and_no_more(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PAUSE_SECONDS", 0.05)
    steps.harness.directory.down = True
    async with steps.taking():
        await steps.breach(ClockName.ACCEPTANCE)
        assert await steps.told() == []
        steps.harness.directory.down = False
        await steps.until_told(*CREW["clerks"])


async def test_a_first_step_that_nobody_takes_is_left_to_the_workflow(steps: Steps) -> None:
    await steps.breach()
    for passed, startable in ((timedelta(seconds=-1), 0), (timedelta(seconds=1), 1)):
        async with steps.database.begin() as connection:
            raised = text("UPDATE notify.alerts SET next_at = now() - CAST(:passed AS interval)")
            await connection.execute(raised, {"passed": first_steps.LEFT_AFTER + passed})
        assert await steps.startable() == startable


async def test_a_step_that_waits_for_its_time_has_a_workflow(steps: Steps) -> None:
    await steps.breach()
    async with steps.database.begin() as connection:
        await connection.execute(text("UPDATE notify.alerts SET next_at = now() + interval '1 hour'"))
    assert await steps.startable() == 1


async def test_the_journal_knows_of_an_alert_before_there_is_a_workflow_and_before_anybody_is_told(
    steps: Steps,
) -> None:
    for _ in range(5):
        await steps.breach()
    async with steps.dispatching():
        await steps.until_entered(5)
    assert {each["type"] for each in steps.harness.journal.remarks.values()} == {"alert.raised"}
    assert (await steps.told(), await steps.startable()) == ([], 0)


async def test_what_the_dispatcher_has_entered_is_not_ended_behind_the_back_of_the_workflow(steps: Steps) -> None:
    ticket = steps.harness.ticket()
    await steps.harness.apply(ticket.breach(ClockName.PROGRESS))
    async with steps.taking(), steps.dispatching():
        await steps.until_told(OWNER)
        await steps.harness.apply(ticket.met(ClockName.PROGRESS))
        await steps.until_entered(2)
    (alert,) = await steps.harness.alerts()
    assert (alert["state"], alert["ended"], await steps.startable()) == ("resolved", False, 1)


async def test_a_journal_that_cannot_be_written_holds_up_no_other(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PAUSE_SECONDS", 0.05)
    for _ in range(6):
        await steps.breach()
    oldest = [alert["ticket_no"] for alert in await steps.harness.alerts()][:3]
    steps.harness.journal.broken.update(oldest)
    async with steps.dispatching(hands=2):
        await steps.until_entered(3)
        steps.harness.journal.broken.clear()
        await steps.until_entered(6)


async def test_the_two_delays_of_an_alert_are_told_apart(steps: Steps) -> None:
    await steps.breach()
    async with steps.database.begin() as connection:
        await connection.execute(text("UPDATE notify.alerts SET next_at = now() - interval '40 seconds'"))
    await monitor.measure(steps.database)
    untold = figure("bihuan_alerts_untold_seconds")
    assert 40 <= untold < 400
    assert figure("bihuan_alerts_unentered") == 1
    async with steps.taking():
        await steps.until_told(OWNER)
    await monitor.measure(steps.database)
    assert (figure("bihuan_alerts_untold_seconds"), figure("bihuan_alerts_unentered")) == (0, 1)
    assert figure("bihuan_alerts_unentered_seconds") > 0
    async with steps.dispatching():
        await steps.until_measured("bihuan_alerts_unentered", 0)
    assert figure("bihuan_alerts_unentered_seconds") == 0


def figure(name: str) -> float:
    """A figure as it was last measured."""
    value = REGISTRY.get_sample_value(name)
    assert value is not None
    return value
