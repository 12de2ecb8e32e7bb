"""One statement by the driver itself, for the few paths where SQLAlchemy's share of the work shows in the figures."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.util import greenlet_spawn

from services.runtime.errors import Unavailable
from services.runtime.postgres.database import ACQUIRE_SECONDS, Database, _translated

_NAME = re.compile(r"(?<![:\w]):(\w+)")


class RawStatement:
    """SQL with `:name` parameters, prepared by each connection the first time that it runs there."""

    def __init__(self, sql: str) -> None:
        self._names = list(dict.fromkeys(_NAME.findall(sql)))
        self._sql = _NAME.sub(lambda found: f"${self._names.index(found[1]) + 1}", sql)

    async def one(self, database: Database, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run as `all`, for a statement that answers one row."""
        return (await self.all(database, values))[0]

    async def all(self, database: Database, values: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Run as a transaction of its own, in one round trip, and return the rows.

        Raises:
            Unavailable: as everywhere.
            DBAPIError: PostgreSQL refused; `orig` is the driver's own error, which knows the constraint.
        """
        arguments = [values[name] for name in self._names]
        async with _lent(database) as driver:
            try:
                rows: Sequence[Mapping[str, Any]] = await driver.fetch(self._sql, *arguments)
            except asyncpg.PostgresError as error:
                raise DBAPIError(None, None, error) from error
            except asyncpg.InterfaceError as error:
                raise InterfaceError(None, None, error) from error
        return rows


@asynccontextmanager
async def _lent(database: Database) -> AsyncIterator[Any]:
    """Lend the driver's connection from the database's own pool, so that its bounds and guards hold."""
    try:
        async with asyncio.timeout(ACQUIRE_SECONDS):
            lent = await database.engine.raw_connection()
    except (OSError, TimeoutError, database.driver_error, PoolTimeoutError, asyncpg.PostgresError) as error:
        raise Unavailable from error
    try:
        with _translated():
            yield lent.driver_connection
    finally:
        await greenlet_spawn(lent.close)
