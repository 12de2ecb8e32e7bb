"""Customers: one record per contact or customer number (product.md 4)."""

import asyncio
from typing import Any

from sqlalchemy import text

from tests.services.intake.harness import IntakeHarness, feedback


async def _customer_of(harness: IntakeHarness, **customer: Any) -> str:
    """Register a customer, as a clerk who has them on the phone does."""
    number = (await harness.register(channel="phone", customer={"name": "韩梅梅", **customer}))["ticket_no"]
    harness.belongs(number)
    found: str = (await harness.ask("GET", f"/internal/registrations/{number}")).json()["customer_id"]
    return found


async def _profile(harness: IntakeHarness, customer_id: str, by: str = "李雷") -> dict[str, Any]:
    answer = await harness.call("GET", f"/v1/customers/{customer_id}", by=by)
    assert answer.status_code == 200, answer.text
    profile: dict[str, Any] = answer.json()
    return profile


async def test_the_same_phone_however_written_is_the_same_customer(harness: IntakeHarness) -> None:
    first = await _customer_of(harness, phone="13800138000")
    assert await _customer_of(harness, phone="+86 138-0013-8000") == first
    assert await _customer_of(harness, phone="13900139000") != first


async def test_the_same_customer_number_is_the_same_customer_whatever_the_contact(harness: IntakeHarness) -> None:
    first = await _customer_of(harness, customer_no="C1001", phone="13800138000")
    assert await _customer_of(harness, customer_no="C1001", email="h@example.com") == first
    profile = await _profile(harness, first)
    assert (profile["phone"], profile["email"]) == ("+8613800138000", "h@example.com")


async def test_a_contact_finds_the_customer_that_a_number_made(harness: IntakeHarness) -> None:
    first = await _customer_of(harness, customer_no="C1001", phone="13800138000")
    assert await _customer_of(harness, phone="13800138000") == first


async def test_a_number_takes_over_the_record_that_a_contact_made(harness: IntakeHarness) -> None:
    first = await _customer_of(harness, phone="13800138000")
    assert await _customer_of(harness, customer_no="C1001", phone="13800138000") == first
    assert (await _profile(harness, first))["customer_no"] == "C1001"


async def test_two_customer_numbers_are_two_customers_with_one_phone(harness: IntakeHarness) -> None:
    first = await _customer_of(harness, customer_no="C1001", phone="13800138000")
    assert await _customer_of(harness, customer_no="C1002", phone="13800138000") != first


async def test_what_is_known_stays_and_blanks_are_filled(harness: IntakeHarness) -> None:
    first = await _customer_of(harness, phone="13800138000", email="first@example.com")
    await _customer_of(harness, phone="13800138000", email="second@example.com", wechat_open_id="oAbC")
    profile = await _profile(harness, first)
    assert (profile["email"], profile["wechat_open_id"]) == ("first@example.com", "oAbC")


async def test_name_and_tier_follow_the_latest_feedback_that_says_them(harness: IntakeHarness) -> None:
    first = await _customer_of(harness, phone="13800138000")
    await _customer_of(harness, phone="13800138000", name="韩梅", tier="vip")
    await _customer_of(harness, phone="13800138000", name="韩梅")
    profile = await _profile(harness, first)
    assert (profile["name"], profile["tier"]) == ("韩梅", "vip")


async def test_an_unchanged_customer_causes_no_write(harness: IntakeHarness) -> None:
    first = await _customer_of(harness, phone="13800138000")
    version = text("SELECT xmin::text || xmax::text FROM intake.customers WHERE id = :id")
    async with harness.intake.database.read() as connection:
        before = (await connection.execute(version, {"id": first})).scalar_one()
        await _customer_of(harness, phone="13800138000")
        assert (await connection.execute(version, {"id": first})).scalar_one() == before


async def test_parallel_feedback_of_a_new_customer_makes_one_record(harness: IntakeHarness) -> None:
    answers = await asyncio.gather(*(harness.call("POST", "/v1/feedback", feedback()) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    async with harness.intake.database.read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM intake.customers"))).scalar_one() == 1
        assert (await connection.execute(text("SELECT count(*) FROM intake.feedback"))).scalar_one() == 50


async def test_senders_without_any_address_are_customers_of_their_own(harness: IntakeHarness) -> None:
    first = (await harness.register(channel="social", customer={}))["ticket_no"]
    second = (await harness.register(channel="social", customer={}))["ticket_no"]
    owners = {
        (await harness.ask("GET", f"/internal/registrations/{number}")).json()["customer_id"]
        for number in (first, second)
    }
    assert len(owners) == 2


async def test_the_profile_lists_the_tickets_that_the_reader_may_see(harness: IntakeHarness) -> None:
    customer = await _customer_of(harness, phone="13800138000")
    other = (await harness.register())["ticket_no"]
    harness.belongs(other, department="logistics")
    profile = await _profile(harness, customer)
    assert other not in {ticket["ticket_no"] for ticket in profile["tickets"]}
    assert len(profile["tickets"]) == 1
    assert len((await _profile(harness, customer, by="王芳"))["tickets"]) == 2


async def test_another_department_reaches_no_customer_of_this_one(harness: IntakeHarness) -> None:
    customer = await _customer_of(harness, phone="13800138000")
    assert (await harness.call("GET", f"/v1/customers/{customer}", by="赵敏")).status_code == 403
    assert (await harness.call("PATCH", f"/v1/customers/{customer}", {"tier": "vip"}, by="赵敏")).status_code == 403


async def test_the_profile_in_full_is_logged_and_shortened_for_the_auditor(harness: IntakeHarness) -> None:
    customer = await _customer_of(harness, phone="13800138000")
    assert (await _profile(harness, customer))["masked"] is False
    assert (await _profile(harness, customer, by="审计"))["phone"] == "138****8000"
    readings = (await harness.call("GET", f"/v1/audit?customer_id={customer}", by="审计")).json()["items"]
    assert [reading["reader"]["id"] for reading in readings] == ["李雷"]


async def test_a_customer_is_corrected_field_by_field(harness: IntakeHarness) -> None:
    customer = await _customer_of(harness, phone="13800138000", email="h@example.com")
    change = {
        "email": None,
        "tier": "vip",
        "tags": ["keen", "老客户", "постоянный", "हिन्दी", "عميل مميز"],
        "preferred_channel": "phone",
        "preferred_hours": {"from": "09:00", "until": "12:00"},
        "do_not_call": True,
    }
    answer = await harness.call("PATCH", f"/v1/customers/{customer}", change)
    assert answer.status_code == 200, answer.text
    profile = await _profile(harness, customer)
    assert {name: profile[name] for name in change} == change
    assert profile["phone"] == "+8613800138000"
    cleared = {"tags": None, "preferred_hours": None, "do_not_call": None, "tier": None}
    profile = (await harness.call("PATCH", f"/v1/customers/{customer}", cleared)).json()
    assert {name: profile[name] for name in cleared} == {
        "tags": [], "preferred_hours": None, "do_not_call": False, "tier": "standard",
    }  # fmt: skip


async def test_a_contact_given_up_is_free_for_another_customer(harness: IntakeHarness) -> None:
    first = await _customer_of(harness, phone="13800138000")
    await harness.call("PATCH", f"/v1/customers/{first}", {"phone": "13900139000"})
    assert await _customer_of(harness, phone="13800138000") != first
    assert await _customer_of(harness, phone="13900139000") == first


async def test_a_customer_number_of_another_customer_is_refused(harness: IntakeHarness) -> None:
    await _customer_of(harness, customer_no="C1001", phone="13800138000")
    second = await _customer_of(harness, customer_no="C1002", phone="13900139000")
    answer = await harness.call("PATCH", f"/v1/customers/{second}", {"customer_no": "C1001"})
    assert (answer.status_code, answer.json()["code"]) == (409, "already_exists")


async def test_an_impossible_phone_is_no_correction(harness: IntakeHarness) -> None:
    customer = await _customer_of(harness, phone="13800138000")
    answer = await harness.call("PATCH", f"/v1/customers/{customer}", {"phone": "123"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/phone"


async def test_customers_are_found_by_number_name_and_digits_and_shown_shortened(harness: IntakeHarness) -> None:
    customer = await _customer_of(harness, phone="13800138000", customer_no="C1001", email="h@example.com")
    await _customer_of(harness, name="李四", phone="13900139000")
    asked = ("C1001", "c-1001", "梅梅", "138 0013 8000", "8000", "013800", "１３８００", "H@example.com")
    for q in (*asked, "梅\u200b梅", "\u202d13800138000\u202c"):
        items = (await harness.call("POST", "/v1/customers/search", {"q": q})).json()["items"]
        assert [item["id"] for item in items] == [customer], q
        assert (items[0]["phone"], items[0]["name"], items[0]["masked"]) == ("138****8000", "韩*", True)
    assert (await harness.call("POST", "/v1/customers/search", {"q": "%"})).json()["items"] == []


async def test_found_customers_come_in_pages(harness: IntakeHarness) -> None:
    made = [await _customer_of(harness, phone=f"1380013800{digit}") for digit in range(5)]
    seen: list[str] = []
    cursor = None
    while True:
        page = (
            await harness.call("POST", "/v1/customers/search", {"q": "1380013", "limit": 2, "cursor": cursor})
        ).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


async def test_the_ticket_search_finds_customers_and_tickets(harness: IntakeHarness) -> None:
    customer = await _customer_of(harness, phone="13800138000")
    number = (await harness.register(description="压缩机噪音", product={"serial_no": "SER42"}))["ticket_no"]
    reader = {"kind": "staff", "id": "李雷", "request_id": "r"}
    asked = {"q": "13800138000", "looked_up_by": reader}
    found = (await harness.ask("POST", "/internal/customers/find", asked)).json()
    assert (found["customer_ids"], found["shown_on"]) == ([customer], [])
    found = (await harness.ask("POST", "/internal/customers/find", {"q": "0013800", "contacts": True})).json()
    assert (found["customer_ids"], len(found["shown_on"])) == ([], 2)
    for q in (number, f"#{number[:8]}-{number[8:]}", "SER42", "ser 42", "Ｓｅｒ－４２", "噪音"):
        assert (await harness.ask("POST", "/internal/customers/find", {"q": q})).json()["ticket_nos"] == [number], q


async def test_people_behind_one_exchange_stay_apart(harness: IntakeHarness) -> None:
    first = await _customer_of(harness, phone="010-12345678-801")
    assert await _customer_of(harness, phone="(010) 1234 5678 转 801") == first
    assert await _customer_of(harness, phone="010-12345678-802") != first
    assert await _customer_of(harness, phone="010-12345678-801", name="李雷") != first
    assert await _customer_of(harness, phone="010-12345678") != first
    assert (await _profile(harness, first))["phone"] == "+861012345678;ext=801"


async def test_a_shared_number_that_was_stored_before_still_finds_its_customer(harness: IntakeHarness) -> None:
    stored = text(
        "INSERT INTO intake.customers (id, identity, name, phone, created_at, updated_at)"
        " VALUES ('cus_old', 'phone:as before', '韩 梅梅', '+861012345678', now(), now()),"
        " ('cus_unnamed', 'phone:of nobody', NULL, '+861087654321', now(), now())"
    )
    async with harness.intake.database.begin() as connection:
        await connection.execute(stored)
    assert await _customer_of(harness, phone="010 1234 5678") == "cus_old"
    assert await _customer_of(harness, phone="010 1234 5678", name="李雷") != "cus_old"
    assert await _customer_of(harness, phone="010 8765 4321") == "cus_unnamed"


async def test_a_corrected_name_behind_a_shared_number_is_found_by_that_name(harness: IntakeHarness) -> None:
    first = await _customer_of(harness, phone="400-810-9999")
    await harness.call("PATCH", f"/v1/customers/{first}", {"name": "韩梅"})
    assert await _customer_of(harness, phone="400-810-9999", name="韩梅") == first
    assert await _customer_of(harness, phone="400-810-9999") != first
