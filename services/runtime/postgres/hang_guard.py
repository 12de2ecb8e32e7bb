"""Notice that PostgreSQL hangs (a stopped process, a dead disk): without this, its callers wait for the time-out.

Nothing is asked in calm. While a connection has been lent for over a second, one probe a second opens another; when
that gets no answer either, what is lent is torn down, so that its borrowers can say `unavailable` within two seconds
(I3). A long wait for a lock, and a server that refuses more connections, are answers.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

LENT_SECONDS = 1.0
PROBE_SECONDS = 0.5
_GLANCES = 10
"""At a probe within `PROBE_SECONDS`. A process that stands still, for want of a processor, loses one of them."""
_LOOK_SECONDS = 0.2

Connect = Callable[[], Awaitable["asyncpg.Connection[asyncpg.Record]"]]


class HangGuard:
    """Watches the connections that one engine has lent."""

    def __init__(self, engine: AsyncEngine, connect: Connect) -> None:
        self._connect = connect
        self._lent: dict[ConnectionPoolEntry, tuple[float, Any]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._probe: asyncio.Task[None] | None = None
        self._answered_at = 0.0
        event.listen(engine.sync_engine, "checkout", self._note_lent)
        event.listen(engine.sync_engine, "checkin", self._note_returned)

    def _note_lent(self, dbapi_connection: Any, entry: ConnectionPoolEntry, _proxy: object) -> None:
        loop = asyncio.get_running_loop()
        self._lent[entry] = (loop.time(), dbapi_connection.driver_connection)
        if self._timer is None:
            self._timer = loop.call_later(_LOOK_SECONDS, self._look)

    def _note_returned(self, _dbapi_connection: Any, entry: ConnectionPoolEntry) -> None:
        self._lent.pop(entry, None)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_LOOK_SECONDS, self._look) if self._lent else None
        since = min((lent_at for lent_at, _ in self._lent.values()), default=loop.time())
        quiet = loop.time() - max(since, self._answered_at)
        if quiet >= LENT_SECONDS and (self._probe is None or self._probe.done()):
            self._probe = loop.create_task(self._ask())

    async def _ask(self) -> None:
        asked_at = asyncio.get_running_loop().time()
        asking = asyncio.ensure_future(self._connect())
        try:
            probe = await _answer(asking)
        except TimeoutError:
            self._tear_down(asked_at)
            return
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            # Refusing is an answer: whoever is connected to a server that went away has been told by the socket.
            self._answered_at = asked_at
            return
        finally:
            asking.cancel()
        self._answered_at = asked_at
        probe.terminate()

    def _tear_down(self, asked_at: float) -> None:
        for lent_at, connection in list(self._lent.values()):
            if asked_at - lent_at >= LENT_SECONDS / 2:
                connection.terminate()


async def _answer(asking: "asyncio.Future[Any]") -> Any:
    """The answer to a probe, or what was raised in its place.

    Raises:
        TimeoutError: there is none, although this process has looked for it all the while.
    """
    for _ in range(_GLANCES):
        done, _ = await asyncio.wait({asking}, timeout=PROBE_SECONDS / _GLANCES)
        if done:
            return asking.result()
    raise TimeoutError
