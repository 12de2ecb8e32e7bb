"""Follows the journal: what it says of clocks becomes alerts, with their first step, and ends them (semantics.md 21 to
24)."""

from collections.abc import Mapping, Sequence
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
from services.runtime.postgres.raw_statement import RawStatement
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
# Most pages find none: no row is locked for them, nor the lock's statement built.
_UNRESOLVED = RawStatement(
    "SELECT FROM notify.alerts WHERE ticket_no = ANY(CAST(:ticket_nos AS text[])) AND state <> 'resolved' LIMIT 1"
)
_NOT_OVER: Mapping[str, Any] = dict.fromkeys(("resolution", "resolved_at", "engine_id"))


class AlertConsumer:
    """Raises alerts and takes their first step. Everything is done in the transaction of whoever asks, so it is done
    once."""

    def __init__(self, ladders: LadderBook, escalation: Escalation) -> None:
        self._ladders = ladders
        self._escalation = escalation

    async def apply(self, connection: AsyncConnection, events: Sequence[TicketEvent]) -> None:
        """Raise what these events breach or warn of, resolve what is over, tell whoever is first of what is not."""
        now = datetime.now(UTC)
        facts = await ticket_copies.remember(connection, (event.ticket for event in events))
        in_use = await self._ladders.in_use(connection) if any(map(_threshold_of, events)) else {}
        crossed = [_crossed(event, threshold, in_use, now) for event in events if (threshold := _threshold_of(event))]
        raised = await _insert(connection, [each for each in crossed if each is not None])
        for event in events:
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
        values |= {"due_at": asked.due_at, "raised_at": asked.raised_at, "next_at": min(asked.raised_at, now)}
        raised = await _insert(connection, [values]) or await ratings.call_again(connection, asked, now)
        await self._escalation.begin(connection, raised, now)
        return await ratings.alert_of(connection, asked)


def _crossed(
    event: TicketEvent, threshold: Threshold, in_use: Mapping[str, StoredLadder], now: datetime
) -> Mapping[str, Any] | None:
    """The alert of a threshold that a clock has crossed, whose first step is due at once; None of a late warning."""
    data = event.event.data
    clock, cycle, round_ = ClockName(str(data["clock"])), int(str(data["clock_cycle"])), int(str(data["round"]))
    due_at, raised_at = (datetime.fromisoformat(str(data[name])) for name in ("due_at", "detected_at"))
    state = event.ticket.live_clocks.get(f"{clock}/{cycle}/{round_}")
    if threshold is Threshold.WARNING and (state is not ClockState.RUNNING or due_at <= now):
        return None
    values: dict[str, Any] = {"ticket_no": event.ticket_no, "cycle": cycle, "clock": clock, "clock_round": round_}
    values |= _climb(threshold, clock, in_use, str(data["ladder"]) if data.get("ladder") else None)
    values |= {"due_at": due_at, "raised_at": raised_at, "next_at": min(raised_at, now)}
    return values | {**_CLOSED_BEFORE, "resolved_at": now} if event.ticket.phase is Phase.CLOSED else values


async def _insert(connection: AsyncConnection, alerts_to_be: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """Make alerts; answers the ids of those that are new and not over."""
    # A statement for many rows takes its columns from the first.
    complete = [{**_NOT_OVER, **values} for values in alerts_to_be]
    return [row["id"] for row in await store.insert_alerts(connection, complete) if store.is_open(row)]


def _threshold_of(event: TicketEvent) -> Threshold | None:
    return _THRESHOLDS.get(event.event.type)


def _climb(
    threshold: Threshold, clock: ClockName | None, in_use: Mapping[str, StoredLadder], wanted: str | None
) -> dict[str, Any]:
    """The beginning of a climb. The alert keeps the ladder as it is now, whatever is written later."""
    stored, missing = chosen(in_use, wanted)
    if missing:
        log().warning("a policy names a ladder that there is not; the default one is climbed", ladder=missing)
    ladder = stored.of(threshold, clock)
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


async def _resolve_what_is_over(connection: AsyncConnection, facts: Mapping[str, TicketFacts], now: datetime) -> None:
    """Resolve alerts whose clock was met or cancelled, whose ticket was closed, whose warning came true."""
    if not await _UNRESOLVED.within(connection, {"ticket_nos": list(facts)}):
        return
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
