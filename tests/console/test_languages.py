"""A console in two languages: whose language a page is in, how it is changed, and that neither shines through."""

import re
from collections.abc import Callable

import pytest

from services.contracts.directory import Scope, StaffRole
from tests.console.page_client import Html, PageClient
from tests.services.system import OWN, System

Visit = Callable[..., PageClient]
LETTERS = re.compile(r'<section class="card block notices".*?</section>|<textarea.*?</textarea>', re.DOTALL)
"""What customers are sent is in their own language."""
FULL_WIDTH = re.compile(r"[\u3001\u3002\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f]")


async def test_the_console_speaks_the_language_of_its_reader_unless_they_chose_another(
    system: System, visit: Visit
) -> None:
    await system.hire("文英", StaffRole.CLERK, OWN)
    path = f"/v1/staff/{system.ids['文英']}"
    assert (await system.call("PATCH", path, {"language": "en"}, by="admin")).status_code == 200
    assert (await system.get("/v1/me", by="文英"))["language"] == "en"
    reader = visit("文英")
    assert "Unassigned" in (await reader.get("/board")).text
    assert "未分配" in (await reader.get("/board?lang=zh-CN")).text
    assert "未分配" in (await reader.get("/board")).text, "what was chosen is remembered"
    assert "未分配" in (await visit("李雷").get("/board")).text


@pytest.mark.parametrize(
    "address",
    ["/board?kind=fault&owner=me&owner=x", "/inbox?state=failed", "/reports/satisfaction?by=owner&kind=fault"],
)
async def test_another_language_keeps_the_filters_of_the_page(visit: Visit, address: str) -> None:
    client = visit("王芳")
    page = await client.get(address)
    other = page.address("English")
    assert other == f"?{address.partition('?')[2]}&lang=en"
    english = await client.get(address.partition("?")[0] + other)
    assert english.address("中文") == f"?{address.partition('?')[2]}&lang=zh-CN"


async def test_from_what_was_answered_to_a_form_another_language_leads_to_the_forms_page(
    system: System, visit: Visit
) -> None:
    ticket_no = await system.accepted()
    client = visit("林涛")
    form = (await client.get(f"/tickets/{ticket_no}")).form("/respond")
    came_from = f"{system.url}/tickets/{ticket_no}?done=accept"
    answer = await client.post(form.action, form.filled(message=" "), Referer=came_from)
    assert Html(answer.text).address("English") == f"/tickets/{ticket_no}?lang=en"
    for elsewhere in ("https://evil.example/x", "", f"{system.url}//evil.example/"):
        answer = await client.post(form.action, form.filled(message=" "), Referer=elsewhere)
        assert Html(answer.text).address("English") in {"/?lang=en", "/evil.example/?lang=en"}, elsewhere


async def test_the_permissions_of_a_key_are_boxes_under_headings(visit: Visit) -> None:
    page = await visit("孙磊").get("/keys")
    boxes = [given for _, given in page.tags if given.get("name") == "scopes" and given.get("type") == "checkbox"]
    assert {given["value"] for given in boxes} == set(Scope)
    headings = re.findall(r'class="option-group"><legend>([^<]*)<', page.source)
    assert headings == ["工单与客户", "事件与推送", "时限", "管理", "告警与通知", "满意度"]


async def test_no_list_is_chosen_from_in_which_a_plain_click_clears_the_others(system: System, visit: Visit) -> None:
    ticket_no = await system.register()
    seen = [("孙磊", each) for each in ("/people", "/people/departments", "/keys", "/keys/webhooks", "/policy-packs")]
    for by, address in [*seen, ("王芳", f"/tickets/{ticket_no}"), ("李雷", "/tickets/new")]:
        page = await visit(by).get(address)
        assert not [given for tag, given in page.tags if tag == "select" and "multiple" in given], address


async def test_english_pages_have_no_full_width_punctuation(system: System, visit: Visit) -> None:
    waiting, asked = (
        await system.accepted(),
        await system.register(customer={"name": "韩梅梅", "phone": "+8613700001111"}),
    )
    await system.do(waiting, "wait", {"reason": "parts"}, by="林涛")
    await system.do(waiting, "wait", {"reason": "appointment"}, by="林涛")
    await system.do(asked, "request-information", {"fields": ["product.serial_no"], "message": "Which"}, by="李雷")
    tickets = (f"/tickets/{waiting}", f"/tickets/{asked}")
    seen = {
        "王芳": ("/board", *tickets, "/alerts", "/reports/satisfaction"),
        "孙磊": ("/people", "/people/on-call", "/keys", "/policies", "/policies/d0-standard", "/publications",
                 "/calendars/cn", "/ladders", "/quiet-hours"),
    }  # fmt: skip
    for by, address in [(by, address) for by, addresses in seen.items() for address in addresses]:
        source = (await visit(by, Accept_Language="en").get(address)).source
        page = Html(LETTERS.sub("", source))
        assert [page.text[max(at.start() - 40, 0) : at.end() + 20] for at in FULL_WIDTH.finditer(page.text)] == [], (
            address
        )


async def test_policies_languages_and_people_go_by_what_they_are_called(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted()
    policy = (await system.get(f"/v1/tickets/{ticket_no}"))["policy"]["id"]
    titles = (await system.get(f"/v1/policies/{policy}"))["title"]
    page = await visit("王芳").get(f"/tickets/{ticket_no}")
    assert f"时限策略 {titles.get('zh-CN') or titles['en']} 第" in page.text
    assert "客户语言 中文" in page.text
    people = await visit("孙磊").get("/people")
    assert "姓名" in people.text
    assert "名称" not in people.text
