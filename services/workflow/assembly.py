"""Roles of the workflow service: `tickets` (HTTP) and `tickets-worker` (workflows, activities, starter)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

from temporalio.client import Client

from services.contracts.names import QUEUE_TICKETS, Role
from services.runtime.errors import Refusal
from services.runtime.postgres.database import Database
from services.runtime.role_parts import Check, Part
from services.runtime.settings import RuntimeSettings, load
from services.runtime.telemetry import log
from services.runtime.temporal.client import engine_client, engine_identity, worker
from services.runtime.temporal.inventory import EngineRuns
from services.runtime.temporal.workflow_starter import Starter
from services.workflow.api import calendars as calendars_api
from services.workflow.api import customers as customers_api
from services.workflow.api import internal as internal_api
from services.workflow.api import policies as policies_api
from services.workflow.api import publications as publications_api
from services.workflow.api import tickets as tickets_api
from services.workflow.client import TicketEngine
from services.workflow.gauges import keep_counting
from services.workflow.journal.activities import TicketActivities
from services.workflow.journal.feed import feed_notifier
from services.workflow.lifecycle.workflow import TicketWorkflow
from services.workflow.policies.catalogue import Catalogue
from services.workflow.publications.activities import PublicationActivities
from services.workflow.publications.workflow import PublicationWorkflow
from services.workflow.service import Peers, TicketService
from services.workflow.settings import WorkflowSettings
from services.workflow.startables import open_tickets, running_publications
from services.workflow.wake_channels import STARTER_CHANNEL

SEED_PAUSE_SECONDS = 1.0
SWEEP_SECONDS = 3600
CONNECT_PAUSE_SECONDS = 0.5
SHARED_WITH_SANDBOX = ("services.contracts", "pydantic", "pydantic_core", "annotated_types", "email_validator")


def database_of(settings: WorkflowSettings, name: str) -> Database:
    """The pool of one part."""
    url = settings.database_url.get_secret_value()
    return Database(url, pool_size=settings.pool_size, role=settings.database_role, application_name=f"bihuan-{name}")


@asynccontextmanager
async def assemble(given: RuntimeSettings | None = None) -> AsyncIterator[Part]:
    """The HTTP part. It starts without PostgreSQL and without an engine, and says so in `/readyz`."""
    settings = _own(given)
    database = database_of(settings, "tickets")
    peers = Peers.of(settings)
    client = await engine_client(settings, lazy=True)
    tickets = TicketService(settings, database, client, peers)
    work = (
        _seed(tickets),
        _sweep(tickets),
        keep_counting(database),
        tickets.joins.run(),
        tickets.notifier.run(),
        tickets.events.listen(),
    )
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield Part(
            name=Role.TICKETS,
            routers=[tickets_api.router, calendars_api.router, policies_api.router, publications_api.router],
            internal_routers=[internal_api.router, customers_api.router],
            ready={"postgresql": database.ping, "temporal": TicketEngine(client).ping},
            state=tickets,
        )
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await peers.close()
        await database.dispose()


@asynccontextmanager
async def assemble_worker(given: RuntimeSettings | None = None) -> AsyncIterator[Part]:
    """The worker part: it waits for the engine, runs tickets, and starts the workflows that are missing."""
    settings = _own(given)
    database = database_of(settings, "tickets-worker")
    client = await engine_client(settings, lazy=True)
    engine = TicketEngine(client)
    running = asyncio.create_task(_work(settings, database))
    try:
        yield Part(
            name=Role.TICKETS_WORKER,
            ready={"postgresql": database.ping, "temporal": engine.ping, "worker": _alive(running)},
        )
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await database.dispose()


def _own(given: RuntimeSettings | None) -> WorkflowSettings:
    return given if isinstance(given, WorkflowSettings) else load(WorkflowSettings)


async def _seed(tickets: TicketService) -> None:
    """Publish the built-in pack on a new database and tell intake what is in force; until both have worked."""
    while True:
        try:
            await tickets.catalogue.seed()
            await tickets.promising.tell_intake()
        except Refusal:
            await asyncio.sleep(SEED_PAUSE_SECONDS)
        else:
            return


async def _sweep(tickets: TicketService) -> None:
    while True:
        with suppress(Refusal):
            await tickets.idempotency.sweep()
        await asyncio.sleep(SWEEP_SECONDS)


async def _work(settings: WorkflowSettings, database: Database) -> None:
    """Run tickets from the moment at which the engine answers; a worker that the SDK gives up is started again."""
    while True:
        try:
            await _run_worker(settings, database)
        except Exception:  # noqa: BLE001 - whatever ends a worker, tickets must go on
            log().exception("the worker stopped; it starts again")
            await asyncio.sleep(CONNECT_PAUSE_SECONDS)


async def _run_worker(settings: WorkflowSettings, database: Database) -> None:
    client = await _connected(settings)
    notifier = feed_notifier(database)
    engine, catalogue = TicketEngine(client), Catalogue(database)
    activities = TicketActivities(database, catalogue, recorded=notifier.announce)
    publishing = PublicationActivities(database, catalogue, engine)
    starter = Starter(
        database,
        partial(engine_identity, client),
        [open_tickets(engine), running_publications(engine, settings)],
        channel=STARTER_CHANNEL,
        probe_seconds=settings.engine_probe_seconds,
        name="ticket",
        runs=EngineRuns(client),
    )
    tickets_worker = worker(
        client,
        QUEUE_TICKETS,
        workflows=[TicketWorkflow, PublicationWorkflow],
        activities=[activities.record, publishing.recalculate, publishing.finish],
        passthrough=SHARED_WITH_SANDBOX,
        max_cached_workflows=settings.cached_workflows,
        max_concurrent_workflow_tasks=settings.workflow_slots,
        max_concurrent_activities=settings.activity_slots,
    )
    async with tickets_worker, asyncio.TaskGroup() as group:
        group.create_task(notifier.run())
        group.create_task(starter.run())


async def _connected(settings: WorkflowSettings) -> Client:
    while True:
        try:
            return await engine_client(settings)
        except RuntimeError:
            await asyncio.sleep(CONNECT_PAUSE_SECONDS)


def _alive(running: asyncio.Task[None]) -> Check:
    async def check() -> None:
        if running.done():
            running.result()

    return check
