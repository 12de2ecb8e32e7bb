"""An owner who has left counts as nobody, for lists as for whoever is told."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from services.contracts.directory import StaffRole
from tests.services.system import OWN, System, until


async def left_behind(system: System, name: str, **changes: Any) -> str:
    """A ticket whose owner has just left."""
    await system.hire(name, StaffRole.HANDLER, OWN)
    ticket_no = await system.accepted(owner=name, **changes)
    answer = await system.call("PATCH", f"/v1/staff/{system.ids[name]}", {"active": False}, by="admin")
    assert answer.status_code == 200, answer.text
    return ticket_no


async def listed(system: System, **filters: str) -> Sequence[str]:
    """The numbers that a list shows."""
    asked = {"limit": "200", "sort": "-opened_at", **filters}
    return [item["ticket_no"] for item in (await system.get("/v1/tickets", **asked))["items"]]


async def noticed(system: System, ticket_no: str, kind: str) -> set[str]:
    """Staff to whom a kind of notice of a ticket went."""
    items = (await system.get("/v1/notices", by="admin", ticket_no=ticket_no, limit="200"))["items"]
    return {item["recipient"] for item in items if item["kind"] == kind}


async def test_their_tickets_are_listed_as_unassigned_with_a_mark_and_found_by_their_name(system: System) -> None:
    ticket_no = await left_behind(system, "田野")
    owner = system.ids["田野"]

    async def is_unassigned() -> bool:
        return ticket_no in await listed(system, assigned="false")

    await until(is_unassigned, 5)
    assert ticket_no not in await listed(system, assigned="true")
    assert ticket_no in await listed(system, owner=owner)
    view = await system.get(f"/v1/tickets/{ticket_no}")
    assert (view["owner"], view["owner_left"]) == (owner, True)
    counts = (await system.get("/v1/tickets/counts"))["items"]
    (unassigned,) = [each for each in counts if each["view"] == "unassigned"]
    assert unassigned["count"] == len(await listed(system, assigned="false", status="pending")) + len(
        await listed(system, assigned="false", status="processing")
    ) + len(await listed(system, assigned="false", status="resolved"))
    back = await system.do(ticket_no, "assign", {"owner": system.ids["林涛"]}, by="周强")
    assert (back["owner_left"], ticket_no in await listed(system, assigned="true")) == (False, True)


async def test_what_customers_and_clocks_say_goes_to_the_clerks_at_once(system: System) -> None:
    ticket_no = await left_behind(system, "金鑫")
    await system.do(ticket_no, "customer-message", {"message": "进展如何？"}, by="李雷")
    await system.do(ticket_no, "chase", {}, by="周强")
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    await system.do(ticket_no, "promise", {"resolve_by": soon, "reason": "客户着急"}, by="王芳")

    async def are_told() -> bool:
        return bool(await noticed(system, ticket_no, "chase") and await noticed(system, ticket_no, "breach"))

    await until(are_told, 30)
    clerk = system.ids["李雷"]
    assert await noticed(system, ticket_no, "chase") == {clerk}
    assert clerk in await noticed(system, ticket_no, "breach")
    everybody = {kind for kind in ("customer_replied", "chase", "breach")
                 if system.ids["金鑫"] in await noticed(system, ticket_no, kind)}  # fmt: skip
    assert everybody == set()
