"""What the passing of time does to an alert: the next step of its ladder, the end of an acknowledgement or a snooze."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prometheus_client import Counter
from pydantic import JsonValue
from sqlalchemy import RowMapping, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.alert import AlertStanding, AlertState, Climb, Resolution, Rung, Threshold
from services.contracts.base import format_instant
from services.contracts.notice import Audience, NoticeKind, NoticeRequest
from services.contracts.words import Urgency
from services.notify import known
from services.notify.alerts import keeping
from services.notify.alerts.ladders import Ladder, Place
from services.notify.alerts.recipients import Recipient, ask, found_by, found_on, questions, rungs_of
from services.notify.alerts.tables import alerts, tellings
from services.notify.known import KnownTicket
from services.notify.notices.submitting import submit
from services.notify.people import People
from services.notify.resources import Resources
from services.runtime.errors import Refusal

_KINDS = {
    Threshold.BREACH: NoticeKind.BREACH,
    Threshold.WARNING: NoticeKind.WARNING,
    Threshold.LOW_RATING: NoticeKind.LOW_RATING,
}

unheard_total = Counter(
    "bihuan_alert_steps_unheard_total", "Rounds of an alert's ladder that found nobody, not even an administrator."
)


@dataclass(frozen=True)
class Telling:
    """The step that is to be told: the place, and who is found there."""

    place: Place
    recipients: Sequence[Recipient]
    owner_name: str | None = None


class Climber:
    """Does what is due of one alert at a time."""

    def __init__(self, opened: Resources) -> None:
        self._opened = opened
        self._database = opened.database
        self._people = People(opened.directory)

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
                held = await keeping.locked(connection, asked.id)
                if held is None or held["version"] != row["version"]:
                    continue
                after = await self._act(connection, held, ticket, telling, asked.at)
                if not keeping.is_open(after):
                    await keeping.end_if_done(connection, asked.id)
            return keeping.standing_of(after)

    async def _read(self, alert_id: str) -> tuple[Any, Any]:
        async with self._database.read() as connection:
            row = (await connection.execute(select(alerts).where(alerts.c.id == alert_id))).mappings().first()
            if row is None:
                return None, None
            tickets = await known.find(connection, [row["ticket_no"]])
        return row, tickets[row["ticket_no"]]

    async def _choose(self, row: RowMapping, ticket: KnownTicket, at: datetime) -> Telling | None:
        """The first step of the rest of the round that finds somebody; else the administrators, where nobody was
        found in the whole round; else None."""
        if row["next_level"] is None:
            return None
        ladder, place = ladder_of(row), Place(row["next_round"], row["next_level"])
        rest = ladder.rest_of_round(place)
        asked = rungs_of(map(ladder.step, rest)) | {Rung.ADMIN}
        answers = await ask(self._opened.directory, questions(ticket, asked, at))
        for step in rest:
            if found := found_by(ladder.step(step), ticket, answers, at):
                return Telling(step, found, await self._name_of(ticket.owner))
        if row["round"] == place.round and row["level"]:
            return Telling(rest[-1], ())
        admins = found_on(Rung.ADMIN, ticket, answers, at)
        unheard_total.inc(not admins)
        return Telling(rest[-1], admins)

    async def _name_of(self, owner: str | None) -> str | None:
        with suppress(Refusal):
            return (await self._people.roll()).name_of(owner) if owner else None
        return None

    async def _act(
        self, connection: AsyncConnection, row: RowMapping, ticket: KnownTicket, telling: Telling | None, at: datetime
    ) -> RowMapping:
        if row["threshold"] == Threshold.WARNING and row["due_at"] <= at:
            return await keeping.resolve(connection, row, Resolution.STALE, at, by_workflow=True)
        if row["state"] in {AlertState.ACKNOWLEDGED, AlertState.SNOOZED}:
            keeping.count(row, "expired")
        if telling is None:
            return await keeping.change(connection, row, "exhausted", by_workflow=True, **_exhausted(at))
        if telling.recipients:
            await self._tell(connection, row, ticket, telling, at)
        after = _after(row, ticket, telling.place, max(at, datetime.now(UTC)))
        event = "told" if telling.recipients else None
        return await keeping.change(connection, row, event, by_workflow=True, **after)

    async def _tell(
        self, connection: AsyncConnection, row: RowMapping, ticket: KnownTicket, telling: Telling, at: datetime
    ) -> None:
        settings, facts = self._opened.settings, {**facts_of(row, ticket), "owner_name": telling.owner_name}
        requests = [notice(row, ticket, telling.place, to, at, facts, settings.public_url) for to in telling.recipients]
        await enter_tellings(connection, row, telling.place, telling.recipients, at)
        await submit(connection, requests, settings.notice_stale_after)


def ladder_of(row: Mapping[Any, Any]) -> Ladder:
    """The ladder that an alert was raised with."""
    return Ladder.model_validate(row["ladder"])


def facts_of(row: Mapping[Any, Any], ticket: KnownTicket) -> dict[str, JsonValue]:
    """What the text of a notice may say of an alert and its ticket."""
    return {
        "clock": row["clock"],
        "cycle": row["cycle"],
        "due_at": format_instant(row["due_at"]),
        "happened_at": format_instant(row["raised_at"]),
        "kind": ticket.kind,
        "urgency": ticket.urgency,
        "product_model": ticket.product_model,
        "department": ticket.department,
    }


def notice(
    row: Mapping[Any, Any],
    ticket: KnownTicket,
    place: Place,
    to: Recipient,
    at: datetime,
    facts: Mapping[str, JsonValue],
    public_url: str,
) -> NoticeRequest:
    """What one recipient is told of an alert, once for each place on the ladder."""
    return NoticeRequest(
        key=notice_key(row["id"], place, to.staff),
        ticket_no=row["ticket_no"],
        kind=_KINDS[Threshold(row["threshold"])],
        audience=Audience.STAFF,
        recipient=to.staff,
        urgent=ticket.urgency is Urgency.URGENT,
        at=at,
        facts={**facts, "level": place.level, "round": place.round},
        links={"ticket": f"{public_url}/tickets/{row['ticket_no']}", "alerts": f"{public_url}/alerts"},
    )


def notice_key(alert_id: str, place: Place, staff: str) -> str:
    """The constant key of what somebody is told at a place."""
    return f"alert/{alert_id}/{place.round}/{place.level}/{staff}"


async def enter_tellings(
    connection: AsyncConnection, row: RowMapping, place: Place, recipients: Sequence[Recipient], at: datetime
) -> None:
    """Write down who is told."""
    told = [
        {
            "alert_id": row["id"],
            "round": place.round,
            "level": place.level,
            "staff": to.staff,
            "rung": to.rung,
            "at": at,
            "notice_key": notice_key(row["id"], place, to.staff),
        }
        for to in recipients
    ]
    await connection.execute(insert(tellings).values(told).on_conflict_do_nothing())


def _is_due(row: Mapping[Any, Any], at: datetime) -> bool:
    next_at: datetime | None = row["next_at"]
    return next_at is not None and next_at <= at


def _standing(alert_id: str, row: Any) -> AlertStanding:
    """A row that a restored database does not know has nothing left to do."""
    if row is None:
        return AlertStanding(id=alert_id, version=2**31, next_at=None, over=True, remarks=0)
    return keeping.standing_of(row)


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
        "expires_at": None,
        "snoozed_until": None,
    }


def _is_told_once(row: Mapping[Any, Any]) -> bool:
    """A warning does not climb; nor does a breach whose clock was met before anybody was told."""
    return Threshold(row["threshold"]) is Threshold.WARNING or AlertState(row["state"]) is AlertState.RESOLVED


def _exhausted(at: datetime) -> dict[str, Any]:
    return {"exhausted_at": at, "next_at": None, "state": AlertState.OPEN, "expires_at": None, "snoozed_until": None}
