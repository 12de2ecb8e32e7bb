"""The one Alembic history of all schemas."""

import logging
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

_VERSIONS = Path(__file__).with_name("versions")
_LOCK = 0x6269_6875_616E
"""Advisory lock: two starts at once migrate one after the other."""


async def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database at `url` (an owner role) to `revision`; a database that is there already is left alone."""
    await _run(url, lambda config: command.upgrade(config, revision))


async def downgrade(url: str, revision: str) -> None:
    """Take the database back to `revision`; `base` drops everything."""
    await _run(url, lambda config: command.downgrade(config, revision))


async def check(url: str) -> None:
    """Compare the migrated database at `url` with the tables of all services; raise alembic's error if they differ."""
    await _run(url, command.check)


async def write(url: str, message: str) -> None:
    """Write the migration that takes the database at `url` to what the services' tables say."""
    number = f"{max(int(each.name[:4]) for each in _VERSIONS.glob('[0-9]*.py')) + 1:04}"
    await _run(url, lambda config: command.revision(config, message=message, autogenerate=True, rev_id=number))


async def _run(url: str, action: Callable[[Config], object]) -> None:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f"SELECT pg_advisory_lock({_LOCK})"))
            # A lock that is not to be had soon fails the migration instead of holding up the service.
            await connection.execute(text("SET lock_timeout = '5s'"))
            await connection.commit()
            await connection.run_sync(lambda sync_connection: action(_configure(sync_connection)))
    finally:
        await engine.dispose()


def _configure(connection: Connection) -> Config:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config
