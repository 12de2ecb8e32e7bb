"""The way of our messages to a ticket's customer: told on its page, and asked before something is said to them."""

import asyncio
from typing import Any

from services.contracts.address import AddressInPart, Reach, ReachQuestion, Unreached
from services.contracts.feedback import CustomerAsk, CustomerQuestion
from services.runtime.errors import Refusal
from services.runtime.service_client import ServiceClient
from services.runtime.telemetry import log, request_id
from services.workflow.views.ticket_row import TicketRow

_LONGEST_SECONDS = 2.0


class CustomerReach:
    """Asks notify, which knows the channels. A ticket is shown and worked on also while it does not answer."""

    def __init__(self, notify: ServiceClient, intake: ServiceClient) -> None:
        self._notify = notify
        self._intake = intake

    async def of(self, address: AddressInPart) -> Reach:
        """The way in which a customer with this address is reached now; `not_known` when nobody says."""
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                return await self._by(address)
        except (Refusal, TimeoutError) as refusal:
            return _not_known(refusal)

    async def to(self, ticket: TicketRow) -> Reach:
        """The same for the customer of a ticket, whose address intake is asked for."""
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                return await self._by(await self._address(ticket))
        except (Refusal, TimeoutError) as refusal:
            return _not_known(refusal)

    async def _by(self, address: AddressInPart) -> Reach:
        question = ReachQuestion(addresses=(address,))
        answer = await self._notify.post("/internal/reach", question.model_dump(mode="json"))
        return Reach.model_validate(answer["items"][0])

    async def _address(self, ticket: TicketRow) -> AddressInPart:
        ask = CustomerAsk(ticket_no=ticket.row["ticket_no"], customer_id=ticket.row["customer_id"])
        (shown,) = await ask_intake(self._intake, (ask,), "system", "workflow")
        return AddressInPart.model_validate(shown["address"])


async def ask_intake(
    intake: ServiceClient, asks: tuple[CustomerAsk, ...], reader_kind: str, reader_id: str
) -> list[dict[str, Any]]:
    """Customers as intake shows them to a reader, in the order asked; `contracts.feedback.ShownCustomer` as JSON."""
    question = CustomerQuestion(reader_kind=reader_kind, reader_id=reader_id, request_id=request_id.get(), asks=asks)
    answer = await intake.post("/internal/customers/show", question.model_dump(mode="json"))
    return list(answer["items"])


def _not_known(refusal: Exception) -> Reach:
    log().warning("nobody says how a customer is reached", error=type(refusal).__name__)
    return Reach(reason=Unreached.NOT_KNOWN)
