"""The directory of a process, opened and closed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from services.contracts.names import Role
from services.directory import sessions
from services.directory.api import internal as internal_api
from services.directory.api import on_call as on_call_api
from services.directory.api import sign_in as sign_in_api
from services.directory.api import staff as staff_api
from services.directory.credentials import GuessLimit, Passwords
from services.directory.service import DirectoryService
from services.directory.settings import DirectorySettings
from services.directory.tables import idempotency
from services.runtime.postgres.database import Database
from services.runtime.postgres.idempotency import Idempotency
from services.runtime.recurrence import HOUR, every
from services.runtime.role_host import hosted
from services.runtime.role_parts import Part
from services.runtime.security.sealing import Seal


@asynccontextmanager
async def assemble(settings: DirectorySettings) -> AsyncIterator[Part]:
    """Open the directory's database, and sweep what is over while it is open."""
    async with hosted(Role.DIRECTORY, settings) as host:
        directory = _directory(settings, host.database)
        host.run(every(HOUR, partial(_sweep, directory)))
        yield Part(
            name=Role.DIRECTORY,
            routers=[sign_in_api.router, staff_api.router, on_call_api.router],
            internal_routers=[internal_api.router],
            ready=host.ready,
            clients=host.clients,
            state=directory,
        )


def _directory(settings: DirectorySettings, database: Database) -> DirectoryService:
    secret = settings.internal_secret.get_secret_value()
    return DirectoryService(
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


async def _sweep(directory: DirectoryService) -> None:
    await directory.idempotency.sweep()
    async with directory.database.begin() as connection:
        await sessions.sweep(connection)
