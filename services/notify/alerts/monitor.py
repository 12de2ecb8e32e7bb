"""Looks after the alerts that wait: how many there are, and whether the hours that they wait for have changed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import Gauge
from sqlalchemy import DateTime, cast, func, select

from services.contracts.alert import AlertState, Threshold
from services.contracts.journal import EventType
from services.notify.alerts import store
from services.notify.alerts.store import UNRESOLVED
from services.notify.alerts.tables import alerts, remarks
from services.notify.ladders.candidates import CandidateSearch
from services.runtime.postgres.database import Database

LOOKED_AT_EVERY = timedelta(seconds=5)
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


async def measure(database: Database) -> None:
    """Count what waits."""
    exhausted = func.count().filter(alerts.c.exhausted_at.is_not(None))
    query = select(alerts.c.state, func.count().label("number"), exhausted.label("exhausted")).where(UNRESOLVED)
    due = select(func.min(alerts.c.next_at))
    async with database.read() as connection:
        rows = {row.state: row for row in await connection.execute(query.group_by(alerts.c.state))}
        first: datetime | None = await connection.scalar(due)
        untold: datetime | None = await connection.scalar(due.where(alerts.c.level == 0))
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
    """Alerts of breaches that are raised without their journal knowing it, and since when anything is owed one."""
    of_breach = (remarks.c.remark["type"].astext == EventType.ALERT_RAISED) & (
        remarks.c.remark["data"]["threshold"].astext == Threshold.BREACH
    )
    since = func.min(cast(remarks.c.remark["at"].astext, DateTime(timezone=True)))
    columns = (func.count().filter(of_breach).label("raisings"), since.label("since"))
    return select(*columns).where(remarks.c.entered_at.is_(None))


async def look_again(database: Database, candidates: CandidateSearch) -> int:
    """Make the steps due that wait for hours which were read from something that has changed since: a person's hours, a
    shift, a calendar, the quiet hours. Answers how many; their workflows hear of it like of every change."""
    waits = alerts.c.waits_from.is_not(None)
    async with database.read() as connection:
        waiting = int(await connection.scalar(select(func.count()).where(waits)) or 0)
    waiting_gauge.set(waiting)
    if not waiting:
        return 0
    read_from = await candidates.read_from_now()
    outdated = select(alerts).where(waits, alerts.c.waits_by != read_from).order_by(alerts.c.id)
    async with database.begin() as connection:
        rows = (await connection.execute(outdated.limit(_AT_ONCE).with_for_update(skip_locked=True))).mappings().all()
        for row in rows:
            await store.change(connection, row, None, next_at=datetime.now(UTC), waits_by=read_from)
    return len(rows)
