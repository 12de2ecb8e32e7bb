"""Alerts of low ratings: raised, corrected, raised anew (semantics.md 23)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from temporalio.testing import WorkflowEnvironment

from services.contracts.alert import RaiseAlert, RatingCorrected, Threshold
from services.contracts.journal import EventType
from services.notify.alerts import ratings
from services.runtime.postgres.database import Database
from tests.flow.alert_harness import DAY, HOUR, SECOND, AlertHarness, climbing

SUPERVISOR = "supervisor:wang-fang"


@pytest.fixture
async def harness(env: WorkflowEnvironment, database: Database) -> AsyncIterator[AlertHarness]:
    """A harness with its worker."""
    async with climbing(env, database) as harness:
        yield harness


async def low_rating(harness: AlertHarness, ticket_no: str) -> str:
    now = datetime.now(UTC)
    asked = RaiseAlert(ticket_no=ticket_no, cycle=1, threshold=Threshold.LOW_RATING, raised_at=now, due_at=now + DAY)
    async with harness.database.begin() as connection:
        return await harness.consumer.raise_low_rating(connection, asked)


async def correct(harness: AlertHarness, ticket_no: str) -> None:
    """The customer changes a low rating upwards."""
    async with harness.database.begin() as connection:
        await ratings.correct(connection, RatingCorrected(ticket_no=ticket_no, cycle=1, at=datetime.now(UTC)))


async def test_a_low_rating_tells_the_supervisors_and_outlives_the_closing(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    await harness.apply(ticket.closed())
    first = await low_rating(harness, ticket.ticket_no)
    assert await low_rating(harness, ticket.ticket_no) == first
    alert = await ticket.started()
    await alert.follows(ticket.event(EventType.TAGGED))
    assert (await alert.told(), await alert.state()) == ([SUPERVISOR], "open")
    await alert.passes(8 * HOUR + SECOND)
    assert await alert.told() == [SUPERVISOR] * 2
    await alert.follows(ticket.event(EventType.REOPENED, cycle=2, phase="processing.assigned"))
    assert (await alert.row())["resolution"] == "reopened"


async def test_a_rating_corrected_upwards_ends_its_alert_and_one_lowered_again_calls_anew(
    harness: AlertHarness,
) -> None:
    ticket = harness.ticket()
    await harness.apply(ticket.closed())
    await low_rating(harness, ticket.ticket_no)
    alert = await ticket.started()
    await correct(harness, ticket.ticket_no)
    await correct(harness, ticket.ticket_no)
    await alert.follows()
    assert ((await alert.row())["resolution"], await alert.state()) == ("rating_corrected", "resolved")
    assert {it["state"] for it in await alert.notices()} == {"not_sent"}
    await alert.passes(8 * HOUR + SECOND)
    assert await alert.told() == [SUPERVISOR]
    assert await low_rating(harness, ticket.ticket_no) == alert.id
    again = await ticket.started()
    assert (await again.told(), await again.state()) == ([SUPERVISOR] * 2, "open")
    await again.until_journal("alert.raised", "alert.resolved", "alert.raised")


async def test_an_alert_that_is_called_anew_is_nobody_s_however_the_first_was_answered(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    await harness.apply(ticket.closed())
    await low_rating(harness, ticket.ticket_no)
    alert = await ticket.started()
    await alert.acknowledge(SUPERVISOR)
    await correct(harness, ticket.ticket_no)
    await low_rating(harness, ticket.ticket_no)
    row = await alert.row()
    assert (row["state"], row["acknowledged_by"], row["expires_at"], row["snoozed_until"]) == ("open", None, None, None)


async def test_an_alert_that_a_person_ended_is_not_raised_again_by_a_rating(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    await harness.apply(ticket.closed())
    await low_rating(harness, ticket.ticket_no)
    alert = await ticket.started()
    await alert.resolve()
    await correct(harness, ticket.ticket_no)
    await low_rating(harness, ticket.ticket_no)
    assert (await alert.row())["resolution"] == "by_person"


async def test_a_correction_without_an_alert_changes_nothing(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    await harness.apply(ticket.closed())
    await correct(harness, ticket.ticket_no)
    assert not [each for each in await harness.alerts() if each["ticket_no"] == ticket.ticket_no]
