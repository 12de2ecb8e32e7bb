"""What every part of notify works with in one process: the database, the peers, the settings."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from temporalio.client import Client

from services.contracts.feed import FeedPage, TicketEvent
from services.notify.settings import NotifySettings
from services.runtime.feed.consumer import Follower
from services.runtime.postgres.database import Database
from services.runtime.service_client import Peer
from services.runtime.temporal.workflow_starter import Startable

_WAIT_SECONDS = 3
"""How long a follower's question may wait for news; a peer's answer takes 5 s at most."""


@dataclass(frozen=True)
class Resources:
    """Opened by `resources`, closed with it."""

    settings: NotifySettings
    database: Database
    intake: Peer
    tickets: Peer
    directory: Peer
    survey: Peer

    async def read_feed(self, after: str | None) -> FeedPage:
        """The next page of the journal's feed; waits a little where there is none yet."""
        place = {"after": after} if after else {}
        limit = self.settings.feed_batch
        page = await self.tickets.get("/internal/events", limit=limit, wait=_WAIT_SECONDS, **place)
        return FeedPage.model_validate(page)

    async def read_event(self, ticket_no: str, seq: int) -> TicketEvent:
        """One event of the feed, with its ticket as that is now."""
        return TicketEvent.model_validate(await self.tickets.get(f"/internal/events/{ticket_no}/{seq}"))


@dataclass(frozen=True)
class Pieces:
    """What one of notify's parts brings into the worker. `name` begins the names of its starter's figures."""

    name: str
    workflows: Sequence[type] = ()
    activities: Sequence[Callable[..., Any]] = ()
    startables: Callable[[Client], Sequence[Startable]] = field(default=lambda _: ())
    starts_per_second: int | None = None
    """How many workflows are started in a second where there are many; None for no bound."""
    followers: Sequence[Follower] = ()
    tasks: Sequence[Callable[[], Awaitable[None]]] = ()
    """Run beside the worker until it ends."""


@asynccontextmanager
async def resources(settings: NotifySettings, name: str) -> AsyncIterator[Resources]:
    """Open what a part of notify needs; `name` is how PostgreSQL lists its connections."""
    database = Database(
        settings.database_url.get_secret_value(),
        pool_size=settings.pool_size,
        role=settings.database_role,
        application_name=f"bihuan-{name}",
    )
    secret = settings.internal_secret.get_secret_value()
    urls = (settings.intake_url, settings.tickets_url, settings.directory_url, settings.survey_url)
    intake, tickets, directory, survey = peers = [Peer(url, secret) for url in urls]
    try:
        yield Resources(settings, database, intake, tickets, directory, survey)
    finally:
        for peer in peers:
            await peer.close()
        await database.dispose()
