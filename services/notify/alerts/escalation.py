"""What the passing of time does to an alert: the next step of its ladder, the end of an acknowledgement or a snooze."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prometheus_client import Counter
from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.directory_copy import DirectoryCopy
from services.contracts.alert import AlertStanding, AlertState, Climb, Resolution, Rung, Threshold
from services.notify import ticket_copies
from services.notify.alerts import store
from services.notify.alerts.notices import enter_tellings, facts_of, notice, overdue
from services.notify.alerts.tables import alerts
from services.notify.hours.calendars import CalendarsCopy
from services.notify.ladders.availability import Around, Reaching
from services.notify.ladders.choice import Choice, Step, choose, tell_first_by
from services.notify.ladders.ladders import Place, ladder_of
from services.notify.ladders.recipients import found_on
from services.notify.notices.submission import NoticeDraft, submit
from services.notify.resources import Resources
from services.notify.ticket_copies import KnownTicket
from services.runtime.errors import Refusal

unheard_total = Counter(
    "bihuan_alert_steps_unheard_total", "Rounds of an alert's ladder that found nobody, not even an administrator."
)


@dataclass(frozen=True)
class Telling:
    """What time does: the step that is told, now or later, and whom it informs besides."""

    choice: Choice
    heads: Mapping[str, datetime]
    """Heads of the department, who are informed of a breach when it is first told (product.md 5), and when each of them
    is reached."""
    look_at: datetime
    """When to look again, where nobody is told now."""
    read_from: str
    owner_name: str | None = None


class Climber:
    """Does what is due of one alert at a time."""

    def __init__(self, opened: Resources, calendars: CalendarsCopy) -> None:
        self._opened = opened
        self._reaching = Reaching(opened, calendars)
        self._database = opened.database
        self._people = DirectoryCopy(opened.directory)

    async def climb(self, asked: Climb) -> AlertStanding:
        """Do what is due at `asked.at`; answers how the alert stands then, also when nothing is due.

        Whoever is told is asked of the directory at this moment. The row is looked at again before anything is
        written, so nobody is told of an alert that was acknowledged while the directory answered.

        Raises:
            Unavailable: PostgreSQL or the directory is away; nothing was done.
        """
        while True:
            row, ticket = await self._read(asked.id)
            if row is None or not _is_due(row, asked.at):
                return _standing(asked.id, row)
            telling = await self._choose(row, ticket, asked.at)
            async with self._database.begin() as connection:
                held = await store.locked(connection, asked.id)
                if held is None or held["version"] != row["version"]:
                    continue
                after = await self._act(connection, held, ticket, telling, asked.at)
                if not store.is_open(after):
                    await store.end_if_done(connection, asked.id)
            return store.standing_of(after)

    async def _read(self, alert_id: str) -> tuple[Any, Any]:
        async with self._database.read() as connection:
            row = (await connection.execute(select(alerts).where(alerts.c.id == alert_id))).mappings().first()
            if row is None:
                return None, None
            tickets = await ticket_copies.find(connection, [row["ticket_no"]])
        return row, tickets[row["ticket_no"]]

    async def _choose(self, row: RowMapping, ticket: KnownTicket, at: datetime) -> Telling | None:
        """The step that is told next, and when; None at the end of the ladder."""
        if row["next_level"] is None:
            return None
        step = step_of(row, ticket, at)
        steps = map(step.ladder.step, step.ladder.rest_of_round(step.place))
        around = await self._reaching.around(ticket, steps, at)
        ticket = around.ticket
        choice = choose(step, ticket, around.answers, around.reach)
        unheard_total.inc(choice.is_unheard)
        heads = {} if row["level"] or row["threshold"] != Threshold.BREACH else _heads(ticket, around, at)
        look_at = min(choice.at, around.next_shift_at or choice.at)
        return Telling(choice, heads, look_at, around.read_from, await self._name_of(ticket.owner))

    async def _name_of(self, owner: str | None) -> str | None:
        with suppress(Refusal):
            return (await self._people.roll()).name_of(owner) if owner else None
        return None

    async def _act(
        self, connection: AsyncConnection, row: RowMapping, ticket: KnownTicket, telling: Telling | None, at: datetime
    ) -> RowMapping:
        if row["threshold"] == Threshold.WARNING and row["due_at"] <= at:
            return await store.resolve(connection, row, Resolution.STALE, at, by_workflow=True)
        if row["state"] in {AlertState.ACKNOWLEDGED, AlertState.SNOOZED}:
            store.count(row, "expired")
        if telling is None:
            return await store.change(connection, row, "exhausted", by_workflow=True, **_exhausted(at))
        if telling.choice.at > at:
            event = None if row["waits_from"] else "waits"
            return await store.change(connection, row, event, by_workflow=True, **_waiting(row, telling, at))
        if telling.choice.recipients:
            await self._tell(connection, row, ticket, telling, at)
        after = _after(row, ticket, telling.choice.place, max(at, datetime.now(UTC)))
        event = "told" if telling.choice.recipients else None
        return await store.change(connection, row, event, by_workflow=True, **after)

    async def _tell(
        self, connection: AsyncConnection, row: RowMapping, ticket: KnownTicket, telling: Telling, at: datetime
    ) -> None:
        settings, facts = self._opened.settings, {**facts_of(row, ticket), "owner_name": telling.owner_name}
        place, told, url = telling.choice.place, telling.choice.recipients, settings.public_url
        notices = [NoticeDraft(notice(row, ticket, place, to, at, facts, url)) for to in told]
        ids = {to.staff for to in told}
        informed = [
            NoticeDraft(overdue(row, ticket, staff, at, facts, url), held_until=reached_at if reached_at > at else None)
            for staff, reached_at in telling.heads.items()
            if staff not in ids
        ]
        await enter_tellings(connection, row, place, told, at)
        await submit(connection, [*notices, *informed], settings.notice_stale_after)


def _is_due(row: Mapping[Any, Any], at: datetime) -> bool:
    next_at: datetime | None = row["next_at"]
    return next_at is not None and next_at <= at


def _standing(alert_id: str, row: Any) -> AlertStanding:
    """A row that a restored database does not know has nothing left to do."""
    if row is None:
        return AlertStanding(id=alert_id, version=2**31, next_at=None, over=True, remarks=0)
    return store.standing_of(row)


def step_of(row: Mapping[Any, Any], ticket: KnownTicket, at: datetime) -> Step:
    """The step that comes next. One that waits for somebody's hours was due when it began to."""
    ladder, place = ladder_of(row), Place(row["next_round"], row["next_level"])
    return Step(
        ladder=ladder,
        place=place,
        pause=ladder.pause_for(ticket.urgency),
        due_at=row["waits_from"] or at,
        at=at,
        somebody_told=row["round"] == place.round and row["level"] > 0,
        tell_by=None if _is_known(row) else tell_first_by(Threshold(row["threshold"]), row["due_at"], at),
    )


def _is_known(row: Mapping[Any, Any]) -> bool:
    """Whether somebody was told of it, or has answered it untold: from then on it can wait for the morning."""
    answered = row["acknowledged_at"] or row["handed_to"] or row["state"] == AlertState.SNOOZED
    return row["level"] > 0 or bool(answered)


def _heads(ticket: KnownTicket, around: Around, at: datetime) -> Mapping[str, datetime]:
    heads = found_on(Rung.DEPARTMENT_HEAD, ticket, around.answers, at)
    return {head.staff: around.reach.reached_at(head.staff, at) for head in heads}


def _waiting(row: Mapping[Any, Any], telling: Telling, at: datetime) -> dict[str, Any]:
    """The row of a step that reaches nobody now."""
    return {
        "state": AlertState.RESOLVED if row["state"] == AlertState.RESOLVED else AlertState.OPEN,
        "next_at": telling.look_at,
        "waits_from": row["waits_from"] or at,
        "waits_by": telling.read_from,
        "expires_at": None,
        "snoozed_until": None,
    }


def _after(row: RowMapping, ticket: KnownTicket, told: Place, now: datetime) -> dict[str, Any]:
    """The row behind a told step. The pause counts from now: after an outage, steps do not follow at once."""
    ladder = ladder_of(row)
    following = None if _is_told_once(row) else ladder.after(told, row["last_round"])
    climbs_on = row["state"] != AlertState.RESOLVED
    pause = ladder.pause_for(ticket.urgency)
    return {
        "state": AlertState.OPEN if climbs_on else AlertState.RESOLVED,
        "round": told.round,
        "level": told.level,
        "next_round": following.round if following else None,
        "next_level": following.level if following else None,
        # At the end of the last round the told ones have their pause too, before the climb counts as exhausted.
        "next_at": None if _is_told_once(row) else now + pause,
        "waits_from": None,
        "waits_by": None,
        "expires_at": None,
        "snoozed_until": None,
    }


def _is_told_once(row: Mapping[Any, Any]) -> bool:
    """A warning does not climb; nor does a breach whose clock was met before anybody was told."""
    return Threshold(row["threshold"]) is Threshold.WARNING or AlertState(row["state"]) is AlertState.RESOLVED


def _exhausted(at: datetime) -> dict[str, Any]:
    return {"exhausted_at": at, "next_at": None, "state": AlertState.OPEN, "expires_at": None, "snoozed_until": None}
