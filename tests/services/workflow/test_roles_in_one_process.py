"""Roles of one process call each other; roles of several ask over HTTP. What people see is the same."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from services.runtime.service_client import ServiceClient
from tests.services.system import System, running

HOT = {"/internal/customers/show", "/internal/reach"}


@pytest.fixture(params=["together", "apart"])
async def lived(
    request: pytest.FixtureRequest,
    engine: WorkflowEnvironment,
    fresh_database: Callable[[], AbstractAsyncContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[System]:
    """A system; at its end, what a command needs was asked in the one way and not in the other."""
    asked, send, apart = set[str](), ServiceClient.send, request.param == "apart"

    async def noting(self: ServiceClient, method: str, path: str, **more: Any) -> tuple[int, bytes]:
        asked.add(path)
        return await send(self, method, path, **more)

    monkeypatch.setattr(ServiceClient, "send", noting)
    address = engine.client.service_client.config.target_host
    async with (
        fresh_database() as url,
        running(url, address, tmp_path_factory.mktemp("roles"), namespace=request.param, over_http=apart) as system,
    ):
        yield system
    assert asked & HOT == (HOT if apart else set())


async def test_a_ticket_lives_the_same_whether_its_services_share_a_process(lived: System) -> None:
    customer = {"name": "韩梅梅", "phone": "13800138000", "email": "han@example.com"}
    ticket_no = await lived.register(customer=customer, product={})
    supplied = {"product": {"serial_no": "SER-LATER"}, "message": "序列号如下"}
    view = await lived.do(ticket_no, "supply-information", supplied, by="李雷")
    assert (view["product"]["serial_no"], view["customer"]["phone"]) == ("SER-LATER", "+8613800138000")
    await lived.do(ticket_no, "accept", {"owner": lived.ids["林涛"]}, by="李雷")
    view = await lived.do(ticket_no, "resolve", {"result": "resolved", "summary": "已更换"}, by="林涛")
    assert view["reach"]["channel"] == "inbox"
    asked = {"outcome": "satisfied", "channel": "phone", "open_question": "如何除霜？"}
    closed = await lived.do(ticket_no, "record-callback", asked, by="李雷")
    (follow_up,) = closed["followed_by"]
    assert (await lived.get(f"/v1/tickets/{follow_up}"))["follows"] == ticket_no
    refused = await lived.give(follow_up, "accept", {"owner": "nobody"}, by="李雷")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/owner")
    readings = (await lived.get("/v1/audit", by="郑洁", ticket_no=ticket_no))["items"]
    assert {reading["reader"]["id"] for reading in readings} == {lived.ids["李雷"], lived.ids["林涛"]}
