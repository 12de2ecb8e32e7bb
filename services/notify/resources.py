"""What every part of notify works with in one process: the database, the peers, the settings."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.feed import FeedPage, TicketEvent
from services.notify.settings import NotifySettings
from services.notify.tables import feed_tables
from services.runtime.feed.consumer import Follower
from services.runtime.postgres.database import Database
from services.runtime.role_host import RoleHost
from services.runtime.service_client import ServiceClient

_WAIT_SECONDS = 3
"""How long a follower's question may wait for news; a peer's answer takes 5 s at most."""


@dataclass(frozen=True)
class Resources:
    """Opened and closed by their host."""

    settings: NotifySettings
    database: Database
    intake: ServiceClient
    tickets: ServiceClient
    directory: ServiceClient
    survey: ServiceClient

    @classmethod
    def of(cls, host: RoleHost, settings: NotifySettings) -> "Resources":
        """What a role of notify works with."""
        urls = (settings.intake_url, settings.tickets_url, settings.directory_url, settings.survey_url)
        return cls(settings, host.database, *map(host.client, urls))

    def follower(
        self,
        name: str,
        apply: Callable[[AsyncConnection, Sequence[Any]], Awaitable[None]],
        apply_late: Callable[[AsyncConnection, Any], Awaitable[None]] | None = None,
    ) -> Follower:
        """Follow the journal's feed, at a place of its own."""
        return Follower(
            name,
            database=self.database,
            tables=feed_tables,
            fetch=self._read_feed,
            read=self._read_event,
            apply=apply,
            apply_late=apply_late,
        )

    async def _read_feed(self, after: str | None) -> FeedPage:
        """The next page of the journal's feed; waits a little where there is none yet."""
        place = {"after": after} if after else {}
        limit = self.settings.feed_batch
        page = await self.tickets.get("/internal/events", limit=limit, wait=_WAIT_SECONDS, **place)
        return FeedPage.model_validate(page)

    async def _read_event(self, ticket_no: str, seq: int) -> TicketEvent:
        """One event of the feed, with its ticket as that is now."""
        return TicketEvent.model_validate(await self.tickets.get(f"/internal/events/{ticket_no}/{seq}"))
