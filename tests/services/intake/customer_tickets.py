"""Tickets whose customer opens their page: registered through the API, looked at through the link that it answers."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.services.intake.page_client import CustomerPageClient, text_of
from tests.services.system import System, feedback


@dataclass
class CustomerTicket:
    """One ticket of 韩梅梅, her page, and the staff that handle it."""

    system: System
    client: CustomerPageClient
    ticket_no: str
    address: str

    async def page(self, query: str = "") -> str:
        """The page as it stands in HTML."""
        answer = await self.client.open(self.address + query)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def reads(self, query: str = "") -> str:
        """The text that she reads."""
        return text_of(await self.page(query))

    async def staff(self, command: str, body: dict[str, Any] | None = None, *, by: str) -> dict[str, Any]:
        """Somebody of the staff gives a command."""
        return await self.system.do(self.ticket_no, command, body, by=by)

    async def accept(self) -> None:
        """李雷 accepts it for 林涛."""
        await self.staff("accept", {"owner": self.system.ids["林涛"]}, by="李雷")

    async def resolve(self) -> None:
        """林涛 resolves it."""
        await self.staff("resolve", {"result": "resolved", "summary": "压缩机已更换"}, by="林涛")

    async def ask(self, *fields: str) -> None:
        """李雷 asks for something."""
        await self.staff("request-information", {"fields": fields, "message": "请告诉我们铭牌上的号码"}, by="李雷")

    async def view(self) -> dict[str, Any]:
        """The ticket as staff see it."""
        view: dict[str, Any] = await self.system.get(f"/v1/tickets/{self.ticket_no}")
        return view

    async def events(self) -> list[dict[str, Any]]:
        """The journal."""
        found = await self.system.get(f"/v1/tickets/{self.ticket_no}/timeline", limit=200)
        events: list[dict[str, Any]] = found["items"]
        return events


async def opened(system: System, *, client: CustomerPageClient | None = None, **changes: Any) -> CustomerTicket:
    """A registered ticket."""
    answer = await system.call("POST", "/v1/feedback", feedback(**changes), by="李雷")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    address = urlsplit(made["links"]["ticket"]).path
    return CustomerTicket(system, client or CustomerPageClient(system.http), made["ticket_no"], address)
