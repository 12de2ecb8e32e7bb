"""A policy in words, as a form, and against another version: nothing is lost, and what differs is what is marked."""

from typing import Any

import pytest

from services.console.promises import policy_forms, previews
from services.console.promises.policies import Reading
from services.console.public_api.client import FieldProblem
from services.console.public_api.directory_names import KnownDirectory
from services.console.wording import WORDING
from services.contracts.policy import PolicyDraft
from services.runtime.pages.forms import Form
from services.wording import Words
from tests.console.test_present import present

DRAFT: dict[str, Any] = {
    "title": {"zh-CN": "投诉", "en": "Complaints"},
    "calendar": "cn",
    "calendars": {"logistics": "always"},
    "applies": [{"kind": ["complaint"], "urgency": ["urgent", "normal"]}, {"tier": ["vip"]}],
    "clocks": {
        "response": {"target": {"urgent": "PT15M", "*": "PT4WH"}, "warn_at": [0.5, "PT1H"], "ladder": "default"},
        "resolution": {"target": {"urgent": "PT24H", "normal": "P3WD", "low": None}, "paused_by": []},
        "callback": {"target": "P1WD"},
    },
}
POLICY = {**PolicyDraft.model_validate(DRAFT).model_dump(mode="json"), "id": "d1", "version": 3}
READING = Reading(WORDING.speak("en"), KnownDirectory(departments={"logistics": {"name": "Logistics"}}))


def sent(policy: dict[str, Any], words: Words, **typed: Any) -> Form:
    """The form of a policy as it is sent, with these fields typed anew; `__` in a name stands for a dot."""
    fields = {name: list(values) for name, values in policy_forms.standing(policy, words).values.items()}
    fields |= {name.replace("__", "."): values for name, values in typed.items()}
    return Form(tuple((name, value) for name, values in fields.items() for value in values))


def meaning(draft: dict[str, Any]) -> Any:
    """The promise of a draft, however it is spelled."""
    policy = PolicyDraft.model_validate(draft)
    targets = {
        (name, urgency): policy.clocks[name].target_for(urgency)  # type: ignore[arg-type]
        for name in policy.clocks
        for urgency in ("urgent", "normal", "low")
    }
    rules = {name: rule.model_dump(exclude={"target", "paused_by"}) for name, rule in policy.clocks.items()}
    return targets, rules, policy.model_dump(exclude={"clocks"})


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_form_that_nobody_changed_says_what_the_policy_says(language: Any) -> None:
    words = WORDING.speak(language)
    draft, typed = policy_forms.read(sent(POLICY, words), POLICY, words)
    assert not typed.errors
    assert meaning(draft) == meaning(policy_forms.draft_of(POLICY))
    assert draft["clocks"]["resolution"]["paused_by"] == []


def test_what_is_typed_becomes_the_draft() -> None:
    words = WORDING.speak("zh-CN")
    form = sent(
        POLICY, words, clock__response__target__normal=["8 工作小时"], setting__callback_attempts=["5"], reach=["every"]
    )
    draft, typed = policy_forms.read(form, POLICY, words)
    assert not typed.errors
    assert draft["clocks"]["response"]["target"]["normal"] == "PT8WH"
    assert draft["settings"]["callback_attempts"] == 5
    assert draft["applies"] == []


def test_a_clock_whose_box_is_empty_is_promised_no_more() -> None:
    words = WORDING.speak("en")
    draft, _ = policy_forms.read(sent(POLICY, words, clock__callback__on=[]), POLICY, words)
    assert set(draft["clocks"]) == {"response", "resolution"}


def test_what_cannot_be_read_stands_at_its_field_and_everything_typed_is_kept() -> None:
    words = WORDING.speak("en")
    form = sent(POLICY, words, clock__response__target__urgent=["soon"], setting__reopen_window=["a week"])
    _, typed = policy_forms.read(form, POLICY, words)
    assert set(typed.errors) == {"clock.response.target.urgent", "setting.reopen_window"}
    assert typed.value("clock.response.target.urgent") == "soon"
    assert typed.value("calendars.logistics") == "always"


def test_only_some_tickets_needs_a_condition() -> None:
    words = WORDING.speak("en")
    names = [f"condition__{number}__{name}" for number in (0, 1) for name in ("kind", "urgency", "tier")]
    blank: dict[str, Any] = {name: [] for name in names}
    _, typed = policy_forms.read(sent(POLICY, words, **blank), POLICY, words)
    assert set(typed.errors) == {"reach"}


@pytest.mark.parametrize(
    ("pointer", "field"),
    [
        ("/clocks/response/target/urgent", "clock.response.target.urgent"),
        ("/clocks/response/target/*", "clock.response.target.urgent"),
        ("/clocks/callback/target", "clock.callback.target.urgent"),
        ("/clocks/response/warn_at/1", "clock.response.warn_at"),
        ("/settings/reopen_window", "setting.reopen_window"),
        ("/applies/1/tier/0", "condition.1.tier"),
        ("/calendars/logistics", "calendars.logistics"),
        ("/calendar", "calendar"),
    ],
)
def test_what_the_api_says_stands_at_its_field(pointer: str, field: str) -> None:
    typed = policy_forms.typed(sent(POLICY, WORDING.speak("en")), [FieldProblem(pointer, "wrong", "not so")])
    assert typed.error(field) == "not so"
    assert not typed.general


def test_what_no_field_stands_for_is_said_all_the_same() -> None:
    typed = policy_forms.typed(sent(POLICY, WORDING.speak("en")), [FieldProblem("/surprise", "wrong", "not so")])
    assert typed.general == ["not so"]


def test_the_table_tells_target_measure_pauses_and_warnings() -> None:
    rows = {row.clock: row for row in READING.table(POLICY)}
    assert list(rows) == ["response", "resolution", "callback"]
    told = [(target.text, target.working, target.promised) for target in rows["response"].targets]
    assert told == [("15 min", False, True), ("4 working hours", True, True), ("4 working hours", True, True)]
    assert rows["response"].warnings == "50 %, 1 h"
    assert not rows["resolution"].targets[2].promised
    assert rows["resolution"].paused_by == "never"
    assert rows["callback"].paused_by == "never"


def test_conditions_are_sentences_and_none_is_every_ticket() -> None:
    assert READING.applies(POLICY) == ["Kind: Complaint; Urgency: Urgent or Normal", "Customer tier: VIP"]
    assert READING.applies({"applies": []}) == []
    assert READING.applies({"applies": [{"kind": ["fault"]}, {}]}) == []


def test_only_what_differs_is_marked() -> None:
    newer = {**POLICY, "clocks": {**POLICY["clocks"], "callback": {**POLICY["clocks"]["callback"], "target": "P2WD"}}}
    sections = {section.name: section for section in READING.compared(POLICY, newer)}
    changed = {line.label: (line.before, line.after) for line in sections["clocks"].lines if line.changed}
    assert set(changed.values()) == {("1 working day", "2 working days")}
    assert len(changed) == 3
    assert sections["general"].changes == sections["settings"].changes == 0


@pytest.mark.parametrize(
    ("seconds", "column"),
    [(-3 * 86_400 - 1, 0), (-3 * 86_400, 1), (-3600, 4), (-1, 4), (1, 5), (3600, 5), (3601, 6), (3 * 86_400, 8),
     (3 * 86_400 + 1, 9)],
)  # fmt: skip
def test_a_shift_stands_in_the_column_that_says_how_far(seconds: int, column: int) -> None:
    shown = previews.columns([{"shift_seconds": seconds}, {"shift_seconds": None}], present("en"))
    assert [each.count for each in shown] == [int(place == column) for place in range(10)]
    assert shown[column].height == previews.HEIGHT
    assert shown[column].ahead == (seconds < 0)


def test_no_shift_draws_nothing() -> None:
    assert previews.columns([{"shift_seconds": 0}, {"shift_seconds": None}], present()) == []
