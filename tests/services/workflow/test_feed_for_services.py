"""The feed that services follow: at once, in order, without gaps, with the texts and what is known of the ticket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.testing import WorkflowEnvironment

from services.contracts.feed import EventPage, TicketEvent
from services.contracts.journal import EventType
from services.contracts.names import Role
from services.runtime.errors import NotFound, ValidationFailed
from services.runtime.service_client import ServiceClient
from tests.services.system import SECRET, System, running, until

LONG = 20
"""Seconds that a question waits: longer than a peer does, so that only an answer of before its end is heard."""


ALONE = (Role.INTAKE, Role.RELAY, Role.TICKETS, Role.TICKETS_WORKER, Role.DIRECTORY)


@pytest.fixture(scope="module")
async def system(
    engine: WorkflowEnvironment,
    fresh_database: Callable[[], AbstractAsyncContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[System]:
    """A Bihuan in which nobody follows the feed but the test."""
    address, folder = engine.client.service_client.config.target_host, tmp_path_factory.mktemp("feed")
    async with fresh_database() as url, running(url, address, folder, namespace="feed", roles=ALONE) as it:
        yield it


@pytest.fixture
async def peer(system: System) -> AsyncIterator[ServiceClient]:
    """Another service."""
    peer = ServiceClient(system.internal, SECRET)
    yield peer
    await peer.close()


async def ask(
    peer: ServiceClient, after: str | None, *, wait: float = 0, limit: int = 100, only: str = ""
) -> EventPage:
    """One page of the feed."""
    place = {"after": after} if after else {}
    told = await peer.get("/internal/events", limit=limit, wait=str(wait), only=only, **place)
    return EventPage.model_validate(told)


async def read(peer: ServiceClient, after: str | None) -> tuple[list[TicketEvent], str | None]:
    """Everything behind a place, and the place behind that."""
    items: list[TicketEvent] = []
    while (page := await ask(peer, after)).items:
        items += page.items
        after = page.next_cursor
    return items, after


async def end(peer: ServiceClient) -> str | None:
    """The place behind everything."""
    return (await read(peer, None))[1]


async def registered(system: System, **changes: Any) -> str:
    """A ticket whose first event is written: who looks at one has it entered."""
    ticket_no = await system.register(**changes)
    await system.get(f"/v1/tickets/{ticket_no}")
    return ticket_no


async def test_an_event_comes_with_its_texts_and_the_facts_of_its_ticket(system: System, peer: ServiceClient) -> None:
    place = await end(peer)
    ticket_no = await system.accepted(category="service_attitude", complaint_about="售后 李雷", kind="complaint")
    view = await system.do(ticket_no, "respond", {"message": "您好，我们明天上门"}, by="林涛")
    items, _ = await read(peer, place)
    assert [item.event.type for item in items] == [
        EventType.RECEIVED,
        EventType.ACCEPTED,
        EventType.ASSIGNED,
        EventType.RESPONDED,
    ]
    responded = items[-1]
    assert (responded.command, responded.body) == ("respond", {"message": "您好，我们明天上门"})
    assert items[0].command is None
    facts = responded.ticket
    assert (facts.ticket_no, facts.version, facts.phase) == (ticket_no, view["version"], view["phase"])
    assert (facts.department, facts.owner) == ("after-sales", system.ids["林涛"])
    assert facts.complaint_about == system.ids["李雷"]
    assert facts.customer_id == view["customer"]["id"]
    assert (facts.policy, facts.questionnaire) == (view["policy"]["id"], "d0")
    assert (facts.survey_reminder_after, facts.survey_expires_after) == ("P2D", "P7D")
    running = {clock["name"]: clock["due_at"] for clock in view["clocks"] if clock["state"] == "running"}
    assert facts.model_dump(mode="json")["promised"] == running
    assert (facts.reopened, facts.closed_at, facts.close_reason) == (False, None, None)


async def test_facts_are_those_of_now_and_tell_a_reopening(system: System, peer: ServiceClient) -> None:
    place = await end(peer)
    ticket_no = await system.closed(language="en")
    await system.do(ticket_no, "reopen", {"reason": "仍不制冷"}, by="李雷")
    view = await system.do(ticket_no, "wait", {"reason": "parts"}, by="林涛")
    items, _ = await read(peer, place)
    assert {item.ticket.version for item in items} == {view["version"]}
    facts = items[0].ticket
    assert (facts.cycle, facts.reopened, facts.language) == (2, True, "en")
    assert "resolution" not in facts.promised
    assert "progress" in facts.promised
    assert facts.live_clocks == {"resolution/2/1": "paused", "progress/2/1": "running"}


@pytest.mark.parametrize(("about", "named"), [("没有这个人", None), ("王芳和林涛", None), ("王芳", "王芳")])
async def test_a_complaint_is_about_a_member_of_staff_when_it_names_one(
    system: System, peer: ServiceClient, about: str, named: str | None
) -> None:
    place = await end(peer)
    await registered(system, complaint_about=about)
    (item, *_), _ = await read(peer, place)
    assert item.ticket.complaint_about == (system.ids[named] if named else None)


async def test_a_question_that_waits_is_answered_by_the_next_event(system: System, peer: ServiceClient) -> None:
    place = await end(peer)
    waiting = [asyncio.create_task(ask(peer, place, wait=LONG)) for _ in range(6)]
    ticket_no = await system.register()
    for page in await asyncio.gather(*waiting):
        assert [item.ticket_no for item in page.items] == [ticket_no]


async def test_where_there_is_nothing_the_answer_is_empty_and_stays_in_its_place(
    system: System, peer: ServiceClient
) -> None:
    place = await end(peer)
    assert await ask(peer, place, wait=0.1) == EventPage(items=(), next_cursor=place)


async def test_an_event_waits_for_older_transactions_and_comes_when_they_end(
    system: System, peer: ServiceClient
) -> None:
    place = await end(peer)
    async with system.database.begin() as connection:
        await connection.execute(text("SELECT pg_current_xact_id()"))
        ticket_no = await registered(system)
        assert (await ask(peer, place)).items == ()
        waiting = asyncio.create_task(ask(peer, place, wait=LONG))
    page = await waiting
    assert [item.ticket_no for item in page.items] == [ticket_no]


async def test_pages_are_cut_at_the_limit_and_go_on_where_they_ended(system: System, peer: ServiceClient) -> None:
    place = await end(peer)
    ticket_no = await system.closed()
    version = (await system.get(f"/v1/tickets/{ticket_no}"))["version"]
    seqs = []
    while (page := await ask(peer, place, limit=2)).items:
        assert len(page.items) <= 2
        seqs += [item.event.seq for item in page.items]
        place = page.next_cursor
    assert seqs == list(range(1, version + 1))


async def test_a_follower_of_few_types_is_sent_those_and_moves_past_the_others(
    system: System, peer: ServiceClient
) -> None:
    place = await end(peer)
    ticket_no = await system.closed()
    every, behind_all = await read(peer, place)
    page = await ask(peer, place, only="ticket.accepted,ticket.closed")
    wanted = {EventType.ACCEPTED, EventType.CLOSED}
    assert page.items == tuple(item for item in every if item.event.type in wanted)
    assert {item.ticket_no for item in page.items} == {ticket_no}
    assert page.next_cursor == behind_all


async def test_a_follower_of_few_types_is_led_through_every_page(system: System, peer: ServiceClient) -> None:
    place = await end(peer)
    await system.closed()
    behind_all, seen = await end(peer), list[EventType]()
    while place != behind_all:
        page = await ask(peer, place, limit=2, only="ticket.received,ticket.closed")
        assert page.next_cursor != place
        place = page.next_cursor
        seen += [item.event.type for item in page.items]
    assert seen == [EventType.RECEIVED, EventType.CLOSED]


async def test_a_page_of_which_nothing_is_wanted_is_empty_and_moves_the_cursor(
    system: System, peer: ServiceClient
) -> None:
    place = await end(peer)
    await registered(system)
    assert await ask(peer, place, only="ticket.closed") == EventPage(items=(), next_cursor=await end(peer))


async def test_a_question_for_few_types_waits_past_the_others(system: System, peer: ServiceClient) -> None:
    place = await end(peer)
    waiting = asyncio.create_task(ask(peer, place, wait=LONG, only="ticket.information_requested,ticket.accepted"))
    ticket_no = await system.register()
    await system.get(f"/v1/tickets/{ticket_no}")
    assert not waiting.done()
    accepted = await system.accepted()
    assert [(item.ticket_no, item.event.type) for item in (await waiting).items] == [(accepted, EventType.ACCEPTED)]


async def test_what_is_not_settled_is_not_moved_past_by_a_follower_of_few_types(
    system: System, peer: ServiceClient
) -> None:
    place = await end(peer)
    async with system.database.begin() as connection:
        await connection.execute(text("SELECT pg_current_xact_id()"))
        await registered(system)
        assert await ask(peer, place, only="ticket.closed") == EventPage(items=(), next_cursor=place)
    assert (await ask(peer, place, only="ticket.received")).items


async def test_a_follower_misses_nothing_and_gets_nothing_twice_while_eight_write(
    system: System, peer: ServiceClient
) -> None:
    place, written = await end(peer), dict[str, int]()

    async def write() -> None:
        for _ in range(2):
            ticket_no = await system.accepted()
            written[ticket_no] = (await system.do(ticket_no, "respond", {"message": "您好"}, by="林涛"))["version"]

    writers = asyncio.gather(*(write() for _ in range(8)))
    seen: list[tuple[str, int]] = []

    async def follow() -> bool:
        nonlocal place
        page = await ask(peer, place, wait=0.05, limit=7)
        place = page.next_cursor
        seen.extend((item.ticket_no, item.event.seq) for item in page.items)
        return writers.done() and len(seen) >= sum(written.values())

    await until(follow, 60)
    await writers
    for ticket_no, version in written.items():
        assert [seq for number, seq in seen if number == ticket_no] == list(range(1, version + 1))


@pytest.mark.parametrize("params", [{"after": "x"}, {"limit": 0}, {"limit": 501}, {"wait": 31}, {"wait": "nan"}])
async def test_a_place_or_bound_that_cannot_be_is_refused(peer: ServiceClient, params: dict[str, Any]) -> None:
    with pytest.raises(ValidationFailed):
        await peer.get("/internal/events", **params)


async def test_one_event_is_read_again_with_its_ticket_as_that_is_now(system: System, peer: ServiceClient) -> None:
    place = await end(peer)
    ticket_no = await system.accepted()
    await system.do(ticket_no, "respond", {"message": "您好"}, by="林涛")
    items, _ = await read(peer, place)
    again = [await peer.get(f"/internal/events/{ticket_no}/{item.event.seq}") for item in items]
    assert tuple(map(TicketEvent.model_validate, again)) == tuple(items)
    view = await system.do(ticket_no, "wait", {"reason": "parts"}, by="林涛")
    responded = TicketEvent.model_validate(await peer.get(f"/internal/events/{ticket_no}/{items[-1].event.seq}"))
    assert (responded.event, responded.ticket.version) == (items[-1].event, view["version"])
    for missing in (f"{ticket_no}/{view['version'] + 1}", "20200101001/1"):
        with pytest.raises(NotFound):
            await peer.get(f"/internal/events/{missing}")
    for impossible in (0, 2**31, "x"):
        with pytest.raises(ValidationFailed):
            await peer.get(f"/internal/events/{ticket_no}/{impossible}")


async def test_a_remark_is_in_the_journal_the_feed_and_the_public_feed(system: System, peer: ServiceClient) -> None:
    ticket_no = await system.closed()
    place = await end(peer)
    view = await system.get(f"/v1/tickets/{ticket_no}")
    body = remark(cycle=1, data={"survey_id": "s-1"})
    answers = [await peer.post(f"/internal/tickets/{ticket_no}/remarks", body) for _ in range(2)]
    assert answers == [{"ticket_no": ticket_no, "seq": view["version"] + 1}] * 2
    ((item,), _) = await read(peer, place)
    assert (item.event.type, item.event.data, item.command) == ("survey.sent", {"survey_id": "s-1"}, None)
    after = await system.get(f"/v1/tickets/{ticket_no}")
    assert after == {**view, "version": view["version"] + 1}
    assert "remark" not in after["allowed"]
    timeline = await system.get(f"/v1/tickets/{ticket_no}/timeline", limit=200)
    assert (timeline["items"][-1]["type"], timeline["items"][-1]["actor"]["kind"]) == ("survey.sent", "system")
    public = (await system.get("/v1/events", type=["survey.sent"], limit=200))["items"][-1]
    assert (public["ticket_no"], public["occurred_at"]) == (ticket_no, "2026-11-20T06:30:00Z")
    assert public["data"] == {"survey_id": "s-1", "from": "closed", "to": "closed", "cycle": 1}


async def test_a_remark_is_no_command_and_services_alone_make_it(system: System, peer: ServiceClient) -> None:
    ticket_no = await registered(system)
    assert (await system.give(ticket_no, "remark", remark(), by="王芳")).status_code == 404
    for token in ("x", system.tokens["admin"], system.tokens["王芳"]):
        stranger = {"Authorization": f"Bearer {token}"}
        of_this = ("POST", f"/internal/tickets/{ticket_no}/remarks"), ("GET", f"/internal/events/{ticket_no}/1")
        for method, path in (*of_this, ("GET", "/internal/events")):
            answer = await system.http.request(method, system.internal + path, json=remark(), headers=stranger)
            assert answer.status_code == 401
    with pytest.raises(ValidationFailed):
        await peer.post(f"/internal/tickets/{ticket_no}/remarks", remark(type="ticket.closed"))
    with pytest.raises(ValidationFailed):
        await peer.post(f"/internal/tickets/{ticket_no}/remarks", remark(cycle=0))
    with pytest.raises(NotFound):
        await peer.post("/internal/tickets/20200101001/remarks", remark())


def remark(**changes: Any) -> dict[str, Any]:
    """A remark as the survey service makes it."""
    body = {"key": "survey/s-1/sent", "type": "survey.sent", "at": "2026-11-20T06:30:00Z", "cycle": 1}
    return {**body, **changes}
