"""product.md 5: every cell of the table of packs, what adopting a pack means, and that all packs lint clean."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from services.contracts.policy import PackId, Policy
from services.contracts.vocabulary import Category, Channel, ClockName, Kind, Priority, Tier, Urgency
from services.promises.calendars import Calendar
from services.promises.clocks import due_at, duration_of
from services.promises.linting import Surroundings, lint
from services.promises.order import unreachable
from services.promises.policies import PolicyFacts, built_in, choose, first_promises
from services.promises.policy_packs import Adoption, adopted, pack
from tests.unit.promises.instants import ALWAYS, CN, local

CALENDARS: Mapping[str, Calendar] = {"cn": CN, "always": ALWAYS}
RECEIVED = local("2026-09-30 17:30")
"""Half an hour before closing, on the eve of the National Day week."""
AT_RECEIPT = {"acceptance", "information_request", "response", "resolution"}
NOTHING = (None, None, None)

TABLE: Mapping[str, Mapping[str, Sequence[str | None]]] = {
    "acceptance": {
        "d0": ("PT2WH", "PT2WH", "PT2WH"),
        "d1": ("PT15M", "PT2WH", "PT2WH"),
        "d2": ("PT2WH", "PT2WH", "PT2WH"),
        "d3": ("PT2WH", "PT2WH", "PT2WH"),
        "d4": ("PT2WH", "PT2WH", "PT2WH"),
    },
    "information_request": dict.fromkeys(PackId, ("P1WD", "P1WD", "P1WD")),
    "response": {
        "d0": ("PT24H", "P3WD", "P5WD"),
        "d1": ("PT15M", "PT4WH", None),
        "d2": ("PT15M", "PT1H", "PT1H"),
        "d3": ("PT2H", "PT24H", "PT24H"),
        "d4": ("PT2H", "PT4H", "P1WD"),
    },
    "plan": dict.fromkeys(PackId, ("PT24H", "PT24H", "PT24H")),
    "progress": {
        **dict.fromkeys(PackId, ("PT4H", "PT24H", "PT24H")),
        "d3": ("PT24H", "PT24H", "PT24H"),
    },
    "resolution": {
        "d0": ("PT24H", "P3WD", "P5WD"),
        "d1": ("PT24H", "PT24H", None),
        "d2": ("PT24H", "P3WD", "P5WD"),
        "d3": ("P3WD", "P3WD", "P3WD"),
        "d4": ("PT24H", "P3WD", "P5WD"),
    },
    "callback": {
        "d0": ("P1WD", "P1WD", "P1WD"),
        "d1": ("P1WD", "P1WD", "P1WD"),
        "d2": ("PT24H", "PT24H", "PT24H"),
        "d3": ("PT24H", "PT24H", "PT24H"),
        "d4": ("P1WD", "P1WD", "P1WD"),
    },
    "second_callback": dict.fromkeys(PackId, ("PT24H", "PT24H", "PT24H")),
    "customer_wait": {
        "d0": NOTHING,
        "d1": ("PT4WH", "PT4WH", "PT4WH"),
        "d2": ("PT1H", "PT1H", "PT1H"),
        "d3": ("PT24H", "PT24H", "PT24H"),
        "d4": NOTHING,
    },
}
"""What a complaint is promised: urgent, normal, low; where a document is silent, what its pack takes instead."""


def cells() -> Iterator[Any]:
    for clock, by_pack in TABLE.items():
        for pack_id, targets in by_pack.items():
            for urgency, target in zip(Urgency, targets, strict=True):
                yield pytest.param(clock, PackId(pack_id), urgency, target, id=f"{pack_id}-{clock}-{urgency}")


def facts(urgency: Urgency = Urgency.NORMAL, kind: Kind = Kind.COMPLAINT, department: str | None = None) -> PolicyFacts:
    priority = {Urgency.URGENT: Priority.HIGH, Urgency.NORMAL: Priority.MEDIUM, Urgency.LOW: Priority.LOW}[urgency]
    return PolicyFacts(kind, Category.PRODUCT_FAULT, urgency, priority, Tier.STANDARD, Channel.WEB, department)


def chosen(pack_id: PackId, ticket: PolicyFacts) -> Policy:
    policy = choose(built_in(pack_id).policies, ticket)
    assert policy is not None
    return policy


@pytest.mark.parametrize(("clock", "pack_id", "urgency", "target"), list(cells()))
def test_every_cell_of_the_table_is_what_a_complaint_is_promised(
    clock: str, pack_id: PackId, urgency: Urgency, target: str | None
) -> None:
    policy = chosen(pack_id, facts(urgency))
    rule = policy.clocks.get(ClockName(clock))
    assert (rule.target_for(urgency) if rule else None) == target
    if clock not in AT_RECEIPT:
        return
    promises = {each.clock: each for each in first_promises(policy, facts(urgency), RECEIVED, False, CALENDARS)}
    due = due_at(RECEIVED, duration_of(target), (), CN) if target else None
    assert (promises[ClockName(clock)].due_at if target else None) == due
    assert (ClockName(clock) in promises) is (target is not None)


@pytest.mark.parametrize(
    ("pack_id", "urgency", "clock", "due"),
    [
        (PackId.D0, Urgency.NORMAL, ClockName.RESPONSE, "2026-10-10 18:00"),
        (PackId.D1, Urgency.URGENT, ClockName.ACCEPTANCE, "2026-09-30 17:45"),
        (PackId.D1, Urgency.NORMAL, ClockName.RESPONSE, "2026-10-08 14:00"),
        (PackId.D2, Urgency.LOW, ClockName.RESPONSE, "2026-09-30 18:30"),
        (PackId.D3, Urgency.URGENT, ClockName.RESOLUTION, "2026-10-10 18:00"),
        (PackId.D4, Urgency.LOW, ClockName.RESPONSE, "2026-10-08 18:00"),
    ],
)
def test_a_first_promise_on_the_eve_of_the_holidays_is_dated_by_hand(
    pack_id: PackId, urgency: Urgency, clock: ClockName, due: str
) -> None:
    promises = first_promises(chosen(pack_id, facts(urgency)), facts(urgency), RECEIVED, True, CALENDARS)
    assert {promise.clock: promise.due_at for promise in promises}[clock] == local(due)


def test_d1_promises_no_date_at_low_urgency_until_there_is_an_appointment() -> None:
    low = facts(Urgency.LOW)
    promised = {each.clock for each in first_promises(chosen(PackId.D1, low), low, RECEIVED, True, CALENDARS)}
    assert promised == {ClockName.ACCEPTANCE}


def test_d3_calls_back_complaints_in_a_day_and_everybody_else_in_a_working_day() -> None:
    complaint, fault = chosen(PackId.D3, facts()), chosen(PackId.D3, facts(kind=Kind.FAULT))
    assert complaint.clocks[ClockName.CALLBACK].target == "PT24H"
    assert fault.clocks[ClockName.CALLBACK].target == "P1WD"
    assert complaint.settings.second_callback_from == "resolution"
    assert ClockName.SECOND_CALLBACK not in fault.clocks


def test_the_packs_name_the_questionnaires_of_their_documents() -> None:
    named = {each: {policy.questionnaire for policy in pack(each).policies} for each in PackId}
    assert named == {"d0": {"d0"}, "d1": {"d0"}, "d2": {"d0"}, "d3": {"d0"}, "d4": {"d4"}}


@pytest.mark.parametrize("pack_id", PackId)
def test_every_pack_takes_every_ticket_and_lints_without_a_warning(pack_id: PackId) -> None:
    policies = pack(pack_id).policies
    assert not policies[-1].applies
    assert unreachable(policies) == {}
    for place, policy in enumerate(policies):
        around = {"earlier": policies[:place], "later": policies[place + 1 :]}
        known = Surroundings(CALENDARS, RECEIVED, ("repairs",), ("default",), ("d0", "d4"), **around)
        assert lint(policy, known) == ()
        assert set(policy.title) == {"zh-CN", "en"}


@pytest.mark.parametrize("pack_id", PackId)
def test_a_pack_adopted_for_everything_is_the_pack(pack_id: PackId) -> None:
    assert adopted(pack(pack_id), Adoption()) == pack(pack_id).policies
    night = adopted(pack(pack_id), Adoption(calendar="night"))
    assert {policy.calendar for policy in night} == {"night"}


@pytest.mark.parametrize("pack_id", PackId)
@pytest.mark.parametrize(
    "adoption",
    [
        Adoption(kinds=(Kind.COMPLAINT,)),
        Adoption(kinds=(Kind.FAULT, Kind.PRAISE)),
        Adoption(departments=("repairs",)),
        Adoption(kinds=(Kind.COMPLAINT, Kind.FAULT), departments=("repairs", "logistics")),
    ],
    ids=lambda adoption: "-".join([*adoption.kinds, *adoption.departments]),
)
def test_a_pack_adopted_for_some_takes_those_and_no_others_and_lints_clean(pack_id: PackId, adoption: Adoption) -> None:
    policies = adopted(pack(pack_id), adoption)
    for kind in Kind:
        for department in ("repairs", "elsewhere", None):
            meant = (not adoption.kinds or kind in adoption.kinds) and (
                not adoption.departments or department in adoption.departments
            )
            assert (choose(policies, facts(kind=kind, department=department)) is not None) is meant
    assert unreachable(policies) == {}
    for place, policy in enumerate(policies):
        known = Surroundings(CALENDARS, RECEIVED, ("repairs", "logistics"), ("default",), ("d0", "d4"),
                             policies[:place], pack(PackId.D0).policies)  # fmt: skip
        assert lint(policy, known) == ()


def test_a_pack_can_be_adopted_for_several_parts_side_by_side() -> None:
    ids = [
        policy.id
        for adoption in (Adoption(), Adoption(kinds=(Kind.FAULT,)), Adoption(departments=("repairs",)))
        for policy in adopted(pack(PackId.D2), adoption)
    ]
    assert ids == ["d2-service", "d2-service.fault", "d2-service.repairs"]
    many = Adoption(departments=tuple(f"department-{number}" for number in range(30)))
    (policy,) = adopted(pack(PackId.D2), many)
    assert len(policy.id) <= 64
    assert Policy.model_validate(policy.model_dump()) == policy
