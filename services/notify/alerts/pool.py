"""Alerts taken up by what their rows say, without the engine, by a bounded number of hands."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import Select

from services.notify.alerts.tables import alerts
from services.runtime.errors import Refusal
from services.runtime.postgres.claim_pool import Hands
from services.runtime.postgres.database import Database
from services.runtime.telemetry import log

PAUSE_SECONDS = 1.0
"""How long a hand rests behind a failure. The alert is taken up again behind all others that wait."""


class AlertPool:
    """Takes up the alerts whose ids `due` selects, in its order, `hands` at once, each by one hand at a time.

    `work` looks at the rows first, so that several processes never do the same twice.
    """

    def __init__(
        self,
        database: Database,
        channel: str,
        *,
        due: Callable[[], Select[Any]],
        work: Callable[[str], Awaitable[None]],
        hands: int,
    ) -> None:
        self._database = database
        self._channel = channel
        self._due = due
        self._work = work
        self._hands = hands
        self._busy: set[str] = set()
        self._failed: set[str] = set()

    async def run(self) -> None:
        """Take up what is due until cancelled."""
        await Hands(self._database, self._channel, claim=self._claim, work=self._take, most=self._hands).run()

    async def _claim(self, most: int) -> Sequence[str]:
        """The next ones that this process is not busy with; those that failed come last, so that they stop nobody."""
        found = await self._find(most)
        if not found and self._failed:
            self._failed.clear()
            found = await self._find(most)
        self._busy.update(found)
        return found

    async def _find(self, most: int) -> Sequence[str]:
        query = self._due().where(alerts.c.id.not_in(sorted(self._busy | self._failed))).limit(most)
        async with self._database.read() as connection:
            return (await connection.scalars(query)).all()

    async def _take(self, alert_id: str) -> None:
        try:
            await self._work(alert_id)
        except Refusal as refusal:
            log().warning("an alert waits", channel=self._channel, alert=alert_id, code=refusal.code)
            await self._rest(alert_id)
        except Exception:  # noqa: BLE001 - an alert that fails in a new way must not stop the others
            log().exception("an alert was left", channel=self._channel, alert=alert_id)
            await self._rest(alert_id)
        finally:
            self._busy.discard(alert_id)

    async def _rest(self, alert_id: str) -> None:
        self._failed.add(alert_id)
        await asyncio.sleep(PAUSE_SECONDS)
