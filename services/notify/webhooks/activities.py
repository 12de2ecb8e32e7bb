"""Activities of the webhook workflow: one pass."""

from temporalio import activity

from services.contracts.names import ACTIVITY_CARRY
from services.contracts.webhook import Carried, CarryRequest
from services.notify.webhooks.dispatcher import Dispatcher


class WebhookActivities:
    """Passes of this process."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    @activity.defn(name=ACTIVITY_CARRY)
    async def carry(self, request: CarryRequest) -> Carried:
        """Deliver what is due and answer when to come again. A repeat goes on where the rows stand: what was delivered
        and not entered goes once more under its id."""
        return await self._dispatcher.carry(request.webhook_id, request.now, activity.is_worker_shutdown)
