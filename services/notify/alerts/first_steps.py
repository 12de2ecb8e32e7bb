"""The first step of every alert, without the engine: whoever is told first hears of it at once (invariant I12).

The steps that follow are minutes away and are the alert's workflow's, which is begun in its own time: in a burst of
breaches the timers of the tickets go before it.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from services.contracts.alert import Climb
from services.notify.alerts.escalation import Climber
from services.notify.alerts.pool import AlertPool
from services.notify.alerts.tables import alerts
from services.notify.wake_channels import FIRST_STEPS_CHANNEL, STARTER_CHANNEL
from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.database import Database

LEFT_AFTER = timedelta(seconds=10)
"""So long after its instant a first step that nobody took is the workflow's too."""

UNTOLD: ColumnElement[bool] = alerts.c.ended.is_(False) & (alerts.c.level == 0) & (alerts.c.next_at <= func.now())
"""Nobody was told of it, and it is time."""
STARTABLE: ColumnElement[bool] = alerts.c.ended.is_(False) & or_(
    alerts.c.level > 0,
    alerts.c.next_at.is_(None),
    alerts.c.next_at > func.now(),
    alerts.c.next_at <= func.now() - LEFT_AFTER,
)
"""It has had its first step, or waits for its time, or its first step is not taken."""


class FirstSteps:
    """Takes first steps, `hands` at once. A step looks at the row first, so several processes never tell twice."""

    def __init__(self, database: Database, climber: Climber, *, hands: int) -> None:
        self._database = database
        self._climber = climber
        self._pool = AlertPool(database, FIRST_STEPS_CHANNEL, due=_untold, work=self._step, hands=hands)

    async def run(self) -> None:
        """Take steps until cancelled."""
        await self._pool.run()

    async def _step(self, alert_id: str) -> None:
        await self._climber.climb(Climb(id=alert_id, at=datetime.now(UTC)))
        async with self._database.begin() as connection:
            await wake(connection, STARTER_CHANNEL)


def _untold() -> Select[Any]:
    return select(alerts.c.id).where(UNTOLD).order_by(alerts.c.next_at, alerts.c.id)
