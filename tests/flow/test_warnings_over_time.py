"""Warnings: who is told before a promise is broken, and what becomes of it (semantics.md 22)."""

from collections.abc import AsyncIterator

import pytest
from temporalio.testing import WorkflowEnvironment

from services.contracts.vocabulary import ClockName
from services.runtime.postgres.database import Database
from tests.flow.alert_harness import DAY, HOUR, SECOND, AlertHarness, climbing
from tests.flow.alert_peers import OWNER

C = ClockName
HEAD = "department_head:zhou-qiang"
TOLD_OWNER = f"owner:{OWNER}"


@pytest.fixture
async def harness(env: WorkflowEnvironment, database: Database) -> AsyncIterator[AlertHarness]:
    """A harness with its worker."""
    async with climbing(env, database) as harness:
        yield harness


async def test_a_warning_tells_the_first_step_and_does_not_climb(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    await harness.apply(ticket.warning(C.RESOLUTION, left=2 * DAY))
    alert = await ticket.started()
    assert sorted(await alert.told()) == sorted([TOLD_OWNER, HEAD])
    await alert.passes(DAY)
    row = await alert.row()
    assert (len(await alert.told()), row["state"], row["exhausted_at"]) == (2, "open", None)


async def test_a_warning_that_comes_true_gives_way_to_the_breach(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    await harness.apply(ticket.warning(C.RESOLUTION))
    warning = await ticket.started()
    breach = await ticket.breached(C.RESOLUTION)
    assert (await warning.row())["resolution"] == "breached"
    assert (await breach.row())["threshold"] == "breach"
    assert warning.id != breach.id


async def test_a_warning_of_a_clock_that_was_met_paused_or_is_due_is_dropped(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    await harness.apply(ticket.warning(C.RESPONSE, state=None))
    await harness.apply(ticket.warning(C.RESOLUTION, state="paused"))
    await harness.apply(ticket.warning(C.PROGRESS, left=-SECOND))
    assert await harness.alerts() == []


async def test_a_snoozed_warning_is_told_again_unless_it_has_come_true_meanwhile(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    await harness.apply(ticket.warning(C.PROGRESS, left=2 * HOUR))
    alert = await ticket.started()
    await alert.snooze(HOUR)
    await alert.passes(HOUR + SECOND)
    assert await alert.told() == [TOLD_OWNER] * 2
    await alert.snooze(HOUR)
    await alert.passes(HOUR + SECOND)
    assert (await alert.row())["resolution"] == "stale"
    assert len(await alert.told()) == 2
