"""The notice's workflow: tries until the notice went or its time is over. The row in PostgreSQL decides; see there."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

from services.contracts.names import WORKFLOW_NOTICE
from services.contracts.notice import NoticeOrder
from services.notify.notices import calls


@workflow.defn(name=WORKFLOW_NOTICE)
class NoticeWorkflow:
    """One delivery of one notice, which its first attempt has left over; sent anew, a notice gets another. Answers the
    state in which it ended."""

    @workflow.run
    async def run(self, order: NoticeOrder) -> str:
        """Try patiently, then give up with a record."""
        try:
            return await calls.deliver(order)
        except ActivityError:
            return await calls.give_up(order)
