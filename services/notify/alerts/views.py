"""Alerts as the API shows them (api.md)."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from services.contracts.alert import AlertState, Resolution, Rung, Threshold
from services.contracts.base import Instant, Message
from services.contracts.notice import NoticeChannel, NoticeState
from services.contracts.page import Page
from services.contracts.vocabulary import ClockName
from services.notify.alerts.actions import Answer
from services.notify.ticket_copies import KnownTicket


class ToldView(Message):
    """A person who was told, and what became of it. Level 0 is a hand-over."""

    staff: str
    at: Instant
    channel: NoticeChannel | None = Field(description="Null until it has gone.")
    state: NoticeState
    rung: Rung | None
    round: int
    level: int


class NextView(Message):
    """The people told next, and when, if nobody answers until then: after the acknowledgement, the snooze or the pause,
    and where they are not reached at its end, when their hours or somebody else's begin. As hours and shifts are known
    now."""

    at: Instant
    rungs: tuple[Rung, ...]
    staff: tuple[str, ...] | None = Field(description="As of now; null while the directory does not answer.")


class LadderRef(Message):
    """The ladder that an alert climbs, as it was when the alert was raised. `missing` is one that the policy names and
    that there is not: the default one is climbed instead."""

    id: str
    version: int
    missing: str | None


class AlertView(Message):
    """One alert. `level` is the step of the ladder that was told last, from 1; 0 before anybody was told."""

    id: str
    version: int
    ticket_no: str
    clock: ClockName | None = Field(description="Null for a low rating.")
    cycle: int
    clock_round: int | None
    threshold: Threshold
    due_at: Instant
    raised_at: Instant
    state: AlertState
    level: int
    round: int = Field(description="How often the ladder was begun.")
    told: tuple[ToldView, ...]
    next: NextView | None
    waits_from: Instant | None = Field(
        description="Since when the next step waits for the hours of those whom it would tell; `next.at` is when they "
        "begin."
    )
    ladder: LadderRef | None = Field(description="Null for alerts from before ladders had names.")
    exhausted_at: Instant | None = Field(description="When the last round ended without an answer.")
    acknowledged_by: str | None
    acknowledged_at: Instant | None
    expires_at: Instant | None = Field(description="When the acknowledgement ends and the ladder goes on.")
    snoozed_until: Instant | None
    handed_to: str | None
    resolved_at: Instant | None
    resolved_by: str | None
    resolution: Resolution | None
    resolution_note: str | None = Field(description="Null without the right to notes.")
    department: str | None
    owner: str | None
    allowed: tuple[Answer, ...] = Field(description="What the caller can do with it now.")


class AlertPage(Page[AlertView]):
    """A page of alerts. The stream goes on from `position` without a gap: give it as `Last-Event-ID`."""

    position: str


def told_view(row: Mapping[Any, Any]) -> ToldView:
    """Show a telling, read with its notice."""
    return ToldView(**{name: row[name] for name in ToldView.model_fields})


def alert_view(
    row: Mapping[Any, Any],
    told: Sequence[ToldView],
    following: NextView | None,
    ticket: KnownTicket,
    *,
    allowed: Sequence[Answer],
    with_note: bool,
) -> AlertView:
    """Show a row."""
    apart = {
        "told": tuple(told),
        "next": following,
        "ladder": _ladder_ref(row),
        "department": ticket.department,
        "owner": ticket.owner,
        "allowed": tuple(allowed),
        "resolution_note": row["resolution_note"] if with_note else None,
    }
    same = {name: row[name] for name in AlertView.model_fields if name not in apart}
    return AlertView(**same, **apart)


def _ladder_ref(row: Mapping[Any, Any]) -> LadderRef | None:
    if row["ladder_id"] is None:
        return None
    return LadderRef(id=row["ladder_id"], version=row["ladder_version"], missing=row["ladder_missing"])
