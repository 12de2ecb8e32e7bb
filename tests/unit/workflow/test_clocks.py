"""The clocks of a ticket as a ledger of running and paused segments (semantics.md 6 to 21)."""

from datetime import UTC, datetime, timedelta

import pytest

from services.contracts.vocabulary import ClockName, ClockState, CommandName, Kind, Urgency, WaitReason
from tests.unit.workflow.ticket_driver import (
    DAY,
    HANDLING,
    HOUR,
    HOURS,
    MINUTE,
    MONDAY_9,
    NO_PROMISE,
    TICK,
    Case,
    promises,
)

C, K = CommandName, ClockName


def accepted(**options: object) -> Case:
    """A ticket in handling since Monday, 09:00."""
    return Case(**options).do(C.ACCEPT)  # type: ignore[arg-type]


def test_a_paused_clock_has_no_due_time_and_gains_the_paused_time() -> None:
    case = accepted().do(C.WAIT, after=HOUR, reason="parts")
    paused = case.clock(K.RESOLUTION)
    assert (paused.state, paused.due_at, paused.warn_at) == (ClockState.PAUSED, None, ())
    assert paused.paused_reasons == (WaitReason.PARTS,)
    case.do(C.RESUME, after=5 * HOUR)
    assert case.clock(K.RESOLUTION).due_at == MONDAY_9 + 77 * HOUR


def test_a_paused_clock_never_breaches() -> None:
    case = accepted().do(C.WAIT, reason="customer").wait(30 * DAY)
    assert case.breaches() == []


def test_a_pause_outside_working_time_moves_no_working_clock() -> None:
    case = accepted(policy=promises({K.RESOLUTION: "PT8WH"}, calendar="cn"))
    due_at = case.clock(K.RESOLUTION).due_at
    case.wait_until(MONDAY_9 + 9 * HOUR).do(C.WAIT, reason="parts")
    case.wait_until(MONDAY_9 + DAY).do(C.RESUME)
    assert case.clock(K.RESOLUTION).due_at == due_at == MONDAY_9 + DAY + 30 * MINUTE


def test_paused_working_days_are_counted_in_opening_time() -> None:
    case = accepted(policy=promises({K.RESOLUTION: "P1WD"}, calendar="cn"))
    assert case.clock(K.RESOLUTION).due_at == MONDAY_9 + DAY + 9 * HOUR
    case.do(C.WAIT, reason="parts").do(C.RESUME, after=HOUR)
    assert case.clock(K.RESOLUTION).due_at == MONDAY_9 + 2 * DAY + HOUR


def test_a_clock_runs_again_when_the_last_of_several_reasons_is_cleared() -> None:
    case = accepted().do(C.WAIT, reason="customer").do(C.WAIT, after=HOUR, reason="parts")
    assert case.clock(K.RESOLUTION).paused_reasons == (WaitReason.CUSTOMER, WaitReason.PARTS)
    case.do(C.CUSTOMER_MESSAGE, after=HOUR)
    assert case.clock(K.RESOLUTION).paused_reasons == (WaitReason.PARTS,)
    assert case.state_of(K.PROGRESS) is ClockState.RUNNING
    case.do(C.RESUME, after=HOUR)
    assert case.clock(K.RESOLUTION).due_at == MONDAY_9 + 75 * HOUR
    assert [bool(segment.reasons) for segment in case.clock(K.RESOLUTION).segments] == [False, True, True, True, False]


@pytest.mark.parametrize(
    ("reason", "paused"),
    [
        ("customer", {K.RESPONSE, K.PLAN, K.PROGRESS, K.RESOLUTION}),
        ("parts", {K.RESOLUTION}),
        ("third_party", {K.RESOLUTION}),
        ("appointment", set()),
    ],
)
def test_each_reason_pauses_the_clocks_of_the_table(reason: str, paused: set[ClockName]) -> None:
    case = accepted().do(C.PLAN, complex=True).do(C.CUSTOMER_MESSAGE)
    case.do(C.WAIT, reason=reason, until="2026-03-03T01:00:00Z")
    assert {clock.name for clock in case.state.clocks if clock.state is ClockState.PAUSED} == paused


def test_information_owed_by_the_customer_pauses_acceptance_response_and_resolution() -> None:
    case = Case(complete=False).do(C.REQUEST_INFORMATION, after=HOUR, fields=["product.serial_no"])
    assert {clock.name for clock in case.state.clocks if clock.state is ClockState.PAUSED} == {
        K.ACCEPTANCE,
        K.RESPONSE,
        K.RESOLUTION,
    }
    case.do(C.SUPPLY_INFORMATION, after=10 * HOUR, complete=True)
    assert case.clock(K.ACCEPTANCE).due_at == MONDAY_9 + 12 * HOUR


def test_a_policy_says_itself_what_pauses_a_clock() -> None:
    policy = promises()
    rule = policy.clocks[K.RESOLUTION].model_copy(update={"paused_by": ()})
    case = accepted(policy=policy.model_copy(update={"clocks": {**policy.clocks, K.RESOLUTION: rule}}))
    case.do(C.WAIT, reason="customer")
    assert case.state_of(K.RESOLUTION) is ClockState.RUNNING


def test_at_one_instant_a_clock_is_stopped_before_it_would_run_again() -> None:
    case = Case(complete=False).do(C.REQUEST_INFORMATION, after=HOUR, fields=["product.serial_no"])
    case.do(C.ACCEPT, after=HOUR)
    acceptance = case.clock(K.ACCEPTANCE)
    assert acceptance.state is ClockState.MET
    assert [segment.reasons for segment in acceptance.segments] == [(), (WaitReason.CUSTOMER,)]


def test_the_ledger_of_a_breached_clock_is_frozen() -> None:
    case = accepted().wait(73 * HOUR)
    breached = case.clock(K.RESOLUTION)
    case.do(C.WAIT, reason="parts").do(C.RESUME, after=HOUR)
    assert case.clock(K.RESOLUTION) == breached
    case.do(C.RESOLVE, result="resolved")
    assert case.state_of(K.RESOLUTION) is ClockState.MET_LATE


@pytest.mark.parametrize(
    ("late_by", "verdict"), [(-TICK, ClockState.MET), (timedelta(0), ClockState.MET), (TICK, ClockState.MET_LATE)]
)
def test_in_time_is_met_at_the_due_instant_or_before(late_by: timedelta, verdict: ClockState) -> None:
    case = Case().do(C.ACCEPT, after=2 * HOUR + late_by)
    assert case.state_of(K.ACCEPTANCE) is verdict
    assert case.breaches() == (["acceptance"] if verdict is ClockState.MET_LATE else [])


def test_a_finished_clock_never_changes() -> None:
    case = accepted(urgency=Urgency.NORMAL).do(C.RESPOND, after=HOUR)
    met = case.clock(K.RESPONSE)
    case.policy = promises({K.RESPONSE: "PT1M", K.RESOLUTION: "PT1M"}, version=2)
    case.do(C.RECLASSIFY, urgency="urgent").do(C.WAIT, reason="customer").do(C.RESPOND, after=HOUR)
    assert case.clock(K.RESPONSE) == met
    assert (met.policy_version, met.priority, met.met_at) == (1, "medium", MONDAY_9 + HOUR)


def test_a_new_urgency_keeps_start_and_ledger_and_applies_the_new_target() -> None:
    case = accepted(policy=promises({K.RESOLUTION: {"urgent": "PT10H", "*": "PT72H"}}))
    case.do(C.WAIT, after=HOUR, reason="parts").do(C.RESUME, after=2 * HOUR)
    case.do(C.RECLASSIFY, urgency="urgent")
    resolution = case.clock(K.RESOLUTION)
    assert (resolution.started_at, resolution.due_at) == (MONDAY_9, MONDAY_9 + 12 * HOUR)
    assert resolution.priority == "high"
    assert len(resolution.segments) == 3


def test_a_new_target_of_a_paused_clock_applies_when_it_runs_again() -> None:
    case = accepted(policy=promises({K.RESOLUTION: {"urgent": "PT10H", "*": "PT72H"}}))
    case.do(C.WAIT, after=HOUR, reason="parts").do(C.RECLASSIFY, urgency="urgent")
    assert case.clock(K.RESOLUTION).due_at is None
    case.do(C.RESUME, after=HOUR)
    assert case.clock(K.RESOLUTION).due_at == MONDAY_9 + 11 * HOUR


def test_a_new_due_time_that_has_passed_is_one_breach_and_no_warnings() -> None:
    policy = promises({K.RESOLUTION: {"urgent": "PT10H", "*": "PT72H"}}, warn_at=(0.25, 0.5, 0.75))
    case = accepted(policy=policy).wait(11 * HOUR).do(C.RECLASSIFY, urgency="urgent").wait(timedelta(0))
    assert case.events("clock.warned") == []
    (breach,) = case.events("clock.breached")
    assert breach.data["retargeted"] is True
    assert breach.at == MONDAY_9 + 10 * HOUR


def test_a_retargeted_clock_that_is_missed_later_is_an_ordinary_breach() -> None:
    case = accepted(policy=promises({K.RESOLUTION: {"urgent": "PT10H", "*": "PT72H"}}))
    case.do(C.RECLASSIFY, after=9 * HOUR, urgency="urgent").wait(2 * HOUR)
    (breach,) = case.events("clock.breached")
    assert "retargeted" not in breach.data


def test_a_later_callback_attempt_keeps_its_own_date_when_the_urgency_changes() -> None:
    case = accepted(policy=promises(callback_retry_after="PT16H")).do(C.RESOLVE, result="resolved")
    case.do(C.RECORD_CALLBACK, outcome="not_reached", channel="phone").do(C.RECLASSIFY, after=HOUR, urgency="urgent")
    assert case.clock(K.CALLBACK, round_=2).due_at == MONDAY_9 + 16 * HOUR


def test_a_policy_without_the_promise_cancels_the_clock() -> None:
    case = Case()
    case.policy = NO_PROMISE
    case.do(C.ACCEPT)
    assert case.state_of(K.ACCEPTANCE) is ClockState.MET
    assert case.clock(K.RESOLUTION).cancel_reason == "no_promise"
    assert case.state.clocks == []


def test_a_policy_that_applies_since_acceptance_promises_from_the_receipt_on() -> None:
    case = Case(NO_PROMISE)
    assert case.state.clocks == []
    case.policy = promises()
    case.do(C.ACCEPT, after=HOUR)
    assert case.clock(K.RESOLUTION).started_at == case.clock(K.RESPONSE).started_at == MONDAY_9
    assert case.clock(K.PROGRESS).started_at == MONDAY_9 + HOUR


def test_a_date_that_a_person_promised_is_sticky() -> None:
    promised_at = datetime(2026, 3, 6, 10, tzinfo=UTC)
    case = accepted().do(C.PROMISE, resolve_by="2026-03-06T10:00:00Z")
    assert case.clock(K.RESOLUTION).due_at == promised_at
    case.do(C.RECLASSIFY, urgency="urgent").do(C.WAIT, reason="parts").do(C.RESUME, after=HOUR)
    assert case.clock(K.RESOLUTION).due_at == promised_at


def test_a_date_promised_while_the_clock_is_paused_counts_when_it_runs_again() -> None:
    case = accepted().do(C.WAIT, reason="parts").do(C.PROMISE, resolve_by="2026-03-06T10:00:00Z")
    assert case.clock(K.RESOLUTION).due_at is None
    case.do(C.RESUME, after=HOUR)
    assert case.clock(K.RESOLUTION).due_at == datetime(2026, 3, 6, 10, tzinfo=UTC)


def test_an_appointment_sets_the_due_time_of_the_callback_to_its_end() -> None:
    case = accepted().do(C.RESOLVE, result="resolved")
    case.do(C.WAIT, reason="appointment", until="2026-03-10T02:00:00Z")
    assert case.clock(K.CALLBACK).due_at == datetime(2026, 3, 10, 2, tzinfo=UTC)


def test_reassigning_resets_no_clock() -> None:
    case = accepted().wait(HOUR)
    before = [clock.model_dump() for clock in case.state.clocks]
    case.do(C.ASSIGN, department="repair", owner="li-lei")
    assert [clock.model_dump() for clock in case.state.clocks] == before


def test_visible_progress_restarts_the_progress_clock_and_an_internal_note_does_not() -> None:
    case = accepted().do(C.PROGRESS, after=HOUR, visible=False)
    assert case.clock(K.PROGRESS).round == 1
    case.do(C.PROGRESS, after=HOUR, visible=True)
    assert case.state_of(K.PROGRESS, round_=1) is ClockState.MET
    assert case.clock(K.PROGRESS).due_at == MONDAY_9 + 26 * HOUR


@pytest.mark.parametrize("command", [C.RESPOND, C.PLAN])
def test_a_visible_answer_restarts_the_progress_clock_too(command: CommandName) -> None:
    assert accepted().do(command, after=HOUR).clock(K.PROGRESS).round == 2


def test_missed_progress_is_one_breach_until_there_is_progress() -> None:
    case = accepted(policy=promises(HANDLING)).wait(5 * DAY)
    assert case.breaches() == ["progress"]
    case.do(C.PROGRESS, visible=True).wait(25 * HOUR)
    assert case.breaches() == ["progress", "progress"]
    assert case.clock(K.PROGRESS).round == 2


def test_a_restarted_clock_is_paused_while_the_customer_still_owes_the_answer() -> None:
    case = accepted().do(C.WAIT, reason="customer").do(C.PROGRESS, after=HOUR, visible=True)
    assert (case.clock(K.PROGRESS).round, case.state_of(K.PROGRESS)) == (2, ClockState.PAUSED)
    case.do(C.CUSTOMER_MESSAGE, after=HOUR)
    assert case.clock(K.PROGRESS).due_at == MONDAY_9 + 26 * HOUR


def test_the_oldest_unanswered_message_of_the_customer_starts_the_wait() -> None:
    case = accepted().do(C.CUSTOMER_MESSAGE).do(C.CUSTOMER_MESSAGE, after=HOUR)
    assert case.clock(K.CUSTOMER_WAIT).due_at == MONDAY_9 + 4 * HOUR
    case.do(C.PROGRESS, visible=False)
    assert case.has(K.CUSTOMER_WAIT)
    case.do(C.RESPOND)
    assert case.state_of(K.CUSTOMER_WAIT) is ClockState.MET
    case.do(C.CUSTOMER_MESSAGE, after=HOUR)
    assert case.clock(K.CUSTOMER_WAIT).due_at == MONDAY_9 + 6 * HOUR


def test_a_reopened_ticket_has_clocks_of_its_own_and_the_old_cycle_keeps_its_verdicts() -> None:
    case = accepted().wait(73 * HOUR).do(C.RESOLVE, result="resolved")
    case.do(C.RECORD_CALLBACK, after=HOUR, outcome="residual_issue", channel="phone")
    assert case.state.cycle == 2
    assert case.state_of(K.RESOLUTION, cycle=1) is ClockState.MET_LATE
    assert case.state_of(K.CALLBACK, cycle=1) is ClockState.MET
    assert case.clock(K.RESOLUTION).started_at == MONDAY_9 + 74 * HOUR
    assert case.clock(K.RESOLUTION).due_at == MONDAY_9 + 146 * HOUR
    assert not case.has(K.RESPONSE)
    assert case.clock(K.RESPONSE).cycle == 1


def test_a_response_that_never_came_is_not_promised_again_in_the_next_cycle() -> None:
    case = Case().do(C.WITHDRAW).do(C.REOPEN).do(C.ACCEPT, after=HOUR)
    assert not case.has(K.RESPONSE)
    assert case.clock(K.RESOLUTION).started_at == MONDAY_9


def test_closing_cancels_every_clock_with_the_reason() -> None:
    case = accepted().do(C.CUSTOMER_MESSAGE).wait(25 * HOUR)
    case.do(C.CLOSE_UNRESOLVED, reason_code="no_spare_parts")
    assert case.state.clocks == []
    assert case.clock(K.RESOLUTION).cancel_reason == "unresolved"
    assert case.state_of(K.PROGRESS) is ClockState.CANCELLED
    assert case.clock(K.PROGRESS).breached_at == MONDAY_9 + DAY
    breaches = case.breaches()
    case.wait(6 * DAY)
    assert case.breaches() == breaches


def test_an_urgent_target_is_taken_by_urgency_and_silence_promises_nothing() -> None:
    targets = {K.RESPONSE: {"urgent": "PT15M", "normal": "PT24H"}}
    assert Case(promises(targets), urgency=Urgency.URGENT).clock(K.RESPONSE).due_at == MONDAY_9 + 15 * MINUTE
    assert Case(promises(targets)).clock(K.RESPONSE).due_at == MONDAY_9 + DAY
    assert not Case(promises(targets), urgency=Urgency.LOW).has(K.RESPONSE)


def test_a_complaint_under_the_default_targets_keeps_every_round_apart() -> None:
    case = accepted(kind=Kind.COMPLAINT, policy=promises(HOURS)).do(C.PROGRESS, visible=True).do(C.RESPOND)
    keys = [key for key in case.clocks if key.startswith("progress/")]
    assert keys == ["progress/1/1", "progress/1/2", "progress/1/3"]
