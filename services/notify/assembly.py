"""Roles of notify: `notify` (HTTP) and `notify-worker` (followers of the feed, workflows, activities, starter)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

from temporalio.client import Client

from services.contracts.names import QUEUE_NOTIFY, Role
from services.notify.alerts import worker as alerts_working
from services.notify.alerts.service import Alerts
from services.notify.alerts.stream import AlertStreams
from services.notify.api import alerts as alerts_api
from services.notify.api import alerts_internal as alerts_internal_api
from services.notify.api import hours as hours_api
from services.notify.api import ladders as ladders_api
from services.notify.api import notices as notices_api
from services.notify.api import notices_internal as notices_internal_api
from services.notify.api import webhooks as webhooks_api
from services.notify.hours.calendars import CalendarsCopy
from services.notify.notices import worker as notices_working
from services.notify.notices.service import Notices
from services.notify.resources import Pieces, Resources, resources
from services.notify.service import Notify
from services.notify.settings import NotifySettings
from services.notify.tables import idempotency
from services.notify.wake_channels import STARTER_CHANNEL
from services.notify.webhooks import messages
from services.notify.webhooks import worker as webhooks_working
from services.notify.webhooks.store import webhooks_of
from services.runtime.errors import Refusal
from services.runtime.postgres.idempotency import Idempotency
from services.runtime.role_parts import Check, Part
from services.runtime.settings import RuntimeSettings, load
from services.runtime.telemetry import log
from services.runtime.temporal.client import engine_client, engine_identity, worker
from services.runtime.temporal.inventory import EngineRuns
from services.runtime.temporal.workflow_starter import Starter

SWEEP_SECONDS = 3600
CONNECT_PAUSE_SECONDS = 0.5
MOST_WEBHOOKS = 200
SHARED_WITH_SANDBOX = ("services.contracts", "pydantic", "pydantic_core", "annotated_types", "email_validator")


@asynccontextmanager
async def assemble(given: RuntimeSettings | None = None) -> AsyncIterator[Part]:
    """The HTTP part. It is ready whenever PostgreSQL is: what it is told it keeps, and the worker tells it on."""
    settings = _own(given)
    async with resources(settings, "notify") as opened:
        answers = Idempotency(opened.database, idempotency, settings.internal_secret.get_secret_value())
        calendars = CalendarsCopy(opened.database, opened.tickets)
        alerts = Alerts(opened, calendars)
        streams = AlertStreams(alerts, settings.alert_streams)
        async with _in_background(_sweep(answers), streams.listen(), calendars.follow()):
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
                ready={"postgresql": opened.database.ping},
                state=Notify(
                    resources=opened,
                    idempotency=answers,
                    notices=Notices(opened),
                    alerts=alerts,
                    alert_streams=streams,
                    webhooks=webhooks_of(opened),
                ),
            )


@asynccontextmanager
async def assemble_worker(given: RuntimeSettings | None = None) -> AsyncIterator[Part]:
    """The worker part: follows the journal whether or not the engine is there, and runs what must last on it."""
    settings = _own(given)
    async with resources(settings, "notify-worker") as opened:
        pieces = parts_of_the_worker(opened)
        client = await engine_client(settings, lazy=True)
        following = [follower.run() for piece in pieces for follower in piece.followers]
        besides = [task() for piece in pieces for task in piece.tasks]
        async with _in_background(_work(opened, pieces), *following, *besides) as tasks:
            yield Part(
                name=Role.NOTIFY_WORKER,
                ready={
                    "postgresql": opened.database.ping,
                    "temporal": partial(_answers, client),
                    "worker": _alive(tasks),
                },
            )


def parts_of_the_worker(opened: Resources) -> Sequence[Pieces]:
    """What notices, alerts and webhooks bring."""
    return (alerts_working.pieces(opened), notices_working.pieces(opened), webhooks_working.pieces(opened))


def _own(given: RuntimeSettings | None) -> NotifySettings:
    return given if isinstance(given, NotifySettings) else load(NotifySettings)


async def _work(opened: Resources, pieces: Sequence[Pieces]) -> None:
    """Run workflows from the moment at which the engine answers; a worker that the SDK gives up is started again."""
    while True:
        try:
            await _run_worker(opened, pieces)
        except Exception:  # noqa: BLE001 - whatever ends a worker, people must be told
            log().exception("the worker stopped; it starts again")
            await asyncio.sleep(CONNECT_PAUSE_SECONDS)


async def _run_worker(opened: Resources, pieces: Sequence[Pieces]) -> None:
    settings = opened.settings
    client = await _connected(settings)
    starters = [
        Starter(
            opened.database,
            partial(engine_identity, client),
            piece.startables(client),
            channel=STARTER_CHANNEL,
            probe_seconds=settings.engine_probe_seconds,
            name=piece.name,
            per_second=piece.starts_per_second,
            runs=EngineRuns(client),
        )
        for piece in pieces
    ]
    notify_worker = worker(
        client,
        QUEUE_NOTIFY,
        workflows=[workflow for piece in pieces for workflow in piece.workflows],
        activities=[activity for piece in pieces for activity in piece.activities],
        passthrough=SHARED_WITH_SANDBOX,
        max_cached_workflows=settings.notify_cached_workflows,
        max_concurrent_activities=settings.notify_slots,
        # A webhook whose receiver hangs holds one, and must not hold up what people are told.
        max_concurrent_local_activities=settings.notify_slots + MOST_WEBHOOKS,
    )
    async with notify_worker, asyncio.TaskGroup() as group:
        for starter in starters:
            group.create_task(starter.run())


async def _connected(settings: NotifySettings) -> Client:
    while True:
        try:
            return await engine_client(settings)
        except RuntimeError:
            await asyncio.sleep(CONNECT_PAUSE_SECONDS)


async def _answers(client: Client) -> None:
    await engine_identity(client)


async def _sweep(answers: Idempotency) -> None:
    while True:
        with suppress(Refusal):
            await answers.sweep()
        await asyncio.sleep(SWEEP_SECONDS)


@asynccontextmanager
async def _in_background(*work: Awaitable[None]) -> AsyncIterator[Sequence["asyncio.Future[None]"]]:
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _alive(tasks: Sequence["asyncio.Future[None]"]) -> Check:
    async def check() -> None:
        for task in tasks:
            if task.done():
                task.result()

    return check
