"""Nobody confirms for the customer: a link is given away only to be handed over, on record, and never for one's own
work (invariants I8, I13)."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.services.intake.customer_tickets import CustomerTicket, opened
from tests.services.intake.page_client import CustomerPageClient
from tests.services.system import System


async def handed(ticket: CustomerTicket, *, by: str = "李雷", **headers: str) -> Any:
    """Somebody asks for a link to hand over."""
    path = f"/v1/feedback/{ticket.ticket_no}/hand-over-link"
    return await ticket.system.call("POST", path, {}, by=by, **headers)


async def given_away(ticket: CustomerTicket) -> list[dict[str, Any]]:
    """Entries of the audit log on links to the ticket."""
    lines = (await ticket.system.get("/v1/audit", by="郑洁", ticket_no=ticket.ticket_no, limit=200))["items"]
    return [it for it in lines if it["what"] == "ticket_link"]


async def test_a_link_that_is_handed_over_opens_the_ticket_beside_the_customer_s_own(system: System) -> None:
    ticket = await opened(system)
    answer = await handed(ticket)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    address = urlsplit(answer.json()["link"]).path
    assert address != ticket.address
    for each in (address, ticket.address):
        assert (await CustomerPageClient(system.http).open(each)).status_code == 200
    (line,) = await given_away(ticket)
    assert (line["reader"], answer.json()["by"]) == ({"kind": "staff", "id": system.ids["李雷"]},) * 2
    assert f".h{line['id']}." in address


async def test_each_is_on_record_once_and_a_repeat_is_the_same_one(system: System) -> None:
    ticket = await opened(system)
    first, again = [await handed(ticket, Idempotency_Key="hand-over") for _ in range(2)]
    assert (again.json(), again.headers["Idempotent-Replay"]) == (first.json(), "true")
    other = await handed(ticket)
    assert other.json()["link"] != first.json()["link"]
    assert len(await given_away(ticket)) == 2
    async with system.database.read() as connection:
        kept = (await connection.exec_driver_sql("SELECT answer::text FROM intake.idempotency")).scalars().all()
    assert not any("/t/" in each for each in kept if each)


@pytest.mark.parametrize("by", ["林涛", "周强", "吴刚", "郑洁", "孙磊", "钱进", "何洁"])
async def test_only_clerks_and_supervisors_of_the_department_are_given_one(system: System, by: str) -> None:
    ticket = await opened(system)
    await ticket.accept()
    assert (await handed(ticket, by=by)).status_code == 403
    assert not await given_away(ticket)


async def test_nobody_is_given_the_link_to_their_own_work_or_to_a_complaint_about_them(system: System) -> None:
    own = await opened(system)
    await own.staff("accept", {"owner": system.ids["李雷"]}, by="王芳")
    about = await opened(system, kind="complaint", complaint_about="客服李雷")
    for ticket in (own, about):
        answer = await handed(ticket)
        assert (answer.status_code, answer.json()["code"]) == (403, "own_work")
        assert (await handed(ticket, by="王芳")).status_code == 200


async def test_a_confirmation_by_a_link_that_was_handed_over_says_so(system: System) -> None:
    ticket = await opened(system)
    await ticket.accept()
    await ticket.resolve()
    address = urlsplit((await handed(ticket)).json()["link"]).path
    assert (await ticket.client.do(address, "confirm")).status_code == 200
    (line,) = await given_away(ticket)
    (closed,) = [event for event in await ticket.events() if event["type"] == "ticket.closed"]
    assert closed["data"] == {"reason": "confirmed", "confirmed_by": "customer", "hand_over": int(line["id"])}


async def test_revoking_ends_a_link_that_was_handed_over_too(system: System) -> None:
    ticket = await opened(system)
    address = urlsplit((await handed(ticket)).json()["link"]).path
    revoked = await system.call("POST", f"/v1/feedback/{ticket.ticket_no}/revoke-link", {}, by="王芳")
    assert revoked.status_code == 200
    assert (await CustomerPageClient(system.http).open(address)).status_code == 404


async def test_there_is_no_link_to_what_does_not_exist(system: System) -> None:
    answer = await system.call("POST", "/v1/feedback/19990101001/hand-over-link", {}, by="李雷")
    assert answer.status_code == 404
