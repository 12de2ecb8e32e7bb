"""The first try of every notice, without the engine: nearly all go at once, a workflow carries those that do not.

A workflow for each notice would take the tickets' timers their turn in the worker (invariant I12), and nothing would be
said while the engine is away.
"""

import asyncio
from datetime import timedelta
from typing import Any

from prometheus_client import Counter
from sqlalchemy import Row, func, select, update

from services.contracts.notice import NoticeState
from services.notify.notices.channels.base import DeliveryDeferred
from services.notify.notices.delivery import Delivery
from services.notify.notices.submission import UNTRIED, WAITING
from services.notify.notices.tables import notices
from services.notify.wake_channels import FIRST_TRIES_CHANNEL, STARTER_CHANNEL
from services.runtime.errors import Refusal
from services.runtime.postgres.claim_pool import ClaimPool
from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.database import Database
from services.runtime.telemetry import log

TRY_SECONDS = 3.0
"""What takes longer is left to a workflow, so that one slow receiver does not hold up what others are told."""
CLAIMED_FOR = timedelta(seconds=15)
"""Then a workflow takes over from a process that died in the middle of its try."""

first_tries_total = Counter(
    "bihuan_notices_first_tries_total", "First tries of notices, by how they went.", ["outcome"]
)


class FirstAttempts:
    """Tries what nobody has tried yet, `hands` at once; several processes share the work."""

    def __init__(self, database: Database, delivery: Delivery, *, hands: int) -> None:
        self._database = database
        self._delivery = delivery
        self._hands = hands

    async def run(self) -> None:
        """Try what is new, until cancelled."""
        pool = ClaimPool(self._database, FIRST_TRIES_CHANNEL, claim=self._claim, work=self._try, most=self._hands)
        await pool.run()

    async def _claim(self, most: int) -> list[Row[Any]]:
        """The next ones, alerts first, then what is urgent; nobody else tries them."""
        untried = select(notices.c.id).where(UNTRIED).order_by(notices.c.precedence, notices.c.position)
        untried = untried.limit(most).with_for_update(skip_locked=True)
        claimed = update(notices).where(notices.c.id.in_(untried))
        claimed = claimed.values(workflow_from=func.clock_timestamp() + CLAIMED_FOR)
        async with self._database.begin() as connection:
            return list(await connection.execute(claimed.returning(notices.c.id, notices.c.round)))

    async def _try(self, row: Row[Any]) -> None:
        try:
            async with asyncio.timeout(TRY_SECONDS):
                state = await self._delivery.attempt(row.id, row.round)
            first_tries_total.labels(state).inc()
        except (DeliveryDeferred, Refusal, TimeoutError):
            await self._leave_to_a_workflow(row)
        except Exception:  # noqa: BLE001 - a notice that fails in a new way must not stop the others
            log().exception("a notice was not delivered")
            await self._leave_to_a_workflow(row)

    async def _leave_to_a_workflow(self, row: Row[Any]) -> None:
        first_tries_total.labels(NoticeState.WAITING).inc()
        still = (WAITING, notices.c.id == row.id, notices.c.round == row.round)
        try:
            async with self._database.begin() as connection:
                await connection.execute(update(notices).where(*still).values(workflow_from=func.clock_timestamp()))
                await wake(connection, STARTER_CHANNEL)
        except Refusal:
            log().warning("a notice waits for its claim to end", notice=row.id)
