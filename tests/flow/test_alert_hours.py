"""Outside a recipient's hours the step waits for the next window unless the ticket is urgent (semantics.md 23)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from temporalio.testing import WorkflowEnvironment

from services.contracts.alert import Rung
from services.contracts.journal import EventType
from services.contracts.names import QUEUE_NOTIFY
from services.contracts.vocabulary import ClockName
from services.notify import ticket_copies
from services.notify.alerts.activities import AlertActivities
from services.notify.alerts.escalation import DueAlert
from services.notify.alerts.forecast import foretell
from services.notify.alerts.monitor import look_again
from services.notify.alerts.tables import alerts
from services.notify.alerts.views import NextView
from services.notify.alerts.workflow import AlertWorkflow
from services.notify.hours import store as quiet_hours
from services.notify.hours.quiet_hours import QuietHours, QuietSpan
from services.notify.ladders.ladders import DEFAULT, read_ladders
from services.runtime.http.conditions import etag
from services.runtime.postgres.database import Database
from services.runtime.temporal.client import worker
from tests.flow.alert_harness import HOUR, MINUTE, SECOND, Alert, AlertHarness
from tests.flow.alert_peers import OWNER

C = ClockName
ON_CALL, HEAD, SUPERVISOR = "on_call:chen-chen", "department_head:zhou-qiang", "supervisor:wang-fang"
TOLD_OWNER = f"owner:{OWNER}"


@pytest.fixture
async def harness(env: WorkflowEnvironment, database: Database) -> AsyncIterator[AlertHarness]:
    """A harness with its worker; nobody but the administrators is reached for the next three hours."""
    harness = AlertHarness(env, database)
    begins = (datetime.now(UTC) + 3 * HOUR).replace(minute=0, second=0, microsecond=0)
    harness.directory.everybody_works(begins, begins + 8 * HOUR)
    async with worker(
        env.client,
        QUEUE_NOTIFY,
        workflows=[AlertWorkflow],
        activities=[AlertActivities(harness.escalation).climb],
    ):
        yield harness


async def waits(alert: Alert) -> datetime:
    """That nobody was told and the step waits; until when."""
    row = await alert.row()
    assert (await alert.told(), row["state"], row["level"]) == ([], "open", 0)
    assert row["waits_from"] is not None
    next_at: datetime = row["next_at"]
    return next_at


async def test_outside_everybodys_hours_the_first_step_waits_for_the_window(harness: AlertHarness) -> None:
    alert = await harness.ticket().breached(C.PROGRESS)
    window = await waits(alert)
    assert window == harness.directory.begins
    await alert.passes_until(window - SECOND)
    assert await waits(alert) == window
    await alert.passes_until(window + SECOND)
    row = await alert.row()
    assert (await alert.told(), row["waits_from"], row["waits_by"]) == ([TOLD_OWNER], None, None)
    await alert.passes(15 * MINUTE + SECOND)
    assert await alert.told() == [TOLD_OWNER, ON_CALL]


async def test_an_urgent_ticket_waits_for_nobodys_hours(harness: AlertHarness) -> None:
    alert = await harness.ticket(urgency="urgent").breached(C.PROGRESS)
    assert await alert.told() == [TOLD_OWNER]


async def test_the_on_call_hears_at_the_time_of_their_step_while_the_owner_is_off(harness: AlertHarness) -> None:
    now = datetime.now(UTC)
    harness.directory.shifts = [("chen-chen", now - HOUR, now + 8 * HOUR)]
    alert = await harness.ticket().breached(C.PROGRESS)
    due = await waits(alert)
    assert abs(due - now - 15 * MINUTE) < 30 * SECOND
    await alert.passes_until(due - SECOND)
    assert await alert.told() == []
    await alert.passes_until(due + SECOND)
    assert await alert.told() == [ON_CALL]


async def test_a_shift_that_begins_while_a_step_waits_is_noticed_at_its_beginning(harness: AlertHarness) -> None:
    begins = datetime.now(UTC) + HOUR
    harness.directory.shifts = [("chen-chen", begins, begins + 8 * HOUR)]
    alert = await harness.ticket().breached(C.PROGRESS)
    assert await waits(alert) == begins
    await alert.passes_until(begins + SECOND)
    assert await alert.told() == [ON_CALL]


async def test_hours_that_change_while_a_step_waits_count_at_once(harness: AlertHarness) -> None:
    alert = await harness.ticket().breached(C.PROGRESS)
    assert await look_again(harness.database, harness.candidates) == 0
    harness.directory.hours, harness.directory.generation = {}, 2
    assert await look_again(harness.database, harness.candidates) == 1
    await harness.starter().reconcile()
    await alert.settled()
    assert await alert.told() == [TOLD_OWNER]
    assert await look_again(harness.database, harness.candidates) == 0


async def test_hours_that_change_to_later_ones_are_waited_for_anew(harness: AlertHarness) -> None:
    alert, first = await harness.ticket().breached(C.PROGRESS), harness.directory.begins
    later = first + 2 * HOUR
    waits_from = (await alert.row())["waits_from"]
    harness.directory.everybody_works(later, later + HOUR)
    await alert.passes_until(first + SECOND)
    assert await waits(alert) == later
    assert (await alert.row())["waits_from"] == waits_from


async def test_an_engine_that_lost_its_store_goes_on_waiting_for_the_same_window(harness: AlertHarness) -> None:
    alert = await harness.ticket().breached(C.PROGRESS)
    window = await waits(alert)
    await alert.handle.terminate()
    async with harness.database.begin() as connection:
        await connection.execute(update(alerts).values(engine_id="another engine"))
    assert await harness.starter().reconcile() == 1
    await alert.settled()
    assert await waits(alert) == window
    await alert.passes_until(window + SECOND)
    assert await alert.told() == [TOLD_OWNER]


async def test_an_acknowledgement_that_expires_at_night_waits_for_the_morning(harness: AlertHarness) -> None:
    harness.directory.hours = {}
    alert = await harness.ticket().breached(C.PROGRESS)
    await alert.acknowledge()
    later = harness.directory.begins + 2 * HOUR
    harness.directory.everybody_works(later, later + HOUR)
    await alert.passes_until((await alert.row())["expires_at"] + SECOND)
    row = await alert.row()
    assert (row["state"], row["expires_at"], row["next_at"], await alert.told()) == ("open", None, later, [TOLD_OWNER])
    await alert.passes_until(later + SECOND)
    assert await alert.told() == [TOLD_OWNER, ON_CALL]


async def test_a_ticket_closed_while_a_step_waits_alerts_nobody(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    alert = await ticket.breached(C.PROGRESS)
    window = await waits(alert)
    await alert.follows(ticket.closed())
    await alert.passes_until(window + HOUR)
    assert await alert.told() == []
    assert (await alert.row())["waits_from"] is None


async def test_a_breach_whose_clock_is_met_while_its_step_waits_is_told_once_in_the_window(
    harness: AlertHarness,
) -> None:
    ticket = harness.ticket()
    alert = await ticket.breached(C.RESPONSE)
    window = await waits(alert)
    await alert.follows(ticket.met(C.RESPONSE))
    assert (await alert.told(), await alert.state()) == ([], "resolved")
    await alert.passes_until(window + SECOND)
    assert (await alert.told(), await alert.state()) == ([TOLD_OWNER], "resolved")
    assert await alert.handle.result() is None


async def test_a_warning_that_waits_until_it_is_late_is_dropped(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    await harness.apply(ticket.warning(C.RESOLUTION, left=2 * HOUR))
    alert = await ticket.started()
    window = await waits(alert)
    await alert.passes_until(window + SECOND)
    assert ((await alert.row())["resolution"], await alert.told()) == ("stale", [])


async def test_quiet_hours_of_the_staff_hold_for_whoever_has_no_hours(harness: AlertHarness) -> None:
    harness.directory.hours = {}
    now = datetime.now(UTC)
    ends = harness.directory.begins
    night = QuietSpan(from_=f"{now - 2 * HOUR:%H:%M}", to=f"{ends:%H:%M}", time_zone="UTC")
    async with harness.database.begin() as connection:
        await quiet_hours.put(connection, QuietHours(staff=night), by="sun-lei", if_match=frozenset({etag(0)}))
    alert = await harness.ticket().breached(C.PROGRESS)
    assert await waits(alert) == ends
    async with harness.database.begin() as connection:
        await quiet_hours.put(connection, QuietHours(), by="sun-lei", if_match=frozenset({etag(1)}))
    assert await look_again(harness.database, harness.candidates) == 1
    await harness.starter().reconcile()
    await alert.settled()
    assert await alert.told() == [TOLD_OWNER]


async def test_the_head_of_the_department_is_informed_of_a_breach_once_and_in_their_hours(
    harness: AlertHarness,
) -> None:
    del harness.directory.hours[OWNER]
    alert = await harness.ticket().breached(C.PROGRESS)
    assert await alert.told() == [TOLD_OWNER]
    (notice,) = await alert.overdue_notices()
    assert (notice["recipient"], notice["kind"], notice["held_until"]) == (
        "zhou-qiang",
        "overdue",
        harness.directory.begins,
    )
    await alert.passes(15 * MINUTE + SECOND)
    assert len(await alert.overdue_notices()) == 1


async def test_a_head_whom_the_first_step_alerts_is_not_informed_besides(harness: AlertHarness) -> None:
    harness.directory.hours = {}
    alert = await harness.ticket().breached(C.RESOLUTION)
    assert sorted(await alert.told()) == sorted([TOLD_OWNER, HEAD])
    assert await alert.overdue_notices() == []
    await alert.passes(15 * MINUTE + SECOND)
    assert len(await alert.told()) > 2
    assert await alert.overdue_notices() == []


async def test_an_excused_breach_ends_its_alert_and_takes_back_what_is_still_to_be_said(harness: AlertHarness) -> None:
    harness.directory.hours = {}
    ticket = harness.ticket()
    alert, other = await ticket.breached(C.RESPONSE), await ticket.breached(C.PROGRESS)
    await alert.follows(ticket.event(EventType.RECALCULATED, {"publication": "p-1", "excused": ["response/1/1"]}))
    row = await alert.row()
    assert (row["state"], row["resolution"], await other.state()) == ("resolved", "excused", "open")
    said = [*await alert.notices(), *await alert.overdue_notices()]
    assert {(each["state"], each["not_sent_reason"]) for each in said} == {("not_sent", "cancelled")}
    await alert.passes(timedelta(days=1))
    assert await alert.told() == [TOLD_OWNER]


async def test_the_alert_of_an_excused_breach_rests_until_the_due_time_that_excuses_it(harness: AlertHarness) -> None:
    harness.directory.hours = {}
    ticket, until = harness.ticket(), datetime.now(UTC) + HOUR
    alert, met = await ticket.breached(C.RESPONSE), await ticket.breached(C.PROGRESS)
    excused = {"response/1/1": until, "progress/1/1": until}
    data = {"publication": "p-1", "excused": list(excused)}
    await alert.follows(ticket.event(EventType.RECALCULATED, data, excused_until=excused))
    row = await alert.row()
    assert (row["state"], row["snoozed_until"]) == ("snoozed", until)
    await met.follows(ticket.met(C.PROGRESS))
    await alert.passes_until(until - SECOND)
    assert await alert.told() == [TOLD_OWNER]
    await alert.passes_until(until + SECOND)
    assert (await alert.told(), await alert.state()) == ([TOLD_OWNER, ON_CALL], "open")
    assert (await met.told(), await met.state()) == ([TOLD_OWNER], "resolved")


async def test_an_alert_climbs_the_ladder_that_its_policy_names_as_it_was_when_it_was_raised(
    harness: AlertHarness,
) -> None:
    harness.directory.hours = {}
    standard = read_ladders()[DEFAULT]
    steps = dict.fromkeys(C, ("supervisor",))
    written = {**standard.model_dump(mode="json"), "title": {"en": "Straight up"}}
    gentle = type(standard).model_validate({**written, "breach": {**written["breach"], "steps": steps}})
    async with harness.database.begin() as connection:
        await harness.ladders.put(connection, "straight-up", gentle, by="sun-lei", if_match=None)
    alert = await harness.ticket().breached(C.PROGRESS, ladder="straight-up")
    async with harness.database.begin() as connection:
        await harness.ladders.put(connection, "straight-up", standard, by="sun-lei", if_match=frozenset({etag(1)}))
    await alert.passes(15 * MINUTE + SECOND)
    assert await alert.told() == [SUPERVISOR] * 2
    row = await alert.row()
    assert (row["ladder_id"], row["ladder_version"], row["ladder_missing"]) == ("straight-up", 1, None)


async def test_a_ladder_that_there_is_not_is_noted_and_the_default_one_is_climbed(harness: AlertHarness) -> None:
    harness.directory.hours = {}
    alert = await harness.ticket().breached(C.PROGRESS, ladder="no-such-ladder")
    row = await alert.row()
    assert (row["ladder_id"], row["ladder_version"], row["ladder_missing"]) == ("default", 0, "no-such-ladder")
    assert await alert.told() == [TOLD_OWNER]


async def foretold(harness: AlertHarness, alert: Alert) -> NextView | None:
    """The next step, as the API tells it."""
    row = await alert.row()
    async with harness.database.read() as connection:
        ticket = (await ticket_copies.find(connection, [row["ticket_no"]]))[row["ticket_no"]]
    return (await foretell(harness.candidates, [DueAlert(row, ticket)])).get(alert.id)


async def test_the_end_of_a_snooze_at_night_is_foretold_as_the_morning_and_comes_true(harness: AlertHarness) -> None:
    alert = await harness.ticket().breached(C.PROGRESS)
    await alert.snooze(HOUR)
    assert (await alert.row())["next_at"] < harness.directory.begins
    expected = NextView(at=harness.directory.begins, rungs=(Rung.OWNER, Rung.CLERKS), staff=(OWNER,))
    assert await foretold(harness, alert) == expected
    await alert.passes_until(harness.directory.begins - SECOND)
    assert (await alert.told(), await foretold(harness, alert)) == ([], expected)
    await alert.passes_until(harness.directory.begins + SECOND)
    assert await alert.told() == [TOLD_OWNER]


async def test_whoever_is_on_duty_by_then_is_foretold_at_the_time_of_their_step(harness: AlertHarness) -> None:
    now = datetime.now(UTC)
    harness.directory.shifts = [("chen-chen", now + 30 * MINUTE, now + 8 * HOUR)]
    alert = await harness.ticket().breached(C.PROGRESS)
    await alert.snooze(HOUR)
    due = (await alert.row())["snoozed_until"] + 15 * MINUTE
    assert await foretold(harness, alert) == NextView(at=due, rungs=(Rung.ON_CALL,), staff=("chen-chen",))
    await alert.passes_until(due - SECOND)
    assert await alert.told() == []
    await alert.passes_until(due + SECOND)
    assert await alert.told() == [ON_CALL]


async def test_whoever_is_on_duty_now_and_not_by_then_is_not_counted_on(harness: AlertHarness) -> None:
    now = datetime.now(UTC)
    harness.directory.shifts = [("chen-chen", now - HOUR, now + 30 * MINUTE)]
    alert = await harness.ticket().breached(C.PROGRESS)
    await alert.snooze(HOUR)
    view = await foretold(harness, alert)
    assert view is not None
    assert (view.at, view.staff) == (harness.directory.begins, (OWNER,))


async def test_of_an_urgent_ticket_the_step_is_foretold_at_the_end_of_the_pause(harness: AlertHarness) -> None:
    alert = await harness.ticket(urgency="urgent").breached(C.PROGRESS)
    await alert.snooze(HOUR)
    row, view = await alert.row(), await foretold(harness, alert)
    assert view is not None
    assert (view.at, view.staff) == (row["snoozed_until"], ("chen-chen",))


async def test_a_warning_that_will_be_too_late_foretells_nobody(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    await harness.apply(ticket.warning(C.RESOLUTION, left=2 * HOUR))
    assert await foretold(harness, await ticket.started()) is None


async def test_while_the_directory_is_away_the_step_is_told_without_names(harness: AlertHarness) -> None:
    alert = await harness.ticket().breached(C.PROGRESS)
    await alert.snooze(HOUR)
    harness.directory.down = True
    until = (await alert.row())["snoozed_until"]
    assert await foretold(harness, alert) == NextView(at=until, rungs=(Rung.OWNER, Rung.CLERKS), staff=None)
