"""The outcome of a form is said where the reader looks: every form leads to words that are scrolled to and focused."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.console.browser import Open
from tests.console.page_client import Html, PageClient
from tests.services.system import System, alerted, noticed

Visit = Callable[..., PageClient]

TICKET, ALERT, NOTICE = "/tickets/{ticket}", "/alerts", "/inbox?notice={notice}"
FORMS: Mapping[str, tuple[str, str, str, dict[str, Any]]] = {
    "a reply": ("林涛", TICKET, "/respond", {"message": "已收到"}),
    "progress": ("林涛", TICKET, "/progress", {"message": "内部说明", "visible": "false"}),
    "a link that is revoked": ("王芳", TICKET, "/link/revoke", {}),
    "an alert that is taken": ("王芳", ALERT, "/acknowledge", {}),
    "a notice that is sent again": ("李雷", NOTICE, "/resend", {}),
    "a person": ("孙磊", "/people", "/people", {"name": "何平", "username": "said", "roles": ["clerk"]}),
    "a department": ("孙磊", "/people/departments", "/departments/logistics", {}),
    "a shift": ("孙磊", "/people/on-call", "/people/on-call", {"staff": "{staff}", "from_at": "2030-01-01T09:00",
                                                             "to_at": "2030-01-01T18:00"}),
    "quiet hours": ("孙磊", "/quiet-hours", "/quiet-hours", {}),
    "a policy that is moved": ("孙磊", "/policies", "/policies/order", {"step": "up"}),
    "a draft of a policy": ("孙磊", "/policies/d0-standard/edit", "/d0-standard/edit", {}),
    "a day of a calendar": ("孙磊", "/calendars/cn?day=2030-01-02", "/calendars/cn/day", {"kind": "holiday"}),
    "a text": ("孙磊", "/keys/texts/received.zh-CN", "/keys/texts/received.zh-CN", {}),
}  # fmt: skip
WRONG: Mapping[str, tuple[str, str, str, dict[str, Any]]] = {
    "a reply without words": ("林涛", TICKET, "/respond", {"message": " "}),
    "a ticket without a customer": ("李雷", "/tickets/new", "/tickets/new", {}),
    "a password without itself": ("周强", "/account", "/account/password", {}),
    "a person without a name": ("孙磊", "/people", "/people", {}),
    "quiet hours without an end": ("孙磊", "/quiet-hours", "/quiet-hours", {"staff.on": "true", "staff.to": ""}),
    "a day with hours that are none": ("孙磊", "/calendars/cn?day=2030-01-02", "/calendars/cn/day",
                                        {"kind": "working", "hours": "mornings"}),
    "a text that cannot be written": ("孙磊", "/keys/texts/received.zh-CN", "/received.zh-CN", {"text": "{{ no }}"}),
}  # fmt: skip


def words_said(page: Html) -> list[dict[str, str | None]]:
    """The page's words on the form that was sent, as the elements that a fragment leads to."""
    return [given for _, given in page.tags if given.get("id") == "said"]


@pytest.fixture(scope="module")
async def about(system: System) -> dict[str, str]:
    """A ticket, an alert, a notice and somebody, for addresses to be filled in with."""
    ticket_no = await system.accepted()
    await alerted(system, await system.closed())
    return {"ticket": ticket_no, "notice": await noticed(system, ticket_no), "staff": system.ids["李雷"]}


@pytest.mark.parametrize("what", FORMS)
async def test_a_form_leads_to_words_that_its_address_names(visit: Visit, about: dict[str, str], what: str) -> None:
    by, address, ending, typed = FORMS[what]
    client = visit(by)
    form = (await client.get(address.format(**about))).form(ending)
    given = {name: each.format(**about) if isinstance(each, str) else each for name, each in typed.items()}
    answer = await client.post(form.action, form.filled(**given))
    if 'id="confirm"' in answer.text:
        answer = await client.answer(answer)
    location = answer.headers["location"]
    assert location.endswith("#said"), location
    said = words_said(await client.get(location))
    assert [(each["tabindex"], each["role"]) for each in said] == [("-1", "status")]


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_refused_is_said_where_the_form_leads(visit: Visit, about: dict[str, str], what: str) -> None:
    by, address, ending, typed = WRONG[what]
    client = visit(by)
    form = (await client.get(address.format(**about))).form(ending)
    answer = await client.post(form.action, {**form.filled(), **typed})
    assert answer.status_code == 422
    assert form.action.endswith("#said")
    assert [(each["tabindex"], each["role"]) for each in words_said(Html(answer.text))] == [("-1", "alert")]


async def test_a_key_is_shown_where_its_form_leads(visit: Visit) -> None:
    admin = visit("孙磊")
    form = (await admin.get("/keys")).form("/keys")
    answer = await admin.post(form.action, form.filled(name="已说明", scopes=["feedback:write"]))
    assert form.action.endswith("#said")
    assert len(words_said(Html(answer.text))) == 1


@pytest.mark.parametrize("scripts", [True, False])
async def test_what_was_done_is_in_sight_and_focused_and_said_once(
    system: System, open_page: Open, scripts: bool
) -> None:
    ticket_no = await system.accepted()
    page = await open_page(f"/tickets/{ticket_no}", by="林涛", width="phone", java_script_enabled=scripts)
    await page.locator("#form-respond textarea").scroll_into_view_if_needed()
    await page.fill("#form-respond textarea", "已收到，明天上门")
    await page.click("#form-respond button.btn-primary")
    said = page.locator("#said:focus")
    await said.wait_for()
    box = await said.bounding_box()
    assert box
    assert 52 <= box["y"] <= 844 - box["height"]
    if scripts:
        await page.wait_for_url(f"**/tickets/{ticket_no}")
