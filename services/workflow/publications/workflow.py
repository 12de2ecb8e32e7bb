"""The workflow of a publication: open tickets are recalculated in batches, at the rate that its input says."""

from datetime import timedelta

from temporalio import workflow

from services.contracts.names import WORKFLOW_PUBLICATION
from services.contracts.publication import BatchRequest, PublicationStart
from services.workflow.lifecycle import calls


@workflow.defn(name=WORKFLOW_PUBLICATION)
class PublicationWorkflow:
    """One publication, from its request until every open ticket was tried as often as its input says.

    How far it is stands in the publication's row: a rebuilt workflow goes on where the last one was.
    """

    @workflow.init
    def __init__(self, start: PublicationStart) -> None:
        self.start = start
        self.batches = 0

    @workflow.run
    async def run(self, _: PublicationStart) -> None:
        """Walk the open tickets, then try again those that failed."""
        failed = await self._take_all(self.start.attempt)
        for attempt in range(self.start.attempt + 1, self.start.attempts + 1):
            if not failed:
                break
            await workflow.sleep(timedelta(seconds=self.start.retry_after_seconds), summary="before trying again")
            failed = await self._take_all(attempt)
        await calls.finish(self.start)

    async def _take_all(self, attempt: int) -> int:
        """Take every ticket of an attempt; answers how many stand as failed."""
        batch = BatchRequest(publication=self.start.publication, attempt=attempt, size=self.start.batch)
        while True:
            began_at = workflow.now()
            done = await calls.recalculate(batch)
            if not done.more:
                return done.failed
            rest = timedelta(seconds=done.taken / self.start.per_second) - (workflow.now() - began_at)
            if rest > timedelta(0):
                await workflow.sleep(rest, summary="the rate of the publication")
            self._continue_if_long(attempt)

    def _continue_if_long(self, attempt: int) -> None:
        self.batches += 1
        if self.batches >= self.start.batches_before_continuing or workflow.info().is_continue_as_new_suggested():
            workflow.continue_as_new(self.start.model_copy(update={"attempt": attempt}))
