"""Parts of the worker for alerts: the consumer of the journal, the workflow, and the starter's view of the rows."""

from functools import partial

from temporalio.client import Client

from services.contracts.names import (
    FORMER_WORKFLOW_ALERT,
    QUEUE_NOTIFY,
    SIGNAL_ALERT_CHANGED,
    WORKFLOW_ALERT,
    alert_workflow_id,
)
from services.notify.alerts.activities import AlertActivities
from services.notify.alerts.consumer import AlertConsumer
from services.notify.alerts.escalation import Escalation
from services.notify.alerts.monitor import LOOKED_AT_EVERY, look_again, measure
from services.notify.alerts.remarks import RemarkDispatcher
from services.notify.alerts.store import WAITS, standing_of
from services.notify.alerts.tables import alerts
from services.notify.alerts.workflow import AlertWorkflow
from services.notify.hours.calendars import REFRESHED_EVERY, CalendarsCopy
from services.notify.ladders.candidates import CandidateSearch
from services.notify.ladders.ladders import read_ladders
from services.notify.ladders.store import LadderBook
from services.notify.resources import Resources
from services.runtime.recurrence import every
from services.runtime.temporal.client import signal_if_running, start_or_attach
from services.runtime.temporal.inventory import Workflows
from services.runtime.temporal.startable import Startable, StartableRow
from services.runtime.temporal.worker_host import WorkerPart

CONSUMER = "alerts"
GATHERED_SECONDS = 0.1
"""Between two pages of the feed: an alert is to reach its mail within a second."""


def worker_part(opened: Resources, client: Client) -> WorkerPart:
    """Put the worker's part of alerts together."""
    calendars = CalendarsCopy(opened.database, opened.tickets)
    candidates = CandidateSearch(opened, calendars)
    escalation = Escalation(opened, candidates)
    dispatcher = RemarkDispatcher(opened, hands=opened.settings.notify_slots)
    ladders = LadderBook(read_ladders(opened.settings.ladders_file))
    apply = AlertConsumer(ladders, escalation).apply
    consumer = opened.consumer(CONSUMER, apply, gathered_seconds=GATHERED_SECONDS)
    return WorkerPart(
        name="alerts",
        workflows=[AlertWorkflow],
        activities=[AlertActivities(escalation).climb],
        startables=[startable(client)],
        starts_per_second=opened.settings.alert_workflows_per_second,
        tasks=[
            consumer.run,
            dispatcher.run,
            every(LOOKED_AT_EVERY, partial(measure, opened.database)),
            every(LOOKED_AT_EVERY, partial(look_again, opened.database, candidates)),
            every(REFRESHED_EVERY, calendars.refresh),
        ],
    )


def startable(client: Client) -> Startable:
    """An alert that waits has a workflow, which is told of every change of it, that it is over too."""

    async def start(row: StartableRow) -> None:
        """Start the workflow, or tell the one that runs how the row stands; nothing is started only to end."""
        standing = standing_of(row)
        id_ = alert_workflow_id(standing.id)
        if standing.over and standing.next_at is None:
            await signal_if_running(client, id_, SIGNAL_ALERT_CHANGED, standing)
            return
        await start_or_attach(
            client, WORKFLOW_ALERT, standing, id_=id_, queue=QUEUE_NOTIFY, signal=SIGNAL_ALERT_CHANGED, told=[standing]
        )

    return Startable(
        table=alerts,
        living=WAITS | alerts.c.engine_id.is_(None),
        key=alerts.c.id,
        columns=(alerts.c.id, alerts.c.version, alerts.c.state, alerts.c.next_at),
        start=start,
        revision=alerts.c.version,
        order=alerts.c.next_at,
        workflows=Workflows(
            WORKFLOW_ALERT, QUEUE_NOTIFY, alert_workflow_id, (alerts.c.id,), former=FORMER_WORKFLOW_ALERT
        ),
    )
