"""Tells administrators of deliveries that were given up: once, and then at most once a day for a webhook."""

from datetime import datetime, timedelta

from sqlalchemy import select, update

from services.access.directory_copy import DirectoryCopy
from services.contracts.directory import StaffRole
from services.contracts.notice import Audience, NoticeKind, NoticeRequest
from services.notify.notices.submission import submit
from services.notify.webhooks.tables import webhooks
from services.runtime.errors import Unavailable
from services.runtime.postgres.database import Database
from services.runtime.telemetry import log

EVERY = timedelta(days=1)
AGAIN = timedelta(minutes=1)


class ExhaustionNotices:
    """Writes the notices."""

    def __init__(self, database: Database, people: DirectoryCopy, stale_after: timedelta) -> None:
        self._database = database
        self._people = people
        self._stale_after = stale_after

    async def tell(self, webhook_id: str, now: datetime) -> datetime | None:
        """Tell of what was given up since the last time; answers when to look again, None without a need."""
        columns = (webhooks.c.given_up, webhooks.c.told_at, webhooks.c.description)
        query = select(*columns).where(webhooks.c.id == webhook_id)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None or row.given_up == 0:
            return None
        if row.told_at and now < row.told_at + EVERY:
            return row.told_at + EVERY  # type: ignore[no-any-return]
        try:
            await self._submit(webhook_id, row.description, row.given_up, now)
        except Unavailable:
            log().warning("nobody could be told of deliveries that were given up")
            return now + AGAIN
        return None

    async def _submit(self, webhook_id: str, description: str, failed: int, now: datetime) -> None:
        roll = await self._people.roll()
        admins = [member.id for member in roll.staff if member.active and StaffRole.ADMIN in member.roles]
        requests = [
            NoticeRequest(
                key=f"webhook/{webhook_id}/{int(now.timestamp())}/{admin}",
                ticket_no=None,
                kind=NoticeKind.WEBHOOK_EXHAUSTED,
                audience=Audience.STAFF,
                recipient=admin,
                at=now,
                facts={"webhook_id": webhook_id, "description": description, "failed": failed},
            )
            for admin in admins
        ]
        async with self._database.begin() as connection:
            told = update(webhooks).where(webhooks.c.id == webhook_id)
            await connection.execute(told.values(given_up=webhooks.c.given_up - failed, told_at=now))
            await submit(connection, requests, self._stale_after)
