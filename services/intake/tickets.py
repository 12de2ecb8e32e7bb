"""Asking the workflow service about tickets: whose they are decides who may read what."""

import asyncio
from collections.abc import Sequence

from services.contracts.customer import CustomerCommand, CustomerTicket
from services.contracts.vocabulary import CommandName
from services.intake.schemas import TicketAccess
from services.runtime.errors import NotFound
from services.runtime.service_client import ServiceClient, segment

_AT_ONCE = 5
_MOST_ASKED = 200


class Tickets:
    """Tickets as far as permissions need them. `Unavailable` when the workflow service cannot be asked."""

    def __init__(self, peer: ServiceClient) -> None:
        self._peer = peer
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def access(self, ticket_no: str) -> TicketAccess:
        """The department and people of a ticket. One that was not handed over yet is in nobody's department."""
        async with self._turn:
            try:
                answer = await self._peer.get(f"/internal/tickets/{segment(ticket_no)}/access")
            except NotFound:
                return TicketAccess(ticket_no=ticket_no)
        return TicketAccess.model_validate(answer)

    async def customer_ticket(self, ticket_no: str) -> CustomerTicket:
        """The ticket as its customer sees it."""
        answer = await self._peer.get(f"/internal/tickets/{segment(ticket_no)}/customer-page")
        return CustomerTicket.model_validate(answer)

    async def give(self, ticket_no: str, command: CommandName, asked: CustomerCommand) -> None:
        """Give a command for the ticket's customer; returns when its effect is durable.

        Raises:
            Conflict: `illegal_transition`, or `idempotency_key_reused` when the key came with other words.
            ValidationFailed: nothing was changed.
            Unavailable: the effect is unknown; repeat with the same key.
        """
        path = f"/internal/tickets/{segment(ticket_no)}/customer-commands/{command}"
        await self._peer.post(path, asked.model_dump(mode="json"))

    async def accesses(self, ticket_nos: Sequence[str]) -> list[TicketAccess]:
        """The same for several, in their order."""
        known: dict[str, TicketAccess] = {}
        for first in range(0, len(ticket_nos), _MOST_ASKED):
            asked = {"ticket_nos": ticket_nos[first : first + _MOST_ASKED]}
            async with self._turn:
                answer = await self._peer.post("/internal/tickets/accesses", asked)
            known |= {each["ticket_no"]: TicketAccess.model_validate(each) for each in answer["items"]}
        return [known.get(ticket_no) or TicketAccess(ticket_no=ticket_no) for ticket_no in ticket_nos]
