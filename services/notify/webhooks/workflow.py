"""The webhook workflow: carries to one receiver what waits for it, and waits for what comes next."""

from datetime import timedelta

from temporalio import workflow

from services.contracts.names import SIGNAL_MORE, WORKFLOW_WEBHOOK
from services.contracts.webhook import Carried, WebhookStart
from services.notify.webhooks import calls


@workflow.defn(name=WORKFLOW_WEBHOOK)
class WebhookWorkflow:
    """One webhook. What it delivers, and when each is tried again, are rows; this is what never forgets to look.

    One workflow a webhook, and not one a ticket: nothing is sent twice at once, a dead receiver holds one place in a
    worker, and the history of a ticket costs nothing however many listen.
    """

    @workflow.init
    def __init__(self, _: WebhookStart) -> None:
        self.more = False

    @workflow.run
    async def run(self, start: WebhookStart) -> None:
        """Carry, then wait for more or for the next try, until the webhook is switched off or deleted."""
        while True:
            self.more = False
            carried = await calls.carry(start.webhook_id)
            if carried.over and not self.more:
                return
            if _is_long(start.events_before_continuing):
                workflow.continue_as_new(start)
            await self._rest(carried)

    @workflow.signal(name=SIGNAL_MORE)
    def look(self) -> None:
        """Something new waits, or the webhook has changed."""
        self.more = True

    async def _rest(self, carried: Carried) -> None:
        if carried.next_at is None:
            await workflow.wait_condition(lambda: self.more)
            return
        pause = carried.next_at - workflow.now()
        if pause <= timedelta(0):
            return
        try:
            await workflow.wait_condition(lambda: self.more, timeout=pause, timeout_summary="next try")
        except TimeoutError:
            return


def _is_long(events_before_continuing: int) -> bool:
    info = workflow.info()
    return info.is_continue_as_new_suggested() or info.get_current_history_length() > events_before_continuing
