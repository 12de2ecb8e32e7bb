"""Notifications between processes: in a transaction, or soon after a commit, without taking part in it.

A NOTIFY inside the writing transactions would make all of them commit one after another, because PostgreSQL serialises
notifying commits. A notification that is missed costs the listener's own interval.
"""

import asyncio

from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime.errors import Refusal
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import RawStatement

_NOTIFY = RawStatement("SELECT pg_notify(channel, '') FROM unnest(CAST(:channels AS text[])) AS channel")


async def wake(connection: AsyncConnection, *channels: str) -> None:
    """Wake whoever listens on `channels` when the transaction commits; something was written in it before.

    PostgreSQL makes notifying transactions commit one after another.
    """
    await _NOTIFY.within(connection, {"channels": channels})


class CommitNotifier:
    """Notifies a channel once for all that is announced within `gathered_seconds`, the first time at once; and when it
    begins, since the process before it may have ended between a commit and its notification."""

    def __init__(self, database: Database, channel: str, *, gathered_seconds: float) -> None:
        self._database = database
        self._channel = channel
        self._gathered_seconds = gathered_seconds
        self._announced = asyncio.Event()
        self._announced.set()

    def announce(self) -> None:
        """Ask for a notification; returns at once."""
        self._announced.set()

    async def run(self) -> None:
        """Notify whenever something was announced, until cancelled."""
        while True:
            await self._announced.wait()
            self._announced.clear()
            try:
                await _NOTIFY.all(self._database, {"channels": (self._channel,)})
            except Refusal:
                continue
            await asyncio.sleep(self._gathered_seconds)
