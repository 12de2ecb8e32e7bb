"""The course of a clock: a bar of when it ran, stood still or rested, marks on it, and the same as a list of steps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.console.public_api.closed_hours import Openings
from services.console.rendering.present import LIVE, Countdown, Moment, Present
from services.console.tickets.clock_steps import ClockStep, steps
from services.contracts.durations import Measure, parse_duration

WIDTH = 1000
_NARROWEST = 3.0
_THINNEST_REST = timedelta(minutes=1)
_WORKING_DAY = timedelta(hours=8)
"""A working day on the bar of a paused clock, whose calendar nobody has asked about the days to come."""
_MARKED = frozenset({"warned", "breached", "met", "retargeted", "recalculated", "excused", "cancelled"})

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Piece:
    """A stretch, in parts of `WIDTH`; `state` is running, resting (outside working hours), paused, late or ahead."""

    x: float
    width: float
    state: str


@dataclass(frozen=True)
class ClockMark:
    """Something that happened, at its place on the bar."""

    x: float
    kind: str


@dataclass(frozen=True)
class ClockCourse:
    """One clock of the ledger, ready to be drawn."""

    clock: Item
    countdown: Countdown
    started: Moment | None
    due: Moment | None
    met: Moment | None
    pieces: Sequence[Piece]
    ahead: Sequence[Piece]
    marks: Sequence[ClockMark]
    steps: Sequence[ClockStep]
    due_x: float | None
    now_x: float | None
    ran_for: str
    paused_for: str
    late_for: str
    left: str
    """How much a paused clock has left for when it goes on."""
    is_live: bool

    @property
    def rests(self) -> bool:
        """Whether the bar shows time outside working hours."""
        return any(piece.state == "resting" for piece in (*self.pieces, *self.ahead))

    @property
    def is_excused(self) -> bool:
        """Whether a publication found that its breach would not have been (semantics.md 19)."""
        return bool(self.clock.get("excused_at"))

    @property
    def wants_reason(self) -> bool:
        """Whether it was missed and nobody has said why."""
        return bool(self.clock["breached_at"]) and self.clock.get("explained") is False


def course(
    clock: Item, present: Present, happened: Sequence[Item] = (), openings: Openings | None = None
) -> ClockCourse:
    """Lay a clock out between its start and whatever is latest: its due time, its end, or now.

    `happened` are the ticket's journal events; `openings` those of the clock's calendar, where it counts working time
    and they are known.
    """
    start, due = datetime.fromisoformat(clock["started_at"]), _instant(clock["due_at"])
    live = clock["state"] in LIVE
    end = _instant(clock["ended_at"]) or present.now
    left = _left(clock) if live and due is None else None
    scale = _Scale(start, max(end, due or end + _drawn(clock, left)))
    resting = openings if openings and parse_duration(clock["target"]).is_working else None
    told = steps(clock, present, happened)
    return ClockCourse(
        clock=clock,
        countdown=present.countdown(clock, clock["calendar"]["id"]),
        started=present.moment(clock["started_at"]),
        due=present.moment(clock["due_at"]),
        met=present.moment(clock["met_at"]),
        pieces=[piece for segment in clock["segments"] for piece in _pieces(segment, end, due, scale, resting)],
        ahead=list(_ahead(end, due or scale.end, scale, resting if due else None)) if live else [],
        marks=[ClockMark(scale.x(step.instant), step.kind) for step in told if step.kind in _MARKED],
        steps=told,
        due_x=scale.x(due) if due else None,
        now_x=scale.x(present.now) if live else None,
        ran_for=_length(clock.get("ran_seconds"), present),
        paused_for=_length(clock["paused_seconds"], present),
        late_for=_length(clock.get("overdue_seconds"), present),
        left=present.length(left) if left else "",
        is_live=live,
    )


@dataclass(frozen=True)
class _Scale:
    """From instants to the bar's width."""

    start: datetime
    end: datetime

    def x(self, at: datetime) -> float:
        span = self.end - self.start or timedelta(seconds=1)
        return round(min(max((at - self.start) / span, 0.0), 1.0) * WIDTH, 1)

    def piece(self, begins: datetime, ends: datetime, state: str) -> Piece:
        x, to = self.x(begins), self.x(ends)
        return Piece(min(x, WIDTH - _NARROWEST), max(to - x, _NARROWEST), state)


def _pieces(
    segment: Item, end: datetime, due: datetime | None, scale: _Scale, openings: Openings | None
) -> Iterator[Piece]:
    begins, ends = datetime.fromisoformat(segment["from"]), _instant(segment["to"]) or end
    if segment["state"] == "paused":
        yield scale.piece(begins, ends, "paused")
        return
    in_time = ends if due is None else min(ends, due)
    if begins < in_time or begins == ends:
        yield from _worked(begins, in_time, scale, openings, "running")
    if in_time < ends:
        yield scale.piece(max(begins, in_time), ends, "late")


def _ahead(end: datetime, due: datetime | None, scale: _Scale, openings: Openings | None) -> Iterator[Piece]:
    """The piece that is left until the due time."""
    if due is not None and end < due:
        yield from _worked(end, due, scale, openings, "ahead")


def _worked(begins: datetime, ends: datetime, scale: _Scale, openings: Openings | None, state: str) -> Iterator[Piece]:
    """A stretch of one state, but for the times at which the calendar is closed."""
    at = begins
    closed = openings.closed(begins, ends) if openings else ()
    for closes, opens in closed:
        if opens - closes < _THINNEST_REST:
            continue
        if closes > at:
            yield scale.piece(at, closes, state)
        yield scale.piece(closes, opens, "resting")
        at = opens
    if at < ends or begins == ends:
        yield scale.piece(at, ends, state)


def _left(clock: Item) -> timedelta | None:
    """Time that a clock without a due time has not used up; None where its target is no fixed length."""
    target = parse_duration(clock["target"])
    if target.measure is Measure.WORKING_DAYS:
        return None
    return max(target.length - timedelta(seconds=clock["ran_seconds"]), timedelta(0))


def _drawn(clock: Item, left: timedelta | None) -> timedelta:
    """The length at which what is left is drawn: as if the clock went on now and never rested."""
    if left is not None or clock["due_at"] or clock["state"] not in LIVE:
        return left or timedelta(0)
    days = parse_duration(clock["target"]).days * _WORKING_DAY
    return max(days - timedelta(seconds=clock["ran_seconds"]), timedelta(0))


def _instant(iso: str | None) -> datetime | None:
    return datetime.fromisoformat(iso) if iso else None


def _length(seconds: float | None, present: Present) -> str:
    return present.length(timedelta(seconds=seconds)) if seconds else ""
