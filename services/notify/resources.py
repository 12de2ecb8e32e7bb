"""Resources of every part of notify in one process: the database, the peers, the settings."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.feed import EventPage, TicketEvent
from services.notify.settings import NotifySettings
from services.notify.tables import feed_tables
from services.runtime.feed.consumer import Consumer
from services.runtime.feed.feed_client import FeedClient
from services.runtime.postgres.database import Database
from services.runtime.role_host import RoleHost
from services.runtime.service_client import ServiceClient

GATHERED_SECONDS = 0.25
"""Between two pages of a consumer whose effects may wait as long."""


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
        """Open what a role of notify works with."""
        urls = (settings.intake_url, settings.tickets_url, settings.directory_url, settings.survey_url)
        return cls(settings, host.database, *map(host.client, urls))

    @cached_property
    def _feed(self) -> FeedClient:
        parsed = (EventPage.model_validate, TicketEvent.model_validate)
        return FeedClient(self.tickets, *parsed, limit=self.settings.feed_batch)

    def consumer(
        self,
        name: str,
        apply: Callable[[AsyncConnection, Sequence[Any]], Awaitable[None]],
        apply_dead_letter: Callable[[AsyncConnection, Any], Awaitable[None]] | None = None,
        applied: Callable[[], None] | None = None,
        *,
        gathered_seconds: float = GATHERED_SECONDS,
    ) -> Consumer:
        """Make a consumer of the journal's feed, with a place of its own; all of a process share what they read."""
        return Consumer(
            name,
            database=self.database,
            tables=feed_tables,
            fetch=self._feed.read_page,
            read=self._feed.read_event,
            apply=apply,
            apply_dead_letter=apply_dead_letter,
            applied=applied,
            gathered_seconds=gathered_seconds,
        )
