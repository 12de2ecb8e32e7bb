"""The way of our messages to a ticket's customer: told on its page, and asked before something is said to them."""

import asyncio

from services.contracts.address import AddressAsk, Reach, ReachQuestion, Unreached
from services.runtime.errors import Refusal
from services.runtime.service_client import ServiceClient
from services.runtime.telemetry import log
from services.workflow.views.ticket_row import TicketRow

_LONGEST_SECONDS = 2.0


class CustomerReach:
    """Asks notify, which knows the channels. A ticket is shown and worked on also while it does not answer."""

    def __init__(self, notify: ServiceClient) -> None:
        self._notify = notify

    async def of(self, ticket: TicketRow) -> Reach:
        """The way in which the customer is reached now; `not_known` when notify does not say."""
        ask = AddressAsk(ticket_no=ticket.row["ticket_no"], customer_id=ticket.row["customer_id"])
        question = ReachQuestion(asks=(ask,)).model_dump(mode="json")
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                answer = await self._notify.post("/internal/reach", question)
        except (Refusal, TimeoutError) as refusal:
            log().warning("notify does not say how a customer is reached", error=type(refusal).__name__)
            return Reach(reason=Unreached.NOT_KNOWN)
        return Reach.model_validate(answer["items"][0])
