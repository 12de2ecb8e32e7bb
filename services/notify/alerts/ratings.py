"""Alerts of low ratings that may still be changed: called off, and called for anew (product.md 8)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.alert import AlertState, RaiseAlert, RatingCorrected, Resolution, Threshold
from services.contracts.journal import EventType
from services.notify.alerts import store
from services.notify.alerts.actions import next_place
from services.notify.alerts.tables import alerts
from services.notify.notices.submission import cancel

_LIVE_AGAIN: dict[str, Any] = {
    "state": AlertState.OPEN,
    "resolution": None,
    "resolved_at": None,
    "acknowledged_by": None,
    "acknowledged_at": None,
    "expires_at": None,
    "snoozed_until": None,
    "handed_to": None,
    "level": 0,
}


async def correct(connection: AsyncConnection, corrected: RatingCorrected) -> None:
    """Resolve the alert of a rating that was corrected upwards, and take back what it still has to say."""
    row = (await connection.execute(_of(corrected).with_for_update())).mappings().one_or_none()
    if row is None or not store.is_open(row):
        return
    await store.resolve(connection, row, Resolution.RATING_CORRECTED, corrected.at)
    await cancel(connection, f"alert/{row['id']}/")


async def call_again(connection: AsyncConnection, asked: RaiseAlert, now: datetime) -> Sequence[str]:
    """Raise the alert that there is again where a correction had called it off; answers its id then."""
    row = (await connection.execute(_of(asked).with_for_update())).mappings().one()
    if row["resolution"] != Resolution.RATING_CORRECTED:
        return ()
    again = {**next_place(row), "due_at": asked.due_at, "raised_at": asked.raised_at, "next_at": now}
    after = await store.change(connection, row, "raised", **_LIVE_AGAIN, **again)
    await store.remark(connection, after, EventType.ALERT_RAISED, asked.raised_at, {"due_at": asked.due_at})
    return (row["id"],)


async def alert_of(connection: AsyncConnection, asked: RaiseAlert) -> str:
    """The id of the alert that a low rating has raised."""
    return str((await connection.execute(_of(asked))).mappings().one()["id"])


def _of(rated: RaiseAlert | RatingCorrected) -> Select[Any]:
    mine = (alerts.c.ticket_no == rated.ticket_no, alerts.c.cycle == rated.cycle)
    return select(alerts).where(*mine, alerts.c.threshold == Threshold.LOW_RATING)
