"""The notice's workflow: tries until the notice went or its time is over. The row in PostgreSQL decides; see there."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError

with workflow.unsafe.imports_passed_through():
    from services.contracts.names import WORKFLOW_NOTICE
    from services.contracts.notice import NoticeOrder

from services.notify.notices import calls


@workflow.defn(name=WORKFLOW_NOTICE)
class NoticeWorkflow:
    """One delivery of one notice; sent anew, a notice gets another. Answers the state in which it ended."""

    @workflow.run
    async def run(self, order: NoticeOrder) -> str:
        """Try at once, then patiently, then give up with a record."""
        try:
            return await calls.deliver_at_once(order)
        except FailureError:
            return await self._patiently(order)

    async def _patiently(self, order: NoticeOrder) -> str:
        try:
            return await calls.deliver(order)
        except ActivityError:
            return await calls.give_up(order)
