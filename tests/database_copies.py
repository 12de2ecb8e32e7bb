"""Databases with all tables for tests: copies of a template. To empty a copy costs a tenth of making one."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import asyncpg

from services.runtime.stack.postgres import SUPERUSER, Postgres

_KEPT = "alembic_version"
_SHAPE = """
SELECT md5(string_agg(concat_ws(' ', oid, relnatts, relchecks, relhastriggers, relacl), ',' ORDER BY oid))
FROM pg_class WHERE relpersistence <> 't'
"""
_TABLES = f"SELECT relid::regclass::text AS name FROM pg_stat_user_tables WHERE relname <> '{_KEPT}'"
_EMPTY = f"""
SET session_replication_role = replica;  -- what is append-only for services is not for tests
DO $$
DECLARE each record; BEGIN
    FOR each IN {_TABLES} AND pg_relation_size(relid) > 0 LOOP  -- nobody has ever written to the others
        EXECUTE 'DELETE FROM ' || each.name;
    END LOOP;
    PERFORM setval(seqrelid::regclass, seqstart, false) FROM pg_sequence;
END $$
"""


@dataclass
class Copies:
    """Lends copies of `template`; what comes back is emptied for the next, or dropped when its tables were changed."""

    postgres: Postgres
    administrator: asyncpg.Connection
    template: str
    owner: str
    shape: str
    _numbers: Iterator[int] = field(default_factory=count)
    _spare: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[str]:
        """The name of an empty copy that nobody else has. Whoever is still connected at the end is cut off."""
        name = self._spare.pop() if self._spare else await self._made()
        try:
            yield name
        finally:
            await self._take_back(name)

    async def _made(self) -> str:
        name = f"test_{next(self._numbers)}"
        await self.administrator.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self.template}" OWNER "{self.owner}"')
        return name

    async def _take_back(self, name: str) -> None:
        cut_off = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1"
        await self.administrator.execute(cut_off, name)
        if await self._emptied(name):
            self._spare.append(name)
        else:
            await self.administrator.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    async def _emptied(self, name: str) -> bool:
        """Whether the copy is as it was when it was made."""
        connection = await _connected(self.postgres, name)
        try:
            if await connection.fetchval(_SHAPE) != self.shape:
                return False
            await connection.execute(_EMPTY)
            return True
        finally:
            await connection.close()


@asynccontextmanager
async def copies_of(postgres: Postgres, template: str, owner: str) -> AsyncIterator[Copies]:
    """Copies of a database in whose tables there is nothing."""
    connection = await _connected(postgres, template)
    try:
        for table in await connection.fetch(_TABLES):
            assert not await connection.fetchval(f"SELECT count(*) FROM {table['name']}"), f"{table} is not empty"
        shape = str(await connection.fetchval(_SHAPE))
    finally:
        await connection.close()
    administrator = await _connected(postgres, "postgres")
    try:
        yield Copies(postgres, administrator, template, owner, shape)
    finally:
        await administrator.close()


async def _connected(postgres: Postgres, database: str) -> asyncpg.Connection:
    return await asyncpg.connect(postgres.url(SUPERUSER, postgres.password, database))
