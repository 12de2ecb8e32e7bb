"""A ladder as a drawing: a lane for each rung, a column for each step, a mark where somebody is told.

Every length is in units of the drawing. The steps of a ladder lie nearly equally far apart in time, so a column a step
is a time axis; one that waits for somebody's hours says so in words, or a night would push the rest off the page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from services.console.forms import durations
from services.console.rendering.present import Moment, Present
from services.contracts.durations import parse_duration

LEFT, COLUMN, LANE, TOP, END = 136, 120, 64, 58, 110
_ORDER = ("owner", "clerks", "on_call", "department_head", "supervisor", "colleague", "admin")
_SHOWN_WIDTH = 16
_WIDE = 0x2E80
"""From here on characters take two columns: Chinese, Japanese, Korean."""

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Lane:
    """A rung of the ladder."""

    name: str
    y: int


@dataclass(frozen=True)
class LadderMark:
    """The people told on one rung at one step; empty `names` where the step names the rung and tells nobody on it."""

    x: int
    y: int
    names: str
    short: str
    waits: str


@dataclass(frozen=True)
class StepColumn:
    """One step."""

    x: int
    after: str
    time: str
    opens_round: int | None


@dataclass(frozen=True)
class ChartStep:
    """One step as the table tells it."""

    round: int
    level: int
    after: str
    at: Moment | None
    rungs: str
    told: Sequence[tuple[str, str, Moment | None]]
    note: str


@dataclass(frozen=True)
class Chart:
    """The whole drawing; `climb` is the line through the steps."""

    lanes: Sequence[Lane]
    columns: Sequence[StepColumn]
    marks: Sequence[LadderMark]
    climb: Sequence[tuple[tuple[int, int], tuple[int, int]]]
    width: int
    height: int

    @property
    def left(self) -> int:
        """The x at which time begins."""
        return LEFT

    @property
    def half(self) -> int:
        """Half a step."""
        return COLUMN // 2

    @property
    def end_x(self) -> int:
        """The x at which the ladder ends."""
        return LEFT + COLUMN * len(self.columns)


def chart(plan: Item, present: Present) -> Chart:
    """The answer of `/v1/ladders/{id}/plan` to be drawn."""
    items: Sequence[Item] = plan["items"]
    rungs = _rungs(items)
    lanes = {rung: TOP + LANE * place + LANE // 2 for place, rung in enumerate(rungs)}
    columns = [_column(place, item, items, present) for place, item in enumerate(items)]
    told = [_marks(column.x, item, lanes, present) for column, item in zip(columns, items, strict=True)]
    stops = [next(((mark.x, mark.y) for mark in marks if mark.names), None) for marks in told]
    return Chart(
        lanes=[Lane(present.words.of("rung", rung), y) for rung, y in lanes.items()],
        columns=columns,
        marks=[mark for marks in told for mark in marks],
        climb=list(pairwise([stop for stop in stops if stop])),
        width=LEFT + COLUMN * len(items) + END,
        height=TOP + LANE * len(lanes) + 8,
    )


def steps(plan: Item, present: Present) -> list[ChartStep]:
    """The same for those who read a table."""
    return [_step(item, present) for item in plan["items"]]


def written_step(step: str, present: Present) -> str:
    """`owner or clerks + department_head` in the reader's words."""
    choices = [choice.split(" or ") for choice in step.split("+")]
    return _choices([[rung.strip() for rung in choice] for choice in choices], present)


def _rungs(items: Sequence[Item]) -> list[str]:
    named = {rung for item in items for choice in item["rungs"] for rung in choice}
    told = {each["rung"] for item in items for each in item["told"]}
    found = named | told
    return sorted(found, key=lambda rung: (_ORDER.index(rung) if rung in _ORDER else len(_ORDER), rung))


def _column(place: int, item: Item, items: Sequence[Item], present: Present) -> StepColumn:
    opens = place == 0 or items[place - 1]["round"] != item["round"]
    return StepColumn(
        x=LEFT + COLUMN * place + COLUMN // 2,
        after=_after(item, present),
        time=present.text(item["at"]),
        opens_round=item["round"] if opens else None,
    )


def _marks(x: int, item: Item, lanes: Mapping[str, int], present: Present) -> list[LadderMark]:
    named = [rung for choice in item["rungs"] for rung in choice]
    rungs = dict.fromkeys([*(each["rung"] for each in item["told"]), *named])
    return [_mark(x, lanes[rung], [each for each in item["told"] if each["rung"] == rung], present) for rung in rungs]


def _mark(x: int, y: int, told: Sequence[Item], present: Present) -> LadderMark:
    names = present.words.text("list.and").join(_name(each, present) for each in told)
    waits = [each["waits_until"] for each in told if each["waits_until"]]
    # Somebody who is told at once makes the step a step of now.
    until = present.text(min(waits)) if waits and len(waits) == len(told) else ""
    shown = _cut(_name(told[0], present), len(told) - 1) if told else ""
    return LadderMark(x, y, names, shown, present.words.text("ladders.waits", at=until) if until else "")


def _name(told: Item, present: Present) -> str:
    """The name of who is told; a ticket's owner is nobody yet, and some readers are told no names."""
    return str(told["name"] or present.words.of("rung", told["rung"]))


def _step(item: Item, present: Present) -> ChartStep:
    return ChartStep(
        round=item["round"],
        level=item["level"],
        after=_after(item, present),
        at=present.moment(item["at"]),
        rungs=_choices(item["rungs"], present),
        told=[
            (_name(each, present), present.words.of("rung", each["rung"]), present.moment(each["waits_until"]))
            for each in item["told"]
        ],
        note=present.words.of("ladder_note", item["note"]),
    )


def _choices(choices: Sequence[Sequence[str]], present: Present) -> str:
    words = present.words
    either = (words.text("ladders.or").join(words.of("rung", rung) for rung in choice) for choice in choices)
    return " + ".join(either)


def _after(item: Item, present: Present) -> str:
    at_once = not parse_duration(item["after"]).length
    return present.words.text("ladders.at_once") if at_once else f"+ {durations.written(item['after'], present.words)}"


def _cut(name: str, others: int) -> str:
    """A name short enough for a column, with how many there are besides."""
    more = f" +{others}" if others else ""
    room = _SHOWN_WIDTH - len(more)
    shown = ""
    for letter in name:
        room -= 2 if ord(letter) >= _WIDE else 1
        if room < 0:
            return f"{shown}…{more}"
        shown += letter
    return shown + more
