"""`/t/{token}`: how a customer sees their ticket and what they can do to it (issue A2, 5; product.md 3)."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from tests.services.intake.customer_tickets import opened
from tests.services.intake.page_client import CustomerPageClient, actions, hidden_fields, text_of
from tests.services.system import System, feedback, until

VIP = {"name": "韩梅梅", "phone": "+8613700001111", "tier": "vip"}
ENDED_AT_ONCE = {
    "title": {"en": "reopened for a second"},
    "applies": [{"channel": ["mini_program"], "tier": ["vip"], "kind": ["fault"]}],
    "clocks": {"acceptance": {"target": "PT2H"}},
    "settings": {"reopen_window": "PT1S"},
}


async def test_each_phase_says_how_it_stands_and_offers_what_can_be_done(system: System) -> None:
    ticket = await opened(system)

    async def stands(words: str, offered: set[str]) -> None:
        html = await ticket.page()
        assert f"<h1>{words}</h1>" in html
        assert actions(html, ticket.address) == offered

    await stands("已收到，正在核对您的反馈", {"message", "withdraw"})
    await ticket.ask("product.serial_no")
    await stands("需要您补充一点信息", {"supply", "message", "withdraw"})
    await ticket.accept()
    await stands("已受理，正在处理", {"message", "withdraw"})
    await ticket.staff("plan", {"steps": "更换压缩机"}, by="林涛")
    await stands("方案已定，正在处理", {"message", "withdraw"})
    await ticket.staff("wait", {"reason": "parts"}, by="林涛")
    await stands("在等配件", {"message", "withdraw"})
    await ticket.staff("wait", {"reason": "customer"}, by="林涛")
    await stands("在等您的回复", {"message", "withdraw"})
    await ticket.resolve()
    await stands("已处理完，请您确认", {"confirm", "reopen", "message", "withdraw"})
    await ticket.client.do(ticket.address, "confirm")
    await stands("已解决并确认", {"reopen"})


async def test_the_promises_in_force_are_those_of_the_ticket(system: System) -> None:
    ticket = await opened(system)
    due = {clock["name"]: clock["due_at"] for clock in (await ticket.view())["clocks"]}
    html = await ticket.page()
    for name in ("acceptance", "response", "resolution"):
        shown = re.findall(r'<time datetime="([^"]+)"', html)
        assert any(_same_instant(each, due[name]) for each in shown), name


async def test_promises_stand_still_while_the_customer_owes_an_answer(system: System) -> None:
    ticket = await opened(system)
    await ticket.ask("product.serial_no")
    assert (await ticket.reads()).count("暂停计时：在等您的回复") == 3
    await ticket.client.do(ticket.address, "supply", serial_no="SER9")
    assert "暂停计时" not in await ticket.reads()


async def test_a_late_promise_is_admitted(system: System) -> None:
    applies = [{"channel": ["mini_program"], "tier": ["vip"], "kind": ["praise"]}]
    policy = {"applies": applies, "clocks": {"acceptance": {"target": "PT1S"}}}
    await _publish(system, "late-at-once", policy)
    ticket = await opened(system, channel="mini_program", customer=VIP, kind="praise")

    async def is_late() -> bool:
        return "我们晚了" in await ticket.reads()

    await until(is_late)


async def test_what_was_written_to_the_customer_is_told_and_notes_are_not(system: System) -> None:
    ticket = await opened(system, description="冰箱不制冷")
    told: dict[str, dict[str, Any]] = {
        "respond": {"message": "TOLD-answer"},
        "plan": {"steps": ["TOLD-first", "TOLD-second"], "resources": "NOTE-resources", "cause": "hardware"},
        "progress": {"message": "TOLD-progress", "visible": True},
    }
    await ticket.accept()
    for command, body in told.items():
        await ticket.staff(command, body, by="林涛")
    await ticket.staff("progress", {"message": "NOTE-progress", "visible": False}, by="林涛")
    await ticket.staff("wait", {"reason": "parts", "note": "NOTE-wait"}, by="林涛")
    await ticket.staff("resume", {"note": "NOTE-resume"}, by="林涛")
    await ticket.staff("chase", {"note": "NOTE-chase"}, by="李雷")
    await ticket.staff("assign", {"co_owners": [system.ids["周强"]], "reason": "NOTE-assign"}, by="周强")
    await ticket.staff("reclassify", {"subcategory": "NOTE-sub", "reason": "NOTE-class"}, by="李雷")
    await ticket.staff("tag", {"add": ["NOTE-tag"]}, by="林涛")
    partly = {"result": "partly_resolved", "summary": "TOLD-summary", "reason": "NOTE-why", "resources": "NOTE-cost"}
    await ticket.staff("resolve", partly, by="林涛")
    callback = {"outcome": "dissatisfied", "channel": "phone", "note": "NOTE-callback"}
    await ticket.staff("record-callback", callback, by="李雷")
    await ticket.resolve()
    await ticket.staff("reopen", {"reason": "NOTE-reopen"}, by="李雷")
    reads = await ticket.reads()
    words = ("冰箱不制冷", "TOLD-answer", "TOLD-first", "TOLD-second", "TOLD-progress", "TOLD-summary")
    places = [reads.find(each) for each in words]
    assert -1 not in places
    assert places == sorted(places)
    assert "NOTE" not in reads
    for private in ("林涛", "李雷", "周强", system.ids["林涛"], "after-sales"):
        assert private not in reads


async def test_a_complex_plan_is_told_when_it_is_approved(system: System) -> None:
    ticket = await opened(system)
    await ticket.accept()
    await ticket.staff("plan", {"steps": "换主板", "complex": True}, by="林涛")
    assert "换主板" not in await ticket.reads()
    await ticket.staff("reject-plan", {"reason": "NOTE-reject"}, by="周强")
    assert "换主板" not in await ticket.reads()
    await ticket.staff("plan", {"steps": "换压缩机", "expected_at": "2030-01-05T10:00:00Z"}, by="林涛")
    await ticket.staff("approve-plan", {"note": "NOTE-approve"}, by="周强")
    reads = await ticket.reads()
    assert "换压缩机" in reads
    assert "2030年1月5日" in reads
    assert "换主板" not in reads
    assert "NOTE" not in reads


async def test_supplying_what_was_asked_completes_the_ticket_and_ends_the_wait(system: System) -> None:
    ticket = await opened(system, product={"model": "BCD-500"}, customer={"name": "韩梅梅", "phone": "13800138000"})
    assert "还缺下面的信息" in await ticket.reads()
    await ticket.ask("product.order_no_or_serial_no", "occurred_at")
    html = await ticket.page()
    assert "请告诉我们铭牌上的号码" in text_of(html)
    assert {"serial_no", "order_no", "occurred_on", "message"} <= set(re.findall(r' name="(\w+)"', html))
    page = await ticket.client.do(
        ticket.address, "supply", serial_no="SER77", occurred_on="2026-11-20", message="看不太清"
    )
    assert "已收到补充信息" in page.text
    view = await ticket.view()
    assert (view["phase"], view["complete"], view["product"]["serial_no"]) == ("pending.review", True, "SER77")
    event = (await ticket.events())[-1]
    assert (event["type"], event["actor"]["kind"]) == ("ticket.information_supplied", "customer")
    assert event["data"]["fields"] == ["occurred_at", "product.serial_no"]
    assert "补充了起始日期、序列号" in text_of(page.text)
    assert "看不太清" in page.text


@pytest.mark.parametrize(
    ("typed", "field"),
    [({}, "supply"), ({"contact": "1"}, "contact"), ({"occurred_on": "昨天"}, "occurred_on"),
     ({"contact": "123456789012345678"}, "contact")],
)  # fmt: skip
async def test_a_wrong_supplement_comes_back_with_what_was_typed(
    system: System, typed: dict[str, str], field: str
) -> None:
    ticket = await opened(system)
    await ticket.ask("customer.contact", "occurred_at")
    answer = await ticket.client.do(ticket.address, "supply", **{"message": "", **typed})
    assert answer.status_code == 422
    assert f'href="#f-supply-{field}"' in answer.text
    for value in typed.values():
        assert f'value="{value}"' in answer.text
    assert (await ticket.view())["phase"] == "pending.awaiting_information"


async def test_a_message_reaches_the_staff_and_ends_the_wait_for_the_customer(system: System) -> None:
    ticket = await opened(system)
    await ticket.accept()
    await ticket.staff("wait", {"reason": "customer"}, by="林涛")
    page = await ticket.client.do(ticket.address, "message", message="周二下午\n在家 <b>")
    assert "留言已送达" in page.text
    assert "周二下午\n在家 &lt;b&gt;" in page.text
    assert (await ticket.view())["phase"] == "processing.assigned"
    event = (await ticket.events())[-1]
    assert event["data"] == {"resumed": True, "message": "周二下午\n在家 <b>"}
    assert event["actor"] == {"kind": "customer", "id": (await ticket.view())["customer"]["id"]}


@pytest.mark.parametrize("kind", ["fault", "complaint"])
async def test_the_customer_s_own_click_closes_as_confirmed(system: System, kind: str) -> None:
    ticket = await opened(system, kind=kind)
    await ticket.accept()
    await ticket.resolve()
    assert "压缩机已更换" in await ticket.reads()
    page = await ticket.client.do(ticket.address, "confirm")
    assert "感谢确认" in page.text
    view = await ticket.view()
    assert (view["phase"], view["close_reason"], view["confirmation"]) == ("closed", "confirmed", "satisfied")
    async with system.database.read() as connection:
        query = text("SELECT c.name, c.caller FROM workflow.tickets t JOIN workflow.commands c ON c.id = "
                     "t.close_evidence WHERE t.ticket_no = :no")  # fmt: skip
        evidence = (await connection.execute(query, {"no": ticket.ticket_no})).one()
    assert evidence == ("confirm", f"customer:{view['customer']['id']}")


async def test_a_complaint_that_waits_for_the_supervisor_can_be_confirmed_by_its_customer(system: System) -> None:
    ticket = await opened(system, kind="complaint")
    await ticket.accept()
    await ticket.resolve()
    await ticket.staff("record-callback", {"outcome": "satisfied", "channel": "phone"}, by="李雷")
    assert "主管还会与您联系" in await ticket.reads()
    await ticket.client.do(ticket.address, "confirm")
    assert (await ticket.view())["close_reason"] == "confirmed"


async def test_not_solved_takes_it_up_again_with_the_customer_s_words(system: System) -> None:
    ticket = await opened(system)
    await ticket.accept()
    await ticket.resolve()
    wrong = await ticket.client.do(ticket.address, "reopen", reason=" ")
    assert (wrong.status_code, (await ticket.view())["cycle"]) == (422, 1)
    page = await ticket.client.do(ticket.address, "reopen", reason="还是不制冷")
    assert "已重新处理" in page.text
    assert "还是不制冷" in page.text
    view = await ticket.view()
    assert (view["phase"], view["cycle"]) == ("processing.assigned", 2)
    await ticket.resolve()
    await ticket.client.do(ticket.address, "confirm")
    await ticket.client.do(ticket.address, "reopen", reason="又坏了")
    assert (await ticket.view())["cycle"] == 3


async def test_a_customer_withdraws_with_or_without_a_reason(system: System) -> None:
    for typed, reads in (({"reason": "已经好了"}, "已经好了"), ({}, "撤回反馈")):
        ticket = await opened(system)
        page = await ticket.client.do(ticket.address, "withdraw", **typed)
        assert "<h1>已撤回</h1>" in page.text
        assert reads in page.text
        view = await ticket.view()
        assert (view["close_reason"], view["close_note"]) == ("withdrawn", typed.get("reason", "客户撤回反馈。"))


@pytest.mark.parametrize("action", ["confirm", "reopen"])
async def test_what_cannot_be_done_now_is_refused_with_what_can(system: System, action: str) -> None:
    ticket = await opened(system)
    key = hidden_fields(await ticket.page(), f"{ticket.address}/message")["key"]
    before = (await ticket.view())["version"]
    form = {"key": key, "reason": "还没好 <i>"}
    answer = await ticket.client.send(f"{ticket.address}/{action}", form)
    assert answer.status_code == 409
    assert "现在不能这样操作了" in answer.text
    assert "message" in actions(answer.text, ticket.address)
    if action == "reopen":
        assert "还没好 &lt;i&gt;" in answer.text
    assert (await ticket.view())["version"] == before


async def test_the_same_form_sent_again_changes_nothing(system: System) -> None:
    ticket = await opened(system)
    form = await ticket.client.fill(
        await ticket.client.open(ticket.address), f"{ticket.address}/message", message="在吗"
    )
    answers = [await ticket.client.send(f"{ticket.address}/message", form) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {303}
    assert [event["type"] for event in await ticket.events()].count("ticket.customer_message") == 1
    other = await ticket.client.send(f"{ticket.address}/message", {**form, "message": "在不在"})
    assert other.status_code == 409
    assert "刚才已经送达" in other.text
    assert "在不在</textarea>" in other.text
    again = await ticket.client.fill(other, f"{ticket.address}/message", message="在不在")
    assert (await ticket.client.send(f"{ticket.address}/message", again)).status_code == 303
    assert [event["type"] for event in await ticket.events()].count("ticket.customer_message") == 2


async def test_a_page_confirms_the_outcome_that_it_showed_and_no_later_one(system: System) -> None:
    ticket = await opened(system)
    await ticket.accept()
    await ticket.resolve()
    shown = await ticket.client.open(ticket.address)
    drawn = {it: await ticket.client.fill(shown, f"{ticket.address}/{it}") for it in ("confirm", "reopen")}
    await ticket.staff("tag", {"add": ["vip-care"]}, by="李雷")
    await ticket.staff("reopen", {"reason": "客户来电"}, by="李雷")
    await ticket.staff("resolve", {"result": "unresolved", "summary": "没有配件", "reason": "停产"}, by="林涛")
    before = (await ticket.view())["version"]
    for action, typed in (("confirm", {}), ("reopen", {"reason": "还在漏水"})):
        answer = await ticket.client.send(f"{ticket.address}/{action}", {**drawn[action], **typed})
        assert answer.status_code == 409, action
        assert "您打开页面后，情况有了变化" in answer.text
        assert "没有配件" in answer.text
    assert "还在漏水</textarea>" in answer.text
    assert (await ticket.view())["version"] == before
    anew = await ticket.client.fill(answer, f"{ticket.address}/reopen", reason="还在漏水")
    assert (await ticket.client.send(f"{ticket.address}/reopen", anew)).status_code == 303
    assert (await ticket.view())["cycle"] == 3


async def test_what_does_not_matter_to_a_form_does_not_refuse_it(system: System) -> None:
    ticket = await opened(system)
    await ticket.accept()
    await ticket.resolve()
    form = await ticket.client.fill(await ticket.client.open(ticket.address), f"{ticket.address}/confirm")
    await ticket.staff("tag", {"add": ["vip-care"]}, by="李雷")
    await ticket.staff("respond", {"message": "还有问题请告诉我们"}, by="李雷")
    for _ in range(2):  # the second click replays the first
        assert (await ticket.client.send(f"{ticket.address}/confirm", form)).status_code == 303
    assert (await ticket.view())["close_reason"] == "confirmed"


async def test_words_for_a_form_that_the_page_has_no_more_are_kept(system: System) -> None:
    ticket = await opened(system)
    await ticket.ask("product.serial_no")
    page = await ticket.client.open(ticket.address)
    form = await ticket.client.fill(page, f"{ticket.address}/supply", serial_no="SER-KEPT", message="在背面")
    await ticket.accept()
    await ticket.resolve()
    answer = await ticket.client.send(f"{ticket.address}/supply", form)
    assert answer.status_code == 409
    assert "supply" not in actions(answer.text, ticket.address)
    assert "SER-KEPT" in answer.text
    assert "在背面" in answer.text


@pytest.mark.parametrize("basis", ["1/closed", "x/closed/-/-", "' OR 1=1", "9" * 500 + "/closed/-/-"])
async def test_a_form_that_says_what_no_page_of_ours_says_is_refused(system: System, basis: str) -> None:
    ticket = await opened(system)
    page = await ticket.client.open(ticket.address)
    form = await ticket.client.fill(page, f"{ticket.address}/withdraw", basis=basis)
    answer = await ticket.client.send(f"{ticket.address}/withdraw", form)
    assert (answer.status_code, (await ticket.view())["phase"]) == (409, "pending.review")


async def test_looking_changes_nothing(system: System) -> None:
    ticket = await opened(system)
    await ticket.accept()
    await ticket.resolve()
    before = await ticket.view()
    for action in ("", "/confirm", "/reopen", "/withdraw", "/message", "/supply", "?done=confirm"):
        answer = await ticket.client.open(ticket.address + action)
        assert answer.status_code in {200, 303}
    assert await ticket.view() == before


async def test_after_the_window_the_page_shows_the_result_and_leads_to_a_new_report(system: System) -> None:
    await _publish(system, "ended-at-once", ENDED_AT_ONCE)
    product = {"model": "BCD 500", "serial_no": "SER&1"}
    ticket = await opened(system, channel="mini_program", customer=VIP, product=product)
    await ticket.accept()
    await ticket.resolve()
    await ticket.client.do(ticket.address, "confirm")

    async def is_over() -> bool:
        return actions(await ticket.page(), ticket.address) == set()

    await until(is_over, 30)
    html = await ticket.page()
    assert "压缩机已更换" in html
    found = re.search(r'href="(/f\?[^"]+)"', html)
    assert found
    query = parse_qs(urlsplit(found[1].replace("&amp;", "&")).query)
    token = ticket.address.removeprefix("/t/")
    assert query == {"model": ["BCD 500"], "serial": ["SER&1"], "again": ["true"], "follows": [token]}
    form = {"key": "k" * 24, "reason": "又坏了"}
    answer = await ticket.client.send(f"{ticket.address}/reopen", form)
    assert answer.status_code == 409
    assert "又坏了" in answer.text
    assert found[1] in answer.text


async def test_a_merged_ticket_leads_to_the_one_that_was_kept_if_that_is_the_same_customer_s(system: System) -> None:
    customer: dict[str, Any] = feedback()["customer"]
    kept, copy = await opened(system, customer=customer), await opened(system, customer=customer)
    await copy.staff("merge", {"into": kept.ticket_no}, by="李雷")
    html = await copy.page()
    assert f'href="{kept.address}"' in html
    assert actions(html, copy.address) == set()
    stranger, other = await opened(system), await opened(system)
    await other.staff("merge", {"into": stranger.ticket_no, "other_customer": True}, by="李雷")
    assert stranger.address not in await other.page()


async def test_the_customer_of_a_copy_follows_another_customer_s_ticket_without_their_contacts(system: System) -> None:
    whole = {"name": "韩梅梅", "phone": "13911113333", "email": "han.whole@example.com"}
    kept, copy = await opened(system, customer=whole), await opened(system)
    await copy.staff("merge", {"into": kept.ticket_no, "other_customer": True}, by="李雷")
    assert "合并后还没有新的进展" in await copy.page()
    await kept.staff("accept", {"owner": system.ids["林涛"]}, by="李雷")
    await kept.staff("respond", {"message": "韩女士，我们会打您的电话"}, by="林涛")
    await kept.staff("progress", {"message": "2026-12-05 上门，联系 13911113333", "visible": True}, by="林涛")
    await kept.staff("progress", {"message": "内部：缺件", "visible": False}, by="林涛")
    await kept.staff("resolve", {"result": "resolved", "summary": "已更换，回执发往 han.whole@example.com"}, by="林涛")
    html = await copy.page()
    for told in ("2026-12-05 上门，联系 ***", "已更换，回执发往 ***", "处理完毕：已解决", kept.ticket_no):
        assert told in html
    for kept_back in ("13911113333", "139****3333", "han.whole", "韩女士", "内部：缺件", kept.address):
        assert kept_back not in html
    assert actions(html, copy.address) == set()
    await kept.staff("record-callback", {"outcome": "satisfied", "channel": "phone"}, by="李雷")
    html = await copy.page()
    assert f"反馈单 {kept.ticket_no} 已关闭" in html
    assert "您确认" not in html


async def test_the_contact_is_shown_in_part_alone(system: System) -> None:
    customer = {"name": "韩梅梅", "phone": "13911112222", "email": "secret.mail@example.com"}
    ticket = await opened(system, customer=customer)
    html = await ticket.page()
    assert "139****2222" in html
    for whole in ("13911112222", "secret.mail", "韩梅梅"):
        assert whole not in html
    wrong = await ticket.client.do(ticket.address, "message", message="")
    assert "13911112222" not in wrong.text


async def test_the_page_speaks_the_reader_s_language_else_the_feedback_s(system: System) -> None:
    ticket = await opened(system, language="en")
    for accept, words in (("zh", "正在核对"), ("en", "looking through it"), ("fr", "looking through it")):
        page = await CustomerPageClient(system.http, Accept_Language=accept).open(ticket.address)
        assert words in page.text
        assert f'lang="{page.headers["Content-Language"]}"' in page.text


async def _publish(system: System, policy_id: str, policy: dict[str, Any]) -> None:
    answer = await system.call("PUT", f"/v1/policies/{policy_id}?publish=true", policy, by="admin")
    assert answer.status_code == 200, answer.text


def _same_instant(local: str, utc: str) -> bool:
    return datetime.fromisoformat(local) == datetime.fromisoformat(utc).replace(microsecond=0)
