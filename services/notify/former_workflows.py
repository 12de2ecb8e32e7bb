"""Types of workflows that an earlier release began and that this one runs in another way.

The rows know everything that their workflows knew. So a run of a former type need not be understood: its next task
finds a history that nothing here has written, the run fails, and the starter begins one of today's type in its place.
A run that answered with commands of its own would not fail: the engine refuses them together with the failure.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from services.contracts.alert import AlertStanding
    from services.contracts.names import FORMER_WORKFLOW_ALERT, FORMER_WORKFLOW_NOTICE
    from services.contracts.notice import NoticeOrder


@workflow.defn(name=FORMER_WORKFLOW_ALERT, failure_exception_types=[workflow.NondeterminismError])
class FormerAlertWorkflow:
    """Makes way for an `AlertWorkflow`."""

    @workflow.run
    async def run(self, _: AlertStanding) -> None:
        """Do nothing, which is not what the history says."""
        await workflow.wait_condition(lambda: False)


@workflow.defn(name=FORMER_WORKFLOW_NOTICE, failure_exception_types=[workflow.NondeterminismError])
class FormerNoticeWorkflow:
    """Makes way for a `NoticeWorkflow`."""

    @workflow.run
    async def run(self, _: NoticeOrder) -> None:
        """Do nothing, which is not what the history says."""
        await workflow.wait_condition(lambda: False)
