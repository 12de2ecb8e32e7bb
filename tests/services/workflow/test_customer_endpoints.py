"""Questions of intake's pages to the workflow service: the ticket without notes, and the customer's commands."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.contracts.customer import CUSTOMER_COMMANDS
from services.contracts.vocabulary import CommandName
from tests.services.system import SECRET, System

NOBODY = {"authorization": ""}


@pytest.fixture(scope="module")
async def peer(system: System) -> AsyncIterator[httpx.AsyncClient]:
    """Another service."""
    headers = {"Authorization": f"Bearer {SECRET}"}
    async with httpx.AsyncClient(base_url=system.internal, headers=headers, trust_env=False, timeout=30) as client:
        yield client


async def page(peer: httpx.AsyncClient, ticket_no: str) -> dict[str, Any]:
    """The parts of the customer's page."""
    answer = await peer.get(f"/internal/tickets/{ticket_no}/customer-page")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def give(
    peer: httpx.AsyncClient, ticket_no: str, command: str, key: str = "first", **body: Any
) -> httpx.Response:
    """The customer gives a command."""
    asked = {"key": key, "body": body}
    return await peer.post(f"/internal/tickets/{ticket_no}/customer-commands/{command}", json=asked)


async def journal(system: System, ticket_no: str) -> list[dict[str, Any]]:
    """The ticket's events."""
    items: list[dict[str, Any]] = (await system.get(f"/v1/tickets/{ticket_no}/timeline", limit=200))["items"]
    return items


async def test_only_services_ask(system: System, peer: httpx.AsyncClient) -> None:
    ticket_no = await system.register()
    for name in (*system.tokens, None):
        headers = {"Authorization": f"Bearer {system.tokens[name]}"} if name else NOBODY
        shown = await peer.get(f"/internal/tickets/{ticket_no}/customer-page", headers=headers)
        given = await peer.post(
            f"/internal/tickets/{ticket_no}/customer-commands/withdraw", json={"key": "x"}, headers=headers
        )
        assert {shown.status_code, given.status_code} <= {401, 403}, name
    assert (await system.http.get(f"/internal/tickets/{ticket_no}/customer-page")).status_code == 404
    assert (await system.get(f"/v1/tickets/{ticket_no}"))["phase"] == "pending.review"


async def test_what_does_not_exist_is_not_found(system: System, peer: httpx.AsyncClient) -> None:
    assert (await peer.get("/internal/tickets/19990101001/customer-page")).status_code == 404
    assert (await give(peer, "19990101001", "withdraw")).status_code == 404
    ticket_no = await system.register()
    assert (await give(peer, ticket_no, "nonsense")).status_code == 422


@pytest.mark.parametrize("command", [name for name in CommandName if name not in CUSTOMER_COMMANDS])
async def test_the_staff_s_commands_are_not_the_customer_s(
    system: System, peer: httpx.AsyncClient, command: CommandName
) -> None:
    ticket_no = await system.register()
    answer = await give(peer, ticket_no, command, message="x", reason="x", fields=["x"])
    assert answer.status_code == 404
    assert len(await journal(system, ticket_no)) == 1


@pytest.mark.parametrize(
    ("command", "body", "pointer"),
    [
        ("customer-message", {}, "/message"),
        ("customer-message", {"message": " "}, "/message"),
        ("customer-message", {"message": 1}, "/message"),
        ("customer-message", {"message": "x", "visible": True}, "/visible"),
        ("reopen", {}, "/reason"),
        ("confirm", {"outcome": "satisfied"}, "/outcome"),
        ("supply-information", {}, ""),
        ("supply-information", {"customer": {"phone": "no phone"}}, "/customer/phone"),
        ("supply-information", {"product": {"purchased_on": "soon"}}, "/product/purchased_on"),
    ],
)
async def test_a_wrong_body_is_refused_where_it_is_wrong(
    system: System, peer: httpx.AsyncClient, command: str, body: dict[str, Any], pointer: str
) -> None:
    ticket_no = await system.register()
    answer = await give(peer, ticket_no, command, **body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert len(await journal(system, ticket_no)) == 1


async def test_the_customer_is_the_actor_of_what_they_do(system: System, peer: httpx.AsyncClient) -> None:
    ticket_no = await system.register()
    assert (await give(peer, ticket_no, "customer-message", message="在吗")).status_code == 200
    customer = (await system.get(f"/v1/tickets/{ticket_no}"))["customer"]["id"]
    assert (await journal(system, ticket_no))[-1]["actor"] == {"kind": "customer", "id": customer}


async def test_a_repeat_under_the_same_key_changes_nothing_and_other_words_are_a_conflict(
    system: System, peer: httpx.AsyncClient
) -> None:
    ticket_no = await system.register()
    first, *others = await asyncio.gather(
        *(give(peer, ticket_no, "customer-message", message="在吗") for _ in range(10))
    )
    assert {first.status_code, *(answer.status_code for answer in others)} == {200}
    assert [answer.json()["repeated"] for answer in (first, *others)].count(False) <= 1
    other = await give(peer, ticket_no, "customer-message", message="在不在")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert [event["type"] for event in await journal(system, ticket_no)] == [
        "ticket.received",
        "ticket.customer_message",
    ]
    assert (await give(peer, ticket_no, "customer-message", "second", message="在不在")).status_code == 200


async def test_of_many_clicks_one_confirms(system: System, peer: httpx.AsyncClient) -> None:
    ticket_no = await system.resolved()
    answers = await asyncio.gather(*(give(peer, ticket_no, "confirm", f"click-{n}") for n in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200, *([409] * 19)]
    events = await journal(system, ticket_no)
    assert [event["data"].get("confirmed_by") for event in events if event["type"] == "ticket.closed"] == ["customer"]


async def test_a_command_that_was_overtaken_on_its_way_is_refused_by_the_ticket_itself(
    system: System, peer: httpx.AsyncClient
) -> None:
    ticket_no = await system.resolved()
    basis = (await page(peer, ticket_no))["basis"]
    path = f"/internal/tickets/{ticket_no}/customer-commands/"
    reopening = [
        peer.post(f"{path}reopen", json={"key": f"{n}", "body": {"reason": "x"}, "basis": basis}) for n in "abc"
    ]
    confirming = [peer.post(f"{path}confirm", json={"key": f"{n}", "basis": basis}) for n in "def"]
    answers = await asyncio.gather(*reopening, *confirming)
    assert sorted(answer.status_code for answer in answers) == [200, *([409] * 5)]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {
        "outdated",
        "illegal_transition",
    }
    types = [event["type"] for event in await journal(system, ticket_no)]
    assert types.count("ticket.reopened") + types.count("ticket.closed") == 1


@pytest.mark.parametrize(
    ("prepare", "allowed"),
    [
        ("register", {"customer-message", "withdraw"}),
        ("accepted", {"customer-message", "withdraw"}),
        ("resolved", {"customer-message", "withdraw", "confirm", "reopen"}),
        ("closed", {"reopen"}),
    ],
)
async def test_what_is_offered_is_taken_and_what_is_not_is_refused(
    system: System, peer: httpx.AsyncClient, prepare: str, allowed: set[str]
) -> None:
    bodies: dict[str, dict[str, Any]] = {"customer-message": {"message": "x"}, "reopen": {"reason": "x"}}
    for command in ("customer-message", "withdraw", "confirm", "reopen"):
        ticket_no = await getattr(system, prepare)()
        assert set((await page(peer, ticket_no))["allowed"]) == allowed
        answer = await give(peer, ticket_no, command, **bodies.get(command, {}))
        assert answer.status_code == (200 if command in allowed else 409), f"{command}: {answer.text}"


async def test_the_promises_are_the_live_clocks_with_their_pauses(system: System, peer: httpx.AsyncClient) -> None:
    ticket_no = await system.accepted()
    clocks = {clock["name"]: clock for clock in (await system.get(f"/v1/tickets/{ticket_no}"))["clocks"]}
    shown = {promise["clock"]: promise for promise in (await page(peer, ticket_no))["promises"]}
    assert shown.keys() == {"response", "resolution"}  # progress is for the staff, acceptance is met
    assert all(shown[name]["due_at"] == clocks[name]["due_at"] for name in shown)
    await system.do(ticket_no, "wait", {"reason": "parts"}, by="林涛")
    shown = {promise["clock"]: promise for promise in (await page(peer, ticket_no))["promises"]}
    assert shown["resolution"]["state"] == "paused"
    assert (shown["resolution"]["due_at"], shown["resolution"]["paused_reasons"]) == (None, ["parts"])
    assert shown["response"]["state"] == "running"


async def test_the_last_question_stands_until_it_is_answered(system: System, peer: httpx.AsyncClient) -> None:
    ticket_no = await system.register()
    assert (await page(peer, ticket_no))["asked"] is None
    for fields, message in ((["product.serial_no"], "哪台？"), (["occurred_at", "situation"], "哪天？")):
        await system.do(ticket_no, "request-information", {"fields": fields, "message": message}, by="李雷")
    asked = (await page(peer, ticket_no))["asked"]
    assert (asked["fields"], asked["message"]) == (["occurred_at", "situation"], "哪天？")
    await give(peer, ticket_no, "customer-message", message="昨天")
    assert (await page(peer, ticket_no))["asked"] is None
    await system.do(ticket_no, "accept", by="李雷")
    await system.do(ticket_no, "wait", {"reason": "customer"}, by="林涛")
    assert (await page(peer, ticket_no))["asked"] is None  # the earlier question was answered


async def test_no_note_and_nobody_of_the_staff_is_on_the_page(system: System, peer: httpx.AsyncClient) -> None:
    ticket_no = await system.accepted()
    await system.do(ticket_no, "progress", {"message": "NOTE", "visible": False}, by="林涛")
    await system.do(ticket_no, "wait", {"reason": "parts", "note": "NOTE"}, by="林涛")
    partly = {"result": "partly_resolved", "summary": "换了压缩机", "reason": "NOTE", "resources": "NOTE"}
    await system.do(ticket_no, "resolve", partly, by="林涛")
    shown = await page(peer, ticket_no)
    assert "NOTE" not in str(shown)
    assert system.ids["林涛"] not in str(shown)
    assert [step["type"] for step in shown["steps"]] == [
        "ticket.received", "ticket.accepted", "ticket.waiting", "ticket.resolved"
    ]  # fmt: skip
    assert shown["steps"][-1]["text"] == "换了压缩机"


async def test_a_contact_is_not_on_the_page(system: System, peer: httpx.AsyncClient) -> None:
    customer = {"name": "金丝雀", "phone": "13922223333", "email": "canary@example.com"}
    shown = str(await page(peer, await system.register(customer=customer)))
    assert not any(each in shown for each in ("13922223333", "金丝雀", "canary@"))
