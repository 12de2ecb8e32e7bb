"""Addresses of recipients: asked at the moment of sending, never kept (product.md 11)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import RowMapping

from services.contracts.address import CustomerAddress
from services.contracts.directory import StaffAddress
from services.contracts.notice import Audience
from services.runtime.service_client import ServiceClient


@dataclass(frozen=True)
class RecipientAddress:
    """One recipient."""

    name: str | None = None
    email: str | None = None
    language: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)


class AddressBook:
    """Asks intake about customers and the directory about staff."""

    def __init__(self, intake: ServiceClient, directory: ServiceClient) -> None:
        self._intake = intake
        self._directory = directory

    async def of(self, row: RowMapping) -> RecipientAddress | None:
        """The addresses of a notice's recipient now; None when nobody knows them.

        Raises:
            Unavailable: who would know does not answer.
        """
        if row["audience"] == Audience.CUSTOMER:
            return await self._customer(row["ticket_no"], row["recipient"])
        return await self._member(row["recipient"])

    async def _customer(self, ticket_no: str | None, customer_id: str) -> RecipientAddress | None:
        ask = {"ticket_no": ticket_no or "", "customer_id": customer_id}
        answer = await self._intake.post("/internal/customers/addresses", {"asks": [ask]})
        known = CustomerAddress.model_validate(answer["items"][0])
        if known.ticket_link is None:
            return None
        return RecipientAddress(known.name, known.email, links={"ticket": known.ticket_link})

    async def _member(self, staff: str) -> RecipientAddress | None:
        answer = await self._directory.post("/internal/staff/addresses", {"ids": [staff]})
        known = next((StaffAddress.model_validate(item) for item in answer["items"]), None)
        if known is None or not known.active:
            return None
        return RecipientAddress(known.name, known.email, known.language)
