"""The outbox's bell: wakes the relay soon after a registration, without taking part in it.

A NOTIFY inside the registering transaction would make all of them commit one after another, because PostgreSQL
serialises notifying commits; a missed ring costs the relay's poll interval.
"""

import asyncio

from sqlalchemy import text

from services.runtime.database import Database
from services.runtime.errors import Refusal

CHANNEL = "intake_outbox"
_GATHERED_SECONDS = 0.1
_NOTIFY = text(f"NOTIFY {CHANNEL}")


class Bell:
    """Rings once for all registrations of a moment."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pulled = asyncio.Event()

    def pull(self) -> None:
        """Ask for a ring; returns at once."""
        self._pulled.set()

    async def ring(self) -> None:
        """Pass the rings on, until cancelled."""
        while True:
            await self._pulled.wait()
            self._pulled.clear()
            try:
                async with self._database.read() as connection:
                    await connection.execute(_NOTIFY)
            except Refusal:
                continue
            await asyncio.sleep(_GATHERED_SECONDS)
