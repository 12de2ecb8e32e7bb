"""What a customer reports about a ticket that is closed for good becomes a new one, linked to it (product.md 3)."""

import httpx
import pytest

from tests.services.intake.harness import Desk
from tests.services.intake.public_visitor import Visitor, number_in


async def reported(desk: Desk, query: str) -> tuple[str, httpx.Response]:
    """The form at `query`, sent; answers the new ticket's number and the form's page."""
    visitor = Visitor(desk.public)
    page = await visitor.open(f"/f?{query}")
    form = await visitor.fill(page, "/f", description="又不制冷了", name="韩梅梅", contact="13800138000", kind="fault")
    sent = await visitor.send("/f", form)
    assert sent.status_code == 303, sent.text
    return number_in(sent.headers["Location"]), page


async def followed(desk: Desk, ticket_no: str) -> str | None:
    desk.belongs(ticket_no)
    found: str | None = (await desk.call("GET", f"/v1/feedback/{ticket_no}")).json()["follows"]
    return found


async def test_a_report_from_the_page_of_a_closed_ticket_is_linked_to_it(desk: Desk) -> None:
    earlier = (await desk.register())["ticket_no"]
    made, page = await reported(desk, f"again=true&follows={desk.intake.links.token(earlier, 1)}")
    assert made != earlier
    assert earlier in page.text
    assert await followed(desk, made) == earlier
    handed_over = (await desk.ask("GET", f"/internal/registrations/{made}")).json()
    assert handed_over["follows"] == earlier
    assert handed_over["response_target"] is None


async def test_the_link_goes_with_the_form_that_comes_back(desk: Desk) -> None:
    token = desk.intake.links.token((await desk.register())["ticket_no"], 1)
    visitor = Visitor(desk.public)
    page = await visitor.open(f"/f?follows={token}")
    back = await visitor.send("/f", await visitor.fill(page, "/f", description=""))
    assert back.status_code == 422
    assert (await visitor.fill(back, "/f"))["follows"] == token
    assert token.partition(".")[0] in back.text


@pytest.mark.parametrize("token", ["", "nonsense", "19990101001.1." + "A" * 43])
async def test_a_report_is_taken_whatever_its_link_is(desk: Desk, token: str) -> None:
    visitor = Visitor(desk.public)
    page = await visitor.open("/f")
    form = await visitor.fill(page, "/f", description="坏了", name="韩梅梅", contact="13800138000", kind="fault")
    sent = await visitor.send("/f", {**form, "follows": token})
    assert sent.status_code == 303
    assert await followed(desk, number_in(sent.headers["Location"])) is None


async def test_a_revoked_link_links_nothing(desk: Desk) -> None:
    earlier = (await desk.register())["ticket_no"]
    token = desk.intake.links.token(earlier, 1)
    desk.belongs(earlier)
    await desk.call("POST", f"/v1/feedback/{earlier}/revoke-link", by="王芳")
    made, page = await reported(desk, f"follows={token}")
    assert await followed(desk, made) is None
    assert f"反馈 {earlier}" not in page.text
