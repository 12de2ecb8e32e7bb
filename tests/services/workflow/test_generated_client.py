"""A client that others generate drives a ticket from the feedback to its end, and understands every answer."""

from collections.abc import Iterator
from typing import Any

import pytest
from httpx import Timeout

from tests.generated import Generated, generated
from tests.services.system import System, feedback

LIFE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("request_information", "RequestInformationBody", {"fields": ["product.serial_no"], "message": "请提供序列号"}),
    ("supply_information", "SupplyInformationBody", {"product": {"serial_no": "SER-77"}, "message": "在这里"}),
    ("accept", "Accept", {"complex": True}),
    ("assign", "AssignBody", {"reason": "熟悉机型"}),
    ("respond", "RespondBody", {"message": "已安排"}),
    ("plan", "PlanBody", {"steps": ["更换压缩机"], "complex": True}),
    ("approve_plan", "ApprovePlanBody", {}),
    ("progress", "ProgressBody", {"message": "配件已订", "visible": True}),
    ("wait", "WaitBody", {"reason": "parts"}),
    ("resume", "ResumeBody", {}),
    ("resolve", "ResolveBody", {"result": "resolved", "summary": "已更换"}),
    ("record_callback", "RecordCallbackBody", {"outcome": "satisfied", "channel": "phone", "score": 5}),
)
"""Commands as the client's modules and models name them."""


class Program:
    """Whoever generated the client."""

    def __init__(self, generated: Generated, system: System, token: str) -> None:
        self._generated = generated
        # An answer that the document does not know raises.
        self._client = generated.package.AuthenticatedClient(
            base_url=system.url,
            token=token,
            raise_on_unexpected_status=True,
            httpx_args={"trust_env": False},
            timeout=Timeout(30),
        )

    async def ask(self, operation: str, model: str, **given: Any) -> Any:
        """The parsed answer, which must be a `model`."""
        answer = await self._generated.operation(operation).asyncio_detailed(client=self._client, **given)
        assert type(answer.parsed) is self._generated.model(model), answer.content
        return answer.parsed

    def body(self, model: str, values: dict[str, Any]) -> Any:
        return self._generated.model(model).from_dict(values)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, system: System) -> Iterator[Program]:
    with generated(tmp_path_factory.mktemp("generated")) as client:
        yield Program(client, system, system.tokens["admin"])


async def test_a_generated_client_drives_a_ticket_from_the_feedback_to_its_end(
    program: Program, system: System
) -> None:
    registered = await program.ask(
        "register_feedback", "Registered", body=program.body("Feedback", feedback()), idempotency_key="generated"
    )
    of = {"ticket_no": registered.ticket_no}
    for command, model, values in LIFE:
        body = program.body(model, {**values, "owner": system.ids["林涛"]} if command == "assign" else values)
        ticket = await program.ask(f"command_{command}", "TicketView", body=body, **of)
    assert (ticket.status.value, ticket.close_reason.value, ticket.closed_at.tzinfo is None) == (
        "closed",
        "confirmed",
        False,
    )

    assert (await program.ask("read_ticket", "TicketView", **of)).to_dict() == ticket.to_dict()
    timeline = await program.ask("read_timeline", "TimelinePage", limit=200, **of)
    assert {"ticket.received", "ticket.plan_approved", "ticket.closed"} <= {item.type_.value for item in timeline.items}
    clocks = await program.ask("read_clocks", "LedgerPage", limit=200, **of)
    assert {clock.name.value for clock in clocks.items} >= {"acceptance", "response", "resolution", "callback"}
    search = program.body("TicketSearch", {"q": registered.ticket_no})
    assert [it.ticket_no for it in (await program.ask("search_tickets", "TicketPage", body=search)).items] == [
        registered.ticket_no
    ]
    assert (await program.ask("read_feedback", "FeedbackView", **of)).ticket_no == registered.ticket_no
    assert (await program.ask("read_events", "FeedPage", limit=5)).position


async def test_a_generated_client_reads_what_was_refused_and_why(program: Program, system: System) -> None:
    ticket_no = await system.register()
    wrong = program.body("ResolveBody", {"result": "resolved", "summary": "已更换"})
    refused = await program.ask("command_resolve", "Problem", ticket_no=ticket_no, body=wrong)
    assert (refused.status, refused.code) == (409, "illegal_transition")
    assert "accept" in refused.allowed
    missing = await program.ask("read_ticket", "Problem", ticket_no="19990101001")
    assert (missing.status, missing.code) == (404, "not_found")
    empty = program.body("Feedback", {**feedback(), "description": ""})
    unread = await program.ask("register_feedback", "Problem", body=empty)
    assert [(error.pointer, error.code) for error in unread.errors] == [("/description", "string_too_short")]
