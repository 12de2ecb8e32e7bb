"""The engine down: what the customer wrote comes back with its key, and counts once when it is sent again (I3)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from services.contracts.names import Role
from services.workflow.assembly import assemble_worker
from services.workflow.settings import WorkflowSettings
from tests.services.intake.customer_tickets import opened
from tests.services.intake.page_client import hidden_fields
from tests.services.system import SECRET, System, running

NAMESPACE = "page-without-engine"
ROLES = (Role.INTAKE, Role.RELAY, Role.TICKETS, Role.DIRECTORY)


@pytest.fixture
async def unstarted(database_url: str, engine: WorkflowEnvironment, tmp_path: Path) -> AsyncIterator[System]:
    """A system in which nothing starts workflows."""
    address = engine.client.service_client.config.target_host
    async with running(database_url, address, tmp_path, roles=ROLES, namespace=NAMESPACE, start_seconds=0.5) as system:
        yield system


async def test_a_message_is_offered_again_whole_and_counts_once(
    unstarted: System, database_url: str, engine: WorkflowEnvironment
) -> None:
    ticket = await opened(unstarted)
    form = await ticket.client.fill(
        await ticket.client.open(ticket.address), f"{ticket.address}/message", message="还在漏水\n请快来"
    )
    answer = await ticket.client.send(f"{ticket.address}/message", form)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "再发一次" in answer.text
    assert "还在漏水\n请快来</textarea>" in answer.text
    again = {**hidden_fields(answer.text, f"{ticket.address}/message"), "message": "还在漏水\n请快来"}
    assert again == form
    worker = WorkflowSettings(
        database_url=database_url,
        database_role="bihuan_app",
        temporal_address=engine.client.service_client.config.target_host,
        temporal_namespace=NAMESPACE,
        internal_secret=SECRET,
    )
    async with assemble_worker(worker):
        for _ in range(2):
            answer = await ticket.client.send(f"{ticket.address}/message", again)
            assert answer.status_code == 303, answer.text
    types = [event["type"] for event in await ticket.events()]
    assert types == ["ticket.received", "ticket.customer_message"]
