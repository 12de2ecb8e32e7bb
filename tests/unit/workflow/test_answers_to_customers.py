"""Rule 15, row by row: the oldest unanswered message of the customer starts the wait, any visible answer ends it."""

from datetime import timedelta
from typing import Any

import pytest

from services.contracts.journal import EventType
from services.contracts.vocabulary import ActorKind, ClockName, ClockState, CommandName, Kind
from services.workflow.lifecycle.customer_answers import ANSWERS, is_answer
from tests.unit.workflow.ticket_driver import HAN_MEIMEI, HOUR, MINUTE, WANG_FANG, Case, promises

C, K = CommandName, ClockName
ASKED = HOUR
CALLED: dict[str, Any] = {"channel": "phone"}

PENDING: list[tuple[CommandName, dict[str, Any], bool]] = [
    (C.REQUEST_INFORMATION, {"fields": ["product.serial_no"]}, True),
    (C.RESPOND, {}, True),
    (C.ACCEPT, {"owner": "li-lei"}, False),
    (C.RECLASSIFY, {"urgency": "urgent"}, False),
    (C.TAG, {"add": ["seen"]}, False),
]
HANDLED: list[tuple[CommandName, dict[str, Any], bool]] = [
    (C.RESPOND, {}, True),
    (C.PLAN, {"complex": False}, True),
    (C.PLAN, {"complex": True}, False),
    (C.PROGRESS, {"visible": True}, True),
    (C.PROGRESS, {"visible": False}, False),
    (C.RESOLVE, {"result": "resolved"}, True),
    (C.ASSIGN, {"owner": "li-lei"}, False),
    (C.WAIT, {"reason": "customer"}, False),
    (C.CHASE, {}, False),
    (C.CUSTOMER_MESSAGE, {}, False),
]
CALLS = [
    ("satisfied", True),
    ("dissatisfied", True),
    ("residual_issue", True),
    ("refused", True),
    ("not_reached", False),
    ("wrong_number", False),
]


def waiting(case: Case) -> Case:
    """韩梅梅 writes, and waits for an answer."""
    return case.do(C.CUSTOMER_MESSAGE, HAN_MEIMEI, after=ASKED)


def pending() -> Case:
    """Nobody has accepted it."""
    return Case(promises({K.CUSTOMER_WAIT: "PT4H", K.RESOLUTION: "PT72H"}))


def handled() -> Case:
    """Accepted."""
    return pending().do(C.ACCEPT)


def resolved(kind: Kind = Kind.FAULT) -> Case:
    """Resolved, for the callback to tell whether the problem is gone."""
    promised = {K.CUSTOMER_WAIT: "PT4H", K.CALLBACK: "PT24H", K.SECOND_CALLBACK: "PT24H"}
    return Case(promises(promised), kind=kind).do(C.ACCEPT).do(C.RESOLVE, result="resolved")


def assert_answered(case: Case, answered: bool) -> None:
    """The wait ended with the last step, or goes on."""
    clock = case.clock(K.CUSTOMER_WAIT)
    assert (clock.state, clock.met_at) == ((ClockState.MET, case.now) if answered else (ClockState.RUNNING, None)), (
        case.journal[-1]
    )


@pytest.mark.parametrize(("command", "decision", "answers"), PENDING)
def test_what_answers_a_customer_before_the_acceptance(
    command: CommandName, decision: dict[str, Any], answers: bool
) -> None:
    assert_answered(waiting(pending()).do(command, after=MINUTE, **decision), answers)


@pytest.mark.parametrize(("command", "decision", "answers"), HANDLED)
def test_what_answers_a_customer_while_the_ticket_is_handled(
    command: CommandName, decision: dict[str, Any], answers: bool
) -> None:
    assert_answered(waiting(handled()).do(command, after=MINUTE, **decision), answers)


def test_a_complex_plan_answers_once_it_is_approved() -> None:
    case = waiting(handled()).do(C.PLAN, complex=True)
    assert_answered(case.do(C.REJECT_PLAN, WANG_FANG), answered=False)
    case.do(C.PLAN, complex=True)
    assert_answered(case.do(C.APPROVE_PLAN, WANG_FANG, after=MINUTE), answered=True)


@pytest.mark.parametrize(("outcome", "answers"), CALLS)
def test_a_callback_answers_when_the_customer_was_reached(outcome: str, answers: bool) -> None:
    case = waiting(resolved()).do(C.RECORD_CALLBACK, outcome=outcome, after=MINUTE, **CALLED)
    assert_answered(case, answers)


def test_the_first_callback_of_a_complaint_answers_though_a_second_one_follows() -> None:
    case = waiting(resolved(Kind.COMPLAINT)).do(C.RECORD_CALLBACK, outcome="satisfied", after=MINUTE, **CALLED)
    assert_answered(case, answered=True)


@pytest.mark.parametrize(("late_by", "verdict"), [(timedelta(0), ClockState.MET), (MINUTE, ClockState.MET_LATE)])
def test_a_question_back_is_in_time_at_the_due_instant_and_late_after_it(
    late_by: timedelta, verdict: ClockState
) -> None:
    case = waiting(pending()).do(C.REQUEST_INFORMATION, after=4 * HOUR + late_by, fields=["product.serial_no"])
    assert case.state_of(K.CUSTOMER_WAIT) is verdict


def test_a_reminder_that_the_system_sends_answers_nobody() -> None:
    settings: dict[str, Any] = {"information_wait": "PT10H", "information_reminders": (0.5,)}
    case = Case(promises({K.CUSTOMER_WAIT: "PT48H"}, **settings)).do(C.REQUEST_INFORMATION, fields=["product.model"])
    case.life.ledger.start(K.CUSTOMER_WAIT, case.now, round_=9)
    case.wait(6 * HOUR)
    assert case.journal[-1].data["reminder"] == 1
    assert case.state_of(K.CUSTOMER_WAIT) is ClockState.RUNNING


@pytest.mark.parametrize("type_", sorted(ANSWERS))
def test_what_nobody_sent_is_no_answer(type_: EventType) -> None:
    data = {"visible": True, "complex": False, "outcome": "satisfied"}
    assert is_answer(type_, ActorKind.STAFF, data)
    assert not is_answer(type_, ActorKind.SYSTEM, data)
