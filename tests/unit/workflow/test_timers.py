"""Effects of passing time, on time and late (semantics.md 10, 12, 22, 24)."""

from datetime import UTC, datetime, timedelta

import pytest

from services.contracts.vocabulary import ClockName, ClockState, CloseReason, CommandName, Phase
from services.workflow.lifecycle import timers
from tests.unit.workflow.ticket_driver import DAY, HOUR, MINUTE, MONDAY_9, TICK, Case, promises

C, K = CommandName, ClockName
ACCEPTANCE = {K.ACCEPTANCE: "PT2H"}


def test_a_breach_is_dated_at_the_due_instant_however_late_it_is_found() -> None:
    case = Case(promises(ACCEPTANCE)).sleep(3 * DAY)
    (breach,) = case.events("clock.breached")
    assert breach.at == MONDAY_9 + 2 * HOUR
    assert breach.data["due_at"] == "2026-03-02T03:00:00Z"
    assert breach.data["detected_at"] == "2026-03-05T01:00:00Z"
    clock = case.clock(K.ACCEPTANCE)
    assert (clock.breached_at, clock.detected_at) == (MONDAY_9 + 2 * HOUR, MONDAY_9 + 3 * DAY)


@pytest.mark.parametrize(
    ("late_by", "breaches"), [(-TICK, []), (timedelta(0), []), (TICK, ["acceptance"]), (DAY, ["acceptance"])]
)
def test_a_clock_breaches_just_after_its_due_instant_and_once(late_by: timedelta, breaches: list[str]) -> None:
    case = Case(promises(ACCEPTANCE)).wait(2 * HOUR + late_by)
    assert case.breaches() == breaches


def test_a_breach_is_an_event_of_the_system_and_moves_the_ticket_nowhere() -> None:
    (breach,) = Case(promises(ACCEPTANCE)).wait(3 * HOUR).events("clock.breached")
    assert (breach.actor.kind, breach.command_id) == ("system", None)
    assert breach.from_phase is breach.to_phase is Phase.REVIEW


def test_warnings_come_at_shares_of_the_time_and_before_its_end() -> None:
    case = Case(promises({K.ACCEPTANCE: "PT8H"}, warn_at=(0.5, "PT1H"))).wait(8 * HOUR)
    assert [event.at for event in case.events("clock.warned")] == [MONDAY_9 + 4 * HOUR, MONDAY_9 + 7 * HOUR]
    assert [event.data["warning"] for event in case.events("clock.warned")] == [1, 2]
    assert case.breaches() == []


def test_warnings_are_counted_in_the_clocks_own_time() -> None:
    case = Case(promises({K.ACCEPTANCE: "PT4WH"}, calendar="cn", warn_at=(0.875,))).wait(DAY)
    (warning,) = case.events("clock.warned")
    assert warning.at == MONDAY_9 + 5 * HOUR


def test_a_paused_clock_warns_later_by_the_pause() -> None:
    case = Case(promises({K.RESOLUTION: "PT8H"}, warn_at=(0.5,))).do(C.ACCEPT)
    case.do(C.WAIT, after=HOUR, reason="parts").do(C.RESUME, after=10 * HOUR).wait(8 * HOUR)
    (warning,) = case.events("clock.warned")
    assert warning.at == MONDAY_9 + 14 * HOUR


def test_a_warning_is_not_repeated_after_a_pause() -> None:
    case = Case(promises({K.RESOLUTION: "PT8H"}, warn_at=(0.5,))).do(C.ACCEPT).wait(5 * HOUR)
    case.do(C.WAIT, reason="parts").do(C.RESUME, after=HOUR).wait(3 * HOUR)
    assert len(case.events("clock.warned")) == 1


def test_being_late_only_the_highest_warning_passed_is_sent() -> None:
    case = Case(promises({K.ACCEPTANCE: "PT10H"}, warn_at=(0.2, 0.4, 0.6, 0.8))).sleep(7 * HOUR)
    (warning,) = case.events("clock.warned")
    assert (warning.data["warning"], warning.at) == (3, MONDAY_9 + 6 * HOUR)
    case.wait(2 * HOUR)
    assert [event.data["warning"] for event in case.events("clock.warned")] == [3, 4]


def test_after_an_outage_stale_warnings_are_dropped_and_the_breach_is_not() -> None:
    case = Case(promises({K.ACCEPTANCE: "PT2H"}, warn_at=(0.25, 0.5))).sleep(3 * HOUR)
    assert case.events("clock.warned") == []
    assert case.breaches() == ["acceptance"]


@pytest.mark.parametrize(("late_by", "warned"), [(-TICK, True), (timedelta(0), True), (TICK, False)])
def test_a_warning_found_late_is_stale_once_the_due_instant_is_over(late_by: timedelta, warned: bool) -> None:
    case = Case(promises({K.ACCEPTANCE: "PT2H"}, warn_at=(0.5,))).sleep(2 * HOUR + late_by)
    assert [event.at for event in case.events("clock.warned")] == [MONDAY_9 + HOUR] * warned
    assert bool(case.breaches()) is not warned


def test_what_fell_due_during_an_outage_is_carried_out_in_the_order_of_its_instants() -> None:
    case = Case(promises({K.RESPONSE: "PT3H", K.ACCEPTANCE: "PT2H", K.RESOLUTION: "PT1H"})).sleep(DAY)
    assert case.breaches() == ["resolution", "acceptance", "response"]


def test_a_wait_ends_by_itself_at_its_end() -> None:
    case = Case().do(C.ACCEPT).do(C.WAIT, reason="parts", until="2026-03-02T05:00:00Z")
    assert case.wait(4 * HOUR - TICK).phase is Phase.WAITING
    assert case.wait(TICK).phase is Phase.ASSIGNED
    (resumed,) = case.events("ticket.resumed")
    assert (resumed.at, resumed.actor.kind) == (MONDAY_9 + 4 * HOUR, "system")
    assert case.clock(K.RESOLUTION).due_at == MONDAY_9 + 76 * HOUR


def test_a_wait_that_ended_during_an_outage_lets_the_clock_breach_at_its_own_instant() -> None:
    case = Case(promises({K.RESOLUTION: "PT2H"})).do(C.ACCEPT)
    case.do(C.WAIT, after=HOUR, reason="parts", until="2026-03-02T05:00:00Z").sleep(2 * DAY)
    (breach,) = case.events("clock.breached")
    assert breach.at == MONDAY_9 + 5 * HOUR


def test_an_end_of_a_wait_that_has_passed_ends_it_where_it_began() -> None:
    case = Case().do(C.ACCEPT).do(C.WAIT, after=2 * HOUR, reason="parts", until="2026-03-02T01:30:00Z")
    case.wait(timedelta(0))
    assert case.phase is Phase.ASSIGNED
    assert case.events("ticket.resumed")[0].at == MONDAY_9 + 2 * HOUR
    assert case.clock(K.RESOLUTION).due_at == MONDAY_9 + 72 * HOUR


def test_of_two_waits_one_ends_at_its_end_and_the_other_goes_on() -> None:
    case = Case().do(C.ACCEPT).do(C.WAIT, reason="parts", until="2026-03-02T05:00:00Z").do(C.WAIT, reason="third_party")
    case.wait(5 * HOUR)
    assert case.phase is Phase.WAITING
    assert [wait.reason for wait in case.state.waits] == ["third_party"]


def asked() -> Case:
    """A ticket whose customer owes information since Monday, 10:00; five working days are up on the next Monday."""
    policy = promises({K.ACCEPTANCE: "PT2WH"}, calendar="cn")
    return Case(policy, complete=False).do(C.REQUEST_INFORMATION, after=HOUR, fields=["product.serial_no"])


def test_a_customer_who_owes_information_is_reminded_twice_and_then_the_system_closes() -> None:
    case = asked().wait_until(MONDAY_9 + 7 * DAY + 9 * HOUR - TICK)
    assert case.phase is Phase.AWAITING_INFORMATION
    assert [event.data.get("reminder") for event in case.events("ticket.information_requested")] == [None, 1, 2]
    case.wait(TICK)
    assert case.state.close_reason is CloseReason.INFORMATION_NOT_SUPPLIED
    (closed,) = case.events("ticket.closed")
    assert (closed.at, closed.actor.kind) == (MONDAY_9 + 7 * DAY + 9 * HOUR, "system")
    assert case.clock(K.ACCEPTANCE).state is ClockState.CANCELLED


def test_information_supplied_in_time_ends_reminders_and_closing() -> None:
    case = asked().do(C.SUPPLY_INFORMATION, after=DAY, complete=True)
    assert case.phase is Phase.REVIEW
    case.wait(30 * DAY)
    assert len(case.events("ticket.information_requested")) == 1
    assert case.state.close_reason is None


def test_a_second_request_starts_the_time_to_supply_anew() -> None:
    case = asked().do(C.REQUEST_INFORMATION, after=DAY, fields=["product.order_no"])
    assert case.wait_until(MONDAY_9 + 7 * DAY + 10 * HOUR).phase is Phase.AWAITING_INFORMATION
    assert case.wait(DAY).phase is Phase.CLOSED


def test_rule_14_reminders_that_were_missed_are_one() -> None:
    case = asked().sleep(7 * DAY + 7 * HOUR)
    assert [event.data.get("reminder") for event in case.events("ticket.information_requested")] == [None, 2]
    assert case.phase is Phase.AWAITING_INFORMATION


def test_closing_found_late_is_dated_at_its_instant_and_sends_no_stale_reminder() -> None:
    case = asked().sleep(10 * DAY)
    assert case.types() == ["received", "information_requested", "closed"]
    (closed,) = case.events("ticket.closed")
    assert closed.at == case.state.closed_at == MONDAY_9 + 7 * DAY + 9 * HOUR
    assert closed.data["detected_at"] == "2026-03-12T02:00:00Z"


@pytest.mark.parametrize(("late_by", "reminders"), [(-TICK, [2]), (timedelta(0), []), (TICK, [])])
def test_no_reminder_is_sent_once_the_time_to_supply_is_over(late_by: timedelta, reminders: list[int]) -> None:
    case = asked().sleep(7 * DAY + 8 * HOUR + late_by)
    assert [event.data.get("reminder") for event in case.events("ticket.information_requested")] == [None, *reminders]
    assert (case.phase is Phase.CLOSED) == (not reminders)


def test_the_reopening_window_ends_the_life_without_an_event() -> None:
    case = Case().do(C.WITHDRAW)
    version = case.state.version
    case.wait(7 * DAY)
    assert (case.state.ended, case.state.version) == (True, version)
    assert timers.next_instant(case.life) is None


def test_a_ticket_that_promises_nothing_waits_only_for_people() -> None:
    assert timers.next_instant(Case(promises({})).life) is None


def test_the_next_instant_is_the_earliest_of_warning_breach_and_wait() -> None:
    case = Case(promises({K.ACCEPTANCE: "PT2H", K.RESOLUTION: "PT8H"}, warn_at=(0.5,)))
    assert timers.next_instant(case.life) == MONDAY_9 + HOUR
    case.wait(HOUR)
    assert timers.next_instant(case.life) == MONDAY_9 + 2 * HOUR + TICK
    case.do(C.ACCEPT).do(C.WAIT, reason="parts", until="2026-03-02T02:30:00Z")
    assert timers.next_instant(case.life) == MONDAY_9 + 90 * MINUTE


def test_a_date_promised_for_the_end_of_time_is_waited_for_as_well() -> None:
    end_of_time = datetime.max.replace(tzinfo=UTC)
    case = Case(promises({ClockName.RESOLUTION: "PT2H"}, warn_at=())).do(
        CommandName.PROMISE, resolve_by=end_of_time.isoformat()
    )
    assert case.clock(ClockName.RESOLUTION).due_at == end_of_time
    assert timers.next_instant(case.life) == end_of_time
