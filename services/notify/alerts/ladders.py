"""Ladders as data: whom an alert tells at each step, with which pause, how many rounds (product.md 5). Pure."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from services.contracts.alert import Rung, Threshold
from services.contracts.base import Message
from services.contracts.durations import DurationText, Measure, parse_duration
from services.contracts.words import ClockName, Urgency

BUILT_IN = Path(__file__).with_name("ladders.yaml")


def _wall_clock(text: str) -> str:
    if parse_duration(text).measure is not Measure.WALL:
        raise ValueError("a ladder counts by the wall clock: write PT15M")
    return text


def _parse_step(step: object) -> object:
    """Read `owner or clerks + department_head`: who is told together, each with those who stand in."""
    if not isinstance(step, str):
        return step
    return [[rung.strip() for rung in choice.split(" or ")] for choice in step.split("+")]


def _for_every_urgency(pauses: Mapping[Any, str]) -> Mapping[Any, str]:
    if "*" not in pauses:
        raise ValueError('say with "*" how long the pause is for every other urgency')
    return pauses


WallClock = Annotated[DurationText, AfterValidator(_wall_clock)]
Choice = Annotated[tuple[Rung, ...], Field(min_length=1)]
Step = Annotated[tuple[Choice, ...], BeforeValidator(_parse_step), Field(min_length=1)]
"""Told together; of each choice the first rung on which somebody is found."""
Steps = Annotated[tuple[Step, ...], Field(min_length=1)]
Pauses = Annotated[Mapping[Urgency | Literal["*"], WallClock], AfterValidator(_for_every_urgency)]


class Place(NamedTuple):
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

    def after(self, place: Place, last_round: int) -> Place | None:
        """The place behind `place`; None at the end of the last round."""
        if place.level < len(self.steps):
            return Place(place.round, place.level + 1)
        return Place(place.round + 1, 1) if place.round < last_round else None

    def rest_of_round(self, place: Place) -> tuple[Place, ...]:
        """The places from `place` to the end of its round."""
        return tuple(Place(place.round, level) for level in range(place.level, len(self.steps) + 1))

    def step(self, place: Place) -> Step:
        """Who is told at a place."""
        return self.steps[place.level - 1]


class _Climb(Message):
    """How alerts of one sort climb, by clock."""

    pause: Pauses
    rounds: int = Field(ge=1, le=100)
    acknowledged_for: WallClock
    steps: Mapping[ClockName | Literal["low_rating"], Steps]

    def ladder(self, name: str) -> Ladder:
        key: Any = ClockName(name) if name in set(ClockName) else name
        return Ladder.model_validate({**self.model_dump(), "steps": self.steps[key]})


class Ladders(Message):
    """Every ladder of one name."""

    breach: _Climb
    low_rating: _Climb

    @model_validator(mode="after")
    def _for_every_alert(self) -> "Ladders":
        missing = [clock for clock in ClockName if clock not in self.breach.steps]
        if missing or Threshold.LOW_RATING.value not in self.low_rating.steps:
            raise ValueError(f"no steps for {', '.join(missing) or 'low_rating'}")
        return self

    def of(self, threshold: Threshold, clock: ClockName | None) -> Ladder:
        """The ladder of an alert. A warning tells the first step, once, and does not climb."""
        if clock is None:
            return self.low_rating.ladder(Threshold.LOW_RATING)
        ladder = self.breach.ladder(clock)
        if threshold is Threshold.BREACH:
            return ladder
        return ladder.model_copy(update={"steps": ladder.steps[:1], "rounds": 1, "acknowledged_for": None})


class _File(Message):
    """Ladders by name; there is one name so far."""

    default: Ladders


def length(text: str) -> timedelta:
    """The length that a ladder spells."""
    return parse_duration(text).length


@cache
def read_ladders(file: Path | None = None) -> Ladders:
    """Read the ladders of a file; None is the built-in one.

    Raises:
        ValueError: the file is not ladders.
    """
    try:
        content = yaml.safe_load((file or BUILT_IN).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{file} holds no ladders: {error}") from error
    return _File.model_validate(content).default
