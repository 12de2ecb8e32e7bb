"""The form of a policy, for those who write no YAML: what stands in its fields, and the draft that they amount to.

Fields are named after the draft: `clock.response.target.urgent`, `setting.reopen_window`, `condition.0.kind`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from services.console.forms import durations
from services.console.forms.values import Typed, everything, refused
from services.console.promises.policies import FACTS, SETTINGS, URGENCIES, paused_by, target_of
from services.console.public_api.client import FieldProblem
from services.contracts.policy import PAUSED_BY_DEFAULT, PolicyDraft
from services.contracts.vocabulary import ClockName
from services.runtime.pages.forms import Form
from services.wording import LANGUAGES, Words

SOME = "some"
_READ_ONLY = frozenset({"id", "version"})
_COUNTED = frozenset({"callback_attempts"})
_MOST_CONDITIONS = 50

Draft = dict[str, Any]


def draft_of(policy: Mapping[str, Any]) -> Draft:
    """The part of a stored policy that is stored again: without what the service itself tells of a version."""
    draft = {name: policy[name] for name in PolicyDraft.model_fields if name in policy and name not in _READ_ONLY}
    clocks = {name.value: _said(draft["clocks"][name]) for name in ClockName if name in draft["clocks"]}
    return {**draft, "clocks": clocks}


def standing(policy: Mapping[str, Any], words: Words) -> Typed:
    """The form before anybody types."""
    values: dict[str, list[str]] = {
        **{f"title.{language}": [policy["title"].get(language, "")] for language in LANGUAGES},
        **{f"calendars.{department}": [each] for department, each in (policy.get("calendars") or {}).items()},
        "calendar": [policy["calendar"]],
        "questionnaire": [policy["questionnaire"]],
        "reach": [SOME if policy["applies"] else "every"],
    }
    for number, condition in enumerate(policy["applies"]):
        values |= {f"condition.{number}.{name}": list(condition.get(name) or ()) for name in FACTS}
    for clock in ClockName:
        values |= _clock(clock, policy["clocks"].get(clock), words)
    for setting in SETTINGS:
        values[f"setting.{setting}"] = [_setting(policy["settings"].get(setting), words)]
    return Typed(values)


def typed(form: Form, problems: Iterable[FieldProblem]) -> Typed:
    """Keep what was typed, with the API's faults at the fields."""
    kept = [number for number, _ in _conditions(form)]
    switches = [f"clock.{name}.on" for name in ClockName]
    return refused(form, problems, lambda pointer: field_of(pointer, kept), switches)


def read(form: Form, policy: Mapping[str, Any], words: Words) -> tuple[Draft, Typed]:
    """The draft that the form amounts to, and what was typed with what cannot be read of it. What the form has no field
    for stays as it is in `policy`."""
    errors: dict[str, str] = {}

    def attempt(name: str, reading: Callable[[], Any]) -> Any:
        try:
            return reading()
        except ValueError:
            errors[name] = words.text("policies.wrong_length")
            return None

    draft = {
        **draft_of(policy),
        "title": {each: form.one(f"title.{each}") for each in LANGUAGES if form.one(f"title.{each}")},
        "calendar": form.one("calendar"),
        "calendars": _by_department(form),
        "questionnaire": form.one("questionnaire"),
        "applies": [condition for _, condition in _conditions(form)] if form.one("reach") == SOME else [],
        "clocks": {name: _rule(form, name, attempt) for name in ClockName if form.one(f"clock.{name}.on")},
        "settings": {**policy["settings"], **_settings(form, attempt)},
    }
    if form.one("reach") == SOME and not draft["applies"]:
        errors["reach"] = words.text("policies.no_condition")
    return draft, Typed(everything(form), errors)


def field_of(pointer: str, kept: Sequence[int] = ()) -> str:
    """The field that a JSON pointer into the draft stands for; `kept` are the form's numbers of the conditions."""
    match pointer.strip("/").split("/"):
        case ["clocks", name, "target"]:
            return f"clock.{name}.target.{URGENCIES[0]}"
        case ["clocks", name, "target", urgency, *_]:
            return f"clock.{name}.target.{URGENCIES[0] if urgency == '*' else urgency}"
        case ["clocks", name, part, *_]:
            return f"clock.{name}.{part}"
        case ["clocks", name]:
            return f"clock.{name}.on"
        case ["applies", number, *rest] if number.isdigit() and int(number) < len(kept):
            return f"condition.{kept[int(number)]}.{rest[0] if rest else FACTS[0]}"
        case ["settings", name, *_]:
            return f"setting.{name}"
        case [*parts]:
            return ".".join(parts[:2])


def _said(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A clock's rule without what it leaves to the defaults."""
    return {name: value for name, value in rule.items() if name != "paused_by" or value is not None}


def _clock(name: ClockName, rule: Mapping[str, Any] | None, words: Words) -> dict[str, list[str]]:
    if rule is None:
        return {f"clock.{name}.paused_by": list(PAUSED_BY_DEFAULT[name]), f"clock.{name}.warn_at": ["75 %"]}
    targets = {each: target_of(rule, each) for each in URGENCIES}
    warnings = words.text("list.and").join(durations.warning(each, words) for each in rule["warn_at"])
    return {
        f"clock.{name}.on": ["true"],
        **{f"clock.{name}.target.{u}": [durations.written(code, words) if code else ""] for u, code in targets.items()},
        f"clock.{name}.warn_at": [warnings],
        f"clock.{name}.paused_by": list(paused_by(name, rule)),
        f"clock.{name}.ladder": [rule["ladder"]],
    }


def _setting(value: Any, words: Words) -> str:
    if isinstance(value, list | tuple):
        return words.text("list.and").join(durations.warning(each, words) for each in value)
    if isinstance(value, str) and value.startswith("P"):
        return durations.written(value, words)
    return "" if value is None else str(value)


def _by_department(form: Form) -> dict[str, str]:
    fields = [(name.removeprefix("calendars."), value) for name, value in form.fields if name.startswith("calendars.")]
    return {department: calendar for department, calendar in fields if calendar}


def _conditions(form: Form) -> list[tuple[int, dict[str, list[str]]]]:
    """The conditions that say something, with their numbers in the form."""
    found = []
    for number in range(_MOST_CONDITIONS):
        stated = {name: [each for each in form.many(f"condition.{number}.{name}") if each] for name in FACTS}
        if condition := {name: values for name, values in stated.items() if values}:
            found.append((number, condition))
    return found


def _rule(form: Form, name: ClockName, attempt: Callable[[str, Callable[[], Any]], Any]) -> dict[str, Any]:
    targets = {}
    for urgency in URGENCIES:
        field = f"clock.{name}.target.{urgency}"
        given = form.one(field)
        targets[urgency.value] = attempt(field, partial(durations.read, given)) if given else None
    codes = set(targets.values())
    field = f"clock.{name}.warn_at"
    rule = {
        "target": codes.pop() if len(codes) == 1 and None not in codes else targets,
        "warn_at": attempt(field, partial(durations.read_warnings, form.one(field))),
        "ladder": form.one(f"clock.{name}.ladder") or "default",
    }
    paused = [each for each in form.many(f"clock.{name}.paused_by") if each]
    return rule if set(paused) == set(PAUSED_BY_DEFAULT[name]) else {**rule, "paused_by": paused}


def _settings(form: Form, attempt: Callable[[str, Callable[[], Any]], Any]) -> dict[str, Any]:
    """The settings that the form states; one left empty keeps what it was, but for reminders: none are none."""
    settings = {}
    for name in SETTINGS:
        given = form.one(f"setting.{name}")
        if given or name == "information_reminders":
            settings[name] = attempt(f"setting.{name}", partial(_read_setting, name, given))
    return settings


def _read_setting(name: str, given: str) -> Any:
    if name in _COUNTED:
        return int(given)
    if name == "information_reminders":
        return durations.read_warnings(given)
    return given if name == "second_callback_from" else durations.read(given)
