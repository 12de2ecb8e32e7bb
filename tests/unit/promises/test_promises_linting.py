"""product.md 5: what is wrong with a policy is found before it is stored, each thing where it stands."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pydantic import ValidationError

from services.contracts.policy import Condition, Policy, PolicyDraft
from services.contracts.vocabulary import Category, Channel, ClockName, Kind, Priority, Tier, Urgency, WaitReason
from services.promises.coverage import Coverage, union
from services.promises.faults import Level
from services.promises.linting import Surroundings, lint
from services.promises.order import order_faults, unreachable
from services.promises.policies import PolicyFacts, choose
from services.promises.priority import priority_of
from tests.unit.promises.instants import ALWAYS, CN, calendar, local

AT = local("2026-09-30 17:30")
KNOWN = Surroundings(
    calendars={"cn": CN, "always": ALWAYS, "never": calendar(hours={})},
    at=AT,
    departments={"repairs", "logistics"},
    ladders={"default", "short"},
    questionnaires={"d0", "d4"},
)
DEPARTMENTS = ("repairs", "logistics")


def draft(**fields: Any) -> PolicyDraft:
    return PolicyDraft.model_validate(fields)


def policy(id_: str, *applies: dict[str, Any]) -> Policy:
    return Policy.model_validate({"id": id_, "version": 1, "applies": applies})


def found(known: Surroundings = KNOWN, **fields: Any) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in lint(draft(**fields), known)]


def clock(name: str = "response", **rule: Any) -> dict[str, Any]:
    return {"clocks": {name: {"target": "PT24H", **rule}}}


def test_a_policy_that_promises_nothing_is_clean() -> None:
    assert found() == []
    assert found(applies=[{"kind": "praise"}]) == []


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"calendar": "mars"}, "/calendar", "unknown_calendar"),
        ({"calendars": {"repairs": "mars"}}, "/calendars/repairs", "unknown_calendar"),
        ({"calendars": {"sales": "cn"}}, "/calendars/sales", "unknown_department"),
        ({"applies": [{"kind": "fault"}, {"department": ["repairs", "sales"]}]}, "/applies/1/department/1",
         "unknown_department"),
        (clock(ladder="steep"), "/clocks/response/ladder", "unknown_ladder"),
        ({"questionnaire": "d9"}, "/questionnaire", "unknown_questionnaire"),
        ({"applies": [{"kind": []}]}, "/applies/0", "condition_never_holds"),
        ({"applies": [{"urgency": "urgent", "priority": ["medium", "low"]}]}, "/applies/0", "condition_never_holds"),
        ({"applies": [{"urgency": "low", "tier": "standard", "priority": "medium"}]}, "/applies/0",
         "condition_never_holds"),
        ({"applies": [{"kind": "fault"}], **clock("second_callback")}, "/clocks/second_callback", "never_starts"),
        (clock(target="PT0S"), "/clocks/response/target", "zero_duration"),
        (clock(target={"urgent": "P0WD", "*": "PT1H"}), "/clocks/response/target/urgent", "zero_duration"),
        (clock(target={"urgent": "PT1H", "*": "P999999W"}), "/clocks/response/target/*", "calendar_exhausted"),
        ({"calendar": "never", "settings": {"information_wait": "P5D", "callback_retry_after": "P1D"},
          **clock(target="PT1WH")}, "/clocks/response/target", "calendar_never_opens"),
        ({"calendars": {"repairs": "never"}, "settings": {"information_wait": "P5D", "callback_retry_after": "P1D"},
          **clock(target="P1WD")}, "/clocks/response/target", "calendar_never_opens"),
        (clock(target="P999999W"), "/clocks/response/target", "calendar_exhausted"),
        (clock("acceptance", paused_by=["customer", "parts"]), "/clocks/acceptance/paused_by/1", "never_pauses"),
        (clock("information_request", paused_by=["customer"]), "/clocks/information_request/paused_by/0",
         "never_pauses"),
        (clock("callback", paused_by=["customer"]), "/clocks/callback/paused_by/0", "never_pauses"),
        ({"settings": {"information_wait": "PT0S"}}, "/settings/information_wait", "zero_duration"),
        ({"settings": {"reopen_window": "P999999W"}}, "/settings/reopen_window", "calendar_exhausted"),
        (clock(target={"urgent": None, "*": None}), "/clocks/response/target", "promises_nothing"),
        (clock(target={}), "/clocks/response/target", "promises_nothing"),
        (clock(warn_at=[0.5, "PT24H"]), "/clocks/response/warn_at/1", "warning_never_fires"),
        (clock(warn_at=["PT0S"]), "/clocks/response/warn_at/0", "warning_never_fires"),
        (clock(warn_at=[0.5, 0.75, 0.5]), "/clocks/response/warn_at/2", "repeated"),
        (clock(paused_by=["parts", "parts"]), "/clocks/response/paused_by/1", "repeated"),
        ({"settings": {"information_reminders": [0.4, 0.4]}}, "/settings/information_reminders/1", "repeated"),
        ({"settings": {"survey_reminder_after": "P7D"}}, "/settings/survey_reminder_after", "reminder_after_end"),
        ({"applies": [{"kind": ["fault", "praise"]}, {"kind": "fault", "tier": "vip"}]}, "/applies/1",
         "condition_hidden"),
    ],
)  # fmt: skip
def test_one_thing_wrong_is_found_where_it_stands(fields: dict[str, Any], pointer: str, code: str) -> None:
    assert found(**fields) == [(pointer, code)]


@pytest.mark.parametrize(
    "fields",
    [
        {"applies": [{"kind": ["fault", "complaint"]}], **clock("second_callback")},
        {"applies": [{"urgency": "low", "priority": "high"}]},
        {"applies": [{"urgency": "low", "tier": "vip", "priority": "medium"}]},
        clock(target={"urgent": "PT1H", "normal": "PT4H", "low": None}),
        clock(target={"urgent": "PT1S", "*": None}),
        clock(warn_at=["PT23H59M59S"]),
        clock(warn_at=[]),
        clock(target={"urgent": "PT1H", "*": "PT24H"}, warn_at=["PT2H"]),
        clock(target="P1WD", warn_at=["PT2WH"]),
        clock("callback", paused_by=["appointment"]),
        clock("resolution", paused_by=[str(reason) for reason in WaitReason]),
        {"settings": {"reopen_window": "PT0S"}},
        {"settings": {"survey_reminder_after": "PT167H"}},
    ],
)
def test_what_works_is_not_complained_about(fields: dict[str, Any]) -> None:
    assert found(**fields) == []


def test_an_urgency_without_a_target_is_a_slip_unless_it_is_written_down() -> None:
    faults = lint(draft(**clock(target={"urgent": "PT1H"})), KNOWN)
    assert [(fault.code, fault.facts["urgency"]) for fault in faults] == [
        ("urgency_without_target", "normal"),
        ("urgency_without_target", "low"),
    ]


def test_what_cannot_be_asked_for_is_one_warning_and_no_error() -> None:
    alone = replace(KNOWN, departments=None, ladders=None, questionnaires=None)
    fields = {"applies": [{"department": ["sales", "other"]}], "questionnaire": "d9", **clock(ladder="steep")}
    assert found(alone, **fields) == [
        ("/applies/0/department/0", "not_checked"),
        ("/questionnaire", "not_checked"),
        ("/clocks/response/ladder", "not_checked"),
    ]
    assert {fault.level for fault in lint(draft(**fields), alone)} == {Level.WARNING}


@pytest.mark.parametrize(
    ("earlier", "own", "later", "code"),
    [
        ([policy("all")], [{"kind": "fault"}], [], "unreachable"),
        ([policy("a", {"kind": ["fault", "praise"]}), policy("b", {"kind": "complaint"})],
         [{"kind": ["fault", "complaint"], "tier": "vip"}], [], "unreachable"),
        ([policy("a", {"kind": ["fault", "praise"]})], [{"kind": ["fault", "complaint"]}], [], "overlaps"),
        ([], [{"kind": ["fault", "praise"]}], [policy("b", {"kind": "fault", "channel": "web"})], "hides"),
        ([policy("a", {"kind": "complaint"})], [{"kind": "fault"}], [policy("b", {"kind": ["fault", "complaint"]})],
         "hides"),
        ([], [], [policy("b", {"kind": "fault"})], "not_last"),
        ([policy("a", {"kind": "fault"})], [], [], None),
        ([policy("a", {"kind": "fault", "tier": "vip"})], [{"kind": "fault"}], [policy("all")], None),
        ([policy("a", {"kind": "fault"})], [{"kind": "praise"}], [policy("b", {"kind": "fault"})], None),
        ([policy("a", {"department": "repairs"})], [{"department": "logistics"}], [policy("all")], None),
    ],
)  # fmt: skip
def test_a_policys_place_among_the_others_is_told(
    earlier: list[Policy], own: list[dict[str, Any]], later: list[Policy], code: str | None
) -> None:
    faults = order_faults(draft(applies=own), earlier, later)
    assert [fault.code for fault in faults] == ([code] if code else [])
    assert all(fault.level is Level.WARNING for fault in faults)


def test_five_kinds_one_by_one_hide_a_policy_for_every_ticket() -> None:
    kinds = [policy(kind, {"kind": kind}) for kind in Kind]
    assert unreachable([*kinds, policy("all")]) == {"all": tuple(Kind)}
    assert unreachable([*kinds[1:], policy("all")]) == {}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_fault_has_words_in_both_languages(language: str) -> None:
    everything_wrong = draft(
        calendar="mars", questionnaire="d9", applies=[{"kind": []}, {"department": "sales"}],
        clocks={"second_callback": {"target": {"urgent": "PT0S"}, "paused_by": ["parts"], "ladder": "steep"}},
    )  # fmt: skip
    faults = lint(everything_wrong, KNOWN)
    said = [fault.says(language) for fault in faults]
    assert len(faults) >= 7
    assert all("{" not in each or "`{" in each for each in said)
    assert any("mars" in each for each in said)


MANY = [
    {"kind": [kind], "category": [category], "channel": [channel], "department": [f"d{number}"]}
    for number in range(20)
    for kind, category, channel in itertools.product(("fault", "praise"), Category, Channel)
]
"""Conditions of one ticket each, none hidden by the others."""


def test_thousands_of_conditions_are_compared_each_with_all_before_it() -> None:
    applies = [*MANY, *MANY, {"kind": ["fault", "praise"], "department": [f"d{number}" for number in range(20)]}, {}]
    hidden = [pointer for pointer, code in found(applies=applies) if code == "condition_hidden"]
    assert hidden == [f"/applies/{number}" for number in range(len(MANY), 2 * len(MANY) + 1)]


def test_conditions_that_tell_too_much_apart_are_stored_with_one_warning_that_says_so() -> None:
    names = [f"d{number}" for number in range(4_000)]
    fine = [
        {**each, "urgency": [urgency], "department": [name]}
        for name, each, urgency in zip(names, itertools.cycle(MANY), itertools.cycle(Urgency), strict=False)
    ]
    others = [policy(f"p{number}", {"department": [name]}) for number, name in enumerate(names[:50])]
    told = order_faults(draft(applies=fine), others, others)
    assert [(fault.pointer, fault.code, fault.level) for fault in told] == [("/applies", "not_compared", Level.WARNING)]
    assert unreachable([policy("p", *fine), *others]) == {}


@pytest.mark.parametrize("entries", [50, 51])
def test_a_list_of_a_rule_has_an_end(entries: int) -> None:
    rules: tuple[dict[str, Any], ...] = ({"warn_at": ["PT1H"] * entries}, {"paused_by": ["customer"] * entries})
    for rule in rules:
        if entries > 50:
            with pytest.raises(ValidationError):
                found(**clock(**rule))
        else:
            repeated = [pointer for pointer, code in found(**clock(**rule)) if code == "repeated"]
            assert len(repeated) == entries - 1


# --- the sets of tickets, against every ticket that there is ---

TICKETS = [
    PolicyFacts(kind, category, urgency, priority_of(urgency, tier, affected), tier, channel, department)
    for kind, category, urgency, tier, channel, department, affected in itertools.product(
        (Kind.COMPLAINT, Kind.FAULT, Kind.PRAISE), (Category.PRODUCT_FAULT, Category.OTHER), Urgency, Tier,
        (Channel.WEB, Channel.PHONE), (None, "repairs", "elsewhere"), (1, 5),
    )
]  # fmt: skip


def few(values: Any) -> some.SearchStrategy[Any]:
    """Nothing said, or some of the values that the tickets above have."""
    return some.none() | some.lists(some.sampled_from(list(values)), max_size=3, unique=True)


CONDITIONS = some.builds(
    Condition,
    kind=few(Kind), category=few([Category.PRODUCT_FAULT, Category.OTHER]), urgency=few(Urgency), tier=few(Tier),
    priority=few(Priority), channel=few([Channel.WEB, Channel.PHONE]), department=few(["repairs"]),
)  # fmt: skip
POLICIES = some.lists(
    some.lists(CONDITIONS, max_size=2).map(
        lambda applies: Policy.model_validate({"id": "p", "version": 1, "applies": tuple(applies)})
    ),
    min_size=1,
    max_size=4,
).map(lambda policies: [it.model_copy(update={"id": f"p{number}"}) for number, it in enumerate(policies)])


@given(POLICIES)
@settings(max_examples=40, deadline=None)
def test_a_policy_is_called_unreachable_only_if_no_ticket_chooses_it(policies: list[Policy]) -> None:
    chosen = {applied.id for facts in TICKETS if (applied := choose(policies, facts))}
    assert not chosen & unreachable(policies).keys()


@given(POLICIES)
@settings(max_examples=40, deadline=None)
def test_sets_of_tickets_say_what_choosing_says(policies: list[Policy]) -> None:
    coverage = Coverage.of(policies)
    first, *others = policies
    own, taken = coverage.of_policy(first), union(map(coverage.of_policy, others))
    alone = {facts for facts in TICKETS if choose([first], facts) and not choose(others, facts)}
    both = {facts for facts in TICKETS if choose([first], facts) and choose(others, facts)}
    assert own & ~taken or not alone
    assert own & taken or not both


@given(POLICIES, some.sampled_from(TICKETS))
@settings(max_examples=50, deadline=None)
def test_choosing_is_the_first_match(policies: list[Policy], facts: PolicyFacts) -> None:
    matching = [each for each in policies if choose([each], facts) is each]
    assert choose(policies, facts) == (matching[0] if matching else None)


LENGTHS = some.sampled_from(["PT0S", "PT1S", "PT2H", "PT2WH", "P1WD", "P9999WD", "P999999W"])
RULES = some.fixed_dictionaries(
    {"target": LENGTHS | some.dictionaries(some.sampled_from([*Urgency, "*"]), some.none() | LENGTHS)},
    optional={
        "warn_at": some.lists(LENGTHS | some.floats(0.01, 0.99), max_size=3),
        "ladder": some.sampled_from(["default", "steep"]),
        "paused_by": some.lists(some.sampled_from(WaitReason), max_size=3),
    },
)


@given(
    some.fixed_dictionaries(
        {
            "calendar": some.sampled_from(["cn", "never", "mars"]),
            "calendars": some.dictionaries(some.sampled_from(["repairs", "sales"]), some.sampled_from(["never", "x"])),
            "applies": some.lists(CONDITIONS.map(lambda it: it.model_dump(exclude_none=True)), max_size=3),
            "clocks": some.dictionaries(some.sampled_from(ClockName), RULES, max_size=3),
            "settings": some.dictionaries(some.sampled_from(["information_wait", "reopen_window"]), LENGTHS),
        }
    )
)
@settings(max_examples=40, deadline=None)
def test_every_policy_that_can_be_written_is_linted(written: dict[str, Any]) -> None:
    for fault in lint(draft(**written), KNOWN):
        assert fault.pointer.startswith("/")
        assert fault.says("zh")
        assert fault.says("en")
