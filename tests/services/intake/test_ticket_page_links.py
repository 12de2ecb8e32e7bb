"""The link is the customer's only proof: for one ticket, ending, revocable; a wrong one tells nothing (I13, I14)."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from services.contracts.customer import CustomerTicket
from services.intake.links.tokens import TicketLinks
from services.intake.pages import entrance
from services.runtime.errors import NotFound
from tests.services.intake.customer_tickets import opened
from tests.services.intake.harness import IntakeHarness
from tests.services.intake.page_client import CustomerPageClient, actions
from tests.services.system import System


def without_id(answer: httpx.Response) -> str:
    """A page without what differs by the address asked."""
    return re.sub(r'href="\?[^"]*"', "", answer.text)


async def test_every_wrong_link_gets_the_same_page(system: System) -> None:
    ticket, other = await opened(system), await opened(system)
    number, generation, signature = ticket.address.removeprefix("/t/").split(".")
    foreign = other.address.rpartition(".")[2]
    wrong = [
        f"/t/{number}.{generation}.{foreign}",
        f"/t/{other.ticket_no}.{generation}.{signature}",
        f"/t/{number}.2.{signature}",
        f"/t/{number}.{generation}.{signature[:-1]}",
        f"/t/{number}",
        "/t/nonsense",
        "/t/19990101001.1." + "A" * 43,
        "/t/%E2%82%AC",
    ]
    pages = [await ticket.client.open(address) for address in wrong]
    assert {page.status_code for page in pages} == {404}
    assert len({without_id(page) for page in pages}) == 1
    assert "最近一次收到的链接" in pages[0].text
    assert ticket.ticket_no not in pages[0].text


@pytest.mark.parametrize("action", ["supply", "message", "confirm", "reopen", "withdraw", "accept", "remark"])
async def test_a_wrong_link_does_nothing(system: System, action: str) -> None:
    ticket = await opened(system)
    before = await ticket.view()
    number, generation, _ = ticket.address.removeprefix("/t/").split(".")
    form = {"key": "k" * 24, "message": "x", "reason": "x", "serial_no": "x"}
    forged = await ticket.client.send(f"/t/{number}.{generation}.{'A' * 43}/{action}", form)
    assert forged.status_code == 404
    if action in {"accept", "remark"}:
        assert (await ticket.client.send(f"{ticket.address}/{action}", form)).status_code == 404
    assert await ticket.view() == before


async def test_a_revoked_link_is_a_wrong_one_and_the_new_one_opens(system: System) -> None:
    ticket = await opened(system)
    revoked = await system.call("POST", f"/v1/feedback/{ticket.ticket_no}/revoke-link", by="王芳")
    assert revoked.status_code == 200, revoked.text
    assert (await ticket.client.open(ticket.address)).status_code == 404
    form = {"key": "k" * 24, "message": "x"}
    assert (await ticket.client.send(f"{ticket.address}/message", form)).status_code == 404
    renewed = TicketLinks("", "links").to(ticket.ticket_no, 2)
    assert (await ticket.client.open(renewed)).status_code == 200


@pytest.mark.parametrize(
    ("since_closing", "opens"),
    [
        (None, True),
        (timedelta(days=365) - timedelta(minutes=1), True),
        (timedelta(days=365) + timedelta(minutes=1), False),
    ],
)
async def test_a_link_ends_a_year_after_its_ticket_was_closed(
    harness: IntakeHarness, monkeypatch: pytest.MonkeyPatch, since_closing: timedelta | None, opens: bool
) -> None:
    made = await harness.register()
    closed_at = None if since_closing is None else datetime.now(UTC) - since_closing
    ticket = _ticket(made["ticket_no"], closed_at)

    async def tell(_: str) -> CustomerTicket:
        return ticket

    monkeypatch.setattr(harness.intake.tickets, "customer_ticket", tell)
    found = await entrance.open_ticket(harness.intake, harness.intake.links.token(made["ticket_no"], 1))
    if opens:
        assert await entrance.told(harness.intake, found) == ticket
    else:
        with pytest.raises(NotFound):
            await entrance.told(harness.intake, found)


async def test_the_page_is_kept_nowhere_and_told_to_nobody(system: System) -> None:
    ticket = await opened(system)
    for answer in (
        await ticket.client.open(ticket.address),
        await ticket.client.open(ticket.address[:-1] + "?"),
        await ticket.client.do(ticket.address, "message", message=""),
    ):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert "script-src" not in answer.headers["Content-Security-Policy"]
        assert "http:" not in answer.text
        assert "https:" not in answer.text


async def test_a_form_of_another_site_does_nothing(system: System) -> None:
    ticket = await opened(system)
    form = await ticket.client.fill(await ticket.client.open(ticket.address), f"{ticket.address}/withdraw", reason="x")
    answer = await ticket.client.send(f"{ticket.address}/withdraw", form, **{"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "withdraw" in actions(await ticket.page(), ticket.address)


async def test_one_customer_s_link_shows_nothing_of_another_s_ticket(system: System) -> None:
    mine, theirs = await opened(system), await opened(system, description="别人的事")
    html = await mine.page()
    assert theirs.ticket_no not in html
    assert "别人的事" not in html
    assert (await CustomerPageClient(system.http).open(theirs.address)).status_code == 200


def _ticket(ticket_no: str, closed_at: datetime | None) -> CustomerTicket:
    return CustomerTicket.model_validate(
        {
            "ticket_no": ticket_no, "version": 1, "phase": "pending.review", "cycle": 1, "kind": "fault",
            "language": "zh-CN", "customer_id": "cus_1", "product": {}, "opened_at": datetime.now(UTC),
            "accepted_at": None, "resolved_at": None, "closed_at": closed_at, "result": None, "close_reason": None,
            "merged_into": None, "missing": (), "asked": None, "waiting_for": (), "promises": (), "steps": (),
            "allowed": (), "reopen_until": None, "basis": {"cycle": 1, "phase": "pending.review"},
        }
    )  # fmt: skip
