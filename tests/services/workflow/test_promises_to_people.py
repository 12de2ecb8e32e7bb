"""Clocks as people see them, and demands of clocks on people: reasons first, explanations, dates, open questions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.workflow.views.schemas import LedgerPage
from tests.services.system import OWN, System, until

HASTE = {
    "applies": [{"kind": "praise", "category": "usage_question", "urgency": "low"}],
    "calendar": "always",
    "clocks": {"progress": {"target": "PT0.1S", "ladder": "default"}, "response": {"target": {"low": None}}},
}
HASTY = {"kind": "praise", "category": "usage_question", "urgency": "low"}
SATISFIED = {"outcome": "satisfied", "channel": "phone"}


def instant(**ahead: float) -> str:
    """An instant from now, as the API spells it."""
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat().replace("+00:00", "Z")


@pytest.fixture(scope="module")
async def hasty(system: System) -> System:
    """A shop that promises progress at once, for one kind of ticket that no other test has."""
    answer = await system.call("PUT", "/v1/policies/in-haste?publish=true", HASTE, by="孙磊")
    assert answer.status_code == 200, answer.text
    return system


async def missed(system: System) -> str:
    """A ticket whose owner 林涛 has missed a clock."""
    ticket_no = await system.accepted(**HASTY)

    async def is_breached() -> bool:
        view = await system.get(f"/v1/tickets/{ticket_no}")
        return any(clock["state"] == "breached" for clock in view["clocks"])

    await until(is_breached, 30)
    return ticket_no


async def test_the_owner_s_next_step_waits_for_the_reason_of_a_missed_clock(hasty: System) -> None:
    ticket_no = await missed(hasty)
    refused = await hasty.give(ticket_no, "respond", {"message": "已安排"}, by="林涛", Accept_Language="en")
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    assert refused.json()["clock"] == "progress"
    assert "progress" in refused.json()["detail"]
    assert "explain-breach" in refused.json()["allowed"]
    assert "respond" not in refused.json()["allowed"]
    shown = await hasty.get(f"/v1/tickets/{ticket_no}", by="林涛")
    assert shown["allowed"] == refused.json()["allowed"]
    assert "respond" in (await hasty.get(f"/v1/tickets/{ticket_no}", by="李雷"))["allowed"]
    await hasty.do(ticket_no, "explain-breach", {"clock": "progress", "reason": "配件未到"}, by="林涛")
    answered = await hasty.do(ticket_no, "respond", {"message": "已安排"}, by="林涛")
    assert answered["responded_at"] is not None


async def test_a_clock_is_told_with_its_ladder_its_reason_and_what_it_took(hasty: System) -> None:
    ticket_no = await missed(hasty)
    page = await hasty.get(f"/v1/tickets/{ticket_no}/clocks")
    (progress,) = [clock for clock in page["items"] if clock["name"] == "progress"]
    assert (progress["ladder"], progress["explained"], progress["excused_at"]) == ("default", False, None)
    assert progress["overdue_seconds"] is not None
    assert progress["provisional"] is False
    assert progress["explanation"]
    await hasty.do(ticket_no, "explain-breach", {"clock": "progress", "reason": "配件未到"}, by="林涛")
    again = await hasty.get(f"/v1/tickets/{ticket_no}/clocks")
    assert [clock["explained"] for clock in again["items"] if clock["name"] == "progress"] == [True]


async def test_the_page_of_clocks_tells_with_whom_the_ticket_was_and_all_totals(system: System) -> None:
    ticket_no = await system.resolved()
    await system.do(ticket_no, "reopen", {"reason": "又坏了"}, by="李雷")
    page = await system.get(f"/v1/tickets/{ticket_no}/clocks", limit=1)
    assert len(page["items"]) == 1
    assert LedgerPage.model_validate(page)
    first, *_, last = page["departments"]
    assert (first["department"], first["owner"], last["owner"], last["to"]) == (OWN, None, system.ids["林涛"], None)
    assert all(it["working_seconds"] <= it["seconds"] + 1 for it in page["departments"])
    totals = {it["clock"]: it for it in page["totals"]}
    assert totals["resolution"]["cycles"] == 2
    assert totals["response"]["cycles"] == 1
    assert {"ran_seconds", "elapsed_seconds"} <= totals["resolution"].keys()


async def test_a_low_priority_answer_by_appointment_is_promised_by_a_person(hasty: System) -> None:
    ticket_no = await hasty.accepted(owner=None, **HASTY)
    body = {"respond_by": instant(days=30), "reason": "客户下月回来"}
    view = await hasty.do(ticket_no, "promise", body, by="林涛")
    (response,) = [clock for clock in view["clocks"] if clock["name"] == "response"]
    assert (response["state"], response["due_at"][:16]) == ("running", body["respond_by"][:16])
    later = await hasty.give(ticket_no, "promise", {"respond_by": instant(days=31), "reason": "x"}, by="林涛")
    assert later.status_code == 403
    await hasty.do(ticket_no, "promise", {"respond_by": instant(days=29), "reason": "x"}, by="林涛")
    await hasty.do(ticket_no, "promise", {"respond_by": instant(days=31), "reason": "x"}, by="王芳")
    await hasty.do(ticket_no, "respond", {"message": "您好"}, by="李雷")
    answered = await hasty.give(ticket_no, "promise", {"respond_by": instant(days=2), "reason": "x"}, by="王芳")
    assert answered.json()["errors"][0]["pointer"] == "/respond_by"


async def test_a_supervisor_s_later_date_opens_no_later_date_for_a_handler(system: System) -> None:
    ticket_no = await system.accepted()
    await system.do(ticket_no, "promise", {"resolve_by": instant(days=60), "reason": "x"}, by="王芳")
    handler = await system.give(ticket_no, "promise", {"resolve_by": instant(days=50), "reason": "x"}, by="林涛")
    assert handler.status_code == 403
    await system.do(ticket_no, "promise", {"resolve_by": instant(hours=2), "reason": "x"}, by="林涛")


async def test_another_kind_brings_the_policy_that_applies_to_it_and_the_same_one_keeps_its_version(
    hasty: System,
) -> None:
    ticket_no = await hasty.accepted(kind="suggestion", category="usage_question", urgency="low")
    before = (await hasty.get(f"/v1/tickets/{ticket_no}"))["policy"]
    view = await hasty.do(ticket_no, "reclassify", {"kind": "praise"}, by="李雷")
    assert view["policy"]["id"] == "in-haste"
    assert {clock["name"] for clock in view["clocks"] if clock["state"] == "cancelled"} >= {"resolution"}
    again = await hasty.do(ticket_no, "reclassify", {"kind": "suggestion"}, by="李雷")
    assert again["policy"] == before
    live = {clock["name"] for clock in again["clocks"] if clock["state"] in {"running", "paused", "breached"}}
    assert {"resolution", "response", "progress"} <= live


async def test_a_question_that_a_callback_left_open_becomes_a_linked_consultation(system: System) -> None:
    ticket_no = await system.resolved()
    body = {**SATISFIED, "open_question": "如何使用除霜功能？", "called_at": instant(seconds=-0.1)}
    first = await system.insist(f"/v1/tickets/{ticket_no}/record-callback", body, Idempotency_Key=f"{ticket_no}-q")
    assert first.status_code == 200, first.text
    (number,) = first.json()["followed_by"]
    again = await system.insist(f"/v1/tickets/{ticket_no}/record-callback", body, Idempotency_Key=f"{ticket_no}-q")
    assert again.json() == first.json()
    follow_up = await system.get(f"/v1/tickets/{number}")
    assert (follow_up["follows"], follow_up["kind"], follow_up["complete"]) == (ticket_no, "consultation", True)
    assert follow_up["customer"]["id"] == first.json()["customer"]["id"]
    (response,) = [clock for clock in follow_up["clocks"] if clock["name"] == "response"]
    assert response["target"] == "PT24H"
    accepted = await system.do(number, "accept", {}, by="李雷")
    assert [clock["due_at"] for clock in accepted["clocks"] if clock["name"] == "response"] == [response["due_at"]]
    arrived = await system.get(f"/v1/feedback/{number}")
    assert (arrived["follows"], arrived["description"]) == (ticket_no, body["open_question"])
    items = (await system.get(f"/v1/tickets/{ticket_no}/timeline", by="郑洁"))["items"]
    (recorded,) = [item["data"] for item in items if item["type"] == "ticket.callback_recorded"]
    assert (recorded["follow_up"], recorded["recorded_late"]) == (number, False)


async def test_vain_callbacks_one_after_the_other_are_recorded_and_close_nothing(system: System) -> None:
    ticket_no = await system.resolved(customer={"name": "韩梅梅", "phone": "+8613800138111", "email": "h@example.com"})
    for _ in range(3):
        view = await system.do(ticket_no, "record-callback", {"outcome": "not_reached", "channel": "phone"}, by="李雷")
    assert (view["phase"], view["callback_attempts"]) == ("resolved.awaiting_callback", 1)
    assert view["callback_counts_from"] > instant()
    assert view["callback_channels_left"] == ["email"]
    items = (await system.get(f"/v1/tickets/{ticket_no}/timeline"))["items"]
    told = [item["data"] for item in items if item["type"] == "ticket.callback_recorded"]
    assert [data["counts"] for data in told] == [True, False, False]
    assert {data["next_counts_from"] for data in told} == {view["callback_counts_from"]}
    assert all("customer_channels" not in data for data in told)


@pytest.mark.parametrize("seconds", [-3600, -120])
async def test_a_plan_for_the_past_is_refused(system: System, seconds: float) -> None:
    body = {"steps": ["更换"], "expected_at": instant(seconds=seconds)}
    answer = await system.give(await system.accepted(), "plan", body, by="林涛", Accept_Language="zh-CN")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"], error["code"]) == (422, "/expected_at", "in_the_past")
    assert error["message"] == "请填写尚未到来的时间"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"called_at": instant(hours=1)}, "/called_at"),
        ({"called_at": instant(hours=-9)}, "/called_at"),
        ({"outcome": "not_reached", "open_question": "？"}, ""),
        ({"follow_up": "20260101001"}, "/follow_up"),
    ],
)
async def test_a_callback_that_cannot_have_been_is_refused(system: System, body: dict[str, Any], pointer: str) -> None:
    ticket_no = await system.resolved()
    answer = await system.give(ticket_no, "record-callback", {**SATISFIED, **body}, by="李雷")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
