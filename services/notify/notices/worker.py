"""Parts of the worker for notices: the consumer of the journal, the workflow, and the starter's view of the rows."""

from zoneinfo import ZoneInfo

from temporalio.client import Client

from services.access.directory_copy import DirectoryCopy
from services.contracts.names import FORMER_WORKFLOW_NOTICE, QUEUE_NOTIFY, WORKFLOW_NOTICE, notice_workflow_id
from services.contracts.notice import NoticeOrder
from services.notify.notices.activities import NoticeActivities
from services.notify.notices.addresses import AddressBook
from services.notify.notices.channels.choice import channels_of
from services.notify.notices.consumer import CONSUMER, NoticeConsumer
from services.notify.notices.delivery import Delivery
from services.notify.notices.first_attempts import FirstAttempts
from services.notify.notices.letter import house_of
from services.notify.notices.submission import LEFT_OVER
from services.notify.notices.submitters import SurveySubmitter
from services.notify.notices.tables import notices
from services.notify.notices.workflow import NoticeWorkflow
from services.notify.notices.writer import Letterhead
from services.notify.resources import Resources
from services.notify.settings import NotifySettings
from services.runtime.temporal.client import start_or_attach
from services.runtime.temporal.inventory import Workflows
from services.runtime.temporal.startable import Startable, StartableRow
from services.runtime.temporal.worker_host import WorkerPart


def worker_part(opened: Resources, client: Client) -> WorkerPart:
    """Put the worker's part of notices together."""
    settings = opened.settings
    deliveries = delivery(opened)
    activities = NoticeActivities(deliveries)
    attempts = FirstAttempts(opened.database, deliveries, hands=settings.notify_slots)
    telling = NoticeConsumer(DirectoryCopy(opened.directory), settings.notice_stale_after, freed=attempts.look)
    consumer = opened.consumer(CONSUMER, telling.apply, telling.apply_late, telling.applied)
    return WorkerPart(
        name="notices",
        workflows=[NoticeWorkflow],
        activities=[activities.deliver, activities.give_up],
        startables=[startable(client, settings)],
        tasks=[consumer.run, attempts.run],
    )


def delivery(opened: Resources) -> Delivery:
    """Deliver through the channels that the settings open."""
    settings = opened.settings
    sender = Letterhead(house_of(settings), ZoneInfo(settings.time_zone), settings.public_url)
    addresses = AddressBook(opened.intake, opened.directory)
    return Delivery(opened.database, addresses, channels_of(settings), sender, submitter=SurveySubmitter(opened.survey))


def startable(client: Client, settings: NotifySettings) -> Startable:
    """A notice whose first try has left it over has a workflow."""

    async def start(row: StartableRow) -> None:
        order = NoticeOrder(
            id=row.id,
            round=row.round,
            retry_first=settings.notice_retry_first,
            retry_longest=settings.notice_retry_longest,
            give_up_after=settings.notice_give_up_after,
        )
        await start_workflow(client, order)

    return Startable(
        table=notices,
        living=LEFT_OVER,
        key=notices.c.id,
        columns=(notices.c.id, notices.c.round),
        start=start,
        workflows=Workflows(
            WORKFLOW_NOTICE,
            QUEUE_NOTIFY,
            notice_workflow_id,
            (notices.c.id, notices.c.round),
            former=FORMER_WORKFLOW_NOTICE,
        ),
    )


async def start_workflow(client: Client, order: NoticeOrder) -> None:
    """Start the delivery of a notice; one that runs already is left alone."""
    await start_or_attach(
        client, WORKFLOW_NOTICE, order, id_=notice_workflow_id(order.id, order.round), queue=QUEUE_NOTIFY
    )
