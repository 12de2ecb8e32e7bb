"""A bell: wakes whoever listens on a channel soon after a commit, without taking part in it.

A NOTIFY inside the writing transactions would make all of them commit one after another, because PostgreSQL serialises
notifying commits. A ring that is missed costs the listener's own interval.
"""

import asyncio

from services.runtime.database import Database
from services.runtime.errors import Refusal
from services.runtime.starting import wake


class Bell:
    """Rings once for everything that happens in `gathered_seconds`, the first time at once."""

    def __init__(self, database: Database, channel: str, *, gathered_seconds: float) -> None:
        self._database = database
        self._channel = channel
        self._gathered_seconds = gathered_seconds
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
                    await wake(connection, self._channel)
            except Refusal:
                continue
            await asyncio.sleep(self._gathered_seconds)
