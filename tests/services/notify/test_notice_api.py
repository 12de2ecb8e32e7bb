"""Notices over the API: who sees which, whose text is shown to whom and logged, sending anew, texts (api.md)."""

import re
from typing import Any

import httpx
import pytest

from services.contracts.directory import Scope, StaffRole
from services.contracts.notice import NoticeKind
from tests.services.system import OTHER, SECRET, System, until

TEMPLATE = "/v1/notice-templates/chase.en"


async def notices(system: System, by: str = "郑洁", **filters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await system.get("/v1/notices", by=by, **filters))["items"]
    return found


async def told(system: System, ticket_no: str, kind: str, state: str = "sent") -> dict[str, Any]:
    """The notice of a kind on a ticket, once it is in this state."""

    async def is_there() -> bool:
        found = await notices(system, ticket_no=ticket_no, kind=kind)
        return any(each["state"] == state for each in found)

    await until(is_there, 30)
    return next(each for each in await notices(system, ticket_no=ticket_no, kind=kind) if each["state"] == state)


@pytest.fixture(scope="module")
async def ticket_no(system: System) -> str:
    """A ticket of 林涛's of whose assignment everybody has heard."""
    ticket_no = await system.accepted()
    await told(system, ticket_no, "accepted")
    await told(system, ticket_no, "assigned")
    return ticket_no


async def test_a_ticket_lists_what_was_told_about_it_newest_first(system: System, ticket_no: str) -> None:
    found = await notices(system, ticket_no=ticket_no)
    assert found[-1]["kind"] == "received"
    assert {each["kind"] for each in found} == {"received", "accepted", "assigned"}
    first = found[-1]
    assert first["channel"] == "inbox"
    assert first["state"] == "sent"
    assert first["subject"] == f"已收到您的反馈：{ticket_no}（BCD-500）"
    assert first["sent_at"] >= first["created_at"]


async def test_those_who_see_the_contact_read_the_text_with_the_name_and_nobody_the_customer_s_link(
    system: System, ticket_no: str
) -> None:
    for by in ("李雷", "林涛", "王芳"):
        (notice,) = await notices(system, by=by, ticket_no=ticket_no, kind="received")
        assert notice["text"].startswith("韩梅梅，您好：")
        assert "（客户的专属链接，仅客户可见）" in notice["text"]
        assert notice["links"] == {}
        assert "/t/" not in str(notice)


@pytest.mark.parametrize("by", ["周强", "郑洁"])
async def test_others_see_that_and_not_what_was_told(system: System, ticket_no: str, by: str) -> None:
    (notice,) = await notices(system, by=by, ticket_no=ticket_no, kind="received")
    assert notice["text"] is None
    assert notice["links"] is None
    assert "韩梅梅" not in str(notice)


async def test_each_reading_of_a_customer_s_text_is_logged_once(system: System, ticket_no: str) -> None:
    async def readings() -> int:
        found = await system.get("/v1/audit", by="郑洁", ticket_no=ticket_no, limit=200)
        return len(found["items"])

    before = await readings()
    listed = await notices(system, by="李雷", ticket_no=ticket_no)
    assert await readings() == before + 1
    for each in listed:
        await system.get(f"/v1/notices/{each['id']}", by="李雷")
    customers = sum(each["audience"] == "customer" for each in listed)
    assert await readings() == before + 1 + customers
    await notices(system, by="周强", ticket_no=ticket_no)
    assert await readings() == before + 1 + customers


async def test_another_department_sees_none_of_it_by_any_way(system: System, ticket_no: str) -> None:
    (notice,) = await notices(system, ticket_no=ticket_no, kind="received")
    for by in ("赵敏", "钱进", "何洁", "许晴", "高原"):
        assert not await notices(system, by=by, ticket_no=ticket_no)
        path = f"/v1/notices/{notice['id']}"
        assert (await system.call("GET", path, by=by)).status_code == 403
        assert (await system.call("POST", f"{path}/resend", {}, by=by)).status_code == 403


async def test_staff_read_what_is_addressed_to_them_whatever_their_role(system: System) -> None:
    await system.hire("协办一", StaffRole.MANAGER, OTHER)
    ticket_no = await system.accepted()
    await system.do(ticket_no, "assign", {"co_owners": [system.ids["赵敏"]], "reason": "请协助"}, by="周强")

    async def is_told() -> bool:
        mine = await notices(system, by="赵敏", mine=True, state="sent")
        return any(each["ticket_no"] == ticket_no for each in mine)

    await until(is_told, 30)
    (mine,) = [each for each in await notices(system, by="赵敏", mine=True) if each["ticket_no"] == ticket_no]
    assert "协办人" in mine["subject"]
    assert "> 请协助" in mine["text"]
    assert (await system.call("GET", f"/v1/notices/{mine['id']}", by="赵敏")).status_code == 200
    assert (await system.call("GET", f"/v1/notices/{mine['id']}", by="协办一")).status_code == 403
    assert await notices(system, by="协办一") == []


async def test_a_key_needs_the_scope_and_stays_in_its_department(system: System, ticket_no: str) -> None:
    reader = await system.issue_key("notices", Scope.NOTICES_READ)
    stranger = await system.issue_key("no notices", Scope.TICKETS_READ)
    foreign = await system.issue_key("foreign notices", Scope.NOTICES_READ, department=OTHER)
    (notice, *_) = await notices(system, by=reader, ticket_no=ticket_no, kind="received")
    assert notice["text"] is None
    assert (await system.call("GET", "/v1/notices", by=stranger)).status_code == 403
    assert await notices(system, by=foreign, ticket_no=ticket_no) == []
    entitled = await system.issue_key("notices and contacts", Scope.NOTICES_READ, Scope.CONTACTS_READ)
    (notice,) = await notices(system, by=entitled, ticket_no=ticket_no, kind="received")
    assert "韩梅梅" in notice["text"]


async def test_pages_follow_each_other_without_gap_or_repeat(system: System, ticket_no: str) -> None:
    everything = await notices(system, ticket_no=ticket_no)
    seen, cursor = [], ""
    while cursor is not None:
        more = {"cursor": cursor} if cursor else {}
        page = await system.get("/v1/notices", by="郑洁", ticket_no=ticket_no, limit=1, **more)
        seen += page["items"]
        cursor = page["next_cursor"]
    assert [each["id"] for each in seen] == [each["id"] for each in everything]


@pytest.mark.parametrize("query", [
    "state=gone", "channel=pigeon", "kind=x", "limit=0", "limit=201", "cursor=zzz", "cursor=WzFd", "surprise=1",
    "ticket_no=%00", "cursor=Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OV0",
])  # fmt: skip
async def test_a_strange_question_is_answered_and_never_with_a_failure(system: System, query: str) -> None:
    answer = await system.call("GET", f"/v1/notices?{query}", by="李雷")
    assert answer.status_code in {200, 400, 422}, answer.text


async def test_a_notice_is_sent_anew_with_its_key_and_a_repeat_is_one(system: System, ticket_no: str) -> None:
    (notice,) = await notices(system, ticket_no=ticket_no, kind="received")
    path = f"/v1/notices/{notice['id']}"
    answers = [await system.call("POST", f"{path}/resend", {}, by="李雷", Idempotency_Key="again") for _ in range(2)]
    assert [each.status_code for each in answers] == [202, 202]
    assert answers[1].headers["Idempotent-Replay"] == "true"
    assert answers[0].json() == answers[1].json()

    async def is_sent() -> bool:
        return bool((await system.get(path, by="郑洁"))["state"] == "sent")

    await until(is_sent, 30)
    now = await system.get(path, by="郑洁")
    assert now["resent"] == 1
    assert now["key"] == notice["key"]
    assert now["sent_at"] > notice["sent_at"]


async def test_only_those_who_may_send_anew(system: System, ticket_no: str) -> None:
    (notice,) = await notices(system, ticket_no=ticket_no, kind="accepted")
    path = f"/v1/notices/{notice['id']}/resend"
    for by in ("林涛", "郑洁", "吴刚", "孙磊"):
        assert (await system.call("POST", path, {}, by=by)).status_code == 403
    assert (await system.call("POST", "/v1/notices/n-unknown/resend", {}, by="李雷")).status_code == 404
    assert (await system.call("GET", "/v1/notices/n-unknown", by="李雷")).status_code == 404


async def test_the_customer_s_link_to_the_survey_is_in_no_notice(system: System) -> None:
    ticket_no = await system.closed()
    survey = await told(system, ticket_no, "survey")
    for by in ("王芳", "林涛", "李雷"):
        assert re.search(r"/[st]/\S{20,}", str(await system.get(f"/v1/notices/{survey['id']}", by=by))) is None


async def test_every_text_is_listed_with_what_it_may_name(system: System) -> None:
    found = (await system.get("/v1/notice-templates", by="孙磊"))["items"]
    assert len(found) == 2 * len(NoticeKind)
    received = next(each for each in found if each["id"] == "received.zh-CN")
    assert received["built_in"]
    assert {"customer", "ticket_no", "acceptance_by"} <= set(received["variables"])


async def test_a_text_is_edited_by_version_and_used_from_then_on(system: System, ticket_no: str) -> None:
    read = await system.call("GET", TEMPLATE, by="孙磊")
    assert read.headers["ETag"] == '"0"'
    new = {"subject": "Hurry: {{ ticket_no }}", "text": "Please.\n\n{{ console_link }}"}
    put = await system.call("PUT", TEMPLATE, new, by="孙磊", If_Match='"0"')
    assert put.status_code == 200, put.text
    assert (put.json()["version"], put.headers["ETag"], put.json()["built_in"]) == (1, '"1"', False)
    assert put.json()["updated_by"] == system.ids["孙磊"]
    assert (await system.call("PUT", TEMPLATE, new, by="孙磊", If_Match='"0"')).status_code == 412
    again = await system.call("PUT", TEMPLATE, {**new, "subject": "Now: {{ ticket_no }}"}, by="孙磊")
    assert again.json()["version"] == 2
    assert (await system.get(TEMPLATE, by="王芳"))["subject"] == "Now: {{ ticket_no }}"


async def test_a_broken_text_is_refused_with_line_and_reason_and_nothing_changes(system: System) -> None:
    path = "/v1/notice-templates/chase.zh-CN"
    for text in ("一\n二 {{ nobody }}", "一\n{% for x in y %}{% endfor %}", "一\n{{ "):
        answer = await system.call("PUT", path, {"subject": "s", "text": text}, by="孙磊")
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert (error["pointer"], error["code"]) == ("/text", "broken_template")
        assert "line 2" in error["message"]
    assert (await system.get(path, by="孙磊"))["version"] == 0


async def test_a_preview_shows_sample_facts_and_stores_nothing(system: System) -> None:
    path = "/v1/notice-templates/received.en"
    shown = (await system.call("POST", f"{path}/preview", {}, by="孙磊")).json()
    assert shown["text"].startswith("Dear 韩梅梅,")
    assert "<html" in shown["html"]
    own = (await system.call("POST", f"{path}/preview", {"text": "<b>{{ customer }}</b>"}, by="孙磊")).json()
    assert own["text"] == "<b>韩梅梅</b>"
    assert "&lt;b&gt;" in own["html"]
    assert (await system.get(path, by="孙磊"))["version"] == 0


async def test_texts_are_for_those_who_keep_them(system: System) -> None:
    body = {"subject": "s", "text": "{{ ticket_no }}"}
    for by, reads, writes in (("孙磊", 200, 200), ("王芳", 200, 403), ("郑洁", 200, 403), ("李雷", 403, 403)):
        assert (await system.call("GET", "/v1/notice-templates/plan.en", by=by)).status_code == reads
        assert (await system.call("PUT", "/v1/notice-templates/plan.en", body, by=by)).status_code == writes
    assert (await system.call("GET", "/v1/notice-templates/plan.fr", by="孙磊")).status_code == 404
    assert (await system.call("PUT", "/v1/notice-templates/plan.fr", body, by="孙磊")).status_code == 404


async def test_another_service_submits_asks_and_takes_back(system: System) -> None:
    asked = {"key": "survey/1/invitation", "ticket_no": None, "kind": "webhook_exhausted", "audience": "staff",
             "recipient": system.ids["孙磊"], "at": "2026-11-20T06:30:00Z", "facts": {"webhook_id": "w-1"}}  # fmt: skip
    headers = {"Authorization": f"Bearer {SECRET}"}
    async with httpx.AsyncClient(base_url=system.internal, trust_env=False, headers=headers) as http:
        first, second = [(await http.post("/internal/notices", json=asked)).json() for _ in range(2)]
        assert first["id"] == second["id"]
        standing = await http.get("/internal/notices/survey/1/invitation")
        assert standing.json()["id"] == first["id"]
        assert (await http.get("/internal/notices/survey/2/invitation")).status_code == 404
        taken_back = await http.post("/internal/notices/cancel", json={"prefix": "survey/2/"})
        assert taken_back.json() == {"cancelled": 0}
        without = await http.post("/internal/notices", json=asked, headers={"Authorization": "Bearer x"})
        assert without.status_code == 401
