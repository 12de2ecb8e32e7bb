"""The passing of time moves an alert: the next step of its ladder, the end of an acknowledgement or a snooze."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from prometheus_client import Counter
from sqlalchemy import Text, any_, cast, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.directory_copy import DirectoryCopy, Roll
from services.contracts.alert import AlertStanding, AlertState, Climb, Resolution, Rung, Threshold
from services.notify import ticket_copies
from services.notify.alerts import store
from services.notify.alerts.notices import enter_tellings, facts_of, notice, overdue
from services.notify.alerts.tables import alerts
from services.notify.ladders.candidates import Candidates, CandidateSearch, SoughtStep
from services.notify.ladders.choice import DueStep, StepChoice, choose, tell_first_by
from services.notify.ladders.ladders import Ladder, LadderPlace, ladder_of
from services.notify.ladders.recipients import found_on
from services.notify.notices.submission import NoticeDraft, submit
from services.notify.resources import Resources
from services.notify.ticket_copies import KnownTicket
from services.runtime.errors import Refusal
from services.runtime.telemetry import log

unheard_total = Counter(
    "bihuan_alert_steps_unheard_total", "Rounds of an alert's ladder that found nobody, not even an administrator."
)


@dataclass(frozen=True)
class DueAlert:
    """An alert to which time does something, now or later."""

    row: Mapping[Any, Any]
    ticket: KnownTicket

    @cached_property
    def ladder(self) -> Ladder:
        """The ladder that it was raised with."""
        return ladder_of(self.row)

    def sought(self, at: datetime) -> SoughtStep:
        """Its next step, as the people of it are sought."""
        return SoughtStep(self.ticket, self.ladder, LadderPlace(self.row["next_round"], self.row["next_level"]), at)


@dataclass(frozen=True)
class NextStep:
    """The step that is told, now or later, and whom it informs besides."""

    choice: StepChoice
    heads: Mapping[str, datetime]
    """Heads of the department, who are informed of a breach when it is first told (product.md 5), and when each of them
    is reached."""
    look_at: datetime
    """When to look again, where nobody is told now."""
    read_from: str
    owner_name: str | None


class Escalation:
    """Takes alerts up their ladders: the first step with whoever raises them, each other one for their workflow."""

    def __init__(self, opened: Resources, candidates: CandidateSearch) -> None:
        self._settings = opened.settings
        self._database = opened.database
        self._candidates = candidates
        self._people = DirectoryCopy(opened.directory)

    async def begin(self, connection: AsyncConnection, alert_ids: Sequence[str], at: datetime) -> None:
        """Take the first steps of alerts, in the transaction that raises them: whoever is told first hears at once,
        with the engine down too (invariant I12).

        While the directory does not say who is told, the steps are left to the workflows of the alerts.
        """
        due = await _due(connection, alert_ids, at) if alert_ids else ()
        if not due:
            return
        try:
            steps = await self._choose(due, at, connection)
        except Refusal as refusal:
            log().warning("first steps of alerts wait for their workflows", count=len(due), code=refusal.code)
            return
        await self._take(connection, due, steps, at)

    async def climb(self, asked: Climb) -> AlertStanding:
        """Do what is due of an alert at `asked.at`, for its workflow; answers how it stands then, also when nothing is
        due.

        Whoever is told is asked of the directory at this moment. The row is looked at again before anything is
        written, so nobody is told of an alert that was acknowledged while the directory answered.

        Raises:
            Unavailable: PostgreSQL or the directory is away; nothing was done.
        """
        while True:
            async with self._database.read() as connection:
                due = await _due(connection, [asked.id], asked.at)
                if not due:
                    return await store.standing(connection, asked.id)
            steps = await self._choose(due, asked.at)
            async with self._database.begin() as connection:
                held = await store.locked(connection, asked.id)
                if held is None or held["version"] != due[0].row["version"]:
                    continue
                await self._take(connection, due, steps, asked.at, by_workflow=True)
                return await store.standing(connection, asked.id)

    async def _choose(
        self, due: Sequence[DueAlert], at: datetime, connection: AsyncConnection | None = None
    ) -> Mapping[str, NextStep]:
        """The step that is told next of each alert, by its id; none at the end of the ladder."""
        climbing = [each for each in due if each.row["next_level"] is not None]
        if not climbing:
            return {}
        candidates = await self._candidates.find([each.sought(at) for each in climbing], connection)
        roll = await self._roll()
        return {each.row["id"]: _next_step(each, candidates, roll, at) for each in climbing}

    async def _roll(self) -> Roll:
        with suppress(Refusal):
            return await self._people.roll()
        return Roll()

    async def _take(
        self,
        connection: AsyncConnection,
        due: Sequence[DueAlert],
        steps: Mapping[str, NextStep],
        at: datetime,
        *,
        by_workflow: bool = False,
    ) -> None:
        told = [(each, steps[each.row["id"]]) for each in due if _tells(each.row, steps.get(each.row["id"]), at)]
        recipients = ((each.row, step.choice.place, to) for each, step in told for to in step.choice.recipients)
        await enter_tellings(connection, recipients, at)
        drafts = [draft for each, step in told for draft in self._drafts(each, step, at)]
        await submit(connection, drafts, self._settings.notice_stale_after)
        for each in due:
            await _move(connection, each, steps.get(each.row["id"]), at, by_workflow=by_workflow)
        await store.announce(connection)

    def _drafts(self, due: DueAlert, step: NextStep, at: datetime) -> Sequence[NoticeDraft]:
        """Drafts of the notices at a step: to those whom it tells, and to the heads for their information."""
        row, ticket, url = due.row, due.ticket, self._settings.public_url
        facts = {**facts_of(row, ticket), "owner_name": step.owner_name}
        place, told = step.choice.place, step.choice.recipients
        ids = {to.staff for to in told}
        informed = [
            NoticeDraft(overdue(row, ticket, staff, at, facts, url), held_until=reached_at if reached_at > at else None)
            for staff, reached_at in step.heads.items()
            if staff not in ids
        ]
        return [*(NoticeDraft(notice(row, ticket, place, to, at, facts, url)) for to in told), *informed]


async def _due(connection: AsyncConnection, alert_ids: Sequence[str], at: datetime) -> Sequence[DueAlert]:
    # One array is one parameter: `IN` writes and prepares a statement for every number of them.
    these = (alerts.c.id == any_(cast(list(alert_ids), ARRAY(Text))), alerts.c.next_at <= at)
    rows = (await connection.execute(select(alerts).where(*these).order_by(alerts.c.id))).mappings().all()
    tickets = await ticket_copies.find(connection, [row["ticket_no"] for row in rows])
    return [DueAlert(row, tickets[row["ticket_no"]]) for row in rows]


def due_step(due: DueAlert, at: datetime) -> DueStep:
    """The step that comes next. One that waits for somebody's hours was due when it began to."""
    row, place = due.row, due.sought(at).place
    return DueStep(
        ladder=due.ladder,
        place=place,
        pause=due.ladder.pause_for(due.ticket.urgency),
        due_at=row["waits_from"] or at,
        at=at,
        somebody_told=row["round"] == place.round and row["level"] > 0,
        tell_by=None if _is_known(row) else tell_first_by(Threshold(row["threshold"]), row["due_at"], at),
    )


def _is_known(row: Mapping[Any, Any]) -> bool:
    """Whether somebody was told of it, or has answered it untold: from then on it can wait for the morning."""
    answered = row["acknowledged_at"] or row["handed_to"] or row["state"] == AlertState.SNOOZED
    return row["level"] > 0 or bool(answered)


def _next_step(due: DueAlert, candidates: Candidates, roll: Roll, at: datetime) -> NextStep:
    row, ticket = due.row, candidates.seen(due.ticket)
    available = candidates.availability(ticket, at)
    choice = choose(due_step(due, at), ticket, candidates.answers, available)
    unheard_total.inc(choice.is_unheard)
    is_first = row["threshold"] == Threshold.BREACH and not row["level"]
    heads = found_on(Rung.DEPARTMENT_HEAD, ticket, candidates.answers, at) if is_first else ()
    return NextStep(
        choice,
        heads={head.staff: available.reached_at(head.staff, at) for head in heads},
        look_at=min(choice.at, candidates.next_shift_at or choice.at),
        read_from=candidates.read_from,
        owner_name=roll.name_of(ticket.owner) if ticket.owner else None,
    )


def _tells(row: Mapping[Any, Any], step: NextStep | None, at: datetime) -> bool:
    return step is not None and step.choice.at <= at and bool(step.choice.recipients) and not _is_stale(row, at)


def _is_stale(row: Mapping[Any, Any], at: datetime) -> bool:
    """Whether it is a warning that came too late to warn (semantics.md 24)."""
    return bool(row["threshold"] == Threshold.WARNING and row["due_at"] <= at)


async def _move(
    connection: AsyncConnection, due: DueAlert, step: NextStep | None, at: datetime, *, by_workflow: bool
) -> None:
    """Write down where an alert stands behind what time did to it."""
    row = due.row
    if _is_stale(row, at):
        await store.resolve(connection, row, Resolution.STALE, at, by_workflow=by_workflow)
        return
    if row["state"] in {AlertState.ACKNOWLEDGED, AlertState.SNOOZED}:
        store.count(row, "expired")
    event: str | None
    values: dict[str, Any]
    if step is None:
        event, values = "exhausted", {"exhausted_at": at, "next_at": None}
    elif step.choice.at > at:
        event = None if row["waits_from"] else "waits"
        values = {"next_at": step.look_at, "waits_from": row["waits_from"] or at, "waits_by": step.read_from}
    else:
        event = "told" if step.choice.recipients else None
        values = _behind(due, step.choice.place, max(at, datetime.now(UTC)))
    state = AlertState.OPEN if store.is_open(row) else AlertState.RESOLVED
    awake = {"state": state, "expires_at": None, "snoozed_until": None}
    await store.write(connection, row, event, by_workflow=by_workflow, **awake, **values)


def _behind(due: DueAlert, told: LadderPlace, now: datetime) -> dict[str, Any]:
    """The row behind a told step. The pause counts from now: after an outage, steps do not follow at once."""
    row = due.row
    following = None if _is_told_once(row) else due.ladder.after(told, row["last_round"])
    pause = due.ladder.pause_for(due.ticket.urgency)
    return {
        "round": told.round,
        "level": told.level,
        "next_round": following.round if following else None,
        "next_level": following.level if following else None,
        # At the end of the last round the told ones have their pause too, before the climb counts as exhausted.
        "next_at": None if _is_told_once(row) else now + pause,
        "waits_from": None,
        "waits_by": None,
    }


def _is_told_once(row: Mapping[Any, Any]) -> bool:
    """A warning does not climb; nor does a breach whose clock was met before anybody was told."""
    return Threshold(row["threshold"]) is Threshold.WARNING or not store.is_open(row)
