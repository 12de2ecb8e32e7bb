"""Commands over HTTP: permission, state, version, repeats, and an answer that every read agrees with (api.md)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.services.system import OWN, System


def soon(**length: float) -> str:
    """An instant to come, as the API spells it."""
    return (datetime.now(UTC) + timedelta(**length)).isoformat().replace("+00:00", "Z")


async def types(system: System, ticket_no: str) -> list[str]:
    """The types of a ticket's events, without their prefix."""
    items = (await system.get(f"/v1/tickets/{ticket_no}/timeline", by="郑洁"))["items"]
    return [item["type"].partition(".")[2] for item in items]


async def test_an_answered_command_is_shown_by_every_read(system: System) -> None:
    ticket_no = await system.register()
    answer = await system.give(ticket_no, "accept", {"owner": system.ids["林涛"]}, by="李雷")
    view = answer.json()
    assert answer.headers["ETag"] == f'"{view["version"]}"'
    assert await system.get(f"/v1/tickets/{ticket_no}") == view
    assert (await system.get("/v1/tickets", owner=system.ids["林涛"], sort="-opened_at"))["items"][0]["status"] == (
        "processing"
    )
    assert (await types(system, ticket_no))[-2:] == ["accepted", "assigned"]


async def test_the_ticket_view_has_every_field_of_the_specification(system: System) -> None:
    view = await system.get(f"/v1/tickets/{await system.resolved()}")
    named = """ticket_no version status phase cycle kind category subcategory urgency priority service_stage channel
        language department owner co_owners accepted_by complaint_about product incident_id tags cause opened_at
        accepted_at assigned_at responded_at resolved_at confirmed_at closed_at resolution resolution_reason
        confirmation close_reason close_note policy clocks next_due_at allowed customer"""
    assert set(named.split()) <= view.keys()
    clock = "name cycle state started_at due_at met_at breached_at detected_at paused_reasons target"
    assert all(set(clock.split()) <= each.keys() for each in view["clocks"])
    assert {"id", "name", "phone", "email"} <= view["customer"].keys()
    assert view["policy"] == {"id": "d0-standard", "version": 1}
    assert view["department"] == OWN
    assert view["responded_at"] == view["resolved_at"]


async def test_an_empty_body_equals_an_empty_object(system: System) -> None:
    ticket_no = await system.register()
    headers = {"Authorization": f"Bearer {system.tokens['李雷']}"}
    assert (await system.http.post(f"/v1/tickets/{ticket_no}/accept", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("command", "body", "pointer"),
    [
        ("accept", {"kind": "wish"}, "/kind"),
        ("accept", {"owner": "nobody"}, "/owner"),
        ("accept", {"department": "nowhere"}, "/department"),
        ("accept", {"co_owners": ["nobody"]}, "/co_owners/0"),
        ("accept", {"surprise": 1}, "/surprise"),
        ("request-information", {"message": "x"}, "/fields"),
        ("request-information", {"fields": ["product.serial_no"]}, "/message"),
        ("request-information", {"fields": ["product.serial_no", "photos"], "message": "x"}, "/fields/1"),
        ("request-information", {"fields": ["serial_no"], "message": "x"}, "/fields/0"),
        ("supply-information", {}, ""),
        ("supply-information", {"product": {"colour": "red"}}, "/product/colour"),
        ("supply-information", {"customer": {"phone": "not a phone"}}, "/customer/phone"),
        ("customer-message", {}, "/message"),
        ("customer-message", {"message": "  "}, "/message"),
        ("respond", {"message": "\u200b\u3164 \n"}, "/message"),
        ("assign", {}, ""),
        ("respond", {}, "/message"),
        ("plan", {}, "/steps"),
        ("reject-plan", {}, "/reason"),
        ("progress", {"message": "x"}, "/visible"),
        ("wait", {}, "/reason"),
        ("wait", {"reason": "parts", "until": "tomorrow"}, "/until"),
        ("resolve", {"result": "resolved"}, "/summary"),
        ("resolve", {"result": "unresolved", "summary": "x"}, ""),
        ("record-callback", {"channel": "phone"}, "/outcome"),
        ("record-callback", {"outcome": "satisfied"}, "/channel"),
        ("record-callback", {"outcome": "satisfied", "channel": "phone", "score": 6}, "/score"),
        ("reopen", {}, "/reason"),
        ("close-unresolved", {"reason": "x"}, "/reason_code"),
        ("close-unresolved", {"reason_code": "no-parts"}, "/reason"),
        ("merge", {}, "/into"),
        ("merge", {"into": "19990101001"}, "/into"),
        ("reclassify", {}, ""),
        ("explain-breach", {"clock": "response"}, "/reason"),
        ("tag", {}, ""),
        ("promise", {"reason": "x"}, ""),
        ("promise", {"resolve_by": "2020-01-01T00:00:00Z", "reason": "x"}, "/resolve_by"),
    ],
)
async def test_a_wrong_body_is_refused_where_it_is_wrong(
    system: System, command: str, body: dict[str, Any], pointer: str
) -> None:
    ticket_no = await system.register()
    before = await system.get(f"/v1/tickets/{ticket_no}")
    answer = await system.give(ticket_no, command, body, by="admin")
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "validation_failed"
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert (await system.get(f"/v1/tickets/{ticket_no}"))["version"] == before["version"]


async def test_an_illegal_command_is_refused_with_what_is_legal_for_this_caller(system: System) -> None:
    ticket_no = await system.register()
    answer = await system.give(ticket_no, "resolve", {"result": "resolved", "summary": "x"}, by="林涛")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "illegal_transition")
    assert problem["allowed"] == (await system.get(f"/v1/tickets/{ticket_no}", by="林涛"))["allowed"]
    assert "accept" not in problem["allowed"]
    assert "accept" in (await system.get(f"/v1/tickets/{ticket_no}", by="李雷"))["allowed"]


async def test_what_is_allowed_is_taken_and_what_is_not_is_refused(system: System) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "respond": {"message": "x"},
        "plan": {"steps": "x"},
        "progress": {"message": "x", "visible": False},
        "customer-message": {"message": "x"},
        "tag": {"add": ["x"]},
    }
    for prepare in (system.register, system.accepted, system.resolved, system.closed):
        ticket_no = await prepare()
        for command, body in bodies.items():
            view = await system.get(f"/v1/tickets/{ticket_no}", by="林涛")
            answer = await system.give(ticket_no, command, body, by="林涛")
            expected = 200 if command in view["allowed"] else 409
            assert answer.status_code == expected, f"{command} in {view['phase']}: {answer.text}"


async def test_a_stale_version_is_refused_and_changes_nothing(system: System) -> None:
    ticket_no = await system.accepted()
    version = (await system.get(f"/v1/tickets/{ticket_no}"))["version"]
    stale = (
        f'"{version - 1}"',
        f'"{version + 1}"',
        f'"{10**12}"',
        f'W/"{version}"',
        f'"{version - 1}", "{version + 1}"',
    )
    for tags in stale:
        answer = await system.give(ticket_no, "chase", by="李雷", If_Match=tags)
        assert (answer.status_code, answer.json()["code"]) == (412, "stale_version")
    for later, tags in enumerate((f'"{version}"', f'"{version}", "{version + 1}"', "*"), 1):
        view = await system.do(ticket_no, "chase", by="李雷", If_Match=tags)
        assert view["version"] == version + later
    assert (await system.give(ticket_no, "chase", by="李雷", If_Match="first")).status_code == 422


async def test_of_two_commands_on_one_version_one_is_taken(system: System) -> None:
    ticket_no = await system.accepted()
    version = (await system.get(f"/v1/tickets/{ticket_no}"))["version"]
    answers = await asyncio.gather(
        *(system.give(ticket_no, "chase", by=by, If_Match=f'"{version}"') for by in ("李雷", "王芳", "周强"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    assert (await system.get(f"/v1/tickets/{ticket_no}"))["version"] == version + 1


async def test_a_repeat_under_the_same_key_gets_the_first_answer(system: System) -> None:
    ticket_no = await system.accepted()
    first = await system.give(ticket_no, "respond", {"message": "您好"}, by="林涛", Idempotency_Key="r-1")
    await system.do(ticket_no, "chase", by="李雷")
    again = await system.give(ticket_no, "respond", {"message": "您好"}, by="林涛", Idempotency_Key="r-1")
    assert again.headers["Idempotent-Replay"] == "true"
    assert "Idempotent-Replay" not in first.headers
    assert again.json() == first.json()
    assert again.headers["ETag"] == first.headers["ETag"]
    assert (await types(system, ticket_no)).count("responded") == 1


async def test_a_key_that_comes_with_another_body_is_refused(system: System) -> None:
    ticket_no = await system.accepted()
    await system.do(ticket_no, "respond", {"message": "一"}, by="林涛", Idempotency_Key="r-2")
    other = await system.give(ticket_no, "respond", {"message": "二"}, by="林涛", Idempotency_Key="r-2")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_key_is_its_callers_and_its_paths_alone(system: System) -> None:
    ticket_no = await system.accepted()
    for command, by in (("respond", "林涛"), ("respond", "周强"), ("customer-message", "林涛")):
        answer = await system.give(ticket_no, command, {"message": "x"}, by=by, Idempotency_Key="shared")
        assert "Idempotent-Replay" not in answer.headers
    assert (await types(system, ticket_no)).count("responded") == 2


async def test_twenty_repeats_at_once_are_one_effect_with_one_answer(system: System) -> None:
    ticket_no = await system.accepted()
    body = {"message": "配件已订购", "visible": True}
    answers = await asyncio.gather(
        *(system.insist(f"/v1/tickets/{ticket_no}/progress", body, by="林涛", Idempotency_Key="p-1") for _ in range(20))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert (await types(system, ticket_no)).count("progressed") == 1


async def test_twenty_repeats_of_a_supplement_are_kept_once_by_intake_too(system: System) -> None:
    ticket_no = await system.register(product={})
    body = {"product": {"serial_no": "SER-SUPPLIED"}, "message": "序列号如下"}
    answers = await asyncio.gather(
        *(
            system.insist(f"/v1/tickets/{ticket_no}/supply-information", body, by="李雷", Idempotency_Key="s-1")
            for _ in range(20)
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len((await system.get(f"/v1/feedback/{ticket_no}"))["supplements"]) == 1
    assert (await types(system, ticket_no)).count("information_supplied") == 1


async def test_what_was_supplied_later_is_shown_on_the_ticket(system: System) -> None:
    ticket_no = await system.register(product={"model": "BCD-500"})
    assert (await system.get(f"/v1/tickets/{ticket_no}"))["complete"] is False
    view = await system.do(
        ticket_no, "supply-information", {"product": {"serial_no": "SER-LATER"}, "complaint_about": "李四"}, by="李雷"
    )
    assert (view["complete"], view["missing"]) == (True, [])
    assert (view["product"]["model"], view["product"]["serial_no"]) == ("BCD-500", "SER-LATER")
    assert view["complaint_about"] == "李四"
    found = await system.call("POST", "/v1/tickets/search", {"q": "SER-LATER"})
    assert [item["ticket_no"] for item in found.json()["items"]] == [ticket_no]


async def test_a_repeat_is_answered_although_its_own_effect_took_the_ticket_out_of_reach(system: System) -> None:
    ticket_no = await system.accepted(owner=None)
    moved = {"department": "logistics", "reason": "物流问题"}
    first = await system.give(ticket_no, "assign", moved, by="周强", Idempotency_Key="a-1")
    assert (await system.call("GET", f"/v1/tickets/{ticket_no}", by="周强")).status_code == 403
    again = await system.give(ticket_no, "assign", moved, by="周强", Idempotency_Key="a-1")
    assert again.json()["version"] == first.json()["version"]
    assert again.headers["Idempotent-Replay"] == "true"
    assert (await system.give(ticket_no, "assign", moved, by="周强", Idempotency_Key="a-2")).status_code == 403


async def test_the_first_callback_of_a_complaint_can_be_repeated_by_the_clerk_who_made_it(system: System) -> None:
    ticket_no = await system.resolved(kind="complaint")
    body = {"outcome": "satisfied", "channel": "phone"}
    for replayed in (False, True):
        answer = await system.give(ticket_no, "record-callback", body, by="李雷", Idempotency_Key="c-1")
        assert answer.json()["phase"] == "resolved.awaiting_second_callback"
        assert ("Idempotent-Replay" in answer.headers) is replayed


async def test_the_id_of_a_request_is_echoed(system: System) -> None:
    answer = await system.call("GET", "/v1/tickets", X_Request_Id="walk-42")
    assert answer.headers["X-Request-Id"] == "walk-42"
    refused = await system.call("GET", "/v1/tickets/1", by=None, X_Request_Id="walk-43")
    assert refused.json()["request_id"] == "walk-43"


async def test_an_unknown_ticket_is_not_found(system: System) -> None:
    for path in ("", "/timeline", "/clocks"):
        for ticket_no in ("19990101001", "nonsense"):
            answer = await system.call("GET", f"/v1/tickets/{ticket_no}{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_ticket_is_readable_and_takes_commands_at_once(system: System) -> None:
    for _ in range(5):
        ticket_no = await system.register()
        assert (await system.get(f"/v1/tickets/{ticket_no}"))["phase"] == "pending.review"
        assert (await system.do(ticket_no, "accept", by="李雷"))["phase"] == "processing.assigned"


async def test_a_merged_ticket_names_the_kept_one_and_takes_nothing_more(system: System) -> None:
    kept, copy = await system.accepted(), await system.accepted()
    assert (await system.give(copy, "merge", {"into": copy}, by="李雷")).status_code == 422
    view = await system.do(copy, "merge", {"into": kept, "other_customer": True}, by="李雷")
    assert (view["close_reason"], view["merged_into"], view["allowed"]) == ("merged", kept, [])
    assert {clock["state"] for clock in view["clocks"] if not clock["met_at"]} == {"cancelled"}
    assert (await system.give(kept, "merge", {"into": copy}, by="李雷")).status_code == 422
    late = await system.give(copy, "reopen", {"reason": "x"}, by="李雷")
    assert (late.status_code, late.json()["code"]) == (409, "illegal_transition")


async def test_every_close_but_a_confirmed_one_carries_a_filed_text(system: System) -> None:
    withdrawn = await system.do(await system.register(), "withdraw", by="李雷")
    assert (withdrawn["close_reason"], bool(withdrawn["close_note"])) == ("withdrawn", True)
    unresolved = await system.do(
        await system.accepted(), "close-unresolved", {"reason_code": "no-parts", "reason": "停产"}, by="王芳"
    )
    assert (unresolved["close_reason"], unresolved["close_note"]) == ("unresolved", "停产")
    confirmed = await system.get(f"/v1/tickets/{await system.closed()}")
    assert (confirmed["close_reason"], confirmed["close_note"]) == ("confirmed", None)
    assert confirmed["confirmed_at"]


async def test_reopening_begins_the_next_cycle(system: System) -> None:
    view = await system.do(await system.closed(), "reopen", {"reason": "又坏了"}, by="李雷")
    assert (view["status"], view["cycle"], view["close_reason"], view["closed_at"]) == ("processing", 2, None, None)


async def test_a_wait_for_an_appointment_needs_an_end_only_for_the_callback(system: System) -> None:
    assert (await system.do(await system.accepted(), "wait", {"reason": "appointment"}, by="林涛"))["phase"] == (
        "processing.waiting"
    )
    ticket_no = await system.resolved()
    refused = await system.give(ticket_no, "wait", {"reason": "appointment"}, by="李雷")
    assert refused.json()["errors"][0]["pointer"] == "/until"
    until = soon(hours=30)
    view = await system.do(ticket_no, "wait", {"reason": "appointment", "until": until}, by="李雷")
    callback = next(clock for clock in view["clocks"] if clock["name"] == "callback")
    assert callback["due_at"] == until


async def test_the_reader_of_errors_is_answered_in_their_language(system: System) -> None:
    ticket_no = await system.register()
    for language, word in (("zh-CN", "工单"), ("en", "ticket")):
        answer = await system.give(ticket_no, "reopen", {"reason": "x"}, by="李雷", Accept_Language=language)
        assert word in answer.json()["detail"]


async def test_a_safety_risk_is_lowered_by_a_clerk_only_with_a_reason(system: System) -> None:
    ticket_no = await system.register(kind="fault", urgency="low", impact={"safety_risk": True})
    assert (await system.get(f"/v1/tickets/{ticket_no}", by="李雷"))["urgency"] == "urgent"
    for command, body, pointer in (
        ("accept", {"urgency": "normal"}, "/urgency"),
        ("reclassify", {"urgency": "normal"}, "/reason"),
    ):
        answer = await system.give(ticket_no, command, body, by="李雷")
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    lowered = await system.do(ticket_no, "reclassify", {"urgency": "normal", "reason": "已断电"}, by="李雷")
    assert lowered["urgency"] == "normal"
    assert (await system.do(ticket_no, "accept", {"urgency": "low"}, by="李雷"))["urgency"] == "low"


async def test_tags_and_subcategories_are_words_of_the_operations_own_script(system: System) -> None:
    ticket_no = await system.register()
    tagged = await system.do(ticket_no, "tag", {"add": ["重点客户", "recall-2026"]}, by="李雷")
    assert tagged["tags"] == ["重点客户", "recall-2026"]
    assert (await system.do(ticket_no, "accept", {"subcategory": "制冷系统"}, by="李雷"))["subcategory"] == "制冷系统"
    assert (await system.give(ticket_no, "tag", {"add": ["=HYPERLINK()"]}, by="李雷")).status_code == 422
