"""Roles of notify: `notify` (HTTP) and `notify-worker` (followers of the feed, workflows, activities, starter)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.contracts.names import QUEUE_NOTIFY, Role
from services.notify.alerts import worker as alerts_worker
from services.notify.alerts.service import Alerts
from services.notify.alerts.stream import AlertStreams
from services.notify.api import alerts as alerts_api
from services.notify.api import alerts_internal as alerts_internal_api
from services.notify.api import hours as hours_api
from services.notify.api import ladders as ladders_api
from services.notify.api import notices as notices_api
from services.notify.api import notices_internal as notices_internal_api
from services.notify.api import webhooks as webhooks_api
from services.notify.hours.calendars import REFRESHED_EVERY, CalendarsCopy
from services.notify.notices import worker as notices_worker
from services.notify.notices.service import Notices
from services.notify.resources import Resources
from services.notify.service import Notify
from services.notify.settings import NotifySettings
from services.notify.tables import idempotency
from services.notify.wake_channels import STARTER_CHANNEL
from services.notify.webhooks import messages
from services.notify.webhooks import worker as webhooks_worker
from services.notify.webhooks.store import webhooks_of
from services.runtime.postgres.idempotency import Idempotency
from services.runtime.recurrence import HOUR, every
from services.runtime.role_host import hosted
from services.runtime.role_parts import Part
from services.runtime.temporal.client import engine_client
from services.runtime.temporal.memory import runs_remembered
from services.runtime.temporal.worker_host import run_worker

MOST_WEBHOOKS = 200
MEMORY_SHARE, KIB_A_RUN = 0.1, 60
"""Of a worker's memory for runs, the share of notices, alerts and webhooks; and resident KiB of one."""


@asynccontextmanager
async def assemble(settings: NotifySettings) -> AsyncIterator[Part]:
    """The HTTP part. It is ready whenever PostgreSQL is: what it is told it keeps, and the worker tells it on."""
    async with hosted(Role.NOTIFY, settings) as host:
        opened = Resources.of(host, settings)
        answers = Idempotency(opened.database, idempotency, settings.internal_secret.get_secret_value())
        calendars = CalendarsCopy(opened.database, opened.tickets)
        notices, alerts = Notices(opened), Alerts(opened, calendars)
        streams = AlertStreams(alerts, settings.alert_streams)
        host.run(every(HOUR, answers.sweep), streams.listen, every(REFRESHED_EVERY, calendars.refresh))
        host.run(notices.first_tries.run)
        yield Part(
            name=Role.NOTIFY,
            routers=[
                notices_api.router,
                alerts_api.router,
                ladders_api.router,
                hours_api.router,
                webhooks_api.router,
            ],
            webhooks=[messages.router],
            internal_routers=[notices_internal_api.router, alerts_internal_api.router],
            ready=host.ready,
            clients=host.clients,
            state=Notify(
                resources=opened,
                idempotency=answers,
                notices=notices,
                alerts=alerts,
                alert_streams=streams,
                webhooks=webhooks_of(opened),
            ),
        )


@asynccontextmanager
async def assemble_worker(settings: NotifySettings) -> AsyncIterator[Part]:
    """The worker part: follows the journal whether or not the engine is there, and runs what must last on it."""
    async with hosted(Role.NOTIFY_WORKER, settings) as host:
        opened, client = Resources.of(host, settings), await engine_client(settings, lazy=True)
        subjects = (alerts_worker, notices_worker, webhooks_worker)
        alive = run_worker(
            host,
            client,
            QUEUE_NOTIFY,
            [subject.worker_part(opened, client) for subject in subjects],
            channel=STARTER_CHANNEL,
            max_cached_workflows=runs_remembered(settings.worker_mib, MEMORY_SHARE, KIB_A_RUN),
            max_concurrent_activities=settings.notify_slots,
            # A webhook whose receiver hangs holds one, and must not hold up what people are told.
            max_concurrent_local_activities=settings.notify_slots + MOST_WEBHOOKS,
        )
        yield Part(name=Role.NOTIFY_WORKER, ready=host.ready, clients=host.clients, alive=alive)
