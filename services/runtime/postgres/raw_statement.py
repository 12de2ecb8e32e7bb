"""One statement by the driver itself, for the few paths where SQLAlchemy's share of the work shows in the figures."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar
from weakref import WeakSet

import asyncpg
from pydantic_core import to_json
from sqlalchemy import ClauseElement, ColumnElement, Text, any_, bindparam, cast, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import asyncpg as dialects
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import PoolProxiedConnection

from services.runtime.errors import Unavailable
from services.runtime.postgres.database import ACQUIRE_SECONDS, Database, in_turn, translated

_NAME = re.compile(r"(?<![:\w]):(\w+)")
_DIALECT = dialects.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
Rows = Sequence[Mapping[str, Any]]


def json_text(value: Any) -> str:
    """The JSON of models and rows as the text that a `json` or `jsonb` parameter takes."""
    return to_json(value).decode()


def written_out(query: ClauseElement) -> str:
    """The SQL of a query with its values in it: a plan that PostgreSQL keeps then knows that a partial index serves."""
    return str(query.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))


def among(column: ColumnElement[str], parameter: str) -> ColumnElement[bool]:
    """Whether a column is one of the texts of an array parameter.

    PostgreSQL guesses ten texts for any array, and fewer where it looks into it: a statement that mostly gets one text
    would be planned anew at each run, for longer than it runs. Into a subquery it does not look.
    """
    given = select(bindparam(parameter, type_=ARRAY(Text))).scalar_subquery()
    return column == any_(cast(given, ARRAY(Text)))


class RawStatement:
    """SQL with `:name` parameters, prepared by each connection the first time that it runs there.

    Names of tables and columns are those of the service's `tables`; a test prepares every statement of the house on
    the migrated database.
    """

    known: ClassVar["WeakSet[RawStatement]"] = WeakSet()

    def __init__(self, sql: str, constants: Mapping[str, Any] | None = None) -> None:
        self._constants = constants or {}
        self._names = list(dict.fromkeys(_NAME.findall(sql)))
        self.sql = _NAME.sub(lambda found: f"${self._names.index(found[1]) + 1}", sql)
        self.known.add(self)

    @classmethod
    def of(cls, query: ClauseElement) -> "RawStatement":
        """The statement of a query that SQLAlchemy has put together from the tables, once; it takes the values of the
        query's own `bindparam`s."""
        compiled = query.compile(dialect=_DIALECT)
        return cls(str(compiled), compiled.params)

    async def one(self, database: Database, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run as `all`, for a statement that answers one row."""
        return (await self.all(database, values))[0]

    async def first(self, database: Database, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Run as `all`, for a statement that answers one row or none."""
        return next(iter(await self.all(database, values)), None)

    async def all(self, database: Database, values: Mapping[str, Any]) -> Rows:
        """Run as a transaction of its own, in one round trip, and return the rows.

        Raises:
            Unavailable: as everywhere.
            DBAPIError: PostgreSQL refused; `orig` is the driver's own error, which knows the constraint.
        """
        driver, give_back = await _borrowed(database)
        try:
            with translated:
                return await self._run(driver, values)
        finally:
            give_back()  # waits for nothing: no transaction has begun on it
            database.turns.release()

    async def within(self, connection: AsyncConnection, values: Mapping[str, Any]) -> Rows:
        """Run in the transaction of a connection, in which a statement of SQLAlchemy has run before.

        Raises:
            DBAPIError: as `all`.
            RuntimeError: no statement has run before; SQLAlchemy begins a transaction with the first.
        """
        driver: Any = (await connection.get_raw_connection()).driver_connection
        if not driver.is_in_transaction():
            raise RuntimeError("the transaction has not begun: this statement would be one of its own")
        return await self._run(driver, values)

    async def _run(self, driver: Any, values: Mapping[str, Any]) -> Rows:
        arguments = [values[name] if name in values else self._constants[name] for name in self._names]
        try:
            rows: Rows = await driver.fetch(self.sql, *arguments)
        except asyncpg.PostgresError as error:
            raise DBAPIError(None, None, error) from error
        except asyncpg.InterfaceError as error:
            raise InterfaceError(None, None, error) from error
        return rows


async def _borrowed(database: Database) -> tuple[Any, Callable[[], None]]:
    """The driver's connection from the database's own pool, so that its bounds and guards hold, and what gives it back;
    an idle one where nobody waits for one, at a tenth of the cost of `_awaited`."""
    pool = database.pool
    if not database.turns.locked() and (entry := pool.lend()) is not None:
        await database.turns.acquire()  # there is one: this does not wait
        return entry.driver_connection, partial(pool.take_back, entry)
    lent = await _awaited(database)
    return lent.driver_connection, lent.close


async def _awaited(database: Database) -> PoolProxiedConnection:
    try:
        async with asyncio.timeout(ACQUIRE_SECONDS):
            return await in_turn(database.turns, database.engine.raw_connection)
    except (OSError, TimeoutError, database.driver_error, PoolTimeoutError, asyncpg.PostgresError) as error:
        raise Unavailable from error
