"""Effects of a publication on a ticket (semantics.md 17, 18, 19), which a preview tells beforehand."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from services.contracts.base import format_instant
from services.contracts.journal import Event
from services.contracts.policy import Policy, StoredCalendar
from services.contracts.publication import Recalculation
from services.contracts.vocabulary import ClockName, ClockState, CommandName, Urgency, WaitReason
from services.promises.calendars import Calendar
from services.workflow.lifecycle.recalculation import Outdated, recalculate
from services.workflow.publications.effects import ClockMove, Effect
from services.workflow.publications.trial import Trial, Tried, changes_anything, moves_of_open, moves_of_past
from services.workflow.publications.trial import recalculation as recalculation_of
from tests.unit.workflow.ticket_driver import BY_ID, DAY, HOUR, MONDAY_9, NO_PROMISE, TICK, Case, promises

RESPONSE, RESOLUTION = ClockName.RESPONSE, ClockName.RESOLUTION
ANSWER_IN_A_DAY = {RESPONSE: "PT24H"}


def case(targets: Mapping[ClockName, str] = ANSWER_IN_A_DAY, **how: Any) -> Case:
    """A ticket of Monday 09:00 under a policy of these targets."""
    return Case(promises(targets, **how))


def trial_of(*policies: Policy, calendars: Mapping[str, Calendar] = BY_ID, generation: int = 2) -> Trial:
    """These policies in force."""
    return Trial(policies, calendars, BY_ID, generation)


def tried(ticket: Case) -> Tried:
    """The ticket as PostgreSQL holds it."""
    late = [clock for clock in ticket.clocks.values() if clock.ended_at and clock.breached_at]
    return Tried(ticket.state.model_copy(deep=True), ticket.life.policy, late)


def publish(ticket: Case, trial: Trial, name: str = "pub-1") -> Recalculation:
    """Recalculate the ticket, as its workflow does, and record that."""
    asked = recalculation_of(tried(ticket), trial, ticket.now, name)
    recalculate(ticket.life, asked, ticket.now)
    ticket.sleep(timedelta(0))
    return asked


def preview(ticket: Case, trial: Trial) -> Mapping[str, ClockMove]:
    """Moves that a preview tells, by clock."""
    return {f"{it.name}/{it.cycle}/{it.round}": it for it in moves_of_open(tried(ticket), trial, ticket.now)}


def recalculated(ticket: Case) -> Event:
    """The one event of it."""
    (event,) = ticket.events("ticket.recalculated")
    return event


def other(targets: Mapping[ClockName, str], **how: Any) -> Policy:
    """The next version of the policy."""
    return promises(targets, version=2, **how)


def test_rule_19_a_running_clock_keeps_its_start_and_gets_the_new_target() -> None:
    ticket = case().wait(HOUR)
    publish(ticket, trial_of(other({RESPONSE: "PT8H"})))
    clock = ticket.clock(RESPONSE)
    assert (clock.started_at, clock.due_at, clock.state) == (MONDAY_9, MONDAY_9 + 8 * HOUR, ClockState.RUNNING)
    assert (clock.policy_version, clock.retargeted_at) == (2, MONDAY_9 + HOUR)


def test_rule_19_the_journal_tells_both_due_times() -> None:
    ticket = case().wait(HOUR)
    publish(ticket, trial_of(other({RESPONSE: "PT8H"})))
    event = recalculated(ticket)
    assert event.command_id == "pub-1"
    assert event.data == {
        "publication": "pub-1",
        "policy": "test@2",
        "changes": [
            {
                "clock": "response",
                "cycle": 1,
                "round": 1,
                "due_from": "2026-03-03T01:00:00Z",
                "due_to": "2026-03-02T09:00:00Z",
            }
        ],
        "excused": [],
    }


def test_a_ticket_that_nothing_changes_is_not_told_and_writes_nothing() -> None:
    ticket = case().wait(HOUR)
    trial = trial_of(promises(ANSWER_IN_A_DAY))
    assert not changes_anything(tried(ticket), recalculation_of(tried(ticket), trial, ticket.now))
    before = ticket.state.version
    publish(ticket, trial)
    assert ticket.state.version == before


def test_a_policy_that_moves_no_due_time_is_in_the_journal_because_the_ticket_shows_it() -> None:
    ticket = case().wait(HOUR)
    publish(ticket, trial_of(other(ANSWER_IN_A_DAY)))
    assert (recalculated(ticket).data["changes"], recalculated(ticket).data["policy"]) == ([], "test@2")


def test_rule_17_a_paused_clock_is_due_by_the_new_target_when_it_runs_again() -> None:
    ticket = case({RESPONSE: "PT24H", RESOLUTION: "PT72H"})
    ticket.do(CommandName.ACCEPT).do(CommandName.WAIT, reason=WaitReason.CUSTOMER, after=HOUR).wait(HOUR)
    publish(ticket, trial_of(other({RESPONSE: "PT8H", RESOLUTION: "PT72H"})))
    assert (ticket.clock(RESPONSE).state, ticket.clock(RESPONSE).due_at) == (ClockState.PAUSED, None)
    assert recalculated(ticket).data["changes"] == [
        {"clock": "response", "cycle": 1, "round": 1, "due_from": None, "due_to": None}
    ]
    ticket.do(CommandName.RESUME, after=HOUR)
    assert ticket.clock(RESPONSE).due_at == MONDAY_9 + 8 * HOUR + 2 * HOUR


def test_rule_18_a_date_promised_by_a_person_does_not_move() -> None:
    ticket = case().do(CommandName.ACCEPT)
    ticket.do(CommandName.PROMISE, respond_by=format_instant(MONDAY_9 + 30 * HOUR))
    publish(ticket, trial_of(other({RESPONSE: "PT8H"})))
    assert ticket.clock(RESPONSE).due_at == MONDAY_9 + 30 * HOUR
    assert recalculated(ticket).data["changes"] == []
    gone = preview(ticket, trial_of(NO_PROMISE))["response/1/1"]
    assert (gone.effect, gone.due_to) == (Effect.NONE, MONDAY_9 + 30 * HOUR)


@pytest.mark.parametrize(
    ("target", "breached"), [("PT10H", False), ("PT9H59M59S", True)], ids=["due now", "due a second ago"]
)
def test_rule_17_a_new_due_time_that_has_passed_is_one_breach_dated_there(target: str, breached: bool) -> None:
    ticket = case(ANSWER_IN_A_DAY, warn_at=(0.5, 0.75)).wait(10 * HOUR)
    told = preview(ticket, trial_of(other({RESPONSE: target}, warn_at=(0.5, 0.75))))["response/1/1"]
    publish(ticket, trial_of(other({RESPONSE: target}, warn_at=(0.5, 0.75))))
    events = ticket.events("clock.breached")
    assert [event.data["retargeted"] for event in events] == [True] * breached
    assert (told.effect is Effect.NEW_BREACH, told.new_breach) == (breached, breached)
    if breached:
        assert not ticket.events("clock.warned")
        assert events[0].at == MONDAY_9 + 10 * HOUR - timedelta(seconds=1)


def test_a_warning_that_is_still_to_come_is_given_though_one_was_given_for_the_old_due_time() -> None:
    ticket = case(ANSWER_IN_A_DAY, warn_at=(0.5,)).wait(13 * HOUR)
    assert len(ticket.events("clock.warned")) == 1
    publish(ticket, trial_of(other({RESPONSE: "PT48H"}, warn_at=(0.5,))))
    ticket.wait(11 * HOUR)
    assert [event.at for event in ticket.events("clock.warned")] == [MONDAY_9 + 12 * HOUR, MONDAY_9 + DAY]


@pytest.mark.parametrize(("after", "given"), [(-TICK, 0), (timedelta(0), 1), (TICK, 1)], ids=["before", "at", "after"])
def test_a_warning_that_falls_on_the_instant_of_the_move_is_not_given_again(after: timedelta, given: int) -> None:
    ticket = case(ANSWER_IN_A_DAY, warn_at=(0.5,)).wait(13 * HOUR)
    clock = ticket.life.ledger.live(RESPONSE)
    assert clock is not None
    assert (clock.warned, clock.warn_at) == (1, (MONDAY_9 + 12 * HOUR,))
    ticket.life.ledger.date(clock, MONDAY_9 + 12 * HOUR + after)
    assert clock.warned == given


@pytest.mark.parametrize(("now", "excused"), [(48 * HOUR - TICK, True), (48 * HOUR, True), (48 * HOUR + TICK, False)])
def test_rule_19_an_unmet_breach_is_excused_while_the_new_due_time_is_not_past(now: timedelta, excused: bool) -> None:
    ticket = case().wait(now)
    trial = trial_of(other({RESPONSE: "PT48H"}))
    assert (preview(ticket, trial)["response/1/1"].effect is Effect.EXCUSED) is excused
    publish(ticket, trial)
    clock = ticket.clock(RESPONSE)
    assert (clock.state, clock.breached_at) == (ClockState.BREACHED, MONDAY_9 + DAY)
    assert (clock.excused_at is not None) is excused
    assert recalculated(ticket).data["excused"] == (["response/1/1"] if excused else [])
    assert ticket.breaches() == ["response"]


def test_rule_19_an_excused_clock_that_is_met_past_the_new_due_time_too_is_not_excused_after_all() -> None:
    in_time, late = case().wait(30 * HOUR), case().wait(30 * HOUR)
    for ticket, length in ((in_time, 18 * HOUR), (late, 18 * HOUR + TICK)):
        publish(ticket, trial_of(other({RESPONSE: "PT48H"})))
        ticket.do(CommandName.ACCEPT).do(CommandName.RESPOND, after=length)
        assert ticket.state_of(RESPONSE) is ClockState.MET_LATE
    assert in_time.clock(RESPONSE).excused_at is not None
    assert late.clock(RESPONSE).excused_at is None


@pytest.mark.parametrize(("target", "excused"), [("PT29H59M59S", False), ("PT30H", True), ("PT31H", True)])
def test_rule_19_a_clock_finished_late_is_excused_when_it_would_have_been_in_time(target: str, excused: bool) -> None:
    ticket = case({RESPONSE: "PT24H", RESOLUTION: "PT720H"}).do(CommandName.ACCEPT).wait(30 * HOUR)
    ticket.do(CommandName.RESPOND).wait(HOUR)
    asked = publish(ticket, trial_of(other({RESPONSE: target, RESOLUTION: "PT720H"})))
    assert asked.excused == (("response/1/1",) if excused else ())
    assert recalculated(ticket).data["excused"] == list(asked.excused)


def breached_then_waiting(reason: WaitReason = WaitReason.CUSTOMER) -> Case:
    """Promised in a day, missed, and since its 26th hour waiting."""
    ticket = case({RESPONSE: "PT24H", RESOLUTION: "PT720H"}).do(CommandName.ACCEPT)
    return ticket.do(CommandName.WAIT, after=26 * HOUR, reason=reason)


@pytest.mark.parametrize(("now", "excused"), [(50 * HOUR - TICK, True), (50 * HOUR, True), (50 * HOUR + TICK, False)])
def test_rule_19_what_was_waited_for_after_the_breach_would_have_moved_the_new_due_time(
    now: timedelta, excused: bool
) -> None:
    ticket = breached_then_waiting().do(CommandName.RESUME, after=10 * HOUR).wait_until(MONDAY_9 + now)
    trial = trial_of(other({RESPONSE: "PT40H"}))
    told = preview(ticket, trial)["response/1/1"]
    publish(ticket, trial)
    assert (told.effect is Effect.EXCUSED) is (ticket.clock(RESPONSE).excused_at is not None) is excused
    assert ticket.clock(RESPONSE).excused_until == (MONDAY_9 + 50 * HOUR if excused else None)
    assert ticket.clock(RESPONSE).due_at == MONDAY_9 + DAY


@pytest.mark.parametrize(
    ("target", "reason", "pausing", "excused"),
    [
        ("PT26H", WaitReason.CUSTOMER, None, False),  # it would have been missed at the instant that the wait began
        ("PT26H1S", WaitReason.CUSTOMER, None, True),
        ("PT40H", WaitReason.PARTS, None, False),  # a response does not wait for parts
        ("PT40H", WaitReason.PARTS, (WaitReason.PARTS,), True),  # unless the policy that is published says so
        ("PT40H", WaitReason.CUSTOMER, (), False),
    ],
)
def test_rule_19_a_breach_is_excused_by_a_wait_that_would_have_paused_its_clock_in_time(
    target: str, reason: WaitReason, pausing: tuple[WaitReason, ...] | None, excused: bool
) -> None:
    ticket = breached_then_waiting(reason).wait(30 * HOUR)
    policy = other({RESPONSE: target})
    rule = policy.clocks[RESPONSE].model_copy(update={"paused_by": pausing})
    publish(ticket, trial_of(policy.model_copy(update={"clocks": {RESPONSE: rule}})))
    assert (ticket.clock(RESPONSE).excused_at is not None) is excused


@pytest.mark.parametrize(("met_after", "excused"), [(14 * HOUR, True), (14 * HOUR + TICK, False)])
def test_rule_19_a_clock_that_would_stand_still_now_is_excused_as_long_as_if_it_ran_again(
    met_after: timedelta, excused: bool
) -> None:
    ticket = breached_then_waiting().wait(30 * HOUR)
    trial = trial_of(other({RESPONSE: "PT40H"}))
    until = ticket.now + 14 * HOUR
    assert preview(ticket, trial)["response/1/1"].due_to == until
    publish(ticket, trial)
    assert ticket.clock(RESPONSE).excused_until == until
    ticket.do(CommandName.RESPOND, after=met_after)
    assert (ticket.clock(RESPONSE).excused_at is not None) is excused


@pytest.mark.parametrize(("waited", "excused"), [(10 * HOUR - TICK, False), (10 * HOUR, True)])
def test_rule_19_a_clock_finished_late_would_have_been_moved_by_what_was_waited_for_before_its_end(
    waited: timedelta, excused: bool
) -> None:
    ticket = breached_then_waiting().do(CommandName.RESUME, after=waited).wait_until(MONDAY_9 + 50 * HOUR)
    ticket.do(CommandName.RESPOND).do(CommandName.WAIT, reason=WaitReason.CUSTOMER).wait(HOUR)
    asked = publish(ticket, trial_of(other({RESPONSE: "PT40H"})))
    assert asked.excused == (("response/1/1",) if excused else ())


def test_rule_19_a_clock_that_was_finished_while_the_ticket_waited_would_have_been_in_time() -> None:
    ticket = breached_then_waiting().do(CommandName.RESPOND, after=30 * HOUR)
    assert publish(ticket, trial_of(other({RESPONSE: "PT40H"}))).excused == ("response/1/1",)


def test_rule_20_what_a_later_cycle_waits_for_excuses_no_breach_of_an_earlier_one() -> None:
    ticket = case({RESPONSE: "PT24H"}).do(CommandName.ACCEPT).do(CommandName.RESPOND, after=41 * HOUR)
    ticket.do(CommandName.RESOLVE, result="resolved").do(CommandName.REOPEN)
    ticket.do(CommandName.WAIT, reason=WaitReason.CUSTOMER).wait(10 * HOUR)
    assert publish(ticket, trial_of(other({RESPONSE: "PT40H"}))).excused == ()
    assert publish(ticket, trial_of(other({RESPONSE: "PT41H"}), generation=3), "pub-2").excused == ("response/1/1",)


def test_what_was_excused_is_not_excused_again() -> None:
    ticket = case().wait(30 * HOUR)
    publish(ticket, trial_of(other({RESPONSE: "PT48H"})))
    again = trial_of(other({RESPONSE: "PT48H"}), generation=3)
    assert not changes_anything(tried(ticket), recalculation_of(tried(ticket), again, ticket.now))


def test_a_policy_that_no_longer_promises_ends_the_clock_and_one_that_does_now_starts_it_at_the_receipt() -> None:
    ticket = case().do(CommandName.ACCEPT).wait(HOUR)
    assert preview(ticket, trial_of(NO_PROMISE))["response/1/1"].effect is Effect.NO_LONGER_PROMISED
    publish(ticket, trial_of(NO_PROMISE))
    assert not ticket.has(RESPONSE)
    assert ticket.clock(RESPONSE).cancel_reason == "no_promise"
    told = [it for it in preview(ticket, trial_of(other({RESOLUTION: "PT72H"}))).values() if it.due_to]
    assert [(it.name, it.effect, it.due_to) for it in told] == [(RESOLUTION, Effect.PROMISED, MONDAY_9 + 72 * HOUR)]
    publish(ticket, trial_of(other({RESOLUTION: "PT72H"}), generation=3), "pub-2")
    assert ticket.clock(RESOLUTION).due_at == MONDAY_9 + 72 * HOUR
    changes: Any = ticket.events("ticket.recalculated")[-1].data["changes"]
    assert changes[0]["due_from"] is None


def test_the_first_policy_that_applies_is_chosen_by_the_facts_of_the_ticket() -> None:
    urgent = promises({RESPONSE: "PT1H"}, version=3).model_copy(
        update={"id": "urgent", "applies": Policy.model_validate(
            {"id": "x", "version": 1, "applies": [{"urgency": "urgent"}]}).applies}
    )  # fmt: skip
    calm = case().wait(TICK)
    hasty = Case(promises(ANSWER_IN_A_DAY), urgency=Urgency.URGENT).wait(TICK)
    for ticket in (calm, hasty):
        publish(ticket, trial_of(urgent, other(ANSWER_IN_A_DAY)))
    assert (calm.clock(RESPONSE).policy, hasty.clock(RESPONSE).policy) == ("test", "urgent")


def shorter_days() -> Calendar:
    """The second version of `cn`: Tuesday 3 March is a holiday."""
    stored = BY_ID["cn"]
    return Calendar.compile(
        StoredCalendar(
            id="cn",
            version=2,
            time_zone=str(stored.zone),
            hours={day: {"09:00": "18:00"} for day in ("mon", "tue", "wed", "thu", "fri")},
            holidays=("2026-03-03",),
        )
    )


def test_rule_19_a_calendar_alone_moves_a_due_time_and_keeps_the_policy() -> None:
    ticket = case({RESPONSE: "P1WD"}, calendar="cn").wait(HOUR)
    before = ticket.clock(RESPONSE).due_at
    assert before is not None
    publish(ticket, trial_of(ticket.policy, calendars={**BY_ID, "cn": shorter_days()}))
    clock = ticket.clock(RESPONSE)
    assert (clock.due_at, clock.calendar_version) == (before + DAY, 2)
    assert recalculated(ticket).data["policy"] == "test@1"


def test_rule_19_a_missed_clock_keeps_the_calendar_that_it_was_missed_by() -> None:
    ticket = case({RESPONSE: "P1WD"}, calendar="cn").wait(3 * DAY)
    missed = ticket.clock(RESPONSE)
    publish(ticket, trial_of(ticket.policy, calendars={**BY_ID, "cn": shorter_days()}))
    assert (missed.state, missed.calendar_version) == (ClockState.BREACHED, 1)
    assert ticket.clock(RESPONSE) == missed


def test_a_calendar_that_moves_no_due_time_is_counted_by_from_now_on_without_an_event() -> None:
    ticket = case({RESPONSE: "PT1WH"}, calendar="cn").wait(TICK)
    trial = trial_of(ticket.policy, calendars={**BY_ID, "cn": shorter_days()})
    assert changes_anything(tried(ticket), recalculation_of(tried(ticket), trial, ticket.now))
    publish(ticket, trial)
    assert ticket.clock(RESPONSE).calendar_version == 2
    assert not ticket.events("ticket.recalculated")


def test_a_calendar_that_will_move_a_paused_clock_is_in_the_journal() -> None:
    ticket = case({RESPONSE: "P1WD"}, calendar="cn").do(CommandName.ACCEPT)
    ticket.do(CommandName.WAIT, reason=WaitReason.CUSTOMER).wait(HOUR)
    publish(ticket, trial_of(ticket.policy, calendars={**BY_ID, "cn": shorter_days()}))
    assert ticket.clock(RESPONSE).calendar_version == 2
    assert recalculated(ticket).data["changes"] == [
        {"clock": "response", "cycle": 1, "round": 1, "due_from": None, "due_to": None}
    ]


def test_a_paused_clock_shows_how_far_it_would_move_though_it_has_no_due_time() -> None:
    ticket = case({RESPONSE: "PT24H"}).do(CommandName.ACCEPT)
    ticket.do(CommandName.WAIT, reason=WaitReason.CUSTOMER)
    move = preview(ticket, trial_of(other({RESPONSE: "PT20H"})))["response/1/1"]
    assert (move.effect, move.due_from, move.due_to, move.shift) == (Effect.EARLIER, None, None, -4 * HOUR)


@pytest.mark.parametrize(
    ("target", "effect", "late"),
    [
        ("PT24H", Effect.NONE, False),
        ("PT25H", Effect.LATER, False),
        ("PT20H", Effect.EARLIER, False),
        ("PT1H1S", Effect.EARLIER, False),
        ("PT1H", Effect.NEW_BREACH, True),  # it would have been missed when the wait began
    ],
)
def test_a_paused_clock_that_the_new_policy_lets_run_shows_when_it_would_be_due(
    target: str, effect: Effect, late: bool
) -> None:
    ticket = case({RESPONSE: "PT24H"}).do(CommandName.ACCEPT)
    ticket.do(CommandName.WAIT, after=HOUR, reason=WaitReason.CUSTOMER).wait(5 * HOUR)
    policy = other({RESPONSE: target})
    rule = policy.clocks[RESPONSE].model_copy(update={"paused_by": ()})
    trial = trial_of(policy.model_copy(update={"clocks": {RESPONSE: rule}}))
    move = preview(ticket, trial)["response/1/1"]
    publish(ticket, trial)
    assert (move.effect, move.due_from, move.new_breach) == (effect, None, late)
    assert move.due_to == ticket.clock(RESPONSE).due_at
    assert (ticket.state_of(RESPONSE) is ClockState.BREACHED) is late


def test_a_paused_clock_shows_how_far_another_calendar_would_move_it() -> None:
    ticket = case({RESPONSE: "P1WD"}, calendar="cn").do(CommandName.ACCEPT)
    ticket.do(CommandName.WAIT, reason=WaitReason.CUSTOMER)
    move = preview(ticket, trial_of(ticket.policy, calendars={**BY_ID, "cn": shorter_days()}))["response/1/1"]
    assert (move.effect, move.shift) == (Effect.LATER, DAY)


def test_what_was_computed_from_an_older_state_is_refused_and_changes_nothing() -> None:
    ticket = case()
    asked = recalculation_of(tried(ticket), trial_of(other({RESPONSE: "PT8H"})), ticket.now, "pub-1")
    ticket.do(CommandName.TAG, add=["vip"])
    with pytest.raises(Outdated):
        recalculate(ticket.life, asked, ticket.now)
    assert ticket.clock(RESPONSE).due_at == MONDAY_9 + DAY


def test_an_earlier_publication_never_follows_a_later_one() -> None:
    ticket = case({RESPONSE: "PT1WH"}, calendar="cn")
    earlier = recalculation_of(tried(ticket), trial_of(other({RESPONSE: "PT8H"})), ticket.now, "pub-1")
    publish(ticket, trial_of(ticket.policy, calendars={**BY_ID, "cn": shorter_days()}, generation=3), "pub-2")
    assert earlier.expected_version == ticket.state.version
    with pytest.raises(Outdated):
        recalculate(ticket.life, earlier, ticket.now)


def test_a_publication_may_come_again_once_it_was_applied() -> None:
    ticket, trial = case(), trial_of(other({RESPONSE: "PT8H"}))
    publish(ticket, trial)
    publish(ticket.do(CommandName.TAG, add=["vip"]), trial)
    assert ticket.clock(RESPONSE).due_at == MONDAY_9 + 8 * HOUR


@pytest.mark.parametrize(
    ("met_after", "target", "effect"),
    [
        (HOUR, "PT1H", Effect.EARLIER),
        (HOUR, "PT59M", Effect.NEW_BREACH),
        (30 * HOUR, "PT30H", Effect.EXCUSED),
        (30 * HOUR, "PT29H", Effect.NONE),
        (HOUR, "PT48H", Effect.LATER),
    ],
)
def test_the_past_tells_which_verdicts_would_have_been_others(
    met_after: timedelta, target: str, effect: Effect
) -> None:
    ticket = case({RESPONSE: "PT24H"}).do(CommandName.ACCEPT).do(CommandName.RESPOND, after=met_after)
    past = Tried(ticket.state, ticket.life.policy, [ticket.clock(RESPONSE)])
    (move,) = moves_of_past(past, trial_of(other({RESPONSE: target})))
    assert move.effect is effect


def test_trying_leaves_the_ticket_as_it_is() -> None:
    ticket = case().wait(HOUR)
    stored = tried(ticket)
    before = stored.state.model_dump_json()
    list(moves_of_open(stored, trial_of(NO_PROMISE), ticket.now))
    assert stored.state.model_dump_json() == before
