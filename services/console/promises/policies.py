"""A policy as people read it: which tickets it applies to, a table of its clocks, its settings; and what differs
between two versions of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.console.forms import durations
from services.console.public_api.directory_names import KnownDirectory
from services.console.public_api.titles import title_in
from services.contracts.durations import parse_duration
from services.contracts.policy import PAUSED_BY_DEFAULT, PolicySettings
from services.contracts.vocabulary import ClockName, Urgency
from services.wording import Words

URGENCIES = tuple(Urgency)
FACTS = ("kind", "category", "urgency", "priority", "tier", "channel", "department")
SETTINGS = tuple(PolicySettings.model_fields)
_WARNED_BY_DEFAULT = (0.75,)

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """The promise of a clock at one urgency; `working` tells that it passes only while the calendar is open."""

    text: str
    working: bool = False
    promised: bool = True


@dataclass(frozen=True)
class PolicyRow:
    """One clock of the table."""

    clock: str
    name: str
    targets: Sequence[Target]
    paused_by: str
    warnings: str
    ladder: str


@dataclass(frozen=True)
class VersionLine:
    """One thing in two versions; None where a version has nothing to say of it."""

    label: str
    before: str | None
    after: str | None

    @property
    def changed(self) -> bool:
        """Whether the versions differ in it."""
        return self.before != self.after


@dataclass(frozen=True)
class PolicySection:
    """Lines that belong together."""

    name: str
    lines: Sequence[VersionLine]

    @property
    def changes(self) -> int:
        """Number of lines that differ."""
        return sum(line.changed for line in self.lines)


class Reading:
    """Policies in the words of one reader."""

    def __init__(self, words: Words, directory: KnownDirectory) -> None:
        self._words = words
        self._directory = directory

    def title(self, policy: Item) -> str:
        """The policy's title; its id where it has none."""
        return title_in(self._words.language, policy.get("title")) or str(policy.get("id") or "")

    def applies(self, policy: Item) -> list[str]:
        """Conditions of the policy, one sentence each; empty for every ticket."""
        conditions = policy.get("applies") or ()
        return [] if {} in [_stated(each) for each in conditions] else [self._condition(each) for each in conditions]

    def table(self, policy: Item) -> list[PolicyRow]:
        """The clocks that it promises, in the order of a ticket's life."""
        rules = policy.get("clocks") or {}
        return [self._row(name, rules[name]) for name in ClockName if name in rules]

    def unpromised(self, policy: Item) -> list[str]:
        """The clocks that it says nothing of."""
        rules = policy.get("clocks") or {}
        return [self._words.of("clock", name) for name in ClockName if name not in rules]

    def settings(self, policy: Item) -> list[tuple[str, str]]:
        """Its settings: name and value."""
        settings = policy.get("settings") or {}
        return [(name, self._setting(name, settings[name])) for name in SETTINGS if name in settings]

    def department_calendars(self, policy: Item) -> list[tuple[str, str]]:
        """Departments that keep other hours, with their calendars."""
        calendars: Mapping[str, str] = policy.get("calendars") or {}
        return [(self._directory.department(each), calendar) for each, calendar in calendars.items()]

    def compared(self, before: Item, after: Item) -> list[PolicySection]:
        """Everything that the two say, side by side."""
        parts = {"general": self._general, "clocks": self._cells, "settings": self._settings_by_name}
        return [PolicySection(name, paired(read(before), read(after))) for name, read in parts.items()]

    def _general(self, policy: Item) -> dict[str, str]:
        text = self._words.text
        calendars = self._words.text("list.and").join(f"{who}: {it}" for who, it in self.department_calendars(policy))
        return {
            text("field.name"): self.title(policy),
            text("policies.applies"): "\n".join(self.applies(policy)) or text("policies.every_ticket"),
            text("policies.calendar"): policy["calendar"],
            text("policies.calendars"): calendars or text("none"),
            text("policies.questionnaire"): policy["questionnaire"],
        }

    def _cells(self, policy: Item) -> dict[str, str]:
        cells: dict[str, str] = {}
        for row in self.table(policy):
            for urgency, target in zip(URGENCIES, row.targets, strict=True):
                cells[f"{row.name} · {self._words.of('urgency', urgency)}"] = target.text
            cells[f"{row.name} · {self._words.text('policies.paused_by')}"] = row.paused_by
            cells[f"{row.name} · {self._words.text('policies.warnings')}"] = row.warnings
            cells[f"{row.name} · {self._words.text('policies.ladder')}"] = row.ladder
        return cells

    def _settings_by_name(self, policy: Item) -> dict[str, str]:
        return {self._words.text(f"policies.setting.{name}"): value for name, value in self.settings(policy)}

    def _row(self, name: ClockName, rule: Item) -> PolicyRow:
        warnings = rule.get("warn_at", _WARNED_BY_DEFAULT)
        return PolicyRow(
            clock=name,
            name=self._words.of("clock", name),
            targets=[self._target(target_of(rule, urgency)) for urgency in URGENCIES],
            paused_by=self._and(self._words.of("wait_reason", each) for each in paused_by(name, rule))
            or self._words.text("policies.never"),
            warnings=self._and(durations.warning(each, self._words) for each in warnings)
            or self._words.text("policies.no_warning"),
            ladder=str(rule.get("ladder", "default")),
        )

    def _target(self, code: str | None) -> Target:
        if code is None:
            return Target(self._words.text("policies.no_date"), promised=False)
        return Target(durations.written(code, self._words), working=parse_duration(code).is_working)

    def _condition(self, condition: Item) -> str:
        stated = _stated(condition)
        return self._words.text("policies.and").join(
            self._words.text(
                "policies.fact", label=self._words.text(f"field.{name}"), values=self._values(name, values)
            )
            for name, values in stated.items()
        )

    def _values(self, name: str, values: Sequence[str]) -> str:
        if name == "department":
            return self._words.text("policies.or").join(self._directory.department(each) for each in values)
        return self._words.text("policies.or").join(self._words.of(name, each) for each in values)

    def _setting(self, name: str, value: Any) -> str:
        if name == "information_reminders":
            return self._and(durations.warning(each, self._words) for each in value) or self._words.text("none")
        if name == "second_callback_from":
            return self._words.of("second_callback_from", value)
        return durations.written(value, self._words) if isinstance(value, str) else str(value)

    def _and(self, texts: Iterator[str]) -> str:
        return self._words.text("list.and").join(texts)


def target_of(rule: Item, urgency: str) -> str | None:
    """The duration that a clock's rule promises at one urgency."""
    target = rule["target"]
    if isinstance(target, str):
        return target
    found: str | None = target[urgency] if urgency in target else target.get("*")
    return found


def paused_by(clock: ClockName, rule: Item) -> Sequence[str]:
    """The reasons that pause a clock: its own, or those of product.md where its rule is silent."""
    own = rule.get("paused_by")
    return PAUSED_BY_DEFAULT[clock] if own is None else own


def _stated(condition: Item) -> dict[str, Sequence[str]]:
    return {name: condition[name] for name in FACTS if condition.get(name)}


def paired(before: Mapping[str, str], after: Mapping[str, str]) -> list[VersionLine]:
    """Everything that either version says, by its label."""
    return [VersionLine(label, before.get(label), after.get(label)) for label in {**before, **after}]
