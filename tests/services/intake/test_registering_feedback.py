"""POST /v1/feedback (api.md, product.md 4)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.contracts.feedback import Feedback
from services.intake.feedback.origins import Origin
from services.runtime.errors import ValidationFailed
from tests.services.intake.harness import IntakeHarness, feedback, keyed


def _pointers(problem: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in problem["errors"]]


async def test_a_registered_feedback_answers_number_proposal_promises_and_link(harness: IntakeHarness) -> None:
    answer = await harness.call(
        "POST",
        "/v1/feedback",
        {
            "channel": "web", "language": "zh-CN",
            "customer": {"name": "张三", "phone": "+8613800138000", "email": None, "customer_no": "C1001",
                         "tier": "vip"},
            "product": {"model": "BCD-500", "serial_no": "SER20230915002", "order_no": "ORD2023901",
                        "purchased_on": "2026-08-01"},
            "service_stage": "after_sales", "kind": "fault", "category": "product_fault", "urgency": "urgent",
            "description": "冰箱不制冷", "occurred_at": "2026-11-20T06:30:00Z", "situation": "使用3个月出现此问题",
            "already_tried": "断电重启", "complaint_about": None, "desired_solution": "repair", "expected_by": None,
            "impact": {"safety_risk": False, "affected_count": 1},
        },
    )  # fmt: skip
    assert answer.status_code == 201
    registered = answer.json()
    assert registered["ticket_no"][:8].isdigit()
    assert int(registered["ticket_no"][8:]) == 1
    assert (registered["status"], registered["phase"]) == ("pending", "pending.review")
    assert (registered["complete"], registered["missing"]) == (True, [])
    assert registered["proposed"] == {
        "kind": "fault", "category": "product_fault", "urgency": "urgent", "priority": "high", "rule": "stated",
    }  # fmt: skip
    assert registered["received_at"] < registered["promised"]["accept_by"]
    assert registered["received_at"] < registered["promised"]["respond_by"]
    assert registered["links"]["ticket"].startswith(f"http://bihuan.example/t/{registered['ticket_no']}.1.")


async def test_channel_and_description_are_required(harness: IntakeHarness) -> None:
    answer = await harness.call("POST", "/v1/feedback", {})
    assert answer.status_code == 422
    assert sorted(_pointers(answer.json())) == ["/channel", "/description"]


async def test_a_form_needs_a_name_and_one_contact(harness: IntakeHarness) -> None:
    answer = await harness.call("POST", "/v1/feedback", feedback(customer={}))
    assert answer.status_code == 422
    assert _pointers(answer.json()) == ["/customer/name", "/customer"]


@pytest.mark.parametrize("channel", ["web", "app", "mini_program", "qr", "phone", "chat", "api"])
async def test_every_form_and_program_needs_a_sender(harness: IntakeHarness, channel: str) -> None:
    answer = await harness.call("POST", "/v1/feedback", feedback(channel=channel, customer={"customer_no": "C1"}))
    assert answer.status_code == 422


@pytest.mark.parametrize("channel", ["email", "wechat", "social", "import"])
async def test_what_brings_its_own_sender_is_registered_without_a_name(harness: IntakeHarness, channel: str) -> None:
    registered = await harness.register(channel=channel, customer={})
    assert (registered["complete"], registered["missing"]) == (False, ["customer.contact"])


@pytest.mark.parametrize(
    "contact", [{"phone": "13800138000"}, {"email": "h@example.com"}, {"wechat_open_id": "oAbCdE"}]
)
async def test_any_one_contact_suffices(harness: IntakeHarness, contact: dict[str, str]) -> None:
    registered = await harness.register(customer={"name": "韩梅梅", **contact})
    assert registered["complete"]


@pytest.mark.parametrize("phone", ["not a phone", "123", "+99912345678901234"])
async def test_an_impossible_phone_is_refused(harness: IntakeHarness, phone: str) -> None:
    answer = await harness.call("POST", "/v1/feedback", feedback(customer={"name": "韩梅梅", "phone": phone}))
    assert answer.status_code == 422
    assert _pointers(answer.json()) == ["/customer/phone"]


@pytest.mark.parametrize("kind", ["complaint", "fault"])
async def test_a_complaint_or_fault_without_order_and_serial_number_is_stored_as_incomplete(
    harness: IntakeHarness, kind: str
) -> None:
    registered = await harness.register(kind=kind, product={"model": "BCD-500"})
    assert (registered["complete"], registered["missing"]) == (False, ["product.order_no_or_serial_no"])


@pytest.mark.parametrize("kind", ["consultation", "suggestion", "praise"])
async def test_other_kinds_are_complete_without_a_product(harness: IntakeHarness, kind: str) -> None:
    registered = await harness.register(kind=kind, product={})
    assert registered["complete"]


@pytest.mark.parametrize("product", [{"order_no": "ORD2023901"}, {"serial_no": "SER20230915002"}])
async def test_an_order_or_a_serial_number_completes_a_fault(harness: IntakeHarness, product: dict[str, str]) -> None:
    assert (await harness.register(product=product))["complete"]


async def test_what_the_sender_left_out_is_proposed(harness: IntakeHarness) -> None:
    registered = await harness.register(kind=None, category=None, urgency=None)
    assert registered["proposed"] == {
        "kind": "fault", "category": "product_fault", "urgency": "normal", "priority": "medium",
        "rule": "keyword:不制冷",
    }  # fmt: skip


async def test_a_product_fault_is_proposed_as_a_fault(harness: IntakeHarness) -> None:
    registered = await harness.register(kind=None, description="请看附件")
    assert (registered["proposed"]["kind"], registered["proposed"]["rule"]) == ("fault", "default")


async def test_a_safety_risk_is_urgent_whatever_was_stated(harness: IntakeHarness) -> None:
    registered = await harness.register(urgency="low", impact={"safety_risk": True})
    assert registered["proposed"]["urgency"] == "urgent"
    assert (registered["proposed"]["priority"], registered["proposed"]["rule"]) == ("high", "safety_risk")


@pytest.mark.parametrize(("affected", "priority"), [(4, "low"), (5, "high"), (6, "high")])
async def test_five_affected_customers_make_the_priority_high(
    harness: IntakeHarness, affected: int, priority: str
) -> None:
    registered = await harness.register(urgency="low", impact={"affected_count": affected})
    assert registered["proposed"]["priority"] == priority


async def test_a_vip_gains_one_step_of_priority(harness: IntakeHarness) -> None:
    vip = {"name": "韩梅梅", "phone": "13800138000", "tier": "vip"}
    assert (await harness.register(urgency="low", customer=vip))["proposed"]["priority"] == "medium"
    assert (await harness.register(urgency="normal", customer=vip))["proposed"]["priority"] == "high"


async def test_a_known_vip_is_one_without_saying_so(harness: IntakeHarness) -> None:
    await harness.register(customer={"name": "韩梅梅", "phone": "13800138000", "tier": "vip"})
    registered = await harness.register(customer={"name": "韩梅梅", "phone": "+86 138 0013 8000"})
    assert registered["proposed"]["priority"] == "high"


@pytest.mark.parametrize(("ahead", "status"), [(timedelta(hours=23), 201), (timedelta(hours=25), 422)])
async def test_what_occurred_more_than_a_day_ahead_is_refused(
    harness: IntakeHarness, ahead: timedelta, status: int
) -> None:
    occurred_at = (datetime.now(UTC) + ahead).isoformat()
    answer = await harness.call("POST", "/v1/feedback", feedback(occurred_at=occurred_at))
    assert answer.status_code == status


async def test_a_policy_that_promises_nothing_promises_nothing(harness: IntakeHarness) -> None:
    policy = {"id": "none", "version": 1, "clocks": {}}
    answer = await harness.ask("PUT", "/internal/promises", {"generation": 1, "policies": [policy], "calendars": []})
    assert answer.json() == {"taken": True}
    assert (await harness.register())["promised"] == {"accept_by": None, "respond_by": None}


async def test_an_older_generation_of_promises_is_ignored(harness: IntakeHarness) -> None:
    policy = {"id": "newer", "version": 2, "clocks": {}}
    await harness.ask("PUT", "/internal/promises", {"generation": 2, "policies": [policy], "calendars": []})
    older = await harness.ask("PUT", "/internal/promises", {"generation": 1, "policies": [], "calendars": []})
    assert older.json() == {"taken": False}
    registration = await harness.ask("GET", f"/internal/registrations/{(await harness.register())['ticket_no']}")
    assert registration.json()["policy"]["id"] == "newer"


async def test_the_workflow_service_learns_everything_but_the_contact(harness: IntakeHarness) -> None:
    registered = await harness.register(complaint_about="李雷", language="en")
    answer = await harness.ask("GET", f"/internal/registrations/{registered['ticket_no']}")
    registration = answer.json()
    assert registration["received_at"] == registered["received_at"]
    assert registration["complaint_about"] == "李雷"
    assert registration["policy"]["id"] == "d0-standard"
    due = {each["clock"]: each["due_at"] for each in registration["promises"]}
    assert due["acceptance"] == registered["promised"]["accept_by"]
    assert due["response"] == registered["promised"]["respond_by"]
    assert "resolution" in due
    assert "13800138000" not in answer.text
    assert "韩梅梅" not in answer.text


async def test_an_incomplete_feedback_starts_the_information_request(harness: IntakeHarness) -> None:
    registered = await harness.register(product={})
    registration = (await harness.ask("GET", f"/internal/registrations/{registered['ticket_no']}")).json()
    assert "information_request" in {each["clock"] for each in registration["promises"]}


async def test_who_may_not_register_is_refused_before_the_body_is_looked_at(harness: IntakeHarness) -> None:
    assert (await harness.call("POST", "/v1/feedback", {}, by="管理")).status_code == 403
    assert (await harness.call("POST", "/v1/feedback", feedback(), by=None)).status_code == 401


async def test_a_program_s_phone_that_cannot_be_one_is_kept_and_marked_if_there_is_another_contact(
    harness: IntakeHarness,
) -> None:
    program = Origin(keyed("api_key:app", "once"), is_program=True)
    customer = {"name": "韩梅梅", "phone": "1380013800", "email": "h@example.com"}
    sent = Feedback.model_validate(feedback(customer=customer))
    answers = [(await harness.intake.registrar.register(sent, program)).registered for _ in range(2)]
    assert [(each.complete, each.unusable) for each in answers] == [(True, ("phone",))] * 2
    number = answers[0].ticket_no
    harness.belongs(number)
    shown = (await harness.call("GET", f"/v1/feedback/{number}")).json()["customer"]
    assert (shown["phone"], shown["email"], shown["unusable"]) == ("1380013800", "h@example.com", ["phone"])
    found = (await harness.ask("GET", f"/internal/registrations/{number}")).json()["customer_id"]
    assert (await harness.call("GET", f"/v1/customers/{found}")).json()["phone"] is None


async def test_without_another_contact_or_from_a_person_it_is_refused_at_its_field(harness: IntakeHarness) -> None:
    alone = Feedback.model_validate(feedback(customer={"name": "韩梅梅", "phone": "1380013800"}))
    with pytest.raises(ValidationFailed):
        await harness.intake.registrar.register(alone, Origin(keyed("api_key:app"), is_program=True))
    customer = {"name": "韩梅梅", "phone": "1380013800", "email": "h@example.com"}
    answer = await harness.call("POST", "/v1/feedback", feedback(customer=customer))
    assert answer.status_code == 422
    assert _pointers(answer.json()) == ["/customer/phone"]
