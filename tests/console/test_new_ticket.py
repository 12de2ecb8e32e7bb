"""The form for a call: one ticket per call, the promised times at once, and what is known of the caller."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.console.page_client import Html, PageClient, listed, path_in
from tests.services.system import System

Visit = Callable[..., PageClient]
CALL: dict[str, Any] = {
    "customer__phone": "13812345678",
    "customer__name": "韩梅梅",
    "description": "洗衣机漏水",
    "kind": "fault",
    "category": "product_fault",
    "product__model": "WM-80D",
}


async def test_a_call_becomes_a_ticket_with_its_number_and_promised_times(system: System, visit: Visit) -> None:
    client = visit("李雷")
    page = await client.send((await client.get("/tickets/new")).form("/tickets/new"), **CALL, product__serial_no="N-1")
    assert "工单已保存" in page.text
    number = next(href.removeprefix("/tickets/") for href, shown in page.links if shown.isdigit())
    assert "受理不晚于" in page.text
    feedback = await system.get(f"/v1/feedback/{number}")
    assert feedback["channel"] == "phone"
    assert feedback["description"] == "洗衣机漏水"
    assert feedback["customer"]["phone"] == "+8613812345678"
    assert feedback["product"]["serial_no"] == "N-1"


async def test_a_ticket_that_goes_to_another_department_still_tells_its_number_and_times(visit: Visit) -> None:
    client = visit("李雷")
    form = (await client.get("/tickets/new")).form("/tickets/new")
    page = await client.send(form, **{**CALL, "category": "logistics_delay"})
    number = next(shown for href, shown in page.links if shown.isdigit())
    assert "受理不晚于" in page.text
    await client.get(f"/tickets/{number}", status=403)


async def test_the_same_form_sent_twice_is_one_ticket(visit: Visit) -> None:
    client = visit("李雷")
    form = (await client.get("/tickets/new")).form("/tickets/new")
    answers = [await client.post(form.action, form.filled(**CALL)) for _ in range(2)]
    assert path_in(answers[0]) == path_in(answers[1])


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"customer__phone": "", "customer__name": "韩梅梅"}, "customer.phone"),
        ({"customer__name": ""}, "customer.name"),
        ({"customer__phone": "12"}, "customer.phone"),
        ({"customer__email": "not an address"}, "customer.email"),
        ({"impact__affected_count": "many"}, "impact.affected_count"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"description": ""}, "description"),
    ],
)
async def test_nothing_typed_is_lost_when_something_is_wrong(visit: Visit, typed: dict[str, Any], field: str) -> None:
    client = visit("李雷")
    form = (await client.get("/tickets/new")).form("/tickets/new")
    page = await client.send(form, status=422, **{**CALL, "already_tried": "关水阀", **typed})
    again = page.form("/tickets/new")
    assert ("already_tried", "关水阀") in again.fields
    assert ("kind", "fault") in again.fields
    assert ("product.model", "WM-80D") in again.fields
    assert f"{field}-error" in page.source


async def test_what_a_call_must_say_is_marked_and_asked_for_in_words(visit: Visit) -> None:
    client = visit("李雷")
    page = await client.get("/tickets/new")
    for label in ("电话", "客户姓名"):
        assert re.search(rf">{label}<span class=.required.", page.source), label
    page = await client.send(page.form("/tickets/new"), status=422, **{**CALL, "customer__phone": ""})
    assert "请填写电话、电子邮箱或微信号" in page.text
    assert "open_id" not in page.text


async def test_a_caller_who_is_known_is_shown_with_their_open_tickets_and_a_shortened_contact(
    system: System, visit: Visit
) -> None:
    earlier = await system.register(customer={"name": "韩梅梅", "phone": "+8613511122233"})
    await listed(system, earlier)
    client = visit("李雷")
    form = (await client.get("/tickets/new")).form("/tickets/new")
    answer = await client.post(
        "/tickets/new/caller", form.filled(customer__phone="135 1112 2233", description="又坏了")
    )
    page = Html(answer.text)
    assert earlier in page.text
    assert "135****2233" in page.text
    assert "先确认是否为同一问题" in page.text
    assert ("description", "又坏了") in page.form("/tickets/new").fields
    beside = await client.post(
        "/tickets/new/caller", form.filled(customer__phone="135 1112 2233"), **{"HX-Request": "true"}
    )
    assert earlier in beside.text
    assert "<form" not in beside.text


async def test_tickets_of_the_same_serial_number_are_shown(system: System, visit: Visit) -> None:
    earlier = await system.register(product={"model": "BCD-500", "serial_no": "SAME-SERIAL"})
    await listed(system, earlier)
    client = visit("李雷")
    form = (await client.get("/tickets/new")).form("/tickets/new")
    page = Html((await client.post("/tickets/new/caller", form.filled(product__serial_no="SAME-SERIAL"))).text)
    assert earlier in page.text


async def test_an_unknown_caller_is_said_to_be_new(visit: Visit) -> None:
    client = visit("李雷")
    form = (await client.get("/tickets/new")).form("/tickets/new")
    page = Html((await client.post("/tickets/new/caller", form.filled(customer__phone="13900000000"))).text)
    assert "没有找到该客户" in page.text


@pytest.mark.parametrize("name", ["林涛", "吴刚", "郑洁"])
async def test_whoever_may_not_register_is_told_before_typing(visit: Visit, name: str) -> None:
    page = await visit(name).get("/tickets/new", status=403)
    assert "没有权限" in page.text


async def test_a_safety_risk_makes_the_ticket_urgent_whatever_was_chosen(system: System, visit: Visit) -> None:
    client = visit("李雷")
    form = (await client.get("/tickets/new")).form("/tickets/new")
    page = await client.send(form, **CALL, impact__safety_risk="true", urgency="low")
    number = next(href.removeprefix("/tickets/") for href, shown in page.links if shown.isdigit())
    assert (await system.get(f"/v1/tickets/{number}"))["urgency"] == "urgent"
