"""What alerts bring into the worker: the follower of the journal, the workflow, and the starter's view of the rows."""

from functools import partial
from typing import Any

from sqlalchemy import Row
from temporalio.client import Client

from services.contracts.names import QUEUE_NOTIFY, SIGNAL_ALERT_CHANGED, WORKFLOW_ALERT, alert_workflow_id
from services.notify.alerts.activities import AlertActivities
from services.notify.alerts.consumer import Raising
from services.notify.alerts.escalation import Climber
from services.notify.alerts.first_steps import STARTABLE, FirstSteps
from services.notify.alerts.monitor import watch
from services.notify.alerts.remarks import RemarkDispatcher, Remarking
from services.notify.alerts.store import standing_of
from services.notify.alerts.tables import alerts
from services.notify.alerts.workflow import AlertWorkflow
from services.notify.hours.calendars import CalendarsCopy
from services.notify.ladders.availability import Reaching
from services.notify.ladders.ladders import read_ladders
from services.notify.ladders.store import LadderBook
from services.notify.resources import Resources
from services.notify.tables import feed_tables
from services.runtime.feed.consumer import Follower
from services.runtime.temporal.client import start_or_attach
from services.runtime.temporal.inventory import Workflows
from services.runtime.temporal.worker_host import WorkerPart
from services.runtime.temporal.workflow_starter import Startable

FOLLOWER = "alerts"


def worker_part(opened: Resources, client: Client) -> WorkerPart:
    """Put the worker's part of alerts together."""
    calendars = CalendarsCopy(opened.database, opened.tickets)
    climber = Climber(opened, calendars)
    activities = AlertActivities(climber, Remarking(opened))
    first_steps = FirstSteps(opened.database, climber, hands=opened.settings.notify_slots)
    dispatcher = RemarkDispatcher(opened, hands=opened.settings.notify_slots)
    ladders = LadderBook(read_ladders(opened.settings.ladders_file))
    follower = Follower(
        FOLLOWER,
        database=opened.database,
        tables=feed_tables,
        fetch=opened.read_feed,
        read=opened.read_event,
        apply=Raising(ladders).apply,
    )
    return WorkerPart(
        name="alerts",
        workflows=[AlertWorkflow],
        activities=[activities.climb, activities.enter_remarks],
        startables=[startable(client)],
        starts_per_second=opened.settings.alert_workflows_per_second,
        tasks=[
            follower.run,
            first_steps.run,
            dispatcher.run,
            partial(watch, opened.database, Reaching(opened, calendars)),
            calendars.follow,
        ],
    )


def startable(client: Client) -> Startable:
    """An alert that has had its first step, and is not ended, has a workflow, which is told of every change of it."""

    async def start(row: Row[Any]) -> None:
        """Start the workflow, or tell the one that runs how the row stands."""
        standing = standing_of(row)
        await start_or_attach(
            client,
            WORKFLOW_ALERT,
            standing,
            id_=alert_workflow_id(standing.id),
            queue=QUEUE_NOTIFY,
            signal=SIGNAL_ALERT_CHANGED if row.news else None,
            told=[standing],
        )

    return Startable(
        table=alerts,
        living=STARTABLE,
        key=alerts.c.id,
        columns=(alerts.c.id, alerts.c.version, alerts.c.state, alerts.c.next_at, alerts.c.remarks, alerts.c.news),
        start=start,
        revision=alerts.c.news,
        order=alerts.c.next_at,
        workflows=Workflows(WORKFLOW_ALERT, QUEUE_NOTIFY, alert_workflow_id, (alerts.c.id,)),
    )
