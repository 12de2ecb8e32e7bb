"""Promises of a policy that applies only since now, from where its clocks start (product.md 5)."""

from datetime import timedelta
from typing import Any

import pytest

from services.contracts.ticket import Clock
from services.contracts.vocabulary import ClockName, ClockState, CommandName, Kind, Urgency
from tests.unit.workflow.ticket_driver import DAY, HOUR, MINUTE, MONDAY_9, WANG_FANG, Case, promises

C, K = CommandName, ClockName
SILENT = promises({K.RESOLUTION: "PT72H"})
ASKED_IN_A_DAY = promises({K.RESOLUTION: "PT72H", K.INFORMATION_REQUEST: "PT24H"}, version=2)
CALLBACKS = {K.CALLBACK: "PT24H", K.SECOND_CALLBACK: "PT48H"}
FROM_RESOLUTION: dict[str, Any] = {
    "second_callback_from": "resolution", "callback_retry_after": "PT16H", "callback_attempts": 3}  # fmt: skip
RESOLVED_AT = MONDAY_9 + HOUR


def incomplete(**options: Any) -> Case:
    """An incomplete feedback of Monday at 09:00, whose policy promises to ask nobody."""
    return Case(SILENT, complete=False, **options).wait(HOUR)


def rechosen(case: Case, name: CommandName = C.RECLASSIFY, **decision: Any) -> Case:
    """Another policy applies from now on: one that promises to ask for what is missing within a day."""
    case.policy = ASKED_IN_A_DAY
    return case.do(name, choose=True, **(decision or {"urgency": Urgency.LOW}))


def promised(policy_now: dict[ClockName, Any], *outcomes: str, kind: Kind = Kind.COMPLAINT, **settings: Any) -> Case:
    """Resolved an hour after the receipt and called; two hours later a policy with callbacks applies."""
    case = Case(promises({}, **{**FROM_RESOLUTION, **settings}), kind=kind).do(C.ACCEPT).do(
        C.RESOLVE, after=HOUR, result="resolved")  # fmt: skip
    for outcome in outcomes:
        case.do(C.RECORD_CALLBACK, WANG_FANG, outcome=outcome, channel="phone", after=MINUTE)
    case.wait(2 * HOUR).policy = promises(policy_now, version=2, **{**FROM_RESOLUTION, **settings})
    return case.do(C.RECLASSIFY, choose=True, urgency=Urgency.LOW)


def started(clock: Clock) -> tuple[timedelta, str]:
    """The clock's start, counted from the resolution, and its promise."""
    return clock.started_at - RESOLVED_AT, clock.target


def test_nobody_asked_yet_so_asking_is_promised_from_the_receipt_on() -> None:
    clock = rechosen(incomplete()).clock(K.INFORMATION_REQUEST)
    assert (clock.started_at, clock.due_at) == (MONDAY_9, MONDAY_9 + 24 * HOUR)


def test_an_asking_that_is_late_already_is_one_breach_at_its_due_time() -> None:
    case = rechosen(incomplete().wait(2 * DAY))
    case.wait(MINUTE)
    (breach,) = case.events("clock.breached")
    assert (breach.data["clock"], breach.at) == ("information_request", MONDAY_9 + 24 * HOUR)


def test_asking_meets_a_clock_that_was_promised_late() -> None:
    case = rechosen(incomplete()).do(C.REQUEST_INFORMATION, fields=["product.serial_no"])
    assert case.state_of(K.INFORMATION_REQUEST) is ClockState.MET


def test_an_answer_that_leaves_something_out_still_waits_for_somebody_to_ask() -> None:
    case = rechosen(incomplete(), C.SUPPLY_INFORMATION, complete=False, missing=["product.model"])
    assert case.clock(K.INFORMATION_REQUEST).started_at == MONDAY_9


def test_a_complete_feedback_owes_no_question() -> None:
    assert not rechosen(Case(SILENT).wait(HOUR)).has(K.INFORMATION_REQUEST)
    assert not rechosen(incomplete(), C.SUPPLY_INFORMATION, complete=True).has(K.INFORMATION_REQUEST)


@pytest.mark.parametrize("complete", [True, False])
def test_what_was_asked_once_is_not_owed_again_while_it_is_waited_for_or_afterwards(complete: bool) -> None:
    waiting = incomplete().do(C.REQUEST_INFORMATION, fields=["product.serial_no"])
    assert not rechosen(waiting).has(K.INFORMATION_REQUEST)
    answered = incomplete().do(C.REQUEST_INFORMATION, fields=["product.serial_no"])
    answered.do(C.SUPPLY_INFORMATION, complete=complete)
    assert not rechosen(answered).has(K.INFORMATION_REQUEST)


def test_an_accepted_feedback_owes_no_question() -> None:
    case = incomplete()
    case.policy = ASKED_IN_A_DAY
    assert not case.do(C.ACCEPT).has(K.INFORMATION_REQUEST)


def test_a_reopened_feedback_that_nobody_accepted_owes_no_question_of_its_first_cycle() -> None:
    case = incomplete().do(C.CLOSE_UNRESOLVED, reason_code="no_spare_parts").do(C.REOPEN)
    assert not rechosen(case).has(K.INFORMATION_REQUEST)


@pytest.mark.parametrize("is_complex", [True, False])
def test_a_plan_is_owed_from_now_on_of_a_complex_ticket_alone(is_complex: bool) -> None:
    case = Case(promises({})).do(C.ACCEPT, complex=is_complex).wait(HOUR)
    case.policy = promises({K.PLAN: "PT24H"}, version=2)
    assert case.do(C.RECLASSIFY, choose=True, urgency=Urgency.LOW).has(K.PLAN) is is_complex


def test_both_callbacks_of_a_complaint_are_owed_from_the_resolution_where_the_policy_says_so() -> None:
    case = promised(CALLBACKS)
    assert started(case.clock(K.CALLBACK)) == (timedelta(0), "PT24H")
    assert started(case.clock(K.SECOND_CALLBACK)) == (timedelta(0), "PT48H")


def test_the_second_callback_waits_for_the_first_where_the_policy_says_that() -> None:
    case = promised(CALLBACKS, second_callback_from="confirmation")
    assert case.has(K.CALLBACK)
    assert not case.has(K.SECOND_CALLBACK)


def test_only_a_complaint_has_a_second_callback() -> None:
    assert not promised(CALLBACKS, kind=Kind.FAULT).has(K.SECOND_CALLBACK)


def test_only_the_attempt_that_is_waited_for_has_the_date_of_a_retry() -> None:
    case = promised(CALLBACKS, "not_reached")
    assert started(case.clock(K.CALLBACK)) == (case.now - RESOLVED_AT, "PT16H")
    assert started(case.clock(K.SECOND_CALLBACK)) == (timedelta(0), "PT48H")
    assert (case.clock(K.CALLBACK).is_retry, case.clock(K.SECOND_CALLBACK).is_retry) == (True, False)


@pytest.mark.parametrize("since", ["resolution", "confirmation"])
def test_a_second_callback_that_is_waited_for_counts_from_where_the_policy_says(since: str) -> None:
    case = promised(CALLBACKS, "satisfied", second_callback_from=since)
    from_resolution = since == "resolution"
    expected = timedelta(0) if from_resolution else case.now - RESOLVED_AT
    assert started(case.clock(K.SECOND_CALLBACK)) == (expected, "PT48H")
    assert not case.has(K.CALLBACK)


def test_a_second_callback_that_was_tried_is_tried_again_from_now_on() -> None:
    case = promised(CALLBACKS, "satisfied", "not_reached")
    assert started(case.clock(K.SECOND_CALLBACK)) == (case.now - RESOLVED_AT, "PT16H")
