"""The ticket page: what it shows to whom, commands as forms, and that nothing typed is ever lost."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from services.console.public_api.client import Api, ApiProblem, Question
from services.console.tickets.commands import COMMANDS
from services.contracts.vocabulary import CommandName
from tests.console.page_client import Html, PageClient
from tests.services.system import PEOPLE, System, until

Visit = Callable[..., PageClient]
READERS = [name for name, (role, department) in PEOPLE.items() if role != "admin" and department != "logistics"]


def commands_on(page: Html) -> set[str]:
    """The commands whose forms the page has."""
    found = (re.fullmatch(r"/tickets/\d+/([a-z-]+)", form.action.partition("#")[0]) for form in page.forms)
    return {match[1] for match in found if match}


async def types(system: System, ticket_no: str) -> list[str]:
    """Types of a ticket's events."""
    return [item["type"] for item in (await system.get(f"/v1/tickets/{ticket_no}/timeline", limit=200))["items"]]


async def test_the_page_tells_what_the_customer_reported(system: System, visit: Visit) -> None:
    ticket_no = await system.register(
        already_tried="断电重启",
        desired_solution="repair",
        situation="使用三个月",
        impact={"safety_risk": True},
        product={"model": "BCD-500", "serial_no": "T-SHOWN"},
    )
    page = await visit("李雷").get(f"/tickets/{ticket_no}")
    for told in (
        ticket_no,
        "冰箱不制冷",
        "断电重启",
        "维修",
        "使用三个月",
        "存在安全风险",
        "BCD-500",
        "T-SHOWN",
        "待受理",
        "紧急",
    ):
        assert told in page.text, told


@pytest.mark.parametrize("name", READERS)
async def test_exactly_the_commands_that_are_allowed_have_a_form(system: System, visit: Visit, name: str) -> None:
    accepted, resolved = await system.accepted(), await system.resolved()
    for ticket_no in (accepted, resolved):
        allowed = (await system.get(f"/v1/tickets/{ticket_no}", by=name))["allowed"]
        assert commands_on(await visit(name).get(f"/tickets/{ticket_no}")) == set(allowed)


def test_every_command_has_a_form() -> None:
    assert set(COMMANDS) == set(CommandName) - {CommandName.CONFIRM, *_INTERNAL}


_INTERNAL = {name for name in CommandName if name in {"remark", "join"}}


async def test_a_ticket_is_carried_to_its_end_on_its_page(system: System, visit: Visit) -> None:
    ticket_no = await system.register()
    address = f"/tickets/{ticket_no}"
    clerk, handler = visit("李雷"), visit("林涛")
    page = await clerk.send((await clerk.get(address)).form("/accept"), owner=system.ids["林涛"], kind="fault")
    assert "已受理" in page.text
    await handler.send((await handler.get(address)).form("/respond"), message="您好，我们已收到")
    await handler.send((await handler.get(address)).form("/plan"), steps="上门检测\n更换压缩机", cause="hardware")
    page = await handler.send((await handler.get(address)).form("/progress"), message="已约好上门时间", visible="true")
    assert "1. 上门检测" in page.text
    assert "客户可见" in page.text
    await handler.send((await handler.get(address)).form("/wait"), reason="parts")
    await handler.send((await handler.get(address)).form("/resume"))
    await handler.send((await handler.get(address)).form("/resolve"), result="resolved", summary="已更换压缩机")
    page = await clerk.send((await clerk.get(address)).form("/record-callback"), outcome="satisfied", score="5")
    assert "已关闭" in page.text
    view = await system.get(f"/v1/tickets/{ticket_no}")
    assert (view["status"], view["close_reason"], view["owner"]) == ("closed", "confirmed", system.ids["林涛"])


async def test_the_callback_form_tells_from_when_on_another_attempt_counts(system: System, visit: Visit) -> None:
    ticket_no = await system.resolved(customer={"name": "韩梅梅", "phone": "+8613800138112", "email": "h@example.com"})
    clerk, address = visit("李雷"), f"/tickets/{ticket_no}"
    assert "次数" not in (await clerk.get(address)).text
    page = await clerk.send((await clerk.get(address)).form("/record-callback"), outcome="not_reached")
    assert "已有 1 次未联系上的回访计入次数" in page.text
    assert "请改用：邮件" in page.text


async def test_progress_goes_to_the_customer_only_by_the_button_that_says_so(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted()
    client = visit("林涛")
    form = (await client.get(f"/tickets/{ticket_no}")).form("/progress")
    assert form.buttons == [("visible", "true"), ("visible", "false")]
    page = await client.send(form, message="内部说明", visible="false")
    assert "内部" in page.text
    timeline = await system.get(f"/v1/tickets/{ticket_no}/timeline")
    assert timeline["items"][-1]["data"]["visible"] is False


async def test_a_message_of_the_customer_is_answered_first_and_marked_until_it_is(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted()
    client = visit("林涛")

    def opened(page: Html) -> str:
        return next(str(given["id"]) for tag, given in page.tags if given.get("class") == "command" and "open" in given)

    await client.send((await client.get(f"/tickets/{ticket_no}")).form("/respond"), message="您好")
    page = await client.get(f"/tickets/{ticket_no}")
    assert (opened(page), "客户来信未回复" in page.text) == ("command-plan", False)
    await system.do(ticket_no, "customer-message", {"message": "什么时候上门？"}, by="李雷")
    page = await client.get(f"/tickets/{ticket_no}")
    assert (opened(page), "客户来信未回复" in page.text) == ("command-respond", True)
    assert "客户来信未回复" in (await client.get("/board", owner="me", sort="-opened_at")).text
    await client.send(page.form("/respond"), message="明天上午")
    page = await client.get(f"/tickets/{ticket_no}")
    assert (opened(page), "客户来信未回复" in page.text) == ("command-plan", False)


async def test_a_form_that_is_sent_twice_counts_once(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted()
    client = visit("林涛")
    form = (await client.get(f"/tickets/{ticket_no}")).form("/respond")
    for _ in range(2):
        assert (await client.post(form.action, form.filled(message="只说一次"))).status_code == 303
    assert (await types(system, ticket_no)).count("ticket.responded") == 1


async def test_a_ticket_that_changed_meanwhile_keeps_what_was_typed_and_shows_what_happened(
    system: System, visit: Visit
) -> None:
    ticket_no = await system.accepted()
    client = visit("林涛")
    form = (await client.get(f"/tickets/{ticket_no}")).form("/respond")
    await system.do(ticket_no, "customer-message", {"message": "请加急"}, by="李雷")
    page = await client.send(form, status=409, message="我的回复")
    assert "提交前工单已被更新" in page.text
    assert "请加急" in page.text[: page.text.index("经过")] + page.text
    again = page.form("/respond")
    assert ("message", "我的回复") in again.fields
    assert "仍然提交" in page.text
    assert "ticket.responded" not in await types(system, ticket_no)
    await client.send(again)
    assert (await types(system, ticket_no)).count("ticket.responded") == 1


async def test_a_command_that_became_impossible_says_what_is_possible_and_keeps_what_was_typed(
    system: System, visit: Visit
) -> None:
    ticket_no = await system.accepted()
    client = visit("林涛")
    form = (await client.get(f"/tickets/{ticket_no}")).form("/progress")
    await system.do(ticket_no, "resolve", {"result": "resolved", "summary": "完成"}, by="林涛")
    answer = await client.post(form.action, form.filled(message="还在处理", visible="false"))
    page = Html(answer.text)
    assert answer.status_code == 409
    assert "待回访" in page.text
    assert "可执行" in page.text
    assert "还在处理" in answer.text


async def test_what_is_wrong_stands_at_its_field_in_the_readers_language(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted()
    for language, words in (("zh-CN", "必填"), ("en", "Required")):
        client = visit("林涛", Accept_Language=language)
        form = (await client.get(f"/tickets/{ticket_no}")).form("/resolve")
        answer = await client.post(form.action, form.filled(result="resolved", summary=" ", cause="hardware"))
        assert answer.status_code == 422
        page = Html(answer.text)
        error = re.search(r'<p class="field-error" id="f-resolve-summary-error">([^<]*)', answer.text)
        assert error
        assert error[1] == words
        assert ("cause", "hardware") in page.form("/resolve").fields


async def test_what_the_api_finds_wrong_stands_at_its_field(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted()
    client = visit("李雷")
    form = (await client.get(f"/tickets/{ticket_no}")).form("/merge")
    answer = await client.post(form.action, form.filled(into="19990101001"))
    assert answer.status_code in {404, 422}
    assert "19990101001" in answer.text


async def test_a_date_is_read_in_the_readers_zone(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted()
    client = visit("林涛")
    client.http.cookies.set("bihuan_zone", "America/New_York")
    form = (await client.get(f"/tickets/{ticket_no}")).form("/wait")
    await client.send(form, reason="customer", until="2099-07-01T09:00")
    timeline = await system.get(f"/v1/tickets/{ticket_no}/timeline")
    assert timeline["items"][-1]["data"]["until"] == "2099-07-01T13:00:00Z"


async def test_an_answer_that_never_came_is_sent_again_with_the_same_key(
    system: System, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket_no = await system.accepted()
    client = visit("林涛")
    form = (await client.get(f"/tickets/{ticket_no}")).form("/respond")
    asked = Api.ask

    async def lose_the_answer(self: Api, app: Any, question: Question) -> Any:
        answer = await asked(self, app, question)
        if question.path.endswith("/respond"):
            raise ApiProblem(503, {"code": "engine_unavailable"})
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(Api, "ask", lose_the_answer)
        page = await client.send(form, status=503, message="已经发出的回复")
    again = page.form("/respond")
    assert "不确定是否已完成" in page.text
    assert dict(again.fields)["key"] == dict(form.fields)["key"]
    await client.send(again)
    assert (await types(system, ticket_no)).count("ticket.responded") == 1


async def test_what_was_typed_outlives_an_api_that_answers_nothing_at_all(
    system: System, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket_no = await system.accepted()
    client = visit("林涛")
    form = (await client.get(f"/tickets/{ticket_no}")).form("/respond")

    async def answer_nothing(self: Api, app: Any, question: Question) -> Any:
        raise ApiProblem(503, {"code": "unavailable"})

    with monkeypatch.context() as patch:
        patch.setattr(Api, "ask", answer_nothing)
        page = await client.send(form, status=503, message="没有送达的回复")
    assert "没有送达的回复" in page.text
    await client.send(page.form("/respond"))
    assert (await types(system, ticket_no)).count("ticket.responded") == 1


async def test_a_ticket_that_was_given_away_says_so_instead_of_an_error(system: System, visit: Visit) -> None:
    ticket_no = await system.register()
    client = visit("王芳")
    page = await client.send((await client.get(f"/tickets/{ticket_no}")).form("/assign"), department="logistics")
    assert "已转出" in page.text


async def test_the_contact_is_whole_for_those_who_handle_the_ticket_and_shortened_for_others(
    system: System, visit: Visit
) -> None:
    phone = "+8613666123987"
    ticket_no = await system.accepted(customer={"name": "韩梅梅", "phone": phone})
    assert phone in (await visit("李雷").get(f"/tickets/{ticket_no}")).source
    for name in ("吴刚", "周强", "郑洁"):
        page = await visit(name).get(f"/tickets/{ticket_no}")
        assert phone not in page.source, name
        assert "123987" not in page.source, name
        assert "136****3987" in page.text, name
    await visit("赵敏").get(f"/tickets/{ticket_no}", status=403)


async def test_a_manager_reads_no_words_and_is_told_why(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted(description="只给经办人看的内容")
    await system.do(ticket_no, "respond", {"message": "只给客户看的回复"}, by="林涛")
    page = await visit("吴刚").get(f"/tickets/{ticket_no}")
    assert "只给经办人看的内容" not in page.source
    assert "只给客户看的回复" not in page.source
    assert "看不到反馈原文" in page.text


async def test_a_page_that_waits_reads_no_contact_until_something_happens(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted()
    client = visit("李雷")
    page = await client.get(f"/tickets/{ticket_no}")

    async def readings() -> int:
        return len((await system.get("/v1/audit", by="郑洁", ticket_no=ticket_no, limit=200))["items"])

    def refresh_of(shown: Html) -> str:
        return next(str(given["hx-get"]) for _, given in shown.tags if given.get("id") == "live")

    refresh = refresh_of(page)

    async def is_quiet() -> bool:
        nonlocal refresh
        answer = await client.http.get(refresh)
        refresh = refresh_of(Html(answer.text)) if answer.status_code == 200 else refresh
        return answer.status_code == 204

    # What just happened may bring notices: until then the page looks again.
    await until(is_quiet, seconds=60)
    before = await readings()
    for _ in range(3):
        assert (await client.http.get(refresh)).status_code == 204
    assert await readings() == before
    await system.do(ticket_no, "respond", {"message": "有新进展"}, by="林涛")
    answer = await client.http.get(refresh)
    assert answer.status_code == 200
    assert "有新进展" in answer.text
    assert "<html" not in answer.text


async def test_clocks_explain_themselves_and_show_their_course(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted()
    await system.do(ticket_no, "wait", {"reason": "parts"}, by="林涛")
    page = await visit("李雷").get(f"/tickets/{ticket_no}")
    assert "为什么是这个时间" in page.text
    assert "依据策略" in page.text
    assert "bar-paused" in page.source
    assert "暂停：等配件" in page.text


async def missed(system: System) -> str:
    """A ticket of 林涛's whose progress is late: that clock starts when it has an owner."""
    applies = [{"channel": ["mini_program"], "kind": ["suggestion"]}]
    draft = {"applies": applies, "clocks": {"progress": {"target": "PT0.1S"}, "resolution": {"target": "P9D"}}}
    put = await system.call("PUT", "/v1/policies/missed-at-once?publish=true", draft, by="孙磊")
    assert put.status_code == 200, put.text
    ticket_no = await system.accepted(channel="mini_program", kind="suggestion")

    async def is_late() -> bool:
        clocks = (await system.get(f"/v1/tickets/{ticket_no}", by="林涛"))["clocks"]
        return any(clock["breached_at"] for clock in clocks)

    await until(is_late, 30)
    return ticket_no


async def test_an_owner_who_missed_a_clock_meets_the_form_for_its_reason_first(system: System, visit: Visit) -> None:
    ticket_no = await missed(system)
    handler = visit("林涛")
    form = (await handler.get(f"/tickets/{await system.accepted()}")).form("/respond")
    page = await handler.get(f"/tickets/{ticket_no}")
    assert "“进度”已超时：请先说明原因" in page.text
    opened = [given["id"] for tag, given in page.tags if tag == "details" and "open" in given]
    assert "command-explain-breach" in opened
    answer = await handler.post(f"/tickets/{ticket_no}/respond", form.filled(message="先回复再说", version=""))
    assert answer.status_code == 409
    refused = Html(answer.text)
    assert "请先说明超时原因" in refused.text
    assert "先回复再说" in refused.text
    after = await handler.send(refused.form("/explain-breach"), reason="配件缺货")
    assert "请先说明原因" not in after.text
    assert after.has_form("/respond")
    assert "已说明超时原因" in after.text


async def test_a_supervisor_ends_the_customer_s_link(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted()
    page = await visit("王芳").get(f"/tickets/{ticket_no}")
    asked = await visit("王芳").send(next(form for form in page.forms if "/link/revoke" in form.action))
    assert f"作废工单 {ticket_no} 的客户链接" in asked.text
    done = await visit("王芳").send(asked.form("/link/revoke"))
    assert "客户链接已作废" in done.text
    assert "链接已作废" in (await visit("王芳").get(f"/tickets/{ticket_no}")).text
    assert "/link/revoke" not in "".join(
        form.action for form in (await visit("李雷").get(f"/tickets/{ticket_no}")).forms
    )


async def test_a_link_is_given_away_on_the_page_and_in_no_address_and_not_to_who_works_on_the_ticket(
    system: System, visit: Visit
) -> None:
    ticket_no = await system.accepted(owner="林涛")
    client = visit("李雷")
    shown = await client.get(f"/tickets/{ticket_no}")
    given = await client.send(shown.form("/link/hand-over"))
    link = next(href for href, _ in given.links if "/t/" in href)
    assert f"{ticket_no}." in link
    assert "不会再次显示" in given.text
    assert "/t/" not in str((await client.get(f"/tickets/{ticket_no}")).links)
    for by in ("林涛", "周强"):
        assert not (await visit(by).get(f"/tickets/{ticket_no}")).has_form("/link/hand-over"), by


async def test_a_reply_says_how_the_customer_gets_it_before_and_after(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted()
    client = visit("林涛")
    shown = await client.get(f"/tickets/{ticket_no}")
    assert "没有配置邮件服务器：给客户的消息只显示在收件箱中" in shown.text
    said = await client.send(shown.form("/respond"), message="明天上门")
    assert "没有配置邮件服务器，给客户的消息显示在收件箱中" in said.text
    said = await client.send(
        (await client.get(f"/tickets/{ticket_no}")).form("/respond"), message="好", told_by="phone"
    )
    assert "由您告知客户" in said.text


async def test_what_bears_on_nothing_does_not_hold_a_form_up(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted()
    client = visit("林涛")
    form = (await client.get(f"/tickets/{ticket_no}")).form("/respond")
    await system.do(ticket_no, "tag", {"add": ["seen"]}, by="李雷")
    await system.do(ticket_no, "chase", {}, by="李雷")
    await client.send(form, message="明天上门")
    assert (await types(system, ticket_no))[-1] == "ticket.responded"


async def test_a_supervisor_chases_with_one_click(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted()
    client = visit("王芳")
    page = await client.get(f"/tickets/{ticket_no}")
    await client.send(next(form for form in page.forms if form.id == "chase-now"))
    assert "ticket.chased" in await types(system, ticket_no)
    assert "chase-now" not in {form.id for form in (await visit("林涛").get(f"/tickets/{ticket_no}")).forms}


async def test_the_page_tells_with_whom_the_ticket_was_and_links_policy_and_calendar(
    system: System, visit: Visit
) -> None:
    ticket_no = await system.accepted()
    page = await visit("李雷").get(f"/tickets/{ticket_no}")
    assert "在各部门的时间" in page.text
    assert "至今" in page.text
    links = [href for href, _ in page.links]
    assert any(href.startswith("/policies/d0-standard?version=") for href in links)
    assert any(href.startswith("/calendars/cn?version=") for href in links)


async def test_hostile_forms_are_a_page_and_never_a_failure(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted()
    client = visit("林涛")
    form = (await client.get(f"/tickets/{ticket_no}")).form("/respond")
    wrong: list[dict[str, Any]] = [
        {"message": "NUL \x00 text"},
        {"message": "x" * 30_000},
        {"message": "<script>alert(1)</script>", "version": "9" * 40},
        {"key": "short"},
        {f"f{number}": "x" for number in range(500)},
    ]
    for typed in wrong:
        answer = await client.post(form.action, {**form.filled(message="正常"), **typed})
        assert answer.status_code < 500, typed
        assert "<script>alert" not in answer.text
    for address in (f"/tickets/{ticket_no}/confirm", f"/tickets/{ticket_no}/nonsense", "/tickets/%00/respond"):
        assert 400 <= (await client.post(address, form.filled(message="x"))).status_code < 500


async def test_what_customers_write_is_never_markup(system: System, visit: Visit) -> None:
    ticket_no = await system.register(description='<img src=x onerror="alert(1)"> 不制冷')
    page = await visit("李雷").get(f"/tickets/{ticket_no}")
    assert "onerror" in page.text
    assert not [given for tag, given in page.tags if tag == "img"]
