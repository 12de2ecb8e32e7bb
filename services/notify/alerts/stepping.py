"""The first step of every alert, without the engine: whoever is told first hears of it at once (invariant I12).

The steps that follow are minutes away and are the alert's workflow's, which is begun in its own time: in a burst of
breaches the timers of the tickets go before it.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select

from services.contracts.alert import Climb
from services.notify.alerts.climbing import Climber
from services.notify.alerts.tables import alerts
from services.notify.resources import FIRST_STEPS_CHANNEL, STARTER_CHANNEL
from services.runtime.database import Database
from services.runtime.errors import Refusal
from services.runtime.hands import Hands
from services.runtime.starting import wake
from services.runtime.telemetry import log

LEFT_AFTER = timedelta(seconds=10)
"""So long after its instant a first step that nobody took is the workflow's too."""
PAUSE_SECONDS = 1.0

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
        self._hands = hands
        self._busy: set[str] = set()

    async def run(self) -> None:
        """Take steps until cancelled."""
        hands = Hands(self._database, FIRST_STEPS_CHANNEL, claim=self._claim, work=self._step, most=self._hands)
        await hands.run()

    async def _claim(self, most: int) -> Sequence[str]:
        """The next ones that this process is not busy with."""
        query = select(alerts.c.id).where(UNTOLD, alerts.c.id.not_in(sorted(self._busy)))
        async with self._database.read() as connection:
            found = (await connection.scalars(query.order_by(alerts.c.next_at, alerts.c.id).limit(most))).all()
        self._busy.update(found)
        return found

    async def _step(self, alert_id: str) -> None:
        try:
            await self._climber.climb(Climb(id=alert_id, at=datetime.now(UTC)))
            async with self._database.begin() as connection:
                await wake(connection, STARTER_CHANNEL)
        except Refusal as refusal:
            log().warning("a first step waits", alert=alert_id, code=refusal.code)
            await asyncio.sleep(PAUSE_SECONDS)
        except Exception:  # noqa: BLE001 - an alert that fails in a new way must not stop the others
            log().exception("a first step was not taken", alert=alert_id)
            await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self._busy.discard(alert_id)
