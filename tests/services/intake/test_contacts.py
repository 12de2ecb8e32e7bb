"""Contacts are shortened for most, and every full reading is logged (invariants I14, I15, I16)."""

import logging
from typing import Any

import pytest
from sqlalchemy import text

from services.contracts.directory import StaffRole
from services.intake.audit import views
from services.runtime.postgres.database import Database
from tests.services.intake.harness import CANARY_EMAIL, CANARY_PHONE, IntakeHarness

CANARY = {"name": "韩梅梅", "phone": CANARY_PHONE, "email": CANARY_EMAIL, "wechat_open_id": "oCanaryHanMeimei"}
LEAKS = ("13912345678", CANARY_EMAIL, "oCanaryHanMeimei", "韩梅梅")


async def _readings(harness: IntakeHarness, **filters: str) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    answer = await harness.call("GET", f"/v1/audit?{query}", by="审计")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_clerk_of_the_queue_sees_the_contact_and_the_reading_is_logged(harness: IntakeHarness) -> None:
    number = (await harness.register(customer=CANARY))["ticket_no"]
    harness.belongs(number)
    answer = await harness.call("GET", f"/v1/feedback/{number}", X_Request_Id="r-1")
    sender = answer.json()["customer"]
    assert (sender["phone"], sender["email"], sender["masked"]) == (CANARY_PHONE, CANARY_EMAIL, False)
    [reading] = await _readings(harness, ticket_no=number)
    assert reading["reader"] == {"kind": "staff", "id": "李雷"}
    assert (reading["customer_id"], reading["request_id"]) == (sender["id"], "r-1")


async def test_a_closed_ticket_shows_a_clerk_no_contact_and_logs_nothing(harness: IntakeHarness) -> None:
    number = (await harness.register(customer=CANARY))["ticket_no"]
    harness.belongs(number, phase="closed")
    answer = await harness.call("GET", f"/v1/feedback/{number}")
    assert answer.json()["customer"]["phone"] == "139****5678"
    assert answer.json()["customer"]["masked"]
    assert not any(leak in answer.text for leak in LEAKS)
    assert await _readings(harness) == []


async def test_a_handler_sees_the_contact_of_their_own_ticket_only(harness: IntakeHarness) -> None:
    harness.sign_in("张伟", StaffRole.HANDLER, department="after-sales")
    own = (await harness.register(customer=CANARY))["ticket_no"]
    other = (await harness.register(customer=CANARY))["ticket_no"]
    harness.belongs(own, owner="张伟")
    harness.belongs(other, owner="王五")
    assert not (await harness.call("GET", f"/v1/feedback/{own}", by="张伟")).json()["customer"]["masked"]
    assert (await harness.call("GET", f"/v1/feedback/{other}", by="张伟")).json()["customer"]["masked"]


async def test_another_department_does_not_see_the_feedback(harness: IntakeHarness) -> None:
    number = (await harness.register(customer=CANARY))["ticket_no"]
    harness.belongs(number)
    answer = await harness.call("GET", f"/v1/feedback/{number}", by="赵敏")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_an_auditor_reads_the_feedback_without_the_contact(harness: IntakeHarness) -> None:
    number = (await harness.register(customer=CANARY))["ticket_no"]
    harness.belongs(number)
    answer = await harness.call("GET", f"/v1/feedback/{number}", by="审计")
    assert answer.status_code == 200
    assert not any(leak in answer.text for leak in LEAKS)


async def test_whose_the_ticket_is_cannot_be_asked_so_nothing_is_shown(harness: IntakeHarness) -> None:
    number = (await harness.register(customer=CANARY))["ticket_no"]
    await harness.receiver.stop()
    answer = await harness.call("GET", f"/v1/feedback/{number}")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_an_unknown_feedback_is_not_found(harness: IntakeHarness) -> None:
    assert (await harness.call("GET", "/v1/feedback/20240520001")).status_code == 404


async def test_customers_on_tickets_are_shown_in_the_order_asked_and_logged_one_to_one(harness: IntakeHarness) -> None:
    first, second = [(await harness.register(customer=CANARY))["ticket_no"] for _ in range(2)]
    customer = (await harness.ask("GET", f"/internal/registrations/{first}")).json()["customer_id"]
    asks = [
        {"ticket_no": second, "customer_id": customer},
        {"ticket_no": first, "customer_id": customer, "in_full": True},
        {"ticket_no": "20240520001", "customer_id": "cus_unknown"},
        {"ticket_no": second, "customer_id": customer, "in_full": True},
    ]
    question = {"reader_kind": "staff", "reader_id": "王芳", "request_id": "r-2", "asks": asks}
    items = (await harness.ask("POST", "/internal/customers/show", question)).json()["items"]
    assert [item["masked"] for item in items] == [True, False, True, False]
    assert [item["phone"] for item in items] == ["139****5678", CANARY_PHONE, None, CANARY_PHONE]
    readings = await _readings(harness, reader_id="王芳")
    assert sorted(reading["ticket_no"] for reading in readings) == sorted([first, second])


async def test_a_contact_whose_reading_cannot_be_logged_is_not_read(harness: IntakeHarness, database_url: str) -> None:
    number = (await harness.register(customer=CANARY))["ticket_no"]
    owner = Database(database_url)
    async with owner.autocommit() as connection:
        never = "ALTER TABLE intake.contact_readings ADD CONSTRAINT full_log CHECK (ticket_no IS NULL) NOT VALID"
        await connection.execute(text(never))
    await owner.dispose()
    reader = {"kind": "staff", "id": "王芳", "request_id": "r-4"}
    addressed = [{"ticket_no": number, "customer_id": "any"}]
    asks = [{**addressed[0], "in_full": True}]
    question = {"reader_kind": "staff", "reader_id": "王芳", "request_id": "r-4", "asks": asks}
    for path, asked in (("show", question), ("addresses", {"asks": addressed, "reader": reader})):
        answer = await harness.ask("POST", f"/internal/customers/{path}", asked)
        assert answer.status_code == 500
        assert not any(leak in answer.text for leak in LEAKS)


async def test_a_list_that_shows_nobody_in_full_logs_nothing(harness: IntakeHarness) -> None:
    number = (await harness.register(customer=CANARY))["ticket_no"]
    asks = [{"ticket_no": number, "customer_id": "any"}]
    question = {"reader_kind": "staff", "reader_id": "王芳", "request_id": "r-3", "asks": asks}
    answer = await harness.ask("POST", "/internal/customers/show", question)
    assert not any(leak in answer.text for leak in LEAKS)
    assert await _readings(harness) == []


async def test_a_ticket_shows_the_contact_that_its_own_feedback_gave(harness: IntakeHarness) -> None:
    numbered = {"name": "韩梅梅", "customer_no": "C1001"}
    first = (await harness.register(customer={**numbered, "phone": "13800138000"}))["ticket_no"]
    second = (await harness.register(customer={**numbered, "phone": "13900139000"}))["ticket_no"]
    assert await _shown_phone(harness, first) == "+8613800138000"
    assert await _shown_phone(harness, second) == "+8613900139000"


async def test_a_correction_by_staff_stands_above_older_feedback(harness: IntakeHarness) -> None:
    number = (await harness.register(customer=CANARY))["ticket_no"]
    harness.belongs(number)
    customer = (await harness.ask("GET", f"/internal/registrations/{number}")).json()["customer_id"]
    await harness.call("PATCH", f"/v1/customers/{customer}", {"phone": "13900139000"})
    assert await _shown_phone(harness, number) == "+8613900139000"


async def test_the_audit_log_is_read_in_pages(harness: IntakeHarness) -> None:
    number = (await harness.register(customer=CANARY))["ticket_no"]
    harness.belongs(number)
    for _ in range(3):
        await harness.call("GET", f"/v1/feedback/{number}")
    first = (await harness.call("GET", "/v1/audit?limit=2", by="审计")).json()
    rest = (await harness.call("GET", f"/v1/audit?limit=2&cursor={first['next_cursor']}", by="审计")).json()
    ids = [int(item["id"]) for item in first["items"] + rest["items"]]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 3
    assert rest["next_cursor"] is None


async def test_whoever_belongs_to_a_department_reads_the_lines_of_its_tickets_alone(
    harness: IntakeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "_AT_ONCE", 2)
    monkeypatch.setattr(views, "MOST_LOOKED_AT", 4)
    harness.sign_in("物流审计", StaffRole.AUDITOR, department="logistics")
    own, other = [(await harness.register(customer=CANARY))["ticket_no"] for _ in range(2)]
    harness.belongs(own, department="logistics")
    harness.belongs(other)
    await harness.call("GET", f"/v1/feedback/{own}", by="赵敏")
    for _ in range(7):
        await harness.call("GET", f"/v1/feedback/{other}")
    await harness.call("GET", f"/v1/feedback/{own}", by="赵敏")
    assert len(await _readings(harness)) == 9
    seen, pages, cursor = [], 0, ""
    while cursor is not None:
        answer = await harness.call("GET", f"/v1/audit?limit=1{cursor and '&cursor='}{cursor}", by="物流审计")
        seen += [item["ticket_no"] for item in answer.json()["items"]]
        pages, cursor = pages + 1, answer.json()["next_cursor"]
    assert seen == [own, own]
    assert pages > 2, "a page looks through a bounded part of the log"
    for filters in (f"ticket_no={other}", "reader_id=李雷"):
        answer = await harness.call("GET", f"/v1/audit?{filters}&limit=200", by="物流审计")
        assert answer.json()["items"] == []


async def test_only_auditors_read_the_audit_log(harness: IntakeHarness) -> None:
    for name in ("李雷", "王芳", "赵敏", "管理"):
        assert (await harness.call("GET", "/v1/audit", by=name)).status_code == 403


async def test_no_contact_is_logged_or_answered_to_the_sender(
    harness: IntakeHarness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [
        await harness.call("POST", "/v1/feedback", {"channel": "web", "customer": CANARY}),
        await harness.call(
            "POST", "/v1/feedback", {"channel": "web", "description": "x", "customer": CANARY}, Idempotency_Key="k"
        ),
        await harness.call(
            "POST", "/v1/feedback", {"channel": "api", "description": "y", "customer": CANARY}, Idempotency_Key="k"
        ),
    ]
    assert [answer.status_code for answer in answers] == [422, 201, 422]
    for told in (caplog.text, *(answer.text for answer in answers)):
        assert not any(leak in told for leak in LEAKS)


async def _shown_phone(harness: IntakeHarness, ticket_no: str) -> str:
    asks = [{"ticket_no": ticket_no, "customer_id": "any", "in_full": True}]
    question = {"reader_kind": "staff", "reader_id": "王芳", "request_id": "r", "asks": asks}
    phone: str = (await harness.ask("POST", "/internal/customers/show", question)).json()["items"][0]["phone"]
    return phone
