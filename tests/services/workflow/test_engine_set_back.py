"""A workflow that somebody has set back to an earlier moment gives way to the journal, at the first command (I4)."""

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import ResetReapplyType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from services.contracts.names import ticket_workflow_id
from tests.services.system import System


async def set_back(client: Client, ticket_no: str) -> None:
    """Let the ticket's workflow believe that nothing has happened since it began."""
    handle = client.get_workflow_handle(ticket_workflow_id(ticket_no))
    events = (await handle.fetch_history()).events
    first = next(event.event_id for event in events if event.HasField("workflow_task_completed_event_attributes"))
    request = ResetWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=handle.id),
        reason="to see what happens",
        workflow_task_finish_event_id=first,
        request_id=f"reset-{ticket_no}",
        reset_reapply_type=ResetReapplyType.RESET_REAPPLY_TYPE_NONE,
    )
    await client.workflow_service.reset_workflow_execution(request)


async def test_a_command_that_is_legal_by_the_journal_is_taken(system: System, engine: WorkflowEnvironment) -> None:
    ticket_no = await system.resolved()
    before = await system.get(f"/v1/tickets/{ticket_no}/timeline")
    await set_back(engine.client, ticket_no)
    answer = await system.give(ticket_no, "record-callback", {"outcome": "satisfied", "channel": "phone"}, by="李雷")
    assert (answer.status_code, answer.json()["phase"]) == (200, "closed"), answer.text
    after = await system.get(f"/v1/tickets/{ticket_no}/timeline")
    assert after["items"][: len(before["items"])] == before["items"]
    assert [item["type"] for item in after["items"][len(before["items"]) :]] == [
        "ticket.callback_recorded",
        "ticket.closed",
    ]


async def test_a_command_that_is_illegal_by_the_journal_is_refused_as_ever(
    system: System, engine: WorkflowEnvironment
) -> None:
    ticket_no = await system.resolved()
    await set_back(engine.client, ticket_no)
    answer = await system.give(ticket_no, "accept", by="李雷")
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
