"""Addresses of recipients: asked at the moment of sending, never kept (product.md 11)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.contracts.address import AddressAsk, AddressQuestion, CustomerAddress
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
    """Asks intake about customers and the directory about staff, once for all that go together."""

    def __init__(self, intake: ServiceClient, directory: ServiceClient) -> None:
        self._intake = intake
        self._directory = directory

    async def of(self, audience: Audience, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, RecipientAddress]:
        """The addresses of the recipients of one audience's notices now, by the notices' ids; those whom nobody knows
        are missing.

        Raises:
            Unavailable: who would know does not answer.
        """
        if audience is Audience.CUSTOMER:
            return await self._customers(rows)
        members = await self._members(sorted({row["recipient"] for row in rows}))
        return {row["id"]: members[row["recipient"]] for row in rows if row["recipient"] in members}

    async def _customers(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, RecipientAddress]:
        asks = tuple(AddressAsk(ticket_no=row["ticket_no"] or "", customer_id=row["recipient"]) for row in rows)
        question = AddressQuestion(asks=asks).model_dump(mode="json")
        answer = await self._intake.post("/internal/customers/addresses", question)
        known = zip(rows, map(CustomerAddress.model_validate, answer["items"]), strict=True)
        return {
            row["id"]: RecipientAddress(it.name, it.email, links={"ticket": it.ticket_link})
            for row, it in known
            if it.ticket_link is not None
        }

    async def _members(self, ids: Sequence[str]) -> Mapping[str, RecipientAddress]:
        answer = await self._directory.post("/internal/staff/addresses", {"ids": ids})
        members = map(StaffAddress.model_validate, answer["items"])
        return {it.id: RecipientAddress(it.name, it.email, it.language) for it in members if it.active}
