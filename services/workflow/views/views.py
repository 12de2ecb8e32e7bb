"""A ticket, its clocks and its journal as a caller sees them (api.md "Ticket view")."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.contracts.base import Message, format_instant
from services.contracts.commands.table import BODIES
from services.contracts.journal import Actor
from services.contracts.permissions import Action, may
from services.contracts.ticket import Clock, Segment
from services.contracts.vocabulary import ActorKind, ClockName, ClockState, CommandName, Phase
from services.promises.calendars import Calendar
from services.runtime.security.auth import Caller
from services.workflow.lifecycle.callback_attempts import channels_left
from services.workflow.lifecycle.customer_answers import oldest_unanswered
from services.workflow.lifecycle.transitions import owed_reason
from services.workflow.views.accused import is_barred
from services.workflow.views.history import Stretch, TicketHistory
from services.workflow.views.schemas import ClockView, FeedItem, LedgerView, OtherTicket, TicketView, TimelineItem
from services.workflow.views.ticket_row import Row, TicketRow

_TEXTS_SHOWN = ("message", "steps", "resources", "summary", "note", "score")
_FILED_TEXTS = ("complaint_about", "resolution_reason", "close_note")
"""For those who handle the ticket only."""
_PLACES: Mapping[str, int] = {name: place for place, name in enumerate(ClockName)}


def ticket_view(ticket: TicketRow) -> dict[str, Any]:
    """The ticket, of a row that was read to be shown, before it is known who asks (`as_seen_by`); without its customer,
    who is asked of intake apart."""
    row, state, policy = ticket.row, ticket.row["state"], ticket.row["policy"]
    return {
        **_of(TicketView, state),
        **_of(TicketView, row),
        "waiting_for": [wait["reason"] for wait in state["waits"]],
        "callback_channels_left": list(
            channels_left(state.get("callback_channels", ()), state.get("customer_channels", ()))
        ),
        "policy": {"id": policy["id"], "version": policy["version"]} if policy else None,
        "clocks": [_clock_view(ledger) for ledger in _shown(row["ledgers"] or ())],
        "unanswered_since": _json(_unanswered_since(row["talk"] or ())),
    }


def as_seen_by(caller: Caller, ticket: TicketRow, view: Mapping[str, Any], left: Collection[str]) -> dict[str, Any]:
    """The view of a ticket for a caller: filed texts only for those who handle it. `left` are those who work here no
    more."""
    with_texts = may(caller, Action.READ_NOTE, ticket)
    return {
        **view,
        **({} if with_texts else dict.fromkeys(_FILED_TEXTS)),
        "allowed": allowed_commands(ticket, caller),
        "owner_left": ticket.owner in left,
    }


def _of(schema: type[Message], stored: Row) -> dict[str, Any]:
    """The fields of an answer that a row, or what is stored in one as JSON, holds under the same name."""
    return {name: _json(stored[name]) for name in schema.model_fields if name in stored}


def _json(value: Any) -> Any:
    return format_instant(value) if isinstance(value, datetime) else value


def _clock_view(ledger: Row) -> dict[str, Any]:
    """One clock, as it is stored; `due_at` is null while it is paused (semantics.md 7)."""
    paused = ledger["segments"][-1]["reasons"] if ledger["state"] == ClockState.PAUSED else []
    return {**_of(ClockView, ledger), "paused_reasons": paused}


@dataclass(frozen=True)
class ClockFacts:
    """A clock with what is told of it besides its ledger; `times` are its elapsed and overdue seconds by now, `paused`
    is its own time that it stood still."""

    clock: Clock
    row: Row
    times: Mapping[str, int]
    paused: timedelta
    course: TicketHistory
    provisional: bool
    explanation: str


def ledger_view(facts: ClockFacts, now: datetime) -> dict[str, Any]:
    """A clock with everything that explains its due time. What is overdue grows until the clock ends (12)."""
    clock, row, course = facts.clock, facts.row, facts.course
    return {
        **_of(LedgerView, row["ledger"]),
        **_clock_view(row["ledger"]),
        "retargeted": clock.retargeted_at is not None,
        "explained": clock.key in course.explained if clock.breached_at else None,
        "provisional": facts.provisional,
        "policy": {"id": clock.policy, "version": clock.policy_version},
        "calendar": {"id": clock.calendar, "version": clock.calendar_version},
        "segments": [_segment_view(segment, course) for segment in clock.segments],
        "paused_seconds": int(facts.paused.total_seconds()),
        "paused_wall_seconds": int(_paused(clock, now).total_seconds()),
        "ran_seconds": row["elapsed_seconds"] if clock.ended_at else facts.times["elapsed"],
        "elapsed_seconds": row["elapsed_seconds"],
        "overdue_seconds": row["overdue_seconds"] if clock.ended_at else facts.times.get("overdue"),
        "explanation": facts.explanation,
    }


def _segment_view(segment: Segment, course: TicketHistory) -> dict[str, Any]:
    return {
        "from": _json(segment.from_at),
        "to": _json(segment.to_at),
        "state": "paused" if segment.reasons else "running",
        "reasons": list(segment.reasons),
        "customer_replied_at": _json(course.replied_at(segment)),
    }


def stretch_view(stretch: Stretch, hours: Calendar, now: datetime) -> dict[str, Any]:
    """Time that a ticket was with one department and owner, waiting included (16)."""
    until = stretch.to_at or max(now, stretch.from_at)
    return {
        "department": stretch.department,
        "owner": stretch.owner,
        "from": _json(stretch.from_at),
        "to": _json(stretch.to_at),
        "seconds": int((until - stretch.from_at).total_seconds()),
        "working_seconds": int(hours.between(stretch.from_at, until).total_seconds()),
    }


def totals_view(items: Sequence[Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Time of each clock over all rounds and cycles (20); the time between two cycles is in no clock."""
    return [_total(name, [it for it in items if it["name"] == name], now) for name in ClockName
            if any(it["name"] == name for it in items)]  # fmt: skip


def _total(name: ClockName, items: Sequence[Mapping[str, Any]], now: datetime) -> dict[str, Any]:
    ends = (datetime.fromisoformat(it["ended_at"]) if it["ended_at"] else now for it in items)
    spans = (end - datetime.fromisoformat(it["started_at"]) for end, it in zip(ends, items, strict=True))
    return {
        "clock": name,
        "cycles": len({it["cycle"] for it in items}),
        "ran_seconds": sum(it["ran_seconds"] or 0 for it in items),
        "elapsed_seconds": int(sum((max(span, timedelta(0)) for span in spans), timedelta(0)).total_seconds()),
    }


def allowed_commands(ticket: TicketRow, caller: Caller) -> list[str]:
    """Commands that are legal now and that this caller may give."""
    actor = Actor(kind=ActorKind(caller.kind), id=caller.id)
    return [
        command
        for command in ticket.legal
        if command in BODIES
        and owed_reason(ticket.state, command, actor) is None
        and may(caller, command_action(ticket, command), ticket)
        and not is_barred(ticket, caller, command)
    ]


def command_action(ticket: TicketRow, command: CommandName) -> Action:
    """The line of the permission table that a command falls under: the second callback is a supervisor's."""
    if command is CommandName.RECORD_CALLBACK and ticket.phase is Phase.AWAITING_SECOND_CALLBACK:
        return Action.SECOND_CALLBACK
    return Action(command)


def timeline_item(row: Row, body: Row | None, *, with_texts: bool) -> dict[str, Any]:
    """One event of the journal; the texts of its command only for those who handle the ticket."""
    texts = {name: body[name] for name in _TEXTS_SHOWN if body.get(name) is not None} if body and with_texts else {}
    return {
        **_of(TimelineItem, row),
        "actor": {"kind": row["actor_kind"], "id": row["actor_id"]},
        "from": row["from_phase"],
        "to": row["to_phase"],
        "reason": body.get("reason") if body and with_texts and row["type"] != "ticket.waiting" else None,
        "data": {**row["data"], **texts},
    }


def other_view(row: Row) -> dict[str, Any]:
    """Another ticket of the same customer."""
    return _of(OtherTicket, row)


def feed_item(row: Row) -> dict[str, Any]:
    """One event of the feed, as webhooks deliver it: thin, without contacts or texts."""
    return {
        **_of(FeedItem, row),
        "id": f"{row['ticket_no']}-{row['seq']}",
        "occurred_at": format_instant(row["at"]),
        "data": {**row["data"], "from": row["from_phase"], "to": row["to_phase"], "cycle": row["cycle"]},
    }


def _shown(ledgers: Sequence[Row]) -> list[Row]:
    """The last round of every clock and cycle, and every round that was breached."""
    last: dict[tuple[int, str], int] = {}
    for ledger in ledgers:
        key = (ledger["cycle"], ledger["name"])
        last[key] = max(last.get(key, 0), ledger["round"])
    kept = [each for each in ledgers if each["breached_at"] or each["round"] == last[each["cycle"], each["name"]]]
    return sorted(kept, key=lambda each: (each["cycle"], _PLACES[each["name"]], each["round"]))


def _unanswered_since(talk: Sequence[Row]) -> datetime | None:
    """Since when the customer waits for an answer to a message; None for nobody who waits."""
    return oldest_unanswered({**event, "at": datetime.fromisoformat(event["at"])} for event in talk)


def _paused(clock: Clock, now: datetime) -> timedelta:
    pauses = [segment for segment in clock.segments if segment.reasons]
    return sum(((segment.to_at or now) - segment.from_at for segment in pauses), timedelta(0))
