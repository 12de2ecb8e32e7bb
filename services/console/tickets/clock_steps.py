"""Steps of one clock, in order: from its ledger and from the ticket's journal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.console.rendering.present import Moment, Present

_NOTICEABLE = timedelta(minutes=1)
_PROMISES: Mapping[str, str] = {"response": "respond_by", "resolution": "resolve_by"}

Item = Mapping[str, Any]


@dataclass(frozen=True)
class ClockStep:
    """One thing that happened. `kind` is started, paused, warned, due, breached, explained, retargeted, recalculated,
    promised, excused, met or cancelled."""

    instant: datetime
    at: Moment | None
    kind: str
    text: str


def steps(clock: Item, present: Present, happened: Sequence[Item]) -> list[ClockStep]:
    """The steps of a clock, earliest first. A due time that nothing has decided yet comes last."""
    told = [
        ClockStep(datetime.fromisoformat(at), present.moment(at), kind, text)
        for at, kind, text in (*_of_ledger(clock, present), *_of_journal(clock, present, happened))
    ]
    return sorted(told, key=lambda step: (step.instant, step.kind != "started"))


def _of_ledger(clock: Item, present: Present) -> Iterator[tuple[str, str, str]]:
    text = present.words.text
    yield clock["started_at"], "started", text("step.started")
    for segment in clock["segments"]:
        if segment["state"] == "paused":
            yield segment["from"], "paused", _pause(segment, present)
    if clock.get("retargeted_at"):
        yield clock["retargeted_at"], "retargeted", text("step.retargeted")
    if clock["breached_at"]:
        yield clock["breached_at"], "breached", _breach(clock, present)
    elif clock["due_at"]:
        yield clock["due_at"], "due", text("step.due")
    if clock.get("excused_at"):
        yield clock["excused_at"], "excused", text("step.excused")
    if clock["met_at"]:
        yield clock["met_at"], "met", text("step.met_late" if clock["state"] == "met_late" else "step.met")
    elif clock["state"] == "cancelled" and clock["ended_at"]:
        code, words = clock["cancel_reason"], present.words
        reason = words.of("cancel_reason", code, words.of("close_reason", code)) or words.text("none")
        yield clock["ended_at"], "cancelled", text("step.cancelled", reason=reason)


def _of_journal(clock: Item, present: Present, happened: Sequence[Item]) -> Iterator[tuple[str, str, str]]:
    for event in happened:
        data = event["data"]
        if event["type"] == "clock.warned" and _is_of(data, clock):
            yield event["at"], "warned", present.words.text("step.warned")
        elif event["type"] == "clock.explained" and data.get("clock") == clock["name"] and clock["breached_at"]:
            yield event["at"], "explained", present.words.text("step.explained")
        elif event["type"] == "ticket.promised" and event["cycle"] == clock["cycle"]:
            yield from _promise(event, clock, present)
        elif event["type"] == "ticket.recalculated":
            yield from _recalculation(event, clock, present)


def _promise(event: Item, clock: Item, present: Present) -> Iterator[tuple[str, str, str]]:
    date = event["data"].get(_PROMISES.get(clock["name"], ""))
    if date:
        yield event["at"], "promised", present.words.text("step.promised", date=present.text(date))


def _recalculation(event: Item, clock: Item, present: Present) -> Iterator[tuple[str, str, str]]:
    for change in event["data"].get("changes") or ():
        if _is_of(change, clock):
            words = present.words
            before, after = (present.text(change.get(name)) or words.text("none") for name in ("due_from", "due_to"))
            yield event["at"], "recalculated", words.text("step.recalculated", before=before, after=after)


def _is_of(data: Item, clock: Item) -> bool:
    cycle = data.get("clock_cycle", data.get("cycle"))
    return (data.get("clock"), cycle, data.get("round", 1)) == (clock["name"], clock["cycle"], clock["round"])


def _pause(segment: Item, present: Present) -> str:
    words = present.words
    reasons = words.text("list.and").join(words.of("wait_reason", reason) for reason in segment["reasons"])
    if segment["to"] is None:
        text = words.text("step.paused_now", reason=reasons)
    else:
        length = datetime.fromisoformat(segment["to"]) - datetime.fromisoformat(segment["from"])
        ends = present.text(segment["to"])
        text = words.text("step.paused", reason=reasons, until=ends, length=present.length(length))
    replied = segment.get("customer_replied_at")
    return text + words.text("step.replied", at=present.text(replied)) if replied else text


def _breach(clock: Item, present: Present) -> str:
    text = present.words.text("step.breached")
    if not clock["detected_at"]:
        return text
    delay = datetime.fromisoformat(clock["detected_at"]) - datetime.fromisoformat(clock["breached_at"])
    if delay < _NOTICEABLE:
        return text
    return text + present.words.text("step.detected", length=present.length(delay))
