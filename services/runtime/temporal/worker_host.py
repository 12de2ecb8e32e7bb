"""The host of a worker: it runs workflows and activities from the moment at which the engine answers.

A worker that ends, for whatever reason, starts again. The starters of the workflows that are missing run beside it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from temporalio.client import Client

from services.runtime.recurrence import Work
from services.runtime.role_host import RoleHost
from services.runtime.role_parts import Check
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import log
from services.runtime.temporal.client import engine_client, engine_identity, worker
from services.runtime.temporal.inventory import EngineRuns
from services.runtime.temporal.startable import Startable
from services.runtime.temporal.workflow_starter import Starter

PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class WorkerPart:
    """One subject's share of a worker. `name` begins the names of its starter's metrics.

    `starts_per_second` bounds how many workflows are started where there are many; None for no bound. `tasks` run
    beside the worker, whether or not the engine is there.
    """

    name: str
    workflows: Sequence[type]
    activities: Sequence[Callable[..., Any]]
    startables: Sequence[Startable]
    starts_per_second: int | None = None
    tasks: Sequence[Work] = ()


class WorkerHost:
    """Keeps a worker running. `opened` connects, runs the worker while its block lasts, and raises what ends it."""

    def __init__(
        self,
        opened: Callable[[], AbstractAsyncContextManager[None]],
        beside: Sequence[Work],
        *,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._opened = opened
        self._beside = beside
        self._pause_seconds = pause_seconds
        self._ended_by: Exception | None = None

    async def run(self) -> None:
        """Run the worker and what goes beside it until cancelled."""
        while True:
            try:
                # In a task of its own: the SDK cancels whoever has opened a worker that fails.
                await asyncio.create_task(self._run_once())
            except Exception as error:  # noqa: BLE001 - whatever ends a worker, its workflows must go on
                self._ended_by = error
                log().exception("the worker stopped; it starts again")
            await asyncio.sleep(self._pause_seconds)

    async def check(self) -> None:
        """Raise what ended the worker, until it runs again."""
        if self._ended_by is not None:
            raise self._ended_by

    async def _run_once(self) -> None:
        async with self._opened(), asyncio.TaskGroup() as group:
            self._ended_by = None
            for work in self._beside:
                group.create_task(work())


def run_worker(
    host: RoleHost, client: Client, queue: str, parts: Sequence[WorkerPart], *, channel: str, **options: Any
) -> Check:
    """Begin a worker of `queue`, and what its parts run beside it; they end with the role.

    `client` connects lazily: it serves starters and readiness, each worker connects anew. `channel` wakes the
    starters. Returns the check that all of it goes on; `temporal` joins the role's readiness.
    """
    running = WorkerHost(
        partial(_opened, host.settings, queue, parts, options),
        [_starter(host, client, part, channel).run for part in parts],
    )
    host.run(running.run, *(work for part in parts for work in part.tasks))
    host.ready["temporal"] = partial(engine_identity, client)

    async def check() -> None:
        await host.check_work()
        await running.check()

    return check


def _starter(host: RoleHost, client: Client, part: WorkerPart, channel: str) -> Starter:
    return Starter(
        host.database,
        partial(engine_identity, client),
        part.startables,
        channel=channel,
        probe_seconds=host.settings.engine_probe_seconds,
        name=part.name,
        per_second=part.starts_per_second,
        runs=EngineRuns(client),
    )


@asynccontextmanager
async def _opened(
    settings: RuntimeSettings, queue: str, parts: Sequence[WorkerPart], options: Mapping[str, Any]
) -> AsyncIterator[None]:
    client = await _connected(settings)
    workflows = [workflow for part in parts for workflow in part.workflows]
    activities = [activity for part in parts for activity in part.activities]
    async with worker(client, queue, workflows=workflows, activities=activities, **options):
        yield


async def _connected(settings: RuntimeSettings) -> Client:
    while True:
        try:
            return await engine_client(settings)
        except RuntimeError:
            await asyncio.sleep(PAUSE_SECONDS)
