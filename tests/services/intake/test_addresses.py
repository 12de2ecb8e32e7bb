"""Addresses of customers are told to services at the moment of sending, and logged when a person gets to see them."""

from typing import Any

from tests.services.intake.harness import CANARY_EMAIL, CANARY_PHONE, IntakeHarness

PATH = "/internal/customers/addresses"
CANARY = {"name": "韩梅梅", "phone": CANARY_PHONE, "email": CANARY_EMAIL}
READER = {"kind": "staff", "id": "李雷", "request_id": "r-9"}


async def asked(harness: IntakeHarness, *ticket_nos: str, **more: Any) -> list[dict[str, Any]]:
    asks = [{"ticket_no": each, "customer_id": "as the notice says"} for each in ticket_nos]
    answer = await harness.ask("POST", PATH, {"asks": asks, **more})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def readings(harness: IntakeHarness) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await harness.call("GET", "/v1/audit", by="审计")).json()["items"]
    return items


async def test_an_address_comes_with_the_name_and_the_link_that_the_customer_was_given(harness: IntakeHarness) -> None:
    registered = await harness.register(customer=CANARY)
    (told,) = await asked(harness, registered["ticket_no"])
    assert (told["name"], told["email"]) == ("韩梅梅", CANARY_EMAIL)
    assert told["ticket_link"] == registered["links"]["ticket"]


async def test_addresses_come_in_the_order_asked_and_an_unknown_ticket_has_none(harness: IntakeHarness) -> None:
    with_mail = (await harness.register(customer=CANARY))["ticket_no"]
    without = (await harness.register())["ticket_no"]
    told = await asked(harness, without, "19990101001", with_mail)
    assert [each["email"] for each in told] == [None, None, CANARY_EMAIL]
    assert [each["ticket_link"] is None for each in told] == [False, True, False]


async def test_an_address_for_sending_is_no_reading_and_one_for_a_person_is(harness: IntakeHarness) -> None:
    first, second = [(await harness.register(customer=CANARY))["ticket_no"] for _ in range(2)]
    await asked(harness, first, second)
    assert await readings(harness) == []
    await asked(harness, first, "19990101001", reader=READER)
    (reading,) = await readings(harness)
    assert (reading["ticket_no"], reading["reader"]["id"], reading["request_id"]) == (first, "李雷", "r-9")


async def test_addresses_are_for_services_alone(harness: IntakeHarness) -> None:
    answer = await harness.internal.post(PATH, json={"asks": []})
    assert answer.status_code == 401
    assert (await harness.call("POST", PATH, {"asks": []})).status_code == 404
