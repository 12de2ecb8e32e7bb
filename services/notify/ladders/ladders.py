"""Ladders as data: whom an alert tells at each step, with which pause, how many rounds (product.md 5). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, TypeAdapter

from services.contracts.alert import Rung, Threshold
from services.contracts.base import Code, Line, Message, Unreadable
from services.contracts.durations import DurationText, Measure, parse_duration
from services.contracts.vocabulary import ClockName, Urgency

BUILT_IN = Path(__file__).with_name("ladders.yaml")
DEFAULT = "default"
"""The ladder of every clock whose policy names no other, and of low ratings."""
LONGEST = timedelta(days=31)
"""The longest pause and the longest acknowledgement."""
LOW_RATING: Literal["low_rating"] = "low_rating"
_UNOWNED = (ClockName.ACCEPTANCE, ClockName.INFORMATION_REQUEST)
"""Clocks that are missed before a ticket has an owner."""
_NOT_NAMED = frozenset({Rung.COLLEAGUE, Rung.ADMIN})


def _wall_clock(text: str) -> str:
    duration = parse_duration(text)
    if duration.measure is not Measure.WALL:
        raise Unreadable(zh="升级阶梯按自然时间计：请写 PT15M", en="a ladder counts by the wall clock: write PT15M")
    if not timedelta(0) < duration.length <= LONGEST:
        raise Unreadable(
            zh=f"时长必须大于零且不超过 {LONGEST.days} 天",
            en=f"write a length above zero and of {LONGEST.days} days at most",
        )
    return text


def _parse_step(step: object) -> object:
    """Read `owner or clerks + department_head`: who is told together, each with those who stand in."""
    if not isinstance(step, str):
        return step
    return [[rung.strip() for rung in choice.split(" or ")] for choice in step.split("+")]


def _not_empty(named: tuple[Any, ...]) -> tuple[Any, ...]:
    # Not as a bound of the field: one wrong name would then be told as a missing one too.
    if not named:
        raise Unreadable(zh="请写明至少一个人", en="name somebody")
    return named


def _write_step(step: "LadderStep") -> str:
    return " + ".join(" or ".join(choice) for choice in step)


def _require_nameable(rung: Rung) -> Rung:
    if rung in _NOT_NAMED:
        raise Unreadable(
            zh="阶梯中不能写此角色：同事由人工指定，管理员会自动顶替",
            en="no ladder names them: colleagues are named by hand, administrators stand in by themselves",
        )
    return rung


def _for_every_urgency(pauses: Mapping[Any, str]) -> Mapping[Any, str]:
    if "*" not in pauses:
        raise Unreadable(
            zh='请用 "*" 写明其他紧急程度的间隔',
            en='say with "*" how long the pause is for every other urgency',
        )
    return pauses


WallClock = Annotated[DurationText, AfterValidator(_wall_clock)]
RungChoice = Annotated[
    tuple[Annotated[Rung, AfterValidator(_require_nameable)], ...], Field(max_length=10), AfterValidator(_not_empty)
]
LadderStep = Annotated[
    tuple[RungChoice, ...],
    BeforeValidator(_parse_step),
    Field(max_length=10),
    AfterValidator(_not_empty),
    PlainSerializer(_write_step, return_type=str, when_used="json"),
]
"""Told together; of each choice the first rung on which somebody is found. Written as in the file."""
Steps = Annotated[tuple[LadderStep, ...], Field(max_length=20), AfterValidator(_not_empty)]
Pauses = Annotated[Mapping[Urgency | Literal["*"], WallClock], AfterValidator(_for_every_urgency)]


class LadderPlace(NamedTuple):
    """A step in a round, both counted from 1."""

    round: int
    level: int


class Ladder(Message):
    """The climb of one alert, as it was when it was raised."""

    steps: Steps
    pause: Pauses
    rounds: int = Field(ge=1, le=100)
    acknowledged_for: WallClock | None
    """How long an acknowledgement holds; None holds until the alert is resolved."""

    def pause_for(self, urgency: Urgency) -> timedelta:
        """The time that the told ones have before the next step."""
        return length(self.pause.get(urgency, self.pause["*"]))

    def after(self, place: LadderPlace, last_round: int) -> LadderPlace | None:
        """The place behind `place`; None at the end of the last round."""
        if place.level < len(self.steps):
            return LadderPlace(place.round, place.level + 1)
        return LadderPlace(place.round + 1, 1) if place.round < last_round else None

    def rest_of_round(self, place: LadderPlace) -> tuple[LadderPlace, ...]:
        """The places from `place` to the end of its round."""
        return tuple(LadderPlace(place.round, level) for level in range(place.level, len(self.steps) + 1))

    def step(self, place: LadderPlace) -> LadderStep:
        """The step at a place."""
        return self.steps[place.level - 1]


class Climbs(Message):
    """Ladders of one sort of alerts, by clock."""

    pause: Pauses
    rounds: int = Field(ge=1, le=100)
    acknowledged_for: WallClock
    steps: Mapping[Literal["low_rating"] | ClockName, Steps]

    def ladder(self, name: str) -> Ladder:
        key: Any = ClockName(name) if name in set(ClockName) else name
        return Ladder.model_validate({**self.model_dump(), "steps": self.steps[key]})


class Ladders(Message):
    """Every ladder of one name."""

    breach: Climbs
    low_rating: Climbs

    def of(self, threshold: Threshold, clock: ClockName | None) -> Ladder:
        """The ladder of an alert. A warning tells the first step, once, and does not climb."""
        if clock is None:
            return self.low_rating.ladder(Threshold.LOW_RATING)
        ladder = self.breach.ladder(clock)
        if threshold is Threshold.BREACH:
            return ladder
        return ladder.model_copy(update={"steps": ladder.steps[:1], "rounds": 1, "acknowledged_for": None})


class LadderDraft(Ladders):
    """One entry of `ladders.yaml`. `id` and `version`, where given, are what was read and are not stored."""

    id: Code | None = None
    version: int | None = None
    title: Mapping[str, Annotated[Line, Field(max_length=200)]] = Field(default_factory=dict, max_length=20)


def _sound(named: Mapping[str, LadderDraft]) -> Mapping[str, LadderDraft]:
    if DEFAULT not in named:
        raise ValueError("no ladders named `default`")
    for id_, draft in named.items():
        if faults := ladder_faults(draft):
            raise ValueError(f"{id_}{faults[0].pointer}: {faults[0].says['en']}")
    return named


@dataclass(frozen=True)
class LadderFault:
    """One thing wrong with a ladder that can be read; `pointer` is a JSON pointer into it, `says` is by language."""

    pointer: str
    code: str
    says: Mapping[str, str]


def ladder_faults(draft: Ladders) -> tuple[LadderFault, ...]:
    """Alerts that would have no step, and steps that can find nobody."""
    found = [_no_steps(f"/breach/steps/{clock}") for clock in ClockName if clock not in draft.breach.steps]
    if LOW_RATING not in draft.low_rating.steps:
        found.append(_no_steps("/low_rating/steps/low_rating"))
    for clock in _UNOWNED:
        for number, step in enumerate(draft.breach.steps.get(clock, ())):
            if set(rungs_of(step)) == {Rung.OWNER}:
                found.append(_finds_nobody(f"/breach/steps/{clock}/{number}"))
    return tuple(found)


def _no_steps(pointer: str) -> LadderFault:
    return LadderFault(pointer, "required", {"en": "say whom such an alert tells", "zh": "请写明此类告警通知谁"})


def _finds_nobody(pointer: str) -> LadderFault:
    en = "nobody owns the ticket yet: say who stands in, as in `owner or clerks`"
    return LadderFault(
        pointer, "finds_nobody", {"en": en, "zh": "此时工单还没有主办人：请写明由谁代替，如 `owner or clerks`"}
    )


_FILE: TypeAdapter[Mapping[Code, LadderDraft]] = TypeAdapter(
    Annotated[Mapping[Code, LadderDraft], AfterValidator(_sound)]
)


def rungs_of(step: LadderStep) -> tuple[Rung, ...]:
    """Every rung that a step names."""
    return tuple(rung for choice in step for rung in choice)


def ladder_of(row: Mapping[Any, Any]) -> Ladder:
    """The ladder that an alert was raised with."""
    return Ladder.model_validate(row["ladder"])


def length(text: str) -> timedelta:
    """The length that a ladder spells."""
    return parse_duration(text).length


@cache
def read_ladders(file: Path | None = None) -> Mapping[str, LadderDraft]:
    """Read the ladders of a file by their ids; None is the built-in one.

    Raises:
        ValueError: the file is not ladders.
    """
    try:
        content = yaml.safe_load((file or BUILT_IN).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{file} holds no ladders: {error}") from error
    return _FILE.validate_python(content)
