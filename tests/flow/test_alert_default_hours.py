"""Whoever has no hours of their own is left in peace while the calendar is closed by which the ticket is promised
(semantics.md 23): midnight alerts are impossible unless a policy, a person or an urgent ticket asks for them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert
from temporalio.testing import WorkflowEnvironment

from services.contracts.alert import RaiseAlert, Threshold
from services.contracts.journal import EventType
from services.contracts.names import QUEUE_NOTIFY
from services.contracts.policy import StoredCalendar
from services.contracts.vocabulary import ClockName
from services.notify.alerts.activities import AlertActivities
from services.notify.alerts.workflow import AlertWorkflow
from services.notify.hours.tables import calendars_in_force
from services.runtime.postgres.database import Database
from services.runtime.temporal.client import worker
from tests.flow.alert_harness import HOUR, MINUTE, SECOND, Alert, AlertedTicket, AlertHarness
from tests.flow.alert_peers import OWNER, weekly

C = ClockName
STEP = 15 * MINUTE + SECOND
TOLD_OWNER, ON_CALL, HEAD = f"owner:{OWNER}", "on_call:chen-chen", "department_head:zhou-qiang"
OFFICE, ALWAYS = "office", "always"
ROUND_THE_CLOCK = {day: {"00:00": "24:00"} for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


class ClosedOfficeHarness(AlertHarness):
    """The office is closed until `opens`, and nobody has set any hours."""

    def __init__(self, env: WorkflowEnvironment, database: Database) -> None:
        super().__init__(env, database)
        self.opens = (datetime.now(UTC) + 3 * HOUR).replace(minute=0, second=0, microsecond=0)

    async def publish(self) -> None:
        """Publish calendars, as the workflow service does."""
        hours = {OFFICE: weekly(self.opens, self.opens + 8 * HOUR), ALWAYS: ROUND_THE_CLOCK}
        stored = [StoredCalendar(id=id_, version=1, time_zone="UTC", hours=its) for id_, its in hours.items()]
        row = {"one": 1, "generation": 1, "calendars": [each.model_dump(mode="json") for each in stored]}
        async with self.database.begin() as connection:
            await connection.execute(insert(calendars_in_force).values(row))


@pytest.fixture
async def harness(env: WorkflowEnvironment, database: Database) -> AsyncIterator[ClosedOfficeHarness]:
    """A night with its worker."""
    harness = ClosedOfficeHarness(env, database)
    await harness.publish()
    async with worker(
        env.client,
        QUEUE_NOTIFY,
        workflows=[AlertWorkflow],
        activities=[AlertActivities(harness.escalation).climb],
    ):
        yield harness


async def goes_on_in_the_morning(harness: ClosedOfficeHarness, alert: Alert, told: list[str]) -> None:
    """That `told` is all until the office opens, and that whoever is on call hears of it then."""
    await alert.passes_until(harness.opens - SECOND)
    assert (await alert.told(), (await alert.row())["next_at"]) == (told, harness.opens)
    await alert.passes_until(harness.opens + MINUTE)
    assert await alert.told() == [*told, ON_CALL]
    assert harness.opens <= await alert.last_told_at() < harness.opens + MINUTE


async def test_a_breach_at_night_is_told_once_at_once_and_climbs_in_the_morning(harness: ClosedOfficeHarness) -> None:
    alert = await harness.ticket(calendar=OFFICE).breached(C.PROGRESS)
    assert await alert.told() == [TOLD_OWNER]
    await goes_on_in_the_morning(harness, alert, [TOLD_OWNER])
    await alert.passes(STEP)
    assert await alert.told() == [TOLD_OWNER, ON_CALL, HEAD]


@pytest.mark.parametrize("facts", [{"calendar": OFFICE, "urgency": "urgent"}, {"calendar": ALWAYS}, {}])
async def test_urgent_tickets_and_promises_around_the_clock_climb_through_the_night(
    harness: ClosedOfficeHarness, facts: dict[str, str]
) -> None:
    """So does a ticket whose calendar is not known yet: it was there before the release that tells it."""
    alert = await harness.ticket(**facts).breached(C.PROGRESS)
    await alert.passes(STEP)
    assert (await alert.told())[:2] == [TOLD_OWNER, ON_CALL]


async def test_whoever_has_a_shift_at_night_is_told_at_night(harness: ClosedOfficeHarness) -> None:
    now = datetime.now(UTC)
    harness.directory.shifts = [("chen-chen", now - HOUR, now + 8 * HOUR)]
    alert = await harness.ticket(calendar=OFFICE).breached(C.PROGRESS)
    await alert.passes(STEP)
    assert await alert.told() == [TOLD_OWNER, ON_CALL]


async def test_an_owner_with_hours_of_their_own_is_not_told_at_once_and_nobody_in_their_place(
    harness: ClosedOfficeHarness,
) -> None:
    later = harness.opens + HOUR
    harness.directory.hours = {OWNER: weekly(later, later + HOUR)}
    alert = await harness.ticket(calendar=OFFICE).breached(C.PROGRESS)
    assert await alert.told() == []
    await goes_on_in_the_morning(harness, alert, [])


async def test_a_snooze_that_ends_at_night_waits_for_the_morning(harness: ClosedOfficeHarness) -> None:
    alert = await harness.ticket(calendar=OFFICE).breached(C.PROGRESS)
    await alert.snooze(HOUR)
    await alert.passes(HOUR + SECOND)
    assert (await alert.row())["state"] == "open"
    await goes_on_in_the_morning(harness, alert, [TOLD_OWNER])


async def test_a_warning_waits_for_the_morning_where_it_still_is_one_then(harness: ClosedOfficeHarness) -> None:
    ticket = harness.ticket(calendar=OFFICE)
    await harness.apply(ticket.warning(C.PROGRESS, left=harness.opens - datetime.now(UTC) + MINUTE))
    alert = await ticket.started()
    assert await alert.told() == []
    await alert.passes_until(harness.opens + SECOND)
    assert await alert.told() == [TOLD_OWNER]


async def test_a_warning_that_the_morning_would_make_stale_goes_at_once(harness: ClosedOfficeHarness) -> None:
    ticket = harness.ticket(calendar=OFFICE)
    await harness.apply(ticket.warning(C.PROGRESS, left=harness.opens - datetime.now(UTC) - MINUTE))
    assert await (await ticket.started()).told() == [TOLD_OWNER]


async def test_the_head_who_is_only_informed_reads_it_in_the_morning(harness: ClosedOfficeHarness) -> None:
    alert = await harness.ticket(calendar=OFFICE).breached(C.PROGRESS)
    assert [(each["recipient"], each["held_until"]) for each in await alert.overdue_notices()] == [
        ("zhou-qiang", harness.opens)
    ]


async def test_a_low_rating_is_told_at_once_and_once_until_the_morning(harness: ClosedOfficeHarness) -> None:
    ticket: AlertedTicket = harness.ticket(calendar=OFFICE)
    await harness.apply(ticket.event(EventType.RESPONDED))
    now = datetime.now(UTC)
    async with harness.database.begin() as connection:
        asked = RaiseAlert(
            ticket_no=ticket.ticket_no,
            cycle=1,
            threshold=Threshold.LOW_RATING,
            due_at=now + timedelta(days=1),
            raised_at=now,
        )
        await harness.consumer.raise_low_rating(connection, asked)
    alert = await ticket.started()
    told = await alert.told()
    assert told
    await alert.passes_until(harness.opens - SECOND)
    assert await alert.told() == told
