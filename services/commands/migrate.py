"""`python -m services.run migrate`: the schemas of a database."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from services import migrations
from services.commands.local.terminal import complain, tell
from services.runtime.stack.ports import free_port
from services.runtime.stack.postgres import Postgres
from services.runtime.stack.supervisor import Supervisor

_NAME = "bihuan"


def command(
    check: Annotated[
        bool, typer.Option("--check", help="Compare the migrations with the tables, on a throwaway database.")
    ] = False,
    new: Annotated[
        str, typer.Option("--new", metavar="TITLE", help="Write a migration to the tables as they are now.")
    ] = "",
) -> None:
    """Bring the database at BIHUAN_DATABASE_URL, an owner role, up to date; or check or write migrations."""
    try:
        asyncio.run(_compare(new) if check or new else _upgrade(os.environ.get("BIHUAN_DATABASE_URL", "")))
    except (CommandError, SQLAlchemyError) as error:
        complain(str(error).partition("\n")[0])
        raise typer.Exit(1) from None


async def _upgrade(url: str) -> None:
    if not url:
        complain("Set BIHUAN_DATABASE_URL to the database to migrate; `make up` migrates its own.")
        raise typer.Exit(1)
    await migrations.upgrade(url)
    tell("The database is up to date.")


async def _compare(new: str) -> None:
    async with _throwaway() as url:
        await migrations.upgrade(url)
        if new:
            await migrations.write(url, new)
        else:
            await migrations.check(url)
            await migrations.downgrade(url, "base")
            await migrations.upgrade(url)
            tell("The migrations make the tables that the services declare, and can be taken back.")


@asynccontextmanager
async def _throwaway() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="bihuan-", ignore_cleanup_errors=True) as folder:
        home, supervisor = Path(folder), Supervisor(tell)
        server = Postgres(home / "postgres", free_port(), _NAME, home / "postgres.log", home, (("fsync", "off"),))
        server.prepare()
        try:
            await supervisor.start(server.program(), server.ping)
            await server.provide(_NAME, _NAME, {_NAME: _NAME})
            yield server.url(_NAME, _NAME, _NAME)
        finally:
            await supervisor.stop()
