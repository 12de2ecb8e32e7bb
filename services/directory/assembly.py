"""How a process gets a directory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

from services.contracts.names import Role
from services.directory import sessions
from services.directory.api import internal as internal_api
from services.directory.api import on_call as on_call_api
from services.directory.api import sign_in as sign_in_api
from services.directory.api import staff as staff_api
from services.directory.credentials import GuessLimit, Passwords
from services.directory.service import Directory
from services.directory.settings import DirectorySettings
from services.directory.tables import idempotency
from services.runtime.errors import Unavailable
from services.runtime.postgres.database import Database
from services.runtime.postgres.idempotency import Idempotency
from services.runtime.role_parts import Part
from services.runtime.security.sealing import Seal
from services.runtime.settings import RuntimeSettings, load

SWEEP_SECONDS = 3600


@asynccontextmanager
async def assemble(settings: RuntimeSettings | None = None) -> AsyncIterator[Part]:
    """Open the directory's database, sweep what is over while it is open, close it at the end."""
    own = settings if isinstance(settings, DirectorySettings) else load(DirectorySettings)
    database = Database(
        own.database_url.get_secret_value(),
        pool_size=own.pool_size,
        role=own.database_role,
        application_name="bihuan-directory",
    )
    directory = _directory(own, database)
    sweeping = asyncio.create_task(_sweep(directory))
    try:
        yield Part(
            name=Role.DIRECTORY,
            routers=[sign_in_api.router, staff_api.router, on_call_api.router],
            internal_routers=[internal_api.router],
            ready={"postgresql": database.ping},
            state=directory,
        )
    finally:
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping
        await database.dispose()


def _directory(settings: DirectorySettings, database: Database) -> Directory:
    secret = settings.internal_secret.get_secret_value()
    return Directory(
        database=database,
        idempotency=Idempotency(database, idempotency, secret),
        passwords=Passwords(settings.sign_in_parallel),
        guesses=GuessLimit(settings.sign_in_limit),
        seal=Seal(secret, "directory: secrets in remembered answers"),
        signing_key=_read(settings.signing_key_file),
        token_lifetime=timedelta(seconds=settings.token_lifetime_seconds),
        on_call_fallback=settings.on_call_fallback,
    )


def _read(file: Path | None) -> bytes | None:
    return None if file is None else file.read_bytes()


async def _sweep(directory: Directory) -> None:
    while True:
        with suppress(Unavailable):
            await directory.idempotency.sweep()
            async with directory.database.begin() as connection:
                await sessions.sweep(connection)
        await asyncio.sleep(SWEEP_SECONDS)
