"""Workflows that an earlier release began, and that went other ways than those of this one."""

from functools import partial

from temporalio.client import WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment

from services.contracts.names import FORMER_WORKFLOW_ALERT, QUEUE_NOTIFY, alert_workflow_id
from services.contracts.vocabulary import ClockName
from services.notify.alerts import store
from services.notify.alerts.activities import AlertActivities
from services.notify.alerts.workflow import AlertWorkflow
from services.runtime.postgres.database import Database
from services.runtime.temporal.client import start_or_attach, worker
from services.runtime.temporal.workflow_starter import Starter
from tests.flow.alert_harness import SECOND, AlertHarness
from tests.flow.alert_peers import OWNER
from tests.flow.earlier_workflows import EarlierAlertWorkflow
from tests.services.system import until


async def test_an_alert_of_an_earlier_release_climbs_on_in_a_run_of_this_one(
    env: WorkflowEnvironment, database: Database
) -> None:
    harness = AlertHarness(env, database)
    ticket = harness.ticket()
    await harness.apply(ticket.breach(ClockName.PROGRESS))
    [row] = await harness.alerts()
    standing = store.standing_of(row)
    told = {**standing.model_dump(mode="json"), "remarks": 1}  # as the earlier release put it
    async with worker(env.client, QUEUE_NOTIFY, workflows=[EarlierAlertWorkflow], activities=[]):
        id_ = alert_workflow_id(standing.id)
        await start_or_attach(env.client, FORMER_WORKFLOW_ALERT, told, id_=id_, queue=QUEUE_NOTIFY)
        alert = await ticket.started()
        assert (await alert.handle.describe()).status is WorkflowExecutionStatus.RUNNING

    climb = AlertActivities(harness.escalation).climb
    async with worker(env.client, QUEUE_NOTIFY, workflows=[AlertWorkflow], activities=[climb]):
        starter = harness.starter()
        await starter.reconcile()
        await until(partial(_is_missed, starter), 30)
        assert await starter.reconcile() == 1
        await alert.settled()
        await alert.passes_until((await alert.row())["next_at"] + SECOND)
        assert await alert.told() == [f"owner:{OWNER}", "on_call:chen-chen"]


async def _is_missed(starter: Starter) -> bool:
    return await starter.compare() == 1
