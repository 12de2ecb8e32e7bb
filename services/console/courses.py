"""The course of a clock as a bar: when it ran, when it stood still, where its due time and this moment lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.console.present import LIVE, Countdown, Moment, Present

WIDTH = 1000
_NARROWEST = 3.0


@dataclass(frozen=True)
class Piece:
    """A stretch, in parts of `WIDTH`; `state` is running, paused or late."""

    x: float
    width: float
    state: str


@dataclass(frozen=True)
class Course:
    """One clock of the ledger, ready to be drawn."""

    clock: Mapping[str, Any]
    countdown: Countdown
    started: Moment | None
    due: Moment | None
    met: Moment | None
    pieces: Sequence[Piece]
    due_x: float | None
    now_x: float | None
    paused_for: str
    is_live: bool


def course(clock: Mapping[str, Any], present: Present) -> Course:
    """Lay a clock out between its start and whatever is latest: its due time, its end, or now."""
    start = datetime.fromisoformat(clock["started_at"])
    due = _instant(clock["due_at"])
    live = clock["state"] in LIVE
    end = _instant(clock["ended_at"]) or present.now
    span = max(each for each in (end, due or end)) - start or timedelta(seconds=1)

    def x(at: datetime) -> float:
        return round(min(max((at - start) / span, 0.0), 1.0) * WIDTH, 1)

    paused = timedelta(seconds=clock["paused_seconds"])
    return Course(
        clock=clock,
        countdown=present.countdown(clock, clock["calendar"]["id"]),
        started=present.moment(clock["started_at"]),
        due=present.moment(clock["due_at"]),
        met=present.moment(clock["met_at"]),
        pieces=[piece for segment in clock["segments"] for piece in _pieces(segment, end, due, x)],
        due_x=x(due) if due else None,
        now_x=x(present.now) if live else None,
        paused_for=present.length(paused) if paused else "",
        is_live=live,
    )


def _pieces(segment: Mapping[str, Any], end: datetime, due: datetime | None, x: Any) -> list[Piece]:
    begins, ends = datetime.fromisoformat(segment["from"]), _instant(segment["to"]) or end
    if segment["state"] == "paused" or due is None or ends <= due:
        return [_piece(x(begins), x(ends), segment["state"])]
    in_time = [_piece(x(begins), x(due), "running")] if begins < due else []
    return [*in_time, _piece(x(max(begins, due)), x(ends), "late")]


def _piece(begins: float, ends: float, state: str) -> Piece:
    return Piece(min(begins, WIDTH - _NARROWEST), max(ends - begins, _NARROWEST), state)


def _instant(iso: str | None) -> datetime | None:
    return datetime.fromisoformat(iso) if iso else None
