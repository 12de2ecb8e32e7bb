"""Supplements of customers after registering (product.md 3, step 2)."""

from typing import Any

from tests.services.intake.harness import IntakeHarness


async def _supply(harness: IntakeHarness, ticket_no: str, command_id: str, **supplement: Any) -> dict[str, Any]:
    answer = await harness.ask(
        "POST", f"/internal/feedback/{ticket_no}/supplement", {"command_id": command_id, "supplement": supplement}
    )
    assert answer.status_code == 200, answer.text
    supplied: dict[str, Any] = answer.json()
    return supplied


async def test_what_was_missing_completes_the_feedback(harness: IntakeHarness) -> None:
    number = (await harness.register(product={"model": "BCD-500"}))["ticket_no"]
    supplied = await _supply(harness, number, "c1", product={"order_no": "ORD2023901"}, complaint_about="李雷")
    assert supplied == {
        "complete": True,
        "missing": [],
        "product": {"model": "BCD-500", "serial_no": None, "order_no": "ORD2023901", "purchased_on": None},
        "complaint_about": "李雷",
        "changed": ["complaint_about", "product.order_no"],
    }


async def test_something_else_leaves_it_incomplete(harness: IntakeHarness) -> None:
    number = (await harness.register(product={}))["ticket_no"]
    supplied = await _supply(harness, number, "c1", situation="每天晚上")
    assert (supplied["complete"], supplied["missing"]) == (False, ["product.order_no_or_serial_no"])


async def test_supplements_add_up(harness: IntakeHarness) -> None:
    number = (await harness.register(channel="social", customer={}, product={}))["ticket_no"]
    assert (await _supply(harness, number, "c1", customer={"phone": "13800138000"}))["missing"] == [
        "product.order_no_or_serial_no"
    ]
    assert (await _supply(harness, number, "c2", product={"serial_no": "SER42"}))["complete"]


async def test_a_repeat_of_the_command_gets_the_first_answer(harness: IntakeHarness) -> None:
    number = (await harness.register(product={}))["ticket_no"]
    first = await _supply(harness, number, "c1", product={"order_no": "ORD1"})
    assert await _supply(harness, number, "c1", product={"order_no": "ORD2"}) == first


async def test_the_feedback_stays_as_it_arrived_with_the_supplement_beside_it(harness: IntakeHarness) -> None:
    number = (await harness.register(product={}))["ticket_no"]
    harness.belongs(number)
    await _supply(harness, number, "c1", product={"order_no": "ORD1"}, customer={"email": "h@example.com"})
    view = (await harness.call("GET", f"/v1/feedback/{number}")).json()
    assert view["product"]["order_no"] is None
    assert view["complete"]
    [supplied] = view["supplements"]
    assert supplied["product"]["order_no"] == "ORD1"
    assert supplied["customer"]["email"] == "h@example.com"
    masked = (await harness.call("GET", f"/v1/feedback/{number}", by="审计")).json()
    assert masked["supplements"][0]["customer"]["email"] == "h***@example.com"


async def test_a_supplied_contact_reaches_the_ticket_and_fills_the_record(harness: IntakeHarness) -> None:
    number = (await harness.register(channel="social", customer={"name": "韩梅梅"}))["ticket_no"]
    harness.belongs(number)
    await _supply(harness, number, "c1", customer={"phone": "13800138000"})
    asks = [{"ticket_no": number, "customer_id": "any", "in_full": True}]
    question = {"reader_kind": "staff", "reader_id": "王芳", "request_id": "r", "asks": asks}
    [shown] = (await harness.ask("POST", "/internal/customers/show", question)).json()["items"]
    assert shown["phone"] == "+8613800138000"
    profile = (await harness.call("GET", f"/v1/customers/{shown['id']}")).json()
    assert profile["phone"] == "+8613800138000"


async def test_what_the_record_knows_stays_although_a_supplement_says_otherwise(harness: IntakeHarness) -> None:
    known = {"name": "韩梅梅", "phone": "13800138000", "email": "first@example.com"}
    number = (await harness.register(channel="phone", customer=known))["ticket_no"]
    harness.belongs(number)
    await _supply(harness, number, "c1", customer={"email": "second@example.com", "wechat_open_id": "oAbC"})
    customer = (await harness.ask("GET", f"/internal/registrations/{number}")).json()["customer_id"]
    profile = (await harness.call("GET", f"/v1/customers/{customer}")).json()
    assert (profile["email"], profile["wechat_open_id"]) == ("first@example.com", "oAbC")


async def test_a_supplement_to_nothing_is_not_found(harness: IntakeHarness) -> None:
    answer = await harness.ask(
        "POST", "/internal/feedback/20240520001/supplement", {"command_id": "c", "supplement": {"situation": "x"}}
    )
    assert answer.status_code == 404


async def test_an_impossible_phone_is_told_as_the_sender_wrote_it(harness: IntakeHarness) -> None:
    number = (await harness.register())["ticket_no"]
    answer = await harness.ask(
        "POST",
        f"/internal/feedback/{number}/supplement",
        {"command_id": "c", "supplement": {"customer": {"phone": "not a phone"}}},
    )
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/customer/phone")
