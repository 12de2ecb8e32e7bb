"""The row of an alert: how it is made and changed, so that workflow, journal and streams hear of it.

Every change counts `version` up and takes the row from the engine: the starter then tells its workflow how it stands.
A new row, a lost signal, an engine that is down or wiped are thus one and the same, and mended in the same way.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from prometheus_client import Counter
from sqlalchemy import RowMapping, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.alert import AlertStanding, AlertState, Resolution
from services.contracts.base import format_instant
from services.contracts.feed import Remark
from services.contracts.journal import EventType
from services.notify.alerts.tables import alerts, remarks
from services.notify.wake_channels import REMARKS_CHANNEL, STARTER_CHANNEL
from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.commit_order import THIS_TRANSACTION

CHANGED_CHANNEL = "notify_alerts"
"""Notified on every commit that changed an alert."""

UNRESOLVED = alerts.c.state != AlertState.RESOLVED
WAITS = UNRESOLVED | alerts.c.next_at.is_not(None)
"""Somebody must still answer for it, or be told of it: it has a workflow."""
NO_ENGINE = ""
"""In place of the engine's id in a row that is over from its beginning."""

alerts_total = Counter(
    "bihuan_alerts_total",
    "What happened to alerts: raised, told, acknowledged, snoozed, handed_over, expired, exhausted, resolved.",
    ["clock", "threshold", "event"],
)


async def insert_alerts(connection: AsyncConnection, values: Sequence[Mapping[str, Any]]) -> Sequence[RowMapping]:
    """Make alerts, each once for its ticket, cycle, clock, round and threshold; answers those that are new. The journal
    is to be told of those that are not over."""
    if not values:
        return ()
    drawn = [{"id": f"a-{secrets.token_hex(8)}", "remarks": int(is_open(each)), **each} for each in values]
    made = await connection.execute(insert(alerts).on_conflict_do_nothing().returning(*alerts.c), drawn)
    rows = made.mappings().all()
    for row in rows:
        count(row, "raised")
    told = [
        _entry(row, 1, EventType.ALERT_RAISED, row["raised_at"], {"due_at": row["due_at"]})
        for row in rows
        if row["remarks"]
    ]
    if told:
        await connection.execute(insert(remarks), told)
        await wake(connection, REMARKS_CHANNEL)
    await announce(connection)
    return rows


async def locked(connection: AsyncConnection, alert_id: str) -> RowMapping | None:
    """The row, held until the transaction ends."""
    return (
        (await connection.execute(select(alerts).where(alerts.c.id == alert_id).with_for_update())).mappings().first()
    )


async def change(
    connection: AsyncConnection, row: Mapping[Any, Any], event: str | None, *, by_workflow: bool = False, **values: Any
) -> RowMapping:
    """Change a row that is `locked`, and let everybody hear of it; see `write`."""
    after = await write(connection, row, event, by_workflow=by_workflow, **values)
    await announce(connection)
    return after


async def announce(connection: AsyncConnection) -> None:
    """Wake the streams, and the starter, when the transaction commits."""
    await wake(connection, CHANGED_CHANNEL, STARTER_CHANNEL)


async def write(
    connection: AsyncConnection, row: Mapping[Any, Any], event: str | None, *, by_workflow: bool = False, **values: Any
) -> RowMapping:
    """Change a row; `event` is counted. The alert's own workflow hears from the answer to its step."""
    bookkeeping: dict[str, Any] = {"version": alerts.c.version + 1, "tx": THIS_TRANSACTION}
    if not by_workflow:
        bookkeeping["engine_id"] = None
    changed = update(alerts).where(alerts.c.id == row["id"]).values(**values, **bookkeeping)
    after = (await connection.execute(changed.returning(*alerts.c))).mappings().one()
    if event is not None:
        count(row, event)
    return after


async def resolve(
    connection: AsyncConnection,
    row: Mapping[Any, Any],
    resolution: Resolution,
    at: datetime,
    *,
    by_workflow: bool = False,
    **values: Any,
) -> RowMapping:
    """End an alert. A breach that nobody was told of yet is told once anyway, unless the ticket is closed (I10, 21)."""
    unheard = row["threshold"] == "breach" and row["level"] == 0 and resolution is Resolution.CLOCK_ENDED
    over = {"next_at": None, "next_round": None, "next_level": None, "waits_from": None, "waits_by": None}
    pending = {} if unheard else over
    told = {"resolution": resolution, "by": values.get("resolved_by")}
    after = await change(
        connection,
        row,
        "resolved",
        by_workflow=by_workflow,
        **{"state": AlertState.RESOLVED, "resolution": resolution, "resolved_at": at, **pending, **values},
    )
    return await remark(connection, after, EventType.ALERT_RESOLVED, at, told)


async def remark(
    connection: AsyncConnection, row: RowMapping, type_: EventType, at: datetime, told: Mapping[str, Any]
) -> RowMapping:
    """Note what the ticket's journal is to be told; it is entered as soon as this is committed."""
    number = row["remarks"] + 1
    await connection.execute(insert(remarks).values(_entry(row, number, type_, at, told)))
    await wake(connection, REMARKS_CHANNEL)
    counted = update(alerts).where(alerts.c.id == row["id"]).values(remarks=number).returning(*alerts.c)
    return (await connection.execute(counted)).mappings().one()


def _entry(
    row: Mapping[Any, Any], number: int, type_: EventType, at: datetime, told: Mapping[str, Any]
) -> dict[str, Any]:
    said = {
        "alert_id": row["id"],
        "clock": row["clock"],
        "round": row["clock_round"],
        "threshold": row["threshold"],
        **{name: format_instant(value) if isinstance(value, datetime) else value for name, value in told.items()},
    }
    entry = Remark(
        key=f"alert/{row['id']}/{number}",
        type=type_,
        at=at,
        cycle=row["cycle"],
        data={name: value for name, value in said.items() if value is not None},
    )
    return {"key": entry.key, "alert_id": row["id"], "number": number, "remark": entry.model_dump(mode="json")}


async def standing(connection: AsyncConnection, alert_id: str) -> AlertStanding:
    """Standing of an alert; one that a restored database does not know has nothing left to do."""
    row = (await connection.execute(select(alerts).where(alerts.c.id == alert_id))).one_or_none()
    return standing_of(row) if row else AlertStanding(id=alert_id, version=2**31, next_at=None, over=True)


def standing_of(row: Any) -> AlertStanding:
    """The standing of a row, as its workflow must know it."""
    return AlertStanding(
        id=row.id, version=row.version, next_at=row.next_at, over=row.state == AlertState.RESOLVED
    )  # fmt: skip


def is_open(row: Mapping[Any, Any]) -> bool:
    """Whether somebody must still answer for it."""
    return AlertState(row["state"]) is not AlertState.RESOLVED


def count(row: Mapping[Any, Any], event: str) -> None:
    """Count what happened to an alert."""
    alerts_total.labels(row["clock"] or "", row["threshold"], event).inc()
