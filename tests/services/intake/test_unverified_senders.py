"""Words about somebody in a form stay with the form: it writes to nobody else and into nobody's record (issue 8, 2)."""

from typing import Any

import pytest

from services.contracts.feedback import Feedback
from services.intake.feedback.origins import Origin
from tests.services.intake.harness import IntakeHarness, feedback, keyed
from tests.services.intake.page_client import REPORT, CustomerPageClient, hidden_fields, number_in

PHONE, EMAIL = "+8613800138000", "known@example.com"


async def customer_of(harness: IntakeHarness, ticket_no: str) -> str:
    """The customer of a ticket."""
    found: str = (await harness.ask("GET", f"/internal/registrations/{ticket_no}")).json()["customer_id"]
    return found


async def called(harness: IntakeHarness, **customer: Any) -> str:
    """A clerk registers a call; answers the ticket number."""
    stated = {"name": "韩梅梅", "phone": PHONE, **customer}
    number: str = (await harness.register(channel="phone", customer=stated))["ticket_no"]
    harness.belongs(number)
    return number


async def wrote(harness: IntakeHarness, **typed: str) -> tuple[str, str]:
    """Somebody fills in the form; the ticket number and the address of its page."""
    address = await CustomerPageClient(harness.public).report(**typed)
    return number_in(address), address


async def profile(harness: IntakeHarness, ticket_no: str) -> dict[str, Any]:
    """The record of a ticket's customer."""
    found: dict[str, Any] = (await harness.call("GET", f"/v1/customers/{await customer_of(harness, ticket_no)}")).json()
    return found


async def reached(harness: IntakeHarness, ticket_no: str) -> tuple[str | None, str | None]:
    """The name and the address that a notice about the ticket gets."""
    asks = [{"ticket_no": ticket_no, "customer_id": "any"}]
    told = (await harness.ask("POST", "/internal/customers/addresses", {"asks": asks})).json()["items"][0]
    return told["name"], told["email"]


async def supplied(harness: IntakeHarness, ticket_no: str, **contact: str) -> None:
    """The holder of the ticket's link supplies a contact."""
    body = {"command_id": f"supply-{ticket_no}", "supplement": {"customer": contact}}
    assert (await harness.ask("POST", f"/internal/feedback/{ticket_no}/supplement", body)).status_code == 200


async def test_a_form_neither_renames_the_customer_of_its_phone_nor_writes_to_them(harness: IntakeHarness) -> None:
    first = await called(harness, email=EMAIL)
    number, _ = await wrote(harness, name="李鬼", contact=PHONE)
    assert await customer_of(harness, number) == await customer_of(harness, first)
    assert await reached(harness, number) == ("李鬼", None)
    known = await profile(harness, first)
    assert (known["name"], known["email"]) == ("韩梅梅", EMAIL)
    assert await reached(harness, first) == ("韩梅梅", EMAIL)


async def test_the_ticket_shows_staff_what_its_form_said_and_no_more(harness: IntakeHarness) -> None:
    await called(harness, email=EMAIL, customer_no="C1001")
    number, _ = await wrote(harness, name="李鬼", contact=PHONE)
    question = {"reader_kind": "staff", "reader_id": "王芳", "request_id": "r",
                "asks": [{"ticket_no": number, "customer_id": "any", "in_full": True}]}  # fmt: skip
    (shown,) = (await harness.ask("POST", "/internal/customers/show", question)).json()["items"]
    told = {name: shown[name] for name in ("name", "phone", "email", "customer_no")}
    assert told == {"name": "李鬼", "phone": PHONE, "email": None, "customer_no": None}


async def test_a_form_reaches_the_address_that_it_states_itself(harness: IntakeHarness) -> None:
    await called(harness, email=EMAIL)
    number, _ = await wrote(harness, contact="own@example.com")
    assert await reached(harness, number) == ("韩梅梅", "own@example.com")


async def test_an_address_confirmed_by_the_own_link_is_reached_and_fills_no_record(harness: IntakeHarness) -> None:
    first = await called(harness)
    number, _ = await wrote(harness, contact=PHONE)
    await supplied(harness, number, email="own@example.com")
    assert await reached(harness, number) == ("韩梅梅", "own@example.com")
    assert (await profile(harness, first))["email"] is None
    assert await reached(harness, await called(harness)) == ("韩梅梅", None)


async def test_a_report_that_goes_on_by_its_link_reaches_the_address_of_the_ticket_before(
    harness: IntakeHarness,
) -> None:
    _, address = await wrote(harness, contact="own@example.com")
    client = CustomerPageClient(harness.public)
    page = await client.open(f"/f?follows={address.removeprefix('/t/')}")
    form = {**hidden_fields(page.text, "/f"), **REPORT, "contact": "13900139000"}
    answer = await client.send("/f", form)
    assert await reached(harness, number_in(answer.headers["Location"])) == ("韩梅梅", "own@example.com")


@pytest.mark.parametrize("vouched", [True, False])
async def test_a_link_vouches_for_its_holder_as_far_as_its_ticket_was_vouched_for(
    harness: IntakeHarness, vouched: bool
) -> None:
    first = await called(harness, email=EMAIL)
    own = first if vouched else (await wrote(harness, name="李鬼", contact=PHONE))[0]
    sent = Feedback.model_validate(feedback(customer={"name": "韩梅", "phone": PHONE}))
    made = await harness.intake.registrar.register(sent, Origin(keyed("anonymous"), own_ticket=own))
    email = EMAIL if vouched else None
    assert await reached(harness, made.registered.ticket_no) == ("韩梅", email)
    assert (await profile(harness, first))["name"] == ("韩梅" if vouched else "韩梅梅")


async def test_what_a_form_said_first_is_told_to_no_caller_who_comes_later(harness: IntakeHarness) -> None:
    stranger = feedback(customer={"name": "李鬼", "phone": PHONE, "email": "stranger@example.com"})
    sent = Feedback.model_validate(stranger)
    await harness.intake.registrar.register(sent, Origin(keyed("api_key:site")))
    number = await called(harness)
    assert await reached(harness, number) == ("韩梅梅", None)
    assert await reached(harness, await called(harness, email=EMAIL)) == ("韩梅梅", EMAIL)
    assert await reached(harness, await called(harness)) == ("韩梅梅", EMAIL)
    assert (await profile(harness, number))["email"] == EMAIL


async def test_a_correction_by_staff_reaches_the_form_that_made_the_record_and_no_other(harness: IntakeHarness) -> None:
    made, _ = await wrote(harness, contact="typo@example.com")
    later, _ = await wrote(harness, name="李鬼", contact="typo@example.com")
    harness.belongs(made)
    change = {"email": "right@example.com"}
    answer = await harness.call("PATCH", f"/v1/customers/{await customer_of(harness, made)}", change)
    assert answer.status_code == 200
    assert await reached(harness, made) == ("韩梅梅", "right@example.com")
    assert await reached(harness, later) == ("李鬼", "typo@example.com")


async def test_a_question_left_by_a_callback_is_the_ticket_s_customer_s_and_reaches_them_alone(
    harness: IntakeHarness,
) -> None:
    await called(harness, email=EMAIL)
    number, _ = await wrote(harness, name="李鬼", contact=PHONE)
    question = {"command_id": "q", "question": "怎么清洗滤网？", "channel": "phone", "response_target": "PT24H"}
    made = (await harness.ask("POST", f"/internal/feedback/{number}/follow-ups", question)).json()["ticket_no"]
    assert await customer_of(harness, made) == await customer_of(harness, number)
    assert await reached(harness, made) == ("李鬼", None)


@pytest.mark.parametrize(("channel", "writes"), [("phone", True), ("app", True), ("web", False), ("email", False)])
async def test_whoever_may_write_customers_vouches_where_somebody_knows_who_speaks(
    harness: IntakeHarness, channel: str, writes: bool
) -> None:
    first = await called(harness, email=EMAIL)
    made = (await harness.register(channel=channel, customer={"name": "韩梅", "phone": PHONE}))["ticket_no"]
    assert (await profile(harness, first))["name"] == ("韩梅" if writes else "韩梅梅")
    assert await reached(harness, made) == ("韩梅", EMAIL if writes else None)
