"""The ladder over hours: who is told when, until somebody answers (semantics.md 21 to 24)."""

import os
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import update
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment

from services.contracts.journal import EventType
from services.contracts.names import SIGNAL_ALERT_CHANGED
from services.contracts.vocabulary import ClockName, Phase
from services.notify.alerts.escalation import unheard_total
from services.notify.alerts.tables import alerts
from services.runtime.postgres.database import Database
from tests.flow.alert_harness import DAY, HOUR, MINUTE, SECOND, Alert, AlertHarness, climbing
from tests.flow.alert_peers import OWNER
from tests.replay.recordings import record, replay, strings
from tests.services.system import until

C = ClockName
RECORDING = "BIHUAN_RECORD" in os.environ
ON_CALL, HEAD, SUPERVISOR = "on_call:chen-chen", "department_head:zhou-qiang", "supervisor:wang-fang"
CLERKS = ["clerks:li-lei", "clerks:zhang-li"]
TOLD_OWNER = f"owner:{OWNER}"


@pytest.fixture
async def harness(env: WorkflowEnvironment, database: Database) -> AsyncIterator[AlertHarness]:
    """A harness with its worker."""
    async with climbing(env, database) as harness:
        yield harness


async def keep(alert: Alert, name: str) -> None:
    """Replay what the engine stored; with BIHUAN_RECORD=1 it becomes the path's recording."""
    history = await alert.handle.fetch_history()
    await replay(history)
    if RECORDING:
        record(name, history)


async def status(alert: Alert) -> WorkflowExecutionStatus | None:
    return (await alert.handle.describe()).status


async def test_a_breach_tells_the_owner_at_once_and_the_on_call_after_a_quarter_of_an_hour(
    harness: AlertHarness,
) -> None:
    alert = await harness.ticket().breached(C.PROGRESS)
    assert await alert.told() == [TOLD_OWNER]
    next_at = (await alert.row())["next_at"]
    await alert.passes_until(next_at - SECOND)
    assert await alert.told() == [TOLD_OWNER]
    await alert.passes_until(next_at + SECOND)
    assert await alert.told() == [TOLD_OWNER, ON_CALL]
    assert await alert.state() == "open"


async def test_the_pause_between_steps_is_shorter_for_urgent_tickets(harness: AlertHarness) -> None:
    normal, urgent = await harness.ticket().breached(), await harness.ticket(urgency="urgent").breached()
    for alert, pause in ((normal, 15 * MINUTE), (urgent, 5 * MINUTE)):
        row = await alert.row()
        assert abs(row["next_at"] - row["raised_at"] - pause) < 10 * SECOND
        assert (await alert.notices())[0]["urgent"] is (alert is urgent)


async def test_nobody_hears_of_an_acceptance_but_clerks_then_supervisor_then_on_call_then_the_head(
    harness: AlertHarness,
) -> None:
    alert = await harness.ticket(owner=None).breached(C.ACCEPTANCE)
    for told in ([*CLERKS], [SUPERVISOR], [ON_CALL], [HEAD], [SUPERVISOR]):
        assert (await alert.told())[-len(told) :] == told
        await alert.passes(15 * MINUTE + SECOND)
    assert (await alert.row())["round"] == 2


async def test_before_there_is_an_owner_the_clerks_hear_of_a_response(harness: AlertHarness) -> None:
    assert await (await harness.ticket(owner=None).breached(C.RESPONSE)).told() == CLERKS
    assert await (await harness.ticket().breached(C.RESPONSE)).told() == [TOLD_OWNER]


async def test_owner_and_head_hear_of_a_resolution_together(harness: AlertHarness) -> None:
    alert = await harness.ticket().breached(C.RESOLUTION)
    assert sorted(await alert.told()) == sorted([TOLD_OWNER, HEAD])


async def test_the_ladder_ends_after_three_rounds_with_a_record_and_is_quiet_then(harness: AlertHarness) -> None:
    alert = await harness.ticket().breached(C.PROGRESS)
    for _ in range(11):
        assert (await alert.row())["exhausted_at"] is None
        await alert.passes(15 * MINUTE + SECOND)
    assert await alert.told() == [TOLD_OWNER, ON_CALL, HEAD, SUPERVISOR] * 3
    assert (await alert.row())["exhausted_at"] is None
    await alert.passes(15 * MINUTE + SECOND)
    row = await alert.row()
    assert (row["state"], row["next_at"], row["exhausted_at"] is not None) == ("open", None, True)
    await alert.passes(30 * DAY)
    assert len(await alert.told()) == 12
    keys = [notice["key"] for notice in await alert.notices()]
    assert len(keys) == len(set(keys)) == 12
    await keep(alert, "alert_exhausted")


async def test_an_acknowledgement_stops_the_ladder_until_it_expires_after_four_hours(harness: AlertHarness) -> None:
    alert = await harness.ticket().breached(C.PROGRESS)
    await alert.passes(14 * MINUTE)
    await alert.acknowledge()
    row = await alert.row()
    assert (row["state"], row["acknowledged_by"], row["expires_at"] - row["acknowledged_at"]) == (
        "acknowledged", OWNER, 4 * HOUR,
    )  # fmt: skip
    await alert.passes_until(row["expires_at"] - SECOND)
    assert (await alert.told(), await alert.state()) == ([TOLD_OWNER], "acknowledged")
    await alert.passes_until(row["expires_at"] + SECOND)
    assert (await alert.told(), await alert.state()) == ([TOLD_OWNER, ON_CALL], "open")
    await keep(alert, "alert_acknowledged")


async def test_a_second_acknowledgement_takes_over_and_begins_its_own_four_hours(harness: AlertHarness) -> None:
    alert = await harness.ticket().breached()
    await alert.acknowledge()
    await alert.passes(3 * HOUR)
    await alert.acknowledge("wang-fang")
    await alert.passes(2 * HOUR)
    row = await alert.row()
    assert (row["state"], row["acknowledged_by"]) == ("acknowledged", "wang-fang")
    await alert.until_journal("alert.raised", "alert.acknowledged", "alert.acknowledged")


async def test_nobody_is_told_of_an_acknowledged_alert_although_its_signal_was_lost(harness: AlertHarness) -> None:
    alert = await harness.ticket().breached()
    await alert.acknowledge(heard=False)
    await alert.passes(20 * MINUTE)
    assert (await alert.told(), await alert.state()) == ([TOLD_OWNER], "acknowledged")
    await alert.passes(3 * HOUR + 45 * MINUTE)
    assert await alert.told() == [TOLD_OWNER, ON_CALL]


async def test_whoever_answers_an_exhausted_alert_makes_it_climb_again_afterwards(harness: AlertHarness) -> None:
    harness.shorten_ladders(steps=2, rounds=1)
    alert = await harness.ticket().breached()
    await alert.passes(31 * MINUTE)
    assert (await alert.row())["exhausted_at"] is not None
    await alert.acknowledge()
    assert (await alert.row())["exhausted_at"] is None
    await alert.passes(4 * HOUR + SECOND)
    assert await alert.told() == [TOLD_OWNER, ON_CALL, TOLD_OWNER]
    await alert.passes(31 * MINUTE)
    assert await alert.told() == [TOLD_OWNER, ON_CALL] * 2
    assert (await alert.row())["exhausted_at"] is not None


async def test_a_snoozed_alert_rests_until_its_instant_and_climbs_on(harness: AlertHarness) -> None:
    alert = await harness.ticket().breached()
    await alert.snooze(HOUR)
    until = (await alert.row())["snoozed_until"]
    await alert.passes_until(until - SECOND)
    assert (await alert.told(), await alert.state()) == ([TOLD_OWNER], "snoozed")
    await alert.passes_until(until + SECOND)
    assert (await alert.told(), await alert.state()) == ([TOLD_OWNER, ON_CALL], "open")


async def test_a_colleague_who_is_handed_an_alert_is_told_and_the_ladder_waits_for_them(harness: AlertHarness) -> None:
    alert = await harness.ticket().breached()
    await alert.passes(10 * MINUTE)
    await alert.hand_over("gao-yuan")
    assert await alert.told() == [TOLD_OWNER, "colleague:gao-yuan"]
    await alert.passes(14 * MINUTE)
    assert len(await alert.told()) == 2
    await alert.passes(MINUTE + SECOND)
    assert (await alert.told())[2:] == [ON_CALL]


async def test_a_clock_met_while_the_ladder_climbs_ends_the_alert(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    alert = await ticket.breached(C.RESPONSE)
    await alert.passes(20 * MINUTE)
    await alert.follows(ticket.met(C.RESPONSE))
    row = await alert.row()
    assert (row["state"], row["resolution"], row["next_at"]) == ("resolved", "clock_ended", None)
    assert await status(alert) == WorkflowExecutionStatus.COMPLETED
    await alert.until_journal("alert.raised", "alert.resolved")
    assert await alert.told() == [TOLD_OWNER, ON_CALL]
    assert len((await alert.handle.fetch_history()).events) <= 28
    await keep(alert, "alert_clock_met")


async def test_an_alert_that_is_met_soon_costs_the_engine_less_than_fifteen_events(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    alert = await ticket.breached(C.RESPONSE)
    await alert.follows(ticket.met(C.RESPONSE))
    await alert.handle.result()
    assert len((await alert.handle.fetch_history()).events) < 15


async def test_a_closed_ticket_ends_its_alerts_and_nobody_is_told_any_more(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    alert = await ticket.breached()
    await alert.follows(ticket.closed())
    assert (await alert.row())["resolution"] == "ticket_closed"
    await alert.passes(DAY)
    assert await alert.told() == [TOLD_OWNER]


async def test_a_breach_that_was_met_before_it_was_heard_of_is_told_once(harness: AlertHarness) -> None:
    await harness.apply(harness.ticket().breach(C.RESPONSE, state=None))
    (row,) = await harness.alerts()
    alert = Alert(harness, row["id"])
    assert (await alert.told(), await alert.state(), row["next_at"]) == ([TOLD_OWNER], "resolved", None)
    await alert.until_journal("alert.raised", "alert.resolved")


async def test_a_breach_that_is_heard_of_after_the_closing_is_on_record_and_nobody_is_told(
    harness: AlertHarness,
) -> None:
    ticket = harness.ticket()
    breach = ticket.breach(C.RESPONSE)
    closed = breach.ticket.model_copy(update={"phase": Phase.CLOSED, "live_clocks": {}})
    await harness.apply(breach.model_copy(update={"ticket": closed}))
    assert await harness.starter().reconcile() == 0
    (row,) = await harness.alerts()
    assert (row["state"], row["resolution"], row["level"]) == ("resolved", "ticket_closed", 0)
    assert harness.journal.remarks == {}


async def test_a_person_may_end_an_alert(harness: AlertHarness) -> None:
    alert = await harness.ticket().breached()
    await alert.resolve()
    row = await alert.row()
    assert (row["resolution"], row["resolved_by"]) == ("by_person", OWNER)
    await alert.passes(DAY)
    assert await alert.told() == [TOLD_OWNER]
    await alert.until_journal("alert.raised", "alert.resolved")
    assert "已电话联系" not in str(harness.journal.remarks)


async def test_a_new_owner_is_told_when_the_ladder_comes_to_them(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    alert = await ticket.breached()
    await alert.follows(ticket.event(EventType.ASSIGNED, owner="gao-yuan"))
    for _ in range(4):
        await alert.passes(15 * MINUTE + SECOND)
    assert (await alert.told())[-1] == "owner:gao-yuan"


async def test_a_step_that_finds_nobody_is_passed_over_at_once(harness: AlertHarness) -> None:
    harness.directory.crew["on_call"] = ()
    alert = await harness.ticket(owner=None, department=None).breached(C.SECOND_CALLBACK)
    assert await alert.told() == [SUPERVISOR]
    await alert.passes(15 * MINUTE + SECOND)
    assert await alert.told() == [SUPERVISOR, HEAD]


async def test_a_ladder_that_finds_nobody_tells_the_administrators_once_a_round(harness: AlertHarness) -> None:
    harness.directory.crew = {"admin": ("sun-lei",)}
    alert = await harness.ticket(owner=None).breached(C.ACCEPTANCE)
    assert await alert.told() == ["admin:sun-lei"]
    await alert.passes(HOUR)
    assert await alert.told() == ["admin:sun-lei"] * 3
    assert (await alert.row())["exhausted_at"] is not None


async def test_an_alert_that_nobody_at_all_can_hear_is_counted_and_climbs_on(harness: AlertHarness) -> None:
    before = unheard_total._value.get()
    harness.directory.crew = {}
    alert = await harness.ticket(owner=None).breached(C.ACCEPTANCE)
    assert (await alert.told(), await alert.state()) == ([], "open")
    assert unheard_total._value.get() == before + 1
    harness.directory.crew = {"clerks": ("li-lei",)}
    await alert.passes(15 * MINUTE + SECOND)
    assert await alert.told() == ["clerks:li-lei"]


async def test_the_person_that_the_complaint_is_about_hears_nothing(harness: AlertHarness) -> None:
    alert = await harness.ticket(complaint_about="li-lei", owner=None).breached(C.ACCEPTANCE)
    assert await alert.told() == ["clerks:zhang-li"]


async def test_an_engine_that_lost_its_store_goes_on_where_the_ladder_stood(harness: AlertHarness) -> None:
    alert = await harness.ticket().breached()
    promised = (await alert.row())["next_at"]
    await alert.handle.terminate()
    async with harness.database.begin() as connection:
        await connection.execute(update(alerts).values(engine_id="another engine"))
    assert await harness.starter().reconcile() == 1
    await alert.settled()
    assert (await alert.row())["next_at"] == promised
    await alert.passes_until(promised - SECOND)
    assert await alert.told() == [TOLD_OWNER]
    await alert.passes_until(promised + SECOND)
    assert await alert.told() == [TOLD_OWNER, ON_CALL]
    await alert.until_journal("alert.raised")


async def test_an_alert_whose_workflow_was_ended_by_hand_is_taken_up_again_and_climbs_on(harness: AlertHarness) -> None:
    alert, starter = await harness.ticket().breached(), harness.starter()
    await starter.reconcile()
    await alert.handle.terminate()

    async def is_missed() -> bool:
        return await starter.compare() == 1

    await until(is_missed, 30)
    assert await starter.reconcile() == 1
    await alert.settled()
    await alert.passes_until((await alert.row())["next_at"] + SECOND)
    assert await alert.told() == [TOLD_OWNER, ON_CALL]


async def test_a_forged_signal_ends_no_alert(harness: AlertHarness) -> None:
    alert = await harness.ticket().breached()
    stranger = await Client.connect(
        harness.env.client.service_client.config.target_host, namespace=harness.env.client.namespace
    )
    forged = {"id": alert.id, "version": 2**30, "next_at": None, "over": True}
    await stranger.get_workflow_handle(alert.handle.id).signal(SIGNAL_ALERT_CHANGED, forged)
    await alert.passes_until((await alert.row())["next_at"] + SECOND)
    assert await alert.told() == [TOLD_OWNER, ON_CALL]


async def test_two_clocks_breached_at_once_are_two_alerts_and_each_is_raised_once(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    events = (ticket.breach(C.RESPONSE), ticket.breach(C.RESOLUTION))
    await harness.apply(*events)
    await harness.apply(*events)
    assert sorted(row["clock"] for row in await harness.alerts()) == ["resolution", "response"]


async def test_rounds_of_a_clock_have_alerts_of_their_own(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    first = await ticket.breached(C.PROGRESS, round_=1)
    second = await ticket.breached(C.PROGRESS, round_=2)
    await first.follows(ticket.met(C.PROGRESS, round_=1))
    assert (await first.state(), await second.state()) == ("resolved", "open")


async def test_a_reopened_ticket_has_alerts_of_its_new_cycle(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    first = await ticket.breached(C.RESOLUTION)
    await first.follows(ticket.event(EventType.REOPENED, cycle=2, live_clocks={"resolution/2/1": "running"}))
    second = await ticket.breached(C.RESOLUTION)
    assert first.id != second.id
    assert (await first.state(), await second.state()) == ("resolved", "open")


async def test_a_directory_that_is_down_delays_the_alert_and_no_more(harness: AlertHarness) -> None:
    harness.directory.down = True
    alert = await harness.ticket().breached()
    assert await alert.told() == []
    harness.directory.down = False
    await until(alert.told_anybody)
    assert await alert.told() == [TOLD_OWNER]
    await alert.settled()
    await keep(alert, "alert_step_retried")


async def test_a_journal_that_cannot_be_told_holds_up_no_step_and_is_told_later(harness: AlertHarness) -> None:
    harness.journal.down = True
    ticket = harness.ticket(urgency="urgent")
    alert = await ticket.breached()
    await alert.passes(6 * MINUTE)
    assert await alert.told() == [TOLD_OWNER, ON_CALL]
    await alert.acknowledge()
    await alert.follows(ticket.met(C.PROGRESS))
    assert await status(alert) == WorkflowExecutionStatus.COMPLETED
    assert harness.journal.of(alert.id) == []
    harness.journal.down = False
    await alert.until_journal("alert.raised", "alert.acknowledged", "alert.resolved")


@pytest.mark.parametrize("count", [20, pytest.param(100, marks=pytest.mark.slow)])
async def test_many_alerts_at_once_are_each_told_once(harness: AlertHarness, count: int) -> None:
    tickets = [harness.ticket() for _ in range(count)]
    await harness.apply(*(ticket.breach(C.PROGRESS) for ticket in tickets))
    assert await harness.starter().reconcile() == count
    raised = [Alert(harness, row["id"]) for row in await harness.alerts()]
    for alert in raised:
        await alert.settled()
        assert await alert.told() == [TOLD_OWNER]
    await harness.until_entered(count)


async def test_a_history_holds_identifiers_and_instants_only(harness: AlertHarness) -> None:
    ticket = harness.ticket()
    alert = await ticket.breached()
    await alert.acknowledge()
    told = set(strings((await alert.handle.fetch_history()).to_json_dict()))
    assert not [text for text in told if ticket.ticket_no in text or OWNER in text or "han-meimei" in text]
