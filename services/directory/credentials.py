"""Sign-in: passwords, and the bound on guessing them."""

import asyncio
from functools import cache

from limits import parse
from pwdlib import PasswordHash
from pydantic import SecretStr
from sqlalchemy import RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.directory.tables import staff
from services.runtime.http.limits import Windows


class Passwords:
    """Hashes and checks passwords with Argon2, off the event loop and few at a time: each takes 64 MiB."""

    def __init__(self, parallel: int) -> None:
        self._hasher = PasswordHash.recommended()
        self._turns = asyncio.Semaphore(parallel)
        self._of_nobody = _hash_of_nobody()

    async def hash(self, password: SecretStr) -> str:
        """Hash a password for keeping."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password.get_secret_value())

    async def matches(self, password: SecretStr, kept: str | None) -> bool:
        """Whether `password` is the kept one. Without a kept one the answer is no, after the same work."""
        async with self._turns:
            fits = await asyncio.to_thread(self._hasher.verify, password.get_secret_value(), kept or self._of_nobody)
        return fits and kept is not None


class GuessLimit:
    """Bounds wrong passwords per user name and client address, in this process.

    An attempt counts when it begins and is forgiven when it succeeds: many at once are bounded too, and who knows
    the password is never held up by their own earlier sign-ins.
    """

    def __init__(self, limit: str) -> None:
        self._limit = parse(limit)
        self._windows = Windows()

    def begin(self, username: str, address: str) -> None:
        """Count an attempt; 429 when there were too many."""
        self._windows.count(self._limit, username.lower(), address)

    def forgive(self, username: str, address: str) -> None:
        """Forget the attempts before a success."""
        self._windows.forget(self._limit, username.lower(), address)


async def find_by_username(connection: AsyncConnection, username: str) -> RowMapping | None:
    """The row of a member of staff, by user name in any case."""
    found = await connection.execute(select(staff).where(func.lower(staff.c.username) == username.lower()))
    return found.mappings().one_or_none()


@cache
def _hash_of_nobody() -> str:
    """The hash that an unknown user's password is checked against, made when the process starts."""
    return PasswordHash.recommended().hash("nobody has this password")
