"""A ticket, its clocks and its journal as a caller sees them (api.md "Ticket view")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.contracts.base import format_instant
from services.contracts.commands import BODIES
from services.contracts.journal import Actor
from services.contracts.permissions import Action, Caller, may
from services.contracts.ticket import Clock, TicketState
from services.contracts.vocabulary import ActorKind, ClockName, CommandName, Phase
from services.promises.calendars import Calendar
from services.workflow.lifecycle.callback_attempts import channels_left
from services.workflow.lifecycle.transitions import legal_commands
from services.workflow.views.history import Course, Stretch

_INSTANTS = ("opened_at", "accepted_at", "assigned_at", "responded_at", "resolved_at", "confirmed_at", "closed_at")
_TEXTS_SHOWN = ("message", "steps", "resources", "summary", "note", "score")


Row = Mapping[Any, Any]


class TicketRow:
    """A row of `tickets`, with the questions that the permission table asks."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.department: str | None = row["department"]
        self.owner: str | None = row["owner"]
        self.co_owners: Sequence[str] = row["co_owners"]
        self.phase = Phase(row["phase"])

    @property
    def state(self) -> TicketState:
        """The state as recorded last."""
        return TicketState.model_validate(self.row["state"])


def ticket_view(
    ticket: TicketRow, clock_rows: Sequence[Row], allowed: Sequence[str], *, with_texts: bool
) -> dict[str, Any]:
    """The ticket without its customer, who is asked of intake apart; filed texts only for those who handle it."""
    row = ticket.row
    policy = row["policy"]
    return {
        "ticket_no": row["ticket_no"],
        "version": row["version"],
        "status": row["status"],
        "phase": row["phase"],
        "cycle": row["cycle"],
        "kind": row["kind"],
        "category": row["category"],
        "subcategory": row["subcategory"],
        "urgency": row["urgency"],
        "priority": row["priority"],
        "service_stage": row["service_stage"],
        "channel": row["channel"],
        "language": row["language"],
        "department": row["department"],
        "owner": row["owner"],
        "co_owners": list(row["co_owners"]),
        "accepted_by": row["accepted_by"],
        "complaint_about": row["complaint_about"] if with_texts else None,
        "product": row["product"],
        "incident_id": row["incident_id"],
        "tags": list(row["tags"]),
        "cause": row["cause"],
        **{name: _instant(row[name]) for name in _INSTANTS},
        "complete": row["state"]["complete"],
        "missing": row["state"]["missing"],
        "complex": row["state"]["complex"],
        "plan": row["state"]["plan"],
        "waiting_for": [wait["reason"] for wait in row["state"]["waits"]],
        "callback_attempts": row["state"]["callback_attempts"],
        "callback_counts_from": row["state"].get("callback_counts_from"),
        "callback_channels_left": _channels_left(row["state"]),
        "resolution": row["resolution"],
        "resolution_reason": row["resolution_reason"] if with_texts else None,
        "confirmation": row["confirmation"],
        "close_reason": row["close_reason"],
        "close_note": row["close_note"] if with_texts else None,
        "merged_into": row["merged_into"],
        "copies": row["state"].get("copies", []),
        "follows": row["state"].get("follows"),
        "followed_by": row["state"].get("followed_by", []),
        "policy": {"id": policy["id"], "version": policy["version"]} if policy else None,
        "clocks": [clock_view(Clock.model_validate(clock["ledger"])) for clock in _shown(clock_rows)],
        "next_due_at": _instant(row["next_due_at"]),
        "allowed": list(allowed),
    }


def clock_view(clock: Clock) -> dict[str, Any]:
    """One clock; `due_at` is null while it is paused (semantics.md 7)."""
    return {
        "name": clock.name,
        "cycle": clock.cycle,
        "round": clock.round,
        "state": clock.state,
        "started_at": format_instant(clock.started_at),
        "due_at": _instant(clock.due_at),
        "met_at": _instant(clock.met_at),
        "breached_at": _instant(clock.breached_at),
        "detected_at": _instant(clock.detected_at),
        "paused_reasons": list(clock.paused_reasons),
        "target": clock.target,
    }


@dataclass(frozen=True)
class ClockFacts:
    """A clock with what is told of it besides its ledger; `times` are its elapsed and overdue seconds by now, `paused`
    is its own time that it stood still."""

    clock: Clock
    row: Row
    times: Mapping[str, int]
    paused: timedelta
    course: Course
    provisional: bool
    explanation: str


def ledger_view(facts: ClockFacts, now: datetime) -> dict[str, Any]:
    """A clock with everything that explains its due time. What is overdue grows until the clock ends (12)."""
    clock, row, course = facts.clock, facts.row, facts.course
    return {
        **clock_view(clock),
        "ended_at": _instant(clock.ended_at),
        "cancel_reason": clock.cancel_reason,
        "promised_at": _instant(clock.promised_at),
        "by_promise": clock.by_promise,
        "retargeted": clock.retargeted_at is not None,
        "retargeted_at": _instant(clock.retargeted_at),
        "excused_at": _instant(clock.excused_at),
        "explained": clock.key in course.explained if clock.breached_at else None,
        "provisional": facts.provisional,
        "ladder": clock.ladder,
        "warn_at": [format_instant(at) for at in clock.warn_at],
        "priority": clock.priority,
        "policy": {"id": clock.policy, "version": clock.policy_version},
        "calendar": {"id": clock.calendar, "version": clock.calendar_version},
        "segments": [
            {
                "from": format_instant(segment.from_at),
                "to": _instant(segment.to_at),
                "state": "paused" if segment.reasons else "running",
                "reasons": list(segment.reasons),
                "customer_replied_at": _instant(course.replied_at(segment)),
            }
            for segment in clock.segments
        ],
        "paused_seconds": int(facts.paused.total_seconds()),
        "paused_wall_seconds": int(_paused(clock, now).total_seconds()),
        "ran_seconds": row["elapsed_seconds"] if clock.ended_at else facts.times["elapsed"],
        "elapsed_seconds": row["elapsed_seconds"],
        "overdue_seconds": row["overdue_seconds"] if clock.ended_at else facts.times.get("overdue"),
        "explanation": facts.explanation,
    }


def stretch_view(stretch: Stretch, hours: Calendar, now: datetime) -> dict[str, Any]:
    """Time that a ticket was with one department and owner, waiting included (16)."""
    until = stretch.to_at or max(now, stretch.from_at)
    return {
        "department": stretch.department,
        "owner": stretch.owner,
        "from": _instant(stretch.from_at),
        "to": _instant(stretch.to_at),
        "seconds": int((until - stretch.from_at).total_seconds()),
        "working_seconds": int(hours.between(stretch.from_at, until).total_seconds()),
    }


def totals_view(items: Sequence[Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Time of each clock over all rounds and cycles (20); the time between two cycles is in no clock."""
    return [_total(name, [it for it in items if it["name"] == name], now) for name in ClockName
            if any(it["name"] == name for it in items)]  # fmt: skip


def _total(name: ClockName, items: Sequence[Mapping[str, Any]], now: datetime) -> dict[str, Any]:
    spans = (_until(it["ended_at"], now) - datetime.fromisoformat(it["started_at"]) for it in items)
    return {
        "clock": name,
        "cycles": len({it["cycle"] for it in items}),
        "ran_seconds": sum(it["ran_seconds"] or 0 for it in items),
        "elapsed_seconds": int(sum((max(span, timedelta(0)) for span in spans), timedelta(0)).total_seconds()),
    }


def _until(ended_at: str | None, now: datetime) -> datetime:
    return datetime.fromisoformat(ended_at) if ended_at else now


def allowed_commands(ticket: TicketRow, caller: Caller, *, accused: bool) -> list[str]:
    """Commands that are legal now and that this caller may give; `accused`: the complaint is about them."""
    return [
        command
        for command in legal_commands(ticket.state, Actor(kind=ActorKind(caller.kind), id=caller.id))
        if command in BODIES and _may_give(ticket, caller, command, accused=accused)
    ]


def command_action(ticket: TicketRow, command: CommandName) -> Action:
    """The line of the permission table that a command falls under: the second callback is a supervisor's."""
    if command is CommandName.RECORD_CALLBACK and ticket.phase is Phase.AWAITING_SECOND_CALLBACK:
        return Action.SECOND_CALLBACK
    return Action(command)


def _may_give(ticket: TicketRow, caller: Caller, command: CommandName, *, accused: bool) -> bool:
    if accused and command in BARRED_FOR_THE_ACCUSED:
        return False
    return may(caller, command_action(ticket, command), ticket)


BARRED_FOR_THE_ACCUSED = frozenset(
    {CommandName.RECORD_CALLBACK, CommandName.CLOSE_UNRESOLVED, CommandName.WITHDRAW, CommandName.MERGE}
)
"""Whom a complaint is about may not call back or close it (product.md 3)."""


def timeline_item(row: Row, body: Row | None, *, with_texts: bool) -> dict[str, Any]:
    """One event of the journal; the texts of its command only for those who handle the ticket."""
    texts = {name: body[name] for name in _TEXTS_SHOWN if body.get(name) is not None} if body and with_texts else {}
    return {
        "seq": row["seq"],
        "type": row["type"],
        "at": format_instant(row["at"]),
        "actor": {"kind": row["actor_kind"], "id": row["actor_id"]},
        "from": row["from_phase"],
        "to": row["to_phase"],
        "cycle": row["cycle"],
        "reason": body.get("reason") if body and with_texts and row["type"] != "ticket.waiting" else None,
        "data": {**row["data"], **texts},
    }


def feed_item(row: Row) -> dict[str, Any]:
    """One event of the feed, as webhooks deliver it: thin, without contacts or texts."""
    return {
        "type": row["type"],
        "id": f"{row['ticket_no']}-{row['seq']}",
        "occurred_at": format_instant(row["at"]),
        "ticket_no": row["ticket_no"],
        "seq": row["seq"],
        "data": {**row["data"], "from": row["from_phase"], "to": row["to_phase"], "cycle": row["cycle"]},
    }


def _channels_left(state: Mapping[str, Any]) -> list[str]:
    return list(channels_left(state.get("callback_channels", ()), state.get("customer_channels", ())))


def _shown(rows: Sequence[Row]) -> list[Row]:
    """The last round of every clock and cycle, and every round that was breached."""
    last: dict[tuple[int, str], int] = {}
    for row in rows:
        key = (row["cycle"], row["name"])
        last[key] = max(last.get(key, 0), row["round"])
    kept = [row for row in rows if row["breached_at"] or row["round"] == last[row["cycle"], row["name"]]]
    order = list(ClockName)
    return sorted(kept, key=lambda row: (row["cycle"], order.index(ClockName(row["name"])), row["round"]))


def _paused(clock: Clock, now: datetime) -> timedelta:
    pauses = [segment for segment in clock.segments if segment.reasons]
    return sum(((segment.to_at or now) - segment.from_at for segment in pauses), timedelta(0))


def _instant(at: datetime | None) -> str | None:
    return format_instant(at.astimezone(UTC)) if at else None
