"""Entries about alerts in the journals of their tickets: raised, acknowledged, resolved, in this order and once.

They go from the rows, without the engine: an alert's workflow has nothing to do with them.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping, Select, all_, func, literal_column, select, update

from services.notify.alerts.tables import alerts, remarks
from services.notify.resources import Resources
from services.notify.wake_channels import REMARKS_CHANNEL
from services.runtime.errors import NotFound, Refusal, ValidationFailed
from services.runtime.postgres.claim_pool import ClaimPool
from services.runtime.postgres.raw_statement import RawStatement, written_out
from services.runtime.service_client import segment
from services.runtime.telemetry import log

PAUSE_SECONDS = 1.0
"""How long a hand rests behind a failure. The alert is taken up again behind all others that wait."""


class RemarkDispatcher:
    """Enters what alerts have to say as soon as it is there, `hands` alerts at once, those first that have waited
    longest. The journal knows a key that it has seen, so a repeat, or a second process, changes nothing."""

    def __init__(self, opened: Resources, *, hands: int) -> None:
        self._database = opened.database
        self._tickets = opened.tickets
        self._hands = hands
        self._busy: set[str] = set()
        self._failed: set[str] = set()

    async def run(self) -> None:
        """Enter until cancelled."""
        pool = ClaimPool(self._database, REMARKS_CHANNEL, claim=self._claim, work=self._enter_next, most=self._hands)
        await pool.run()

    async def _claim(self, most: int) -> Sequence[str]:
        """The next ones that this process is not busy with; those that failed come last, so that they stop nobody."""
        found = await self._find(most)
        if not found and self._failed:
            self._failed.clear()
            found = await self._find(most)
        self._busy.update(found)
        return found

    async def _find(self, most: int) -> Sequence[str]:
        passed = sorted(self._busy | self._failed)
        return [row["id"] for row in await _UNENTERED.all(self._database, {"passed": passed, "most": most})]

    async def _enter_next(self, alert_id: str) -> None:
        try:
            await self._enter(alert_id)
        except Exception as error:  # noqa: BLE001 - a journal that fails in a new way must not stop the others
            log().warning("what an alert has to say waits", alert=alert_id, exc_info=not isinstance(error, Refusal))
            self._failed.add(alert_id)
            await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self._busy.discard(alert_id)

    async def _enter(self, alert_id: str) -> None:
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


def _unentered() -> Select[Any]:
    """Ids of `most` alerts of which a journal is still to be told, but for those that are `passed` over."""
    waiting = select(remarks.c.alert_id, func.min(remarks.c.remark["at"].astext).label("since"))
    waiting = waiting.where(remarks.c.entered_at.is_(None)).group_by(remarks.c.alert_id)
    each = waiting.subquery()
    query = select(alerts.c.id).join(each, each.c.alert_id == alerts.c.id)
    query = query.where(alerts.c.id != all_(literal_column("CAST(:passed AS text[])")))
    return query.order_by(each.c.since, alerts.c.id).limit(literal_column("CAST(:most AS bigint)"))


_UNENTERED = RawStatement(written_out(_unentered()))
