"""Effects of each command on a ticket (product.md sections 3 to 5)."""

from datetime import timedelta
from typing import Any

import pytest

from services.contracts.ticket import PlanState
from services.contracts.vocabulary import CallbackOutcome, ClockName, ClockState, CloseReason, CommandName, Kind, Phase
from tests.unit.workflow.ticket_driver import (
    DAY,
    HAN_MEIMEI,
    HOUR,
    LI_LEI,
    MONDAY_9,
    WANG_FANG,
    Case,
    assert_legal_journal,
    promises,
)

C, K = CommandName, ClockName
FRIDAY_16 = MONDAY_9 + 4 * DAY + 7 * HOUR


def resolved(kind: Kind = Kind.FAULT, **settings: Any) -> Case:
    """A ticket that awaits its callback."""
    return Case(promises(**settings), kind=kind).do(C.ACCEPT).do(C.RESOLVE, result="resolved")


def called(case: Case, outcome: str, after: timedelta = timedelta(0)) -> Case:
    """The same after one more callback attempt."""
    return case.do(C.RECORD_CALLBACK, after=after, outcome=outcome, channel="phone")


class TestCallback:
    """回访: attempts and outcomes."""

    def test_a_satisfied_customer_confirms_and_closes(self) -> None:
        case = called(resolved(), "satisfied", HOUR)
        assert case.state.close_reason is CloseReason.CONFIRMED
        assert case.state.confirmed_at == MONDAY_9 + HOUR
        assert case.types()[-2:] == ["callback_recorded", "closed"]
        assert case.journal[-1].command_id == case.journal[-2].command_id is not None

    @pytest.mark.parametrize("outcome", ["dissatisfied", "residual_issue"])
    def test_an_unhappy_customer_reopens(self, outcome: str) -> None:
        case = called(resolved(), outcome)
        assert (case.phase, case.state.cycle) == (Phase.ASSIGNED, 2)
        assert case.journal[-1].data["cause"] == outcome

    @pytest.mark.parametrize("outcome", ["not_reached", "wrong_number"])
    def test_the_third_vain_attempt_closes_by_the_system(self, outcome: str) -> None:
        case = called(called(resolved(), outcome), outcome, DAY)
        assert case.phase is Phase.AWAITING_CALLBACK
        called(case, outcome, DAY)
        assert case.state.close_reason is CloseReason.NOT_REACHED
        assert [event.data["attempt"] for event in case.events("ticket.callback_recorded")] == [1, 2, 3]
        assert case.journal[-1].actor.kind == "system"

    def test_a_customer_reached_at_the_last_attempt_confirms(self) -> None:
        case = called(called(called(resolved(), "not_reached"), "wrong_number", DAY), "satisfied", DAY)
        assert case.state.close_reason is CloseReason.CONFIRMED

    def test_the_policy_says_how_many_attempts_there_are(self) -> None:
        case = called(resolved(callback_attempts=1), "not_reached")
        assert case.state.close_reason is CloseReason.NOT_REACHED

    def test_a_refused_callback_closes_by_the_system(self) -> None:
        case = called(resolved(), "refused")
        assert case.state.close_reason is CloseReason.CALLBACK_REFUSED
        assert case.journal[-1].actor.kind == "system"

    def test_the_first_attempt_meets_the_clock_and_the_next_has_a_date_of_its_own(self) -> None:
        targets = {K.CALLBACK: "P1WD"}
        case = Case(promises(targets, calendar="cn"), at=FRIDAY_16).do(C.ACCEPT).do(C.RESOLVE, result="resolved")
        assert case.clock(K.CALLBACK).due_at == MONDAY_9 + 7 * DAY + 9 * HOUR
        called(case, "not_reached", HOUR)
        assert case.state_of(K.CALLBACK, round_=1) is ClockState.MET
        second = case.clock(K.CALLBACK, round_=2)
        assert (second.state, second.due_at) == (ClockState.RUNNING, MONDAY_9 + 7 * DAY + 9 * HOUR)
        called(case, "not_reached", 4 * DAY)
        assert case.breaches() == ["callback"]
        assert case.state_of(K.CALLBACK, round_=2) is ClockState.MET_LATE
        assert case.clock(K.CALLBACK, round_=3).due_at == MONDAY_9 + 9 * DAY + 9 * HOUR

    def test_attempts_are_counted_anew_in_the_next_cycle(self) -> None:
        case = called(called(called(resolved(), "not_reached"), "not_reached", DAY), "residual_issue")
        called(case.do(C.RESOLVE, result="resolved"), "not_reached")
        assert case.phase is Phase.AWAITING_CALLBACK

    def test_the_customers_own_click_confirms(self) -> None:
        case = resolved().do(C.CONFIRM, HAN_MEIMEI, after=HOUR)
        assert case.state.close_reason is CloseReason.CONFIRMED
        assert case.journal[-1].data["confirmed_by"] == "customer"
        assert case.state_of(K.CALLBACK) is ClockState.CANCELLED


class TestSecondCallback:
    """A complaint is called back by a supervisor too."""

    def test_it_is_due_24_hours_after_the_first_says_satisfied(self) -> None:
        case = called(resolved(Kind.COMPLAINT), "satisfied", 2 * HOUR)
        assert case.phase is Phase.AWAITING_SECOND_CALLBACK
        assert case.clock(K.SECOND_CALLBACK).due_at == MONDAY_9 + 26 * HOUR
        assert case.state.confirmed_at is None

    def test_it_is_due_24_hours_after_the_resolution_where_the_pack_says_so(self) -> None:
        case = resolved(Kind.COMPLAINT, second_callback_from="resolution")
        assert case.clock(K.SECOND_CALLBACK).due_at == MONDAY_9 + 24 * HOUR
        called(case, "satisfied", 2 * HOUR)
        assert case.clock(K.SECOND_CALLBACK).due_at == MONDAY_9 + 24 * HOUR

    @pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.COMPLAINT])
    def test_nothing_but_a_complaint_has_one_from_the_resolution(self, kind: Kind) -> None:
        assert not resolved(kind, second_callback_from="resolution").has(K.SECOND_CALLBACK)

    def test_a_late_first_callback_leaves_it_breached_where_it_counts_from_the_resolution(self) -> None:
        case = called(resolved(Kind.COMPLAINT, second_callback_from="resolution"), "satisfied", 25 * HOUR)
        assert case.breaches() == ["callback", "second_callback"]
        case.do(C.RECORD_CALLBACK, WANG_FANG, outcome="satisfied", channel="phone")
        assert case.state_of(K.SECOND_CALLBACK) is ClockState.MET_LATE
        assert case.state.close_reason is CloseReason.CONFIRMED

    @pytest.mark.parametrize(
        ("outcome", "phase", "reason"),
        [
            ("satisfied", Phase.CLOSED, CloseReason.CONFIRMED),
            ("dissatisfied", Phase.ASSIGNED, None),
            ("residual_issue", Phase.ASSIGNED, None),
            ("not_reached", Phase.AWAITING_SECOND_CALLBACK, None),
            ("wrong_number", Phase.AWAITING_SECOND_CALLBACK, None),
            ("refused", Phase.CLOSED, CloseReason.CALLBACK_REFUSED),
        ],
    )
    def test_it_has_the_same_outcomes(self, outcome: str, phase: Phase, reason: CloseReason | None) -> None:
        case = called(called(resolved(Kind.COMPLAINT), "satisfied"), outcome, HOUR)
        assert (case.phase, case.state.close_reason) == (phase, reason)
        assert case.state_of(K.SECOND_CALLBACK, round_=1) is ClockState.MET

    def test_its_attempts_are_its_own(self) -> None:
        case = called(called(called(resolved(Kind.COMPLAINT), "not_reached"), "not_reached"), "satisfied")
        called(called(case, "not_reached"), "not_reached", DAY)
        assert case.phase is Phase.AWAITING_SECOND_CALLBACK
        assert called(case, "not_reached", DAY).state.close_reason is CloseReason.NOT_REACHED

    def test_an_appointment_moves_it(self) -> None:
        case = called(resolved(Kind.COMPLAINT), "satisfied")
        case.do(C.WAIT, reason="appointment", until="2026-03-10T02:00:00Z")
        assert case.clock(K.SECOND_CALLBACK).due_at == MONDAY_9 + 8 * DAY + HOUR

    def test_a_reopened_complaint_starts_with_the_first_callback_again(self) -> None:
        case = called(called(resolved(Kind.COMPLAINT), "satisfied"), "residual_issue")
        case.do(C.RESOLVE, result="resolved")
        assert case.phase is Phase.AWAITING_CALLBACK

    @pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.COMPLAINT])
    def test_only_a_complaint_has_one(self, kind: Kind) -> None:
        assert called(resolved(kind), "satisfied").phase is Phase.CLOSED


class TestHandling:
    """Acceptance, response, plan, waiting, resolution."""

    def test_acceptance_confirms_what_was_proposed_and_names_who_accepted(self) -> None:
        case = Case().do(C.ACCEPT, after=HOUR, urgency="urgent", department="repair", owner="li-lei", co_owners=["w"])
        state = case.state
        assert (state.urgency, state.priority, state.department) == ("urgent", "high", "repair")
        assert (state.owner, state.co_owners, state.accepted_by) == ("li-lei", ("w",), LI_LEI.id)
        assert case.types() == ["received", "accepted", "assigned"]
        assert state.accepted_at == state.assigned_at == MONDAY_9 + HOUR

    def test_acceptance_counts_as_having_asked_for_information(self) -> None:
        assert Case(complete=False).do(C.ACCEPT).state_of(K.INFORMATION_REQUEST) is ClockState.MET

    def test_asking_for_information_is_no_response(self) -> None:
        case = Case(complete=False).do(C.REQUEST_INFORMATION, fields=["product.serial_no"])
        assert case.state_of(K.INFORMATION_REQUEST) is ClockState.MET
        assert case.state_of(K.RESPONSE) is ClockState.PAUSED

    def test_the_first_answer_meets_the_response_and_later_ones_do_not_move_it(self) -> None:
        case = Case().do(C.RESPOND, after=HOUR).do(C.RESPOND, after=HOUR)
        assert case.state.responded_at == case.clock(K.RESPONSE).met_at == MONDAY_9 + HOUR
        assert [event.data["first"] for event in case.events("ticket.responded")] == [True, False]

    def test_progress_is_no_response(self) -> None:
        assert Case().do(C.ACCEPT).do(C.PROGRESS, visible=True).has(K.RESPONSE)

    def test_resolving_without_a_response_meets_it_at_that_moment(self) -> None:
        case = Case().do(C.ACCEPT).do(C.RESOLVE, after=HOUR, result="resolved")
        assert case.state.responded_at == case.clock(K.RESPONSE).met_at == MONDAY_9 + HOUR

    def test_a_missed_response_stays_late_when_resolving_meets_it(self) -> None:
        case = Case().do(C.ACCEPT).do(C.RESOLVE, after=25 * HOUR, result="resolved")
        assert case.state_of(K.RESPONSE) is ClockState.MET_LATE

    def test_a_simple_plan_is_the_owners_own(self) -> None:
        case = Case().do(C.ACCEPT).do(C.PLAN, cause="hardware")
        assert (case.phase, case.state.plan, case.state.cause) == (Phase.PLANNED, PlanState.APPROVED, "hardware")

    def test_a_complex_ticket_owes_a_plan_from_acceptance_and_the_approval_keeps_it(self) -> None:
        case = Case().do(C.ACCEPT, complex=True)
        assert case.clock(K.PLAN).due_at == MONDAY_9 + DAY
        case.do(C.PLAN, after=HOUR)
        assert case.has(K.PLAN)
        case.do(C.REJECT_PLAN, WANG_FANG, after=HOUR)
        assert case.has(K.PLAN)
        case.do(C.PLAN, after=HOUR).do(C.APPROVE_PLAN, WANG_FANG, after=HOUR)
        assert case.clock(K.PLAN).met_at == MONDAY_9 + 4 * HOUR
        assert case.clock(K.PROGRESS).round == 2

    def test_planning_as_complex_starts_the_clock_of_the_plan(self) -> None:
        case = Case().do(C.ACCEPT).do(C.PLAN, after=HOUR, complex=True)
        assert case.clock(K.PLAN).due_at == MONDAY_9 + 25 * HOUR

    def test_waiting_ends_when_the_customer_replies(self) -> None:
        case = Case().do(C.ACCEPT).do(C.WAIT, reason="customer").do(C.CUSTOMER_MESSAGE, HAN_MEIMEI, after=HOUR)
        assert case.phase is Phase.ASSIGNED
        assert case.journal[-1].data["resumed"] is True

    def test_a_reply_does_not_bring_the_parts(self) -> None:
        case = Case().do(C.ACCEPT).do(C.WAIT, reason="parts").do(C.CUSTOMER_MESSAGE, HAN_MEIMEI)
        assert case.phase is Phase.WAITING
        assert case.journal[-1].data["resumed"] is False

    def test_waiting_again_for_the_same_reason_is_one_wait_with_the_new_end(self) -> None:
        case = Case().do(C.ACCEPT).do(C.WAIT, reason="parts").do(C.WAIT, reason="parts", until="2026-03-04T01:00:00Z")
        assert len(case.state.waits) == 1
        assert case.wait(2 * DAY).phase is Phase.ASSIGNED

    def test_a_planned_ticket_is_planned_again_after_waiting(self) -> None:
        assert Case().do(C.ACCEPT).do(C.PLAN).do(C.WAIT, reason="parts").do(C.RESUME).phase is Phase.PLANNED

    def test_resolving_ends_waiting_progress_and_the_plan(self) -> None:
        case = Case().do(C.ACCEPT, complex=True).do(C.WAIT, reason="parts").do(C.RESOLVE, result="unresolved")
        assert {clock.name for clock in case.state.clocks} == {K.CALLBACK}
        assert case.state.waits == []
        assert case.state_of(K.PROGRESS) is ClockState.CANCELLED

    def test_a_safety_risk_told_later_makes_the_ticket_urgent(self) -> None:
        policy = promises({K.RESPONSE: {"urgent": "PT2H", "*": "PT24H"}})
        case = Case(policy).do(C.SUPPLY_INFORMATION, HAN_MEIMEI, safety_risk=True)
        assert (case.state.urgency, case.state.priority) == ("urgent", "high")
        assert case.clock(K.RESPONSE).due_at == MONDAY_9 + 2 * HOUR

    def test_a_safety_risk_that_a_clerk_has_lowered_is_not_raised_by_telling_it_again(self) -> None:
        case = Case().do(C.SUPPLY_INFORMATION, HAN_MEIMEI, safety_risk=True).do(C.RECLASSIFY, urgency="low")
        case.do(C.SUPPLY_INFORMATION, HAN_MEIMEI, safety_risk=True)
        assert (case.state.safety_risk, case.state.urgency) == (True, "low")

    def test_many_affected_customers_make_the_priority_high(self) -> None:
        assert Case().do(C.SUPPLY_INFORMATION, HAN_MEIMEI, affected_count=5).state.priority == "high"

    def test_information_supplied_in_part_leaves_the_rest_missing(self) -> None:
        case = Case(complete=False).do(C.REQUEST_INFORMATION, fields=["product.serial_no", "product.order_no"])
        case.do(C.SUPPLY_INFORMATION, HAN_MEIMEI, complete=False, missing=["product.order_no"])
        assert (case.phase, case.state.missing) == (Phase.REVIEW, ("product.order_no",))

    def test_chasing_and_tagging_are_recorded_and_move_nothing(self) -> None:
        case = Case().do(C.ACCEPT, owner="li-lei").do(C.CHASE).do(C.TAG, add=["a", "b", "a"]).do(C.TAG, remove=["a"])
        assert case.state.tags == ("b",)
        assert case.events("ticket.chased")[0].data == {"owner": "li-lei"}
        assert case.phase is Phase.ASSIGNED

    def test_a_response_date_may_be_promised_while_the_ticket_is_in_review(self) -> None:
        case = Case().do(C.PROMISE, respond_by="2026-03-02T02:00:00Z")
        assert case.clock(K.RESPONSE).due_at == MONDAY_9 + HOUR
        assert case.events("ticket.promised")[0].data == {"respond_by": "2026-03-02T02:00:00Z"}

    def test_the_reason_of_a_missed_clock_is_noted_for_the_oldest_first(self) -> None:
        case = Case(promises({K.PROGRESS: "PT1H"})).do(C.ACCEPT)
        case.do(C.PROGRESS, after=2 * HOUR, visible=True).wait(2 * HOUR)
        case.do(C.EXPLAIN_BREACH, clock="progress").do(C.EXPLAIN_BREACH, clock="progress")
        assert [event.data["round"] for event in case.events("clock.explained")] == [1, 2]
        assert case.state.unexplained == []


class TestEnding:
    """Close reasons and reopening."""

    def test_unresolved_keeps_its_reason_code(self) -> None:
        case = Case().do(C.CLOSE_UNRESOLVED, WANG_FANG, reason_code="no_spare_parts")
        assert case.state.close_reason is CloseReason.UNRESOLVED
        assert case.journal[-1].data["reason_code"] == "no_spare_parts"

    def test_a_withdrawn_ticket_says_so_in_its_journal(self) -> None:
        case = Case().do(C.WITHDRAW, HAN_MEIMEI)
        assert case.state.close_reason is CloseReason.WITHDRAWN
        assert case.types()[-1] == "withdrawn"

    def test_a_merged_ticket_ends_at_once_with_its_clocks_cancelled(self) -> None:
        case = Case().do(C.MERGE, into="20260302002")
        assert (case.state.ended, case.state.merged_into) == (True, "20260302002")
        assert case.state_of(K.ACCEPTANCE) is ClockState.CANCELLED
        assert case.clock(K.ACCEPTANCE).cancel_reason == "merged"
        assert case.state.deadlines == []

    def test_a_copy_that_is_here_already_changes_nothing(self) -> None:
        case = Case().do(C.JOIN, copy_no="20260302002")
        version = case.state.version
        case.do(C.JOIN, copy_no="20260302002")
        assert (case.state.copies, case.state.version) == (("20260302002",), version)

    def test_a_reopened_ticket_begins_the_next_cycle_in_handling(self) -> None:
        case = called(resolved(), "satisfied").do(C.REOPEN, HAN_MEIMEI, after=6 * DAY)
        state = case.state
        assert (case.phase, state.cycle, state.closed_at, state.resolved_at) == (Phase.ASSIGNED, 2, None, None)
        assert (state.close_reason, state.confirmation, state.plan) == (None, None, None)
        assert case.clock(K.RESOLUTION).started_at == MONDAY_9 + 6 * DAY
        assert case.wait(30 * DAY).state.ended is False

    def test_a_ticket_reopened_before_it_was_ever_accepted_goes_back_to_review(self) -> None:
        case = Case().do(C.WITHDRAW, HAN_MEIMEI).do(C.REOPEN, after=DAY)
        assert (case.phase, case.state.cycle) == (Phase.REVIEW, 2)
        assert case.clock(K.ACCEPTANCE, cycle=2).due_at == MONDAY_9 + DAY + 2 * HOUR
        case.do(C.ACCEPT)
        assert case.phase is Phase.ASSIGNED

    def test_a_resolved_ticket_reopens_without_a_callback(self) -> None:
        case = resolved().do(C.REOPEN, HAN_MEIMEI)
        assert (case.phase, case.state_of(K.CALLBACK)) == (Phase.ASSIGNED, ClockState.CANCELLED)

    def test_a_complex_ticket_owes_a_new_plan_in_the_next_cycle(self) -> None:
        case = Case().do(C.ACCEPT, complex=True).do(C.PLAN).do(C.APPROVE_PLAN).do(C.RESOLVE, result="resolved")
        called(case, "residual_issue", HOUR)
        assert (case.clock(K.PLAN).cycle, case.clock(K.PLAN).due_at) == (2, MONDAY_9 + 25 * HOUR)

    @pytest.mark.parametrize("outcome", list(CallbackOutcome))
    def test_every_outcome_leaves_a_legal_journal(self, outcome: CallbackOutcome) -> None:
        for kind in (Kind.FAULT, Kind.COMPLAINT):
            case = called(resolved(kind), str(outcome))
            assert_legal_journal(case.journal)


class TestAssignment:
    """Handing a ticket on."""

    def test_another_department_takes_the_ticket_without_the_old_one_s_people(self) -> None:
        case = Case(promises()).do(C.ACCEPT, department="repair", owner="li-lei", co_owners=["wang-fang"])
        case.do(C.ASSIGN, department="logistics")
        assert (case.state.department, case.state.owner, case.state.co_owners) == ("logistics", None, ())

    def test_the_same_department_keeps_its_people(self) -> None:
        case = Case(promises()).do(C.ACCEPT, department="repair", owner="li-lei")
        case.do(C.ASSIGN, department="repair", co_owners=["wang-fang"])
        assert (case.state.owner, case.state.co_owners) == ("li-lei", ("wang-fang",))
