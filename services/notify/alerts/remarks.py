"""Entries about alerts in the journals of their tickets: raised, acknowledged, resolved, in this order and once.

They go beside the first steps, without the engine's turn: the alert's workflow, which is begun in its own time, enters
only what is left.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping, Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.alerts import store
from services.notify.alerts.pool import AlertPool
from services.notify.alerts.tables import alerts, remarks
from services.notify.resources import Resources
from services.notify.wake_channels import REMARKS_CHANNEL
from services.runtime.errors import NotFound, ValidationFailed
from services.runtime.service_client import segment
from services.runtime.telemetry import log


class Remarking:
    """Enters what waits of one alert. The journal knows a key that it has seen, so a repeat changes nothing."""

    def __init__(self, opened: Resources) -> None:
        self._database = opened.database
        self._tickets = opened.tickets

    async def enter(self, alert_id: str) -> int:
        """Enter what waits and end the alert that has nothing left to do; answers how much of it is entered in all.

        For its own workflow: an alert that is ended by another leaves a workflow that is not told.

        Raises:
            Unavailable: the workflow service does not answer; what was entered stays entered.
        """
        await self.enter_waiting(alert_id)
        async with self._database.begin() as connection:
            await store.end_if_done(connection, alert_id)
            return await _entered(connection, alert_id)

    async def enter_waiting(self, alert_id: str) -> None:
        """Enter what waits.

        Raises:
            Unavailable: the workflow service does not answer; what was entered stays entered.
        """
        for row in await self._waiting(alert_id):
            refused = await self._send(row)
            async with self._database.begin() as connection:
                entered = {"entered_at": datetime.now(UTC), "refused": refused}
                await connection.execute(update(remarks).where(remarks.c.key == row["key"]).values(**entered))

    async def _waiting(self, alert_id: str) -> list[RowMapping]:
        query = (
            select(remarks.c.key, remarks.c.remark, alerts.c.ticket_no)
            .join(alerts, alerts.c.id == remarks.c.alert_id)
            .where(remarks.c.alert_id == alert_id, remarks.c.entered_at.is_(None))
            .order_by(remarks.c.number)
        )
        async with self._database.read() as connection:
            return list((await connection.execute(query)).mappings())

    async def _send(self, row: RowMapping) -> str | None:
        """Enter one; answers the code of a refusal that no repeat would change, so that it stops only itself."""
        try:
            await self._tickets.post(f"/internal/tickets/{segment(row['ticket_no'])}/remarks", row["remark"])
        except (NotFound, ValidationFailed) as refusal:
            log().error("a remark of an alert was refused", code=refusal.code)
            return refusal.code
        return None


class RemarkDispatcher:
    """Enters what alerts have to say as soon as it is there, the alerts that have waited longest first."""

    def __init__(self, opened: Resources, *, hands: int) -> None:
        work = Remarking(opened).enter_waiting
        self._pool = AlertPool(opened.database, REMARKS_CHANNEL, due=unentered, work=work, hands=hands)

    async def run(self) -> None:
        """Enter until cancelled."""
        await self._pool.run()


def unentered() -> Select[Any]:
    """Ids of the alerts of which a journal is still to be told."""
    waiting = select(remarks.c.alert_id, func.min(remarks.c.remark["at"].astext).label("since"))
    waiting = waiting.where(remarks.c.entered_at.is_(None)).group_by(remarks.c.alert_id)
    each = waiting.subquery()
    return select(alerts.c.id).join(each, each.c.alert_id == alerts.c.id).order_by(each.c.since, alerts.c.id)


async def _entered(connection: AsyncConnection, alert_id: str) -> int:
    waiting: Any = select(remarks.c.number).where(remarks.c.alert_id == alert_id, remarks.c.entered_at.is_(None))
    first = await connection.scalar(waiting.order_by(remarks.c.number).limit(1))
    if first is not None:
        return int(first) - 1
    return int(await connection.scalar(select(alerts.c.remarks).where(alerts.c.id == alert_id)) or 0)
