"""A complaint is nobody's own, a second callback and a later promise are a supervisor's, a department's tickets its own
(product.md 3, semantics.md 18, invariant I16)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.contracts.directory import Scope, StaffRole
from tests.services.system import System

SATISFIED = {"outcome": "satisfied", "channel": "phone"}
RESOLVED = {"result": "resolved", "summary": "已致歉"}


def from_now(**length: float) -> str:
    return (datetime.now(UTC) + timedelta(**length)).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("about", ["林涛", "维修部林涛态度恶劣", " 林涛 "])
async def test_whom_a_complaint_is_about_may_not_own_it(system: System, about: str) -> None:
    ticket_no = await system.register(kind="complaint", complaint_about=about)
    accused = system.ids["林涛"]
    for body, pointer in (({"owner": accused}, "/owner"), ({"co_owners": [accused]}, "/co_owners/0")):
        for command, by in (("accept", "李雷"), ("assign", "王芳")):
            answer = await system.give(ticket_no, command, body, by=by)
            assert answer.status_code == 422, answer.text
            assert answer.json()["errors"] == [
                {"pointer": pointer, "code": "complaint_about", "message": answer.json()["errors"][0]["message"]}
            ]
    assert (await system.do(ticket_no, "accept", {"owner": system.ids["周强"]}, by="李雷"))["owner"]


async def test_whom_a_complaint_is_about_may_not_call_back_or_close(system: System) -> None:
    ticket_no = await system.resolved(kind="complaint", complaint_about="李雷")
    for command, body in (("record-callback", SATISFIED), ("withdraw", {}), ("merge", {"into": ticket_no})):
        assert (await system.give(ticket_no, command, body, by="李雷")).status_code == 403, command
    allowed = (await system.get(f"/v1/tickets/{ticket_no}", by="李雷"))["allowed"]
    assert not {"record-callback", "withdraw", "merge", "close-unresolved"} & set(allowed)
    assert "reopen" in allowed
    assert (await system.do(ticket_no, "record-callback", SATISFIED, by="王芳"))["phase"].startswith("resolved")


async def test_an_accused_supervisor_neither_makes_the_second_callback_nor_closes(system: System) -> None:
    ticket_no = await system.resolved(kind="complaint", complaint_about="客服主管王芳")
    await system.do(ticket_no, "record-callback", SATISFIED, by="李雷")
    assert (await system.give(ticket_no, "record-callback", SATISFIED, by="王芳")).status_code == 403
    filed = {"reason_code": "x", "reason": "x"}
    assert (await system.give(ticket_no, "close-unresolved", filed, by="王芳")).status_code == 403


async def test_a_longer_name_is_another_person(system: System) -> None:
    await system.hire("Li", StaffRole.CLERK, None)
    ticket_no = await system.resolved(kind="complaint", complaint_about="Alice Lister")
    assert (await system.give(ticket_no, "record-callback", SATISFIED, by="Li")).status_code == 200


async def test_the_second_callback_of_a_complaint_is_a_supervisors(system: System) -> None:
    ticket_no = await system.resolved(kind="complaint")
    first = await system.do(ticket_no, "record-callback", SATISFIED, by="李雷")
    assert (first["phase"], "record-callback" in first["allowed"]) == ("resolved.awaiting_second_callback", False)
    assert (await system.give(ticket_no, "record-callback", SATISFIED, by="李雷")).status_code == 403
    assert "record-callback" in (await system.get(f"/v1/tickets/{ticket_no}", by="王芳"))["allowed"]
    closed = await system.do(ticket_no, "record-callback", SATISFIED, by="王芳")
    assert (closed["status"], closed["close_reason"]) == ("closed", "confirmed")


async def test_the_second_callback_by_key_needs_the_supervisors_scope(system: System) -> None:
    plain = await system.issue_key("callbacks", Scope.TICKETS_READ, Scope.TICKETS_WRITE)
    lead = await system.issue_key("second callbacks", Scope.TICKETS_SUPERVISE)
    ticket_no = await system.resolved(kind="complaint")
    await system.do(ticket_no, "record-callback", SATISFIED, by=plain)
    assert (await system.give(ticket_no, "record-callback", SATISFIED, by=plain)).status_code == 403
    assert (await system.do(ticket_no, "record-callback", SATISFIED, by=lead))["status"] == "closed"


async def test_a_date_later_than_the_policys_is_a_supervisors_to_promise(system: System) -> None:
    ticket_no = await system.accepted()
    clock = await resolution(system, ticket_no)
    later = {"resolve_by": from_now(days=30), "reason": "等待配件"}
    earlier = {"resolve_by": from_now(minutes=30), "reason": "今天上门"}
    assert (await system.give(ticket_no, "promise", later, by="林涛")).status_code == 403
    assert (await resolution(system, ticket_no))["due_at"] == clock["due_at"]
    await system.do(ticket_no, "promise", earlier, by="林涛")
    assert (await resolution(system, ticket_no))["due_at"] == earlier["resolve_by"]
    await system.do(ticket_no, "promise", later, by="王芳")
    assert (await resolution(system, ticket_no))["due_at"] == later["resolve_by"]


async def test_a_pause_opens_no_later_date(system: System) -> None:
    ticket_no = await system.accepted()
    await system.do(ticket_no, "wait", {"reason": "parts"}, by="林涛")
    assert (await resolution(system, ticket_no))["due_at"] is None
    later = {"resolve_by": from_now(days=30), "reason": "等待配件"}
    assert (await system.give(ticket_no, "promise", later, by="林涛")).status_code == 403
    assert (await system.give(ticket_no, "promise", later, by="王芳")).status_code == 200


async def test_a_complex_plan_is_the_department_heads_to_approve(system: System) -> None:
    ticket_no = await system.accepted()
    await system.do(ticket_no, "plan", {"steps": ["拆机", "更换"], "complex": True}, by="林涛")
    for by in ("林涛", "李雷", "王芳", "许晴"):
        assert (await system.give(ticket_no, "approve-plan", by=by)).status_code == 403, by
    assert (await system.do(ticket_no, "approve-plan", by="周强"))["phase"] == "processing.planned"


async def test_another_department_reads_and_changes_nothing_by_any_path(system: System) -> None:
    ticket_no = await system.accepted()
    customer = (await system.get(f"/v1/tickets/{ticket_no}"))["customer"]["id"]
    for by in ("赵敏", "钱进", "许晴", "何洁", "高原"):
        for path in ("", "/timeline", "/clocks"):
            assert (await system.call("GET", f"/v1/tickets/{ticket_no}{path}", by=by)).status_code == 403
        assert (await system.give(ticket_no, "tag", {"add": ["x"]}, by=by)).status_code == 403
        assert (await system.call("GET", f"/v1/feedback/{ticket_no}", by=by)).status_code == 403
        assert (await system.call("GET", f"/v1/customers/{customer}", by=by)).status_code == 403
        for listed in ({"limit": 200}, {"limit": 200, "customer_id": customer}):
            items = (await system.get("/v1/tickets", by=by, **listed))["items"]
            assert ticket_no not in {item["ticket_no"] for item in items}
        found = await system.call("POST", "/v1/tickets/search", {"q": ticket_no}, by=by)
        assert found.json()["items"] == []
        assert ticket_no not in await fed(system, by)
    assert ticket_no in await fed(system, "李雷")


async def test_an_owner_helps_across_departments_and_loses_the_ticket_with_the_ownership(system: System) -> None:
    ticket_no = await system.accepted()
    await system.do(ticket_no, "assign", {"co_owners": [system.ids["赵敏"]]}, by="王芳")
    view = await system.do(ticket_no, "progress", {"message": "已发货", "visible": False}, by="赵敏")
    assert view["customer"]["masked"] is False
    await system.do(ticket_no, "assign", {"co_owners": []}, by="王芳")
    assert (await system.call("GET", f"/v1/tickets/{ticket_no}", by="赵敏")).status_code == 403


async def test_a_ticket_is_not_merged_into_one_of_another_department(system: System) -> None:
    theirs = await system.register(category="logistics_delay")
    answer = await system.give(await system.accepted(), "merge", {"into": theirs}, by="李雷")
    assert answer.json()["errors"][0]["pointer"] == "/into"


async def test_a_customer_is_not_searched_by_those_who_see_no_contact(system: System) -> None:
    ticket_no = await system.accepted(customer={"name": "欧阳某某", "phone": "+8613912345678"})
    for q in ("13912345678", "欧阳某"):
        assert await found(system, q, "李雷") == [ticket_no]
        assert await found(system, q, "吴刚") == []
        assert await found(system, q, "郑洁") == []
        assert await found(system, q, "钱进") == []
    assert await found(system, ticket_no, "吴刚") == [ticket_no]


async def test_a_manager_reads_no_filed_text(system: System) -> None:
    ticket_no = await system.accepted()
    await system.do(ticket_no, "close-unresolved", {"reason_code": "x", "reason": "内部原因"}, by="王芳")
    assert (await system.get(f"/v1/tickets/{ticket_no}", by="林涛"))["close_note"] == "内部原因"
    assert "内部原因" not in str(await system.get(f"/v1/tickets/{ticket_no}", by="吴刚"))
    assert "内部原因" not in str(await system.get(f"/v1/tickets/{ticket_no}/timeline", by="吴刚"))


async def resolution(system: System, ticket_no: str) -> dict[str, Any]:
    clocks = (await system.get(f"/v1/tickets/{ticket_no}"))["clocks"]
    return next(clock for clock in clocks if clock["name"] == "resolution")


async def fed(system: System, by: str) -> set[str]:
    """The tickets that the feed tells this reader of."""
    numbers: set[str] = set()
    cursor: str | None = ""
    while cursor is not None:
        page = await system.get("/v1/events", by=by, limit=200, **({"cursor": cursor} if cursor else {}))
        numbers |= {item["ticket_no"] for item in page["items"]}
        cursor = page["next_cursor"]
    return numbers


async def found(system: System, q: str, by: str) -> list[str]:
    answer = await system.call("POST", "/v1/tickets/search", {"q": q}, by=by)
    return [item["ticket_no"] for item in answer.json()["items"]]
