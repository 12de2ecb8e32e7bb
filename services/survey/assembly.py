"""Roles of the survey service: `survey` (HTTP) and `survey-worker` (consumer of the feed, workflows, starter)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from services.contracts.feed import EventPage, TicketEvent
from services.contracts.names import QUEUE_SURVEY, Role
from services.runtime.feed.consumer import Consumer
from services.runtime.feed.feed_client import FeedClient
from services.runtime.postgres.database import Database
from services.runtime.recurrence import HOUR, every, until_done
from services.runtime.role_host import hosted
from services.runtime.role_parts import Part
from services.runtime.service_client import ServiceClient
from services.runtime.temporal.client import engine_client
from services.runtime.temporal.memory import runs_remembered
from services.runtime.temporal.worker_host import WorkerPart, run_worker
from services.survey.answers.questionnaires import Questionnaires
from services.survey.api import internal as internal_api
from services.survey.api import surveys as surveys_api
from services.survey.invitations.activities import SurveyActivities
from services.survey.invitations.consumer import NEEDED, Inviter
from services.survey.invitations.first_attempts import FirstAttempts
from services.survey.invitations.notices import SurveyNotices
from services.survey.invitations.startables import startable
from services.survey.invitations.workflow import SurveyWorkflow
from services.survey.pages import survey_page
from services.survey.service import SurveyService, links_of
from services.survey.settings import SurveySettings
from services.survey.states import STARTER_CHANNEL, Standings
from services.survey.tables import feed_cursors, feed_failures
from services.survey.times import Times

CONSUMER = "surveys"
GATHERED_SECONDS = 0.25
"""Between two pages of the feed."""
SEED_PAUSE = timedelta(seconds=0.5)
MEMORY_SHARE, KIB_A_RUN = 0.1, 60
"""Of a worker's memory for runs, the share of surveys; and resident KiB of one."""
FIRST_ATTEMPTS = 4
"""Invitations that are handed to notify at once, each on a connection of its own."""


@asynccontextmanager
async def assemble(settings: SurveySettings) -> AsyncIterator[Part]:
    """The HTTP part. It needs PostgreSQL alone: an answer is kept, and the worker does what follows from it."""
    async with hosted(Role.SURVEY, settings) as host:
        surveys = SurveyService(settings, host.database, host.client(settings.intake_url))
        host.run(every(HOUR, surveys.idempotency.sweep))
        yield Part(
            name=Role.SURVEY,
            routers=[surveys_api.router, survey_page.router],
            internal_routers=[internal_api.router],
            ready=host.ready,
            clients=host.clients,
            state=surveys,
        )


@asynccontextmanager
async def assemble_worker(settings: SurveySettings) -> AsyncIterator[Part]:
    """The worker part: it follows the journal whether or not the engine is there."""
    async with hosted(Role.SURVEY_WORKER, settings) as host:
        client = await engine_client(settings, lazy=True)
        tickets, notify = host.client(settings.tickets_url), host.client(settings.notify_url)
        notices = SurveyNotices(notify, links_of(settings), Times(tickets))
        activities = SurveyActivities(
            Standings(host.database),
            notices,
            notify=notify,
            tickets=tickets,
            call_within=settings.low_rating_call_within,
        )
        surveys = WorkerPart(
            name="survey",
            workflows=[SurveyWorkflow],
            activities=[activities.invite, activities.remind, activities.expire, activities.conclude],
            startables=[startable(client)],
            tasks=[
                partial(_invite, settings, host.database, tickets),
                FirstAttempts(host.database, notices, hands=FIRST_ATTEMPTS).run,
            ],
        )
        alive = run_worker(
            host,
            client,
            QUEUE_SURVEY,
            [surveys],
            channel=STARTER_CHANNEL,
            max_cached_workflows=runs_remembered(settings.worker_mib, MEMORY_SHARE, KIB_A_RUN),
            max_concurrent_activities=settings.survey_slots,
            max_concurrent_local_activities=settings.survey_slots,
        )
        yield Part(name=Role.SURVEY_WORKER, ready=host.ready, clients=host.clients, alive=alive)


def consumer_of(settings: SurveySettings, database: Database, tickets: ServiceClient) -> Consumer:
    """Make the consumer that invites."""
    parsed = (EventPage.model_validate, TicketEvent.model_validate)
    feed = FeedClient(tickets, *parsed, limit=settings.feed_batch, only=NEEDED)
    inviter = Inviter(links_of(settings), settings.survey_cooldown)
    return Consumer(
        CONSUMER,
        database=database,
        tables=(feed_cursors, feed_failures),
        fetch=feed.read_page,
        read=feed.read_event,
        apply=inviter.apply,
        apply_dead_letter=inviter.apply_dead_letter,
        gathered_seconds=GATHERED_SECONDS,
    )


async def _invite(settings: SurveySettings, database: Database, tickets: ServiceClient) -> None:
    """Invite, from the moment at which there are questionnaires to invite with."""
    await until_done(SEED_PAUSE, Questionnaires(database).seed)()
    await consumer_of(settings, database, tickets).run()
