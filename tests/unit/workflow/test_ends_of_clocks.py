"""Ends of clocks, and what they keep from then on (semantics.md 8, 11 to 13, 15, 17, 19, 20)."""

from datetime import timedelta

import pytest

from services.contracts.policy import SecondCallbackFrom
from services.contracts.ticket import Clock
from services.contracts.vocabulary import ClockName, ClockState, CommandName, Kind, Urgency, WaitReason
from services.workflow import due_times
from tests.unit.workflow.ticket_driver import CALENDARS, DAY, HOUR, MONDAY_9, TICK, Case, promises

C, K = CommandName, ClockName
PARTS = (WaitReason.PARTS,)


def pauses(clock: Clock) -> list[tuple[WaitReason, ...]]:
    """For what the clock stood still, stretch by stretch; () where it ran."""
    return [segment.reasons for segment in clock.segments]


def test_rule_8_a_clock_that_is_met_while_it_stands_still_does_not_run_again() -> None:
    case = Case().do(C.ACCEPT).do(C.WAIT, after=HOUR, reason="parts").do(C.RESOLVE, after=HOUR, result="resolved")
    assert pauses(case.clock(K.RESOLUTION)) == [(), PARTS]
    assert case.clock(K.RESOLUTION).segments[-1].to_at == MONDAY_9 + 2 * HOUR


def test_rule_11_a_clock_keeps_the_policy_that_it_was_met_under_whatever_the_same_step_chooses() -> None:
    case = Case(promises({K.ACCEPTANCE: "PT2H", K.RESOLUTION: "PT72H"}))
    case.policy = promises({K.ACCEPTANCE: "PT1H", K.RESOLUTION: "PT48H"}, version=2)
    case.do(C.ACCEPT, after=HOUR, urgency="urgent")
    met, live = case.clock(K.ACCEPTANCE), case.clock(K.RESOLUTION)
    assert (met.target, met.policy_version, met.priority) == ("PT2H", 1, "medium")
    assert (live.target, live.policy_version, live.priority) == ("PT48H", 2, "high")


@pytest.mark.parametrize(
    ("urgency", "priority"), [(Urgency.URGENT, "high"), (Urgency.NORMAL, "medium"), (Urgency.LOW, "low")]
)
def test_rule_11_a_clock_that_starts_later_stores_the_priority_of_then(urgency: Urgency, priority: str) -> None:
    case = Case().do(C.ACCEPT, urgency=urgency).do(C.PROGRESS, after=HOUR, visible=True)
    assert case.clock(K.PROGRESS, round_=2).priority == priority
    assert case.do(C.RESOLVE, after=HOUR, result="resolved").clock(K.CALLBACK).priority == priority


def test_rule_12_what_is_overdue_is_counted_in_the_clock_s_own_time() -> None:
    case = Case(promises({K.RESPONSE: "PT8WH", K.RESOLUTION: "PT24H"}, calendar="cn")).do(C.ACCEPT)
    case.wait_until(MONDAY_9 + 2 * DAY).do(C.RESPOND)
    # Due on Tuesday at 09:30; from there to Wednesday, 09:00 the office was open but for the lunch.
    assert due_times.spent(case.clock(K.RESPONSE), CALENDARS) == {"elapsed": 15 * 3600, "overdue": 7 * 3600}
    assert due_times.spent_by(case.clock(K.RESOLUTION), CALENDARS, case.now)["overdue"] == 24 * 3600


def test_rule_13_resolving_leaves_the_instant_of_an_answer_that_was_given() -> None:
    case = Case().do(C.ACCEPT).do(C.RESPOND, after=HOUR).do(C.RESOLVE, after=HOUR, result="resolved")
    assert case.state.responded_at == MONDAY_9 + HOUR


def test_rule_15_resolving_answers_the_customer() -> None:
    case = Case().do(C.ACCEPT).do(C.CUSTOMER_MESSAGE).do(C.RESOLVE, after=HOUR, result="resolved")
    assert (case.state_of(K.CUSTOMER_WAIT), case.clock(K.CUSTOMER_WAIT).met_at) == (ClockState.MET, MONDAY_9 + HOUR)


@pytest.mark.parametrize(("after", "is_kept"), [(24 * HOUR, False), (24 * HOUR + TICK, True)])
def test_rule_17_a_promise_that_was_missed_stays_as_it_was_missed(after: timedelta, is_kept: bool) -> None:
    case = Case(promises({K.RESPONSE: "PT24H"})).do(C.ACCEPT).wait(after)
    missed = case.clock(K.RESPONSE)
    case.policy = promises({K.RESPONSE: "PT48H"}, version=2)
    case.do(C.RECLASSIFY, choose=True, urgency="urgent")
    kept = case.clock(K.RESPONSE)
    assert (missed.state is ClockState.BREACHED, kept.model_dump() == missed.model_dump()) == (is_kept, is_kept)
    assert case.wait(2 * DAY).breaches() == ["response"]


def test_rule_20_a_reopening_withdraws_the_callbacks_that_are_owed() -> None:
    policy = promises(second_callback_from=SecondCallbackFrom.RESOLUTION)
    case = Case(policy, kind=Kind.COMPLAINT).do(C.ACCEPT).do(C.RESOLVE, result="resolved").do(C.REOPEN, after=HOUR)
    for name in (K.CALLBACK, K.SECOND_CALLBACK):
        clock = case.clock(name)
        assert (clock.state, clock.cancel_reason, clock.ended_at) == (
            ClockState.CANCELLED,
            "reopened",
            MONDAY_9 + HOUR,
        )
        assert not case.has(name)


def test_rule_21_a_ticket_withdrawn_while_it_waits_for_information_is_not_closed_again_for_want_of_it() -> None:
    case = Case(promises(information_wait="P2D", reopen_window="P7D"), complete=False)
    case.do(C.REQUEST_INFORMATION, fields=["product.serial_no"]).do(C.WITHDRAW, after=HOUR)
    told = case.types()
    assert case.wait(6 * DAY).types() == told
    assert case.state.close_reason == "withdrawn"


def test_a_later_attempt_counts_on_from_the_round_of_the_one_before() -> None:
    case = Case(promises({})).do(C.ACCEPT).do(C.RESOLVE, result="resolved")
    case.policy = promises()
    first = case.do(C.RECLASSIFY, choose=True, category="other").clock(K.CALLBACK).round
    case.do(C.RECORD_CALLBACK, outcome="not_reached", channel="phone")
    assert [clock.round for clock in case.state.clocks] == [first + 1]
    assert first > 1
