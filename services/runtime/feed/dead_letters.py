"""Dead letters: events that a consumer had to set aside. They are tried again when its process starts, and every hour.

A dead letter is out of its turn: what came after it has had its effect already. So it is read anew, with its ticket as
that is by now, and a consumer may have a way of its own to apply it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from prometheus_client import Gauge
from sqlalchemy import ColumnElement, Table, and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime.errors import Unavailable
from services.runtime.postgres.database import Database
from services.runtime.telemetry import log

TRIED_AGAIN_AFTER = timedelta(hours=1)
LOOK_SECONDS = 60.0
_PAUSE_SECONDS = 2.0
_MOST_AT_ONCE = 1000

set_aside = Gauge("bihuan_feed_set_aside", "Events set aside that are not applied yet.", ["follower"])


class DeadLetters:
    """The dead letters of one consumer. Replicas of one `name` share the work: each event is applied once.

    `read` answers an event by ticket and sequence number; `apply` writes what it causes, in the transaction given.
    `applied` is called after each commit.
    """

    def __init__(
        self,
        name: str,
        *,
        database: Database,
        failures: Table,
        read: Callable[[str, int], Awaitable[Any]],
        apply: Callable[[AsyncConnection, Any], Awaitable[None]],
        applied: Callable[[], None],
    ) -> None:
        self._name = name
        self._database = database
        self._failures = failures
        self._read = read
        self._apply = apply
        self._applied = applied

    async def run(self) -> None:
        """Try everything once, then each event an hour after it last failed; until cancelled."""
        after = timedelta(0)
        while True:
            try:
                await self.try_again(after)
            except Unavailable:
                await asyncio.sleep(_PAUSE_SECONDS)
            except Exception:  # noqa: BLE001 - whatever one look meets, the next one comes
                log().exception("what was set aside cannot be looked at", follower=self._name)
                await asyncio.sleep(LOOK_SECONDS)
            else:
                after = TRIED_AGAIN_AFTER
                await asyncio.sleep(LOOK_SECONDS)

    async def try_again(self, after: timedelta) -> int:
        """Try the events that failed at least `after` ago, a ticket's in their order; answers how many were applied.

        Raises:
            Unavailable: the feed or PostgreSQL is away; what was applied stays applied.
        """
        taken = 0
        for ticket_no, seq in await self._due(after):
            taken += await self._try(ticket_no, seq)
        async with self._database.read() as connection:
            mine = select(func.count()).where(self._failures.c.follower == self._name)
            set_aside.labels(self._name).set(await connection.scalar(mine) or 0)
        return taken

    async def _due(self, after: timedelta) -> Sequence[tuple[str, int]]:
        of = self._failures.c
        query = select(of.ticket_no, of.seq).where(of.follower == self._name, of.failed_at <= func.now() - after)
        async with self._database.read() as connection:
            found = await connection.execute(query.order_by(of.ticket_no, of.seq).limit(_MOST_AT_ONCE))
            return [(row.ticket_no, row.seq) for row in found]

    async def _try(self, ticket_no: str, seq: int) -> bool:
        try:
            return await self._take(ticket_no, seq)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - it stays where it is, and stops only itself
            await self._keep(ticket_no, seq, error)
            return False

    async def _take(self, ticket_no: str, seq: int) -> bool:
        """Effects and the end of the row in one transaction. The row goes first: it is what replicas wait for."""
        item = await self._read(ticket_no, seq)
        async with self._database.begin() as connection:
            gone = await connection.execute(delete(self._failures).where(self._which(ticket_no, seq)))
            if gone.rowcount == 0:
                return False
            await self._apply(connection, item)
        self._applied()
        log().info("an event that was set aside is applied", follower=self._name, ticket_no=ticket_no, seq=seq)
        return True

    async def _keep(self, ticket_no: str, seq: int, error: Exception) -> None:
        again = update(self._failures).where(self._which(ticket_no, seq))
        async with self._database.begin() as connection:
            await connection.execute(again.values(error=type(error).__name__, failed_at=func.now()))
        name = type(error).__name__
        log().warning(
            "an event stays set aside", follower=self._name, ticket_no=ticket_no, seq=seq, error=name, exc_info=error
        )

    def _which(self, ticket_no: str, seq: int) -> ColumnElement[bool]:
        of = self._failures.c
        return and_(of.follower == self._name, of.ticket_no == ticket_no, of.seq == seq)
