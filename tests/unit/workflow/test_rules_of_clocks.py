"""The rules of semantics.md about clocks, each under its number."""

from datetime import timedelta

import pytest

from services.contracts.commands.table import HELD_BY_A_MISSED_CLOCK
from services.contracts.policy import ClockRule, Policy
from services.contracts.vocabulary import ClockName, ClockState, CommandName, Urgency
from services.workflow.lifecycle.life import IllegalCommand
from services.workflow.lifecycle.transitions import legal_commands
from tests.unit.workflow.ticket_driver import (
    DAY,
    HAN_MEIMEI,
    HOUR,
    LI_LEI,
    MINUTE,
    MONDAY_9,
    NO_PROMISE,
    TICK,
    WANG_FANG,
    Case,
    promises,
)

C, K = CommandName, ClockName
LOW_BY_APPOINTMENT = {"urgent": "PT24H", "normal": "PT24H", "low": None}


def instant(after: timedelta) -> str:
    """An instant after the receipt, as commands write it."""
    return (MONDAY_9 + after).isoformat()


def owned(policy: Policy | None = None, **options: object) -> Case:
    """A ticket that 李雷 handles, 王芳 helping, since Monday, 09:00."""
    return Case(policy, **options).do(C.ACCEPT, owner=LI_LEI.id, co_owners=["wu-gang"])  # type: ignore[arg-type]


class TestReasonsFirst:
    """A missed clock: the owner notes the reason before the next step (product.md 5)."""

    @pytest.mark.parametrize("command", sorted(HELD_BY_A_MISSED_CLOCK))
    def test_the_owner_s_next_step_needs_the_reason(self, command: CommandName) -> None:
        case = owned().wait(25 * HOUR)
        case.do(C.WAIT, WANG_FANG, reason="parts")
        assert case.breaches() == ["response", "progress"]
        with pytest.raises(IllegalCommand) as refused:
            case.do(command)
        assert C.EXPLAIN_BREACH in refused.value.allowed
        assert command not in refused.value.allowed
        assert "response/1/1" in str(refused.value)
        case.do(C.EXPLAIN_BREACH, clock="response").do(C.EXPLAIN_BREACH, clock="progress")
        assert command in legal_commands(case.state, LI_LEI)

    @pytest.mark.parametrize(("late_by", "owes"), [(timedelta(0), False), (TICK, True)])
    def test_it_is_owed_from_the_breach_on(self, late_by: timedelta, owes: bool) -> None:
        case = owned(promises({K.RESPONSE: "PT24H"})).wait(24 * HOUR + late_by)
        assert (C.RESPOND not in legal_commands(case.state, LI_LEI)) is owes

    def test_a_co_owner_owes_it_too_and_nobody_else(self) -> None:
        case = owned(promises({K.RESPONSE: "PT24H"})).wait(25 * HOUR)
        co_owner = LI_LEI.model_copy(update={"id": "wu-gang"})
        key = LI_LEI.model_copy(update={"kind": "api_key"})
        assert C.RESPOND not in legal_commands(case.state, co_owner)
        for other in (WANG_FANG, HAN_MEIMEI, key):
            assert C.RESPOND in legal_commands(case.state, other)
        assert case.do(C.RESPOND, WANG_FANG).state.responded_at is not None

    def test_what_moves_nothing_stays_possible(self) -> None:
        case = owned().wait(25 * HOUR)
        case.do(C.CHASE).do(C.TAG, add=["a"]).do(C.CUSTOMER_MESSAGE, HAN_MEIMEI).do(C.RECLASSIFY, category="other")
        case.do(C.ASSIGN, co_owners=[])
        assert case.state.owed_reasons == ["response/1/1", "progress/1/1"]

    def test_the_clerks_clocks_are_not_the_owner_s(self) -> None:
        case = Case(promises({K.ACCEPTANCE: "PT1H"})).do(C.ASSIGN, owner=LI_LEI.id).do(C.ACCEPT, after=2 * HOUR)
        assert case.state.unexplained == ["acceptance/1/1"]
        assert case.do(C.RESPOND).state.responded_at is not None

    def test_what_was_missed_before_there_was_an_owner_is_not_theirs(self) -> None:
        case = Case(promises({K.RESPONSE: "PT1H"})).wait(2 * HOUR).do(C.ACCEPT, owner=LI_LEI.id)
        assert case.do(C.RESPOND).state.responded_at is not None

    def test_a_new_owner_finds_out_what_the_former_one_left_owing(self) -> None:
        case = owned(promises({K.RESPONSE: "PT24H"})).wait(25 * HOUR).do(C.ASSIGN, owner="wu-gang")
        assert C.RESPOND in legal_commands(case.state, LI_LEI)
        assert C.RESPOND not in legal_commands(case.state, LI_LEI.model_copy(update={"id": "wu-gang"}))


class TestRule9And18:
    """Dates that a person promises, and appointments."""

    def test_rule_18_a_promised_date_stays_through_a_new_target_and_a_pause(self) -> None:
        case = owned(promises({K.RESOLUTION: {"urgent": "PT10H", "*": "PT72H"}}))
        case.do(C.PROMISE, resolve_by=instant(30 * HOUR)).do(C.RECLASSIFY, urgency="urgent", choose=True)
        assert case.clock(K.RESOLUTION).due_at == MONDAY_9 + 30 * HOUR
        case.do(C.WAIT, after=HOUR, reason="parts").do(C.RECLASSIFY, urgency="normal", choose=True)
        case.do(C.RESUME, after=HOUR)
        assert case.clock(K.RESOLUTION).due_at == MONDAY_9 + 30 * HOUR

    def test_rule_18_a_promised_date_outlives_a_policy_that_promises_nothing(self) -> None:
        case = owned().do(C.PROMISE, resolve_by=instant(30 * HOUR))
        case.policy = NO_PROMISE
        case.do(C.RECLASSIFY, kind="praise", choose=True)
        assert {clock.name for clock in case.state.clocks} == {K.RESOLUTION}
        assert case.wait(31 * HOUR).breaches() == ["resolution"]

    @pytest.mark.parametrize(
        ("met_after", "verdict"),
        [(30 * HOUR - TICK, ClockState.MET), (30 * HOUR, ClockState.MET), (30 * HOUR + TICK, ClockState.MET_LATE)],
    )
    def test_rule_18_by_appointment_the_promised_date_starts_the_clock(
        self, met_after: timedelta, verdict: ClockState
    ) -> None:
        case = Case(promises({K.RESPONSE: LOW_BY_APPOINTMENT}), urgency=Urgency.LOW)
        assert not case.has(K.RESPONSE)
        case.do(C.PROMISE, respond_by=instant(30 * HOUR), after=HOUR)
        clock = case.clock(K.RESPONSE)
        assert (clock.due_at, clock.by_promise, clock.target) == (MONDAY_9 + 30 * HOUR, True, "PT104400S")
        case.wait_until(MONDAY_9 + met_after).do(C.RESPOND)
        assert case.state_of(K.RESPONSE) is verdict

    def test_rule_18_a_date_is_kept_also_where_no_policy_applies(self) -> None:
        case = owned(NO_PROMISE).do(C.PROMISE, resolve_by=instant(30 * HOUR))
        assert case.wait(31 * HOUR).breaches() == ["resolution"]

    def test_rule_18_a_date_for_an_answer_that_was_given_starts_nothing(self) -> None:
        case = owned(NO_PROMISE).do(C.RESPOND).do(C.PROMISE, respond_by=instant(30 * HOUR))
        assert not case.has(K.RESPONSE)

    def test_rule_18_a_promise_is_warned_of_in_its_own_time(self) -> None:
        case = owned(promises({K.RESOLUTION: "PT10H"}, warn_at=(0.5,))).wait(6 * HOUR)
        case.do(C.PROMISE, resolve_by=instant(20 * HOUR)).wait(10 * HOUR)
        assert [event.at - MONDAY_9 for event in case.events("clock.warned")] == [5 * HOUR, 10 * HOUR]

    def test_rule_9_an_appointment_s_end_is_the_callback_s_due_time_without_any_other(self) -> None:
        case = owned(NO_PROMISE).do(C.RESOLVE, result="resolved")
        case.do(C.WAIT, reason="appointment", until=instant(DAY))
        assert case.clock(K.CALLBACK).due_at == MONDAY_9 + DAY
        case.do(C.RECORD_CALLBACK, after=HOUR, outcome="satisfied", channel="phone")
        assert case.state_of(K.CALLBACK) is ClockState.MET


def in_departments() -> Policy:
    """Eight working hours to resolve; repair keeps other hours than the others."""
    policy = promises({K.RESOLUTION: "PT8WH"}, calendar="cn")
    return policy.model_copy(update={"calendars": {"repair": "always"}})


class TestRule17:
    """Change under way: start and ledger stay, the new target applies."""

    def test_a_department_with_hours_of_its_own_is_promised_by_them(self) -> None:
        case = Case(in_departments()).do(C.ACCEPT, department="sales")
        in_the_office = case.clock(K.RESOLUTION).due_at
        assert in_the_office == MONDAY_9 + DAY + 30 * MINUTE
        case.do(C.ASSIGN, department="repair", choose=True)
        clock = case.clock(K.RESOLUTION)
        assert (clock.calendar, clock.due_at, clock.started_at) == ("always", MONDAY_9 + 8 * HOUR, MONDAY_9)
        case.do(C.ASSIGN, department="sales", choose=True)
        assert case.clock(K.RESOLUTION).due_at == in_the_office

    def test_a_clock_that_starts_in_a_department_goes_by_its_calendar(self) -> None:
        policy = in_departments().model_copy(update={"clocks": {K.CALLBACK: ClockRule(target="PT8WH")}})
        case = Case(policy).do(C.ACCEPT, department="repair").do(C.RESOLVE, result="resolved")
        assert case.clock(K.CALLBACK).due_at == MONDAY_9 + 8 * HOUR

    def test_another_department_during_a_pause_keeps_the_pause(self) -> None:
        case = Case(in_departments()).do(C.ACCEPT, department="repair").do(C.WAIT, after=HOUR, reason="parts")
        case.do(C.ASSIGN, department="sales", choose=True)
        assert (case.state_of(K.RESOLUTION), case.clock(K.RESOLUTION).due_at) == (ClockState.PAUSED, None)
        case.do(C.RESUME, after=HOUR)
        assert case.clock(K.RESOLUTION).due_at == MONDAY_9 + DAY + 90 * MINUTE

    def test_another_policy_of_a_new_department_applies_from_the_old_start(self) -> None:
        case = owned().wait(HOUR)
        case.policy = promises({K.RESOLUTION: "PT10H"}, version=2)
        case.do(C.ASSIGN, department="sales", choose=True)
        assert case.clock(K.RESOLUTION).due_at == MONDAY_9 + 10 * HOUR
        assert case.events("ticket.assigned")[-1].data["policy"] == "test@2"
        assert case.clock(K.PROGRESS).cancel_reason == "no_promise"

    def test_a_new_due_time_that_has_passed_is_one_breach_and_no_late_warning(self) -> None:
        case = owned(promises({K.RESOLUTION: "PT72H"}, warn_at=(0.5, 0.75))).wait(20 * HOUR)
        case.policy = promises({K.RESOLUTION: "PT10H"}, warn_at=(0.5, 0.75), version=2)
        case.do(C.ASSIGN, department="sales", choose=True).wait(5 * DAY)
        (breach,) = case.events("clock.breached")
        assert (breach.data["retargeted"], breach.at) == (True, MONDAY_9 + 10 * HOUR)
        assert case.events("clock.warned") == []

    def test_a_later_due_time_is_warned_of_again(self) -> None:
        case = owned(promises({K.RESOLUTION: "PT10H"}, warn_at=(0.5,))).wait(6 * HOUR)
        case.policy = promises({K.RESOLUTION: "PT40H"}, warn_at=(0.5,), version=2)
        case.do(C.RECLASSIFY, category="other", choose=True).wait(30 * HOUR)
        assert [event.at - MONDAY_9 for event in case.events("clock.warned")] == [5 * HOUR, 20 * HOUR]

    def test_a_policy_of_the_same_targets_warns_no_second_time(self) -> None:
        case = owned(promises({K.RESOLUTION: "PT10H"}, warn_at=(0.5,))).wait(6 * HOUR)
        case.policy = promises({K.RESOLUTION: "PT10H"}, warn_at=(0.5,), version=2)
        case.do(C.RECLASSIFY, category="other", choose=True).wait(HOUR)
        assert len(case.events("clock.warned")) == 1

    def test_a_policy_that_applies_only_since_acceptance_credits_the_pauses_before(self) -> None:
        case = Case(NO_PROMISE).do(C.REQUEST_INFORMATION, after=HOUR, fields=["product.serial_no"])
        case.do(C.SUPPLY_INFORMATION, HAN_MEIMEI, after=5 * HOUR)
        case.policy = promises({K.RESPONSE: "PT24H", K.RESOLUTION: "PT72H", K.CALLBACK: "PT24H"})
        case.do(C.ACCEPT, after=HOUR)
        assert case.clock(K.RESPONSE).due_at == MONDAY_9 + 29 * HOUR
        assert case.clock(K.RESOLUTION).due_at == MONDAY_9 + 77 * HOUR
        assert [(bool(it.reasons)) for it in case.clock(K.RESPONSE).segments] == [False, True, False]

    def test_a_policy_that_applies_only_since_a_pause_starts_its_clocks_paused(self) -> None:
        case = Case(NO_PROMISE).do(C.ACCEPT).do(C.WAIT, after=HOUR, reason="parts").do(C.RESUME, after=2 * HOUR)
        case.do(C.WAIT, after=HOUR, reason="customer").do(C.WAIT, after=HOUR, reason="parts")
        case.policy = promises({K.RESOLUTION: "PT72H", K.PROGRESS: "PT24H"})
        case.do(C.ASSIGN, department="sales", choose=True, after=HOUR)
        assert case.clock(K.RESOLUTION).paused_reasons == ("customer", "parts")
        assert case.state_of(K.PROGRESS) is ClockState.PAUSED
        case.do(C.RESUME, after=HOUR)
        assert case.clock(K.RESOLUTION).due_at == MONDAY_9 + (72 + 2 + 3) * HOUR
        assert case.clock(K.PROGRESS).due_at == MONDAY_9 + (6 + 24 + 1) * HOUR

    def test_a_policy_that_applies_only_since_the_resolution_promises_the_callback_from_it(self) -> None:
        case = Case(NO_PROMISE).do(C.ACCEPT).do(C.RESOLVE, result="resolved", after=HOUR)
        case.policy = promises()
        case.do(C.RECLASSIFY, category="other", choose=True, after=HOUR)
        assert {clock.name: clock.due_at for clock in case.state.clocks} == {K.CALLBACK: MONDAY_9 + 25 * HOUR}

    def test_in_a_later_cycle_a_late_promise_counts_from_the_reopening(self) -> None:
        case = Case(NO_PROMISE).do(C.ACCEPT).do(C.RESOLVE, result="resolved").do(C.REOPEN, after=DAY)
        case.policy = promises()
        case.do(C.ASSIGN, department="sales", choose=True, after=HOUR)
        assert case.clock(K.RESOLUTION).started_at == MONDAY_9 + DAY
        assert not case.has(K.RESPONSE)


class TestCallbackRecords:
    """A callback is recorded within 10 minutes of the call (product.md 5): a mark, not a clock."""

    @pytest.mark.parametrize(
        ("called_before", "late"), [(10 * MINUTE - TICK, False), (10 * MINUTE, False), (10 * MINUTE + TICK, True)]
    )
    def test_it_is_marked_when_it_comes_later(self, called_before: timedelta, late: bool) -> None:
        case = owned().do(C.RESOLVE, result="resolved").wait(HOUR)
        called_at = (case.now - called_before).isoformat()
        case.do(C.RECORD_CALLBACK, outcome="satisfied", channel="phone", called_at=called_at)
        assert case.events("ticket.callback_recorded")[0].data["recorded_late"] is late

    def test_the_policy_says_how_much_later(self) -> None:
        case = owned(promises(callback_record_within="PT2H")).do(C.RESOLVE, result="resolved").wait(2 * HOUR)
        case.do(C.RECORD_CALLBACK, outcome="satisfied", channel="phone", called_at=instant(HOUR))
        assert case.events("ticket.callback_recorded")[0].data["recorded_late"] is False

    def test_the_clock_is_met_by_the_record_and_not_by_what_somebody_says_of_the_call(self) -> None:
        case = owned().do(C.RESOLVE, result="resolved").wait(24 * HOUR + MINUTE)
        case.do(C.RECORD_CALLBACK, outcome="satisfied", channel="phone", called_at=instant(23 * HOUR))
        assert case.state_of(K.CALLBACK) is ClockState.MET_LATE

    def test_a_question_left_open_is_named_by_both(self) -> None:
        case = owned().do(C.RESOLVE, result="resolved")
        case.do(C.RECORD_CALLBACK, outcome="satisfied", channel="phone", follow_up="20260302002")
        assert case.state.followed_by == ("20260302002",)
        assert case.events("ticket.callback_recorded")[0].data["follow_up"] == "20260302002"


class TestLadders:
    """Every event that alerts names the ladder that climbs for it."""

    def test_a_warning_and_a_breach_name_the_clock_s_ladder(self) -> None:
        rule = ClockRule(target="PT10H", warn_at=(0.5,), ladder="repairs")
        policy = promises().model_copy(update={"clocks": {K.RESPONSE: rule, K.RESOLUTION: rule}})
        case = Case(policy).do(C.ACCEPT).wait(20 * HOUR)
        events = [*case.events("clock.warned"), *case.events("clock.breached")]
        assert len(events) == 4
        assert {event.data["ladder"] for event in events} == {"repairs"}

    def test_a_new_policy_brings_its_ladder(self) -> None:
        case = owned()
        rule = ClockRule(target="PT72H", ladder="repairs")
        case.policy = promises(version=2).model_copy(update={"clocks": {K.RESOLUTION: rule}})
        case.do(C.ASSIGN, department="sales", choose=True)
        assert case.clock(K.RESOLUTION).ladder == "repairs"


class TestTheOtherRules:
    """Rules that were so before, under their numbers."""

    def test_rule_14_progress_starts_with_each_visible_word_to_the_customer(self) -> None:
        case = owned().do(C.RESPOND, after=HOUR).do(C.PROGRESS, after=HOUR, visible=True)
        case.do(C.PLAN, after=HOUR).do(C.PROGRESS, after=HOUR, visible=False)
        assert (case.clock(K.PROGRESS).round, case.clock(K.PROGRESS).started_at) == (4, MONDAY_9 + 3 * HOUR)

    def test_rule_15_the_oldest_unanswered_message_counts_and_any_visible_answer_stops_it(self) -> None:
        case = owned().do(C.CUSTOMER_MESSAGE, HAN_MEIMEI, after=HOUR).do(C.CUSTOMER_MESSAGE, HAN_MEIMEI, after=HOUR)
        assert case.clock(K.CUSTOMER_WAIT).due_at == MONDAY_9 + 5 * HOUR
        case.do(C.PROGRESS, visible=False)
        assert case.has(K.CUSTOMER_WAIT)
        case.do(C.PROGRESS, after=HOUR, visible=True)
        assert case.clock(K.CUSTOMER_WAIT).met_at == MONDAY_9 + 3 * HOUR
        case.do(C.CUSTOMER_MESSAGE, HAN_MEIMEI, after=HOUR)
        assert case.clock(K.CUSTOMER_WAIT).started_at == MONDAY_9 + 4 * HOUR

    def test_rule_15_a_late_answer_is_one_breach_however_often_the_customer_writes(self) -> None:
        case = owned(promises({K.CUSTOMER_WAIT: "PT4H"})).do(C.CUSTOMER_MESSAGE, HAN_MEIMEI).wait(5 * HOUR)
        case.do(C.CUSTOMER_MESSAGE, HAN_MEIMEI).wait(5 * HOUR)
        assert case.breaches() == ["customer_wait"]
        assert case.do(C.RESPOND, WANG_FANG).state_of(K.CUSTOMER_WAIT) is ClockState.MET_LATE

    def test_rule_16_handing_a_ticket_on_resets_nothing_towards_the_customer(self) -> None:
        case = owned().do(C.ASSIGN, department="sales", owner="wu-gang", choose=True, after=5 * HOUR)
        assert {clock.started_at for clock in case.state.clocks} == {MONDAY_9}

    def test_rule_20_the_time_between_two_cycles_never_counts(self) -> None:
        case = owned().do(C.RESOLVE, result="resolved", after=HOUR).do(C.REOPEN, after=5 * DAY)
        first, second = case.clock(K.RESOLUTION, cycle=1), case.clock(K.RESOLUTION, cycle=2)
        assert (first.ended_at, second.started_at) == (MONDAY_9 + HOUR, MONDAY_9 + HOUR + 5 * DAY)
        assert case.state.waited == []


@pytest.mark.parametrize("stored", [1, 4])
def test_a_ticket_stored_before_the_first_release_lives_by_its_rules(stored: int) -> None:
    state = Case().state
    assert type(state).model_validate(state.model_dump(mode="json") | {"rules": stored}).rules == state.rules == 1
