"""Parts of the worker for webhooks: the consumer, the workflow, the starter's view of the rows, the figures."""

import asyncio
from datetime import timedelta
from functools import partial

from sqlalchemy import delete, func, true
from temporalio.client import Client

from services.access.directory_copy import DirectoryCopy
from services.contracts.names import QUEUE_NOTIFY, SIGNAL_MORE, WORKFLOW_WEBHOOK, webhook_workflow_id
from services.contracts.webhook import WebhookStart
from services.notify.networks import parse_networks
from services.notify.resources import Resources
from services.notify.webhooks.activities import WebhookActivities
from services.notify.webhooks.consumer import CONSUMER, follow, follow_late
from services.notify.webhooks.dispatcher import Dispatcher
from services.notify.webhooks.metrics import COUNTED_EVERY, count
from services.notify.webhooks.notices import ExhaustionNotices
from services.notify.webhooks.pauses import Pauses
from services.notify.webhooks.queries import SharedConnections
from services.notify.webhooks.request import WebhookSender
from services.notify.webhooks.secrets import secrets_of
from services.notify.webhooks.states import DeliveryState
from services.notify.webhooks.tables import deliveries, webhooks
from services.notify.webhooks.workflow import WebhookWorkflow
from services.runtime.postgres.database import Database
from services.runtime.recurrence import HOUR, every
from services.runtime.temporal.client import start_or_attach
from services.runtime.temporal.inventory import Workflows
from services.runtime.temporal.startable import Startable, StartableRow
from services.runtime.temporal.worker_host import WorkerPart


def worker_part(opened: Resources, client: Client) -> WorkerPart:
    """Put the worker's part of webhooks together."""
    settings = opened.settings
    sender = WebhookSender(parse_networks(settings.webhook_networks), settings.webhook_seconds)
    activities = WebhookActivities(dispatcher(opened, sender))
    consumer = opened.consumer(CONSUMER, follow, follow_late)
    return WorkerPart(
        name="webhooks",
        workflows=[WebhookWorkflow],
        activities=[activities.carry],
        startables=[startable(client)],
        tasks=[
            consumer.run,
            every(COUNTED_EVERY, partial(count, opened.database)),
            every(HOUR, partial(sweep, opened.database, settings.webhook_log_kept)),
            partial(_close_at_the_end, sender),
        ],
    )


def dispatcher(opened: Resources, sender: WebhookSender) -> Dispatcher:
    """Carry with what the settings say."""
    settings = opened.settings
    return Dispatcher(
        SharedConnections(opened.database),
        sender,
        secrets_of(settings),
        Pauses(settings.webhook_retry_first, settings.webhook_retry_longest, settings.webhook_give_up_after),
        ExhaustionNotices(opened.database, DirectoryCopy(opened.directory), settings.notice_stale_after),
        parallel=settings.webhook_parallel,
    )


def startable(client: Client, queue: str = QUEUE_NOTIFY) -> Startable:
    """Every webhook has a workflow; one that is switched off or deleted has it until it has noticed."""

    async def start(row: StartableRow) -> None:
        await start_or_attach(
            client,
            WORKFLOW_WEBHOOK,
            WebhookStart(webhook_id=row.id),
            id_=webhook_workflow_id(row.id),
            queue=queue,
            signal=SIGNAL_MORE,
        )

    # The key is the wake and not the webhook: one that was woken again meanwhile does not count as started.
    return Startable(
        table=webhooks,
        living=true(),
        key=webhooks.c.wake_key,
        columns=(webhooks.c.id,),
        start=start,
        workflows=Workflows(
            WORKFLOW_WEBHOOK,
            queue,
            webhook_workflow_id,
            (webhooks.c.id,),
            expected=webhooks.c.active & webhooks.c.deleted_at.is_(None),
        ),
    )


async def sweep(database: Database, kept: timedelta) -> int:
    """Forget deliveries that ended long ago; answers how many."""
    old = deliveries.c.created_at < func.now() - kept
    async with database.begin() as connection:
        gone = await connection.execute(delete(deliveries).where(old, deliveries.c.state != DeliveryState.PENDING))
        return gone.rowcount


async def _close_at_the_end(sender: WebhookSender) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await sender.close()
