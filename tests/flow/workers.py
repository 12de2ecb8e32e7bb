"""The workers of queue `tickets`, which a test may stop, restart or replace."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from services.contracts.names import QUEUE_TICKETS
from services.runtime.temporal.client import worker
from services.workflow.journal.activities import TicketActivities
from services.workflow.lifecycle.workflow import TicketWorkflow
from services.workflow.publications.activities import PublicationActivities
from services.workflow.publications.workflow import PublicationWorkflow


class Workers:
    """One worker at a time."""

    def __init__(self, client: Client, activities: TicketActivities) -> None:
        self._client = client
        self._activities = activities
        self._running: Worker | None = None

    async def start(
        self,
        activities: TicketActivities | None = None,
        publishing: PublicationActivities | None = None,
        **options: Any,
    ) -> None:
        """Start a worker; `publishing` lets it run publications too."""
        self._running = worker(
            self._client,
            QUEUE_TICKETS,
            workflows=[TicketWorkflow, PublicationWorkflow],
            activities=[
                (activities or self._activities).record,
                *((publishing.recalculate, publishing.finish) if publishing else ()),
            ],
            **options,
        )
        await self._running.__aenter__()

    async def stop(self) -> None:
        """Stop the worker as SIGTERM does."""
        if self._running:
            await self._running.shutdown()
            self._running = None

    @asynccontextmanager
    async def none(self) -> AsyncIterator[None]:
        """No worker for a while."""
        await self.stop()
        try:
            yield
        finally:
            await self.start()

    @asynccontextmanager
    async def other(self, activities: TicketActivities | None = None, **options: Any) -> AsyncIterator[None]:
        """Another worker for a while."""
        await self.stop()
        await self.start(activities, **options)
        try:
            yield
        finally:
            await self.stop()
            await self.start()
