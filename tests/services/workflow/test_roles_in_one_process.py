"""Roles of one process call each other; roles of several ask over HTTP. What people see is the same."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from services.runtime.service_client import ServiceClient
from tests.services.system import System, running

SHOW, REACH = "/internal/customers/show", "/internal/reach"


@dataclass(frozen=True)
class Lived:
    """A system, whose services are `apart` or not, and the paths that they asked each other for over HTTP."""

    system: System
    asked: list[str]
    apart: bool


@pytest.fixture(params=["together", "apart"])
async def lived(
    request: pytest.FixtureRequest,
    engine: WorkflowEnvironment,
    fresh_database: Callable[[], AbstractAsyncContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Lived]:
    """One system with all roles."""
    asked, send, apart = list[str](), ServiceClient.send, request.param == "apart"

    async def noting(self: ServiceClient, method: str, path: str, **more: Any) -> tuple[int, bytes]:
        asked.append(path)
        return await send(self, method, path, **more)

    monkeypatch.setattr(ServiceClient, "send", noting)
    address = engine.client.service_client.config.target_host
    async with (
        fresh_database() as url,
        running(url, address, tmp_path_factory.mktemp("roles"), namespace=request.param, over_http=apart) as system,
    ):
        yield Lived(system, asked, apart)


async def test_a_ticket_lives_the_same_whether_its_services_share_a_process(lived: Lived) -> None:
    system = lived.system
    customer = {"name": "韩梅梅", "phone": "13800138000", "email": "han@example.com"}
    ticket_no = await system.register(customer=customer, product={})
    supplied = {"product": {"serial_no": "SER-LATER"}, "message": "序列号如下"}
    view = await system.do(ticket_no, "supply-information", supplied, by="李雷")
    assert (view["product"]["serial_no"], view["customer"]["phone"]) == ("SER-LATER", "+8613800138000")
    await system.do(ticket_no, "accept", {"owner": system.ids["林涛"]}, by="李雷")
    await _looks(lived, ticket_no, "respond", {"message": "您好"}, "林涛")
    await _looks(lived, ticket_no, "chase", {}, "李雷")
    view = await system.do(ticket_no, "resolve", {"result": "resolved", "summary": "已更换"}, by="林涛")
    assert view["reach"]["channel"] == "inbox"
    asked = {"outcome": "satisfied", "channel": "phone", "open_question": "如何除霜？"}
    closed = await system.do(ticket_no, "record-callback", asked, by="李雷")
    (follow_up,) = closed["followed_by"]
    assert (await system.get(f"/v1/tickets/{follow_up}"))["follows"] == ticket_no
    refused = await system.give(follow_up, "accept", {"owner": "nobody"}, by="李雷")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/owner")
    readings = (await system.get("/v1/audit", by="郑洁", ticket_no=ticket_no))["items"]
    assert {reading["reader"]["id"] for reading in readings} == {system.ids["李雷"], system.ids["林涛"]}


async def _looks(lived: Lived, ticket_no: str, command: str, body: dict[str, Any], by: str) -> None:
    """Give a command, and check how often a customer is looked up: to answer, and before something is said to them."""
    lived.asked.clear()
    await lived.system.do(ticket_no, command, body, by=by)
    asked = [lived.asked.count(path) for path in (SHOW, REACH)]
    assert asked == ([2 if command == "respond" else 1] * 2 if lived.apart else [0, 0]), command
