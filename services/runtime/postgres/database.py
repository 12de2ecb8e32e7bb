"""PostgreSQL with bounds on every wait; what a database cannot answer in time is refused as `unavailable` (I3)."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

import asyncpg
from pydantic_core import from_json
from sqlalchemy import Connection, Executable, RowMapping, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.util.queue import Empty

from services.runtime.errors import Unavailable
from services.runtime.postgres.hang_guard import HangGuard

CONNECT_SECONDS = 1.5
ACQUIRE_SECONDS = 1.8
STATEMENT_SECONDS = 5
# For a statement that the server does not end itself; a server that hangs altogether is noticed sooner (`hang_guard`).
COMMAND_SECONDS = STATEMENT_SECONDS + 1
LISTEN_PROBE_SECONDS = 10.0
RECONNECT_SECONDS = 0.5
T = TypeVar("T")

_PASSING = ("08", "28", "3D", "40", "53", "57", "58", "25006", "55P03")
"""SQLSTATEs, by beginning, that speak of the server and not of the statement: connection, credentials, missing
database, deadlock or serialization, resources, shutdown and statement timeout, disk, a standby, a lock not got."""


class Database:
    """A bounded pool on one URL. Nothing connects before the first use: a process starts without PostgreSQL."""

    def __init__(
        self, url: str, *, pool_size: int = 10, role: str | None = None, application_name: str = "bihuan"
    ) -> None:
        self._connect = partial(_Connecting, _connect_arguments(url, role, application_name))
        self.turns = asyncio.Semaphore(pool_size)
        """Whoever borrows a connection has one of these: the pool's own queue lets whoever comes at the right moment
        pass those who wait, so that under load some would wait for ever."""
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect,
            poolclass=_Pool,
            pool_size=pool_size,
            max_overflow=0,
            # The one given back last: its server process has every plan and page at hand that was needed just now.
            pool_use_lifo=True,
            pool_timeout=CONNECT_SECONDS,
            # An error's text may end in a log or a workflow history; what a statement was given must not (I14).
            hide_parameters=True,
            json_deserializer=from_json,
            json_serializer=partial(json.dumps, ensure_ascii=False, separators=(",", ":"), allow_nan=False),
        )
        _discard_lost_connections(self.engine)
        HangGuard(self.engine, self._connect)
        # What a connection that the pool itself opens may raise: only `engine.connect` turns it into a `DBAPIError`.
        self.driver_error: type[Exception] = self.engine.dialect.loaded_dbapi.Error
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(self._reading.sync_engine, "before_execute", _refuse_writing)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Open one transaction: committed at the end of the block, rolled back when it raises.

        `Unavailable` at the end means *unknown*: the commit may have reached the server.
        """
        async with _acquired(self.engine, self.turns) as connection:
            with translated:
                async with connection.begin():
                    yield connection

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Lend a connection for questions: as `autocommit`, and a statement that writes is a mistake."""
        return _lent(self._reading, self.turns)

    @property
    def pool(self) -> "_Pool":
        """The pool as it is now: `dispose` puts another in its place."""
        return cast("_Pool", self.engine.sync_engine.pool)

    async def rows(self, query: Executable) -> list[RowMapping]:
        """Ask, and answer every row."""
        async with self.read() as connection:
            return list((await connection.execute(query)).mappings())

    async def row(self, query: Executable) -> RowMapping | None:
        """Ask, and answer the first row, if there is one."""
        async with self.read() as connection:
            return (await connection.execute(query)).mappings().first()

    async def scalar(self, query: Executable) -> Any:
        """Ask, and answer the first column of the first row; None where there is none."""
        async with self.read() as connection:
            return await connection.scalar(query)

    def autocommit(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Lend a connection on which every statement is its own transaction, without the round trips of one."""
        return _lent(self._autocommit, self.turns)

    async def ping(self) -> None:
        """Return when the database answers; raise `Unavailable` within two seconds when it does not."""
        with translated:
            async with asyncio.timeout(ACQUIRE_SECONDS), self.read() as connection:
                await connection.execute(text("SELECT 1"))

    async def listen(self, channel: str, wake: Callable[[str], None]) -> None:
        """Call `wake` with the payload of each notification, until cancelled.

        Notifications sent while disconnected are lost, so after every (re)connect `wake("")` is called once.
        """
        while True:
            try:
                await self._listen_once(channel, wake)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen_once(self, channel: str, wake: Callable[[str], None]) -> None:
        connection = await self._connect()
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(channel, lambda _connection, _pid, _channel, payload: wake(str(payload)))
            wake("")
            while not lost.is_set():
                try:
                    async with asyncio.timeout(LISTEN_PROBE_SECONDS):
                        await lost.wait()
                except TimeoutError:
                    await connection.execute("SELECT 1")
        finally:
            connection.terminate()

    async def dispose(self) -> None:
        """Close every connection of the pool."""
        await self.engine.dispose()


@dataclass(frozen=True)
class _Connecting:
    """A connection that is opened when somebody awaits it; a pool that cannot wait drops it without a warning."""

    arguments: Mapping[str, Any]

    def __await__(self) -> Generator[Any, None, "asyncpg.Connection[asyncpg.Record]"]:
        return asyncpg.connect(**self.arguments).__await__()


class _Pool(AsyncAdaptedQueuePool):
    """A pool that hands out what is idle at once, instead of a wait with a time-out for what is there already."""

    def _do_get(self) -> ConnectionPoolEntry:
        try:
            return self._pool.get(block=False)
        except Empty:
            return super()._do_get()

    def lend(self) -> ConnectionPoolEntry | None:
        """An idle connection for the driver's own use, until `take_back`; None where one has to be opened first. The
        proxy that SQLAlchemy puts around it costs more than a short statement, and has nothing to do here: no
        transaction is left open, and a connection that was lost is found out when it is lent again."""
        try:
            entry = self._pool.get(block=False)
        except Empty:
            return None
        try:
            if entry.dbapi_connection is not None:
                self.dispatch.checkout(entry.dbapi_connection, entry, None)
                return entry
        except DisconnectionError:
            pass
        self._do_return_conn(entry)
        return None

    def take_back(self, entry: ConnectionPoolEntry) -> None:
        """Make it idle again."""
        self.dispatch.checkin(entry.dbapi_connection, entry)
        self._do_return_conn(entry)


def _connect_arguments(url: str, role: str | None, application_name: str) -> dict[str, object]:
    scheme, _, rest = url.partition("://")
    session = {
        "application_name": application_name,
        "timezone": "UTC",
        "jit": "off",
        "statement_timeout": str(STATEMENT_SECONDS * 1000),
        "idle_in_transaction_session_timeout": "15000",
        # Some connections rest for as long as it is calm; nothing on the way may forget them.
        "tcp_keepalives_idle": "60",
    }
    return {
        "dsn": f"{scheme.partition('+')[0]}://{rest}",
        "timeout": CONNECT_SECONDS,
        "command_timeout": COMMAND_SECONDS,
        "server_settings": {**session, "role": role} if role else session,
    }


def _discard_lost_connections(engine: AsyncEngine) -> None:
    """Notice on checkout, without a round trip, that the server hung up: the pool then opens another connection."""

    @event.listens_for(engine.sync_engine, "checkout")
    def check(dbapi_connection: object, _record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        if dbapi_connection.driver_connection.is_closed():  # type: ignore[attr-defined]
            raise DisconnectionError


def _refuse_writing(
    _connection: Connection, statement: Executable, _many: object, _values: object, _options: object
) -> None:
    if statement.is_dml:
        raise TypeError("written on a connection that was lent for reading")


@asynccontextmanager
async def _lent(engine: AsyncEngine, turns: asyncio.Semaphore) -> AsyncIterator[AsyncConnection]:
    async with _acquired(engine, turns) as connection:
        with translated:
            yield connection


@asynccontextmanager
async def _acquired(engine: AsyncEngine, turns: asyncio.Semaphore) -> AsyncIterator[AsyncConnection]:
    connection = engine.connect()
    try:
        async with asyncio.timeout(ACQUIRE_SECONDS):
            await in_turn(turns, connection.start)
    except (OSError, TimeoutError, DBAPIError, PoolTimeoutError, asyncpg.PostgresError) as error:
        raise Unavailable from error
    try:
        yield connection
    finally:
        try:
            await connection.close()
        finally:
            turns.release()


async def in_turn(turns: asyncio.Semaphore, borrow: Callable[[], Awaitable[T]]) -> T:
    """Borrow a connection as soon as it is one's turn, which the caller gives back behind the connection. Whoever gets
    none has no turn either."""
    await turns.acquire()
    try:
        return await borrow()
    except BaseException:
        turns.release()
        raise


class _Translated:
    """Turns what the server's state caused into `Unavailable`; mistakes in a statement pass as they are."""

    def __enter__(self) -> None: ...

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        # The last is what the driver says of a connection whose server took leave and has not hung up yet.
        if isinstance(error, TimeoutError | ConnectionError | PoolTimeoutError | asyncpg.InternalClientError):
            raise Unavailable from error
        if isinstance(error, DBAPIError) and _is_passing(error):
            raise Unavailable from error


translated = _Translated()


def _is_passing(error: DBAPIError) -> bool:
    sqlstate = getattr(error.orig, "sqlstate", None)
    if sqlstate is None:
        return error.connection_invalidated or isinstance(error, InterfaceError)
    return error.connection_invalidated or sqlstate.startswith(_PASSING)
