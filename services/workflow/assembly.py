"""Roles of the workflow service: `tickets` (HTTP) and `tickets-worker` (workflows, activities, starter)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from services.contracts.names import QUEUE_TICKETS, Role
from services.runtime.recurrence import HOUR, every, until_done
from services.runtime.role_host import hosted
from services.runtime.role_parts import Part
from services.runtime.temporal.client import engine_client
from services.runtime.temporal.memory import runs_remembered
from services.runtime.temporal.worker_host import WorkerPart, run_worker
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
from services.workflow.service import TicketService
from services.workflow.settings import WorkflowSettings
from services.workflow.startables import open_tickets, running_publications
from services.workflow.wake_channels import STARTER_CHANNEL

SEED_PAUSE = timedelta(seconds=1)
MEMORY_SHARE, KIB_A_RUN = 0.8, 85
"""Of a worker's memory for runs, the share of tickets; and resident KiB of one, by `python -m tests.bench memory`."""


@asynccontextmanager
async def assemble(settings: WorkflowSettings) -> AsyncIterator[Part]:
    """The HTTP part. It starts without PostgreSQL and without an engine, and says so in `/readyz`."""
    async with hosted(Role.TICKETS, settings) as host:
        engine = TicketEngine(await engine_client(settings, lazy=True))
        tickets = TicketService(settings, host, engine)
        host.run(
            until_done(SEED_PAUSE, partial(_seed, tickets)),
            every(HOUR, tickets.idempotency.sweep),
            partial(keep_counting, host.database),
            tickets.joins.run,
            tickets.answers.run,
            tickets.notifier.run,
            tickets.starting.run,
            tickets.events.listen,
        )
        yield Part(
            name=Role.TICKETS,
            routers=[tickets_api.router, calendars_api.router, policies_api.router, publications_api.router],
            internal_routers=[internal_api.router, customers_api.router],
            ready=host.ready | {"temporal": engine.ping},
            clients=host.clients,
            state=tickets,
        )


@asynccontextmanager
async def assemble_worker(settings: WorkflowSettings) -> AsyncIterator[Part]:
    """The worker part: it waits for the engine, runs tickets, and starts the workflows that are missing."""
    async with hosted(Role.TICKETS_WORKER, settings) as host:
        client = await engine_client(settings, lazy=True)
        engine, catalogue = TicketEngine(client), Catalogue(host.database)
        notifier = feed_notifier(host.database)
        activities = TicketActivities(host.database, catalogue, recorded=notifier.announce)
        publishing = PublicationActivities(host.database, catalogue, engine)
        tickets = WorkerPart(
            name="ticket",
            workflows=[TicketWorkflow, PublicationWorkflow],
            activities=[activities.record, publishing.recalculate, publishing.finish],
            startables=[open_tickets(engine), running_publications(engine, settings)],
            tasks=[notifier.run],
        )
        alive = run_worker(
            host,
            client,
            QUEUE_TICKETS,
            [tickets],
            channel=STARTER_CHANNEL,
            max_cached_workflows=runs_remembered(settings.worker_mib, MEMORY_SHARE, KIB_A_RUN),
            max_concurrent_workflow_tasks=settings.workflow_slots,
            max_concurrent_activities=settings.activity_slots,
            max_concurrent_local_activities=settings.activity_slots,
        )
        yield Part(name=Role.TICKETS_WORKER, ready=host.ready, clients=host.clients, alive=alive)


async def _seed(tickets: TicketService) -> None:
    """Publish the built-in pack on a new database, and tell intake what is in force."""
    await tickets.catalogue.seed()
    await tickets.promising.tell_intake()
