"""The engine down, or a workflow not started yet: reads go on, commands say that they do not know (I3, api.md)."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from services.contracts.names import Role
from services.workflow.assembly import assemble_worker
from services.workflow.settings import WorkflowSettings
from tests.ports import free_port
from tests.services.system import SECRET, System, running

WITHOUT_WORKER = (Role.INTAKE, Role.RELAY, Role.TICKETS, Role.DIRECTORY)
NAMESPACE = "without-engine"


@pytest.fixture
async def unstarted(database_url: str, engine: WorkflowEnvironment, tmp_path: Path) -> AsyncIterator[System]:
    """A system in which nothing starts workflows."""
    address = engine.client.service_client.config.target_host
    more: dict[str, Any] = {"namespace": NAMESPACE, "start_seconds": 1.0}
    async with running(database_url, address, tmp_path, roles=WITHOUT_WORKER, **more) as system:
        yield system


async def test_a_command_before_the_workflow_waits_then_is_unknown_and_is_done_once_by_its_repeat(
    unstarted: System, database_url: str, engine: WorkflowEnvironment
) -> None:
    ticket_no = await unstarted.register()
    first = await unstarted.give(ticket_no, "accept", by="李雷", Idempotency_Key="a")
    assert (first.status_code, first.json()["code"]) == (503, "engine_unavailable")
    assert first.headers["Retry-After"] == "2"
    assert (await unstarted.get(f"/v1/tickets/{ticket_no}"))["phase"] == "pending.review"
    worker = WorkflowSettings(
        database_url=database_url,
        database_role="bihuan_app",
        temporal_address=engine.client.service_client.config.target_host,
        temporal_namespace=NAMESPACE,
        internal_secret=SECRET,
    )
    async with assemble_worker(worker):
        done = await unstarted.insist(f"/v1/tickets/{ticket_no}/accept", {}, by="李雷", Idempotency_Key="a")
        assert (done.status_code, done.json()["phase"]) == (200, "processing.assigned")
        again = await unstarted.give(ticket_no, "accept", by="李雷", Idempotency_Key="a")
        assert again.json() == done.json()
    items = (await unstarted.get(f"/v1/tickets/{ticket_no}/timeline"))["items"]
    assert [item["type"] for item in items] == ["ticket.received", "ticket.accepted"]


async def test_with_the_engine_down_feedback_is_taken_and_every_read_answers(
    fresh_database: Callable[[], AbstractAsyncContextManager[str]], tmp_path: Path
) -> None:
    async with (
        fresh_database() as url,
        running(url, f"127.0.0.1:{free_port()}", tmp_path, roles=WITHOUT_WORKER) as system,
    ):
        ticket_no = await system.register()
        for path in ("", "/timeline", "/clocks"):
            await system.get(f"/v1/tickets/{ticket_no}{path}")
        assert [item["ticket_no"] for item in (await system.get("/v1/tickets"))["items"]] == [ticket_no]
        answer = await system.give(ticket_no, "accept", by="李雷")
        assert (answer.status_code, answer.json()["code"]) == (503, "engine_unavailable")
        refused = await system.give(ticket_no, "resolve", {"result": "resolved", "summary": "x"}, by="林涛")
        assert refused.status_code == 409
