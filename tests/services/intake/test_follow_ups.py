"""A report about a ticket that is closed for good becomes a new one, linked to it (product.md 3)."""

import httpx
import pytest

from tests.services.intake.harness import IntakeHarness
from tests.services.intake.page_client import CustomerPageClient, number_in


async def reported(harness: IntakeHarness, query: str) -> tuple[str, httpx.Response]:
    """The form at `query`, sent; answers the new ticket's number and the form's page."""
    client = CustomerPageClient(harness.public)
    page = await client.open(f"/f?{query}")
    form = await client.fill(page, "/f", description="又不制冷了", name="韩梅梅", contact="13800138000", kind="fault")
    sent = await client.send("/f", form)
    assert sent.status_code == 303, sent.text
    return number_in(sent.headers["Location"]), page


async def followed(harness: IntakeHarness, ticket_no: str) -> str | None:
    harness.belongs(ticket_no)
    found: str | None = (await harness.call("GET", f"/v1/feedback/{ticket_no}")).json()["follows"]
    return found


async def test_a_report_from_the_page_of_a_closed_ticket_is_linked_to_it(harness: IntakeHarness) -> None:
    earlier = (await harness.register())["ticket_no"]
    made, page = await reported(harness, f"again=true&follows={harness.intake.links.token(earlier, 1)}")
    assert made != earlier
    assert earlier in page.text
    assert await followed(harness, made) == earlier
    handed_over = (await harness.ask("GET", f"/internal/registrations/{made}")).json()
    assert handed_over["follows"] == earlier
    assert handed_over["response_target"] is None


async def test_the_link_goes_with_the_form_that_comes_back(harness: IntakeHarness) -> None:
    token = harness.intake.links.token((await harness.register())["ticket_no"], 1)
    client = CustomerPageClient(harness.public)
    page = await client.open(f"/f?follows={token}")
    back = await client.send("/f", await client.fill(page, "/f", description=""))
    assert back.status_code == 422
    assert (await client.fill(back, "/f"))["follows"] == token
    assert token.partition(".")[0] in back.text


@pytest.mark.parametrize("token", ["", "nonsense", "19990101001.1." + "A" * 43])
async def test_a_report_is_taken_whatever_its_link_is(harness: IntakeHarness, token: str) -> None:
    client = CustomerPageClient(harness.public)
    page = await client.open("/f")
    form = await client.fill(page, "/f", description="坏了", name="韩梅梅", contact="13800138000", kind="fault")
    sent = await client.send("/f", {**form, "follows": token})
    assert sent.status_code == 303
    assert await followed(harness, number_in(sent.headers["Location"])) is None


async def test_a_revoked_link_links_nothing(harness: IntakeHarness) -> None:
    earlier = (await harness.register())["ticket_no"]
    token = harness.intake.links.token(earlier, 1)
    harness.belongs(earlier)
    await harness.call("POST", f"/v1/feedback/{earlier}/revoke-link", by="王芳")
    made, page = await reported(harness, f"follows={token}")
    assert await followed(harness, made) is None
    assert f"反馈 {earlier}" not in page.text
