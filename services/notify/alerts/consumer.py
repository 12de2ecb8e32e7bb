"""Follows the journal: what it says of clocks becomes alerts, with their first step, and ends them (semantics.md 21 to
24)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Text, any_, cast, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.alert import AlertState, RaiseAlert, Resolution, Threshold
from services.contracts.feed import TicketEvent, TicketFacts
from services.contracts.journal import EventType
from services.contracts.vocabulary import ClockName, ClockState, Phase
from services.notify import ticket_copies
from services.notify.alerts import actions, ratings, store
from services.notify.alerts.escalation import Escalation
from services.notify.alerts.tables import alerts
from services.notify.ladders.store import LadderBook, StoredLadder, chosen
from services.notify.notices.submission import cancel
from services.runtime.errors import Unavailable
from services.runtime.telemetry import log

_THRESHOLDS = {EventType.CLOCK_BREACHED: Threshold.BREACH, EventType.CLOCK_WARNED: Threshold.WARNING}
_CLOSED_BEFORE: Mapping[str, Any] = {
    "state": AlertState.RESOLVED,
    "resolution": Resolution.TICKET_CLOSED,
    "engine_id": store.NO_ENGINE,
    "next_at": None,
    "next_round": None,
    "next_level": None,
}
"""A breach that is heard of after the ticket was closed is on record, and nobody is told (21)."""


class AlertConsumer:
    """Raises alerts and takes their first step. Everything is done in the transaction of whoever asks, so it is done
    once."""

    def __init__(self, ladders: LadderBook, escalation: Escalation) -> None:
        self._ladders = ladders
        self._escalation = escalation

    async def apply(self, connection: AsyncConnection, events: Sequence[TicketEvent]) -> None:
        """Raise what these events breach or warn of, resolve what is over, tell whoever is first of what is not."""
        now = datetime.now(UTC)
        facts = _newest(events)
        await ticket_copies.remember(connection, facts.values())
        in_use = await self._ladders.in_use(connection) if any(map(_threshold_of, events)) else {}
        raised = list[str]()
        for event in events:
            if threshold := _threshold_of(event):
                raised += await _raise(connection, event, threshold, in_use, now)
            if event.event.type is EventType.RECALCULATED:
                await _excuse(connection, event, now)
        await _resolve_what_is_over(connection, facts, now)
        await self._escalation.begin(connection, raised, now)

    async def raise_low_rating(self, connection: AsyncConnection, asked: RaiseAlert) -> str:
        """Raise an alert that no clock raises; answers its id, that of the first under the same ticket and cycle.
        One that a correction of the rating had called off is raised again.

        Raises:
            Unavailable: the feed has not told of the ticket yet.
        """
        if not await ticket_copies.find(connection, [asked.ticket_no]):
            raise Unavailable
        now = datetime.now(UTC)
        in_use = await self._ladders.in_use(connection)
        values = {"ticket_no": asked.ticket_no, "cycle": asked.cycle, "clock": None, "clock_round": None}
        values |= _climb(Threshold.LOW_RATING, None, in_use, None)
        values |= {"due_at": asked.due_at, "raised_at": asked.raised_at}
        raised = await _insert(connection, values, now) or await ratings.call_again(connection, asked, now)
        await self._escalation.begin(connection, raised, now)
        return await ratings.alert_of(connection, asked)


async def _raise(
    connection: AsyncConnection,
    event: TicketEvent,
    threshold: Threshold,
    in_use: Mapping[str, StoredLadder],
    now: datetime,
) -> Sequence[str]:
    data = event.event.data
    clock, cycle, round_ = ClockName(str(data["clock"])), int(str(data["clock_cycle"])), int(str(data["round"]))
    due_at = datetime.fromisoformat(str(data["due_at"]))
    state = event.ticket.live_clocks.get(f"{clock}/{cycle}/{round_}")
    if threshold is Threshold.WARNING and (state is not ClockState.RUNNING or due_at <= now):
        return ()
    values: dict[str, Any] = {"ticket_no": event.ticket_no, "cycle": cycle, "clock": clock, "clock_round": round_}
    values |= _climb(threshold, clock, in_use, str(data["ladder"]) if data.get("ladder") else None)
    values |= {"due_at": due_at, "raised_at": datetime.fromisoformat(str(data["detected_at"]))}
    if event.ticket.phase is Phase.CLOSED:
        values |= {**_CLOSED_BEFORE, "resolved_at": now}
    return await _insert(connection, values, now)


async def _insert(connection: AsyncConnection, values: Mapping[str, Any], now: datetime) -> Sequence[str]:
    """Make an alert, whose first step is due at once; answers its id where it is new and not over."""
    row = await store.insert_alert(connection, {"next_at": min(values["raised_at"], now), **values})
    if row is None or not store.is_open(row):
        return ()
    await store.remark(connection, row, EventType.ALERT_RAISED, row["raised_at"], {"due_at": row["due_at"]})
    return (row["id"],)


def _threshold_of(event: TicketEvent) -> Threshold | None:
    return _THRESHOLDS.get(event.event.type)


def _climb(
    threshold: Threshold, clock: ClockName | None, in_use: Mapping[str, StoredLadder], wanted: str | None
) -> dict[str, Any]:
    """The beginning of a climb. The alert keeps the ladder as it is now, whatever is written later."""
    stored, missing = chosen(in_use, wanted)
    if missing:
        log().warning("a policy names a ladder that there is not; the default one is climbed", ladder=missing)
    ladder = stored.draft.of(threshold, clock)
    return {
        "threshold": threshold,
        "state": AlertState.OPEN,
        "ladder": ladder.model_dump(mode="json"),
        "ladder_id": stored.id,
        "ladder_version": stored.version,
        "ladder_missing": missing,
        "last_round": ladder.rounds,
        "next_round": 1,
        "next_level": 1,
    }


async def _excuse(connection: AsyncConnection, event: TicketEvent, now: datetime) -> None:
    """Let the alerts of breaches that a change of policy or calendar would have avoided rest until the due time that
    excuses them, and take back what is still to be said of them (semantics.md 19). Whose clock is met by then, or has
    ended, is resolved; a clock that passes this due time too has no second breach, so its alert climbs on (I10)."""
    excused = event.event.data.get("excused")
    keys = {str(each) for each in excused} if isinstance(excused, list) else set()
    of_ticket = (alerts.c.ticket_no == event.ticket_no, alerts.c.clock.is_not(None), store.UNRESOLVED)
    query = select(alerts).where(*of_ticket).order_by(alerts.c.id).with_for_update()
    for row in (await connection.execute(query)).mappings().all():
        if _key_of(row) in keys:
            until = event.ticket.excused_until.get(_key_of(row))
            if until is not None and until > now:
                await actions.snooze(connection, row, until)
            else:
                await store.resolve(connection, row, Resolution.EXCUSED, now)
            for prefix in (f"alert/{row['id']}/", f"overdue/{row['id']}/"):
                await cancel(connection, prefix)


def _key_of(row: Mapping[Any, Any]) -> str:
    """The journal's key of an alert's clock."""
    return f"{row['clock']}/{row['cycle']}/{row['clock_round']}"


def _newest(events: Iterable[TicketEvent]) -> dict[str, TicketFacts]:
    newest: dict[str, TicketFacts] = {}
    for event in events:
        seen = newest.get(event.ticket_no)
        newest[event.ticket_no] = event.ticket if seen is None or event.ticket.version >= seen.version else seen
    return newest


async def _resolve_what_is_over(connection: AsyncConnection, facts: Mapping[str, TicketFacts], now: datetime) -> None:
    """Resolve alerts whose clock was met or cancelled, whose ticket was closed, whose warning came true."""
    of_these = alerts.c.ticket_no == any_(cast(list(facts), ARRAY(Text)))
    # In one order, so that nobody waits for each other in a circle.
    query = select(alerts).where(of_these, store.UNRESOLVED).order_by(alerts.c.id).with_for_update()
    for row in (await connection.execute(query)).mappings().all():
        if resolution := _over(row, facts[row["ticket_no"]]):
            await store.resolve(connection, row, resolution, now)


def _over(row: Mapping[Any, Any], facts: TicketFacts) -> Resolution | None:
    if row["threshold"] == Threshold.LOW_RATING:
        return Resolution.REOPENED if facts.cycle > row["cycle"] else None
    if facts.phase is Phase.CLOSED:
        return Resolution.TICKET_CLOSED
    state = facts.live_clocks.get(_key_of(row))
    if state is None:
        return Resolution.CLOCK_ENDED
    if row["threshold"] == Threshold.WARNING and state is ClockState.BREACHED:
        return Resolution.BREACHED
    return None
