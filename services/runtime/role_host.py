"""The host of a role: it opens what every role works with, runs work beside the role's part, and ends both with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.runtime.postgres.database import Database
from services.runtime.recurrence import Work
from services.runtime.role_parts import Check
from services.runtime.service_client import ServiceClient
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import log


class RoleHost:
    """Holds a role's database, its `clients` of other services, and its work. Opened by `hosted`, closed with it.

    `ready` are the checks of its part: PostgreSQL, and what else is put there.
    """

    def __init__(self, role: str, settings: RuntimeSettings) -> None:
        self.role = role
        self.settings = settings
        self.database = Database(
            settings.database_url.get_secret_value(),
            pool_size=settings.pool_size,
            role=settings.database_role,
            application_name=f"bihuan-{role}",
        )
        self.ready: dict[str, Check] = {"postgresql": self.database.ping}
        self._secret = settings.internal_secret.get_secret_value()
        self.clients: list[ServiceClient] = []
        self._tasks: list[asyncio.Task[None]] = []

    def client(self, base_url: str) -> ServiceClient:
        """Make a client of another service, by the base of its internal port; it is closed with the role."""
        client = ServiceClient(base_url, self._secret)
        self.clients.append(client)
        return client

    def run(self, *work: Work) -> None:
        """Begin work that goes on until the role ends. An error that ends it before is logged."""
        for each in work:
            task = asyncio.create_task(each())
            task.add_done_callback(self._tell)
            self._tasks.append(task)

    async def check_work(self) -> None:
        """Return while everything goes on that was begun; raise what ended some of it."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def close(self) -> None:
        """End the work, and only then what it works with."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in self.clients:
            await client.close()
        await self.database.dispose()

    def _tell(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()):
            log().error("work of a role ended", role=self.role, exc_info=error)


@asynccontextmanager
async def hosted(role: str, settings: RuntimeSettings) -> AsyncIterator[RoleHost]:
    """Host a role while the block lasts. Nothing connects before its first use."""
    host = RoleHost(role, settings)
    try:
        yield host
    finally:
        await host.close()
