"""Looks after the alerts that wait: how many there are, whether the workflow of each still keeps its time, and whether
the hours that it waits for have changed."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import Gauge
from sqlalchemy import DateTime, cast, func, select, update

from services.contracts.alert import AlertState, Threshold
from services.contracts.journal import EventType
from services.notify.alerts import store
from services.notify.alerts.first_steps import UNTOLD
from services.notify.alerts.store import UNRESOLVED
from services.notify.alerts.tables import alerts, remarks
from services.notify.ladders.availability import Reaching
from services.notify.wake_channels import STARTER_CHANNEL
from services.runtime.errors import Refusal
from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.database import Database

EVERY_SECONDS = 5.0
MISSED_AFTER = timedelta(minutes=2)
"""How late a step may be before the alert's workflow is started anew: it may have been ended by hand."""

_AT_ONCE = 200

open_gauge = Gauge("bihuan_alerts_open", "Alerts that are not resolved.", ["state"])
exhausted_gauge = Gauge("bihuan_alerts_exhausted", "Open alerts whose ladder ended without an answer.")
waiting_gauge = Gauge("bihuan_alerts_waiting_for_hours", "Alerts whose next step reaches nobody at this hour.")
late_gauge = Gauge("bihuan_alerts_late_seconds", "How late the latest of the due steps of alerts is; 0 when none is.")
untold_gauge = Gauge(
    "bihuan_alerts_untold_seconds", "How long the oldest alert waits for its first telling; 0 for none."
)
unentered_gauge = Gauge(
    "bihuan_alerts_unentered", "Alerts of missed promises whose journal does not know that they are raised."
)
unentered_seconds_gauge = Gauge(
    "bihuan_alerts_unentered_seconds", "How long the oldest entry of an alert waits for its journal; 0 for none."
)


async def watch(database: Database, reaching: Reaching) -> None:
    """Look until cancelled; while PostgreSQL is away the last figures stand."""
    while True:
        with suppress(Refusal):
            await measure(database)
            await start_missed(database)
            await look_again(database, reaching)
        await asyncio.sleep(EVERY_SECONDS)


async def measure(database: Database) -> None:
    """Count what waits."""
    exhausted = func.count().filter(alerts.c.exhausted_at.is_not(None))
    query = select(alerts.c.state, func.count().label("number"), exhausted.label("exhausted")).where(UNRESOLVED)
    due = select(func.min(alerts.c.next_at)).where(alerts.c.ended.is_(False))
    async with database.read() as connection:
        rows = {row.state: row for row in await connection.execute(query.group_by(alerts.c.state))}
        first: datetime | None = await connection.scalar(due)
        untold: datetime | None = await connection.scalar(due.where(UNTOLD))
        unentered = (await connection.execute(_unentered())).one()
    for state in AlertState:
        if state is not AlertState.RESOLVED:
            open_gauge.labels(state).set(rows[state].number if state in rows else 0)
    exhausted_gauge.set(rows[AlertState.OPEN].exhausted if AlertState.OPEN in rows else 0)
    late_gauge.set(_seconds_since(first))
    untold_gauge.set(_seconds_since(untold))
    unentered_gauge.set(unentered.raisings)
    unentered_seconds_gauge.set(_seconds_since(unentered.since))


def _seconds_since(instant: datetime | None) -> float:
    return max((datetime.now(UTC) - instant).total_seconds(), 0.0) if instant else 0.0


def _unentered() -> Any:
    """How many alerts of breaches are raised without their journal knowing it, and since when anything is owed one."""
    of_breach = (remarks.c.remark["type"].astext == EventType.ALERT_RAISED) & (
        remarks.c.remark["data"]["threshold"].astext == Threshold.BREACH
    )
    since = func.min(cast(remarks.c.remark["at"].astext, DateTime(timezone=True)))
    columns = (func.count().filter(of_breach).label("raisings"), since.label("since"))
    return select(*columns).where(remarks.c.entered_at.is_(None))


async def start_missed(database: Database) -> int:
    """Take alerts whose step is long due from the engine: the starter then starts, or tells, their workflows.

    Answers how many. A workflow that runs and cannot get on hears what it knows.
    """
    missed = (
        alerts.c.ended.is_(False),
        alerts.c.engine_id.is_not(None),
        alerts.c.next_at < datetime.now(UTC) - MISSED_AFTER,
        alerts.c.missed_at.is_(None) | (alerts.c.missed_at < datetime.now(UTC) - MISSED_AFTER),
    )
    async with database.begin() as connection:
        values = {"engine_id": None, "news": alerts.c.news + 1, "missed_at": datetime.now(UTC)}
        taken = await connection.execute(update(alerts).where(*missed).values(**values))
        if taken.rowcount:
            await wake(connection, STARTER_CHANNEL)
    return taken.rowcount


async def look_again(database: Database, reaching: Reaching) -> int:
    """Have the steps that wait for hours look again where these were read from something that has changed since: a
    person's hours, a shift, a calendar, the quiet hours. Answers how many do."""
    waits = (alerts.c.ended.is_(False), alerts.c.waits_from.is_not(None))
    async with database.read() as connection:
        waiting = int(await connection.scalar(select(func.count()).where(*waits)) or 0)
    waiting_gauge.set(waiting)
    if not waiting:
        return 0
    read_from = await reaching.read_from_now()
    outdated = select(alerts).where(*waits, alerts.c.waits_by != read_from).order_by(alerts.c.id)
    async with database.begin() as connection:
        rows = (await connection.execute(outdated.limit(_AT_ONCE).with_for_update(skip_locked=True))).mappings().all()
        for row in rows:
            await store.change(connection, row, None, next_at=datetime.now(UTC), waits_by=read_from)
    return len(rows)
