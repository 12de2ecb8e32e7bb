"""Looks after the alerts that wait: how many there are, and whether the hours that they wait for have changed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import Gauge
from sqlalchemy import DateTime, Select, cast, func, select

from services.contracts.alert import AlertState, Threshold
from services.contracts.journal import EventType
from services.notify.alerts import store
from services.notify.alerts.store import UNRESOLVED
from services.notify.alerts.tables import alerts, remarks
from services.notify.ladders.candidates import CandidateSearch
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import RawStatement, written_out

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
    rows = {row["state"]: row for row in await _OPEN.all(database, {})}
    waits = await _WAITS.one(database, {})
    for state in AlertState:
        if state is not AlertState.RESOLVED:
            open_gauge.labels(state).set(rows[state]["number"] if state in rows else 0)
    exhausted_gauge.set(rows[AlertState.OPEN]["exhausted"] if AlertState.OPEN in rows else 0)
    late_gauge.set(_seconds_since(waits["due"]))
    untold_gauge.set(_seconds_since(waits["untold"]))
    unentered_gauge.set(waits["raisings"])
    unentered_seconds_gauge.set(_seconds_since(waits["since"]))


def _seconds_since(instant: datetime | None) -> float:
    return max((datetime.now(UTC) - instant).total_seconds(), 0.0) if instant else 0.0


def _open() -> Select[Any]:
    exhausted = func.count().filter(alerts.c.exhausted_at.is_not(None))
    query = select(alerts.c.state, func.count().label("number"), exhausted.label("exhausted")).where(UNRESOLVED)
    return query.group_by(alerts.c.state)


def _waits() -> Select[Any]:
    """The instant at which the first step was due, of all and of those that nobody was told of; the number of breaches
    that are raised without their journal knowing it, and since when anything is owed one."""
    due = select(func.min(alerts.c.next_at))
    of_breach = (remarks.c.remark["type"].astext == EventType.ALERT_RAISED) & (
        remarks.c.remark["data"]["threshold"].astext == Threshold.BREACH
    )
    since = func.min(cast(remarks.c.remark["at"].astext, DateTime(timezone=True)))
    return select(
        due.scalar_subquery().label("due"),
        due.where(alerts.c.level == 0).scalar_subquery().label("untold"),
        func.count().filter(of_breach).label("raisings"),
        since.label("since"),
    ).where(remarks.c.entered_at.is_(None))


_OPEN = RawStatement(written_out(_open()))
_WAITS = RawStatement(written_out(_waits()))
_WAITING = RawStatement(written_out(select(func.count().label("number")).where(alerts.c.waits_from.is_not(None))))


async def look_again(database: Database, candidates: CandidateSearch) -> int:
    """Make the steps due that wait for hours which were read from something that has changed since: a person's hours, a
    shift, a calendar, the quiet hours. Answers how many; their workflows hear of it like of every change."""
    waits = alerts.c.waits_from.is_not(None)
    waiting = (await _WAITING.one(database, {}))["number"]
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
