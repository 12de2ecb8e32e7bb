"""To which department and owner a ticket goes: by its category until somebody is named, and back to nobody."""

from typing import Any

import pytest

from tests.services.system import OTHER, OWN, System

LATE = {"category": "logistics_delay"}


async def accepted(system: System, body: dict[str, Any]) -> dict[str, Any]:
    """A ticket of the service department that is accepted like this."""
    return await system.do(await system.register(category="product_fault"), "accept", body, by="李雷")


@pytest.mark.parametrize(
    ("body", "department"),
    [
        ({}, OWN),
        ({"kind": "complaint"}, OWN),
        (LATE, OTHER),
        ({**LATE, "kind": "complaint"}, OTHER),
        ({**LATE, "department": OWN}, OWN),
        ({"department": OTHER}, OTHER),
        ({"category": "product_fault"}, OWN),
    ],
)
async def test_an_acceptance_that_corrects_the_category_routes_anew_unless_a_department_is_named(
    system: System, body: dict[str, Any], department: str
) -> None:
    view = await accepted(system, body)
    assert view["department"] == department


async def test_a_department_that_a_person_named_stays(system: System) -> None:
    ticket_no = await system.register(category="product_fault")
    await system.do(ticket_no, "assign", {"department": OWN}, by="周强")
    assert (await system.do(ticket_no, "accept", LATE, by="李雷"))["department"] == OWN


async def test_a_ticket_that_has_an_owner_stays_with_them(system: System) -> None:
    ticket_no = await system.register(category="product_fault")
    await system.do(ticket_no, "assign", {"owner": system.ids["林涛"]}, by="周强")
    view = await system.do(ticket_no, "accept", LATE, by="李雷")
    assert (view["department"], view["owner"]) == (OWN, system.ids["林涛"])


async def test_a_correction_before_the_acceptance_routes_and_one_after_it_does_not(system: System) -> None:
    ticket_no = await system.register(category="product_fault")
    assert (await system.do(ticket_no, "reclassify", LATE, by="李雷"))["department"] == OTHER
    assert (await accepted(system, {}))["department"] == OWN
    held = await system.accepted(category="product_fault")
    assert (await system.do(held, "reclassify", LATE, by="李雷"))["department"] == OWN
    (stretch, *_) = (await system.get(f"/v1/tickets/{ticket_no}/clocks", by="admin"))["departments"][-1:]
    assert stretch["department"] == OTHER


async def test_null_takes_the_owner_off_and_nothing_else(system: System) -> None:
    ticket_no = await system.accepted()
    await system.do(ticket_no, "assign", {"co_owners": [system.ids["周强"]]}, by="周强")
    view = await system.do(ticket_no, "assign", {"owner": None}, by="周强")
    assert (view["owner"], view["co_owners"], view["department"]) == (None, [system.ids["周强"]], OWN)
    items = (await system.get(f"/v1/tickets/{ticket_no}/timeline"))["items"]
    assert items[-1]["type"] == "ticket.assigned"
    assert "owner" not in items[-1]["data"]
    assert ticket_no in {it["ticket_no"] for it in (await system.get("/v1/tickets", assigned="false"))["items"]}
    again = await system.do(ticket_no, "assign", {"owner": system.ids["林涛"]}, by="周强")
    assert again["owner"] == system.ids["林涛"]


@pytest.mark.parametrize("body", [{}, {"department": None}, {"co_owners": None}, {"reason": "请处理"}])
async def test_an_assignment_of_nothing_is_refused(system: System, body: dict[str, Any]) -> None:
    assert (await system.give(await system.accepted(), "assign", body, by="周强")).status_code == 422
