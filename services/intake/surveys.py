"""Asking the survey service where a customer rates what was done: their own page leads there."""

import asyncio

from services.contracts.customer import CustomerTicket
from services.contracts.vocabulary import CloseReason
from services.runtime.errors import Refusal
from services.runtime.service_client import ServiceClient, segment

_LONGEST_SECONDS = 1.0


class SurveyPages:
    """Surveys as far as a customer's page leads to them. It is shown without, while nobody says."""

    def __init__(self, peer: ServiceClient) -> None:
        self._peer = peer

    async def page(self, ticket: CustomerTicket) -> str | None:
        """The address of the survey that waits for this customer's answer; None without one."""
        if ticket.close_reason is not CloseReason.CONFIRMED:
            return None
        path = f"/internal/tickets/{segment(ticket.ticket_no)}/cycles/{ticket.cycle}/survey-page"
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                told = await self._peer.get(path)
        except (Refusal, TimeoutError):
            return None
        address: str | None = told["path"]
        return address
