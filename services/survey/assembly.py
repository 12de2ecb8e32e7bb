"""Roles of the survey service: `survey` (HTTP) and `survey-worker` (follower of the feed, workflows, starter)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

from temporalio.client import Client

from services.contracts.feed import FeedPage, TicketEvent
from services.contracts.names import QUEUE_SURVEY, Role
from services.runtime.errors import Refusal
from services.runtime.feed.consumer import Follower
from services.runtime.postgres.database import Database
from services.runtime.role_parts import Check, Part
from services.runtime.service_client import Peer
from services.runtime.settings import RuntimeSettings, load
from services.runtime.telemetry import log
from services.runtime.temporal.client import engine_client, engine_identity, worker
from services.runtime.temporal.inventory import EngineRuns
from services.runtime.temporal.workflow_starter import Starter
from services.survey import pages
from services.survey.activities import SurveyActivities
from services.survey.api import internal as internal_api
from services.survey.api import surveys as surveys_api
from services.survey.invitations import Inviter
from services.survey.questionnaires import Questionnaires
from services.survey.service import SurveyService, links_of
from services.survey.settings import SurveySettings
from services.survey.startables import startable
from services.survey.states import STARTER_CHANNEL, Standings
from services.survey.tables import feed_cursors, feed_failures
from services.survey.workflow import SurveyWorkflow

FOLLOWER = "surveys"
SWEEP_SECONDS = 3600
PAUSE_SECONDS = 0.5
SHARED_WITH_SANDBOX = ("services.contracts", "pydantic", "pydantic_core", "annotated_types", "email_validator")
_WAIT_SECONDS = 3
"""How long the follower's question may wait for news; a peer's answer takes 5 s at most."""


@asynccontextmanager
async def assemble(given: RuntimeSettings | None = None) -> AsyncIterator[Part]:
    """The HTTP part. It needs PostgreSQL alone: an answer is kept, and the worker does what follows from it."""
    settings = _own(given)
    database = _database_of(settings, "survey")
    intake = Peer(settings.intake_url, settings.internal_secret.get_secret_value())
    surveys = SurveyService(settings, database, intake)
    try:
        async with _in_background(_sweep(surveys)):
            yield Part(
                name=Role.SURVEY,
                routers=[surveys_api.router, pages.router],
                internal_routers=[internal_api.router],
                ready={"postgresql": database.ping},
                state=surveys,
            )
    finally:
        await intake.close()
        await database.dispose()


@asynccontextmanager
async def assemble_worker(given: RuntimeSettings | None = None) -> AsyncIterator[Part]:
    """The worker part: it follows the journal whether or not the engine is there."""
    settings = _own(given)
    database = _database_of(settings, "survey-worker")
    secret = settings.internal_secret.get_secret_value()
    notify, tickets = Peer(settings.notify_url, secret), Peer(settings.tickets_url, secret)
    client = await engine_client(settings, lazy=True)
    activities = SurveyActivities(
        Standings(database),
        links_of(settings),
        notify=notify,
        tickets=tickets,
        call_within=settings.low_rating_call_within,
    )
    try:
        async with _in_background(
            _follow(settings, database, tickets), _work(settings, database, activities)
        ) as running:
            yield Part(
                name=Role.SURVEY_WORKER,
                ready={
                    "postgresql": database.ping,
                    "temporal": partial(_answers, client),
                    "worker": _alive(running),
                },
            )
    finally:
        await notify.close()
        await tickets.close()
        await database.dispose()


def follower_of(settings: SurveySettings, database: Database, tickets: Peer) -> Follower:
    """The follower that invites."""

    async def fetch(after: str | None) -> FeedPage:
        place = {"after": after} if after else {}
        page = await tickets.get("/internal/events", limit=settings.feed_batch, wait=_WAIT_SECONDS, **place)
        return FeedPage.model_validate(page)

    async def read(ticket_no: str, seq: int) -> TicketEvent:
        return TicketEvent.model_validate(await tickets.get(f"/internal/events/{ticket_no}/{seq}"))

    inviter = Inviter(links_of(settings), settings.survey_cooldown)
    tables = (feed_cursors, feed_failures)
    return Follower(
        FOLLOWER,
        database=database,
        tables=tables,
        fetch=fetch,
        read=read,
        apply=inviter.apply,
        apply_late=inviter.apply_late,
    )


def _own(given: RuntimeSettings | None) -> SurveySettings:
    return given if isinstance(given, SurveySettings) else load(SurveySettings)


def _database_of(settings: SurveySettings, name: str) -> Database:
    url = settings.database_url.get_secret_value()
    return Database(url, pool_size=settings.pool_size, role=settings.database_role, application_name=f"bihuan-{name}")


async def _follow(settings: SurveySettings, database: Database, tickets: Peer) -> None:
    """Invite, from the moment at which there are questionnaires to invite with."""
    while True:
        try:
            await Questionnaires(database).seed()
        except Refusal:
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            break
    await follower_of(settings, database, tickets).run()


async def _work(settings: SurveySettings, database: Database, activities: SurveyActivities) -> None:
    """Run surveys from the moment at which the engine answers; a worker that the SDK gives up is started again."""
    while True:
        try:
            await _run_worker(settings, database, activities)
        except Exception:  # noqa: BLE001 - whatever ends a worker, surveys must go on
            log().exception("the worker stopped; it starts again")
            await asyncio.sleep(PAUSE_SECONDS)


async def _run_worker(settings: SurveySettings, database: Database, activities: SurveyActivities) -> None:
    client = await _connected(settings)
    starter = Starter(
        database,
        partial(engine_identity, client),
        [startable(client)],
        channel=STARTER_CHANNEL,
        probe_seconds=settings.engine_probe_seconds,
        name="survey",
        runs=EngineRuns(client),
    )
    survey_worker = worker(
        client,
        QUEUE_SURVEY,
        workflows=[SurveyWorkflow],
        activities=[activities.invite, activities.remind, activities.expire, activities.conclude],
        passthrough=SHARED_WITH_SANDBOX,
        max_cached_workflows=settings.survey_cached_workflows,
        max_concurrent_activities=settings.survey_slots,
        max_concurrent_local_activities=settings.survey_slots,
    )
    async with survey_worker:
        await starter.run()


async def _connected(settings: SurveySettings) -> Client:
    while True:
        try:
            return await engine_client(settings)
        except RuntimeError:
            await asyncio.sleep(PAUSE_SECONDS)


async def _answers(client: Client) -> None:
    await engine_identity(client)


async def _sweep(surveys: SurveyService) -> None:
    while True:
        with suppress(Refusal):
            await surveys.idempotency.sweep()
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
