"""product.md 4 and 5: which policy applies, what D0 promises, and how priority is rated."""

from dataclasses import replace
from typing import Any

import pytest

from services.contracts.policy import Policy
from services.contracts.vocabulary import Category, Channel, ClockName, Kind, Priority, Tier, Urgency
from services.promises.calendars import Calendar
from services.promises.policies import PolicyFacts, built_in, choose, first_promises, snapshot
from services.promises.priority import priority_of
from tests.unit.promises.instants import ALWAYS, CN, calendar, local

CALENDARS = {"cn": CN, "always": ALWAYS}
FACTS = PolicyFacts(
    kind=Kind.FAULT,
    category=Category.PRODUCT_FAULT,
    urgency=Urgency.NORMAL,
    priority=Priority.MEDIUM,
    tier=Tier.STANDARD,
    channel=Channel.WEB,
)
D0 = built_in().policies[0]
RECEIVED = local("2026-09-30 17:30")


def policy(**fields: Any) -> Policy:
    """A policy without promises, unless told otherwise."""
    return Policy.model_validate({"id": "p", "version": 1, **fields})


def test_the_first_policy_that_applies_wins() -> None:
    complaints = policy(id="complaints", applies=[{"kind": ["complaint", "fault"]}])
    everything = policy(id="everything")
    assert choose([complaints, everything], FACTS) is complaints
    assert choose([everything, complaints], FACTS) is everything
    assert choose([complaints], replace(FACTS, kind=Kind.PRAISE)) is None
    assert choose([], FACTS) is None


@pytest.mark.parametrize("applies", [[], [{}]])
def test_a_policy_without_conditions_applies_to_every_ticket(applies: list[dict[str, str]]) -> None:
    assert choose([policy(applies=applies)], FACTS) is not None


@pytest.mark.parametrize(
    ("condition", "applies"),
    [
        ({"kind": "fault", "urgency": ["normal", "low"]}, True),
        ({"kind": "fault", "urgency": "urgent"}, False),
        ({"category": "product_fault", "priority": "medium", "tier": "standard", "channel": ["web", "app"]}, True),
        ({"tier": "vip"}, False),
        ({"channel": "phone"}, False),
        ({"department": "repairs"}, False),
        ({"kind": []}, False),
    ],
)
def test_every_field_that_a_condition_names_must_hold(condition: dict[str, object], applies: bool) -> None:
    assert (choose([policy(applies=[condition])], FACTS) is not None) is applies


def test_one_condition_of_several_is_enough() -> None:
    either = policy(applies=[{"tier": "vip"}, {"department": "repairs"}])
    assert choose([either], replace(FACTS, department="repairs")) is either


@pytest.mark.parametrize(
    ("clock", "urgency", "target"),
    [
        (ClockName.ACCEPTANCE, Urgency.NORMAL, "PT2WH"),
        (ClockName.INFORMATION_REQUEST, Urgency.NORMAL, "P1WD"),
        (ClockName.RESPONSE, Urgency.URGENT, "PT24H"),
        (ClockName.RESPONSE, Urgency.NORMAL, "P3WD"),
        (ClockName.RESPONSE, Urgency.LOW, "P5WD"),
        (ClockName.PLAN, Urgency.NORMAL, "PT24H"),
        (ClockName.PROGRESS, Urgency.URGENT, "PT4H"),
        (ClockName.PROGRESS, Urgency.NORMAL, "PT24H"),
        (ClockName.PROGRESS, Urgency.LOW, "PT24H"),
        (ClockName.RESOLUTION, Urgency.URGENT, "PT24H"),
        (ClockName.RESOLUTION, Urgency.NORMAL, "P3WD"),
        (ClockName.CALLBACK, Urgency.NORMAL, "P1WD"),
        (ClockName.SECOND_CALLBACK, Urgency.NORMAL, "PT24H"),
    ],
)
def test_the_default_policy_is_d0s_column(clock: ClockName, urgency: Urgency, target: str) -> None:
    assert D0.clocks[clock].target_for(urgency) == target


def test_the_default_policy_applies_to_everything_and_promises_no_answer_to_waiting_customers() -> None:
    assert choose(built_in().policies, FACTS) is D0
    assert ClockName.CUSTOMER_WAIT not in D0.clocks
    assert (built_in().generation, D0.version) == (0, 1)
    assert {stored.id for stored in built_in().calendars} == {"cn", "always"}


def test_a_snapshot_keeps_what_a_ticket_lives_by() -> None:
    kept = snapshot(D0)
    assert (kept.id, kept.version, kept.calendar) == (D0.id, D0.version, D0.calendar)
    assert (kept.clocks, kept.settings) == (D0.clocks, D0.settings)


def test_a_complete_feedback_is_promised_acceptance_response_and_resolution() -> None:
    promises = {promise.clock: promise for promise in first_promises(D0, FACTS, RECEIVED, True, CALENDARS)}
    assert set(promises) == {ClockName.ACCEPTANCE, ClockName.RESPONSE, ClockName.RESOLUTION}
    acceptance = promises[ClockName.ACCEPTANCE]
    assert acceptance.due_at == local("2026-10-08 10:30")
    assert acceptance.warn_at == (local("2026-10-08 10:00"),)
    assert (acceptance.target, acceptance.calendar, acceptance.calendar_version) == ("PT2WH", "cn", 1)
    assert promises[ClockName.RESPONSE].due_at == local("2026-10-10 18:00")


def test_an_incomplete_feedback_is_also_promised_a_request_for_what_is_missing() -> None:
    promises = {promise.clock: promise for promise in first_promises(D0, FACTS, RECEIVED, False, CALENDARS)}
    assert promises[ClockName.INFORMATION_REQUEST].due_at == local("2026-10-08 18:00")


def test_an_urgent_feedback_is_promised_a_response_in_24_hours_by_the_wall() -> None:
    promises = first_promises(D0, replace(FACTS, urgency=Urgency.URGENT), RECEIVED, True, CALENDARS)
    assert {promise.due_at for promise in promises if promise.clock is not ClockName.ACCEPTANCE} == {
        local("2026-10-01 17:30")
    }


def test_a_policy_without_clocks_promises_nothing() -> None:
    assert first_promises(policy(), FACTS, RECEIVED, False, CALENDARS) == ()


def test_an_urgency_without_a_target_is_promised_nothing() -> None:
    urgent_only = policy(clocks={"response": {"target": {"urgent": "PT1H", "low": None}}})
    assert first_promises(urgent_only, FACTS, RECEIVED, True, CALENDARS) == ()
    assert first_promises(urgent_only, replace(FACTS, urgency=Urgency.LOW), RECEIVED, True, CALENDARS) == ()


@pytest.mark.parametrize("calendars", [{}, {"cn": calendar(hours={})}])
def test_what_cannot_be_dated_is_not_promised_and_never_an_error(calendars: dict[str, Calendar]) -> None:
    assert first_promises(policy(clocks={"acceptance": {"target": "PT2WH"}}), FACTS, RECEIVED, True, calendars) == ()


def test_a_department_that_keeps_other_hours_is_promised_by_its_own_calendar() -> None:
    hours = {"calendar": "cn", "calendars": {"night": "always"}, "clocks": {"acceptance": {"target": "PT2WH"}}}
    at_night = local("2026-09-30 22:00")
    for department, calendar_id, due_at in (
        (None, "cn", "2026-10-08 11:00"),
        ("day", "cn", "2026-10-08 11:00"),
        ("night", "always", "2026-10-01 00:00"),
    ):
        facts = replace(FACTS, department=department)
        (promise,) = first_promises(policy(**hours), facts, at_night, True, CALENDARS)
        assert (promise.calendar, promise.due_at) == (calendar_id, local(due_at))


@pytest.mark.parametrize(
    ("urgency", "tier", "affected_count", "priority"),
    [
        (Urgency.URGENT, Tier.STANDARD, 1, Priority.HIGH),
        (Urgency.NORMAL, Tier.STANDARD, 1, Priority.MEDIUM),
        (Urgency.LOW, Tier.STANDARD, 1, Priority.LOW),
        (Urgency.URGENT, Tier.VIP, 1, Priority.HIGH),
        (Urgency.NORMAL, Tier.VIP, 1, Priority.HIGH),
        (Urgency.LOW, Tier.VIP, 1, Priority.MEDIUM),
        (Urgency.LOW, Tier.STANDARD, 4, Priority.LOW),
        (Urgency.LOW, Tier.STANDARD, 5, Priority.HIGH),
        (Urgency.NORMAL, Tier.STANDARD, 6, Priority.HIGH),
    ],
)
def test_priority_comes_from_urgency_tier_and_impact(
    urgency: Urgency, tier: Tier, affected_count: int, priority: Priority
) -> None:
    assert priority_of(urgency, tier, affected_count) is priority


def test_clocks_of_one_target_have_each_their_own_warnings() -> None:
    clocks = {"response": {"target": "P3WD"}, "resolution": {"target": "P3WD", "warn_at": ["PT4WH"]}}
    response, resolution = first_promises(policy(clocks=clocks), FACTS, RECEIVED, True, CALENDARS)
    alone = [
        first_promises(policy(clocks={name: rule}), FACTS, RECEIVED, True, CALENDARS)[0]
        for name, rule in clocks.items()
    ]
    assert [response, resolution] == alone
    assert response.due_at == resolution.due_at
    assert response.warn_at != resolution.warn_at
