"""The first step of an alert is taken with its raising, without the engine and once (I10, I12); everything later has a
workflow (I2). The journal hears of an alert without the workflow too."""

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, select, text
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from services.contracts.alert import Climb
from services.contracts.vocabulary import ClockName
from services.notify.alerts import monitor, remarks
from services.notify.alerts.tables import tellings
from services.notify.notices.tables import notices
from services.runtime.postgres.database import Database
from tests.flow.alert_harness import MINUTE, SECOND, Alert, AlertHarness
from tests.flow.alert_peers import CREW, OWNER
from tests.services.runtime.feed_fakes import begun
from tests.services.system import until


class FirstStepHarness(AlertHarness):
    """Breaches, and who was told of them."""

    async def breach(self, clock: ClockName = ClockName.PROGRESS) -> None:
        """A ticket of 林涛's breaches a clock."""
        await self.apply(self.ticket().breach(clock))

    async def told(self) -> list[str]:
        """Everybody who was told, once for each telling."""
        async with self.database.read() as connection:
            return sorted((await connection.scalars(select(tellings.c.staff))).all())

    async def until_measured(self, name: str, value: float) -> None:
        """Return when a figure is so."""

        async def is_so() -> bool:
            await monitor.measure(self.database)
            return figure(name) == value

        await until(is_so, 30)


@pytest.fixture
def harness(env: WorkflowEnvironment, database: Database) -> FirstStepHarness:
    return FirstStepHarness(env, database)


async def test_whoever_is_first_is_told_with_the_raising_and_the_engine_hears_of_it_afterwards(
    harness: FirstStepHarness,
) -> None:
    await harness.breach()
    (alert,) = await harness.alerts()
    assert (await harness.told(), alert["level"], alert["engine_id"]) == ([OWNER], 1, None)
    assert abs(alert["next_at"] - alert["raised_at"] - 15 * MINUTE) < 10 * SECOND
    assert await harness.starter().reconcile() == 1
    assert await harness.starter().reconcile() == 0


async def test_a_burst_of_breaches_asks_the_directory_once_and_tells_of_each(harness: FirstStepHarness) -> None:
    await harness.apply(*(harness.ticket().breach(ClockName.ACCEPTANCE) for _ in range(40)))
    assert harness.directory.asked == 1
    assert await harness.told() == sorted([*CREW["clerks"]] * 40)


async def test_a_page_of_the_feed_that_is_read_again_tells_nobody_twice(harness: FirstStepHarness) -> None:
    breach = harness.ticket().breach(ClockName.PROGRESS)
    for _ in range(2):
        await harness.apply(breach)
    async with harness.database.read() as connection:
        to_owner = select(func.count()).select_from(notices).where(notices.c.recipient == OWNER)
        assert await connection.scalar(to_owner) == 1
    assert await harness.told() == [OWNER]


async def test_a_page_that_is_not_kept_has_raised_and_told_nothing(harness: FirstStepHarness) -> None:
    async with begun(harness.database) as connection:
        await harness.consumer.apply(connection, [harness.ticket().breach(ClockName.PROGRESS)])
        await connection.rollback()
    assert (await harness.alerts(), await harness.told()) == ([], [])


async def test_a_directory_that_is_away_leaves_the_first_step_to_the_workflow_and_holds_no_raising_up(
    harness: FirstStepHarness,
) -> None:
    harness.directory.down = True
    await harness.breach(ClockName.ACCEPTANCE)
    (alert,) = await harness.alerts()
    assert (await harness.told(), alert["level"], alert["next_at"]) == ([], 0, alert["raised_at"])
    assert await harness.starter().reconcile() == 1


async def test_an_alert_that_is_over_before_it_has_a_workflow_never_gets_one(harness: FirstStepHarness) -> None:
    ticket = harness.ticket()
    await harness.apply(ticket.breach(ClockName.PROGRESS))
    await harness.apply(ticket.met(ClockName.PROGRESS))
    (alert,) = await harness.alerts()
    for told in (1, 0):
        assert await harness.starter().reconcile() == told
    with pytest.raises(RPCError, match="not found"):
        await Alert(harness, alert["id"]).handle.describe()


async def test_the_journal_knows_of_an_alert_before_there_is_a_workflow(harness: FirstStepHarness) -> None:
    for _ in range(5):
        await harness.breach()
    async with harness.dispatching():
        await harness.until_entered(5)
    assert {each["type"] for each in harness.journal.remarks.values()} == {"alert.raised"}
    assert {alert["engine_id"] for alert in await harness.alerts()} == {None}


async def test_a_journal_that_cannot_be_written_holds_up_no_other(
    harness: FirstStepHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remarks, "PAUSE_SECONDS", 0.05)
    for _ in range(6):
        await harness.breach()
    oldest = [alert["ticket_no"] for alert in await harness.alerts()][:3]
    harness.journal.broken.update(oldest)
    async with harness.dispatching(hands=2):
        await harness.until_entered(3)
        harness.journal.broken.clear()
        await harness.until_entered(6)


async def test_the_two_delays_of_an_alert_are_told_apart(harness: FirstStepHarness) -> None:
    harness.directory.down = True
    await harness.breach()
    async with harness.database.begin() as connection:
        await connection.execute(text("UPDATE notify.alerts SET next_at = now() - interval '40 seconds'"))
        now = await connection.scalar(select(func.now()))
    await monitor.measure(harness.database)
    untold = figure("bihuan_alerts_untold_seconds")
    assert 40 <= untold < 400
    assert figure("bihuan_alerts_unentered") == 1
    harness.directory.down = False
    await harness.escalation.climb(Climb(id=(await harness.alerts())[0]["id"], at=now))
    assert await harness.told() == [OWNER]
    await monitor.measure(harness.database)
    assert (figure("bihuan_alerts_untold_seconds"), figure("bihuan_alerts_unentered")) == (0, 1)
    assert figure("bihuan_alerts_unentered_seconds") > 0
    async with harness.dispatching():
        await harness.until_measured("bihuan_alerts_unentered", 0)
    assert figure("bihuan_alerts_unentered_seconds") == 0


def figure(name: str) -> float:
    """A figure as it was last measured."""
    value = REGISTRY.get_sample_value(name)
    assert value is not None
    return value
